"""Final trainings of networks that searches have found."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.record import read_networks
from msenas.runs.pool import Death

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "motif_bench" / "nmnist.jsonl"


@pytest.fixture
def finals(winners):
    return importlib.import_module("finals")


@pytest.fixture(scope="module")
def benchmark():
    return read_networks(BENCHMARK)


@pytest.fixture
def course(benchmark):
    about, _ = benchmark
    shape, reductions = (tuple(about.network[name]) for name in ("input_shape", "reductions"))
    spec = NetworkSpec(**about.network | {"input_shape": shape, "reductions": reductions})
    return SimpleNamespace(
        config=SimpleNamespace(seed=0), prepared=SimpleNamespace(spec=spec, config=SimpleNamespace(workers=4))
    )


@pytest.fixture
def found(winners, benchmark):
    """Two winners, of which the first is on record."""
    about = {"point": (0.1,), "fitness": "depth", "points": ((0.1,),), "seconds": 1.0, "random": 0.0}
    return [
        winners.Winner(name="search", seed=100 + place, id=one.id, genome=tuple(one.genome), **about)
        for place, one in enumerate(benchmark[1][:2])
    ]


@pytest.mark.parametrize("others", [None, 2])
def test_worker_that_dies_is_a_training_that_failed(finals, found, course, benchmark, monkeypatch, tmp_path, others):
    trained = benchmark[1][0].trainings[0]
    started = []

    @contextlib.contextmanager
    def workers(_, count):
        started.append(count)
        yield SimpleNamespace(map=lambda jobs: (Death("worker killed by signal 9") for _ in jobs))

    monkeypatch.setattr(finals, "workers", workers)
    monkeypatch.setattr(finals.Finish, "on_record", lambda _, job: trained if job[0] is found[0] else None)
    (_, first), (_, second) = finals.finished(tmp_path, course, found, others)["search"]
    assert first.trainings == [trained] * (others or 1)
    assert [t.failure for t in second.trainings] == ["worker killed by signal 9"] * (others or 1)
    assert second.accuracy is None
    assert started == [others or 1]


def test_trainings_are_told_apart_by_their_weights(finals, found, course):
    assert list(finals.repetitions_of(found[1], course, None)) == [101]
    assert list(finals.repetitions_of(found[1], course, 2)) == [0, 1]
