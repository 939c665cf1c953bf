"""What a ranking says: how well each fitness orders the networks, beside the trivial ones and beside the noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msenas.fitness.registry import FITNESSES, SCREEN, Fitness
from msenas.ranking.agreement import Array, Figure, agreement, kendall, partial, picked, resampled, spearman
from msenas.ranking.config import LEAST
from msenas.ranking.noise import Noise, noise_of
from msenas.ranking.record import Known
from msenas.ranking.scoring import Score
from msenas.search.config import PROMOTED

GIVEN = ("parameters", "synops", "depth")
"""What is held fixed in the partial correlations; values of fitnesses of these names."""
LIKE = ("spikes", "parameters", "depth")
"""Trivial quantities that a fitness must not be in disguise."""
QUARTERS = (0.25, 0.5, 0.75)


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
        loss: the same with the cross-entropy (the smaller, the better).
        start: tau between the values from the weights with which the first training of each network began, and the
            accuracy after that training; NaN if they are not known. All other figures are of other weights.
        spearman: Spearman's rho with the accuracy.
        given: rank correlation with the accuracy while one of GIVEN is held fixed.
        top: mean accuracy of the tenth that it ranks first.
        regret: how far the best of that tenth is below the best of all.
        staged: of a fitness that trains, `top` if it sees the best PROMOTED by the SCREEN alone, as in a search.
        stability: mean tau between two weight seeds; NaN for a single seed.
        like: rho with each of LIKE.
        beyond: tau minus that of the best trivial fitness.
    """

    name: str
    missing: int
    tau: Figure
    loss: Figure
    start: Figure
    spearman: Figure
    given: Mapping[str, Figure]
    top: Figure
    regret: Figure
    staged: Figure
    stability: Figure
    like: Mapping[str, Figure]
    beyond: Figure


