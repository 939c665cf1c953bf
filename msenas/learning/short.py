"""A short training, the same for all networks that are compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from msenas.data import Dataset
from msenas.learning.config import TrainConfig
from msenas.learning.feed import Feed, batches_of, calibration_frames, evaluation_batches
from msenas.learning.loop import Row, State, Trainer, without_denormals
from msenas.phenotype.encoding import Standard
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan

BATCH = 64
MOST_STEPS, PASSES = 200, 4
"""Steps that are usual: so many, but of a small data set no more than take so many passes over its training samples."""
JUDGED = 5000
"""Validation samples on which a network is judged, at most; a fifth of them would add noise and save little time."""


def usual_steps(dataset: Dataset) -> int:
    """Steps of a short training for which no number was given."""
    return min(MOST_STEPS, PASSES * batches_of(len(dataset.train), BATCH)[1])


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums are added up in one order, whatever the number of threads; afterwards as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class ShortTraining:
    """Trains a network for some steps; the learning rate rises and falls within them.

    Only the training and the validation split are read.

    Attributes:
        dataset: the data.
        standard: statistics of the training split.
        steps: of the training.
    """

    dataset: Dataset
    standard: Standard
    steps: int

    def __call__(self, plan: Plan, seed: int, device: torch.device) -> Row:
        """Train the network from the weights of a seed, and validate it.

        Raises:
            CheckFailed: The loss or the gradient is not a finite number.
        """
        config, dataset = self._course(seed)
        trainer = Trainer(
            config,
            Feed(dataset, plan.spec, self.standard, config),
            lambda: calibration_frames(dataset.train, plan.spec, self.standard, seed),
            lambda: evaluation_batches(dataset.val, plan.spec, self.standard, seed),
            device,
        )
        with without_denormals(), one_thread():
            state = State.fresh(Network(plan, seed, surrogate=config.surrogate).to(device), config)
            for _ in range(config.epochs):
                passed = trainer.learn(state)
                state.epoch += 1
            assert passed is not None
            return Row(state.epoch, passed.loss, *trainer.judge(state), passed.rate, passed.lr)

    def _course(self, seed: int) -> tuple[TrainConfig, Dataset]:
        """Options and the part of the data that make the steps: as few epochs as the data allow, of equal length."""
        size, steps = batches_of(len(self.dataset.train), BATCH)
        epochs = -(-self.steps // steps)
        rng = np.random.default_rng([seed, 0x5407])
        train = self.dataset.train.some(size * -(-self.steps // epochs), rng)
        val = self.dataset.val.some(JUDGED, rng)
        config = TrainConfig(epochs=epochs, batch=BATCH, augment=("none",), precision="bfloat16", seed=seed)
        return config, replace(self.dataset, train=train, val=val)
