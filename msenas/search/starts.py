"""The record of the starts of a run or a training: commands, versions, machine and data, in environment.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from msenas.runs.files import read_json, to_json, write_atomically
from msenas.search.prepare import command, environment, versions

Say = Callable[[str], None]
"""Takes one-line notes for the user."""


class Earlier(msgspec.Struct):
    """What is read back of environment.json."""

    commands: list[str]
    versions: dict[str, str] = {}

    def changes(self) -> str:
        """Versions that are others now, in words."""
        now = versions()
        return ", ".join(
            f"{name} {old} -> {now.get(name, 'none')}" for name, old in self.versions.items() if now.get(name) != old
        )


def record_start(path: Path, data: Mapping[str, Any], say: Say) -> None:
    """Add this start to the record, and say so if versions have changed since the last one.

    Args:
        path: environment.json, which may be missing.
        data: provenance of the data set.
        say: takes the note.

    Raises:
        InputError: The record is damaged.
        RunError: It cannot be written.
    """
    earlier = read_json(path, Earlier) if path.exists() else Earlier([])
    if changes := earlier.changes():
        say(f"versions have changed since the last start ({changes}); results may differ from those so far")
    about = environment() | {"data": data, "commands": [*earlier.commands, command()]}
    write_atomically(path, to_json(about, indent=2) + "\n")
