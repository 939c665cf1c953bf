"""Scores of the networks of a ranking: every fitness, from several random weights.

A fitness that trains is read from the weights of two seeds alone, since it costs a thousand times as much.
"""

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
from msenas.ranking.config import SAFE
from msenas.ranking.member import Number
from msenas.ranking.record import LARGEST, Known
from msenas.runs.files import read_bytes, to_json, write_atomically


class Score(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One line of scores.jsonl: a network from the weights of one seed.

    Attributes:
        id: number of the network.
        seed: weight seed.
        values: value of each fitness by name, None where it has none (a dead network has none at all).
        train_steps: steps of the trainings behind the values of fitnesses that train.
        live: whether the network fires in what is read out.
        energy_joule: low, nominal and high estimate per inference; None if the evaluation failed.
        failure: why it failed.
    """

    id: Number
    seed: int
    values: dict[str, float | None]
    train_steps: int | None = None
    live: bool = False
    energy_joule: tuple[float | None, float, float | None] | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Wanted:
    """A score that is asked for: of which network, from which weights, by which fitnesses.

    `train_steps` are the steps of fitnesses that train; None if there are none among the names.
    """

    id: int
    genome: tuple[int, ...]
    seed: int
    names: tuple[str, ...]
    train_steps: int | None


@dataclass(frozen=True)
class Scoring:
    """Scores networks.

    Attributes:
        evaluator: with its probe batch; its own fitness and seed do not count.
        spec: of every network.
    """

    evaluator: Evaluator
    spec: NetworkSpec

    def __call__(self, wanted: Wanted) -> Score:
        """One forward pass of a network, read by every fitness."""
        evaluator = replace(self.evaluator, fitness=SAFE, seed=wanted.seed)
        try:
            scores, values = evaluator.several(decode(Genome.from_flat(wanted.genome), self.spec), wanted.names)
        except ScoreError as error:
            return failed(wanted, str(error))
        return Score(
            id=wanted.id,
            seed=wanted.seed,
            # A whole number would be written in another way than when it has been read again.
            values={name: None if value is None else float(value) for name, value in values.items()},
            train_steps=wanted.train_steps,
            live=scores.live,
            energy_joule=scores.energy_joule,
        )


def all_wanted(
    networks: Sequence[Known], names: Sequence[str], seeds: Sequence[int], trained: Sequence[int], train_steps: int
) -> list[Wanted]:
    """The scores that are needed for a ranking.

    Args:
        networks: all that are ranked.
        names: fitnesses.
        seeds: of the weights.
        trained: those of them from which fitnesses that train are read, too.
        train_steps: of their trainings.
    """
    free = tuple(name for name in names if not FITNESSES[name].trains)
    steps = None if len(free) == len(names) else train_steps
    return [
        Wanted(one.id, tuple(one.genome), seed, *((tuple(names), steps) if seed in trained else (free, None)))
        for one in networks
        for seed in seeds
    ]


def failed(wanted: Wanted, reason: str) -> Score:
    """The score of a network that has none."""
    return Score(
        id=wanted.id,
        seed=wanted.seed,
        values=dict.fromkeys(wanted.names),
        train_steps=wanted.train_steps,
        failure=reason,
    )


def is_complete(score: Score | None, wanted: Wanted) -> bool:
    """Whether an evaluation is not needed, as it has succeeded for all of its fitnesses."""
    return score is not None and score.failure is None and answers(score, wanted)


def answers(score: Score, wanted: Wanted) -> bool:
    """Whether a score says of all that is wanted what it is, or that there is none."""
    return set(wanted.names) <= set(score.values) and wanted.train_steps in (None, score.train_steps)


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
    steps = old.train_steps if new.train_steps is None else new.train_steps
    return msgspec.structs.replace(new, values={name: values[name] for name in order}, train_steps=steps)


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
