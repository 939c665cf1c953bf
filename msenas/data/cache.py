"""Decoded samples on disk: written once under a key made of everything that shaped them, then memory-mapped.

An entry is a folder with `inputs.npy` (samples), `rows.npz` (labels, test marks, recordings, moments) and
`entry.json` (class names, notes). It is written beside its place and moved there in one step.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from msenas.data.array_writer import ArrayWriter
from msenas.data.dataset import Samples
from msenas.data.decoded import Decoded, Sink
from msenas.errors import DataError

DECODER = 1
"""Part of every key: raise it when a reader gives other samples for the same files."""


def cache_folder(given: Path | None) -> Path:
    """The folder of all entries: as given, $MSENAS_CACHE, or the user's cache folder."""
    if given is not None:
        return given
    named = os.environ.get("MSENAS_CACHE")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("msenas")


def key_of(files: Sequence[Path], choices: dict[str, object]) -> str:
    """16 hex digits that change with any choice and with the path, size or time of any source file."""
    digest = hashlib.sha256(json.dumps({"decoder": DECODER, **choices}, sort_keys=True).encode())
    for file in files:
        stat = file.stat()
        digest.update(f"\n{file.absolute()}\t{stat.st_size}\t{stat.st_mtime_ns}".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def cached(
    folder: Path, name: str, decode: Callable[[Sink], Decoded]
) -> tuple[Samples, Decoded, NDArray[np.float64], bool]:
    """The entry `name` of `folder`, decoded and stored first if it is not there.

    Returns:
        Samples mapped from disk, what belongs to them, their moments (see `ArrayWriter`), and whether
        the entry was there.

    Raises:
        DataError: the folder cannot be written, the disk is full, or the entry is damaged.
    """
    entry = folder / name
    hit = entry.is_dir()
    if not hit:
        build(entry, decode)
    samples, decoded, moments = read_entry(entry)
    return samples, decoded, moments, hit


def build(entry: Path, decode: Callable[[Sink], Decoded]) -> None:
    """Decode into a new folder beside `entry` and move it there; another process may get there first."""
    part: Path | None = None
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f"{entry.name}.", suffix=".part", dir=entry.parent))
        write_entry(part, decode)
        if not entry.is_dir():
            move(part, entry)
    except OSError as error:
        raise DataError(failure(error, entry.parent)) from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def failure(error: OSError, folder: Path) -> str:
    """One line: a source file cannot be read, or the cache cannot be written."""
    if error.filename is not None:
        named = Path(os.fsdecode(error.filename))
        if folder != named and folder not in named.parents and named not in folder.parents:
            return f"cannot read {named}: {error.strerror}"
    return f"cannot write the cache {folder}: {error}; set MSENAS_CACHE to a folder with room"


def move(part: Path, entry: Path) -> None:
    """Rename; that the entry has come into being meanwhile is no error."""
    try:
        part.rename(entry)
    except OSError:
        if not entry.is_dir():
            raise


def write_entry(part: Path, decode: Callable[[Sink], Decoded]) -> None:
    """Fill the folder `part` with what `decode` gives."""
    with ArrayWriter(part / "inputs.npy") as writer:
        decoded = decode(writer.append)
        writer.finish()
    rows: dict[str, NDArray[Any]] = {"labels": decoded.labels, "moments": writer.moments()}
    if decoded.is_test is not None:
        rows["is_test"] = decoded.is_test
    if decoded.recordings is not None:
        rows["recordings"] = decoded.recordings
    if len(decoded.labels) != len(rows["moments"]):
        raise DataError(f"{len(rows['moments'])} samples, but {len(decoded.labels)} labels")
    np.savez(part / "rows.npz", allow_pickle=False, **rows)
    about = {"classes": decoded.classes, "notes": decoded.notes}
    (part / "entry.json").write_text(json.dumps(about), encoding="utf-8")


def read_entry(entry: Path) -> tuple[Samples, Decoded, NDArray[np.float64]]:
    """Map one entry.

    Raises:
        DataError: it is damaged.
    """
    samples = Samples.open(entry / "inputs.npy")
    try:
        about = json.loads((entry / "entry.json").read_text(encoding="utf-8"))
        with np.load(entry / "rows.npz", allow_pickle=False) as rows:
            found = {name: rows[name] for name in rows.files}
        decoded = Decoded(
            found["labels"],
            tuple(about["classes"]),
            found.get("is_test"),
            found.get("recordings"),
            tuple(about["notes"]),
        )
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(f"the cache entry {entry} is damaged ({error}); delete that folder") from error
    if len(decoded.labels) != len(samples.array):
        raise DataError(f"the cache entry {entry} is damaged (labels and samples differ); delete that folder")
    return samples, decoded, found["moments"]
