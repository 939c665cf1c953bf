from __future__ import annotations

import pytest

from msenas.hardware.price import KINDS, Band, Price


def test_a_band_scales_and_adds() -> None:
    assert Band(1, 2, 3).times(2) == Band(2, 4, 6)
    assert Band.total([Band(1, 2, 3), Band(10, 20, 30)]) == Band(11, 22, 33)


def test_a_missing_bound_stays_missing() -> None:
    assert Band(None, 2, 3).times(2) == Band(None, 4, 6)
    assert Band.total([Band(None, 2, 3), Band(1, 1, 1)]) == Band(None, 3, 4)


def test_nothing_costs_nothing_even_without_bounds() -> None:
    assert Band(None, 2, None).times(0) == Band(0, 0, 0)


def test_an_unknown_price_has_no_band() -> None:
    assert Price("synop", "per-term", "unknown", "nobody").band is None
    assert Price("synop", "per-term", "measured", "a test", nominal=0.0).band == Band(None, 0, None)


@pytest.mark.parametrize("kind", KINDS)
def test_only_static_power_is_in_watt(kind: str) -> None:
    assert KINDS[kind].unit == ("watt" if kind == "static_chip" else "joule")
