"""Training-free scores of the networks of a ranking: every fitness, from several random weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from msenas.errors import RunError
from msenas.fitness.evaluate import Evaluator, ScoreError
from msenas.fitness.registry import FITNESSES
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.member import Number
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

    id: Number
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


def is_complete(score: Score | None, names: Sequence[str]) -> bool:
    """Whether an evaluation is not needed, as it has succeeded for all of these fitnesses."""
    return score is not None and score.failure is None and set(names) <= set(score.values)


def write_scores(path: Path, scores: Iterable[Score]) -> None:
    """Write the lines in one step, by network and seed.

    Raises:
        RunError: The file cannot be written.
    """
    ordered = sorted(scores, key=lambda score: (score.id, score.seed))
    lines: list[dict[str, Any]] = [msgspec.to_builtins(score) for score in ordered]
    write_atomically(path, "".join(to_json(line) + "\n" for line in lines))


def merged(old: Score | None, new: Score) -> Score:
    """The new score with the values that only the old one has, in the order of the registry.

    Of an evaluation that failed, the lack of a value says nothing.
    """
    if old is None:
        return new
    known = {name: value for name, value in old.values.items() if old.failure is None or value is not None}
    found = {name: value for name, value in new.values.items() if new.failure is None or known.get(name) is None}
    values = known | found
    order = [*(name for name in FITNESSES if name in values), *sorted(values.keys() - FITNESSES)]
    return msgspec.structs.replace(new, values={name: values[name] for name in order})


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
