"""The training itself: steps, epochs, validation, and the state from which it continues exactly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from msenas.errors import CheckFailed
from msenas.learning.accuracy import accuracy_and_loss
from msenas.learning.config import TrainConfig
from msenas.learning.feed import Batch, Feed
from msenas.learning.objective import Spending, error, imitation
from msenas.learning.optimise import Average, learning_rate, make_optimizer
from msenas.learning.parallel import ALONE, Group
from msenas.phenotype.calibrate import calibrate
from msenas.phenotype.memory import out_of_memory
from msenas.phenotype.network import Network

Labelled = Callable[[], Iterable[tuple[Tensor, np.ndarray]]]
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Pressure:
    """The energy penalty: price of a synaptic operation, energy that no weight changes, budget; in joule."""

    joule_per_synop: float
    fixed: float
    budget: float


@dataclass(frozen=True)
class Pass:
    """What an epoch says of itself; the attributes are those of `Row`."""

    loss: float
    rate: float
    lr: float


@dataclass(frozen=True)
class Row:
    """One line of metrics.jsonl.

    Attributes:
        epoch: from 1.
        loss: mean over the steps.
        val_accuracy: share of the validation split, with the running mean of the weights.
        val_loss: mean cross-entropy on it.
        rate: mean spikes per neuron and step in training.
        lr: learning rate of the last step.
    """

    epoch: int
    loss: float
    val_accuracy: float
    val_loss: float
    rate: float
    lr: float

    @property
    def rank(self) -> tuple[float, float]:
        """Smaller is better: the accuracy counts, and among equal ones the loss."""
        return -self.val_accuracy, self.val_loss


@dataclass
class State:
    """Everything that changes in a training.

    Attributes:
        network, average, optimizer: as they are after `epoch` epochs.
        epoch: epochs that are done.
        best_epoch, best: the epoch with the best validation accuracy so far (and among equal ones the smallest loss), 0
            before the first, and the weights that had it.
        parts: pieces in which a batch is taken, for want of memory.
        rows: one for each epoch.
    """

    network: Network
    average: Average
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    parts: int = 1
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def fresh(cls, network: Network, config: TrainConfig) -> State:
        """The state before the first step."""
        return cls(network, Average(network, config.ema), make_optimizer(network, config))

    def note(self, row: Row) -> bool:
        """Keep the row of an epoch; whether its weights are the best so far, and kept as well."""
        self.rows.append(row)
        better = self.best_epoch == 0 or row.rank < self.rows[self.best_epoch - 1].rank
        if better:
            self.best_epoch = row.epoch
            self.best = {name: value.clone() for name, value in self.average.network.state_dict().items()}
        return better

    def saved(self) -> dict[str, Any]:
        """Tensors and plain values, for a file."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best": self.best,
            "parts": self.parts,
            "rows": [asdict(row) for row in self.rows],
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `saved` gave.

        Raises:
            KeyError, TypeError, ValueError, RuntimeError: It belongs to another network, or lacks something.
        """
        self.network.load_state_dict(saved["network"])
        # Loaded twice so that the weights of the best epoch are known to fit before they are needed.
        self.average.network.load_state_dict(saved["best"])
        self.average.network.load_state_dict(saved["average"])
        own, theirs = self.optimizer.state_dict()["param_groups"], saved["optimizer"]["param_groups"]
        if [set(group) for group in own] != [set(group) for group in theirs]:
            raise ValueError("it was written with another optimizer")
        self.optimizer.load_state_dict(saved["optimizer"])
        self.best, self.rows = saved["best"], [Row(**row) for row in saved["rows"]]
        self.epoch, self.best_epoch, self.parts = (int(saved[key]) for key in ("epoch", "best_epoch", "parts"))
        if [row.epoch for row in self.rows] != list(range(1, self.epoch + 1)):
            raise ValueError(f"it has {len(self.rows)} rows for {self.epoch} epochs")
        if not 1 <= self.best_epoch <= self.epoch:
            raise ValueError(f"its best epoch is {self.best_epoch} of {self.epoch}")


@dataclass(frozen=True)
class Trainer:
    """What stays the same during a training.

    Attributes:
        config: options.
        feed: batches of the training split.
        calibration: makes frames of training samples, from which the normalisation is estimated anew before each
            validation: the running statistics of a training lag behind the mean of its weights.
        validation: makes the batches of the validation split.
        device: where the network is.
        teacher: a module whose scores are imitated, in inference mode.
        pressure: the energy penalty.
        advance: told the mean loss so far after every step.
        group: the processes that share every batch.
    """

    config: TrainConfig
    feed: Feed
    calibration: Callable[[], Iterable[Tensor]]
    validation: Labelled
    device: torch.device
    teacher: nn.Module | None = None
    pressure: Pressure | None = None
    advance: Callable[[float], None] = lambda loss: None
    group: Group = ALONE

    def epoch(self, state: State, deadline: float = math.inf) -> Row | None:
        """Train one epoch and validate; None if the deadline (`time.monotonic`) came first, and the state is spoilt.

        Raises:
            CheckFailed: A loss or the gradient is not a finite number; the message says in which step, or after which
                epoch.
        """
        passed = self.learn(state, deadline)
        if passed is None:
            return None
        accuracy, loss = self.judge(state)
        if not math.isfinite(loss):
            raise CheckFailed(f"the loss on validation samples is {loss:g} after epoch {state.epoch + 1}")
        state.epoch += 1
        return Row(state.epoch, passed.loss, accuracy, loss, passed.rate, passed.lr)

    def learn(self, state: State, deadline: float = math.inf) -> Pass | None:
        """Train one epoch without validating or counting it; for the rest, see `epoch`."""
        state.network.train()
        state.network.steps = self.config.steps(state.epoch, state.network.plan.spec.steps)
        losses, rates = [], []
        for step, batch in enumerate(self.feed.epoch(state.epoch)):
            if deadline < math.inf and self.group.agree(time.monotonic() > deadline):
                return None
            done = state.epoch * self.feed.steps + step
            rate_now = self._set_rate(state, done)
            try:
                loss, fired = self._step(state, batch)
            except CheckFailed as failure:
                raise CheckFailed(f"{failure} in epoch {state.epoch + 1}, step {step + 1}") from None
            state.average.update(state.network, done)
            losses.append(loss)
            rates.append(fired)
            self.advance(float(np.mean(losses)))
        return Pass(float(np.mean(losses)), float(np.mean(rates)), rate_now)

    def judge(self, state: State) -> tuple[float, float]:
        """Estimate the normalisation of the running mean of the weights anew; its accuracy and loss in validation."""
        calibrate(state.average.network, (frames.to(self.device) for frames in self.calibration()))
        self.group.equalise(state.average.network)
        return accuracy_and_loss(state.average.network, self.validation(), self.device, self.group)

    def _set_rate(self, state: State, done: int) -> float:
        rate = learning_rate(self.config, done, self.config.epochs * self.feed.steps)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _step(self, state: State, batch: Batch) -> tuple[float, float]:
        """One step; short of memory, the batch is taken in twice as many parts, unless other processes wait for one."""
        while True:
            try:
                return self._in_parts(state, batch)
            except (MemoryError, RuntimeError) as failure:
                if self.group.size > 1 or not out_of_memory(failure) or state.parts * 2 > len(batch.targets) // 2:
                    raise
            state.parts *= 2

    def _in_parts(self, state: State, batch: Batch) -> tuple[float, float]:
        state.optimizer.zero_grad(set_to_none=True)
        loss, rate, count = 0.0, 0.0, len(batch.targets)
        for places in torch.arange(count).tensor_split(state.parts):
            places = self.group.own(places)
            share = len(places) / count
            part = Batch(batch.images[places], batch.frames[:, places], batch.targets[places])
            value, fired = self._loss(state.network, part)
            torch.autograd.backward(value * share)
            loss, rate = loss + share * float(value.detach()), rate + share * fired
        loss, rate = self.group.add_up(state.network.parameters(), (loss, rate))
        norm = float(nn.utils.clip_grad_norm_(state.network.parameters(), self.config.clip or math.inf))
        if not math.isfinite(loss + norm):
            raise CheckFailed(f"the loss is {loss:g} and the norm of its gradient {norm:g}")
        state.optimizer.step()
        return loss, rate

    def _loss(self, network: Network, batch: Batch) -> tuple[Tensor, float]:
        config, samples = self.config, len(batch.targets)
        spending = Spending(network.plan, whole=lambda mean: self.group.mean(mean, samples))
        frames = batch.frames.to(self.device, DTYPES[config.precision])
        scores = network.scores(frames, spending)
        loss = error(scores, batch.targets.to(self.device), config)
        if self.teacher is not None:
            with torch.no_grad():
                wanted = self.teacher(batch.images.to(self.device))
            share = config.distill_weight
            loss = (1 - share) * loss + share * imitation(scores.mean(0), wanted)
        if config.rate is not None:
            loss = loss + config.rate_weight * spending.pull(config.rate)
        if self.pressure is not None:
            limits = (self.pressure.joule_per_synop, self.pressure.fixed, self.pressure.budget)
            loss = loss + config.energy_weight * spending.excess(*limits)
        return loss, float(torch.stack(list(spending.rates.values())).detach().mean())


@contextmanager
def without_denormals() -> Iterator[None]:
    """Numbers below the normal range count as 0, as they slow processors down many times; afterwards as before."""
    smallest = torch.tensor([2.0**-140])
    before = float(smallest + smallest) == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
