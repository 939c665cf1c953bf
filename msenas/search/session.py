"""A search from options to a finished folder: make or reopen it, run, and sum up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msenas.errors import InputError, RunError
from msenas.runs.files import write_atomically
from msenas.runs.folder import RunFolder
from msenas.runs.lock import locked
from msenas.runs.naming import free_path, make_new
from msenas.search.config import SearchConfig, absolute_paths, differences
from msenas.search.config_files import build_config, given_options, read_toml, write_toml
from msenas.search.evolution import State
from msenas.search.loop import End, Progress, Search, resume, run, start
from msenas.search.outcome import Summary, summarise
from msenas.search.prepare import Prepared, check_prices, prepare
from msenas.search.starts import Say, record_start
from msenas.search.workers import workers


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        options: options that were given, by the names of `SearchConfig`.
        config: a TOML file with further options.
        preset: name of a preset.
        out: the run folder; None makes one under runs/.
        resume: continue the run in `out`.
        download: fetch the data set if no copy is found.
    """

    options: Mapping[str, Any]
    config: Path | None = None
    preset: str | None = None
    out: Path | None = None
    resume: bool = False
    download: bool = False


@dataclass(frozen=True)
class Result:
    """A search that has ended, one way or another.

    Attributes:
        folder: the run folder.
        end: how it ended.
        config: the options, resolved.
        summary: the numbers.
        seconds: since it was started.
        run: its parts and its record.
    """

    folder: Path
    end: End
    config: SearchConfig
    summary: Summary
    seconds: float
    run: Search


def search(request: Request, progress: Progress, say: Say, show_loading: bool = False) -> Result:
    """Run or resume a search.

    Args:
        request: what the user asked for.
        progress: called after each evaluation.
        say: takes one-line notes for the user.
        show_loading: whether decoding data may draw a progress bar.

    Raises:
        InputError: An option, the data or the folder cannot be used; nothing was begun.
    """
    begun = time.monotonic()
    folder, config = _open(request)
    if not request.resume:
        folder.check_free()
    prepared = prepare(config, download=request.download, progress=show_loading)
    check_prices(prepared)
    for note in prepared.dataset.notes:
        say(f"{config.dataset}: {note}")
    if not request.resume:
        if request.out is None:
            folder = RunFolder(make_new(config.dataset))
        folder.create()
    with locked(folder.path):
        if not request.resume:
            folder.check_free()
        found, state, finished = _begin(folder, prepared, progress, say)
        end = End.FINISHED
        if not finished:
            spec, evaluator = prepared.spec, prepared.evaluator
            with workers(evaluator, spec, prepared.config.workers or 1) as pool:
                end = run(found, state, pool.evaluate)
    summary = summarise(found.records, prepared.config, found.unfit)
    return Result(folder.path, end, prepared.config, summary, time.monotonic() - begun, found)


def _open(request: Request) -> tuple[RunFolder, SearchConfig]:
    """The folder, not made yet when it is new, and the configuration."""
    if not request.resume:
        config = build_config(request.options, request.config, request.preset)
        return RunFolder(request.out or free_path(config.dataset)), config
    if request.out is None:
        raise InputError("--resume needs --out DIR, the folder of the run to continue")
    folder = RunFolder(request.out)
    if not folder.config.exists():
        raise RunError(f"{folder.path} holds no run to resume (no {folder.config.name})")
    old = build_config(read_toml(folder.config))
    asked = absolute_paths(given_options(request.options, request.config, request.preset))
    new = build_config(read_toml(folder.config) | asked)
    changed = differences(old, new)
    if changed:
        raise RunError(f"{folder.path} was made with other settings: {'; '.join(changed)}")
    return folder, new


def _begin(folder: RunFolder, prepared: Prepared, progress: Progress, say: Say) -> tuple[Search, State, bool]:
    """Start the run, or take it up where it was; the last value says whether nothing is left to do."""
    if not folder.state.exists():
        _describe(folder, prepared, say)
        found, state = start(prepared, folder, progress)
        return found, state, False
    found, state, saved, note = resume(prepared, folder, progress)
    if note:
        say(note)
    say(f"resuming {folder.path}: {len(found.records)} evaluations, generation {state.generation}")
    _describe(folder, prepared, say)
    done = state.generation >= prepared.config.generations or not found.records
    return found, state, saved.finished and done


def _describe(folder: RunFolder, prepared: Prepared, say: Say) -> None:
    """Write the configuration, and add this start to those of the environment."""
    write_atomically(folder.config, write_toml(prepared.config))
    record_start(folder.environment, prepared.dataset.provenance, say)
