"""Who trains, who validates, who tests: stratified by class, by recording, and repeatable from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msenas.errors import DataError

Rows = NDArray[np.int64]

SHARE = 0.1
"""Share of each class that is held out for validation, and for test where no test split is given."""
ENOUGH_RECORDINGS = 3
"""A class with fewer recordings is split in time, as holding one out would cost half of its data or more."""


@dataclass(frozen=True)
class Division:
    """Sorted rows of the three splits and the rule that made them, in words."""

    train: Rows
    val: Rows
    test: Rows
    rule: str


def divide(
    labels: Rows,
    classes: Sequence[str],
    seed: int,
    given_test: NDArray[np.bool_] | None = None,
    recordings: Rows | None = None,
) -> Division:
    """Split all rows into train, validation and test.

    Args:
        labels: [N], class of each row.
        classes: class names.
        seed: of the PCG64 generator that chooses.
        given_test: [N], True where the source says "test"; None if it does not say.
        recordings: [N], the recording that a row was cut from, rows in time order; None if each is its own.

    Raises:
        DataError: fewer than two classes, or a class with too few samples to be in every split.
    """
    if len(classes) < 2:
        raise DataError(f"one class only ({', '.join(classes) or 'none'}); at least two are needed")
    rng = np.random.Generator(np.random.PCG64(seed))
    groups = np.arange(len(labels)) if recordings is None else recordings
    rest = np.arange(len(labels)) if given_test is None else np.flatnonzero(~given_test)
    check_enough(labels[rest], classes, 2 if given_test is not None else 3)
    in_time = few_recordings(labels[rest], groups[rest])
    if given_test is None:
        rest, test = hold_out(rest, labels, groups, rng, in_time)
    else:
        test = np.flatnonzero(given_test)
    if len(test) == 0:
        raise DataError("the test split is empty")
    train, val = hold_out(rest, labels, groups, rng, in_time)
    named = [classes[label] for label in sorted(in_time)]
    rule = describe(given_test is not None, recordings is not None, named, len(classes))
    return Division(train, val, test, rule)


def check_enough(labels: Rows, classes: Sequence[str], least: int) -> None:
    """Raise DataError for the first class with fewer than `least` samples to split."""
    for label, count in enumerate(np.bincount(labels, minlength=len(classes))):
        if count < least:
            raise DataError(f"too few samples: class {classes[label]!r} has {count} to train on, and needs {least}")


def few_recordings(labels: Rows, groups: Rows) -> frozenset[int]:
    """Classes whose samples come from so few recordings that they are split in time."""
    few = []
    for label in np.unique(labels):
        members = groups[labels == label]
        count = len(np.unique(members))
        if count < len(members) and count < ENOUGH_RECORDINGS:
            few.append(int(label))
    return frozenset(few)


def hold_out(
    rows: Rows, labels: Rows, groups: Rows, rng: np.random.Generator, in_time: frozenset[int]
) -> tuple[Rows, Rows]:
    """Kept and held-out rows; whole groups are drawn, or for classes of `in_time` the last rows."""
    held = []
    for label in np.unique(labels[rows]):
        members = rows[labels[rows] == label]
        if label in in_time:
            held.append(members[-share_of(len(members)) :])
            continue
        ids = np.unique(groups[members])
        # sorting random keys instead of permuting keeps to the most stable part of numpy's generators
        order = np.argsort(rng.random(len(ids)), kind="stable")
        chosen = ids[order[: share_of(len(ids))]]
        held.append(members[np.isin(groups[members], chosen)])
    out = np.sort(np.concatenate(held))
    return np.setdiff1d(rows, out), out


def share_of(count: int) -> int:
    """How many of `count` are held out: a tenth, at least one."""
    return max(1, round(SHARE * count))


def describe(given_test: bool, by_recording: bool, in_time: Sequence[str], classes: int) -> str:
    """The rule in one line."""
    test = "test as given" if given_test else f"test {SHARE:.0%} of each class"
    rules = [f"{test}; val {SHARE:.0%} of each class of the rest"]
    if len(in_time) < classes:
        rules.append("whole recordings drawn by seed" if by_recording else "samples drawn by seed")
    if in_time:
        few = f"fewer than {ENOUGH_RECORDINGS} recordings"
        rules.append(f"the last windows in time where a class has {few} ({', '.join(in_time)})")
    return "; ".join(rules)


def balanced(labels: Rows, count: int, rng: np.random.Generator) -> Rows:
    """Indices of `count` samples, as equal a number of each class as the classes allow.

    Every prefix is balanced too.
    """
    shuffled = rng.permutation(len(labels))
    rank = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        rank[members] = np.arange(len(members))
    return shuffled[np.argsort(rank[shuffled], kind="stable")[:count]]
