from __future__ import annotations

import json
from dataclasses import replace

import pytest

from msenas.errors import InputError, ProfileError
from msenas.hardware.causes import CAUSES, Cause
from msenas.hardware.counts import Counts, SpikeCounts, Totals, count
from msenas.hardware.energy import estimate
from msenas.hardware.price import KINDS, Grade, Price, Scope
from msenas.hardware.profile import Profile, load_profile, profile_names
from msenas.hardware.traffic import PER_SPIKE
from msenas.hardware.workload import MEMORIES
from msenas.phenotype.plan import Plan

PICO = 1e-12
Case = tuple[Plan, Counts]

COUNTED = {*PER_SPIKE, *MEMORIES, *Totals.__dataclass_fields__}
LOADS = COUNTED | {"chip_seconds", "clock_cycles", "io_steps", "barriers", "macs_dense"}


def price(
    kind: str,
    nominal: float | None,
    scope: Scope = "per-term",
    grade: Grade = "measured",
    low: float | None = None,
    high: float | None = None,
) -> Price:
    return Price(kind, scope, grade, "a test", low, nominal, high)


def profile(*prices: Price) -> Profile:
    return Profile("x", "X", "a test", prices={p.kind: p for p in prices})


@pytest.fixture
def counted(events_plan: Plan, events_spikes: SpikeCounts) -> Case:
    """Per inference: 62 synops, 4.5 active and 123.5 idle updates, 2.5 spikes, 12 MACs of the read-out."""
    return events_plan, count(events_plan, events_spikes)


@pytest.fixture
def analog(direct_plan: Plan, events_spikes: SpikeCounts) -> Case:
    """Per inference: no synops, 4.5 active and 123.5 idle updates, 400 MACs of the input and 12 after it."""
    return direct_plan, count(direct_plan, SpikeCounts(2, {"L1.E1": events_spikes.maps["L1.E1"]}, events_spikes.active))


def test_loihi1_on_paper(counted: Case) -> None:
    energy = estimate(*counted, load_profile("loihi1"))
    updates = 4.5 * 81 + 123.5 * 52
    assert energy.joule.nominal == pytest.approx((62 * 23.6 + updates) * PICO, rel=1e-12)
    assert energy.joule.low == energy.joule.nominal
    assert energy.joule.high == pytest.approx((62 * 35.5 + updates) * PICO, rel=1e-12)
    assert energy.unpriced == (("macs_readout", 12.0),)
    assert energy.at_least
    assert energy.grade == "simulated"
    assert any(text.startswith("spikes: ") for text in energy.left_out)


def test_an_analog_input_is_unpriced_on_loihi1(analog: Case) -> None:
    energy = estimate(*analog, load_profile("loihi1"))
    assert energy.unpriced == (("macs_input", 400.0), ("macs_readout", 12.0))


@pytest.mark.parametrize(
    ("name", "ac", "mac"),
    [("generic-45nm", 0.9, 4.6), ("generic-45nm-fp16", 0.4, 1.5), ("generic-45nm-int8", 0.03, 0.23)],
)
def test_generic_profiles_price_arithmetic_only(counted: Case, analog: Case, name: str, ac: float, mac: float) -> None:
    spiking, direct = estimate(*counted, load_profile(name)), estimate(*analog, load_profile(name))
    assert spiking.joule.nominal == pytest.approx((62 * ac + 12 * mac) * PICO, rel=1e-12)
    assert direct.joule.nominal == pytest.approx(412 * mac * PICO, rel=1e-12)
    assert "compute-only index (45 nm" in spiking.label
    assert not spiking.at_least
    assert {t.cause for t in spiking.terms} == {"synops", "macs_input", "macs_readout"}
    assert sum(text.startswith(("updates_", "spikes")) for text in spiking.left_out) == 3


def test_static_power_placement_and_board_are_named_as_left_out(counted: Case) -> None:
    text = " ".join(estimate(*counted, load_profile("loihi1")).left_out)
    assert all(word in text for word in ("static power", "messages and hops", "input and output"))


def prices_something(name: str) -> bool:
    """Whether a profile has a price for something that counts alone tell."""
    kinds = {kind for cause in CAUSES if cause.load in loads_of_counts_alone() for kind in cause.kinds}
    prices = load_profile(name).prices
    return any(p.band is not None and p.scope != "included" for kind, p in prices.items() if kind in kinds)


def loads_of_counts_alone() -> set[str]:
    return {"macs_dense", *Totals.__dataclass_fields__}


PRICED = [name for name in profile_names() if prices_something(name)]


@pytest.mark.parametrize("name", sorted(set(profile_names()) - set(PRICED)))
def test_a_shipped_profile_without_usable_prices_is_refused(counted: Case, name: str) -> None:
    with pytest.raises(ProfileError, match="nothing of what this network does has a published price"):
        estimate(*counted, load_profile(name))


@pytest.mark.parametrize("name", PRICED)
def test_every_shipped_profile_with_prices_gives_an_estimate(counted: Case, name: str) -> None:
    energy = estimate(*counted, load_profile(name))
    assert energy.joule.nominal > 0
    assert json.loads(json.dumps(energy.to_dict()))["nominal_joule"] == energy.joule.nominal


