"""Training-free scores of the networks of a ranking: every fitness, from several random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from msenas.errors import RunError
from msenas.fitness.evaluate import Evaluator, ScoreError
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.record import LARGEST
from msenas.runs.files import read_bytes, to_json, write_atomically

SAFE = "parameters"
"""A fitness that always has a value."""


class Score(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One line of scores.jsonl: a network from the weights of one seed.

    Attributes:
        id: number of the network.
        seed: weight seed.
        values: value of each fitness by name, None where it has none (a dead network has none at all).
        live: whether the network fires in what is read out.
        energy_joule: low, nominal and high estimate per inference; None if the evaluation failed.
        failure: why it failed.
    """

    id: int
    seed: int
    values: dict[str, float | None]
    live: bool = False
    energy_joule: tuple[float | None, float, float | None] | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Wanted:
    """A score that is asked for: of which network, from which weights."""

    id: int
    genome: tuple[int, ...]
    seed: int


@dataclass(frozen=True)
class Scoring:
    """Scores networks.

    Attributes:
        evaluator: with its probe batch; its own fitness and seed do not count.
        spec: of every network.
        names: of the fitnesses.
    """

    evaluator: Evaluator
    spec: NetworkSpec
    names: tuple[str, ...]

    def __call__(self, wanted: Wanted) -> Score:
        """One forward pass of a network, read by every fitness."""
        evaluator = replace(self.evaluator, fitness=SAFE, seed=wanted.seed)
        try:
            scores, values = evaluator.several(decode(Genome.from_flat(wanted.genome), self.spec), self.names)
        except ScoreError as error:
            return failed(wanted, self.names, str(error))
        return Score(id=wanted.id, seed=wanted.seed, values=values, live=scores.live, energy_joule=scores.energy_joule)


def failed(wanted: Wanted, names: Sequence[str], reason: str) -> Score:
    """The score of a network that has none."""
    return Score(id=wanted.id, seed=wanted.seed, values=dict.fromkeys(names), failure=reason)


def write_scores(path: Path, scores: Sequence[Score]) -> None:
    """Write the lines in one step.

    Raises:
        RunError: The file cannot be written.
    """
    lines: list[dict[str, Any]] = [msgspec.to_builtins(score) for score in scores]
    write_atomically(path, "".join(to_json(line) + "\n" for line in lines))


def read_scores(path: Path) -> dict[tuple[int, int], Score]:
    """The scores that were written, by network and seed; none if there is no file.

    Raises:
        RunError: A line is damaged.
    """
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(read_bytes(path, LARGEST).splitlines(), 1):
        try:
            score = msgspec.json.decode(line, type=Score)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RunError(f"{path}, line {number}: {error}; without the file all is scored anew") from None
        found[score.id, score.seed] = score
    return found
