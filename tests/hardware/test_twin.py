from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.hardware.counts import SpikeCounts, count
from msenas.hardware.energy import price
from msenas.hardware.price import Price
from msenas.hardware.profile import Profile, load_profile, profile_names
from msenas.hardware.twin import Twin, twin
from msenas.hardware.workload import has_memory, loads_of_counts, memory_loads
from msenas.phenotype.plan import INPUT, Plan
from tests.conftest import motif_plan
from tests.phenotype.plans import dense_plan

PICO = 1e-12


def test_a_pooled_map_is_one_activation_per_window(events_plan: Plan) -> None:
    plan = dense_plan(encoding="poisson")
    silent = {p.name: np.zeros(p.shape[1:], np.int64) for p in plan.populations} | {INPUT: np.zeros((9, 8), np.int64)}
    found = known(twin_of(plan, SpikeCounts(1, silent), load_profile("generic-45nm")))
    # a reads 4 x 4 windows (10 rows and 10 columns of taps in bounds) of 2 channels into 3; b 2 x 2 places of 9 taps
    # and 3 channels into 2; c 4 places of 3 and of 2 channels and d into 5; d 5 into 3; the read-out 3 x 3
    assert found.macs == 100 * 2 * 3 + 4 * 9 * 3 * 2 + 5 * (4 * 3 + 4 * 2 + 3) + 5 * 3 + 9


def twin_of(plan: Plan, spikes: SpikeCounts, profile: Profile, fired: dict[str, float] | None = None) -> Twin | None:
    counts = count(plan, spikes)
    loads = loads_of_counts(plan, counts)
    if has_memory(profile):
        loads |= memory_loads(plan, loads)
    return twin(plan, counts, loads, fired or {}, price(loads, profile, counts.samples), profile)


def known(found: Twin | None) -> Twin:
    assert found is not None
    return found


