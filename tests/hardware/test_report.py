from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from msenas.errors import ProfileError
from msenas.hardware.census import Census, take_census
from msenas.hardware.placement import Cores
from msenas.hardware.price import Price
from msenas.hardware.profile import Capacity, Profile, Timing, load_profile, profile_names
from msenas.hardware.report import Report, kinds_of_cores, percentiles, rank, report
from msenas.phenotype.network import Network
from tests.hardware.simulation import frames_for, motif_network

ALL = [load_profile(name) for name in profile_names()]


def chip(name: str, low: float, nominal: float, high: float | None, **more: object) -> Profile:
    """A chip that prices synaptic operations and the read-out, so that nothing is unpriced."""
    prices = {kind: Price(kind, "per-term", "measured", "a test", low, nominal, high) for kind in ("synop", "mac")}
    free = dict.fromkeys(("update", "spike_out"), "a test")
    return Profile(name, name, name, prices=prices, left_out=free, **more)  # type: ignore[arg-type]


def of(profiles: list[Profile], network: Network | None = None) -> Report:
    network = network or motif_network("FI", "events")
    census = take_census(network, [frames_for(network.plan, 3)], kinds_of_cores(profiles))
    return report(network.plan, census, profiles)


@pytest.mark.parametrize("encoding", ["direct", "events"])
def test_all_shipped_profiles(encoding: str) -> None:
    found = of(ALL, motif_network("MI", encoding))
    assert {e.profile.name for e in found.estimates} | set(found.refused) == set(profile_names())
    # a profile is refused only because it prices nothing
    assert all("nothing of what this network does has a published price (" in r for r in found.refused.values())
    assert "(" + ")" not in "".join(found.refused.values())
    for one in found.estimates:
        assert one.energy.joule.nominal > 0
        assert (one.energy.joule.low or 0) <= one.energy.joule.nominal
        places = sum(joule for term in one.energy.terms for joule in term.by_place.values())
        assert places == pytest.approx(one.energy.joule.nominal, rel=1e-9)
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(data["estimates"]) == {e.profile.name for e in found.estimates}
    assert data["assumptions"][0] == "T = 3 steps, one sample at a time"


def test_the_mean_of_the_samples_is_the_energy() -> None:
    for one in of(ALL).estimates:
        if one.energy.per_sample is not None:
            assert one.energy.per_sample.mean() == pytest.approx(one.energy.joule.nominal, rel=1e-9)
            assert one.spread is not None
            assert one.spread["p5"] <= one.spread["p50"] <= one.spread["p95"]


@pytest.mark.parametrize("profile", ALL, ids=[p.name for p in ALL])
def test_doubling_every_price_doubles_the_energy(profile: Profile) -> None:
    def twice(price: Price) -> Price:
        bounds = {b: None if (v := getattr(price, b)) is None else 2 * v for b in ("low", "nominal", "high")}
        return replace(price, **bounds)  # type: ignore[arg-type]

    double = replace(profile, name="double", prices={kind: twice(p) for kind, p in profile.prices.items()})
    try:
        single = of([profile]).estimates[0].energy.joule
    except ProfileError:
        with pytest.raises(ProfileError):
            of([double])
        return
    found = of([double]).estimates[0].energy.joule
    assert found.nominal == pytest.approx(2 * single.nominal, rel=1e-12)
    assert found.low == pytest.approx(2 * (single.low or 0), rel=1e-12)
    assert found.high == (None if single.high is None else pytest.approx(2 * single.high, rel=1e-12))


def test_the_index_is_the_usual_figure() -> None:
    found = of([load_profile("loihi1")])
    total = found.census.counts.total
    assert found.index_joule == pytest.approx((0.9e-12 * total.synops + 4.6e-12 * total.macs) / 3)
    assert found.to_dict()["compute_only_index_45nm_joule"] == found.index_joule


def test_memory_by_hand() -> None:
    network = motif_network("empty", "events")
    profile = chip("x", 1, 1, 1, capacity=Capacity("a test", weight_bits=(1, 9), state_bits=24))
    memory = of([profile], network).estimates[0].memory
    # one population of 8 channels (4, doubled once) on 3 x 3: 2 x 8 x 3 x 3 weights and 8 x 3 of the read-out
    assert (memory.weights, memory.biases, memory.states) == (144 + 24, 8 + 3, 72)
    assert memory.bits == {"weights": (168 + 11) * 9, "states": 72 * 24}
    plain = of([chip("x", 1, 1, 1)], network).estimates[0].memory
    assert (plain.weight_bits, plain.state_bits) == (32, 32)


