"""Names for new folders under runs/."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from msenas.errors import RunError

RUNS = Path("runs")


def free_path(name: str) -> Path:
    """A path that does not exist yet, made of a name and the time."""
    return next(path for path in _paths(name) if not path.exists())


def make_new(name: str) -> Path:
    """A folder that this process alone has made, also when another one starts in the same second.

    Raises:
        RunError: It cannot be made.
    """
    for path in _paths(name):
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"cannot make the run folder {path}: {error.strerror or error}") from None
        return path
    raise AssertionError("there are always more names")


def _paths(name: str) -> Iterator[Path]:
    stem = f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    yield RUNS / stem
    yield from (RUNS / f"{stem}-{i}" for i in count(2))
