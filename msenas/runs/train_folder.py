"""The folder of a training; the only place that knows its file names.

network.json        the best.json that was trained, as it was
config.json         the resolved options
environment.json    versions, machine, and the commands that made the training
metrics.jsonl       one line per epoch
timings.jsonl       seconds and images per second of each epoch (kept apart: all else is the same for equal seeds)
state.pt            all that changes in a training, after the last epoch: enough to resume, whatever became of the rest
weights.safetensors the weights of the best epoch so far; at the end those of best.json
best.json           the trained network, written last: where it exists, the test split has been read
curves.png          loss, accuracy, firing rate and learning rate
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch

from msenas.errors import RunError
from msenas.runs.files import read_bytes, write_atomically
from msenas.runs.folder import occupies

LARGEST_STATE = 8 << 30
LARGEST_LINES = 64 << 20


class TrainFolder:
    """A folder that holds one training."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.network = path / "network.json"
        self.config = path / "config.json"
        self.environment = path / "environment.json"
        self.metrics = path / "metrics.jsonl"
        self.timings = path / "timings.jsonl"
        self.state = path / "state.pt"
        self.weights = path / "weights.safetensors"
        self.best = path / "best.json"
        self.curves = path / "curves.png"

    @property
    def begun(self) -> bool:
        """Whether the folder holds a training that can be resumed."""
        return self.network.exists() and self.config.exists()

    def check_free(self) -> None:
        """Refuse a folder that holds something; it need not exist yet.

        Raises:
            RunError: It holds something, or is no folder.
        """
        try:
            taken = [p.name for p in self.path.iterdir() if occupies(p)] if os.path.lexists(self.path) else []
        except OSError as error:
            raise RunError(f"cannot use {self.path}: {error.strerror or error}") from None
        if self.begun:
            raise RunError(f"{self.path} holds a training; --resume continues it, or give another --out")
        if taken:
            raise RunError(f"{self.path} is not empty ({sorted(taken)[0]}); choose another --out")

    def create(self) -> None:
        """Make the folder.

        Raises:
            RunError: It cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make the folder {self.path}: {error.strerror or error}") from None

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Write the state in one step.

        Raises:
            RunError: The file cannot be written; the one before is kept.
        """
        content = io.BytesIO()
        torch.save(dict(state), content)
        write_atomically(self.state, content.getvalue())

    def read_state(self) -> dict[str, Any]:
        """Tensors and plain values of the state; nothing else is unpickled.

        Raises:
            InputError: The file is missing or too large.
            RunError: It is damaged.
        """
        content = io.BytesIO(read_bytes(self.state, LARGEST_STATE))
        try:
            state = torch.load(content, map_location="cpu", weights_only=True)
        except Exception as error:
            # torch and its unpickler raise many kinds of errors for damaged files.
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise RunError(f"{self.state} is damaged: {reason}") from None
        if not isinstance(state, dict):
            raise RunError(f"{self.state} is damaged: it holds no state")
        return state

    def write_lines(self, path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write JSON lines in one step.

        Raises:
            RunError: The file cannot be written.
        """
        write_atomically(path, "".join(json.dumps(dict(row), allow_nan=False) + "\n" for row in rows))

    def read_lines(self, path: Path) -> list[dict[str, Any]]:
        """Read JSON lines; a file that is missing holds none.

        Raises:
            RunError: A line is damaged.
        """
        if not path.exists():
            return []
        try:
            return [
                msgspec.json.decode(line, type=dict[str, Any]) for line in read_bytes(path, LARGEST_LINES).splitlines()
            ]
        except msgspec.MsgspecError as error:
            raise RunError(f"{path} is damaged: {error}") from None
