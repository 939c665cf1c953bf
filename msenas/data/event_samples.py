"""From a set of recordings to samples of frames, one recording in memory at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msenas.data.decoded import Decoded, Layout, Sink, Tick
from msenas.data.events import Events, check_sensor, frames_of
from msenas.data.spec import DataSpec
from msenas.errors import DataError

LARGE_SENSOR = 128
"""Sensors of this side and above are scaled down to `DEFAULT_SIDE` unless a size is given."""
DEFAULT_SIDE = 48

Reader = Callable[[Path], Events]


@dataclass(frozen=True)
class Cut:
    """A part of a recording that shows one class: start <= t < end in microseconds, or all of it."""

    label: int
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Recording:
    """A file, the parts of it that are used, and whether it is meant for the test."""

    file: Path
    cuts: tuple[Cut, ...]
    is_test: bool = False


@dataclass(frozen=True)
class RecordingSet:
    """All recordings of a data set, in a fixed order.

    Attributes:
        recordings: what to read.
        classes: class names.
        has_test: whether the recordings' `is_test` means anything.
        sensor: width and height; None asks the files.
        read: reader of one file.
        notes: what a user should know.
    """

    recordings: tuple[Recording, ...]
    classes: tuple[str, ...]
    has_test: bool
    sensor: tuple[int, int] | None
    read: Reader
    notes: tuple[str, ...] = ()


def side_of(sensor: tuple[int, int], size: int | None) -> tuple[int, int]:
    """Height and width of the frames: the size given, or 48 for large sensors, or the sensor's own."""
    if size is not None:
        return size, size
    if max(sensor) >= LARGE_SENSOR:
        return DEFAULT_SIDE, DEFAULT_SIDE
    return sensor[1], sensor[0]


def sensor_of(recorded: RecordingSet) -> tuple[tuple[int, int], str]:
    """Width and height of the sensor of all recordings, and how they are known.

    The first file decides whether its format tells; if not, all files are read once for their largest
    coordinates.
    """
    read = recorded.read
    told = read(recorded.recordings[0].file).sensor
    if told is not None:
        return told, f"sensor {told[0]}x{told[1]} as the files say"
    width = height = 0
    for recording in recorded.recordings:
        events = read(recording.file)
        width, height = max(width, int(events.x.max()) + 1), max(height, int(events.y.max()) + 1)
    return (width, height), f"sensor {width}x{height} inferred from the largest coordinates"


def pieces(recording: Recording, read: Reader, sensor: tuple[int, int]) -> list[tuple[Cut, Events]]:
    """The used parts of one recording.

    Raises:
        DataError: the file tells another sensor, an event lies outside it, or a part has no events.
    """
    events = read(recording.file)
    if events.sensor is not None and events.sensor != sensor:
        raise DataError(
            f"{recording.file}: sensor {events.sensor[0]}x{events.sensor[1]},"
            f" but {sensor[0]}x{sensor[1]} is needed as in the other files"
        )
    check_sensor(events, sensor, recording.file)
    parts = []
    for cut in recording.cuts:
        part = events
        if cut.start is not None and cut.end is not None:
            part = events.between(cut.start, cut.end)
        if len(part) == 0:
            raise DataError(f"{recording.file}: no events from {cut.start} to {cut.end} us")
        parts.append((cut, part))
    return parts


def decode_recordings(recorded: RecordingSet, spec: DataSpec, sink: Sink, tick: Tick) -> Decoded:
    """Frames of all recordings, unsigned [N, T, 2, H, W], into the sink.

    Raises:
        DataError: from the files; see `recordings` and `events`.
    """
    sensor, notes = recorded.sensor, list(recorded.notes)
    if sensor is None:
        sensor, how = sensor_of(recorded)
        notes.append(how)
    side = side_of(sensor, spec.size)
    window = None if spec.window_ms is None else round(spec.window_ms * 1000)
    labels: list[int] = []
    is_test: list[bool] = []
    numbers: list[int] = []
    number = left_out = 0
    for done, recording in enumerate(recorded.recordings):
        for cut, events in pieces(recording, recorded.read, sensor):
            frames, lost = frames_of(events, sensor, spec.steps, side, window, recording.file)
            sink(frames)
            labels += [cut.label] * len(frames)
            is_test += [recording.is_test] * len(frames)
            numbers += [number] * len(frames)
            number, left_out = number + 1, left_out + lost
        tick(done + 1, len(recorded.recordings))
    if left_out:
        notes.append(f"{left_out:,} events left out, in last windows that are filled by less than half")
    return Decoded(
        np.array(labels, np.int64),
        recorded.classes,
        np.array(is_test) if recorded.has_test else None,
        np.array(numbers, np.int64) if window is not None else None,
        tuple(notes),
    )


def event_layout(
    name: str,
    tree: str,
    find: Callable[[Path], tuple[Path, ...]],
    record: Callable[[Path, tuple[Path, ...]], RecordingSet],
) -> Layout:
    """A layout of event recordings from the function that lists them: `record(root, files)`."""

    def read(root: Path, files: tuple[Path, ...], spec: DataSpec, sink: Sink, tick: Tick) -> Decoded:
        return decode_recordings(record(root, files), spec, sink, tick)

    return Layout(name, tree, find, read)
