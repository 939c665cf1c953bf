"""Options of `benchmarks/chance.py`."""

from __future__ import annotations

import importlib
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from msenas.errors import InputError


@pytest.fixture
def chance(winners):
    return importlib.import_module("chance")


@pytest.mark.parametrize(
    ("first", "seeds", "others", "refused"),
    [(100, 5, None, False), (100, 5, 3, False), (7, 5, 3, True), (3, 5, 3, True), (2, 3, 3, False), (8, 1, 3, False)],
)
def test_other_weights_are_not_those_of_a_search(chance, first, seeds, others, refused):
    options = SimpleNamespace(first_seed=first, seeds=seeds, other_weights=others)
    course = SimpleNamespace(config=SimpleNamespace(seed=5))
    message = "the other weights, of seeds 5 to 7, are not others"
    with pytest.raises(InputError, match=message) if refused else nullcontext():
        chance.check_weights(options, course)


@pytest.mark.parametrize(
    ("name", "seed", "expected"),
    [("search", 3, {}), ("micro", 4, {"scales": ("micro",)}), ("parameters", 5, {"fitness": "parameters"})],
)
def test_variants_change_what_all_searches_share(chance, name, seed, expected):
    asked = chance.asked_of(name, seed, {"population": 20, "fitness": "depth"})
    assert asked == {"population": 20, "fitness": "depth", "pick": "fitness", "seed": seed} | expected
