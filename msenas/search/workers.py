"""Evaluation of genomes, in worker processes or here."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from msenas.fitness.evaluate import Evaluator, ScoreError
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.phenotype.spec import NetworkSpec
from msenas.runs import pool


@dataclass(frozen=True)
class Job:
    """One network to evaluate; `seed` and `fitness` replace those of the run where they are given."""

    genome: Genome
    seed: int | None = None
    fitness: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What comes back: scores, or why there are none."""

    scores: dict[str, Any] | None
    failure: str | None
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """Evaluates networks of one spec with one evaluator."""

    evaluator: Evaluator
    spec: NetworkSpec

    def __call__(self, job: Job) -> Outcome:
        """Scores of one network."""
        start = time.perf_counter()
        scores, failure = None, None
        try:
            plan = decode(job.genome, self.spec)
            scores = self.evaluator.changed(job.seed, job.fitness)(plan).as_dict()
        except ScoreError as error:
            failure = str(error)
        return Outcome(scores, failure, time.perf_counter() - start)


@dataclass(frozen=True)
class Workers:
    """Processes that evaluate."""

    pool: pool.Pool[Job, Outcome]

    def evaluate(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Outcomes in the order of the jobs, as soon as each and all before it are known.

        Raises:
            WorkersError: The workers die before they take up any job.
        """
        for found in self.pool.map(jobs):
            yield Outcome(None, found.reason, 0.0) if isinstance(found, pool.Death) else found


@contextmanager
def workers(evaluator: Evaluator, spec: NetworkSpec, count: int) -> Iterator[Workers]:
    """Workers that are ended when the block is left, however it is left."""
    with pool.workers(Evaluation(evaluator, spec), count) as processes:
        yield Workers(processes)


def evaluate_here(evaluator: Evaluator, spec: NetworkSpec, jobs: Iterable[Job]) -> Iterator[Outcome]:
    """The same outcomes in this process."""
    return map(Evaluation(evaluator, spec), jobs)
