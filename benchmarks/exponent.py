"""What does the exponent of `projected-loss` buy? Other exponents, from the scores that a ranking has kept.

    msenas rank --trained benchmarks/motif_bench/cifar10.jsonl --data PATH --half development --fitness all --out DIR
    python benchmarks/exponent.py DIR

A score is the loss after a short training times parameters^-exponent; 0 is `short-training`. Printed with the 95 %
intervals of a bootstrap over the networks: tau with the accuracy from the weights that are trained, and its distance to
that of the parameters; the same from other weights; and rho with the parameters. Nothing is trained or scored anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from msenas.errors import InputError
from msenas.fitness.registry import PROJECTED
from msenas.ranking.agreement import Figure
from msenas.ranking.config import RankConfig
from msenas.ranking.folder import RankFolder
from msenas.ranking.record import Known, read_networks
from msenas.ranking.report import report
from msenas.ranking.rows import Row
from msenas.ranking.scoring import Score, read_scores
from msenas.runs.files import read_json

EXPONENTS = (0.0, 0.01, 0.02, PROJECTED, 0.04)


def projected(score: Score, parameters: int, exponent: float) -> Score:
    """The score with another exponent in its `projected-loss`."""
    loss = score.values.get("short-training")
    if loss is None:
        return score
    return msgspec.structs.replace(score, values=score.values | {"projected-loss": loss * parameters**-exponent})


def row_of(networks: Sequence[Known], scores: Sequence[Score], exponent: float, seed: int) -> Row | None:
    """How well it ranks; None if there are too few networks."""
    sizes = {one.id: one.parameters for one in networks}
    own = [projected(score, sizes[score.id], exponent) for score in scores]
    starts = [score for score in own if score.seed == seed]
    others = [score for score in own if score.seed != seed]
    ranking = report(networks, others, ("projected-loss", "parameters"), seed, starts)
    return None if ranking is None else next(row for row in ranking.rows if row.name == "projected-loss")


def text(figure: Figure) -> str:
    """A figure with its interval."""
    return f"{figure.value:.2f} ({figure.low:.2f}, {figure.high:.2f})"


def main() -> None:
    """Run the command line; what cannot be used is one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--exponents", type=float, nargs="+", default=EXPONENTS)
    options = parser.parse_args()
    folder = RankFolder(options.folder)
    try:
        config = read_json(folder.config, RankConfig)
        _, known = read_networks(folder.networks)
        scores = read_scores(folder.scores)
    except InputError as error:
        parser.error(str(error))
    networks = [one for one in known if config.half in (one.half, "both")]
    chosen = {one.id for one in networks}
    own = [score for score in scores.values() if score.id in chosen]
    if not any("short-training" in score.values for score in own):
        parser.error(
            f"{folder.scores} has no short-training; run msenas rank --resume --fitness all --out {folder.path}"
        )
    print("exponent | tau from the same start | minus parameters | tau | minus parameters | rho with parameters")
    for exponent in options.exponents:
        row = row_of(networks, own, exponent, config.seed)
        if row is None:
            parser.error(f"{folder.networks} has too few trained networks to compare")
        figures = (row.start, row.start_beyond, row.tau, row.beyond, row.like["parameters"])
        print(f"{exponent:g}", *map(text, figures), sep=" | ")


if __name__ == "__main__":
    main()