def test_a_twin_by_hand(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    found = known(twin_of(events_plan, events_spikes, load_profile("generic-45nm"), {INPUT: 0.25, "L1.E1": 0.5}))
    # T = 2: three levels, 2 bits; 100 taps in bounds times 4 channels, and 4 x 3 of the read-out
    assert (found.bits, found.macs) == (2, 412)
    assert found.joule.nominal == pytest.approx(412 * 4.6 * PICO)
    # a quarter of the inputs is not zero; the read-out is not skipped
    assert found.joule_skipping.nominal == pytest.approx((100 + 12) * 4.6 * PICO)
    assert found.share_nonzero == pytest.approx(112 / 412)
    # per inference 62 synops cost 62 * 0.9 and the read-out 12 * 4.6, at 5 spikes of 256 updates:
    # rate * (412 - 12) * 4.6 / (62 * 0.9)
    assert found.rate == 5 / 256
    assert found.break_even_rate == pytest.approx(5 / 256 * 400 * 4.6 / (62 * 0.9))
    # 400 synapses (taps in bounds) carry 62 events
    assert found.spikes_per_synapse == pytest.approx(62 / 400)


def test_a_twin_with_memory_by_hand(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    found = known(twin_of(events_plan, events_spikes, load_profile("generic-45nm-memory")))
    # all is in 8 kB at 10 pJ per 64 bits: 400 operations read a weight (32 bits) and an activation (2 bits),
    # 64 activations of 2 bits are written
    accesses = 400 * 32 / 64 + 400 * 2 / 64 + 64 * 2 / 64
    assert found.joule.nominal == pytest.approx((412 * 4.6 + 10 * accesses) * PICO)
    # with each event: 0.9 pJ, one weight and two accesses to a potential of 32 bits
    variable = 62 * 0.9 + 10 * (62 + 2 * 62) / 2
    fixed = 12 * 4.6 + 10 * 2 * 128 / 2
    twin_costs = 412 * 4.6 + 10 * accesses
    assert found.break_even_rate == pytest.approx(5 / 256 * (twin_costs - fixed) / variable)


@pytest.mark.parametrize(("steps", "bits"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (255, 8), (256, 9)])
def test_bits_of_an_activation(steps: int, bits: int) -> None:
    plan = motif_plan("FE", steps=steps)
    maps = {p.name: _ones(p.shape) for p in plan.populations}
    assert known(twin_of(plan, SpikeCounts(1, maps), load_profile("generic-45nm"))).bits == bits


def _ones(shape: tuple[int, ...]) -> np.ndarray:
    return np.ones(shape, np.int64)


@given(st.integers(1, 20), st.sampled_from(["generic-45nm", "generic-45nm-int8", "generic-45nm-memory"]))
def test_at_the_break_even_rate_both_cost_the_same(times: int, name: str) -> None:
    """The energy is linear in the spikes, so the rate is the same for any multiple of them, and is where it says."""
    plan, profile = motif_plan("FI", "LI", encoding="events", steps=20), load_profile(name)
    shapes = {p.name: p.shape for p in plan.populations} | {INPUT: plan.spec.input_shape}
    one = known(twin_of(plan, SpikeCounts(1, {n: _ones(s) for n, s in shapes.items()}), profile))
    spikes = SpikeCounts(1, {n: _ones(s) * times for n, s in shapes.items()})
    found = known(twin_of(plan, spikes, profile))
    assert found.joule == one.joule
    assert found.break_even_rate == pytest.approx(one.break_even_rate)
    counts = count(plan, spikes)
    loads = loads_of_counts(plan, counts)
    loads |= memory_loads(plan, loads) if has_memory(profile) else {}
    costs = price(loads, profile, 1).joule.nominal
    assert found.break_even_rate is not None
    assert (costs < found.joule.nominal) == (found.rate < found.break_even_rate)


def test_a_silent_network_has_no_break_even_rate(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    quiet = replace(events_spikes, maps={INPUT: events_spikes.maps[INPUT], "L1.E1": 0 * events_spikes.maps["L1.E1"]})
    found = known(twin_of(events_plan, quiet, load_profile("generic-45nm")))
    assert (found.rate, found.break_even_rate) == (0.0, None)
    nothing = replace(events_spikes, maps={name: 0 * m for name, m in events_spikes.maps.items()})
    assert known(twin_of(events_plan, nothing, load_profile("generic-45nm"))).break_even_rate is None


def test_fixed_costs_above_the_twin_cannot_be_won_back(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    prices = {kind: Price(kind, "per-term", "measured", "a test", nominal=1.0) for kind in ("ac", "mac", "update")}
    dear = replace(prices["update"], nominal=100.0)
    found = known(twin_of(events_plan, events_spikes, Profile("x", "X", "x", prices=prices | {"update": dear})))
    # 128 updates at 100 are more than 412 operations at 1
    assert found.break_even_rate == pytest.approx(5 / 256 * (412 - 12_812) / 62)


@pytest.mark.parametrize("name", profile_names())
def test_only_event_driven_prices_of_arithmetic_have_a_twin(
    events_plan: Plan, events_spikes: SpikeCounts, name: str
) -> None:
    profile = load_profile(name)
    loads = loads_of_counts(events_plan, count(events_plan, events_spikes))
    energy = price(loads, load_profile("generic-45nm"), 2)
    found = twin(events_plan, count(events_plan, events_spikes), loads, {}, energy, profile)
    assert (found is not None) == (profile.execution == "events" and "mac" in profile.prices)


def test_merged_spikes_are_one_activation() -> None:
    plan = motif_plan("FE", "FE", reductions=())
    maps = {p.name: _ones(p.shape) for p in plan.populations}
    spikes, profile = SpikeCounts(1, maps), load_profile("generic-45nm")
    # the second layer reads E1 + E2 of the first; half and a quarter of them make at most three quarters
    merged = [s for s in plan.synapses if len(s.sources) > 1]
    assert {s.sources for s in merged} == {("L1.E1", "L1.E2")}
    every = dict.fromkeys(plan.by_name, 1.0)
    some = known(twin_of(plan, spikes, profile, every | {"L1.E1": 0.5, "L1.E2": 0.25})).macs
    assert some == known(twin_of(plan, spikes, profile, every)).macs
    shares = [
        known(twin_of(plan, spikes, profile, every | {"L1.E1": a, "L1.E2": b})).share_nonzero
        for a, b in [(0.5, 0.25), (0.75, 0.75), (1.0, 1.0)]
    ]
    assert shares[0] < shares[1] < shares[2] == 1.0


def test_to_dict_is_json(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    found = known(twin_of(events_plan, events_spikes, load_profile("generic-45nm")))
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["joule"] == [found.joule.low, found.joule.nominal, found.joule.high]
    assert data["break_even_rate"] == found.break_even_rate
