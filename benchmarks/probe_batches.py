"""How much do scores depend on the samples that they are read from? Probe batches of several sizes, each drawn anew.

    python benchmarks/probe_batches.py --networks benchmarks/motif_bench/cifar10.jsonl --data PATH --half development
    python benchmarks/probe_batches.py ... --pairs 8 32 128 --batches 5

The networks of the file are scored by every fitness that does not train, from one and the same random weights. What is
printed of each fitness and size: tau between two probe batches, and tau with the accuracy, with 95 % intervals of a
bootstrap over the networks. A fitness that does not look at the samples has tau 1 between them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from msenas.errors import InputError
from msenas.fitness.probe import draw_probe
from msenas.fitness.registry import FITNESSES
from msenas.ranking.config import BOTH, build_rank_config
from msenas.ranking.record import Known, read_networks
from msenas.ranking.report import Ranking, report
from msenas.ranking.scoring import Score, Scoring, Wanted
from msenas.runs.pool import Death, workers
from msenas.search.prepare import Prepared, prepare

FREE = tuple(name for name, fitness in FITNESSES.items() if not fitness.trains)


@dataclass(frozen=True)
class Batches:
    """Scores networks from probe batches that are drawn by number."""

    prepared: Prepared
    weight_seed: int

    def __call__(self, job: tuple[Known, int, int]) -> Score:
        """The score of a network from a batch of so many pairs; the number of the batch is in the place of the seed."""
        network, pairs, batch = job
        dataset, evaluator = self.prepared.dataset, self.prepared.evaluator
        events = dataset.kind == "events"
        probe = draw_probe(dataset.train, pairs, evaluator.probe.standard, events=events, seed=batch)
        wanted = Wanted(network.id, tuple(network.genome), self.weight_seed, FREE, None)
        score = Scoring(replace(evaluator, probe=probe, school=None), self.prepared.spec)(wanted)
        return msgspec.structs.replace(score, seed=batch)


def main() -> None:
    """Run the command line; what cannot be used is one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--half", choices=("development", "held-out", BOTH), default=BOTH)
    parser.add_argument(
        "--pairs", type=int, nargs="+", default=[8, 32, 128], help="samples of a batch, each with one disturbed copy"
    )
    parser.add_argument("--batches", type=int, default=5)
    options = parser.parse_args()
    if options.batches < 2:
        parser.error("it takes two batches to compare them")
    try:
        run(options)
    except InputError as error:
        parser.error(str(error))


def run(options: argparse.Namespace) -> None:
    """Score all networks, and print the tables."""
    about, known = read_networks(options.networks)
    place = {} if options.data is None else {"data": str(options.data)}
    config = build_rank_config(about.options | place)
    networks = [one for one in known if options.half in (one.half, BOTH)]
    prepared = prepare(config.search)
    # A seed of 0 draws the batch of a search, with which the networks were drawn as live ones.
    batches = range(1, options.batches + 1)
    jobs = [(one, pairs, batch) for pairs in options.pairs for batch in batches for one in networks]
    with workers(Batches(prepared, config.weight_seeds[0]), prepared.config.workers or 1) as pool:
        found = zip(jobs, pool.map(jobs), strict=True)
        scores: dict[int, list[Score]] = {pairs: [] for pairs in options.pairs}
        for (_, pairs, _), score in found:
            if isinstance(score, Death):
                raise SystemExit(f"a worker died: {score.reason}")
            scores[pairs].append(score)
    for pairs, own in scores.items():
        ranking = report(networks, own, FREE, config.seed)
        if ranking is None:
            raise SystemExit("there are too few networks to compare")
        print(f"{pairs} pairs, {options.batches} batches, {ranking.networks} networks")
        print("fitness | tau between batches | tau with the accuracy")
        print(*lines(ranking), sep="\n")


def lines(ranking: Ranking) -> Iterator[str]:
    """One line for each fitness."""
    for row in ranking.rows:
        yield f"{row.name} | {row.stability} | {row.tau}"


if __name__ == "__main__":
    main()
