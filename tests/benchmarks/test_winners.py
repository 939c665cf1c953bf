"""The figures by which `benchmarks/chance.py` compares searches, computed by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def winner(winners):
    """Makes a network of a search: its name and seed, its fitness and energy, and those of all that were evaluated."""

    def made(name, seed=0, point=(0.0, 1.0), points=()):
        return winners.Winner(
            name=name,
            seed=seed,
            id=0,
            genome=(),
            point=point,
            fitness="short-training",
            points=points,
            seconds=0,
            random=0,
        )

    return made


def trained(accuracy):
    return SimpleNamespace(accuracy=accuracy)


def test_volumes_are_scaled_over_all_searches(winners, winner):
    one = winner("a", points=((0.0, 8.0), (4.0, 4.0)))
    other = winner("b", points=((2.0, 8.0), (8.0, 0.0)))
    # Scaled: (0, 1) and (1/2, 1/2) against (1/4, 1) and (1, 0); what lies on the border of the square adds nothing.
    assert winners.volumes([one, other]) == pytest.approx([0.25, 0.0])


def test_front_buys_the_best_fitness_that_a_budget_affords(winners, winner):
    front = [(winner("a", point=(0.1, 4.0)), trained(0.6)), (winner("a", point=(0.2, 1.0)), trained(0.9))]
    assert [winners.bought(front, budget) for budget in (1.0, 3.9, 4.0, 9.0)] == [90.0, 90.0, 60.0, 60.0]


def test_network_whose_training_failed_buys_nothing(winners, winner):
    assert winners.bought([(winner("a"), trained(None))], 1.0) == 0.0


def test_budgets_go_from_what_all_can_spend_to_the_most_that_one_asks(winners, winner):
    by_name = {
        "a": [(winner("a", point=(0.1, 16.0)), trained(0.8)), (winner("a", point=(0.2, 1.0)), trained(0.4))],
        "b": [(winner("b", point=(0.1, 8.0)), trained(0.6)), (winner("b", point=(0.2, 4.0)), trained(0.2))],
    }
    _, first, second = winners.affordable(by_name, "energy")
    # From 4 to 16, in equal ratios: a has 40 % but for the last of 200 budgets, b has 20 % up to 8, then 60 %.
    assert first == "a | 2 | 40.20 +- 0.00 | +0.00 (+0.00 to +0.00)"
    assert second == "b | 2 | 40.00 +- 0.00 | -0.20 (-0.20 to -0.20)"


def test_seeds_are_compared_in_pairs(winners, winner):
    by_name = {
        "a": [(winner("a", seed), trained(accuracy)) for seed, accuracy in ((1, 0.5), (2, 0.7))],
        "b": [(winner("b", seed), trained(accuracy)) for seed, accuracy in ((1, 0.6), (2, 0.4))],
    }
    *_, line = winners.affordable(by_name, "energy")
    assert line == "b | 2 | 50.00 +- 14.14 | -10.00 (-30.00 to +10.00)"


@pytest.mark.parametrize("price", [1.0, 1.9e-6, 3.6e-6])
def test_fronts_of_one_network_have_one_budget(winners, winner, price):
    by_name = {
        "a": [(winner("a", point=(0.1, price)), trained(0.8))],
        "b": [(winner("b", point=(0.1, price)), trained(0.6)), (winner("b", point=(0.2, price / 2)), trained(0.4))],
    }
    _, first, second = winners.affordable(by_name, "energy")
    assert first == "a | 1 | 80.00 +- 0.00 | +0.00 (+0.00 to +0.00)"
    assert second == "b | 2 | 60.00 +- 0.00 | -20.00 (-20.00 to -20.00)"


def test_equal_price_has_the_name_of_its_objective(winners, winner):
    header, _ = winners.affordable({"a": [(winner("a"), trained(0.5))]}, "synops")
    assert header == "variant | networks | accuracy % at equal synops | minus the first"
