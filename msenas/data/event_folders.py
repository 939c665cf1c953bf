"""Event recordings in class folders: N-MNIST, CIFAR10-DVS, and a user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msenas.data.cifar import CIFAR10
from msenas.data.class_folders import ClassFiles, find_files, listed, sort_out
from msenas.data.decoded import Layout, shortfall
from msenas.data.event_samples import Cut, Recording, RecordingSet, event_layout
from msenas.data.idx import DIGITS
from msenas.data.recordings import SUFFIXES, read_recording
from msenas.errors import DataError

NMNIST_SENSOR = (34, 34)
NMNIST_TRAIN, NMNIST_TEST = 60_000, 10_000
DVS128_SENSOR = (128, 128)
CIFAR10DVS_ALL = 10_000


def recordings_of(tree: ClassFiles) -> tuple[Recording, ...]:
    """One recording per file, all of it used."""
    return tuple(
        Recording(file, (Cut(int(label)),), bool(tree.is_test is not None and tree.is_test[row]))
        for row, (file, label) in enumerate(zip(tree.files, tree.labels, strict=True))
    )


def check_names(tree: ClassFiles, root: Path, allowed: tuple[str, ...]) -> None:
    """Raise DataError if a class folder is not called as it must be, or if one is missing."""
    small = {name.lower(): name for name in allowed}
    for name in tree.classes:
        if name not in allowed:
            near = f" (rename it to {small[name.lower()]!r})" if name.lower() in small else ""
            raise DataError(f"{root}: class folder {name!r}{near}; allowed: {listed(allowed)}")
    missing = tuple(name for name in allowed if name not in tree.classes)
    if missing:
        raise DataError(f"{root}: no recordings of {listed(missing)}; each of {listed(allowed)} is needed")


def own_recordings(root: Path, files: tuple[Path, ...]) -> RecordingSet:
    """A user's recordings; classes are the folders, and the sensor is what the files say."""
    tree = sort_out(root, files)
    return RecordingSet(recordings_of(tree), tree.classes, tree.is_test is not None, None, read_recording, tree.notes)


def own_folders() -> Layout:
    """Class folders of recordings of any kind that can be read."""
    suffixes = " ".join(sorted(SUFFIXES))
    tree = f"train/CLASS/FILE and test/CLASS/FILE, or CLASS/FILE, with FILE one of {suffixes}"
    return event_layout("class folders", tree, lambda folder: find_files(folder, SUFFIXES), own_recordings)


def known_folders(
    tree: str,
    suffixes: frozenset[str],
    classes: tuple[str, ...],
    sensor: tuple[int, int],
    notes: Callable[[ClassFiles], tuple[str, ...]],
) -> Layout:
    """Class folders of a published data set, whole or in part."""

    def find(folder: Path) -> tuple[Path, ...]:
        files = find_files(folder, suffixes)
        # another case is found, too, so that the error can name it; foreign folders are no copy
        return files if any(file.parent.name.lower() in classes for file in files) else ()

    def record(root: Path, files: tuple[Path, ...]) -> RecordingSet:
        found = sort_out(root, files)
        check_names(found, root, classes)
        about = found.notes + notes(found)
        has_test = found.is_test is not None
        return RecordingSet(recordings_of(found), classes, has_test, sensor, read_recording, about)

    return event_layout("class folders", tree, find, record)


def nmnist_notes(tree: ClassFiles) -> tuple[str, ...]:
    """What a copy of N-MNIST lacks."""
    test = 0 if tree.is_test is None else int(tree.is_test.sum())
    return (
        *shortfall("training recordings", len(tree.files) - test, NMNIST_TRAIN),
        *shortfall("test recordings", test, NMNIST_TEST),
    )


def cifar10dvs_notes(tree: ClassFiles) -> tuple[str, ...]:
    """What a copy of CIFAR10-DVS lacks, and a warning that its split is nobody else's."""
    own = "no official test split: figures of different splits cannot be compared"
    return (*shortfall("recordings", len(tree.files), CIFAR10DVS_ALL), own)


NMNIST_FOLDERS = known_folders(
    "Train/0..9/*.bin and Test/0..9/*.bin", frozenset({".bin"}), DIGITS, NMNIST_SENSOR, nmnist_notes
)
CIFAR10DVS_FOLDERS = known_folders(
    f"{CIFAR10[0]}/*.aedat4 .. {CIFAR10[-1]}/*.aedat4 (or .aedat)",
    frozenset({".aedat4", ".aedat"}),
    CIFAR10,
    DVS128_SENSOR,
    cifar10dvs_notes,
)
