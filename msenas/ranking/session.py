"""A ranking from options to a finished folder: draw networks, train them, score them, compare.

Whatever is written is written whole, and every part is a function of the options; so a ranking that was stopped
anywhere and resumed ends with the same files as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from msenas.data.durations import seconds
from msenas.errors import InputError, RunError
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.config import BOTH, RankConfig, build_rank_config, differences
from msenas.ranking.drawing import Job, jobs_of, members_of
from msenas.ranking.folder import RankFolder
from msenas.ranking.pictures import draw_ranking
from msenas.ranking.record import About, Known, check_plans, known, read_networks, write_networks
from msenas.ranking.report import GIVEN, LIKE, Ranking, report
from msenas.ranking.scoring import Score, Scoring, Wanted, failed, read_scores, write_scores
from msenas.ranking.trial import Trained, Trial, Trials
from msenas.runs.files import read_json, to_json, write_atomically
from msenas.runs.lock import locked
from msenas.runs.naming import free_path, make_new
from msenas.runs.pool import Death, workers
from msenas.search.loop import End
from msenas.search.prepare import Prepared, check_prices, prepare, versions
from msenas.search.starts import Say, record_start


class Watcher(Protocol):
    """Sees a ranking as it goes on."""

    def begin(self, what: str, total: int) -> None:
        """A part begins: so many trainings, or evaluations."""

    def advance(self) -> None:
        """One of them is done."""


@dataclass(frozen=True)
class RankRequest:
    """What the user asked for.

    Attributes:
        options: options that were given, by the names of `RankConfig`.
        out: the folder; None makes one under runs/.
        resume: continue the ranking in `out`.
        trained: a file of networks that have been trained; none is trained then.
        download: fetch the data set if no copy is found.
    """

    options: Mapping[str, Any]
    out: Path | None = None
    resume: bool = False
    trained: Path | None = None
    download: bool = False


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


class _TimeOver(Exception):
    """The time limit was reached between two results."""


@dataclass(frozen=True)
class _Run:
    """What stays the same during a ranking."""

    config: RankConfig
    prepared: Prepared
    folder: RankFolder
    watcher: Watcher
    deadline: float | None

    @property
    def spec(self) -> NetworkSpec:
        return self.prepared.spec

    def check_time(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise _TimeOver


def rank(request: RankRequest, watcher: Watcher, say: Say, show_loading: bool = False) -> Ranked:
    """Run or resume a ranking.

    Args:
        request: what the user asked for.
        watcher: sees how it goes on.
        say: takes one-line notes for the user.
        show_loading: whether decoding data may draw a progress bar.

    Raises:
        InputError: An option, the data, the file of networks or the folder cannot be used; nothing was begun.
    """
    begun = time.monotonic()
    folder, config = _open(request)
    given = None if request.trained is None else read_networks(request.trained)[1]
    if not request.resume:
        folder.check_free()
    prepared = prepare(config.search, download=request.download, progress=show_loading)
    check_prices(prepared)
    if given is not None:
        check_plans(given, prepared.spec)
    for note in prepared.dataset.notes:
        say(f"{config.dataset}: {note}")
    if not request.resume:
        if request.out is None:
            folder = RankFolder(make_new(_name(config)))
        folder.create()
    limit = config.time_limit
    run = _Run(config, prepared, folder, watcher, None if limit is None else begun + seconds(limit))
    with locked(folder.path):
        write_atomically(folder.config, to_json(msgspec.to_builtins(config), indent=2) + "\n")
        record_start(folder.environment, prepared.dataset.provenance, say)
        end, networks, ranking = _carry_out(run, given)
    return Ranked(folder.path, end, config, networks, ranking, time.monotonic() - begun)


def _open(request: RankRequest) -> tuple[RankFolder, RankConfig]:
    """The folder, not made yet when it is new, and the options."""
    if request.resume:
        if request.out is None:
            raise InputError("--resume needs --out DIR, the folder of the ranking to continue")
        folder = RankFolder(request.out)
        if not folder.config.exists():
            raise RunError(f"{folder.path} holds no ranking to resume (no {folder.config.name})")
        return folder, _changed(read_json(folder.config, RankConfig), request.options, folder.path)
    if request.trained is not None:
        about = read_networks(request.trained)[0]
        config = _changed(build_rank_config(about.options), {"data": None, **request.options}, request.trained)
    else:
        config = build_rank_config(request.options)
    return RankFolder(request.out or free_path(_name(config))), config


def _changed(old: RankConfig, options: Mapping[str, Any], where: Path) -> RankConfig:
    new = build_rank_config(msgspec.to_builtins(old) | dict(options))
    if changed := differences(old, new):
        raise RunError(f"{where} was made with other settings: {'; '.join(changed)}")
    return new


def _name(config: RankConfig) -> str:
    return f"rank-{config.dataset}"


def _carry_out(run: _Run, given: Sequence[Known] | None) -> tuple[End, Sequence[Known], Ranking | None]:
    networks: Sequence[Known] = []
    try:
        networks = _trained(run) if given is None else _half_of(run, given)
        scores = _scored(run, networks)
    except _TimeOver:
        return End.TIME_LIMIT, networks, None
    except KeyboardInterrupt:
        return End.INTERRUPTED, networks, None
    ranking = report(networks, scores, run.config.fitnesses, run.config.seed)
    if ranking is not None:
        content = {"schema": "msenas.ranking/1", "half": run.config.half} | ranking.as_dict()
        write_atomically(run.folder.ranking, to_json(content, indent=1) + "\n")
        draw_ranking(run.folder.path, networks, scores, ranking)
    return End.FINISHED, networks, ranking


def _half_of(run: _Run, networks: Sequence[Known]) -> Sequence[Known]:
    return [one for one in networks if run.config.half in (one.half, BOTH)]


def _trained(run: _Run) -> Sequence[Known]:
    """Train what has not been trained yet, and write all that is known of the networks."""
    run.watcher.begin("drawing", 1)
    members = members_of(run.config, run.prepared, run.folder)
    run.watcher.advance()
    jobs = jobs_of(run.config, members)
    trials = [Trial(job.member.id, tuple(job.member.genome), job.repetition) for job in jobs]
    results: list[Trained] = []
    run.watcher.begin("training", len(jobs))
    with workers(Trials(run.config, run.prepared, run.folder), run.prepared.config.workers or 1) as pool:
        for found in pool.map(trials):
            results.append(Trained(failure=found.reason) if isinstance(found, Death) else found)
            run.watcher.advance()
            run.check_time()
    networks = _gathered(jobs, results, run.spec)
    write_networks(run.folder.networks, _about(run), networks)
    return networks


def _gathered(jobs: Sequence[Job], results: Sequence[Trained], spec: NetworkSpec) -> list[Known]:
    """The networks by number, each with its trainings."""
    trainings: dict[int, list[Trained]] = {}
    for job, result in zip(jobs, results, strict=True):
        trainings.setdefault(job.member.id, []).append(result)
    members = sorted({job.member.id: job.member for job in jobs}.values(), key=lambda member: member.id)
    return [known(member, member.decoded(spec), trainings[member.id]) for member in members]


def _about(run: _Run) -> About:
    """The first line of networks.jsonl; nothing in it depends on the machine or on where the data are."""
    own: Callable[[Any], Any] = msgspec.to_builtins
    options = {name: value for name, value in own(run.config).items() if name not in ("data", "workers", "time_limit")}
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
    """Scores of the networks, taken from the folder as far as they are there."""
    names = tuple(dict.fromkeys((*run.config.fitnesses, *GIVEN, *LIKE)))
    kept, found = read_scores(run.folder.scores), []
    seeds = range(run.config.seed, run.config.seed + run.config.seeds)
    wanted = [Wanted(one.id, tuple(one.genome), seed) for one in networks for seed in seeds]
    missing = [one for one in wanted if not _complete(kept.get((one.id, one.seed)), names)]
    run.watcher.begin("scoring", len(missing))
    with workers(Scoring(run.prepared.evaluator, run.spec, names), run.prepared.config.workers or 1) as pool:
        for one, score in zip(missing, pool.map(missing), strict=True):
            kept[one.id, one.seed] = failed(one, names, score.reason) if isinstance(score, Death) else score
            run.watcher.advance()
            run.check_time()
    found = [kept[one.id, one.seed] for one in wanted]
    write_scores(run.folder.scores, found)
    return found


def _complete(score: Score | None, names: Sequence[str]) -> bool:
    return score is not None and score.failure is None and set(names) <= set(score.values)
