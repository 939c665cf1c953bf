"""What a ranking says: how well each fitness orders the networks, beside the trivial ones and beside the noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msenas.ranking.agreement import Figure, kendall, picked, resampled
from msenas.ranking.config import LEAST
from msenas.ranking.noise import Noise, noise_of
from msenas.ranking.record import Known
from msenas.ranking.rows import Row, compare, row_of
from msenas.ranking.scoring import Score

QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Ranking:
    """The report.

    Attributes:
        networks, failed: those that were ranked, and those that could not be trained.
        accuracy: final accuracies: least, quartiles, most.
        mean, hindsight: mean accuracy of all, and of the tenth that turned out best: what picking at random is worth,
            and what no pick can surpass.
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
    mean: Figure
    hindsight: Figure
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
    rows = resampled(len(trained), seed)
    compared = compare(trained, scores, starts, names, rows)
    found = [row_of(name, compared) for name in names]
    return Ranking(
        networks=len(trained),
        failed=len(networks) - len(trained),
        accuracy=tuple(float(v) for v in np.percentile(compared.accuracy, [0, 25, 50, 75, 100])),
        mean=Figure.of(compared.accuracy[rows].mean(1)),
        hindsight=Figure.of(picked(compared.accuracy, compared.accuracy, rows)[0]),
        rows=tuple(sorted(found, key=lambda row: -np.nan_to_num(row.tau.value, nan=-2.0))),
        best_trivial=compared.best,
        settled=_settled(trained, rows),
        noise=_noise(trained, seed),
        **_energy(trained, scores, rows),
    )


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


def _without_nan(data: object) -> object:
    if isinstance(data, Mapping):
        return {key: _without_nan(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_without_nan(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
