"""What a run reports, by hand on six records: the front, the gain over its random part, warnings, and the files."""

from __future__ import annotations

import json

import pytest

from msenas.runs.best import read_best
from msenas.runs.folder import RunFolder
from msenas.search.config import SearchConfig
from msenas.search.outcome import front_of, gain, summarise, write_results
from msenas.search.prepare import prepare
from msenas.search.workers import Outcome
from tests.search.conftest import record, scores

CONFIG = SearchConfig(fitness="rdm-contrast")


def six():
    """Three random networks, then three children; larger fitness and less energy are better.

    Objectives to be minimised (-fitness, energy): random (-1, 1), (-2, 2), dead; children (-3, 2), (-2, 1), failed.
    The front is 3 and 4: it spans [-3, -2] x [1, 2], and with the random part [-3, -1] x [1, 2].
    """
    return [
        record(0, fitness=1.0, energy=1.0),
        record(1, fitness=2.0, energy=2.0),
        record(2, fitness=None, live=False),
        record(3, 1, fitness=3.0, energy=2.0),
        record(4, 1, fitness=2.0, energy=1.0),
        record(5, 1, failure="worker died"),
    ]


def test_front():
    assert [m.id for m in front_of(six(), CONFIG)] == [3, 4]


def test_gain_by_hand():
    """Scaled: random (1, 0), (0.5, 1); children (0, 1), (0.5, 0). Only (0.5, 0) dominates a volume: 0.5 x 1."""
    result = gain(six(), CONFIG)
    assert result.random_evaluations == 2
    assert result.best_random == {"fitness": 2.0, "energy": 1.0}
    assert result.best == {"fitness": 3.0, "energy": 1.0}
    assert result.hypervolume_random == 0.0
    assert result.hypervolume == pytest.approx(0.5)


def test_gain_of_a_minimised_fitness():
    """The same numbers, smaller is better: the random network 0 is the best of all."""
    result = gain(six(), SearchConfig(fitness="rdm-paper"))
    assert result.best_random == result.best == {"fitness": 1.0, "energy": 1.0}
    assert result.hypervolume_random == result.hypervolume


@pytest.mark.parametrize("name", ["fitness", "energy"])
def test_gain_of_a_single_objective(name):
    result = gain(six(), SearchConfig(fitness="rdm-contrast", objectives=(name,)))
    assert result.best_random == {name: {"fitness": 2.0, "energy": 1.0}[name]}
    assert result.hypervolume >= result.hypervolume_random


@pytest.mark.parametrize(
    ("records", "config"),
    [
        (six()[:3], CONFIG),
        (six()[2:3], CONFIG),
        ([], CONFIG),
        (six(), SearchConfig(fitness="rdm-contrast", strategy="random")),
        ([record(0, live=False, fitness=None), record(1, 1)], CONFIG),
    ],
    ids=["random only", "dead only", "nothing", "random search", "no live random network"],
)
def test_no_gain_without_both_parts(records, config):
    assert gain(records, config) is None


def test_summary_counts():
    summary = summarise(six(), CONFIG)
    assert (summary.evaluations, summary.distinct, summary.dead, summary.failed, summary.front) == (6, 6, 1, 1, 2)
    assert summary.best_id in (3, 4)
    assert summary.best == six()[summary.best_id].scores
    json.dumps(summary.as_dict(), allow_nan=False)


@pytest.mark.parametrize(("pick", "best"), [("fitness", 3), ("energy", 4)])
def test_summary_follows_the_pick(pick, best):
    assert summarise(six(), SearchConfig(fitness="rdm-contrast", pick=pick)).best_id == best


@pytest.mark.parametrize("records", [[], [record(0, failure="x")], [record(0, live=False, fitness=None)]])
def test_summary_without_a_live_network(records):
    summary = summarise(records, CONFIG)
    assert (summary.best_id, summary.best, summary.front, summary.gain) == (None, None, 0, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"details": {"last_stage_q": 0.97}}, "rdm-contrast is saturated: the median last-stage q is 0.970"),
        ({"unpriced": ["spikes", "updates_idle"]}, "no price is known for spikes, updates_idle"),
        ({"batch": 16}, "1 networks were scored on a smaller probe batch"),
        ({"failure": "worker killed by signal 9, 2 times"}, "1 evaluations failed; the first: worker killed by sig"),
    ],
)
def test_warnings(change, said):
    (warning,) = summarise([record(0, **change)], CONFIG).warnings
    assert said in warning


def test_no_warning_without_a_reason():
    assert summarise([record(0, details={"last_stage_q": 0.5})], CONFIG).warnings == ()


@pytest.fixture(scope="module")
def prepared():
    return prepare(SearchConfig(layers=1, batch=4, fitness="rdm-contrast"))


def test_files_at_the_end_of_a_run(tmp_path, prepared):
    jobs = []

    def evaluate(given):
        jobs.extend(given)
        return iter([Outcome(scores(fitness=10.0 + i), None, 0.0) for i in range(len(given))])

    write_results(RunFolder(tmp_path), prepared, six(), evaluate)
    front = json.loads((tmp_path / "front.json").read_text())
    assert [m["id"] for m in front["individuals"]] == [3, 4]
    assert [m["fitness_other_seeds"] for m in front["individuals"]] == [[10.0, 11.0], [12.0, 13.0]]
    assert [j.seed for j in jobs] == [1, 2, 1, 2]
    assert front["individuals"][0]["objectives"] == {"fitness": 3.0, "energy": 2.0}
    best = read_best(tmp_path)
    assert best.scores == six()[front["pick"]["id"]].scores
    assert best.provenance["dataset"]["name"] == "digits"
    for name in ("pareto.png", "history.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert not [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")]


def test_files_in_the_middle_of_a_run_need_no_evaluation(tmp_path, prepared):
    write_results(RunFolder(tmp_path), prepared, six())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best.json", "front.json"]
    front = json.loads((tmp_path / "front.json").read_text())
    assert [m["fitness_other_seeds"] for m in front["individuals"]] == [None, None]


def test_no_live_network_leaves_no_file(tmp_path, prepared):
    write_results(RunFolder(tmp_path), prepared, [record(0, failure="x")])
    assert list(tmp_path.iterdir()) == []
