from __future__ import annotations

import pytest

from msenas.errors import InputError
from msenas.fitness.registry import DEFAULT, FITNESSES, get_fitness


def test_names_and_directions():
    assert {name: f.maximise for name, f in FITNESSES.items()} == {
        "rdm-contrast": True,
        "rdm-paper": False,
        "rdm-reference": True,
        "sahd": True,
        "naswot": True,
        "synflow": True,
        "short-training": False,
        "projected-loss": False,
        "parameters": True,
        "synops": True,
        "spikes": True,
        "synapses": True,
        "depth": True,
        "random": True,
    }
    trivial = {"parameters", "synops", "spikes", "synapses", "depth", "random"}
    assert {name for name, f in FITNESSES.items() if f.trivial} == trivial
    assert {name for name, f in FITNESSES.items() if f.trains} == {"short-training", "projected-loss"}
    assert DEFAULT == "projected-loss"


@pytest.mark.parametrize("name", FITNESSES)
def test_a_fitness_is_found_by_its_name(name):
    assert get_fitness(name).name == name
    assert get_fitness(name).title


def test_an_unknown_fitness_is_named_with_the_nearest():
    with pytest.raises(InputError, match="unknown fitness 'rdm-contras'; did you mean 'rdm-contrast'"):
        get_fitness("rdm-contras")