@dataclass(frozen=True)
class Ranking:
    """The report.

    Attributes:
        networks, failed: those that were ranked, and those that could not be trained.
        accuracy: final accuracies: least, quartiles, most.
        rows: of each fitness, the best tau first.
        best_trivial: the trivial fitness with the best tau; None if none was asked for.
        settled: tau between the accuracies after a share of the epochs and in the end; without shares that come to no
            epoch, or to all of them.
        noise: of the accuracy, and of the loss; empty if no network was trained twice.
        energy: tau between the energies estimated before and after training; None if one of them is not known.
        energy_ratio: energy after training over that before: 5th, 50th and 95th percentile.
    """

    networks: int
    failed: int
    accuracy: tuple[float, ...]
    rows: tuple[Row, ...]
    best_trivial: str | None
    settled: Mapping[str, Figure]
    noise: Mapping[str, Noise]
    energy: Figure | None
    energy_ratio: tuple[float, ...] | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able form; what has no value is None."""
        cleaned = _without_nan(asdict(self))
        assert isinstance(cleaned, dict)
        return cleaned


def report(
    networks: Sequence[Known], scores: Sequence[Score], names: Sequence[str], seed: int, starts: Sequence[Score] = ()
) -> Ranking | None:
    """Compare the scores of networks with their accuracies; None if there are too few to compare.

    Args:
        networks: with their trainings.
        scores: of the same networks, every one from the same weight seeds.
        names: fitnesses to report.
        seed: of the resamples.
        starts: scores from the weights with which the first trainings began.
    """
    trained = [one for one in networks if one.accuracy is not None]
    if len(trained) < LEAST:
        return None
    accuracy, loss = np.array([one.accuracy for one in trained]), np.array([one.loss for one in trained])
    rows = resampled(len(trained), seed)
    values = {name: _by_seed(trained, scores, name) for name in {*names, *GIVEN, *LIKE, SCREEN}}
    taus = {name: _mean(values[name].values(), lambda v: kendall(v, accuracy, rows)) for name in names}
    trivial = [name for name in names if FITNESSES[name].trivial and np.isfinite(taus[name][0])]
    best = max(trivial, key=lambda name: taus[name][0], default=None)
    found = [
        _row(name, values, (accuracy, loss), rows, taus, best, _same_start(trained, starts, name, rows))
        for name in names
    ]
    return Ranking(
        networks=len(trained),
        failed=len(networks) - len(trained),
        accuracy=tuple(float(v) for v in np.percentile(accuracy, [0, 25, 50, 75, 100])),
        rows=tuple(sorted(found, key=lambda row: -np.nan_to_num(row.tau.value, nan=-2.0))),
        best_trivial=best,
        settled=_settled(trained, rows),
        noise=_noise(trained, seed),
        **_energy(trained, scores, rows),
    )


def _row(
    name: str,
    values: Mapping[str, BySeed],
    ends: tuple[Array, Array],
    rows: NDArray[np.int64],
    taus: Mapping[str, Array],
    best: str | None,
    start: Figure,
) -> Row:
    own, (accuracy, loss) = values[name], ends
    orders = [_finite(v) for v in own.values()]
    tops = [picked(v, accuracy, rows) for v in own.values()]
    return Row(
        name=name,
        missing=sum(int(np.isinf(v).sum()) for v in own.values()),
        tau=Figure.of(taus[name]),
        loss=Figure.of(_mean(own.values(), lambda v: kendall(v, -loss, rows))),
        start=start,
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
        beyond=_nothing() if best in (None, name) else Figure.of(taus[name] - taus[str(best)]),
    )


def _same_start(networks: Sequence[Known], starts: Sequence[Score], name: str, rows: NDArray[np.int64]) -> Figure:
    values = _by_seed(networks, starts, name)
    if not values or any(one.trainings[0].failure is not None for one in networks):
        return _nothing()
    accuracy = np.array([one.trainings[0].accuracies[-1] for one in networks])
    return Figure.of(_mean(values.values(), lambda v: kendall(v, accuracy, rows)))


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


def _settled(networks: Sequence[Known], rows: NDArray[np.int64]) -> dict[str, Figure]:
    """Agreement of the order after a share of the epochs with the last one."""
    curves = [one.succeeded[0].accuracies for one in networks]
    epochs = min(map(len, curves))
    at = {f"{share:.0%}": round(share * epochs) for share in QUARTERS}
    final = np.array([curve[-1] for curve in curves])
    early = {
        name: np.array([curve[epoch - 1] for curve in curves]) for name, epoch in at.items() if 1 <= epoch < epochs
    }
    return {name: Figure.of(kendall(values, final, rows)) for name, values in early.items()}


def _noise(networks: Sequence[Known], seed: int) -> dict[str, Noise]:
    ends = {
        "accuracy": [[t.accuracies[-1] for t in one.succeeded] for one in networks],
        "loss": [[t.losses[-1] for t in one.succeeded] for one in networks],
    }
    found = {name: noise_of(values, seed) for name, values in ends.items()}
    return {name: noise for name, noise in found.items() if noise is not None}


def _energy(networks: Sequence[Known], scores: Sequence[Score], rows: NDArray[np.int64]) -> dict[str, Any]:
    """Energies before training, from the first weight seed, against those after it."""
    first = min(score.seed for score in scores)
    before = {s.id: s.energy_joule[1] for s in scores if s.seed == first and s.energy_joule is not None}
    untrained = np.array([before.get(one.id, 0.0) for one in networks])
    trained = np.array([one.energy or 0.0 for one in networks])
    if not (untrained > 0).all() or not (trained > 0).all():
        return {"energy": None, "energy_ratio": None}
    return {
        "energy": Figure.of(kendall(untrained, trained, rows)),
        "energy_ratio": tuple(float(v) for v in np.percentile(trained / untrained, [5, 50, 95])),
    }


def _nothing() -> Figure:
    return Figure(math.nan, math.nan, math.nan)


def _without_nan(data: object) -> object:
    if isinstance(data, Mapping):
        return {key: _without_nan(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_without_nan(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
