"""A training from options to a finished folder: make or reopen it, train, evaluate once on the test split."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import msgspec

from msenas.data.durations import seconds
from msenas.errors import CheckFailed, InputError, RunError
from msenas.learning.accuracy import accuracy_and_loss
from msenas.learning.config import TrainConfig
from msenas.learning.feed import evaluation_batches
from msenas.learning.loop import Row, State, Trainer, without_denormals
from msenas.learning.parallel import ALONE, Elsewhere, Group
from msenas.learning.shared_norm import share_moments
from msenas.phenotype.memory import out_of_memory
from msenas.phenotype.network import Network
from msenas.runs.best import Best, read_best, write_best
from msenas.runs.train_folder import TrainFolder
from msenas.runs.weights import write_weights
from msenas.search.prepare import environment, pick_device
from msenas.search.starts import Say
from msenas.training.curves import draw_curves
from msenas.training.opening import TrainRequest, enter_folder, open_folder
from msenas.training.subject import Task, check_early_steps, make_trainer, open_task


class End(Enum):
    """How a training ended."""

    FINISHED = "finished"
    EARLY = "stopped early"
    TIME_LIMIT = "time limit"
    INTERRUPTED = "interrupted"


class Recorded(msgspec.Struct, frozen=True):
    """What is read back of best.json about a training that has ended."""

    end: End
    accuracy: float
    val_accuracy: float
    epochs: int
    best_epoch: int


class Watcher(Protocol):
    """Sees a training as it goes on."""

    def begin(self, epochs: int, done: int, steps: int) -> None:
        """A training of so many epochs begins, of which some are done."""

    def step(self, loss: float) -> None:
        """A step is done; mean loss of the epoch so far."""

    def epoch(self, row: Row, images_per_second: float) -> None:
        """An epoch is done."""


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


def train(request: TrainRequest, watcher: Watcher, say: Say, group: Group = ALONE) -> Trained:
    """Train a network, or continue.

    Args:
        request: what the user asked for; of a group, that of the first process counts.
        watcher: sees the training as it goes on.
        say: takes one-line notes for the user.
        group: the processes that train together.

    Raises:
        InputError: The file, an option, the data or the folder cannot be used.
        CheckFailed: The loss is not a finite number, or memory ran out.
        Elsewhere, Lost: Another process of the group has failed.
    """
    begun = time.monotonic()
    folder, best, config = group.first(lambda: open_folder(request))
    if request.resume and folder.best.exists():
        return _recorded(folder, begun, say)
    task, trainer = group.together(lambda: _prepared(request, best, config, watcher, group))
    network = Network(task.plan, best.weight_seed + config.seed, surrogate=config.surrogate)
    state = State.fresh(network.to(trainer.device), config)
    share_moments(network.norms, group)
    with ExitStack() as held, _explained(folder, state, group), without_denormals():
        group.together(lambda: enter_folder(folder, request, best, trainer, state, task, held, say))
        watcher.begin(config.epochs, state.epoch, trainer.feed.steps)
        deadline = math.inf if config.time_limit is None else begun + seconds(config.time_limit)
        found: tuple[float | None, float | None] = None, None
        try:
            end = _epochs(folder, trainer, state, task, watcher, deadline, say)
            if end is not End.TIME_LIMIT:
                found = _finish(folder, task, best, trainer, state, end)
        except KeyboardInterrupt:
            end = End.INTERRUPTED
    return Trained(folder.path, end, state.epoch, state.best_epoch, *found, time.monotonic() - begun)


def _prepared(
    request: TrainRequest, best: Best, config: TrainConfig, watcher: Watcher, group: Group
) -> tuple[Task, Trainer]:
    """The data and the trainer of this process, before anything is written."""
    task = open_task(best, config, download=request.download)
    device = group.device(pick_device(config.device))
    trainer = make_trainer(task, config, device, watcher.step, group)
    if not request.resume:
        # What was begun with idle early steps goes on with all of them.
        check_early_steps(task, config)
    if trainer.feed.size < group.size:
        raise InputError(f"batches of {trainer.feed.size} samples cannot be shared by {group.size} processes")
    return task, trainer


def _recorded(folder: TrainFolder, begun: float, say: Say) -> Trained:
    """What best.json says about a training that has ended: the test split is not read again."""
    about = read_best(folder.best).provenance.get("training")
    try:
        found = msgspec.convert(about, Recorded)
    except msgspec.ValidationError as error:
        raise RunError(f"{folder.best}: provenance.training: {error}") from None
    say(f"{folder.path} had ended; these are the accuracies of then")
    accuracies = found.val_accuracy, found.accuracy
    return Trained(folder.path, found.end, found.epochs, found.best_epoch, *accuracies, time.monotonic() - begun)


def _timings(folder: TrainFolder, state: State, say: Say) -> list[dict[str, Any]]:
    """Lines of the epochs so far; nothing depends on them, so damaged ones are given up."""
    try:
        return folder.read_lines(folder.timings)[: state.epoch]
    except RunError as error:
        say(f"{error}; timings begin anew")
        return []


def _epochs(
    folder: TrainFolder,
    trainer: Trainer,
    state: State,
    task: Task,
    watcher: Watcher,
    deadline: float,
    say: Say,
) -> End:
    """Train epoch after epoch, writing each; the files are whole at any moment."""
    config, parts = trainer.config, state.parts
    timings = _timings(folder, state, say)
    while state.epoch < config.epochs:
        if config.patience and state.epoch - state.best_epoch >= config.patience:
            return End.EARLY
        start = time.monotonic()
        row = trainer.epoch(state, deadline)
        if row is None:
            return End.TIME_LIMIT
        if state.parts != parts:
            parts = state.parts
            say(f"out of memory: batches are taken in {parts} parts, with the gradients added up")
        spent = time.monotonic() - start
        images = trainer.feed.steps * trainer.feed.size / spent
        timings.append({"epoch": row.epoch, "seconds": round(spent, 3), "images_per_second": round(images, 1)})
        better = state.note(row)
        if trainer.group.leads:
            _write(folder, state, task, timings, better)
        watcher.epoch(row, images)
    return End.FINISHED


def _write(folder: TrainFolder, state: State, task: Task, timings: list[dict[str, Any]], better: bool) -> None:
    """Write an epoch that has just been noted."""
    if better:
        write_weights(folder.weights, state.average.network)
    folder.write_lines(folder.metrics, map(asdict, state.rows))
    folder.write_lines(folder.timings, timings)
    folder.write_state(state.saved() | {"data": task.digest})


def _finish(
    folder: TrainFolder, task: Task, best: Best, trainer: Trainer, state: State, end: End
) -> tuple[float, float]:
    """Read the test split once, with the weights of the best epoch, and write best.json; accuracies on val and test."""
    config, network = trainer.config, state.average.network
    network.load_state_dict(state.best)
    batches = evaluation_batches(task.dataset.test, task.spec, task.standard, config.seed)
    val = state.rows[state.best_epoch - 1].val_accuracy
    test, _ = accuracy_and_loss(network, batches, trainer.device, trainer.group)
    if not trainer.group.leads:
        return val, test
    weights = write_weights(folder.weights, network)
    folder.write_lines(folder.metrics, map(asdict, state.rows))
    draw_curves(folder.curves, state.rows, task.dataset.name, test)
    training = {
        "end": end.value,
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
    return val, test


@contextmanager
def _explained(folder: TrainFolder, state: State, group: Group) -> Iterator[None]:
    """Say what is kept when a training cannot go on."""
    try:
        yield
    except (CheckFailed, MemoryError, RuntimeError) as failure:
        if isinstance(failure, CheckFailed) and not group.leads:
            # A loss is that of all processes, so the first one says the same.
            raise Elsewhere(failure.exit_code) from None
        if not isinstance(failure, CheckFailed) and not out_of_memory(failure):
            raise
        what, hint = str(failure), "train in another folder with a smaller --lr or --clip"
        if not isinstance(failure, CheckFailed):
            what, hint = f"out of memory after epoch {state.epoch}, with batches in {state.parts} parts", "--resume"
            if group.size > 1:
                what = f"process {group.rank + 1} of {group.size}: {what}"
                hint = "--resume in one process takes batches in parts; in another folder, --batch may be smaller"
        kept = f"{folder.state} holds epoch {state.epoch}" if folder.state.exists() else "no epoch was finished"
        raise CheckFailed(f"{what}; {kept}; {hint}") from None
