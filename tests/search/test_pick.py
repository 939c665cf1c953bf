"""Which network of a front is picked, on fronts drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from msenas.search.pick import ORDERS, PICKS

NAMES = ("fitness", "energy")


@pytest.mark.parametrize(
    ("points", "index"),
    [
        ([[3, 4]], 0),
        ([[0, 1], [1, 0]], 0),  # both ends lie on the line
        ([[0, 1], [0.1, 0.1], [1, 0]], 1),
        ([[0, 10], [1, 9], [2, 0]], 0),  # (0.5, 0.9) lies beyond the line
        ([[0, 1000], [1, 200], [2, 0]], 1),  # each objective is scaled on its own
        ([[5, 1], [5, 1]], 0),  # flat
        ([[7, 1], [7, 0]], 1),  # flat in one objective
        ([[-3.0], [-3.0]], 0),
    ],
)
def test_knee(points, index):
    assert PICKS["knee"](np.array(points, dtype=float), NAMES) == index


def test_knee_ignores_units():
    points = np.array([[0, 1], [0.2, 0.3], [1, 0]])
    knee = PICKS["knee"]
    assert knee(points, NAMES) == knee(points * [1e-9, 1e6] + [5, -2], NAMES) == 1


@pytest.mark.parametrize("name", PICKS)
@pytest.mark.parametrize("points", [[[1.0, 2.0]], [[1.0, 2.0, 3.0]]])
def test_every_rule_takes_a_single_network(name, points):
    assert PICKS[name](np.array(points), ("fitness", "energy", "spikes")[: len(points[0])]) == 0


@pytest.mark.parametrize("name", ["knee", "fitness"])
def test_one_objective(name):
    assert PICKS[name](np.array([[2.0], [1.0]]), ("fitness",)) == 1


@pytest.mark.parametrize(("rule", "index"), [("fitness", 2), ("energy", 1)])
def test_best_of_one_objective(rule, index):
    points = np.array([[2.0, 3.0], [9.0, 1.0], [1.0, 4.0]])
    assert PICKS[rule](points, ("fitness", "energy")) == index
    assert PICKS[rule](points[:, ::-1], ("energy", "fitness")) == index


def test_ties_go_to_the_better_other_objective():
    assert PICKS["fitness"](np.array([[1.0, 5.0], [1.0, 4.0]]), NAMES) == 1


@pytest.mark.parametrize(
    ("rule", "order"), [("knee", [1, 0, 2, 3]), ("fitness", [0, 1, 2, 3]), ("energy", [3, 2, 1, 0])]
)
def test_orders_by_hand(rule, order):
    """Scaled sums of the objectives: 1, 0.5, 1, 1."""
    points = np.array([[0.0, 1.0], [0.2, 0.3], [0.75, 0.25], [1.0, 0.0]])
    assert ORDERS[rule](points, ("fitness", "energy")).tolist() == order
