"""Which network of the front becomes best.json, and which come after it.

    knee      farthest from the straight line (plane) through the best of each objective, after scaling each to 0..1
    fitness   the best fitness
    energy    the least energy
The two latter need their objective among those of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Pick = Callable[[np.ndarray, Sequence[str]], int]
Order = Callable[[np.ndarray, Sequence[str]], np.ndarray]


def by_knee(points: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Indices of the points, those first that lie farthest below the hyperplane sum of scaled objectives = const.

    Args:
        points: objectives to be minimised [front, objectives].
        names: their names.

    With two objectives the first is the point farthest from the line between the ends of the front. Points that lie
    equally far stay in their order.
    """
    low, high = points.min(0), points.max(0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    return np.argsort(scaled.sum(1), kind="stable")


def _by(objective: str) -> Order:
    def order(points: np.ndarray, names: Sequence[str]) -> np.ndarray:
        column = list(names).index(objective)
        return np.lexsort((*points.T[::-1], points[:, column]))

    return order


def _first(order: Order) -> Pick:
    return lambda points, names: int(order(points, names)[0])


ORDERS: dict[str, Order] = {"knee": by_knee, "fitness": _by("fitness"), "energy": _by("energy")}
PICKS: dict[str, Pick] = {name: _first(order) for name, order in ORDERS.items()}
