"""Does a search beat chance, and what does each of its parts bring? Searches of several kinds, from several seeds.

    python benchmarks/chance.py OUT --networks benchmarks/motif_bench/cifar10.jsonl --data PATH
    python benchmarks/chance.py OUT ... --variants search,random --seeds 5 --population 20 --generations 8

The data set, the widths and the course of the final training are those of the file of networks (the first line of what
`msenas rank` writes). Of every search, the network with the best fitness is trained to the end, from other weights than
it was searched with, and judged on the test split (or, where that is too small, with --judge val on the samples on
which the networks of the file were compared). A search splits the data by its own seed: it has seen none of the test
split if the data set says what is for the test, and some of the other samples, to which a test split that is drawn
belongs, too. All searches evaluate as many networks; the seconds that this took are printed. What is in OUT is not
computed again, so the benchmark can be stopped at any time, and other options need another OUT.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.ranking.config import RankConfig, build_rank_config
from msenas.ranking.data import limited
from msenas.ranking.folder import RankFolder
from msenas.ranking.member import Member
from msenas.ranking.record import Known, known, read_networks
from msenas.ranking.trial import Trained, Trial, Trials
from msenas.runs.folder import RunFolder
from msenas.runs.pool import workers
from msenas.search.prepare import Prepared, prepare
from msenas.search.session import Request, search

VARIANTS: dict[str, dict[str, Any]] = {
    "search": {},
    "random": {"strategy": "random"},
    "micro": {"scales": ("micro",)},
    "meso": {"scales": ("meso",)},
    "macro": {"scales": ("macro",)},
    "no-inhibition": {"motifs": ("empty", "FE")},
    "rdm-contrast": {"fitness": "rdm-contrast"},
    "rdm-paper": {"fitness": "rdm-paper"},
    "rdm-reference": {"fitness": "rdm-reference"},
    "parameters": {"fitness": "parameters"},
}
"""Options of a search by the name of the variant; the first is what the others are compared with."""
FIRST_SEED = 100
"""Of the searches: their weights are those of no final training, which start from 0."""
SHARED = ("dataset", "data", "window", "size", "layers", "channels", "steps", "neuron", "tau", "threshold", "encoding")
"""Options that all searches take from the file of networks."""


@dataclass(frozen=True)
class Winner:
    """The network with the best fitness of a search, by its number in it, and the seconds of all evaluations."""

    name: str
    seed: int
    id: int
    genome: tuple[int, ...]
    seconds: float


def searched(out: Path, name: str, seed: int, options: Mapping[str, Any]) -> Winner:
    """What a variant finds."""
    folder = RunFolder(out / "searches" / f"{name}-{seed}")
    begun = folder.config.exists()
    asked = {} if begun else {**options, "pick": "fitness", "seed": seed, **VARIANTS[name]}
    found = search(Request(asked, out=folder.path, resume=begun), lambda *_: None, lambda note: None)
    assert found.summary.best_id is not None
    seconds = sum(json.loads(line)["seconds"] for line in folder.timings.read_text().splitlines())
    record = found.run.records[found.summary.best_id]
    return Winner(name, seed, record.id, tuple(record.genome), seconds)


@dataclass(frozen=True)
class Finish:
    """Trains a winner like the networks of the file, several times."""

    out: Path
    config: RankConfig
    prepared: Prepared

    def __call__(self, job: tuple[Winner, int]) -> Trained:
        """What becomes of it; from the record where it is there."""
        winner, repetition = job
        folder = RankFolder(self.out / "trained" / f"{winner.name}-{winner.seed}")
        trials, trial = Trials(self.config, self.prepared, folder), Trial(winner.id, winner.genome, repetition)
        return trials.on_record(trial) or trials(trial)


def interval(values: Sequence[float]) -> str:
    """Mean and standard deviation in per cent."""
    return f"{100 * np.mean(values):.2f} +- {100 * np.std(values, ddof=min(1, len(values) - 1)):.2f}"


def difference(values: Sequence[float], others: Sequence[float]) -> str:
    """Mean difference of pairs in percentage points, and that of the pairs which are lowest and highest."""
    gaps = 100 * (np.array(values) - np.array(others))
    return f"{gaps.mean():+.2f} ({gaps.min():+.2f} to {gaps.max():+.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--population", type=int, default=20)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--train-steps", type=int, default=200)
    parser.add_argument("--trainings", type=int, default=1, help="final trainings of every winner")
    parser.add_argument("--judge", choices=("test", "val"), default="test")
    options = parser.parse_args()
    about, _ = read_networks(options.networks)
    place = {} if options.data is None else {"data": str(options.data)}
    config = build_rank_config(about.options | place)
    given = {name: value for name in SHARED if (value := getattr(config, name)) is not None}
    given |= {name: getattr(options, name) for name in ("population", "generations", "train_steps")}
    names = options.variants.split(",")
    if unknown := sorted({*names} - {*VARIANTS}):
        parser.error(f"unknown variant {', '.join(unknown)}; there are {', '.join(VARIANTS)}")
    # Where the data lie is a matter of this machine.
    asked = {"networks": about.options, **given, "judge": options.judge, "data": None}
    noted = options.out / "options.json"
    if noted.exists() and json.loads(noted.read_text()) != json.loads(json.dumps(asked)):
        parser.error(f"{options.out} was made with other options; give another OUT")
    options.out.mkdir(parents=True, exist_ok=True)
    noted.write_text(json.dumps(asked, indent=1))
    prepared = limited(prepare(config.search), config)
    if options.judge == "test":
        prepared = replace(prepared, dataset=replace(prepared.dataset, val=prepared.dataset.test))
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    # Seed by seed, so that whatever is there after a stop can be compared.
    winners = [searched(options.out, name, seed, given) for seed in seeds for name in names]
    jobs = [(winner, repetition) for winner in winners for repetition in range(options.trainings)]
    with workers(Finish(options.out, config, prepared), prepared.config.workers or 1) as pool:
        ends = dict(zip(jobs, pool.map(jobs), strict=True))
    by_name: dict[str, list[tuple[Known, float]]] = {name: [] for name in names}
    for winner in winners:
        own = [end for (one, _), end in ends.items() if one == winner and isinstance(end, Trained)]
        plan = decode(Genome.from_flat(winner.genome), prepared.spec)
        member = Member(
            id=winner.id, genome=list(winner.genome), plan=plan.digest, motif="", size=0, half="development"
        )
        by_name[winner.name].append((known(member, plan, own), winner.seconds))
    report(by_name)


def report(by_name: Mapping[str, Sequence[tuple[Known, float]]]) -> None:
    """Print one line for each variant."""
    reference = [one.accuracy or 0.0 for one, _ in next(iter(by_name.values()))]
    print("variant | accuracy % | minus the first | parameters | depth | energy uJ | inhibitory SynOps | seconds")
    for name, pairs in by_name.items():
        ones = [one for one, _ in pairs]
        accuracies = [one.accuracy or 0.0 for one in ones]
        # A winner that could not be trained counts as 0 % and has no operations.
        counts = [training.counts for one in ones for training in one.succeeded[:1]]
        print(
            name,
            interval(accuracies),
            difference(accuracies, reference),
            f"{np.mean([one.parameters for one in ones]):,.0f}",
            f"{np.mean([one.depth for one in ones]):.1f}",
            f"{1e6 * np.mean([one.energy or 0.0 for one in ones]):.2f}",
            f"{np.mean([c['synops_inhibitory'] / c['synops'] for c in counts]):.1%}",
            f"{np.mean([seconds for _, seconds in pairs]):.0f}",
            sep=" | ",
        )


if __name__ == "__main__":
    main()
