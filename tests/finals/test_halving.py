"""The rungs of successive halving, by hand and by their laws."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msenas.finals.halving import course, epochs_in_all


@pytest.mark.parametrize(
    ("entrants", "epochs", "rungs", "in_all"),
    [
        (2, 4, [(2, 4, 1)], 8),
        (8, 8, [(8, 2, 4), (4, 4, 2), (2, 8, 1)], 16 + 8 + 8),
        (5, 3, [(5, 1, 3), (3, 2, 2), (2, 3, 1)], 5 + 3 + 2),
        (8, 1, [(8, 1, 4), (4, 1, 2), (2, 1, 1)], 8),
    ],
)
def test_by_hand(entrants, epochs, rungs, in_all):
    found = course(entrants, epochs)
    assert [(rung.entrants, rung.epochs, rung.go_on) for rung in found] == rungs
    assert epochs_in_all(found) == in_all


def test_a_single_network_has_no_rival():
    assert course(1, 8) == ()
    assert epochs_in_all(()) == 0


@settings(deadline=None)
@given(st.integers(2, 1000), st.integers(1, 1000))
def test_laws(entrants, epochs):
    rungs = course(entrants, epochs)
    assert (rungs[0].entrants, rungs[-1].epochs, rungs[-1].go_on) == (entrants, epochs, 1)
    for rung, after in pairwise(rungs):
        assert rung.go_on == after.entrants == (rung.entrants + 1) // 2
        assert 1 <= rung.epochs <= after.epochs <= 2 * rung.epochs
