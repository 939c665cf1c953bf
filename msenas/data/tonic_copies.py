"""Copies that tonic's own classes take as complete: they say which files there are, with which labels.

The recordings are then read as those of any other copy, since a class of tonic gives the order of the file
system and multiplies times in the type that the file stores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from msenas.data.cifar import CIFAR10
from msenas.data.decoded import Layout
from msenas.data.event_folders import DVS128_SENSOR, NMNIST_SENSOR
from msenas.data.event_samples import Cut, Reader, Recording, RecordingSet, event_layout
from msenas.data.gesture import CLASSES as GESTURES
from msenas.data.gesture import COUNTS
from msenas.data.idx import DIGITS
from msenas.data.recordings import read_npy_ms, read_recording
from msenas.errors import DataError


@dataclass(frozen=True)
class Part:
    """What tonic wants of one part: an archive (any content), and enough files of a suffix in a folder."""

    archive: str
    folder: str
    suffix: str
    least: int
    is_test: bool = False


@dataclass(frozen=True)
class TonicClass:
    """A class of `tonic.datasets`, which must also be the name of the folder."""

    name: str
    parts: tuple[Part, ...]
    classes: tuple[str, ...]
    sensor: tuple[int, int]
    read: Reader
    notes: tuple[str, ...] = ()


def refuse(dataset: object) -> NoReturn:
    """Stands for the `download` of a tonic class, which starts on its own when a copy seems incomplete."""
    raise DataError(f"tonic takes this copy of {type(dataset).__name__} as incomplete")


def find_complete(kind: TonicClass) -> Callable[[Path], tuple[Path, ...]]:
    """Finds the recordings of a folder that tonic takes as complete."""

    def find(folder: Path) -> tuple[Path, ...]:
        if folder.name != kind.name:
            return ()
        files: list[Path] = []
        for part in kind.parts:
            if not (folder / part.archive).is_file():
                return ()
            found = sorted((folder / part.folder).glob(f"*/*{part.suffix}"))
            if len(found) < part.least:
                return ()
            files += found
        return tuple(files)

    return find


def record_with(kind: TonicClass) -> Callable[[Path, tuple[Path, ...]], RecordingSet]:
    """Lists the recordings that tonic's class gives, sorted by path."""

    def record(root: Path, files: tuple[Path, ...]) -> RecordingSet:
        del files
        from tonic import datasets

        offline = type(kind.name, (getattr(datasets, kind.name),), {"download": refuse})
        recordings = []
        for part in kind.parts:
            choice = {"train": not part.is_test} if len(kind.parts) > 1 else {}
            try:
                copy = offline(str(root.absolute().parent), **choice)
            except (KeyError, ValueError) as error:
                raise DataError(f"{root}: tonic cannot read this copy (unknown name {error})") from error
            pairs = sorted(zip(map(Path, copy.data), copy.targets, strict=True))
            recordings += [Recording(file, (Cut(label),), part.is_test) for file, label in pairs]
        has_test = len(kind.parts) > 1
        return RecordingSet(tuple(recordings), kind.classes, has_test, kind.sensor, kind.read, kind.notes)

    return record


def tonic_layout(kind: TonicClass) -> Layout:
    """The layout of a complete copy of a tonic class."""
    parts = (f"{part.archive} and {part.folder}/*/*{part.suffix}" for part in kind.parts)
    tree = f"tonic's {kind.name}/ with {', '.join(parts)}"
    return event_layout("tonic", tree, find_complete(kind), record_with(kind))


NMNIST = tonic_layout(
    TonicClass(
        "NMNIST",
        (Part("train.zip", "Train", ".bin", 10_000), Part("test.zip", "Test", ".bin", 10_000, True)),
        DIGITS,
        NMNIST_SENSOR,
        read_recording,
    )
)
GESTURE = tonic_layout(
    TonicClass(
        "DVSGesture",
        (
            Part("ibmGestureTrain.tar.gz", "ibmGestureTrain", ".npy", 100),
            Part("ibmGestureTest.tar.gz", "ibmGestureTest", ".npy", 100, True),
        ),
        GESTURES,
        DVS128_SENSOR,
        read_npy_ms,
        (COUNTS,),
    )
)
CIFAR10DVS = tonic_layout(
    TonicClass(
        "CIFAR10DVS",
        (Part("CIFAR10DVS.zip", "", ".aedat4", 1_000),),
        CIFAR10,
        DVS128_SENSOR,
        read_recording,
        ("no official test split: figures of different splits cannot be compared",),
    )
)
