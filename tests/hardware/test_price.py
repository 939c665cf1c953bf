from __future__ import annotations

import pytest

from msenas.hardware.price import KINDS, Band, Price, sum_conflicts


def test_a_band_scales_and_adds() -> None:
    assert Band(1, 2, 3).times(2) == Band(2, 4, 6)
    assert Band.total([Band(1, 2, 3), Band(10, 20, 30)]) == Band(11, 22, 33)


def test_a_missing_bound_stays_missing() -> None:
    assert Band(None, 2, 3).times(2) == Band(None, 4, 6)
    assert Band(None, 2, 3).product(Band(1, 2, None)) == Band(None, 4, None)
    assert Band(1, 2, 3).product(Band(4, 5, 6)) == Band(4, 10, 18)
    assert Band(None, 2, None).product(Band(0, 0, 0)) == Band(0, 0, 0)


def test_a_sum_is_at_least_what_is_known_of_its_parts_and_has_no_upper_bound_without_theirs() -> None:
    assert Band.total([Band(None, 2, 3), Band(1, 1, 1)]) == Band(1, 3, 4)
    assert Band.total([Band(1, 2, None), Band(1, 1, 1)]) == Band(2, 3, None)


def test_nothing_costs_nothing_even_without_bounds() -> None:
    assert Band(None, 2, None).times(0) == Band(0, 0, 0)


def test_an_unknown_price_has_no_band() -> None:
    assert Price("synop", "per-term", "unknown", "nobody").band is None
    assert Price("synop", "per-term", "measured", "a test", nominal=0.0).band == Band(None, 0, None)


@pytest.mark.parametrize("kind", KINDS)
def test_only_static_power_is_in_watt(kind: str) -> None:
    assert KINDS[kind].unit == ("watt" if kind == "static_chip" else "joule")


@pytest.mark.parametrize("kind", KINDS)
def test_averages_are_named_as_such_and_leave_out_kinds_that_exist(kind: str) -> None:
    assert KINDS[kind].all_in == kind.startswith("all_in_")
    assert set(KINDS[kind].besides) <= set(KINDS)
    assert KINDS[kind].all_in or not KINDS[kind].besides


def test_what_cannot_be_summed() -> None:
    mean = Price("all_in_spike", "all-in", "measured", "a test", nominal=1.0)
    static = Price("static_chip", "per-term", "measured", "a test", nominal=1.0)
    synop = Price("synop", "per-term", "measured", "a test", nominal=1.0)
    inside = Price("synop", "included", "measured", "a test", nominal=1.0)
    nobody = Price("synop", "per-term", "unknown", "a test")
    assert sum_conflicts([mean, static, synop]) == [("all_in_spike", "synop")]
    assert sum_conflicts([mean, static, inside]) == sum_conflicts([mean, static, nobody]) == []
    assert sum_conflicts([static, synop]) == []
