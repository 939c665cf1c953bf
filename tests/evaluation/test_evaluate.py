"""All answers together: from the same samples, in one pass for each condition."""

from __future__ import annotations

from dataclasses import replace

import pytest

from msenas.data import Split
from msenas.errors import InputError
from msenas.evaluation.curve import run_at
from msenas.evaluation.deployed import Deployed, deploy
from msenas.evaluation.estimate import estimate
from msenas.evaluation.evaluate import Question, evaluate, passes
from msenas.evaluation.robustness import chosen_noises
from msenas.evaluation.steps import at_steps
from msenas.hardware.profile import chosen_profiles
from msenas.phenotype.network import Network
from tests.conftest import motif_plan


def nothing(count):
    pass


def question(**changes):
    options = {"profiles": chosen_profiles("generic-45nm"), "split": "test", "samples": 30} | changes
    return Question(**options)


def test_the_answers_are_those_of_one_census(folder):
    found = deploy(folder, {})
    evaluated = evaluate(found, question(), nothing)
    expected = estimate(found, question().profiles, "test", 30, nothing)
    assert evaluated.estimated.report.census.counts == expected.report.census.counts
    assert evaluated.accuracy.top1 == expected.accuracy
    assert evaluated.accuracy.samples == 30
    labels = found.split("test").labels[found.choose("test", 30)]
    assert evaluated.accuracy.confusion.sum(1).tolist() == [int((labels == c).sum()) for c in range(10)]
    assert (evaluated.steps, evaluated.noises) == ((), {})


def test_rates_are_spikes_over_neurons_and_steps(folder):
    found = deploy(folder, {})
    evaluated = evaluate(found, question(), nothing)
    plan, census = found.network.plan, evaluated.estimated.report.census
    assert list(evaluated.firing) == [p.name for p in plan.populations]
    for population in plan.populations:
        firing = evaluated.firing[population.name]
        spikes = int(census.spikes.maps[population.name].sum())
        assert firing.neurons == population.neurons
        assert firing.spikes == pytest.approx(spikes / 30)
        assert firing.rate == pytest.approx(spikes / (30 * population.neurons * 3))
        assert firing.rate <= firing.share <= min(1, 3 * firing.rate) + 1e-12
    assert any(firing.spikes for firing in evaluated.firing.values())


def test_the_data_are_read_once_if_nothing_else_is_asked(folder, monkeypatch):
    calls, plain = [], Deployed.batches
    monkeypatch.setattr(Deployed, "batches", lambda *args: calls.append(args) or plain(*args))
    found = deploy(folder, {})
    calls.clear()
    evaluate(found, question(), nothing)
    assert len(calls) == 1


@pytest.mark.parametrize(("steps", "extra"), [((), 0), ((3,), 0), ((1, 3), 1), ((1, 5), 2)])
def test_every_condition_is_one_more_pass(folder, steps, extra):
    found, done = deploy(folder, {}), []
    asked = question(steps=steps, noises=chosen_noises("weights-6bit,drop-spikes"))
    evaluated = evaluate(found, asked, done.append)
    assert sum(done) == passes(found, asked) == 30 * (1 + extra + 2 + 4)
    assert [point.at for point in evaluated.steps] == (sorted({*steps, 3}) if steps else [])
    assert [point.at for point in evaluated.noises["weights-6bit"]] == [8, 6]


def test_the_curves_hold_the_point_of_each_condition(folder):
    found = deploy(folder, {})
    evaluated = evaluate(found, question(steps=(5,), noises=chosen_noises("salt")), nothing)
    own, five = evaluated.steps
    assert own == run_at(3, found, "test", 30, nothing)
    assert five == run_at(5, at_steps(found, 5), "test", 30, nothing)
    salt = chosen_noises("salt")["salt"]
    expected = tuple(run_at(s, salt.apply(found, s), "test", 30, nothing) for s in salt.strengths)
    assert evaluated.noises == {"salt": expected}


def test_what_the_data_cannot_do_is_refused_before_anything_is_run(folder):
    found = deploy(folder, {})
    events = replace(
        found,
        dataset=replace(found.dataset, kind="events"),
        network=Network(motif_plan("FE", encoding="events")),
    )
    with pytest.raises(InputError, match="event frames cannot be stretched"):
        passes(events, question(steps=(1,)))
    with pytest.raises(InputError, match="gaussian noise is for images"):
        passes(events, question(noises=chosen_noises("gaussian")))
    with pytest.raises(InputError, match="unknown split"):
        passes(found, question(split="foo"))


def test_an_empty_split_is_refused(folder):
    found = deploy(folder, {})
    val = found.dataset.val
    without = replace(found, dataset=replace(found.dataset, val=Split(val.samples, val.rows[:0], val.labels[:0])))
    with pytest.raises(InputError, match="the val split of digits has no samples"):
        evaluate(without, question(split="val"), nothing)
