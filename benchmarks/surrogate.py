"""Would a model that learns from the networks a search has trained screen better than the number of parameters?

    msenas rank --trained benchmarks/motif_bench/cifar10.jsonl --data PATH --half development --fitness all --out DIR
    python benchmarks/surrogate.py DIR

From the networks of a ranking, some are drawn at random to learn from: their structure, untrained activity and
`projected-loss`. The model predicts the others. Printed are tau of the prediction with the `projected-loss` of the
others and with their accuracy, means of many draws, beside the same of training-free scores. Nothing is trained anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from kept import Kept, read_kept
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import BayesianRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from msenas.errors import InputError
from msenas.genotype.motifs import MOTIFS
from msenas.ranking.agreement import Array, kendall, resampled
from msenas.ranking.config import LEAST
from msenas.ranking.record import Known

MODELS: Mapping[str, Callable[[], Any]] = {
    "ridge": lambda: make_pipeline(StandardScaler(), BayesianRidge()),
    "trees": lambda: ExtraTreesRegressor(100, min_samples_leaf=2, random_state=0),
}
SIZES = ("parameters", "synops", "spikes")
SCREENS = ("parameters", "synops", "depth")
FITNESS = "projected-loss"


@dataclass(frozen=True)
class Table:
    """What there is to learn from, for each network.

    Attributes:
        features: [N, F].
        fitness: larger is better.
        accuracy: after the training.
        screens: values of training-free scores by name.
    """

    features: Array
    fitness: Array
    accuracy: Array
    screens: Mapping[str, Array]


def features_of(one: Known, values: Mapping[str, float]) -> list[float]:
    """Of one network: its size and activity on a logarithmic scale, its shape, its inhibition and its motifs."""
    sizes = [np.log(max(values[name], 1.0)) for name in SIZES]
    shape = [np.log(one.neurons), one.depth, one.synapses, one.populations, one.recurrent]
    motifs = (one.motifs.get(motif.name, 0) for motif in MOTIFS)
    return [*sizes, *shape, one.inhibitory_neurons, one.inhibitory_synapses, *motifs]


def table_of(kept: Kept) -> Table:
    """The networks of a ranking that have all of it, from the weights with which the first trainings began."""
    needed = {FITNESS, *SIZES, *SCREENS}
    scores = {
        score.id: {name: value for name, value in score.values.items() if value is not None} for score in kept.starts
    }
    chosen = [one for one in kept.networks if one.succeeded and needed <= scores[one.id].keys()]
    return Table(
        np.array([features_of(one, scores[one.id]) for one in chosen], float),
        -np.array([scores[one.id][FITNESS] for one in chosen], float),
        np.array([one.accuracy for one in chosen], float),
        {name: np.array([scores[one.id][name] for one in chosen], float) for name in SCREENS},
    )


def taus(predicted: Array, table: Table, others: NDArray[np.int64]) -> tuple[float, float]:
    """Tau of a prediction of the others with their fitness, and with their accuracy."""
    rows = resampled(len(others), 0, times=0)
    fitness, accuracy = (float(kendall(predicted, y[others], rows)[0]) for y in (table.fitness, table.accuracy))
    return fitness, accuracy


def compared(table: Table, learnt: int, draws: int, rng: np.random.Generator) -> list[Array]:
    """Mean taus of each model, after learning from so many networks, and of each screen on the same others."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in (*MODELS, *SCREENS)}
    for _ in range(draws):
        order = rng.permutation(len(table.fitness))
        own, others = order[:learnt], order[learnt:]
        # Ranks: a loss that went astray must not pull the whole model.
        ranks = table.fitness[own].argsort().argsort().astype(float)
        for name, make in MODELS.items():
            predicted = make().fit(table.features[own], ranks).predict(table.features[others])
            found[name].append(taus(predicted, table, others))
        for name in SCREENS:
            found[name].append(taus(table.screens[name][others], table, others))
    return [np.nanmean(values, axis=0) for values in found.values()]


def main() -> None:
    """Run the command line; what cannot be used is one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--learn", type=int, nargs="+", default=[8, 16, 32, 48], help="networks to learn from")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        table = table_of(read_kept(options.folder, FITNESS))
    except InputError as error:
        parser.error(str(error))
    count = len(table.fitness)
    if count < 2 * LEAST:
        parser.error(f"{options.folder} has {count} trained networks with {FITNESS}; it takes {2 * LEAST}")
    if min(options.learn) < LEAST or max(options.learn) > count - LEAST:
        parser.error(
            f"--learn must be {LEAST} to {count - LEAST}: {options.folder} has {count} networks with {FITNESS}"
        )
    if options.draws < 1:
        parser.error("--draws must be at least 1")
    if options.seed < 0:
        parser.error("--seed must be at least 0")
    rng = np.random.default_rng(options.seed)
    print(f"{count} networks; tau with {FITNESS} / with the accuracy, means of {options.draws} draws")
    print("learnt from", *MODELS, *SCREENS, sep=" | ")
    for learnt in options.learn:
        found = compared(table, learnt, options.draws, rng)
        print(learnt, *(f"{fitness:.2f} / {accuracy:.2f}" for fitness, accuracy in found), sep=" | ")


if __name__ == "__main__":
    main()
