"""Who competes in the finals of a search, and by which rules; and the folder that holds them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from msenas.errors import RunError
from msenas.finals.halving import Rung, course
from msenas.genotype.genome import Genome
from msenas.learning.config import TrainConfig
from msenas.learning.feed import batches_of
from msenas.phenotype.decode import decode
from msenas.runs.files import to_json, write_atomically
from msenas.runs.folder import RunFolder
from msenas.runs.train_folder import TrainFolder
from msenas.search.evolution import Individual
from msenas.search.loop import Search
from msenas.search.outcome import front_of, ordered
from msenas.search.starts import Say
from msenas.training.brief import BriefTraining
from msenas.training.subject import Task


@dataclass(frozen=True)
class Finals:
    """What stays the same during the finals of a run.

    Attributes:
        run: the search.
        members: its front.
        finalists: those that take part, in the order of the rule of choice.
        rungs: the comparisons.
        config: how the finalists are trained.
    """

    run: Search
    members: Sequence[Individual]
    finalists: Sequence[BriefTraining]
    rungs: Sequence[Rung]
    config: TrainConfig

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return batches_of(len(self.run.prepared.dataset.train), self.config.batch)[1]

    @property
    def rules(self) -> dict[str, Any]:
        """All that the result depends on."""
        records = self.run.records
        return {
            "schema": "msenas.finals/1",
            "finalists": [{"id": f.id, "plan": records[f.id].plan, "data": f.task.digest} for f in self.finalists],
            "rungs": [asdict(rung) for rung in self.rungs],
            "training": msgspec.to_builtins(msgspec.structs.replace(self.config, device="auto")),
        }


def prepare_finals(run: Search) -> Finals:
    """The best networks of the front, as many as are asked for, by the rule of choice of the search."""
    prepared, options = run.prepared, run.prepared.config
    members = front_of(run.records, options)
    chosen = ordered(members, options)[: options.finalists]
    rungs = course(len(chosen), options.finalist_epochs) if len(chosen) > 1 else ()
    config = TrainConfig(epochs=options.finalist_epochs, device=options.device)
    finalists = []
    for member in chosen:
        plan = decode(Genome.from_flat(run.records[member.id].genome), prepared.spec)
        task = Task(plan, prepared.dataset, prepared.evaluator.probe.standard, {})
        seed = options.seed + config.seed
        finalists.append(BriefTraining(member.id, task, seed, TrainFolder(run.folder.finalists / str(member.id))))
    return Finals(run, members, finalists, rungs, config)


def take_up(finals: Finals, say: Say) -> None:
    """Make the folders; what finals of another front have left is removed.

    Raises:
        RunError: A folder cannot be read or written.
    """
    folder = finals.run.folder
    rules = to_json(finals.rules, indent=1) + "\n"
    try:
        begun = folder.rules.read_text(encoding="utf-8") if folder.rules.exists() else None
        if begun != rules and (folder.finalists.exists() or folder.standings.exists()):
            if begun is not None:
                say("the front or the data are others than those of the finals before; the finalists are trained anew")
            _remove(folder)
        for finalist in finals.finalists:
            finalist.folder.create()
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"cannot use {folder.finalists}: {error}") from None
    write_atomically(folder.rules, rules)


def _remove(folder: RunFolder) -> None:
    # The rules go first: without them, what is left of a removal that was interrupted is removed by the next start.
    folder.rules.unlink(missing_ok=True)
    folder.standings.unlink(missing_ok=True)
    if folder.finalists.exists():
        shutil.rmtree(folder.finalists)
