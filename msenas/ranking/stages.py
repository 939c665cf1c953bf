"""The two long parts of a ranking, in worker processes: its networks are trained, and they are scored."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from msenas.fitness.registry import SCREEN
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.config import RankConfig
from msenas.ranking.drawing import Job, jobs_of
from msenas.ranking.folder import RankFolder
from msenas.ranking.member import Member
from msenas.ranking.record import About, Known, known, write_networks
from msenas.ranking.rows import GIVEN, LIKE
from msenas.ranking.scoring import (
    Score,
    Scoring,
    Wanted,
    all_wanted,
    failed,
    is_complete,
    merged,
    read_scores,
    write_scores,
)
from msenas.ranking.trial import Trained, Trial, Trials
from msenas.runs.pool import Death, workers
from msenas.search.prepare import Prepared, versions
from msenas.training.brief import TimeOver

T = TypeVar("T")
R = TypeVar("R")
KEPT = 50
"""Scores after which those so far are written."""


class Watcher(Protocol):
    """Sees a ranking as it goes on."""

    def begin(self, what: str, total: int) -> None:
        """A part begins: so many networks to be drawn, trainings, or evaluations."""

    def advance(self) -> None:
        """One of them is done."""


@dataclass(frozen=True)
class Run:
    """What stays the same during a ranking.

    Attributes:
        config: options.
        prepared: data and spec.
        folder: where all is written.
        watcher: sees how it goes on.
        members: networks to be trained.
        given: networks that were trained elsewhere, in the place of these.
        deadline: after which nothing is begun (`time.monotonic`).
    """

    config: RankConfig
    prepared: Prepared
    folder: RankFolder
    watcher: Watcher
    members: Sequence[Member]
    given: Sequence[Known] | None
    deadline: float

    @property
    def spec(self) -> NetworkSpec:
        """Of every network."""
        return self.prepared.spec


def train_networks(run: Run) -> Sequence[Known]:
    """Train what has not been trained yet, and write all that is known of the networks.

    Raises:
        TimeOver: The deadline came first.
        RunError: A file cannot be written, or is damaged.
    """
    jobs = jobs_of(run.config, run.members)
    trials = [Trial(job.member.id, tuple(job.member.genome), job.repetition) for job in jobs]
    train = Trials(run.config, run.prepared, run.folder, run.deadline)
    results = {trial: found for trial in trials if (found := train.on_record(trial)) is not None}
    missing = [trial for trial in trials if trial not in results]

    def take(trial: Trial, found: Trained | Death) -> None:
        results[trial] = Trained(failure=found.reason) if isinstance(found, Death) else found

    _work(run, ("training", len(trials)), train, missing, take)
    networks = _gathered(jobs, [results[trial] for trial in trials], run.spec)
    write_networks(run.folder.networks, _about(run), networks)
    return networks


def _work(
    run: Run,
    part: tuple[str, int],
    function: Callable[[T], R],
    jobs: Sequence[T],
    take: Callable[[T, R | Death], None],
) -> None:
    """Have workers do the rest of a part; each result is handed over in the order of the jobs."""
    name, total = part
    run.watcher.begin(name, total)
    for _ in range(total - len(jobs)):
        run.watcher.advance()
    if not jobs:
        return
    with workers(function, min(run.prepared.config.workers or 1, len(jobs))) as pool:
        for job, found in zip(jobs, pool.map(jobs), strict=True):
            take(job, found)
            run.watcher.advance()
            if time.monotonic() > run.deadline:
                raise TimeOver


def _gathered(jobs: Sequence[Job], results: Sequence[Trained], spec: NetworkSpec) -> list[Known]:
    """The networks by number, each with its trainings."""
    trainings: dict[int, list[Trained]] = {}
    for job, result in zip(jobs, results, strict=True):
        trainings.setdefault(job.member.id, []).append(result)
    members = sorted({job.member.id: job.member for job in jobs}.values(), key=lambda member: member.id)
    return [known(member, member.decoded(spec), trainings[member.id]) for member in members]


def _about(run: Run) -> About:
    """The first line of networks.jsonl; nothing in it depends on the machine or on where the files are."""
    left_out = ("data", "workers", "time_limit")
    options = {name: value for name, value in msgspec.to_builtins(run.config).items() if name not in left_out}
    options["hardware"] = Path(run.config.hardware).name
    data = {name: value for name, value in run.prepared.dataset.provenance.items() if name != "path"}
    return About(
        options=options,
        data=data,
        network=asdict(run.spec),
        probe=run.prepared.evaluator.probe.digest,
        profile=run.prepared.evaluator.profile.digest,
        versions=versions(),
    )


def score_networks(run: Run, networks: Sequence[Known]) -> tuple[list[Score], list[Score]]:
    """Scores of the networks from the weights with which the first trainings began, and from others.

    The folder keeps all that were ever found.

    Raises:
        TimeOver: The deadline came first.
        RunError: A file cannot be written, or is damaged.
    """
    names = tuple(dict.fromkeys((*run.config.fitnesses, *GIVEN, *LIKE, SCREEN)))
    kept, path = read_scores(run.folder.scores), run.folder.scores
    start, others, steps = run.config.seed, run.config.weight_seeds, run.config.train_steps
    assert steps is not None, "resolved"
    wanted = all_wanted(networks, names, (start, *others), (start, others[0]), steps)
    missing = [one for one in wanted if not is_complete(kept.get((one.id, one.seed)), one)]
    taken = 0

    def take(one: Wanted, found: Score | Death) -> None:
        nonlocal taken
        score = failed(one, found.reason) if isinstance(found, Death) else found
        kept[one.id, one.seed] = merged(kept.get((one.id, one.seed)), score)
        taken += 1
        if taken % KEPT == 0:
            write_scores(path, kept.values())

    try:
        _work(run, ("scoring", len(wanted)), Scoring(run.prepared.evaluator, run.spec), missing, take)
    finally:
        if missing:
            write_scores(path, kept.values())
    found = [kept[one.id, one.seed] for one in wanted]
    return [one for one in found if one.seed == start], [one for one in found if one.seed != start]
