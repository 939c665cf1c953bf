"""Batches of a training: order, augmentation and encoding, each drawn from the seed, the epoch and the step."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from msenas.data import Dataset, Split
from msenas.learning.augment import augmentation, mixed
from msenas.learning.config import TrainConfig
from msenas.phenotype.encoding import Standard, encode
from msenas.phenotype.spec import NetworkSpec

AHEAD = 2
"""Batches that are prepared while one is computed."""
CALIBRATION = 1024
"""Training samples from which a normalisation is estimated."""
EVALUATED = 128
"""Samples of a batch that is only evaluated."""


@dataclass(frozen=True)
class Batch:
    """Samples of one step.

    Attributes:
        images: augmented, before encoding: [B, C, H, W] or [B, T, C, H, W]; what a teacher sees.
        frames: encoded [T or 1, B, C, H, W].
        targets: class probabilities [B, classes].
    """

    images: Tensor
    frames: Tensor
    targets: Tensor


def batches_of(samples: int, batch: int) -> tuple[int, int]:
    """Samples of a step, and steps of an epoch; what does not fill a batch waits for another epoch's order."""
    size = min(batch, samples)
    return size, samples // size


class Feed:
    """Training batches of a data set for one network spec.

    Attributes:
        size: samples of a step.
        steps: steps of an epoch.
    """

    def __init__(self, dataset: Dataset, spec: NetworkSpec, standard: Standard, config: TrainConfig) -> None:
        self.split, self.spec, self.standard, self.config = dataset.train, spec, standard, config
        events = dataset.kind == "events"
        self.augment = augmentation(config.augment, dataset.name, dataset.shape, events)
        self.size, self.steps = batches_of(len(self.split), config.batch)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch, some prepared ahead in a thread."""
        order = np.random.default_rng([self.config.seed, number, 0x0DE]).permutation(len(self.split))
        with ThreadPoolExecutor(1) as pool:
            waiting = [pool.submit(self._batch, order, number, step) for step in range(min(AHEAD, self.steps))]
            for step in range(self.steps):
                batch = waiting.pop(0).result()
                if step + AHEAD < self.steps:
                    waiting.append(pool.submit(self._batch, order, number, step + AHEAD))
                yield batch

    def _batch(self, order: np.ndarray, epoch: int, step: int) -> Batch:
        places = order[step * self.size : (step + 1) * self.size]
        seed, mixing, coding = _seeds(self.config.seed, epoch, step)
        images = self.augment(torch.from_numpy(self.split.batch(places)), seed)
        targets = F.one_hot(torch.from_numpy(self.split.labels[places]), self.spec.classes).float()
        if self.config.mix:
            images, targets = mixed(images, targets, self.config.mix, mixing)
        frames = encode(images, self.spec, self.standard, torch.Generator().manual_seed(coding))
        return Batch(images, frames, targets)


def _seeds(*key: int) -> list[int]:
    """Three seeds for torch that depend on all numbers of the key."""
    return [int(s) for s in np.random.default_rng(key).integers(2**62, size=3)]


def evaluation_batches(
    split: Split, spec: NetworkSpec, standard: Standard, seed: int
) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Encoded frames and labels of a whole split, in order, without augmentation."""
    for number, start in enumerate(range(0, len(split), EVALUATED)):
        places = np.arange(start, min(start + EVALUATED, len(split)))
        generator = torch.Generator().manual_seed(_seeds(seed, number)[0])
        yield encode(torch.from_numpy(split.batch(places)), spec, standard, generator), split.labels[places]


def calibration_frames(split: Split, spec: NetworkSpec, standard: Standard, seed: int) -> Iterator[Tensor]:
    """Encoded frames of up to CALIBRATION samples drawn from a split, without augmentation."""
    rng = np.random.default_rng([seed, 0xCA1])
    drawn = rng.permutation(len(split))[:CALIBRATION]
    for number, start in enumerate(range(0, len(drawn), EVALUATED)):
        generator = torch.Generator().manual_seed(_seeds(seed, number)[0])
        images = torch.from_numpy(split.batch(drawn[start : start + EVALUATED]))
        yield encode(images, spec, standard, generator)