@pytest.mark.parametrize("cause", CAUSES, ids=[c.load for c in CAUSES])
def test_causes_name_counts_and_kinds_that_exist(cause: Cause) -> None:
    assert cause.load in LOADS
    assert set(cause.kinds) <= set(KINDS)


def test_one_update_price_pays_for_both_states(counted: Case) -> None:
    energy = estimate(*counted, profile(price("update", 2.0)))
    assert [(t.cause, t.joule.nominal) for t in energy.terms] == [
        ("updates_active", 9.0),
        ("updates_idle", 247.0),
    ]
    assert dict(energy.unpriced) == {"synops": 62, "spikes": 2.5, "macs_readout": 12}


def test_an_unknown_price_is_unpriced_and_not_zero(counted: Case) -> None:
    unknown_spike = price("spike_out", None, grade="unknown")
    energy = estimate(*counted, profile(price("synop", 1.0), unknown_spike))
    assert ("spikes", 2.5) in energy.unpriced
    assert "spikes" not in {t.cause for t in energy.terms}


def test_a_price_included_elsewhere_is_neither_added_nor_missing(counted: Case) -> None:
    energy = estimate(*counted, profile(price("synop", 1.0), price("spike_out", 7.0, scope="included")))
    assert energy.joule.nominal == 62
    assert energy.included == ("spikes",)
    assert "spikes" not in dict(energy.unpriced)


def test_an_all_in_price_stands_alone(counted: Case) -> None:
    energy = estimate(*counted, profile(price("all_in_synop", 2.0, scope="all-in")))
    assert energy.joule.nominal == 124
    assert set(energy.included) == {"updates_active", "updates_idle", "spikes", "messages", "io_steps", "chip_seconds"}
    assert energy.left_out == ()
    assert energy.unpriced == (("macs_readout", 12.0),)


def test_an_average_above_the_power_at_rest_contains_traffic_but_not_static_power(counted: Case) -> None:
    energy = estimate(*counted, profile(price("all_in_spike", 2.0, scope="all-in")))
    assert "messages" in energy.included
    assert energy.left_out == ("static power: needs the time of an inference",)


def test_what_a_profile_says_of_a_missing_load_goes_before_the_general_reason(counted: Case) -> None:
    reasons = {"static_chip": "no chip", "message": "no network"}
    energy = estimate(*counted, replace(profile(price("synop", 1.0)), left_out=reasons))
    assert "chip_seconds: no chip" in energy.left_out
    assert "messages: no network" in energy.left_out


def test_a_refusal_says_why_also_where_nothing_is_unpriced(counted: Case) -> None:
    plan, counts = counted
    reasons = {"synop": "not sold by the piece", "update": "free", "spike_out": "free", "mac": "none"}
    with pytest.raises(ProfileError, match="synops: not sold by the piece"):
        estimate(plan, counts, replace(profile(price("static_chip", 1.0)), left_out=reasons))


def test_a_per_term_price_goes_before_the_all_in_one(counted: Case) -> None:
    energy = estimate(*counted, profile(price("synop", 1.0), price("all_in_synop", 9.0, scope="all-in")))
    assert energy.joule.nominal == 62


@pytest.mark.parametrize("other", ["update", "mac"])
def test_all_in_and_per_term_prices_are_never_added(counted: Case, other: str) -> None:
    mixed = profile(price("all_in_synop", 2.0, scope="all-in"), price(other, 1.0))
    with pytest.raises(ProfileError, match="all-in price, which contains all others"):
        estimate(*counted, mixed)


def test_a_missing_bound_leaves_the_energy_without_it(counted: Case) -> None:
    energy = estimate(*counted, profile(price("synop", 2.0, low=1.0), price("mac", 1.0, low=0.5, high=3.0)))
    assert (energy.joule.low, energy.joule.nominal, energy.joule.high) == (62 + 6, 124 + 12, None)


def test_the_grade_is_the_weakest_of_what_matters(counted: Case) -> None:
    small = profile(price("synop", 1.0), price("mac", 0.1, grade="assumed"))  # 62 and 1.2: below 5 %
    large = profile(price("synop", 1.0), price("mac", 1.0, grade="assumed"))  # 62 and 12
    assert estimate(*counted, small).grade == "measured"
    assert estimate(*counted, large).grade == "assumed"


def test_a_profile_that_prices_nothing_is_an_error_and_not_zero(counted: Case) -> None:
    with pytest.raises(ProfileError, match="nothing of what this network does has a published price"):
        estimate(*counted, profile(price("static_chip", 0.1)))


def test_counts_of_another_plan_are_refused(counted: Case) -> None:
    plan, counts = counted
    with pytest.raises(InputError, match="another plan"):
        estimate(plan, replace(counts, populations={}), load_profile("loihi1"))


def test_to_dict_shows_every_term(counted: Case) -> None:
    data = estimate(*counted, load_profile("loihi1")).to_dict()
    assert data["at_least"] is True
    assert data["unpriced"] == [{"cause": "macs_readout", "count": 12.0}]
    assert {t["cause"]: t["count"] for t in data["terms"]} == {
        "synops": 62,
        "updates_active": 4.5,
        "updates_idle": 123.5,
    }
