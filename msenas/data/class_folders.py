"""Folders named after classes, with or without train and test folders above them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msenas.errors import DataError

PARTS = {"train": "train", "training": "train", "val": "train", "valid": "train", "validation": "train"}
PARTS |= {"test": "test", "testing": "test"}
"""Folder names, in small letters, and the part that they belong to; a given val split is joined to train."""


@dataclass(frozen=True)
class ClassFiles:
    """The files of a tree of class folders, in a fixed order.

    Attributes:
        files: sorted by part, class and name.
        labels: int64 [N], class of each file.
        classes: folder names, numbers in order of value, then the rest alphabetically.
        is_test: bool [N]; None if the tree has no test folder.
        notes: what a user should know.
    """

    files: tuple[Path, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    is_test: NDArray[np.bool_] | None
    notes: tuple[str, ...]


def in_order(name: str) -> tuple[bool, int, str]:
    """Sorts numbers by value and before names."""
    number = name.isascii() and name.isdigit()
    return (not number, int(name) if number else 0, name)


def folders_in(folder: Path) -> list[Path]:
    """Folders in a folder, hidden ones left out, sorted."""
    children = [child for child in folder.iterdir() if child.is_dir() and not child.name.startswith((".", "__"))]
    return sorted(children, key=lambda child: in_order(child.name))


def files_in(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Files of the suffixes directly in a folder, sorted by name."""
    found = [
        child
        for child in folder.iterdir()
        if child.suffix.lower() in suffixes and not child.name.startswith(".") and child.is_file()
    ]
    return sorted(found, key=lambda child: child.name)


def class_roots(folder: Path) -> list[Path]:
    """The folders that hold class folders: train, test and so on, test last, or else the folder itself."""
    if not folder.is_dir():
        return []
    parts = [child for child in folders_in(folder) if child.name.lower() in PARTS]
    return sorted(parts, key=lambda child: PARTS[child.name.lower()] == "test") or [folder]


def walk(folder: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    """Every file of the suffixes in every class folder, in order."""
    for root in class_roots(folder):
        for class_folder in folders_in(root):
            yield from files_in(class_folder, suffixes)


def find_files(folder: Path, suffixes: frozenset[str]) -> tuple[Path, ...]:
    """Those files as a tuple; empty if there is none."""
    return tuple(walk(folder, suffixes))


def sort_out(folder: Path, files: tuple[Path, ...], classes: int | None = None) -> ClassFiles:
    """Classes and parts of files that `find_files` gave for `folder`.

    Raises:
        DataError: another number of class folders than `classes`.
    """
    parts = [PARTS[file.parent.parent.name.lower()] if file.parent.parent != folder else "" for file in files]
    names = tuple(sorted({file.parent.name for file in files}, key=in_order))
    if classes is not None and len(names) != classes:
        raise DataError(f"{folder}: {len(names)} class folders ({listed(names)}); {classes} are needed")
    label_of = {name: label for label, name in enumerate(names)}
    labels = np.array([label_of[file.parent.name] for file in files], np.int64)
    is_test = np.array([part == "test" for part in parts]) if "test" in parts else None
    notes = []
    if any(file.parent.parent != folder and "val" in file.parent.parent.name.lower() for file in files):
        notes.append("the given validation folder was joined to train; val is drawn by seed")
    return ClassFiles(files, labels, names, is_test, tuple(notes))


def listed(names: tuple[str, ...], most: int = 12) -> str:
    """Names for a message, the first ones only."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
