"""The probe batch: a few training samples and slightly disturbed copies of them, fixed for a whole run.

Images get Gaussian noise of NOISE standard deviations of the training pixels; event frames lose each event with
probability NOISE. Labels are used only to balance the classes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch

from msenas.data.splits import balanced
from msenas.errors import DataError
from msenas.phenotype.encoding import Standard, encode
from msenas.phenotype.spec import NetworkSpec

NOISE = 0.05


class Samples(Protocol):
    """What a probe is drawn from: the training split of a data set."""

    @property
    def labels(self) -> np.ndarray:
        """Class of each sample, int64 [N]."""

    def batch(self, indices: np.ndarray) -> np.ndarray:
        """Images [n, C, H, W] in 0..1, or event counts [n, T, C, H, W], float32."""


@dataclass(frozen=True)
class Probe:
    """The samples as arrays, small enough to send to every worker.

    Attributes:
        clean: images [n, C, H, W] in 0..1, or event counts [n, T, C, H, W].
        noisy: the disturbed copies, same shape.
        standard: mean and standard deviation per channel of the training split.
        seed: seeds the encoder.
    """

    clean: np.ndarray
    noisy: np.ndarray
    standard: Standard
    seed: int

    @property
    def pairs(self) -> int:
        """Number n of samples, each with one copy."""
        return len(self.clean)

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        content = self.clean.tobytes() + self.noisy.tobytes() + repr((self.standard, self.seed)).encode()
        return hashlib.sha256(content).hexdigest()

    def halved(self) -> Probe:
        """The first half of the pairs.

        Raises:
            DataError: Fewer than four pairs are left to halve.
        """
        if self.pairs < 4:
            raise DataError(f"a probe of {self.pairs} pairs cannot be halved any further")
        half = self.pairs // 2
        return replace(self, clean=self.clean[:half], noisy=self.noisy[:half])

    def frames(self, spec: NetworkSpec, device: torch.device) -> torch.Tensor:
        """Encoded frames [T or 1, 2n, C, H, W]: the n samples, then their copies in the same order.

        Both halves are encoded with the same random numbers, so that they differ by the disturbance alone.
        """
        halves = [
            encode(torch.from_numpy(part), spec, self.standard, torch.Generator().manual_seed(self.seed))
            for part in (self.clean, self.noisy)
        ]
        return torch.cat(halves, dim=1).to(device)


def draw_probe(
    train: Samples, pairs: int, standard: Standard, *, events: bool, seed: int, noise: float = NOISE
) -> Probe:
    """Draw class-balanced samples of the training split and disturb them.

    Args:
        train: the training split.
        pairs: number of samples n.
        standard: statistics of the training split; noise on images is in units of its std.
        events: whether samples are event counts.
        seed: seeds the choice, the noise and the encoder.
        noise: standard deviation of the noise, or share of events lost.

    Raises:
        DataError: Fewer than two pairs, or more than the split has samples.
    """
    if not 2 <= pairs <= len(train.labels):
        raise DataError(f"the probe batch must have 2 to {len(train.labels)} samples (the training split), not {pairs}")
    rng = np.random.default_rng([seed, 0x9206E])
    clean = np.ascontiguousarray(train.batch(balanced(train.labels, pairs, rng)), np.float32)
    if events:
        noisy = rng.binomial(clean.astype(np.int64), 1.0 - noise).astype(np.float32)
    else:
        std = np.asarray(standard.std, np.float32)[:, None, None]
        noisy = clean + np.float32(noise) * std * rng.standard_normal(clean.shape, dtype=np.float32)
    return Probe(clean, noisy, standard, seed)
