from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.hardware.census import take_census
from msenas.hardware.counts import SpikeCounts, count
from msenas.hardware.placement import Cores
from msenas.hardware.price import Band
from msenas.hardware.profile import load_profile, profile_names
from msenas.hardware.workload import (
    CHIP,
    MEMORIES,
    READOUT,
    Access,
    accesses,
    chip_loads,
    chip_steps,
    has_memory,
    loads_of_census,
    loads_of_counts,
    memory_loads,
)
from msenas.phenotype.plan import INPUT, Plan
from tests.conftest import motif_plan
from tests.hardware.simulation import MOTIF_NAMES, frames_for, motif_network


def test_loads_by_hand(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    loads = loads_of_counts(events_plan, count(events_plan, events_spikes))
    # as in the counts by hand, for 2 samples: 124 synops, 1600 dense, 5 spikes, 9 and 247 updates, 24 MACs
    assert {name: load.amount.nominal for name, load in loads.items()} == {
        "updates_active": 4.5,
        "updates_idle": 123.5,
        "spikes": 2.5,
        "synops": 62,
        "synops_dense": 800,
        "macs_input": 0,
        "macs_readout": 12,
        "macs_dense": 812,
    }
    assert loads["macs_dense"].by_place == {"L1.E1": 800, READOUT: 12}
    assert all(load.amount.low == load.amount.nominal == load.amount.high for load in loads.values())


def test_memory_accesses_by_hand(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    loads = memory_loads(events_plan, loads_of_counts(events_plan, count(events_plan, events_spikes)))
    # 36 weights and 64 potentials of 32 bits fit 8 kB; an access of 64 bits is two words:
    # 62 / 2 to the weights, 2 * (62 + 128 updates) / 2 to the potentials
    assert loads["sram_8k"].amount.nominal == 31 + 190
    assert loads["sram_32k"].amount.nominal == loads["sram_1m"].amount.nominal == 0


def test_memory_accesses_of_events_alone(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    loads = loads_of_counts(events_plan, count(events_plan, events_spikes))
    assert memory_loads(events_plan, loads, updates=False)["sram_8k"].amount.nominal == 31 + 62


def test_memory_accesses_of_an_analog_input(direct_plan: Plan, events_spikes: SpikeCounts) -> None:
    fired = SpikeCounts(2, {"L1.E1": events_spikes.maps["L1.E1"]})
    loads = memory_loads(direct_plan, loads_of_counts(direct_plan, count(direct_plan, fired)))
    # 400 MACs, 128 updates: 400 / 2 to the weights, 2 * (400 + 128) / 2 to the potentials
    assert loads["sram_8k"].amount.nominal == 200 + 528


@pytest.mark.parametrize(
    ("kilobytes", "shares"),
    [
        (0, (1, 0, 0)),
        (8, (1, 0, 0)),
        (14, (0.75, 0.25, 0)),  # a quarter of the way from 8 to 32
        (32, (0, 1, 0)),
        (528, (0, 0.5, 0.5)),  # half of the way from 32 to 1024
        (1024, (0, 0, 1)),
        (5000, (0, 0, 1)),
    ],
)
def test_accesses_are_split_between_the_neighbouring_sizes(kilobytes: int, shares: tuple[float, ...]) -> None:
    loads = accesses([Access("x", kilobytes * 1024 * 8, 10.0)])
    assert tuple(loads[name].amount.nominal for name in MEMORIES) == pytest.approx([10 * s for s in shares])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1 << 26), st.integers(0, 1000)), max_size=6))
def test_no_access_is_lost(wanted: list[tuple[str, int, int]]) -> None:
    loads = accesses(Access(*one) for one in wanted)
    assert sum(load.amount.nominal for load in loads.values()) == pytest.approx(sum(n for *_, n in wanted))
    assert all(number >= 0 for load in loads.values() for number in load.by_place.values())


def test_profiles_with_memory_price_it_apart() -> None:
    assert [name for name in profile_names() if has_memory(load_profile(name))] == ["generic-45nm-memory"]


@pytest.mark.parametrize("encoding", ["direct", "events"])
@pytest.mark.parametrize("motif", MOTIF_NAMES)
def test_means_places_and_samples_agree(motif: str, encoding: str) -> None:
    network = motif_network(motif, encoding)
    kind = Cores(9, per_chip=8, per_tile=2, mesh=(2, 2))
    census = take_census(network, [frames_for(network.plan, 3)], [kind])
    loads = loads_of_census(network.plan, census, kind)
    for load in loads.values():
        assert sum(load.by_place.values()) == pytest.approx(load.amount.nominal, rel=1e-12)
        if load.per_sample is not None:
            assert load.per_sample.mean() == pytest.approx(load.amount.nominal, rel=1e-12)
    assert {"spikes", "synops", "messages", "hops_ew", "updates_active"} <= {
        name for name, load in loads.items() if load.per_sample is not None
    }
    assert (INPUT in loads["messages"].by_place) == (encoding == "events")
    assert "messages" not in loads_of_census(network.plan, census, None)


def test_an_answer_takes_a_step_for_each_population_on_the_way() -> None:
    # FE: in -> E1 -> E2; the longest path through two layers has four populations; T = 3
    assert chip_steps(motif_plan("FE", "FE")) == 3 + 4


def test_loads_of_a_chip(events_plan: Plan) -> None:
    # T = 2 and one population
    loads = chip_loads(events_plan, Band(1.0, 2.0, None), chips=3)
    assert (loads["io_steps"].amount.nominal, loads["barriers"].amount.nominal) == (2, 3)
    assert loads["chip_seconds"].amount == Band(3.0, 6.0, None)
    assert loads["chip_seconds"].by_place == {CHIP: 6.0}
    assert "chip_seconds" not in chip_loads(events_plan, None, chips=3)


def test_cycles_of_the_clock_go_with_time_and_chips(events_plan: Plan) -> None:
    cycles = chip_loads(events_plan, Band(1.0, 2.0, None), chips=3, clock_second=0.5)["clock_cycles"]
    assert cycles.amount == Band(6.0, 12.0, None)
    assert "clock_cycles" not in chip_loads(events_plan, None, chips=3, clock_second=0.5)
