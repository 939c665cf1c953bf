"""Final trainings of networks that searches have found, alike and like those of a file of networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from winners import Finished, Winner

from msenas.ranking.config import RankConfig, build_rank_config
from msenas.ranking.data import limited
from msenas.ranking.folder import RankFolder
from msenas.ranking.record import Known, read_networks
from msenas.ranking.trial import Trained, Trial, Trials
from msenas.runs.pool import Death, workers
from msenas.search.prepare import Prepared, prepare


@dataclass(frozen=True)
class Course:
    """How networks are trained and judged in the end: like those of a file.

    Attributes:
        about: the options in the file.
        config: the same with the path of the data here.
        prepared: the data, with what judges in the place of the validation split.
    """

    about: Mapping[str, Any]
    config: RankConfig
    prepared: Prepared


def course_of(networks: Path, data: Path | None, judge: str) -> Course:
    """The course of a file of networks."""
    about, _ = read_networks(networks)
    place = {} if data is None else {"data": str(data)}
    config = build_rank_config(about.options | place)
    prepared = limited(prepare(config.search), config)
    if judge == "test":
        prepared = replace(prepared, dataset=replace(prepared.dataset, val=prepared.dataset.test))
    return Course(about.options, config, prepared)


Job = tuple[Winner, int]
"""A network, and the number of its training."""


@dataclass(frozen=True)
class Finish:
    """Trains a winner like the networks of the file, several times; `place` has a folder for each."""

    place: Path
    course: Course

    def __call__(self, job: Job) -> Trained:
        """What becomes of it."""
        trials, trial = self._trial(job)
        return trials(trial)

    def on_record(self, job: Job) -> Trained | None:
        """The same, where it was trained before."""
        trials, trial = self._trial(job)
        return trials.on_record(trial)

    def _trial(self, job: Job) -> tuple[Trials, Trial]:
        winner, repetition = job
        folder = RankFolder(self.place / f"{winner.name}-{winner.seed}")
        return Trials(self.course.config, self.course.prepared, folder), Trial(winner.id, winner.genome, repetition)


def repetitions_of(winner: Winner, course: Course, others: int | None) -> Sequence[int]:
    """Final trainings by the distance of their seed to that of the file; without others, that of the search alone."""
    return [winner.seed - course.config.seed] if others is None else range(others)


def finished(place: Path, course: Course, winners: Sequence[Winner], others: int | None) -> Finished:
    """Train all winners to the end, each from the weights of its search, or from so many others."""
    jobs = [(winner, repetition) for winner in winners for repetition in repetitions_of(winner, course, others)]
    finish = Finish(place, course)
    ends = {job: end for job in jobs if (end := finish.on_record(job)) is not None}
    if missing := [job for job in jobs if job not in ends]:
        with workers(finish, min(len(missing), course.prepared.config.workers or 1)) as pool:
            for job, end in zip(missing, pool.map(missing), strict=True):
                ends[job] = Trained(failure=end.reason) if isinstance(end, Death) else end
    found: dict[str, list[tuple[Winner, Known]]] = {}
    for winner in winners:
        own = [end for (one, _), end in ends.items() if one == winner]
        found.setdefault(winner.name, []).append((winner, winner.known(course.prepared.spec, own)))
    return found
