"""A brief training among many: it continues exactly where it was stopped, and says how well it does."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import msgspec
import torch

from msenas.errors import CheckFailed, RunError
from msenas.learning.config import TrainConfig
from msenas.learning.loop import Row, State, Trainer
from msenas.phenotype.memory import out_of_memory
from msenas.phenotype.network import Network
from msenas.runs.train_folder import TrainFolder
from msenas.training.opening import restore
from msenas.training.subject import Task

OUT_OF_MEMORY = "out of memory"
"""Why a network could not be trained that may be trained another time."""


class TimeOver(Exception):
    """The time limit was reached between two steps."""


@dataclass(frozen=True)
class Standing:
    """How well a network does.

    Attributes:
        id: its number.
        epochs: for which it has been trained.
        val_accuracy, val_loss: of the best of these epochs (the accuracy counts, then the loss); None if it failed.
        failure: why it could not be trained.
    """

    id: int
    epochs: int
    val_accuracy: float | None
    val_loss: float | None
    failure: str | None = None

    @property
    def key(self) -> tuple[float, float]:
        """Smaller is better; those that failed come last."""
        if self.val_accuracy is None or self.val_loss is None:
            return 1.0, 0.0
        return -self.val_accuracy, self.val_loss


@dataclass(frozen=True)
class BriefTraining:
    """A network, and the folder in which its training is kept.

    Attributes:
        id: its number.
        task: the network and the data.
        seed: of its weights.
        folder: where its training is kept.
    """

    id: int
    task: Task
    seed: int
    folder: TrainFolder

    @property
    def recorded(self) -> int:
        """Epochs that are on record."""
        return len(self.rows())

    def trained(self, epochs: int, trainer: Trainer, deadline: float) -> Standing:
        """Train up to so many epochs in all, unless that is on record; what cannot be trained has no accuracy.

        Raises:
            TimeOver: The deadline (`time.monotonic`) came first.
            RunError: A file cannot be written, or is damaged.
        """
        rows = self.rows()
        if len(rows) >= epochs:
            return self._standing(rows[:epochs])
        state = self.state(trainer.config, trainer.device)
        try:
            while state.epoch < epochs:
                row = trainer.epoch(state, deadline)
                if row is None:
                    raise TimeOver
                state.note(row)
                self.folder.write_state(state.saved() | {"data": self.task.digest})
                self._record(state)
        except (CheckFailed, MemoryError, RuntimeError) as failure:
            if not isinstance(failure, CheckFailed) and not out_of_memory(failure):
                raise
            why = str(failure) if isinstance(failure, CheckFailed) else OUT_OF_MEMORY
            return Standing(self.id, state.epoch, None, None, why)
        return self._standing(state.rows[:epochs])

    def _standing(self, rows: list[Row]) -> Standing:
        best = min(rows, key=lambda row: row.rank)
        return Standing(self.id, len(rows), best.val_accuracy, best.val_loss)

    def rows(self) -> list[Row]:
        """The epochs that are on record.

        Raises:
            RunError: The record is damaged.
        """
        path = self.folder.metrics
        try:
            rows = [msgspec.convert(line, Row) for line in self.folder.read_lines(path)]
        except msgspec.ValidationError as error:
            raise RunError(f"{path} is damaged: {error}") from None
        if [row.epoch for row in rows] != list(range(1, len(rows) + 1)):
            raise RunError(f"{path} is damaged: its epochs are not 1, 2, ...")
        return rows

    def state(self, config: TrainConfig, device: torch.device) -> State:
        """The state after the last epoch that was written, or a fresh one.

        Raises:
            RunError: It is damaged, or cannot be written.
        """
        network = Network(self.task.plan, self.seed, surrogate=config.surrogate)
        state = State.fresh(network.to(device), config)
        restore(self.folder, state, self.task)
        # A training that was killed between its two files has more epochs in its state than on record.
        self._record(state)
        return state

    def _record(self, state: State) -> None:
        self.folder.write_lines(self.folder.metrics, map(asdict, state.rows))
