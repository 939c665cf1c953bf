"""How well two orders of networks agree: rank correlations with bootstrap intervals, all resamples at once.

A resample of n networks, drawn with replacement, is a row of weights that says how often each of them was drawn. Pairs
of copies of one network are ties in every quantity, and a tie counts in no sum of Kendall's tau-b (Kendall 1945,
doi:10.1093/biomet/33.3.239); so with the signs s of all differences of pairs

    tau_b = w' (s_x s_y) w / sqrt(w' s_x^2 w  w' s_y^2 w)

holds for every row of weights w. Spearman's rho is the correlation of mid-ranks, which are found anew in each resample.
The partial correlation is that of the ranks with those of a third quantity held fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES = 2000
LEVEL = 95
"""Per cent of the resamples that an interval holds."""
TOP = 0.1
"""Share of the networks that a pick takes."""


@dataclass(frozen=True)
class Figure:
    """A number with its bootstrap interval; all are NaN where it has no value (a constant has no rank)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Array) -> Figure:
        """From the value of the sample itself, first, and those of its resamples."""
        if not np.isfinite(values[0]):
            return cls(np.nan, np.nan, np.nan)
        tail = (100 - LEVEL) / 2
        low, high = np.nanpercentile(values, [tail, 100 - tail])
        return cls(float(values[0]), float(low), float(high))

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f}, {self.high:.2f})"


def resampled(count: int, seed: int, times: int = RESAMPLES) -> NDArray[np.int64]:
    """Places of the networks of each resample, int [1 + times, count]; the first row is the sample itself."""
    rng = np.random.default_rng([seed, 0xB007])
    return np.concatenate([np.arange(count)[None], rng.integers(count, size=(times, count))])


def kendall(x: Sequence[float] | Array, y: Sequence[float] | Array, rows: NDArray[np.int64]) -> Array:
    """Kendall's tau-b of each resample, float [R]; NaN where one of the two is constant."""
    signs = [np.sign(np.subtract.outer(v, v)) for v in (np.asarray(x, float), np.asarray(y, float))]
    weights = _weights(rows)
    both, own, other = (_form(weights, a * b) for a, b in ((signs[0], signs[1]), (signs[0],) * 2, (signs[1],) * 2))
    return _quotient(both, np.sqrt(own * other))


def spearman(x: Sequence[float] | Array, y: Sequence[float] | Array, rows: NDArray[np.int64]) -> Array:
    """Spearman's rank correlation of each resample, float [R]; NaN where one of the two is constant."""
    weights = _weights(rows)
    return _correlation(_ranks(x, weights), _ranks(y, weights), weights)


def partial(
    x: Sequence[float] | Array, y: Sequence[float] | Array, given: Sequence[float] | Array, rows: NDArray[np.int64]
) -> Array:
    """Rank correlation of x and y with a third quantity held fixed, float [R]; NaN where that leaves nothing."""
    weights = _weights(rows)
    rx, ry, rz = (_ranks(v, weights) for v in (x, y, given))
    xy, xz, yz = (_correlation(a, b, weights) for a, b in ((rx, ry), (rx, rz), (ry, rz)))
    return _quotient(xy - xz * yz, np.sqrt(np.clip((1 - xz**2) * (1 - yz**2), 0, None)))


def picked(
    x: Sequence[float] | Array,
    y: Sequence[float] | Array,
    rows: NDArray[np.int64],
    screen: tuple[Sequence[float] | Array, float] | None = None,
) -> tuple[Array, Array]:
    """What picking the TOP of each resample by x is worth in y: their mean, and how far their best is below the best.

    Of equal x, those are taken that come first in the resample.

    Args:
        x: a number for each network.
        y: another one.
        rows: the resamples.
        screen: a third quantity and a share: only among the best share of a resample by this quantity is picked.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    count = max(1, round(TOP * rows.shape[1]))
    among = rows
    if screen is not None:
        first, share = np.asarray(screen[0], float), max(count, round(screen[1] * rows.shape[1]))
        among = np.take_along_axis(rows, _best(first[rows], share), 1)
    chosen = np.take_along_axis(y[among], _best(x[among], count), 1)
    return chosen.mean(1), y[rows].max(1) - chosen.max(1)


def agreement(values: Sequence[Sequence[float] | Array], measure: Callable[[Array, Array], Array]) -> Array:
    """Mean of a measure over all pairs of several lists."""
    lists = [np.asarray(v, float) for v in values]
    pairs = [measure(a, b) for i, a in enumerate(lists) for b in lists[i + 1 :]]
    return np.asarray(np.mean(pairs, axis=0))


def _best(values: Array, count: int) -> NDArray[np.int64]:
    """Places of the largest of each row."""
    return np.argsort(-values, axis=1, kind="stable")[:, :count]


def _weights(rows: NDArray[np.int64]) -> Array:
    """How often each network is in each resample, float [R, n]."""
    count = rows.shape[1]
    flat = np.bincount((rows + count * np.arange(len(rows))[:, None]).ravel(), minlength=rows.size)
    return flat.reshape(rows.shape).astype(float)


def _form(weights: Array, matrix: Array) -> Array:
    return np.asarray(np.einsum("rn,rn->r", weights @ matrix, weights))


def _ranks(values: Sequence[float] | Array, weights: Array) -> Array:
    """Mid-ranks in each resample, float [R, n]: half of what is equal, and all that is smaller, by weight."""
    v = np.asarray(values, float)
    return np.asarray(weights @ (np.sign(np.subtract.outer(v, v)).T + 1) / 2)


def _correlation(a: Array, b: Array, weights: Array) -> Array:
    total = weights.sum(1, keepdims=True)
    a, b = (v - (weights * v).sum(1, keepdims=True) / total for v in (a, b))
    spread = np.sqrt((weights * a * a).sum(1) * (weights * b * b).sum(1))
    return _quotient((weights * a * b).sum(1), spread)


def _quotient(above: Array, below: Array) -> Array:
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 1e-12))
