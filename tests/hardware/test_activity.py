from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np
import pytest
import torch

from msenas.hardware.activity import active_updates, unbiased
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT
from msenas.phenotype.spec import Encoding
from tests.hardware.simulation import MOTIF_NAMES, frames_for, landings, motif_network, run, weights_of

ENCODINGS = get_args(Encoding)


def active_by_hand(network: Network, frames: torch.Tensor, trains: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Whether each neuron has something to integrate in each step, bool [N, T, C, H, W]; event by event."""
    plan, weights = network.plan, weights_of(network)
    samples, steps = frames.shape[1], plan.spec.steps
    sent = dict(trains) | {INPUT: np.stack([frames[t % len(frames)].numpy() for t in range(steps)], 1)}
    active = {p.name: np.zeros((samples, steps, *p.shape), bool) for p in plan.populations}
    for synapse in plan.synapses:
        for source in synapse.sources:
            for n, t, c, y, x in np.argwhere(sent[source] != 0):
                arrival = t + synapse.delayed
                for tap_y, tap_x, down, right in landings(plan, synapse, int(y), int(x)):
                    if arrival < steps:
                        reached = weights[synapse][:, c, tap_y, tap_x] != 0
                        active[synapse.target][n, arrival, :, down, right] |= reached
    for p in plan.populations:
        biased = network.bias(p.name).detach().numpy() != 0
        for n, c, y, x in np.ndindex(samples, *p.shape):
            held = False
            for t in range(steps):
                active[p.name][n, t, c, y, x] |= held or biased[c]
                held = active[p.name][n, t, c, y, x] and not trains[p.name][n, t, c, y, x] and network.neuron.keep > 0
    return active


def counted(network: Network, frames: torch.Tensor) -> tuple[dict[str, torch.Tensor], dict[str, np.ndarray]]:
    trains = run(network, frames)
    spikes: dict[str, torch.Tensor] = {
        name: torch.from_numpy(train.swapaxes(0, 1)).to(torch.uint8) for name, train in trains.items() if name != INPUT
    }
    return active_updates(network, spikes | {INPUT: frames}, unbiased(network)), trains


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("motif", MOTIF_NAMES)
def test_active_updates_equal_an_event_by_event_simulation(motif: str, encoding: str) -> None:
    network = motif_network(motif, encoding)
    frames = frames_for(network.plan, 2)
    if encoding == "direct":
        frames *= torch.rand(frames.shape, generator=torch.Generator().manual_seed(1)) < 0.1  # pixels of value zero
    found, trains = counted(network, frames)
    expected = active_by_hand(network, frames, trains)
    assert {name: each.tolist() for name, each in found.items()} == {
        name: active.sum((1, 2, 3, 4)).tolist() for name, active in expected.items()
    }
    assert all((active | (trains[name] == 0)).all() for name, active in expected.items()), "an idle neuron fired"


@pytest.mark.parametrize("change", [{"neuron": "if"}, {"tau": 1.0}, {"steps": 1}])
def test_other_neurons_and_one_step(change: dict[str, object]) -> None:
    network = motif_network("LI", "events", **change)
    frames = frames_for(network.plan, 2)
    found, trains = counted(network, frames)
    for name, active in active_by_hand(network, frames, trains).items():
        assert found[name].tolist() == active.sum((1, 2, 3, 4)).tolist()


def test_unbiased_channels_are_those_whose_shift_is_exactly_zero() -> None:
    network = motif_network("FE", "direct")
    assert {name: rest.tolist() for name, rest in unbiased(network).items()} == {
        p.name: [True] + [False] * (p.channels - 1) for p in network.plan.populations
    }
    with torch.no_grad():
        for norm in network.norms.values():
            norm.running_mean[0] = 1e-30  # a shift that is tiny is a shift
    assert unbiased(network) == {}


def test_a_silent_network_without_bias_is_idle() -> None:
    network = motif_network("FE", "events")
    with torch.no_grad():
        for norm in network.norms.values():
            norm.bias.zero_()
    plan = network.plan
    silence = {p.name: torch.zeros(plan.spec.steps, 2, *p.shape) for p in plan.populations}
    frames = torch.zeros(plan.spec.steps, 2, *plan.spec.input_shape)
    found = active_updates(network, silence | {INPUT: frames}, unbiased(network))
    assert {name: each.tolist() for name, each in found.items()} == {p.name: [0, 0] for p in plan.populations}
