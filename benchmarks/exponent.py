"""What does the exponent of `projected-loss` buy? Other exponents, from the scores that a ranking has kept.

    msenas rank --trained benchmarks/motif_bench/cifar10.jsonl --data PATH --half development --fitness all --out DIR
    python benchmarks/exponent.py DIR

A score is the loss after a short training times parameters^-exponent; 0 is `short-training`. Printed with the 95 %
intervals of a bootstrap over the networks: tau with the accuracy from the weights that are trained, and its distance to
that of the parameters; the same from other weights; and rho with the parameters. Nothing is trained or scored anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
from kept import Kept, read_kept

from msenas.errors import InputError
from msenas.fitness.registry import PROJECTED
from msenas.ranking.report import report
from msenas.ranking.rows import Row
from msenas.ranking.scoring import Score

EXPONENTS = (0.0, 0.01, 0.02, PROJECTED, 0.04)


def projected(score: Score, parameters: int, exponent: float) -> Score:
    """The score with another exponent in its `projected-loss`."""
    loss = score.values.get("short-training")
    if loss is None:
        return score
    return msgspec.structs.replace(score, values=score.values | {"projected-loss": loss * parameters**-exponent})


def row_of(kept: Kept, exponent: float) -> Row:
    """How well it ranks.

    Raises:
        InputError: There are too few networks.
    """
    sizes = {one.id: one.parameters for one in kept.networks}
    starts, others = (
        [projected(score, sizes[score.id], exponent) for score in scores] for scores in (kept.starts, kept.others)
    )
    ranking = report(kept.networks, others, ("projected-loss", "parameters"), kept.seed, starts)
    if ranking is None:
        raise InputError("there are too few trained networks to compare")
    return next(row for row in ranking.rows if row.name == "projected-loss")


def main() -> None:
    """Run the command line; what cannot be used is one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--exponents", type=float, nargs="+", default=EXPONENTS)
    options = parser.parse_args()
    if not all(-1 <= exponent <= 1 for exponent in options.exponents):
        parser.error("--exponents must be -1 to 1")
    try:
        kept = read_kept(options.folder, "short-training")
        rows = [row_of(kept, exponent) for exponent in options.exponents]
    except InputError as error:
        parser.error(str(error))
    print("exponent | tau from the same start | minus parameters | tau | minus parameters | rho with parameters")
    for exponent, row in zip(options.exponents, rows, strict=True):
        figures = (row.start, row.start_beyond, row.tau, row.beyond, row.like["parameters"])
        print(f"{exponent:g}", *figures, sep=" | ")


if __name__ == "__main__":
    main()
