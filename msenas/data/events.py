"""The events of one recording, and their way into frames that lose none of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msenas.data.array_writer import smallest
from msenas.errors import DataError

Ints = NDArray[np.int64]

LONGEST = 1 << 50
"""Microseconds (35 years): longer recordings have damaged timestamps, and their products would overflow."""
BLOCK = 1 << 24
"""Counters held at once, as 64-bit integers, while events are counted."""
LARGEST_SIDE = 1 << 16
"""Pixels of a sensor: larger coordinates are damaged, and their products would overflow."""
LARGEST_SAMPLE = 1 << 27
"""Counters of one sample, T * 2 * H * W."""


@dataclass(frozen=True, eq=False)
class Events:
    """One recording; the four arrays have one length, and the order is that of the file.

    Attributes:
        x: column, from 0.
        y: row, from 0.
        t: microseconds, from any origin, not necessarily sorted.
        on: True for an ON event (brighter), which is counted in channel 1; OFF in channel 0.
        sensor: width and height as the file gives them; None if it does not.
    """

    x: Ints
    y: Ints
    t: Ints
    on: NDArray[np.bool_]
    sensor: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.t)

    def between(self, start: int, end: int) -> Events:
        """The events with start <= t < end (microseconds)."""
        inside = (self.t >= start) & (self.t < end)
        return Events(self.x[inside], self.y[inside], self.t[inside], self.on[inside], self.sensor)


def make_events(
    x: NDArray[Any],
    y: NDArray[Any],
    t: NDArray[Any],
    p: NDArray[Any],
    where: Path,
    sensor: tuple[int, int] | None = None,
) -> Events:
    """Events from the arrays of a file, widened first so that no later sum overflows.

    Raises:
        DataError: there are none, lengths differ, values are no whole numbers, or a polarity is not 0 or 1
            (or -1 or 1), or a coordinate is not in 0..LARGEST_SIDE-1.
    """
    if not len(x) == len(y) == len(t) == len(p):
        raise DataError(f"{where}: {len(x)} x, {len(y)} y, {len(t)} t and {len(p)} polarities")
    if len(t) == 0:
        raise DataError(f"{where}: no events")
    columns, rows, times, on = (whole(a, n, where) for a, n in ((x, "x"), (y, "y"), (t, "t"), (p, "p")))
    polarities = set(np.unique(on).tolist())
    if not (polarities <= {0, 1} or polarities <= {-1, 1}):
        raise DataError(f"{where}: polarities from {on.min()} to {on.max()}; 0 and 1 (or -1 and 1) are allowed")
    if min(columns.min(), rows.min()) < 0:
        raise DataError(f"{where}: negative coordinates (x {columns.min()}, y {rows.min()})")
    if max(columns.max(), rows.max()) >= LARGEST_SIDE:
        raise DataError(
            f"{where}: coordinates up to x {columns.max()}, y {rows.max()}; less than {LARGEST_SIDE} is needed"
        )
    return Events(columns, rows, times, on > 0, sensor)


def whole(values: NDArray[Any], name: str, where: Path) -> Ints:
    """Values of any numeric type as int64, which must not change them.

    Raises:
        DataError: they are no whole numbers of 64 bits.
    """
    if values.dtype.kind not in "biuf" or values.ndim != 1:
        raise DataError(f"{where}: {name} is {values.dtype} {list(values.shape)}; numbers [N] are needed")
    if values.dtype.kind == "f" and not (np.isfinite(values) & (np.floor(values) == values)).all():
        raise DataError(f"{where}: {name} has fractions; whole numbers (t: microseconds) are needed")
    if values.dtype.kind == "f" and np.abs(values).max() >= 2.0**62:
        raise DataError(f"{where}: {name} has values beyond 62 bits")
    if values.dtype == np.uint64 and values.max() > np.iinfo(np.int64).max:
        raise DataError(f"{where}: {name} has values beyond 63 bits")
    return values.astype(np.int64)


def check_sensor(events: Events, sensor: tuple[int, int], where: Path) -> None:
    """Raise DataError if an event lies outside the sensor (width, height)."""
    x, y = int(events.x.max()), int(events.y.max())
    if x >= sensor[0] or y >= sensor[1]:
        raise DataError(f"{where}: an event at x {x} or y {y} lies outside the {sensor[0]}x{sensor[1]} sensor")


def frames_of(
    events: Events,
    sensor: tuple[int, int],
    steps: int,
    side: tuple[int, int],
    window: int | None,
    where: Path,
) -> tuple[NDArray[Any], int]:
    """Count events per sample, time bin, polarity and pixel.

    Without a window the recording is one sample, in `steps` equal bins from its first to its last event. With
    one, it is cut from its first event on; windows without events give no sample, and neither does a last
    window that the recording fills by less than half.

    Args:
        events: one recording.
        sensor: width and height of its coordinates.
        steps: time bins T.
        side: height and width of the frames; coordinates are mapped by x * W' // W, so all events are kept.
        window: microseconds, or None.
        where: the file, for messages.

    Returns:
        Counts [n, T, 2, H, W] of the smallest unsigned type, and the number of events left out at the end.

    Raises:
        DataError: an event lies outside the sensor, or the timestamps are damaged.
    """
    check_sensor(events, sensor, where)
    first = int(events.t.min())
    span = int(events.t.max()) - first + 1
    if span > LONGEST:
        raise DataError(f"{where}: timestamps from {first} to {first + span - 1}: no recording is that long")
    height, width = side
    per_sample = steps * 2 * height * width
    if per_sample > LARGEST_SAMPLE:
        raise DataError(f"frames of {steps} x 2 x {height} x {width} are too large; use fewer steps or a smaller size")
    t = events.t - first
    length = window if window is not None else span
    sample = t // length
    place = (t - sample * length) * steps // length
    place = (place * 2 + events.on) * height + events.y * height // sensor[1]
    place = place * width + events.x * width // sensor[0]
    left_out = 0
    last = (span - 1) // length
    if last > 0 and (span - last * length) * 2 < length:
        kept = sample < last
        left_out = int(len(kept) - kept.sum())
        sample, place = sample[kept], place[kept]
    counts = count_blocks(sample, place, per_sample)
    return counts.reshape(-1, steps, 2, height, width), left_out


def count_blocks(sample: Ints, place: Ints, per_sample: int) -> NDArray[Any]:
    """How often each place occurs in each sample that occurs, [samples, per_sample], a block at a time."""
    order = np.argsort(sample, kind="stable")
    sample, place = sample[order], place[order]
    # consecutive numbers for the samples that have events
    number = np.concatenate([[0], np.cumsum(np.diff(sample) > 0)])
    total, step = int(number[-1]) + 1, max(1, BLOCK // per_sample)
    blocks = []
    for start in range(0, total, step):
        size = min(step, total - start)
        low, high = np.searchsorted(number, [start, start + size])
        index = (number[low:high] - start) * per_sample + place[low:high]
        counts = np.bincount(index, minlength=size * per_sample)
        blocks.append(counts.astype(smallest(int(counts.max()))).reshape(size, per_sample))
    return np.concatenate(blocks)
