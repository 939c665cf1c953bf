"""A search that keeps to networks that fit a chip, in this process; mostly with scores from the numbers of a plan."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pytest

from msenas.errors import InputError
from msenas.genotype.genome import Genome
from msenas.hardware.fit import check
from msenas.hardware.profile import load_profile
from msenas.phenotype.decode import decode
from msenas.runs.best import read_best
from msenas.search import outcome, session
from msenas.search.loop import End
from msenas.search.session import Request
from msenas.search.workers import Outcome, evaluate_here
from tests.search.conftest import scores

SPECK = load_profile("speck2f")
OPTIONS = {
    "hardware": "speck2f",
    "must_fit": True,
    "neuron": "if",
    "encoding": "poisson",
    "channels": 4,
    "steps": 2,
    "population": 5,
    "generations": 2,
    "batch": 4,
    "workers": 1,
    "objectives": ("fitness", "synops"),
    "fitness": "rdm-contrast",
}
SAME = ("individuals.jsonl", "front.json", "best.json", "state.json")


class Crash(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def run(monkeypatch):
    """A search whose evaluations happen here; `stop_at` is the evaluation at which the process dies."""

    def stand_in(spec, jobs):
        for job in jobs:
            plan = decode(job.genome, spec)
            yield Outcome(scores(fitness=float(int(plan.digest[:4], 16)), synops=plan.parameters), None, 0.1)

    monkeypatch.setenv("MSENAS_COMPILE", "0")
    for name in ("plot_pareto", "plot_history"):
        monkeypatch.setattr(outcome, name, lambda *_: None)

    def start(out, options=OPTIONS, stop_at=None, real=False, **request):
        @contextmanager
        def workers(evaluator, spec, count):
            def evaluate(jobs):
                for found in evaluate_here(evaluator, spec, jobs) if real else stand_in(spec, jobs):
                    start.done += 1
                    if start.done == stop_at:
                        raise Crash
                    yield found

            yield SimpleNamespace(evaluate=evaluate)

        start.done = 0
        monkeypatch.setattr(session, "workers", workers)
        return session.search(Request(options, out=out, **request), lambda *_: None, lambda _: None)

    return start


def plans(folder):
    """Every network that was evaluated."""
    spec = read_best(folder).network
    records = [json.loads(line) for line in (folder / "individuals.jsonl").read_text().splitlines()]
    return [decode(Genome.from_flat(record["genome"]), spec) for record in records], records


def test_only_networks_that_fit_are_evaluated(run, tmp_path):
    result = run(tmp_path / "r", real=True)
    assert (result.end, result.summary.evaluations) == (End.FINISHED, 10)
    found, records = plans(tmp_path / "r")
    assert all(check(plan, SPECK).fits for plan in found)
    assert all(record["fit"] == check(plan, SPECK).brief() for plan, record in zip(found, records, strict=True))
    front = json.loads((tmp_path / "r" / "front.json").read_text())["individuals"]
    assert front
    assert all(member["fit"]["fits"] for member in front)
    assert any(len(plan.populations) > 2 for plan in found)


def test_best_and_state_record_the_fit(run, tmp_path):
    result = run(tmp_path / "r")
    best = read_best(tmp_path / "r")
    assert best.provenance["must_fit"] is True
    assert best.provenance["fit"] == check(best.plan, SPECK).brief() == result.summary.best_fit
    state = json.loads((tmp_path / "r" / "state.json").read_text())
    assert {rule: entry["drawn"] for rule, entry in state["unfit"].items()} == result.summary.unfit
    assert state["unfit"]["synapses_per_population_max"]["drawn"] > 0
    assert "synapses onto one population 2 (chip: 1)" in state["unfit"]["synapses_per_population_max"]["first"]


@pytest.mark.parametrize("stop_at", [1, 7, 10])
def test_resumed_run_ends_with_the_same_files(run, tmp_path, stop_at):
    run(tmp_path / "whole")
    with suppress(Crash):
        run(tmp_path / "stopped", stop_at=stop_at)
    assert json.loads((tmp_path / "stopped" / "state.json").read_text())["finished"] is False
    assert run(tmp_path / "stopped", {}, resume=True).end is End.FINISHED
    for name in SAME:
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_constraint_cannot_be_dropped_on_resuming(run, tmp_path):
    run(tmp_path / "r", OPTIONS | {"generations": 1})
    with pytest.raises(InputError, match="must-fit: True -> False"):
        run(tmp_path / "r", {"must_fit": False}, resume=True)


def test_without_the_constraint_the_fit_of_the_best_is_still_recorded(run, tmp_path):
    run(tmp_path / "r", OPTIONS | {"must_fit": False, "generations": 1, "motifs": ("MI",)})
    found, records = plans(tmp_path / "r")
    assert not all(check(plan, SPECK).fits for plan in found)
    assert all(record["fit"] is None for record in records)
    best = read_best(tmp_path / "r")
    assert best.provenance["fit"] == check(best.plan, SPECK).brief()


def test_nothing_is_begun_when_nothing_can_fit(run, tmp_path):
    with pytest.raises(InputError, match="no network of this search fits speck2f: neuron model lif"):
        run(tmp_path / "r", OPTIONS | {"neuron": "lif"})
    with pytest.raises(InputError, match=r"h100 has no \[capacity\]"):
        run(tmp_path / "r", OPTIONS | {"hardware": "h100"})
    assert not (tmp_path / "r").exists()


NARROW = """
name = "narrow"
title = "Two cores, one of them for the read-out"
label = "a test"

[prices.synop]
nominal_joule = 1e-12
scope = "per-term"
grade = "measured"
source = "a test"

[capacity]
source = "a test"
cores = 2
kernel_words_per_core = [1000000, 1000000]
neuron_words_per_core = [1000000, 1000000]
readout_pooling = [1]
"""


def test_an_exhausted_search_counts_what_it_passed_over(run, tmp_path, monkeypatch):
    """Each layer alone fits, two layers and the read-out do not."""
    monkeypatch.setattr("msenas.search.evolution.DRAWS", 50)
    (tmp_path / "narrow.toml").write_text(NARROW)
    result = run(tmp_path / "r", OPTIONS | {"hardware": str(tmp_path / "narrow.toml"), "layers": 2, "motifs": ("FE",)})
    assert (result.end, result.summary.evaluations, result.summary.best_fit) == (End.EXHAUSTED, 0, None)
    assert list(result.summary.unfit) == ["cores"]
    assert 0 < result.summary.unfit["cores"] <= 50
