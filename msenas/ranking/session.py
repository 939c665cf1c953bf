"""A ranking from options to a finished folder: draw networks, train them, score them, compare.

Whatever is written is written whole, and every part is a function of the options; so a ranking that was stopped
anywhere and resumed ends with the same files as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from msenas.data.durations import seconds
from msenas.ranking.config import BOTH, RankConfig
from msenas.ranking.data import limited
from msenas.ranking.drawing import draw_members, jobs_of, read_members, write_members
from msenas.ranking.folder import RankFolder
from msenas.ranking.member import Member
from msenas.ranking.opening import (
    Given,
    RankRequest,
    check_augmentation,
    check_given,
    name_of,
    open_ranking,
    resolved,
)
from msenas.ranking.pictures import draw_ranking
from msenas.ranking.record import Known, write_networks
from msenas.ranking.report import Ranking, report
from msenas.ranking.stages import Run, Watcher, score_networks, train_networks
from msenas.runs.files import to_json, write_atomically
from msenas.runs.lock import locked
from msenas.runs.naming import make_new
from msenas.search.loop import End
from msenas.search.prepare import Prepared, check_prices, prepare
from msenas.search.starts import Say, record_start
from msenas.training.brief import TimeOver


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
    prepared = limited(prepare(config.search, download=request.download, progress=show_loading), config)
    check_prices(prepared)
    check_augmentation(config, prepared)
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
        run = Run(config, prepared, folder, watcher, members, given, deadline)
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


def _describe(run: Run, given: Given | None, say: Say) -> None:
    """Write what the ranking is about; a folder with options and without networks draws them when it is resumed."""
    folder = run.folder
    if given is not None:
        write_networks(folder.networks, given.about, given.networks)
    write_atomically(folder.config, to_json(msgspec.to_builtins(run.config), indent=2) + "\n")
    record_start(folder.environment, run.prepared.dataset.provenance, say)
    if given is None:
        write_members(folder, run.prepared, run.members)


def _carry_out(run: Run) -> tuple[End, Sequence[Known], Ranking | None]:
    networks: Sequence[Known] = []
    try:
        networks = train_networks(run) if run.given is None else _half_of(run, run.given)
        starts, scores = score_networks(run, networks)
        ranking = report(networks, scores, run.config.fitnesses, run.config.seed, starts)
        if ranking is not None:
            content = {"schema": "msenas.ranking/1", "half": run.config.half} | ranking.as_dict()
            write_atomically(run.folder.ranking, to_json(content, indent=1) + "\n")
            draw_ranking(run.folder.path, networks, scores, ranking)
    except TimeOver:
        return End.TIME_LIMIT, networks, None
    except KeyboardInterrupt:
        return End.INTERRUPTED, networks, None
    return End.FINISHED, networks, ranking


def _half_of(run: Run, networks: Sequence[Known]) -> Sequence[Known]:
    return [one for one in networks if run.config.half in (one.half, BOTH)]
