"""The folder of a ranking; the only place that knows its file names.

config.json         the resolved options
environment.json    versions, machine, and the commands that made the ranking
drawn.json          the networks, and digests of what they were drawn for; absent if they were trained elsewhere
trainings/ID-N/     training N (0, or 1 for a second one) of network ID: metrics.jsonl, trained.json, and state.pt
                    until it has ended
scores.jsonl        values of the fitnesses, one line for each network and weight seed
networks.jsonl      all that was found out, one line for each network, behind a line about the ranking
ranking.json        how well each fitness ranks
*.png               pictures
"""

from __future__ import annotations

import os
from pathlib import Path

from msenas.errors import RunError
from msenas.runs.folder import occupies
from msenas.runs.train_folder import TrainFolder


class RankFolder:
    """A folder that holds one ranking."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.environment = path / "environment.json"
        self.drawn = path / "drawn.json"
        self.trainings = path / "trainings"
        self.scores = path / "scores.jsonl"
        self.networks = path / "networks.jsonl"
        self.ranking = path / "ranking.json"

    @property
    def was_given(self) -> bool:
        """Whether the networks were trained elsewhere."""
        return self.networks.exists() and not self.drawn.exists()

    def training(self, network: int, repetition: int) -> TrainFolder:
        """The folder of one training."""
        return TrainFolder(self.trainings / f"{network}-{repetition}")

    def trained(self, network: int, repetition: int) -> Path:
        """The file that says what became of a training."""
        return self.training(network, repetition).path / "trained.json"

    def create(self) -> None:
        """Make the folder, or take an existing one that is empty.

        Raises:
            RunError: It holds something, or cannot be made.
        """
        self.check_free()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make the folder {self.path}: {error.strerror or error}") from None

    def check_free(self) -> None:
        """Refuse a folder that holds something; it need not exist yet.

        Raises:
            RunError: It holds something or is no folder.
        """
        try:
            taken = os.path.lexists(self.path) and any(map(occupies, self.path.iterdir()))
        except OSError as error:
            raise RunError(f"cannot use {self.path}: {error.strerror or error}") from None
        if taken:
            hint = "--resume continues it" if self.config.exists() else "choose an empty folder"
            raise RunError(f"{self.path} is not empty; {hint}, or give another --out")
