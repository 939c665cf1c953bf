"""The search itself: ask, evaluate, record, tell, until the budget is used up.

Evaluations are recorded in the order in which they were asked for, one line each, as soon as they are known. A run that
was stopped anywhere resumes from the last complete generation, asks again for the same children, and takes from the
record what was already evaluated; so it ends with the same files as a run that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

import msgspec
import numpy as np

from msenas.data.durations import seconds
from msenas.errors import GenomeError, RunError
from msenas.fitness.evaluate import Scores
from msenas.fitness.registry import get_fitness
from msenas.genotype.genome import Genome
from msenas.hardware.fit import check
from msenas.runs.folder import Record, RunFolder, RunState, Unfit
from msenas.search.evolution import Child, Individual, Rules, State, ask, initial_state, tell
from msenas.search.objectives import minimised
from msenas.search.outcome import write_results
from msenas.search.prepare import Prepared
from msenas.search.screening import Evaluate, outcomes_of


class End(Enum):
    """Why a search stopped."""

    FINISHED = "finished"
    EXHAUSTED = "space exhausted"
    TIME_LIMIT = "time limit reached"
    INTERRUPTED = "interrupted"


Progress = Callable[[Sequence[Record], int], None]
"""Called after each evaluation with all records and the size of the budget."""


@dataclass
class Search:
    """One run: its parts, and the record so far.

    Attributes:
        prepared: what the options stand for.
        folder: where the run is written.
        records: what was evaluated.
        progress: called after each evaluation.
        deadline: time of the monotonic clock at which it stops.
        unfit: what was drawn and does not fit the chip.
    """

    prepared: Prepared
    folder: RunFolder
    records: list[Record]
    progress: Progress
    deadline: float | None = None
    unfit: Mapping[str, Unfit] = field(default_factory=dict)

    @property
    def rules(self) -> Rules:
        """How this run varies and selects."""
        prepared, config = self.prepared, self.prepared.config
        fit = partial(check, profile=prepared.evaluator.profile) if config.must_fit else None
        return Rules(
            prepared.space,
            prepared.spec,
            size=config.population,
            survivors=config.survivors,
            operators=config.operators,
            strategy=config.strategy,
            fit=fit,
        )

    def individual(self, record: Record) -> Individual:
        """A record as evolution sees it."""
        config = self.prepared.config
        try:
            if record.scores is not None:
                msgspec.convert(record.scores, Scores)
            objectives = minimised(record.scores, config.objectives, get_fitness(config.fitness))
            return Individual(record.id, Genome.from_flat(record.genome), objectives)
        except (GenomeError, msgspec.ValidationError, ValueError, TypeError) as error:
            where = f"{self.folder.individuals}: evaluation {record.id}"
            raise RunError(f"{where} is damaged ({type(error).__name__}: {error})") from None


def start(prepared: Prepared, folder: RunFolder, progress: Progress) -> tuple[Search, State]:
    """A run that has evaluated nothing yet."""
    search = _search(prepared, folder, [], progress)
    state = initial_state(prepared.config.seed)
    _save(search, state, finished=False)
    return search, state


def resume(prepared: Prepared, folder: RunFolder, progress: Progress) -> tuple[Search, State, RunState, str | None]:
    """The run as it was after its last complete generation, its saved state, and a note on repairs.

    Raises:
        RunError: More generations were run than are asked for, the record is damaged or does not fit the state, or
            the probe batch or the prices are not those of the run.
    """
    saved = folder.read_state()
    records, note = folder.read_records()
    if prepared.config.generations < saved.generation:
        raise RunError(
            f"{folder.path} has run {saved.generation} generations already; {prepared.config.generations} are too few"
        )
    if saved.probe != prepared.evaluator.probe.digest:
        raise RunError(
            f"{folder.path} was made with other data: the probe batch drawn now differs from the recorded one"
        )
    if saved.profile != prepared.evaluator.profile.digest:
        raise RunError(
            f"{folder.path} was made with other prices: hardware profile {prepared.config.hardware} has changed since"
        )
    if len(records) < saved.evaluated:
        raise RunError(
            f"{folder.individuals} holds {len(records)} evaluations, {folder.state.name} speaks of {saved.evaluated}"
        )
    search = _search(prepared, folder, records, progress)
    individuals = [search.individual(record) for record in records]
    parents = tuple(individuals[i] for i in saved.parents)
    if any(parent.objectives is None for parent in parents):
        raise RunError(f"{folder.state}: parents {saved.parents} are not all live networks of {folder.individuals}")
    try:
        np.random.Generator(np.random.PCG64()).bit_generator.state = saved.rng
    except (TypeError, ValueError, OverflowError) as error:
        raise RunError(f"{folder.state}: rng: {error}") from None
    seen = frozenset(r.plan for r in records[: saved.evaluated])
    search.unfit = saved.unfit
    return search, State(saved.generation, parents, saved.rng, seen, saved.unfit), saved, note


def run(search: Search, state: State, evaluate: Evaluate) -> End:
    """Generations until the budget is used up or the time is over; the folder is complete at every moment."""
    config = search.prepared.config
    end = End.FINISHED
    try:
        while state.generation < config.generations:
            children, asked = ask(state, search.rules)
            search.unfit = asked.unfit
            if not children:
                end = End.EXHAUSTED
                break
            state = tell(asked, _evaluated(search, children, state, evaluate), search.rules)
            last = state.generation >= config.generations
            if not last:
                _save(search, state, finished=False)
                write_results(search.folder, search.prepared, search.records)
    except _TimeOver:
        end = End.TIME_LIMIT
    except KeyboardInterrupt:
        end = End.INTERRUPTED
    if end in (End.FINISHED, End.EXHAUSTED):
        write_results(search.folder, search.prepared, search.records, evaluate)
        _save(search, state, finished=True)
    else:
        write_results(search.folder, search.prepared, search.records)
    return end


class _TimeOver(Exception):
    """The time limit was reached between two evaluations."""


def _search(prepared: Prepared, folder: RunFolder, records: list[Record], progress: Progress) -> Search:
    limit = prepared.config.time_limit
    deadline = None if limit is None else time.monotonic() + seconds(limit)
    return Search(prepared, folder, records, progress, deadline)


def _evaluated(search: Search, children: Sequence[Child], state: State, evaluate: Evaluate) -> list[Individual]:
    """The children as individuals, from the record as far as it goes, then by evaluation."""
    first = len(state.seen)
    known = search.records[first : first + len(children)]
    for record, child in zip(known, children, strict=False):
        if record.plan != child.digest or tuple(record.genome) != child.genome.flat():
            raise RunError(f"{search.folder.individuals}: evaluation {record.id} is not what this run asks for")
    config = search.prepared.config
    outcomes = outcomes_of(children, len(known), state.generation, config, evaluate)
    total = config.population * config.generations
    for child, outcome in zip(children[len(known) :], outcomes, strict=True):
        record = Record(
            id=len(search.records),
            generation=state.generation,
            parents=list(child.parents),
            genome=list(child.genome.flat()),
            plan=child.digest,
            scores=outcome.scores,
            failure=outcome.failure,
            fit=None if child.fit is None else dict(child.fit),
        )
        search.folder.append(record, outcome.seconds)
        search.records.append(record)
        search.progress(search.records, total)
        if search.deadline is not None and time.monotonic() > search.deadline:
            raise _TimeOver
    return [search.individual(r) for r in search.records[first : first + len(children)]]


def _save(search: Search, state: State, *, finished: bool) -> None:
    search.folder.write_state(
        RunState(
            generation=state.generation,
            evaluated=len(state.seen),
            parents=[p.id for p in state.parents],
            rng=dict(state.rng),
            probe=search.prepared.evaluator.probe.digest,
            profile=search.prepared.evaluator.profile.digest,
            finished=finished,
            unfit=dict(state.unfit),
        )
    )
