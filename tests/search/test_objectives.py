"""Objectives as numbers to be minimised: the signs are those of their directions."""

from __future__ import annotations

import pytest

from msenas.fitness.registry import FITNESSES
from msenas.search.objectives import OBJECTIVES, minimised, values
from tests.search.conftest import scores

NATURAL = {"fitness": 0.5, "energy": 2e-9, "synops": 100.0, "spikes": 10.0, "parameters": 7.0, "neurons": 20.0}


def test_the_table_is_complete():
    assert set(NATURAL) == set(OBJECTIVES)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_natural_direction(name):
    assert values(scores(fitness=0.5, energy=2e-9), [name]) == {name: NATURAL[name]}


@pytest.mark.parametrize("fitness", FITNESSES.values(), ids=FITNESSES)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_sign(name, fitness):
    turned = name == "fitness" and fitness.maximise
    got = minimised(scores(fitness=0.5, energy=2e-9), [name], fitness)
    assert got == (-NATURAL[name] if turned else NATURAL[name],)


def test_order_is_that_of_the_names():
    got = minimised(scores(fitness=0.5, energy=2e-9), ["spikes", "fitness"], FITNESSES["rdm-contrast"])
    assert got == (10.0, -0.5)


@pytest.mark.parametrize("given", [None, scores(live=False, fitness=None)], ids=["failed", "dead"])
def test_dead_and_failed_have_none(given):
    assert minimised(given, ["energy"], FITNESSES["rdm-contrast"]) is None
