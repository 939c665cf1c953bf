"""One line of a report: how well one fitness orders the networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msenas.fitness.registry import FITNESSES, SCREEN, Fitness
from msenas.ranking.agreement import Array, Figure, agreement, kendall, partial, picked, spearman
from msenas.ranking.record import Known
from msenas.ranking.scoring import Score
from msenas.search.config import PROMOTED

GIVEN = ("parameters", "synops", "depth")
"""What is held fixed in the partial correlations; values of fitnesses of these names."""
LIKE = ("spikes", "parameters", "depth")
"""Trivial quantities that a fitness must not be in disguise."""


BySeed = Mapping[int, Array]
"""Values of all networks, by weight seed."""


@dataclass(frozen=True)
class Row:
    """How well one fitness ranks; larger is better in every figure but `regret`.

    The figures of its order are means over the weight seeds.

    Attributes:
        name: of the fitness.
        missing: values that it does not have, of all networks and seeds; they rank last.
        tau: Kendall's tau-b with the accuracy.
        beyond: tau minus that of the best trivial fitness.
        loss: tau with the cross-entropy (the smaller, the better).
        start: tau between the values from the weights with which the first training of each network began, and the
            accuracy after that training; NaN if they are not known. All other figures are of other weights.
        start_beyond: this minus that of the best trivial fitness.
        spearman: Spearman's rho with the accuracy.
        given: rank correlation with the accuracy while one of GIVEN is held fixed.
        top: mean accuracy of the tenth that it ranks first.
        regret: how far the best of that tenth is below the best of all.
        staged: of a fitness that trains, `top` if it sees only the best PROMOTED by the SCREEN (a search screens by its
            other objectives, too).
        stability: mean tau between two weight seeds; NaN for a single seed.
        like: rho with each of LIKE.
    """

    name: str
    missing: int
    tau: Figure
    beyond: Figure
    start: Figure
    start_beyond: Figure
    loss: Figure
    spearman: Figure
    given: Mapping[str, Figure]
    top: Figure
    regret: Figure
    staged: Figure
    stability: Figure
    like: Mapping[str, Figure]


@dataclass(frozen=True)
class Compared:
    """What all lines of a report are made of.

    Attributes:
        values: of each fitness.
        accuracy, loss: of the networks.
        rows: the resamples.
        taus: of each fitness that is reported, in every resample.
        starts: the same from the weights with which the first trainings began; empty if they are not known.
        best: the trivial fitness with the best tau; None if none was asked for.
    """

    values: Mapping[str, BySeed]
    accuracy: Array
    loss: Array
    rows: NDArray[np.int64]
    taus: Mapping[str, Array]
    starts: Mapping[str, Array]
    best: str | None


def compare(
    networks: Sequence[Known],
    scores: Sequence[Score],
    starts: Sequence[Score],
    names: Sequence[str],
    rows: NDArray[np.int64],
) -> Compared:
    """Compare scores with accuracies; for the arguments, see `report`."""
    accuracy, loss = np.array([one.accuracy for one in networks]), np.array([one.loss for one in networks])
    values = {name: _by_seed(networks, scores, name) for name in {*names, *GIVEN, *LIKE, SCREEN}}
    taus = {name: _mean(values[name].values(), lambda v: kendall(v, accuracy, rows)) for name in names}
    trivial = [name for name in names if FITNESSES[name].trivial and np.isfinite(taus[name][0])]
    best = max(trivial, key=lambda name: taus[name][0], default=None)
    return Compared(values, accuracy, loss, rows, taus, _started(networks, starts, names, rows), best)


def row_of(name: str, compared: Compared) -> Row:
    """The line of one fitness."""
    own, values, accuracy, rows = compared.values[name], compared.values, compared.accuracy, compared.rows
    orders = [_finite(v) for v in own.values()]
    tops = [picked(v, accuracy, rows) for v in own.values()]
    return Row(
        name=name,
        missing=sum(int(np.isinf(v).sum()) for v in own.values()),
        tau=Figure.of(compared.taus[name]),
        beyond=_beyond(name, compared.taus, compared.best),
        start=Figure.of(compared.starts[name]) if name in compared.starts else _nothing(),
        start_beyond=_beyond(name, compared.starts, compared.best),
        loss=Figure.of(_mean(own.values(), lambda v: kendall(v, -compared.loss, rows))),
        spearman=Figure.of(_mean(own.values(), lambda v: spearman(v, accuracy, rows))),
        given={
            third: Figure.of(_pairwise(own, values[third], lambda v, w: partial(v, accuracy, w, rows)))
            for third in GIVEN
            if third != name
        },
        top=Figure.of(np.mean([top for top, _ in tops], axis=0)),
        regret=Figure.of(np.mean([regret for _, regret in tops], axis=0)),
        staged=_staged(own, values[SCREEN], accuracy, rows) if FITNESSES[name].trains else _nothing(),
        stability=_nothing() if len(own) < 2 else Figure.of(agreement(orders, lambda a, b: kendall(a, b, rows))),
        like={
            other: Figure.of(_pairwise(own, values[other], lambda v, w: spearman(v, w, rows)))
            for other in LIKE
            if other != name
        },
    )


def _beyond(name: str, taus: Mapping[str, Array], best: str | None) -> Figure:
    return _nothing() if best in (None, name) or name not in taus else Figure.of(taus[name] - taus[str(best)])


def _started(
    networks: Sequence[Known], starts: Sequence[Score], names: Sequence[str], rows: NDArray[np.int64]
) -> dict[str, Array]:
    if not starts or any(one.trainings[0].failure is not None for one in networks):
        return {}
    accuracy = np.array([one.trainings[0].accuracies[-1] for one in networks])
    values = {name: _by_seed(networks, starts, name).values() for name in names}
    return {name: _mean(own, lambda v: kendall(v, accuracy, rows)) for name, own in values.items() if own}


def _staged(own: BySeed, screen: BySeed, accuracy: Array, rows: NDArray[np.int64]) -> Figure:
    tops = [picked(v, accuracy, rows, (screen[seed], PROMOTED))[0] for seed, v in own.items()]
    return Figure.of(np.mean(tops, axis=0))


def _by_seed(networks: Sequence[Known], scores: Sequence[Score], name: str) -> BySeed:
    """Values of a fitness by the weight seeds from which it was read: more is better, and a missing one is worst."""
    fitness: Fitness = FITNESSES[name]
    table = {(score.id, score.seed): score.values for score in scores}
    seeds = sorted({score.seed for score in scores})
    read = [seed for seed in seeds if all(name in table[one.id, seed] for one in networks)]
    return {seed: np.array([_oriented(table[one.id, seed][name], fitness) for one in networks]) for seed in read}


def _oriented(value: float | None, fitness: Fitness) -> float:
    return -math.inf if value is None else value if fitness.maximise else -value


def _mean(lists: Iterable[Array], measure: Callable[[Array], Array]) -> Array:
    return np.asarray(np.mean([measure(_finite(v)) for v in lists], axis=0))


def _pairwise(ones: BySeed, others: BySeed, measure: Callable[[Array, Array], Array]) -> Array:
    seeds = [seed for seed in ones if seed in others]
    return np.asarray(np.mean([measure(_finite(ones[seed]), _finite(others[seed])) for seed in seeds], axis=0))


def _finite(values: Array) -> Array:
    """The same order, with what is missing below all else (differences of infinities have no sign)."""
    known = values[np.isfinite(values)]
    return np.where(np.isfinite(values), values, np.nextafter(known.min(), -math.inf) if len(known) else 0.0)


def _nothing() -> Figure:
    return Figure(math.nan, math.nan, math.nan)
