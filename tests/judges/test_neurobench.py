"""NeuroBench counts the synaptic operations of the same networks: https://neurobench.readthedocs.io.

Its rules: inputs and weights are binarised, so that zero weights do not count; the bias is left out; a call with spikes
is ACs, a call with other values is MACs; Dense has every input and weight; all are means per sample. It swallows its
own errors and returns 0.0, hence every figure must be more than 0. It counts a value of 2 as one operation and a
delayed or recurrent connection as often as its layer is called, so it is shown what `playback` plays back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from msenas.hardware.census import take_census
from msenas.hardware.counts import SpikeCounts, count
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT
from tests.judges import playback

benchmarks = pytest.importorskip("neurobench.benchmarks", reason="neurobench is not installed; `make judges` does")
models = pytest.importorskip("neurobench.models")
workload = pytest.importorskip("neurobench.metrics.workload")

EXACT = 1e-6
"""Relative tolerance; NeuroBench divides by the samples after the sum."""


class Replay(nn.Module):
    """The layers of a network, each called with what reaches it; frames come as [B, T, C, H, W]."""

    def __init__(self, layers: Iterable[nn.Module], heard: Callable[[Tensor], Iterable[tuple[int, Tensor]]]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.heard = heard

    def forward(self, frames: Tensor) -> Tensor:
        for index, spikes in self.heard(frames.transpose(0, 1)):
            self.layers[index](spikes)
        return torch.zeros(len(frames), 2)


def heard_by(network: Network, frames: Tensor) -> Iterable[tuple[int, Tensor]]:
    """Number of a synapse of the plan and what one of its sources sends."""
    numbers = {synapse: number for number, synapse in enumerate(network.plan.synapses)}
    for synapse, spikes in playback.calls(network.plan, playback.play(network, frames)):
        yield numbers[synapse], spikes


def judged(model: nn.Module, frames: Tensor, batch: int = 3) -> dict[str, float]:
    """NeuroBench's counts per sample for frames [T, N, ...]."""
    data = TensorDataset(frames.transpose(0, 1).contiguous(), torch.zeros(frames.shape[1]))
    metrics = [[], [workload.SynapticOperations]]
    benchmark = benchmarks.Benchmark(models.TorchModel(model), DataLoader(data, batch_size=batch), [], [], metrics)
    return benchmark.run(quiet=True)["SynapticOperations"]


@pytest.mark.parametrize("encoding", ["events", "direct"])
@pytest.mark.parametrize("motif", playback.MOTIF_NAMES)
def test_synaptic_operations_of_a_network(motif: str, encoding: str, rng: np.random.Generator) -> None:
    plan = playback.plan_around(motif, encoding=encoding)
    network = playback.lively(plan, rng, zeros=0.3)
    frames = playback.binary_frames(plan.spec, samples=5, rng=rng)
    if encoding == "direct":
        frames = torch.from_numpy(rng.uniform(0.1, 0.9, (1, *frames.shape[1:]))).float()
    total = take_census(network, frames.split(2, dim=1)).counts.total
    layers = [playback.convolution(network, synapse) for synapse in plan.synapses]
    found = judged(Replay(layers, partial(heard_by, network)), frames)
    assert min(total.synops_nonzero, found["Effective_ACs"], found["Dense"]) > 0
    assert total.synops_nonzero < total.synops < total.synops_dense
    assert found["Effective_ACs"] == pytest.approx(total.synops_nonzero / 5, rel=EXACT)
    assert found["Effective_MACs"] == pytest.approx(total.macs_input / 5, rel=EXACT)
    assert found["Dense"] == pytest.approx((total.synops_dense + total.macs_input) / 5, rel=EXACT)


@pytest.mark.parametrize("seed", range(200))
def test_synaptic_operations_of_a_convolution(seed: int) -> None:
    plan, synapse, layer, spikes = playback.random_convolution(np.random.default_rng(seed))
    samples = len(spikes)
    maps = SpikeCounts(
        samples, {INPUT: spikes.sum(0).long().numpy(), "L1.E1": np.zeros(plan.populations[0].shape, int)}
    )
    ((_, tally),) = count(plan, maps, {synapse: layer.weight.float().numpy()}).synapses
    found = judged(Replay([layer], lambda frames: [(0, frames[0])]), spikes[None], batch=2)
    assert min(tally.synops_dense, found["Dense"]) > 0
    assert found["Effective_ACs"] + found["Effective_MACs"] == pytest.approx(tally.synops_nonzero / samples, rel=EXACT)
    assert found["Dense"] == pytest.approx(tally.synops_dense / samples, rel=EXACT)


def test_the_read_out(rng: np.random.Generator) -> None:
    plan = playback.plan_around("FE", encoding="events")
    network = playback.lively(plan, rng)
    frames = playback.binary_frames(plan.spec, samples=5, rng=rng)
    total = take_census(network, [frames]).counts.total
    pooled = torch.rand(5, plan.by_name[plan.readout[0]].channels)
    found = judged(Replay([network.readout], lambda frames: [(0, pooled)]), frames, batch=5)
    assert found["Effective_MACs"] == found["Dense"] == total.macs_readout / 5 > 0
