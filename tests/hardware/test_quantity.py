from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.hardware.quantity import PREFIXES, joules, prefix, seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.19e-7, "219 nJ"),
        (1e-6, "1 uJ"),
        (0.99949e-6, "999 nJ"),
        (0.9996e-6, "1 uJ"),  # rounds up into the next unit, never "1e+03 nJ"
        (0.9996, "1 J"),
        (12.34, "12.3 J"),
        (5.3e-16, "0.00053 pJ"),
        (0.0, "0 pJ"),
    ],
)
def test_joules_by_hand(value: float, text: str) -> None:
    assert joules(value) == text


def test_seconds_by_hand() -> None:
    assert seconds(5.3e-4) == "530 us"


@given(st.floats(1e-12, 999.0))
def test_three_digits_that_mean_the_value(value: float) -> None:
    number, unit = joules(value).split(" ")
    assert "e" not in number
    factor = {f"{name}J": size for size, name in PREFIXES}[unit]
    assert float(number) * factor == pytest.approx(value, rel=0.0051)


@given(st.floats(0, 1e6))
def test_a_prefix_is_one_of_the_table(value: float) -> None:
    assert prefix(value) in PREFIXES
