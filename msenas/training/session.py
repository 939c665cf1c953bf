"""A training from options to a finished folder: make or reopen it, train, evaluate once on the test split."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import msgspec
import torch
from filelock import FileLock, Timeout

from msenas.errors import InputError, RunError
from msenas.phenotype.network import Network
from msenas.runs.best import Best, read_best, write_best
from msenas.runs.files import read_json, to_json, write_atomically
from msenas.runs.train_folder import TrainFolder
from msenas.runs.weights import read_weights, write_weights
from msenas.search.config import seconds
from msenas.search.prepare import command, environment, pick_device
from msenas.search.session import Earlier
from msenas.training.config import TrainConfig, build_train_config, differences
from msenas.training.curves import draw_curves
from msenas.training.feed import evaluation_batches
from msenas.training.loop import Row, State, Trainer, accuracy
from msenas.training.subject import Task, make_trainer, open_task

Say = Callable[[str], None]


class End(Enum):
    """How a training ended."""

    FINISHED = "finished"
    EARLY = "stopped early"
    TIME_LIMIT = "time limit"
    INTERRUPTED = "interrupted"


class Watcher(Protocol):
    """Sees a training as it goes on."""

    def begin(self, epochs: int, done: int, steps: int) -> None:
        """A training of so many epochs begins, of which some are done."""

    def step(self, loss: float) -> None:
        """A step is done; mean loss of the epoch so far."""

    def epoch(self, row: Row, images_per_second: float) -> None:
        """An epoch is done."""


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


@dataclass(frozen=True)
class Trained:
    """A training that has ended; accuracies are None if it is to be resumed."""

    folder: Path
    end: End
    epochs: int
    best_epoch: int
    val_accuracy: float | None
    test_accuracy: float | None
    seconds: float


def train(request: TrainRequest, watcher: Watcher, say: Say) -> Trained:
    """Train a network, or continue.

    Raises:
        InputError: The file, an option, the data or the folder cannot be used.
        CheckFailed: The loss is not a finite number.
    """
    begun = time.monotonic()
    folder, best, config = _open(request)
    task = open_task(best, config, download=request.download)
    if not request.resume:
        folder.check_free()
        folder.create()
    with _locked(folder):
        _describe(folder, best, config, task, request.resume)
        device = torch.device(pick_device(config.device))
        torch.set_flush_denormal(True)
        network = Network(task.plan, best.weight_seed, surrogate=config.surrogate).to(device)
        state = State.fresh(network, config)
        rows, timings = _restore(folder, state, say)
        trainer = make_trainer(task, config, device, watcher.step)
        watcher.begin(config.epochs, state.epoch, trainer.feed.steps)
        deadline = math.inf if config.time_limit is None else begun + seconds(config.time_limit)
        end = _epochs(folder, trainer, state, rows, timings, watcher, deadline, say)
        if end in (End.TIME_LIMIT, End.INTERRUPTED):
            return Trained(folder.path, end, state.epoch, state.best_epoch, None, None, time.monotonic() - begun)
        found = _finish(folder, task, best, config, state, device, rows)
    return Trained(folder.path, end, state.epoch, state.best_epoch, *found, time.monotonic() - begun)


def _open(request: TrainRequest) -> tuple[TrainFolder, Best, TrainConfig]:
    if not request.resume:
        if request.file is None:
            raise InputError("name the best.json to train")
        config = build_train_config(request.options)
        return TrainFolder(request.out or _beside(request.file, config.seed)), read_best(request.file), config
    if request.out is None:
        raise InputError("--resume needs --out DIR, the folder of the training to continue")
    folder = TrainFolder(request.out)
    if request.file is not None:
        raise InputError("--resume takes the network from the folder; leave the file out")
    if not folder.network.exists() or not folder.config.exists():
        raise RunError(f"{folder.path} holds no training to resume")
    old = read_json(folder.config, TrainConfig)
    new = build_train_config(msgspec.to_builtins(old) | dict(request.options))
    if changed := differences(old, new):
        raise RunError(f"{folder.path} was made with other settings: {'; '.join(changed)}")
    return folder, read_best(folder.network), new


def _beside(file: Path, seed: int) -> Path:
    """A folder that is free, beside best.json."""
    parent = file if file.is_dir() else file.parent
    names = (f"trained-{seed}", *(f"trained-{seed}-{i}" for i in range(2, 1000)))
    return next(parent / name for name in names if not (parent / name).exists())


def _describe(folder: TrainFolder, best: Best, config: TrainConfig, task: Task, resume: bool) -> None:
    if not resume:
        write_best(folder.network, msgspec.structs.replace(best, weights=None))
    write_atomically(folder.config, to_json(msgspec.to_builtins(config), indent=2) + "\n")
    earlier = read_json(folder.environment, Earlier).commands if folder.environment.exists() else []
    about = environment() | {"data": task.dataset.provenance, "commands": [*earlier, command()]}
    write_atomically(folder.environment, to_json(about, indent=2) + "\n")


def _restore(folder: TrainFolder, state: State, say: Say) -> tuple[list[Row], list[dict[str, Any]]]:
    """Take up the last epoch that was written, and its lines; later lines belong to an epoch that is done again."""
    if not folder.state.exists():
        return [], []
    try:
        state.restore(folder.read_state())
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise RunError(f"{folder.state} does not fit the network: {str(error).splitlines()[0]}") from None
    rows = [msgspec.convert(line, Row) for line in folder.read_lines(folder.metrics)[: state.epoch]]
    say(f"resuming {folder.path} after epoch {state.epoch}")
    return rows, folder.read_lines(folder.timings)[: state.epoch]


def _epochs(
    folder: TrainFolder,
    trainer: Trainer,
    state: State,
    rows: list[Row],
    timings: list[dict[str, Any]],
    watcher: Watcher,
    deadline: float,
    say: Say,
) -> End:
    """Train epoch after epoch, writing each; the files are whole at any moment."""
    config, parts = trainer.config, state.parts
    while state.epoch < config.epochs:
        if config.patience and state.epoch - state.best_epoch >= config.patience:
            return End.EARLY
        start = time.monotonic()
        try:
            row = trainer.epoch(state, deadline)
        except KeyboardInterrupt:
            return End.INTERRUPTED
        if row is None:
            return End.TIME_LIMIT
        if state.parts != parts:
            parts = state.parts
            say(f"out of memory: batches are taken in {parts} parts, with the gradients added up")
        spent = time.monotonic() - start
        rows.append(row)
        images = trainer.feed.steps * trainer.feed.size / spent
        timings.append({"epoch": row.epoch, "seconds": round(spent, 3), "images_per_second": round(images, 1)})
        if row.val_accuracy > state.best_accuracy:
            state.best_accuracy, state.best_epoch = row.val_accuracy, row.epoch
            write_weights(folder.weights, state.average.network)
        folder.write_lines(folder.metrics, map(asdict, rows))
        folder.write_lines(folder.timings, timings)
        folder.write_state(state.saved())
        watcher.epoch(row, images)
    return End.FINISHED


def _finish(
    folder: TrainFolder,
    task: Task,
    best: Best,
    config: TrainConfig,
    state: State,
    device: torch.device,
    rows: list[Row],
) -> tuple[float, float]:
    """Read the test split once, with the weights of the best epoch, and write best.json; accuracies on val and test."""
    network = state.average.network
    read_weights(folder.weights, None, network)
    batches = evaluation_batches(task.dataset.test, task.spec, task.standard, config.seed)
    val, test = state.best_accuracy, accuracy(network, batches, device)
    weights = write_weights(folder.weights, network)
    training = {
        "accuracy": test,
        "val_accuracy": val,
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "options": msgspec.to_builtins(config),
        "data": task.dataset.provenance,
        "versions": environment()["versions"],
    }
    provenance = dict(best.provenance) | task.provenance | {"training": training}
    trained = msgspec.structs.replace(best, network=task.spec, weights=weights, provenance=provenance)
    write_best(folder.best, trained)
    draw_curves(folder.curves, rows, task.dataset.name, test)
    return val, test


@contextmanager
def _locked(folder: TrainFolder) -> Iterator[None]:
    try:
        with FileLock(folder.path / ".lock", timeout=0):
            yield
    except Timeout:
        raise RunError(f"another process is working in {folder.path}") from None
    except OSError as error:
        raise RunError(f"cannot write {folder.path}: {error.strerror}") from None
