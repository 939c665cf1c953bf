"""Which network of the front becomes best.json.

    knee      farthest from the straight line (plane) through the best of each objective, after scaling each to 0..1
    fitness   the best fitness
    energy    the least energy
The two latter need their objective among those of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Pick = Callable[[np.ndarray, Sequence[str]], int]


def knee(points: np.ndarray, names: Sequence[str]) -> int:
    """Index of the point that lies farthest below the hyperplane sum of scaled objectives = const.

    Args:
        points: objectives to be minimised [front, objectives].
        names: their names.

    With two objectives this is the point farthest from the line between the ends of the front. Ties go to the first.
    """
    low, high = points.min(0), points.max(0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    return int(np.argmin(scaled.sum(1)))


def _best_of(objective: str) -> Pick:
    def pick(points: np.ndarray, names: Sequence[str]) -> int:
        column = list(names).index(objective)
        return int(np.lexsort((*points.T[::-1], points[:, column]))[0])

    return pick


PICKS: dict[str, Pick] = {"knee": knee, "fitness": _best_of("fitness"), "energy": _best_of("energy")}
