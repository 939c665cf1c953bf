"""What does inhibition do to a network? Rank correlations over the networks of a file, with nothing computed anew.

    python benchmarks/inhibition.py --networks benchmarks/motif_bench/cifar10.jsonl

Shares of inhibitory synapses, neurons and synaptic operations, and the number of layers of each motif, against what
was measured of the trained networks: accuracy, the same given the parameters, energy, the same given the accuracy, and
spikes per neuron; with 95 % intervals of a bootstrap over the networks. Operations and spikes are those of the first
training.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from msenas.errors import InputError
from msenas.ranking.agreement import Array, Figure, partial, resampled, spearman
from msenas.ranking.config import BOTH, LEAST
from msenas.ranking.record import Known, read_networks

COUNTS = {"spikes", "synops", "synops_inhibitory"}
"""Operations of the trained networks that are needed."""


def causes(networks: list[Known]) -> dict[str, Array]:
    """How much inhibition a network has, and what it is built of."""
    counts = [one.succeeded[0].counts for one in networks]
    motifs = sorted({motif for one in networks for motif in one.motifs})
    return {
        "inhibitory synapses": np.array([one.inhibitory_synapses for one in networks]),
        "inhibitory neurons": np.array([one.inhibitory_neurons for one in networks]),
        "inhibitory SynOps": np.array([c["synops_inhibitory"] / max(c["synops"], 1.0) for c in counts]),
    } | {f"layers of {motif}": np.array([float(one.motifs.get(motif, 0)) for one in networks]) for motif in motifs}


def table(networks: list[Known], seed: int) -> Iterator[str]:
    """One line for each cause."""
    rows = resampled(len(networks), seed)
    accuracy, energy, parameters, rate = (
        np.array(values, float)
        for values in (
            [one.accuracy for one in networks],
            [one.energy for one in networks],
            [one.parameters for one in networks],
            [one.succeeded[0].counts["spikes"] / one.neurons for one in networks],
        )
    )
    yield (
        "rank correlation of | networks that have it | accuracy | given parameters | energy | given accuracy"
        " | spikes per neuron"
    )
    for name, cause in causes(networks).items():
        found = (
            spearman(cause, accuracy, rows),
            partial(cause, accuracy, parameters, rows),
            spearman(cause, energy, rows),
            partial(cause, energy, accuracy, rows),
            spearman(cause, rate, rows),
        )
        figures = (Figure.of(values) for values in found)
        yield " | ".join([name, str((cause > 0).sum()), *map(str, figures)])


def main() -> None:
    """Run the command line; what cannot be used is one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--half", choices=("development", "held-out", BOTH), default=BOTH)
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    options = parser.parse_args()
    if options.seed < 0:
        parser.error("--seed must be at least 0")
    try:
        _, known = read_networks(options.networks)
    except InputError as error:
        parser.error(str(error))
    networks = [one for one in known if options.half in (one.half, BOTH) and one.succeeded]
    if len(networks) < LEAST:
        parser.error(f"{options.networks} has {len(networks)} trained networks of this half; it takes {LEAST}")
    if not all(one.succeeded[0].counts.keys() >= COUNTS for one in networks):
        parser.error(f"{options.networks} has networks without counts of {', '.join(sorted(COUNTS))}")
    print(*table(networks, options.seed), sep="\n")


if __name__ == "__main__":
    main()
