from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from msenas.hardware.counts import fan_out
from msenas.hardware.placement import Cores, place
from msenas.hardware.traffic import PER_SPIKE, traffic
from msenas.phenotype.plan import INPUT, Plan
from msenas.phenotype.spec import Encoding
from tests.hardware.simulation import MOTIF_NAMES, Sample, motif_network, simulate, weights_of

ENCODINGS = get_args(Encoding)
SMALL_CHIP = Cores(7, per_chip=6, per_tile=2, mesh=(1, 3))


def test_messages_by_hand(events_plan: Plan) -> None:
    # the input on core 0; 4 channels of 4 x 4 on cores 1 to 4, one channel each, as every core holds 16 neurons
    found = traffic(events_plan, place(events_plan, Cores(16, per_chip=3, per_tile=1, mesh=(3, 1))))
    # every event is told to all four channels, wherever it is; the spikes of L1.E1 go to the read-out only
    assert (found.per_spike["messages"][INPUT] == 4).all()
    assert (found.per_spike["messages"]["L1.E1"] == 0).all()
    # cores 3 and 4 are on the second chip; one row of routers, so core n is column n: 1 + 2 + 3 + 4 hops
    assert (found.per_spike["chip_crossings"][INPUT] == 2).all()
    assert (found.per_spike["hops_ew"][INPUT] == 1 + 2 + 3 + 4).all()
    assert (found.per_spike["hops_ns"][INPUT] == 0).all()
    assert found.arrivals[INPUT][:, 0, 0].tolist() == [0, 4, 4, 4, 4]


def test_a_core_without_a_target_gets_no_message(events_plan: Plan) -> None:
    # cores of 8: the upper and the lower half of each channel; a 3x3 kernel from row 0 reaches rows 0 and 1 only
    found = traffic(events_plan, place(events_plan, Cores(8)))
    assert found.per_spike["messages"][INPUT][0, :, 0].tolist() == [4, 8, 8, 4]


def test_hops_need_a_mesh(events_plan: Plan) -> None:
    assert set(traffic(events_plan, place(events_plan, Cores(8))).per_spike) == {"messages", "chip_crossings"}
    with_mesh = traffic(events_plan, place(events_plan, Cores(8, mesh=(9, 9)))).per_spike
    assert set(with_mesh) == set(PER_SPIKE)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("motif", MOTIF_NAMES)
def test_every_single_spike_equals_a_plain_look_up(motif: str, encoding: str) -> None:
    network = motif_network(motif, encoding)
    plan, weights = network.plan, weights_of(network)
    found = traffic(plan, place(plan, SMALL_CHIP))
    for name, core in found.placement.core.items():
        places = list(np.ndindex(core.shape))[::3]
        alone = np.zeros((len(places), 1, *core.shape), int)
        for number, place_of_spike in enumerate(places):
            alone[(number, 0, *place_of_spike)] = 1
        for spot, sample in zip(places, simulate(plan, weights, {name: alone}, SMALL_CHIP), strict=True):
            assert {kind: int(maps[name][spot]) for kind, maps in found.per_spike.items()} == {
                kind: sample.total[kind] for kind in PER_SPIKE
            }
            assert _arrivals(sample, found.placement.used) == found.arrivals[name][:, spot[1], spot[2]].tolist()


def _arrivals(sample: Sample, used: int) -> list[int]:
    return [sample.arrivals[core] for core in range(used)]


@pytest.mark.parametrize("neurons", [1, 5, 1000])
@pytest.mark.parametrize("motif", MOTIF_NAMES)
def test_messages_are_at_most_the_events_that_they_carry(motif: str, neurons: int) -> None:
    plan = motif_network(motif, "poisson").plan
    found = traffic(plan, place(plan, Cores(neurons)))
    for name, messages in found.per_spike["messages"].items():
        events = sum(fan_out(plan, s) for s in plan.synapses if name in s.sources)
        assert (messages <= events).all()
        assert (found.arrivals[name].sum(0) == events).all()
        targets = {s.target for s in plan.synapses if name in s.sources}
        outgoing = [s for s in plan.synapses if name in s.sources]
        if neurons == 1 and len(outgoing) == len(targets):
            # every neuron is a core of its own, and each target is reached through one synapse only
            assert (messages == events).all()
        if neurons == 1000:
            assert messages.max() == len(targets)
