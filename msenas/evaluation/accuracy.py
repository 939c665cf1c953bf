"""How often a network is right: over all samples, class by class, and what it takes for what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEW = 5
"""A class among so many best ones counts as found by the second accuracy."""


@dataclass(frozen=True)
class Accuracy:
    """The answers of a network to some samples.

    Attributes:
        top1: share of the samples whose class has the largest score.
        top5: share of those whose class is among the five largest; None where there are no more classes than five.
        confusion: int64 [classes, classes], samples by their class (row) and by the one they were taken for (column).
    """

    top1: float
    top5: float | None
    confusion: NDArray[np.int64]

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """Samples whose class has the largest score."""
        return int(np.trace(self.confusion))

    @property
    def by_class(self) -> tuple[float | None, ...]:
        """Share of right answers to the samples of each class; None for a class without samples."""
        rows = zip(np.diag(self.confusion), self.confusion.sum(1), strict=True)
        return tuple(float(right / there) if there else None for right, there in rows)

    def taken_for(self, label: int) -> tuple[int, int] | None:
        """The wrong class that most samples of a class were taken for, and how many; None if all were right."""
        wrong = self.confusion[label].copy()
        wrong[label] = 0
        other = int(wrong.argmax())
        return (other, int(wrong[other])) if wrong[other] else None


def judge(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> Accuracy:
    """Compare scores [N, classes] with labels [N]; of equal scores the first class wins."""
    samples, classes = scores.shape
    order = np.argsort(-scores, axis=1, kind="stable")
    place = (order == labels[:, None]).argmax(1)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, order[:, 0]), 1)
    top5 = float((place < FEW).sum() / samples) if classes > FEW else None
    return Accuracy(float((place == 0).sum() / samples), top5, confusion)
