"""Where a training takes place: its folder is chosen, checked and described."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import msgspec

from msenas.errors import InputError, RunError
from msenas.learning.config import TrainConfig
from msenas.learning.loop import State, Trainer
from msenas.runs.best import Best, read_best, write_best
from msenas.runs.files import read_json, to_json, write_atomically
from msenas.runs.lock import locked
from msenas.runs.train_folder import TrainFolder
from msenas.search.starts import Say, record_start
from msenas.training.config import build_train_config, differences
from msenas.training.subject import Task

SURROGATE_REMARKS = {
    "super": "Norse 1.1.0 ignores the alpha of its surrogate super: the slope is 1 / (1 + |v - threshold|)^2 whatever"
    " is set, far wider than SuperSpike's; --surrogate triangle, the default, follows its alpha"
}
"""What a user must know of a surrogate who chooses it."""


@dataclass(frozen=True)
class TrainRequest:
    """What the user asked for.

    Attributes:
        file: best.json or its folder; None when resuming.
        options: options that were given, by the names of `TrainConfig`.
        out: the folder; None makes one beside the file, named after the seed.
        resume: continue the training in `out`.
        download: fetch the data set if no copy is found.
    """

    file: Path | None
    options: Mapping[str, Any]
    out: Path | None = None
    resume: bool = False
    download: bool = False


def open_folder(request: TrainRequest) -> tuple[TrainFolder, Best, TrainConfig]:
    """The folder, which is free or holds a training to resume; the network; and the options.

    Raises:
        InputError: The file, an option or the folder cannot be used.
    """
    if not request.resume:
        if request.file is None:
            raise InputError("name the best.json to train")
        config, best = build_train_config(request.options), read_best(request.file)
        folder = TrainFolder(request.out or _beside(request.file, config.seed))
        folder.check_free()
        return folder, best, config
    if request.out is None:
        raise InputError("--resume needs --out DIR, the folder of the training to continue")
    folder = TrainFolder(request.out)
    if request.file is not None:
        raise InputError("--resume takes the network from the folder; leave the file out")
    if not folder.begun:
        raise RunError(f"{folder.path} holds no training to resume")
    old = read_json(folder.config, TrainConfig)
    new = build_train_config(request.options, old)
    if changed := differences(old, new):
        raise RunError(f"{folder.path} was made with other settings: {'; '.join(changed)}")
    return folder, read_best(folder.network), new


def _beside(file: Path, seed: int) -> Path:
    """A folder that is free, beside best.json."""
    parent = file if file.is_dir() else file.parent
    names = chain((f"trained-{seed}",), (f"trained-{seed}-{i}" for i in count(2)))
    return next(parent / name for name in names if not os.path.lexists(parent / name))


def enter_folder(
    folder: TrainFolder,
    request: TrainRequest,
    best: Best,
    trainer: Trainer,
    state: State,
    task: Task,
    held: ExitStack,
    say: Say,
) -> None:
    """Take the folder for this process or its group, and the state that it holds; what is taken is added to `held`.

    Raises:
        InputError: The folder is taken, or holds another training; or a file cannot be read or written.
    """
    group = trainer.group
    if group.leads:
        if not request.resume:
            folder.create()
        held.enter_context(locked(folder.path))
    if request.resume:
        if restore(folder, state, task):
            say(f"resuming {folder.path} after epoch {state.epoch}")
        if trainer.feed.size // state.parts < group.size:
            raise InputError(f"{folder.path} takes batches in {state.parts} parts; {group.size} processes are too many")
    elif group.leads:
        folder.check_free()
        write_best(folder.network, msgspec.structs.replace(best, weights=None))
    if group.leads:
        describe(folder, trainer.config, task, say)


def restore(folder: TrainFolder, state: State, task: Task) -> bool:
    """Take up the last epoch that was written; whether there is one.

    Raises:
        RunError: The state is damaged, or belongs to another training.
    """
    if not folder.state.exists():
        return False
    saved = folder.read_state()
    try:
        state.restore(saved)
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise RunError(f"{folder.state} does not fit the network: {reason}") from None
    if saved.get("data") != task.digest:
        raise RunError(f"{task.dataset.name} holds other samples or splits than {folder.path} was begun with")
    return True


def describe(folder: TrainFolder, config: TrainConfig, task: Task, say: Say) -> None:
    """Write the options, add this start to those of the environment, and say what is to be known of the options.

    Raises:
        RunError: A file cannot be written.
    """
    if config.surrogate in SURROGATE_REMARKS:
        say(SURROGATE_REMARKS[config.surrogate])
    write_atomically(folder.config, to_json(msgspec.to_builtins(config), indent=2) + "\n")
    record_start(folder.environment, task.dataset.provenance, say)
