from __future__ import annotations

import pytest

from msenas.hardware.fanout import pairs
from msenas.hardware.fit.case import Case, taps
from msenas.phenotype.plan import INPUT, Plan
from tests.conftest import motif_plan
from tests.hardware.fit.plans import chain, chip, judged, looped, population, skipping, spec, synapse
from tests.phenotype.plans import dense_plan, random_plans


@pytest.mark.parametrize(("kernel", "side", "taps"), [(3, 8, 9), (5, 8, 25), (5, 4, 16), (5, 2, 4), (3, 1, 1)])
def test_fan_in_is_what_lies_on_the_map(kernel, side, taps):
    assert judged(chain(2, 4, side=side, kernel=kernel), "fan_in_max", 10**6).verdict.figure == taps * 2


def test_merged_sources_and_several_synapses_add_up_in_the_fan_in():
    assert judged(skipping(), "fan_in_max", 100).verdict.figure == 2 * 4 * 9
    assert judged(looped(), "fan_in_max", 100).verdict.figure == 4 * 9  # I1; E1 has 9 of the input and 9 of I1


def test_merged_sources_have_synapses_of_their_own():
    # 484 pairs of positions: input to 4 channels, 4 to 4, and twice 4 to 4.
    assert judged(skipping(), "synapses_max", 10**6).verdict.figure == 484 * (4 + 16 + 32)


def test_taps_agree_with_the_fan_out():
    for plan in random_plans(10, 4):
        for s in plan.synapses:
            rows, columns = taps(plan, s)
            assert int(rows.sum()) * int(columns.sum()) == int(pairs(plan, s).sum())
        capacity = chip().capacity
        assert capacity is not None
        assert Case(plan, capacity).synapse_count >= len(plan.synapses)


def test_pooled_spikes_come_from_every_place_of_a_window():
    plan = dense_plan(encoding="poisson")
    # a: 9 windows of 4 places in 2 channels
    assert judged(plan, "fan_in_max", 10**6).verdict.figure == 9 * 4 * 2
    for s in plan.synapses:
        rows, columns = taps(plan, s)
        assert int(rows.sum()) * int(columns.sum()) * s.pool**2 == int(pairs(plan, s).sum())
    written_out = sum(
        int(pairs(plan, s).sum()) * plan.source_channels(s) * plan.by_name[s.target].channels for s in plan.synapses
    )
    assert judged(plan, "synapses_max", 10**6).verdict.figure == written_out


def test_memory_of_a_chip_without_published_widths_is_a_lower_bound():
    # One bit for each of 4 x 9 weights and 256 potentials.
    assert judged(chain(4), "memory_bits_max", 10**6).verdict.figure == 36 + 256


def test_a_bounded_map_of_the_read_out():
    plan = Plan(
        spec(),
        (population("L1.E1"), population("L2.E1", 4, 4)),
        (synapse(INPUT, "L1.E1"), synapse("L1.E1", "L2.E1", 3, 2)),
        ("L2.E1",),
    )
    assert judged(plan, "readout_side_max", 4).status == "pass"


def test_interneurons_are_neurons():
    plan = motif_plan("FI")
    assert judged(plan, "neurons_max", 10**6).verdict.figure == (4 + 4 + 1) * 64
