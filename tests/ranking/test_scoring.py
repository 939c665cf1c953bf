"""Scores of networks: one pass for all fitnesses, kept as lines."""

from __future__ import annotations

import msgspec
import pytest

from msenas.errors import InputError, RunError
from msenas.fitness.evaluate import Evaluator, ScoreError
from msenas.fitness.registry import FITNESSES
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.ranking import scoring
from msenas.ranking.scoring import (
    Score,
    Scoring,
    Wanted,
    all_wanted,
    failed,
    is_complete,
    merged,
    read_scores,
    write_scores,
)
from tests.conftest import motif_genome, small_spec
from tests.fitness.test_evaluate import evaluator
from tests.ranking.made import known, trained

GENOME = tuple(motif_genome("FE", "FI").flat())
NAMES = ("sahd", "depth")


def wanted(number, seed, names=NAMES, train_steps=None):
    return Wanted(number, GENOME, seed, names, train_steps)


@pytest.fixture
def score_one():
    return Scoring(evaluator(), small_spec(2))


def test_values_are_those_of_single_evaluations(score_one):
    found = score_one(wanted(7, 3))
    assert (found.id, found.seed, found.live, found.failure) == (7, 3, True, None)
    plan = decode(Genome.from_flat(GENOME), small_spec(2))
    assert found.values == {name: evaluator(name, seed=3)(plan).fitness for name in NAMES}
    assert found.energy_joule == evaluator(seed=3)(plan).energy_joule
    assert found.values["sahd"] != score_one(wanted(7, 4)).values["sahd"]


def test_a_dead_network_has_no_value(score_one):
    dead = Scoring(score_one.evaluator, small_spec(2, v_th=1e6))
    found = dead(wanted(0, 0))
    assert (found.live, found.values, found.failure) == (False, dict.fromkeys(NAMES), None)
    assert is_complete(found, wanted(0, 0)), "it is known that there is none"


def test_an_evaluation_that_fails_says_why(score_one, monkeypatch):
    def fail(*_):
        raise ScoreError("memory does not suffice")

    monkeypatch.setattr(Evaluator, "several", fail)
    found = score_one(wanted(1, 2))
    assert found == failed(wanted(1, 2), "memory does not suffice")
    assert not is_complete(found, wanted(0, 0))


def test_lines_are_in_order_and_read_again(tmp_path):
    scores = [Score(id=i, seed=s, values={"sahd": i + s / 2, "depth": None}) for i in (1, 0) for s in (1, 0)]
    write_scores(tmp_path / "s", scores)
    assert list(read_scores(tmp_path / "s")) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert read_scores(tmp_path / "s")[1, 1] == scores[0]
    assert read_scores(tmp_path / "none") == {}


def score(failure=None, **values):
    return Score(id=0, seed=0, values=values, failure=failure)


@pytest.mark.parametrize(
    ("old", "new", "values"),
    [
        (None, score(sahd=1.0), {"sahd": 1.0}),
        (score(depth=2.0), score(sahd=1.0), {"sahd": 1.0, "depth": 2.0}),
        (score(sahd=2.0), score(sahd=1.0), {"sahd": 1.0}),
        (score(depth=None), score(sahd=None), {"sahd": None, "depth": None}),
        (score("died", depth=None), score(sahd=1.0), {"sahd": 1.0}),
        (score(depth=2.0), score("died", sahd=None, depth=None), {"sahd": None, "depth": 2.0}),
        (score(later=2.0, earlier=1.0), score(sahd=1.0), {"sahd": 1.0, "earlier": 1.0, "later": 2.0}),
    ],
)
def test_what_was_known_before_is_kept(old, new, values):
    found = merged(old, new)
    assert list(found.values.items()) == list(values.items())
    assert found.failure == new.failure


@pytest.mark.parametrize(
    ("one", "complete"),
    [
        (None, False),
        (score(sahd=1.0), False),
        (score(sahd=1.0, depth=None), True),
        (score("died", sahd=1.0, depth=1.0), False),
        (score(**dict.fromkeys(FITNESSES, 0.0)), True),
    ],
)
def test_what_need_not_be_scored_again(one, complete):
    assert is_complete(one, wanted(0, 0)) is complete


def test_fitnesses_that_train_are_read_from_some_seeds_alone():
    networks = [known(3, trained(0.5)), known(4, trained(0.5))]
    found = all_wanted(networks, ("sahd", "short-training"), (7, 8), (7,), 50)
    assert [(w.id, w.seed, w.names, w.train_steps) for w in found] == [
        (number, *rest) for number in (3, 4) for rest in ((7, ("sahd", "short-training"), 50), (8, ("sahd",), None))
    ]
    assert {w.train_steps for w in all_wanted(networks, ("sahd",), (7, 8), (7,), 50)} == {None}


def test_a_training_of_another_length_is_another_score():
    asked = wanted(0, 0, ("short-training",), 50)
    one = Score(id=0, seed=0, values={"short-training": 1.0}, train_steps=50)
    assert is_complete(one, asked)
    assert not is_complete(msgspec.structs.replace(one, train_steps=40), asked)
    assert is_complete(msgspec.structs.replace(one, train_steps=40), wanted(0, 0, ("short-training",)))
    assert merged(one, score(sahd=1.0)).train_steps == 50


@pytest.mark.parametrize(
    "line",
    ["{", "3", '{"id": "x", "seed": 0, "values": {}}', '{"id": -1, "seed": 0, "values": {}}', "\xff", "[" * 100_000],
)
def test_a_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "scores.jsonl"
    write_scores(path, [score(sahd=1.0)])
    path.write_bytes(path.read_bytes() + line.encode("latin-1"))
    with pytest.raises(RunError, match=r"scores\.jsonl, line 2: .*; without the file all is scored anew") as caught:
        read_scores(path)
    assert "\n" not in str(caught.value)


def test_what_is_read_is_bounded(tmp_path, monkeypatch):
    write_scores(tmp_path / "s", [score(sahd=1.0)])
    monkeypatch.setattr(scoring, "LARGEST", 10)
    with pytest.raises(InputError, match="at most 10 are read"):
        read_scores(tmp_path / "s")
