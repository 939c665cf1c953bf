"""SpikingJelly's SynOpCounter counts the delivered events of the same networks: https://spikingjelly.readthedocs.io.

Zero weights count, the bias does not. Values other than 0 and 1 are no spikes to it, so it is shown what `playback`
plays back: one call per source. Its counts are integers, and must be equal to ours.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from msenas.hardware.census import take_census
from msenas.hardware.counts import SpikeCounts, count
from msenas.phenotype.plan import INPUT
from tests.judges import playback

op_counter = pytest.importorskip(
    "spikingjelly.activation_based.op_counter", reason="spikingjelly is not installed; `make judges` does"
)


@torch.no_grad()
def delivered(layer: nn.Module, spikes: Tensor) -> int:
    """SpikingJelly's count of one call."""
    counter = op_counter.SynOpCounter()
    with op_counter.DispatchCounterMode([counter]):
        layer(spikes)
    return counter.get_total()


@pytest.mark.parametrize("motif", playback.MOTIF_NAMES)
def test_delivered_events_of_a_network(motif: str, rng: np.random.Generator) -> None:
    plan = playback.plan_around(motif, encoding="events")
    network = playback.lively(plan, rng, zeros=0.3)
    frames = playback.binary_frames(plan.spec, samples=3, rng=rng)
    counts = take_census(network, [frames]).counts
    found = dict.fromkeys(plan.synapses, 0)
    for synapse, spikes in playback.calls(plan, playback.play(network, frames)):
        found[synapse] += delivered(playback.convolution(network, synapse), spikes)
    assert found == {synapse: tally.synops for synapse, tally in counts.synapses}
    assert min(found.values()) > 0


@pytest.mark.parametrize("seed", range(200))
def test_delivered_events_of_a_convolution(seed: int) -> None:
    plan, _, layer, spikes = playback.random_convolution(np.random.default_rng(seed))
    fired = SpikeCounts(len(spikes), {INPUT: spikes.sum((0, 1)).long().numpy(), "L1.E1": silence(plan)})
    ((_, tally),) = count(plan, fired).synapses
    assert tally.synops == delivered(layer, spikes)
    assert tally.synops_dense == delivered(layer, torch.ones_like(spikes)) > 0


def silence(plan) -> np.ndarray:
    """A map without spikes, summed over channels, of the plan's only population."""
    return np.zeros(plan.populations[0].shape[1:], int)
