"""A ranking from options to a finished folder: draw networks, train them, score them, compare.

Whatever is written is written whole, and every part is a function of the options; so a ranking that was stopped
anywhere and resumed ends with the same files as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from msenas.data.durations import seconds
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.config import BOTH, RankConfig
from msenas.ranking.drawing import Job, draw_members, jobs_of, read_members, write_members
from msenas.ranking.folder import RankFolder
from msenas.ranking.member import Member
from msenas.ranking.opening import (
    Given,
    RankRequest,
    check_data,
    check_given,
    name_of,
    open_ranking,
    resolved,
)
from msenas.ranking.pictures import draw_ranking
from msenas.ranking.record import About, Known, known, write_networks
from msenas.ranking.report import GIVEN, LIKE, Ranking, report
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
from msenas.runs.files import to_json, write_atomically
from msenas.runs.lock import locked
from msenas.runs.naming import make_new
from msenas.runs.pool import Death, workers
from msenas.search.loop import End
from msenas.search.prepare import Prepared, check_prices, prepare, versions
from msenas.search.starts import Say, record_start
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
class Ranked:
    """A ranking that has ended, one way or another.

    Attributes:
        folder: where it is.
        end: how it ended.
        config: the options.
        networks: that were trained.
        ranking: the report; None if it was stopped before, or there are too few networks.
        seconds: since it was started.
    """

    folder: Path
    end: End
    config: RankConfig
    networks: Sequence[Known]
    ranking: Ranking | None
    seconds: float


@dataclass(frozen=True)
class _Run:
    """What stays the same during a ranking.

    Attributes:
        config, prepared, folder, watcher: as in `rank`.
        members: networks to be trained.
        given: networks that were trained elsewhere, in the place of these.
        deadline: by `time.monotonic`.
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
        return self.prepared.spec


def rank(request: RankRequest, watcher: Watcher, say: Say, show_loading: bool = False) -> Ranked:
    """Run or resume a ranking.

    Args:
        request: what the user asked for.
        watcher: sees how it goes on.
        say: takes one-line notes for the user.
        show_loading: whether decoding data may draw a progress bar.

    Raises:
        InputError: An option, the data, the file of networks or the folder cannot be used, or the space does not hold
            so many networks; nothing was begun.
    """
    begun = time.monotonic()
    opened = open_ranking(request)
    folder, config = opened.folder, opened.config
    prepared = prepare(config.search, download=request.download, progress=show_loading)
    check_prices(prepared)
    check_data(config, prepared)
    config = resolved(config, prepared)
    for note in prepared.dataset.notes:
        say(f"{config.dataset}: {note}")
    given = None if opened.given is None else check_given(opened.given, prepared, say)
    members = _members(config, prepared, folder, watcher) if given is None else []
    if not request.resume:
        if request.out is None:
            folder = RankFolder(make_new(name_of(config)))
        folder.create()
    deadline = math.inf if config.time_limit is None else begun + seconds(config.time_limit)
    with locked(folder.path):
        if not request.resume:
            # Another process may have worked here since it was looked at.
            folder.check_free()
        run = _Run(config, prepared, folder, watcher, members, given, deadline)
        _describe(run, opened.given, say)
        end, networks, ranking = _carry_out(run)
    return Ranked(folder.path, end, config, networks, ranking, time.monotonic() - begun)


def _members(config: RankConfig, prepared: Prepared, folder: RankFolder, watcher: Watcher) -> list[Member]:
    """The networks of the folder, or newly drawn ones."""
    if folder.drawn.exists():
        members = read_members(config, prepared, folder)
    else:
        watcher.begin("drawing", config.genomes)
        members = draw_members(config, prepared, watcher.advance)
    jobs_of(config, members)
    return members


def _describe(run: _Run, given: Given | None, say: Say) -> None:
    """Write what the ranking is about; a folder with options and without networks draws them when it is resumed."""
    folder = run.folder
    if given is not None:
        write_networks(folder.networks, given.about, given.networks)
    write_atomically(folder.config, to_json(msgspec.to_builtins(run.config), indent=2) + "\n")
    record_start(folder.environment, run.prepared.dataset.provenance, say)
    if given is None:
        write_members(folder, run.prepared, run.members)


def _carry_out(run: _Run) -> tuple[End, Sequence[Known], Ranking | None]:
    networks: Sequence[Known] = []
    try:
        networks = _trained(run) if run.given is None else _half_of(run, run.given)
        scores = _scored(run, networks)
        ranking = report(networks, scores, run.config.fitnesses, run.config.seed)
        if ranking is not None:
            content = {"schema": "msenas.ranking/1", "half": run.config.half} | ranking.as_dict()
            write_atomically(run.folder.ranking, to_json(content, indent=1) + "\n")
            draw_ranking(run.folder.path, networks, scores, ranking)
    except TimeOver:
        return End.TIME_LIMIT, networks, None
    except KeyboardInterrupt:
        return End.INTERRUPTED, networks, None
    return End.FINISHED, networks, ranking


def _half_of(run: _Run, networks: Sequence[Known]) -> Sequence[Known]:
    return [one for one in networks if run.config.half in (one.half, BOTH)]


def _trained(run: _Run) -> Sequence[Known]:
    """Train what has not been trained yet, and write all that is known of the networks."""
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
    run: _Run,
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


def _about(run: _Run) -> About:
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


def _scored(run: _Run, networks: Sequence[Known]) -> list[Score]:
    """Scores of the networks; the folder keeps all that were ever found."""
    names = tuple(dict.fromkeys((*run.config.fitnesses, *GIVEN, *LIKE)))
    kept, path = read_scores(run.folder.scores), run.folder.scores
    seeds = range(run.config.seed, run.config.seed + run.config.seeds)
    wanted = all_wanted(networks, names, seeds, run.config.train_steps)
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
    return [kept[one.id, one.seed] for one in wanted]
