"""Networks with scores by hand, and small rankings in this process."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from msenas.fitness.registry import FITNESSES
from msenas.ranking import report, session, stages
from msenas.ranking.agreement import resampled
from msenas.ranking.config import HALVES
from msenas.ranking.opening import RankRequest
from msenas.ranking.record import Known
from msenas.ranking.scoring import Score
from msenas.ranking.trial import Trained
from tests.learning.small import write_npz

FREE = tuple(name for name, fitness in FITNESSES.items() if not fitness.trains)
"""Fitnesses that do not train."""
SMALL = {
    "dataset": "npz",
    "layers": 2,
    "channels": 4,
    "steps": 2,
    "genomes": 8,
    "epochs": 2,
    "precision": "float32",
    "fitness": FREE,
    "train_steps": 1,
    "probe": 4,
    "seeds": 2,
    "repeated": 0.5,
    "device": "cpu",
    "workers": 1,
}
FEW = {"genomes": 5, "repeated": 0.34, "seeds": 1, "fitness": ("sahd", "depth")}
"""Of these, one is trained twice."""


def trained(*accuracies, energy=1e-6, failure=None, loss=1.0):
    if failure is not None:
        return Trained(failure=failure)
    return Trained(accuracies=list(accuracies), losses=[loss] * len(accuracies), energy_joule=(None, energy, None))


def known(number, *trainings, **changes):
    """What is known of a network that nobody has decoded."""
    about = {
        "id": number,
        "genome": [0],
        "plan": f"plan {number}",
        "motif": "FE",
        "size": 0,
        "half": HALVES[number % 2],
        "parameters": 10 + number,
        "neurons": 5,
        "synapses": 3,
        "populations": 2,
        "depth": 1 + number,
        "motifs": {"FE": 1},
        "inhibitory_neurons": 0.0,
        "inhibitory_synapses": 0.0,
        "recurrent": False,
        "trainings": list(trainings),
    }
    return Known(**about | changes)


def score(number, seed=0, energy=1e-6, **values):
    """A score; the values that are not given rise with the number of the network."""
    every = {name: float(number) for name in FITNESSES} | {k.replace("_", "-"): v for k, v in values.items()}
    return Score(id=number, seed=seed, values=every, live=True, energy_joule=(None, energy, None))


class Watch:
    """Notes what a ranking tells, and may stop it when the result of a number comes."""

    def __init__(self, stop=None, after=None):
        self.stop, self.after, self.parts, self.count = stop, after, [], 0

    def begin(self, what, total):
        self.parts.append([what, total, 0])

    def advance(self):
        self.parts[-1][2] += 1
        if self.parts[-1][0] != "drawing":
            self.count += 1
            if self.count == self.after:
                raise self.stop


class Here:
    """In the place of a pool: calls the function in this process, and notes the jobs."""

    def __init__(self):
        self.jobs, self.counts = [], []

    @contextmanager
    def __call__(self, function, count):
        self.function = function
        self.counts.append(count)
        yield self

    def map(self, jobs):
        for job in jobs:
            self.jobs.append(job)
            yield self.function(job)


def stand_in(self, trial):
    """In the place of a training: curves from the numbers of the network."""
    first, last = np.random.default_rng([*trial.genome, trial.repetition]).random(2).tolist()
    return trained(first, last, energy=1e-6 * (1 + first), loss=1 - last)


def quicken(patch):
    """Few resamples and no pictures, which have tests of their own; jobs are done in this process."""
    pool = Here()
    patch.setattr(stages, "workers", pool)
    patch.setattr(session, "draw_ranking", lambda *_: None)
    patch.setattr(report, "resampled", lambda count, seed: resampled(count, seed, times=20))
    return pool


def ranked(out, options, watch=None, said=None, **request):
    """A ranking as the command starts it."""
    notes = [] if said is None else said
    return session.rank(RankRequest(options, out, **request), watch or Watch(), notes.append)


def small_data(folder):
    return write_npz(folder / "arrays.npz", samples=150)


def content(folder):
    """All that must not depend on how a ranking came about."""
    left_out = ("environment.json", ".lock")
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name not in left_out
    }
