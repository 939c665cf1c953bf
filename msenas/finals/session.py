"""The finals of a search: its best networks in short trainings, rung by rung, until one has won and is best.json.

Everything is a function of the front and of two options, and whatever is written is written whole; so finals that were
stopped anywhere end with the same files as finals that were not. Only the training and the validation split are read.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import msgspec
import torch

from msenas.errors import CheckFailed
from msenas.finals.field import Finals, prepare_finals, take_up
from msenas.finals.halving import Rung, epochs_in_all
from msenas.learning.loop import without_denormals
from msenas.runs.best import write_best
from msenas.runs.files import read_json, to_json, write_atomically
from msenas.runs.lock import locked
from msenas.search.loop import End
from msenas.search.outcome import best_of
from msenas.search.plots import plot_pareto
from msenas.search.session import Result
from msenas.search.starts import Say
from msenas.training.brief import BriefTraining, Standing, TimeOver
from msenas.training.subject import make_trainer

RULE = "finalists"
"""What best.json and front.json name as the rule of choice."""


class Watcher(Protocol):
    """Sees finals as they go on."""

    def begin(self, steps: int) -> None:
        """Finals of so many steps of training begin."""

    def rung(self, number: int, rung: Rung) -> None:
        """A comparison begins."""

    def skip(self, steps: int) -> None:
        """Steps were done in an earlier start."""

    def step(self, loss: float) -> None:
        """A step is done; mean loss of the epoch so far."""


@dataclass(frozen=True)
class Place:
    """One line of finalists.jsonl: a finalist in a rung; place and goes_on are None until all have been trained."""

    rung: int
    standing: Standing
    place: int | None = None
    goes_on: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"rung": self.rung} | asdict(self.standing) | {"place": self.place, "goes_on": self.goes_on}


@dataclass(frozen=True)
class Held:
    """Finals that have ended.

    Attributes:
        end: how they ended.
        rungs: the comparisons that were decided; the finalists of each, the best one first.
        winner: the best of the last rung; None if the finals were stopped before.
    """

    end: End
    rungs: Sequence[Sequence[Place]]
    winner: Standing | None

    def as_dicts(self) -> list[dict[str, Any]]:
        """JSON-able form of all lines."""
        return [place.as_dict() for places in self.rungs for place in places]


def has_finals(result: Result) -> bool:
    """Whether a search has come to an end at which finals are to be held."""
    return result.config.finalists > 0 and result.end in (End.FINISHED, End.EXHAUSTED)


def hold_finals(result: Result, watcher: Watcher, say: Say) -> tuple[Result, Held | None]:
    """Let the best networks of a search that `has_finals` compete; the result with the winner as best.json.

    Without two networks on the front at least, nothing happens.

    Raises:
        RunError: The folder cannot be written, or a file in it is damaged.
        CheckFailed: No finalist can be trained.
    """
    begun = time.monotonic()
    finals = prepare_finals(result.run)
    if not finals.rungs:
        say(f"no finals are held, as the front has {len(finals.members)} network{'s' * (not finals.members)}")
        return result, None
    with locked(result.folder), without_denormals():
        take_up(finals, say)
        held = _hold(finals, watcher)
        if held.winner is None:
            return replace(result, end=held.end, seconds=result.seconds + time.monotonic() - begun), held
        if held.winner.val_accuracy is None:
            raise CheckFailed(
                f"no finalist can be trained, the first because of this: {held.winner.failure};"
                f" best.json is what {result.config.pick} picked"
            )
        _crown(finals, held.winner)
    record = result.run.records[held.winner.id]
    summary = replace(result.summary, pick=RULE, best_id=record.id, best=record.scores, best_fit=record.fit)
    return replace(result, summary=summary, seconds=result.seconds + time.monotonic() - begun), held


def _hold(finals: Finals, watcher: Watcher) -> Held:
    """Rung after rung; what is on record is not trained again."""
    entrants, before = list(finals.finalists), 0
    decided: list[list[Place]] = []
    watcher.begin(epochs_in_all(finals.rungs) * finals.steps)
    try:
        for number, rung in enumerate(finals.rungs, 1):
            watcher.rung(number, rung)
            standings: list[Standing] = []
            for finalist in entrants:
                standings.append(_trained(finals, finalist, before, rung.epochs, watcher))
                _write(finals, [*decided, [Place(number, standing) for standing in standings]])
            # Sorting keeps the order of the rule of choice among equals.
            order = sorted(range(len(entrants)), key=lambda i: standings[i].key)
            decided.append([Place(number, standings[i], n + 1, n < rung.go_on) for n, i in enumerate(order)])
            _write(finals, decided)
            for i in order[rung.go_on :]:
                entrants[i].folder.state.unlink(missing_ok=True)
            entrants, before = [entrants[i] for i in order[: rung.go_on]], rung.epochs
    except TimeOver:
        return Held(End.TIME_LIMIT, decided, None)
    except KeyboardInterrupt:
        return Held(End.INTERRUPTED, decided, None)
    return Held(End.FINISHED, decided, decided[-1][0].standing)


def _trained(finals: Finals, finalist: BriefTraining, before: int, epochs: int, watcher: Watcher) -> Standing:
    """Train a finalist from the end of one rung to that of the next."""
    watcher.skip((min(max(finalist.recorded, before), epochs) - before) * finals.steps)
    device = torch.device(finals.run.prepared.config.device)
    trainer = make_trainer(finalist.task, finals.config, device, watcher.step)
    deadline = math.inf if finals.run.deadline is None else finals.run.deadline
    return finalist.trained(epochs, trainer, deadline)


def _write(finals: Finals, rungs: Sequence[Sequence[Place]]) -> None:
    lines = [json.dumps(place.as_dict(), allow_nan=False) for places in rungs for place in places]
    write_atomically(finals.run.folder.standings, "".join(line + "\n" for line in lines))


def _crown(finals: Finals, winner: Standing) -> None:
    """Write the winner where the search had written the network that its rule picked."""
    run, folder = finals.run, finals.run.folder
    front = read_json(folder.front, dict[str, Any]) | {"pick": {"rule": RULE, "id": winner.id}}
    write_atomically(folder.front, to_json(front, indent=1) + "\n")
    plot_pareto(folder.path / "pareto.png", run.records, finals.members, winner.id, run.prepared.config, RULE)
    best = best_of(run.records[winner.id], run.prepared)
    about = {
        "ids": [finalist.id for finalist in finals.finalists],
        "rungs": [asdict(rung) for rung in finals.rungs],
        "epochs": winner.epochs,
        "val_accuracy": winner.val_accuracy,
    }
    write_best(
        folder.best, msgspec.structs.replace(best, provenance=best.provenance | {"pick": RULE, "finalists": about})
    )
    for finalist in finals.finalists:
        finalist.folder.state.unlink(missing_ok=True)
