"""Where a data set lies: the folders that are looked into, and what was found in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from msenas.data.decoded import Layout
from msenas.data.registry import DATASETS, Entry
from msenas.errors import DataError, unknown

SHOWN = 6
"""Names of a folder's content that an error lists."""


@dataclass(frozen=True)
class Found:
    """A copy of a data set: its folder (or file), the layout it has, and the files of that layout."""

    name: str
    path: Path
    layout: Layout
    files: tuple[Path, ...]


def entry_of(name: str) -> Entry:
    """The registry's entry.

    Raises:
        DataError: no data set has this name.
    """
    if name not in DATASETS:
        raise DataError(unknown("data set", name, DATASETS))
    return DATASETS[name]


def home() -> Path:
    """Where downloads go: $MSENAS_DATA, or a folder of the user's cache."""
    named = os.environ.get("MSENAS_DATA")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("msenas") / "data"


def user_path(text: str) -> Path:
    """A path with `~` replaced by the home folder.

    Raises:
        DataError: there is no such home folder.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise DataError(f"{text}: {error}") from None


def places(name: str, path: str | None) -> list[Path]:
    """Folders (or files) that may hold the data set, in the order in which they are tried."""
    folders = DATASETS[name].folders
    if path is not None:
        root = user_path(path)
        named = [root.parent / folder for folder in folders if Path(folder).parts[0] == root.name]
        return list(dict.fromkeys((*(root / folder for folder in folders), *named, root)))
    bases = dict.fromkeys((home(), Path("data"), platformdirs.user_cache_path("msenas") / "data"))
    return [base / folder for base in bases for folder in dict.fromkeys((*folders, name))]


def find(name: str, path: str | None = None) -> list[Found]:
    """Every copy of a data set that can be seen, the preferred one first; empty if there is none.

    Args:
        name: of `DATASETS`.
        path: the set's folder, its parent, or its file; None looks into $MSENAS_DATA, ./data and the
            user's cache.

    Raises:
        DataError: the name is unknown.
    """
    entry_of(name)
    return list(copies(name, path))


def copies(name: str, path: str | None) -> Iterator[Found]:
    """As `find`, one after the other."""
    for place in places(name, path):
        for layout in DATASETS[name].layouts if place.exists() else ():
            files = files_of(layout, place)
            if files:
                yield Found(name, place, layout, files)


def files_of(layout: Layout, place: Path) -> tuple[Path, ...]:
    """The files of a layout in a place.

    Raises:
        DataError: the place cannot be read.
    """
    try:
        return layout.find(place)
    except OSError as error:
        raise DataError(f"{place}: cannot be looked into ({error})") from error


def choose(name: str, path: str | None) -> Found:
    """The copy to read.

    Raises:
        DataError: there is none; the message says what was looked for, where, and what was there.
    """
    found = next(copies(name, path), None)
    if found is None:
        raise DataError(missing(name, path))
    return found


def missing(name: str, path: str | None) -> str:
    """One line: what was looked for, where, what was there instead, and how to get it."""
    entry = entry_of(name)
    tried = places(name, path)
    if path is None and not entry.folders:
        return f"{name}: give a path; expected {entry.tree}"
    if path is not None and not tried[-1].exists():
        return f"{name}: {tried[-1]} does not exist; expected {entry.tree}"
    if path is not None:
        where = f"in {tried[-1]} (it holds {contents(tried[-1])})"
    else:
        where = "in " + ", ".join(str(place) for place in tried)
    parts = [f"{name}: nothing found {where}", f"expected {entry.tree}"]
    for archive in entry.archives:
        origin = archive.url or f"{entry.source} (by hand; no address for a program is known)"
        parts.append(f"{archive.name} (md5 {archive.md5}) from {origin}")
    return "; ".join(parts)


def contents(place: Path) -> str:
    """The first names in a folder."""
    if place.is_file():
        return f"a file of {place.stat().st_size:,} bytes"
    if not place.is_dir():
        return "no file and no folder"
    names = sorted(child.name for child in place.iterdir())
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) + more) or "nothing"