def test_static_power_counts_every_chip_and_the_whole_time() -> None:
    watt = Price("static_chip", "per-term", "measured", "a test", 1.0, 2.0, 4.0)
    base = chip("x", 1e-9, 1e-9, 1e-9, timing=Timing("measured", "a test", tick_second=(0.5, 1.0)))
    base = replace(
        base, prices=base.prices | {"static_chip": watt}, capacity=Capacity("a test", cores=4, neurons_per_core=50)
    )
    network = motif_network("FI", "events")
    one = of([base], network).estimates[0]
    assert one.cores is not None
    assert one.chips == -(-one.cores // 4) > 1
    # FI twice: in -> I1 -> E1 -> E2, so 6 populations on the way; T = 3: 9 ticks
    static = next(t for t in one.energy.terms if t.cause == "chip_seconds")
    assert static.joule.low == pytest.approx(one.chips * 4.5 * 1.0)
    assert static.joule.nominal == pytest.approx(one.chips * 9 * 2.0)
    assert static.joule.high == pytest.approx(one.chips * 9 * 4.0)
    assert one.inferences_per_second == pytest.approx(1 / 9)
    assert one.static_share == pytest.approx(static.joule.nominal / one.energy.joule.nominal)
    assert one.energy_delay is not None
    assert one.energy_delay.nominal == pytest.approx(one.energy.joule.nominal * 9)


def test_without_a_time_there_is_no_delay_and_no_static_share() -> None:
    one = of([chip("x", 1, 1, 1)]).estimates[0]
    assert one.energy_delay is one.static_share is one.inferences_per_second is one.latency is None


def test_a_winner_needs_a_band_below_all_others() -> None:
    near, middle, far = chip("near", 1, 2, 3), chip("middle", 2.9, 4, 5), chip("far", 3.5, 6, None)
    apart = of([far, near]).ranking
    assert apart is not None
    assert (apart.order, apart.winner, apart.reason) == (("near", "far"), "near", "")
    touching = of([far, middle, near]).ranking
    assert touching is not None
    assert (touching.order, touching.winner) == (("near", "middle", "far"), None)
    assert touching.reason == "the band of near overlaps with that of middle"


def test_no_winner_without_an_upper_bound() -> None:
    ranking = of([chip("open", 1, 2, None), chip("far", 90, 90, 90)]).ranking
    assert ranking is not None
    assert ranking.winner is None
    assert "open has no upper bound" in ranking.reason
    unpriced = replace(chip("poor", 1, 1, 1), left_out={})
    ranking = of([unpriced, chip("far", 90, 90, 90)]).ranking
    assert ranking is not None
    assert ranking.winner is None


def test_no_winner_that_leaves_out_what_it_has_a_price_for() -> None:
    watt = Price("static_chip", "per-term", "measured", "a test", 1.0, 1.0, 1.0)
    untimed = chip("untimed", 1, 1, 1)
    untimed = replace(untimed, prices=untimed.prices | {"static_chip": watt})
    ranking = of([untimed, chip("far", 90, 90, 90)]).ranking
    assert ranking is not None
    assert (ranking.order[0], ranking.winner) == ("untimed", None)
    assert "leaves out chip_seconds: priced, but not counted" in ranking.reason


def test_one_chip_and_indices_are_not_ranked() -> None:
    assert of([chip("x", 1, 1, 1)]).ranking is None
    assert of([chip("x", 1, 1, 1), load_profile("generic-45nm")]).ranking is None
    assert rank([]) is None


def test_profiles_that_price_nothing_are_refused_together() -> None:
    with pytest.raises(ProfileError, match=r"loihi2: nothing .*; hardware profile innatera: nothing"):
        of([load_profile("loihi2"), load_profile("innatera")])


def test_profiles_that_share_cores_are_counted_once() -> None:
    capacity = Capacity("a test", cores=4, neurons_per_core=50)
    profiles = [chip("a", 1, 1, 1, capacity=capacity), chip("b", 2, 2, 2, capacity=capacity), chip("c", 1, 1, 1)]
    assert kinds_of_cores(profiles) == [Cores(50, 4)]


def dead() -> tuple[Network, Census]:
    network = motif_network("FI", "direct")
    with torch.no_grad():
        for norm in network.norms.values():
            norm.weight.zero_()
            norm.bias.zero_()
    return network, take_census(network, [frames_for(network.plan, 3)], kinds_of_cores(ALL))


def test_a_dead_network_gets_a_report() -> None:
    network, census = dead()
    assert census.counts.total.spikes == 0
    found = report(network.plan, census, ALL)
    json.dumps(found.to_dict(), allow_nan=False)
    assert {e.twin.break_even_rate for e in found.estimates if e.twin is not None} == {None}


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30))
def test_percentiles_are_in_order(values: list[int]) -> None:
    found = percentiles(np.array(values))
    assert min(values) <= found["p5"] <= found["p50"] <= found["p95"] <= max(values)
    assert found["mean"] == pytest.approx(sum(values) / len(values))


def test_percentiles_by_hand() -> None:
    assert percentiles(np.arange(101)) == {"mean": 50.0, "p5": 5.0, "p50": 50.0, "p95": 95.0}
    assert percentiles(np.array([7])) == {"mean": 7.0, "p5": 7.0, "p50": 7.0, "p95": 7.0}
