"""Which networks of a generation are trained, by hand, and searches that are stopped and resumed."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from msenas.errors import InputError
from msenas.search.config import SearchConfig
from msenas.search.evolution import Child
from msenas.search.screening import outcomes_of
from msenas.search.session import Request, search
from msenas.search.workers import Outcome
from tests.conftest import motif_genome
from tests.learning.small import write_npz

CONFIG = SearchConfig(fitness="short-training", population=4, promoted=0.5, screen="rdm-contrast")
CHILDREN = [Child(motif_genome("FE", m), (), m) for m in ("FE", "FI", "LI", "MI")]
SMALL = {
    "dataset": "npz",
    "fitness": "short-training",
    "layers": 2,
    "channels": 4,
    "steps": 2,
    "batch": 4,
    "train_steps": 3,
    "workers": 1,
    "population": 6,
    "generations": 3,
    "promoted": 0.34,
    "device": "cpu",
}


def scores(fitness, energy=1.0, live=True):
    return {"live": live, "fitness": fitness, "energy_joule": [None, energy, None], "reason": None, "details": {}}


class Evaluate:
    """Screens by hand-made values and trains to the number of the network; remembers what it was asked for."""

    def __init__(self, screen):
        self.screen, self.asked = screen, []

    def __call__(self, jobs):
        for job in jobs:
            place = [c.genome for c in CHILDREN].index(job.genome)
            self.asked.append((place, job.fitness))
            yield self.screen[place] if job.fitness else Outcome(scores(10.0 + place), None, 2.0)


def found(screen, known=0):
    evaluate = Evaluate([Outcome(s, None if s else "failed", 1.0) for s in screen])
    return list(outcomes_of(CHILDREN, known, 0, CONFIG, evaluate)), evaluate.asked


def test_the_best_are_trained_and_the_others_have_no_fitness():
    outcomes, asked = found([scores(1.0), scores(4.0), scores(2.0), scores(3.0)])
    assert asked[:4] == [(place, "rdm-contrast") for place in range(4)]
    assert asked[4:] == [(1, None), (3, None)]
    assert [o.scores["fitness"] for o in outcomes] == [None, 11.0, None, 13.0]
    assert outcomes[0].scores["reason"] == "screened out by rdm-contrast"
    assert outcomes[0].scores["details"] == {"rdm-contrast": 1.0}


def test_what_nothing_else_dominates_goes_on_first():
    """The cheapest is trained too, and not the second best that costs more."""
    outcomes, _ = found([scores(1.0, 1.0), scores(4.0, 9.0), scores(0.9, 2.0), scores(3.9, 9.5)])
    assert [o.scores["fitness"] for o in outcomes] == [10.0, 11.0, None, None]


def test_the_dead_and_the_failed_stay_what_they_are():
    outcomes, asked = found([scores(None, live=False), None, scores(1.0), scores(0.5)])
    assert outcomes[0].scores == scores(None, live=False)
    assert (outcomes[1].scores, outcomes[1].failure) == (None, "failed")
    assert asked[4:] == [(2, None), (3, None)]


def test_what_is_known_is_not_trained_again():
    outcomes, asked = found([scores(1.0), scores(4.0), scores(2.0), scores(3.0)], known=2)
    assert [o.scores["fitness"] for o in outcomes] == [None, 13.0]
    assert asked[4:] == [(3, None)]


def test_a_training_free_fitness_needs_no_screen():
    evaluate = Evaluate([])
    list(outcomes_of(CHILDREN, 1, 0, SearchConfig(fitness="synflow", population=4), evaluate))
    assert evaluate.asked == [(1, None), (2, None), (3, None)]


def test_a_screen_that_trains_is_refused():
    with pytest.raises(InputError, match="screen must be training-free"):
        SearchConfig(screen="short-training")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_npz(tmp_path_factory.mktemp("data") / "arrays.npz", samples=300))


def lines(folder):
    return (folder / "individuals.jsonl").read_bytes()


@pytest.mark.slow
def test_a_search_that_trains_is_resumed_where_it_was(data, tmp_path, monkeypatch):
    monkeypatch.setenv("MSENAS_COMPILE", "0")
    whole, part = tmp_path / "whole", tmp_path / "part"
    result = search(Request({"data": data, **SMALL}, out=whole), lambda *_: None, lambda _: None)
    assert (result.summary.evaluations, result.summary.screened) == (18, 12)
    records = [json.loads(line) for line in lines(whole).splitlines()]
    for generation in range(3):
        trained = [r for r in records if r["generation"] == generation and r["scores"]["fitness"] is not None]
        assert len(trained) == 2
        assert all(0 < r["scores"]["fitness"] < 3 for r in trained)

    def stop(records, total):
        if len(records) == 8:
            raise KeyboardInterrupt

    search(Request({"data": data, **SMALL}, out=part), stop, lambda _: None)
    assert lines(part) == b"".join(islice(lines(whole).splitlines(keepends=True), 8))
    search(Request({}, out=part, resume=True), lambda *_: None, lambda _: None)
    assert lines(part) == lines(whole)
    for name in ("front.json", "best.json", "state.json"):
        assert (part / name).read_bytes() == (whole / name).read_bytes()
