"""The figures of a report, by hand."""

from __future__ import annotations

import json
import math

import pytest

from msenas.fitness.registry import FITNESSES
from msenas.ranking.report import report
from msenas.ranking.rows import GIVEN, LIKE
from msenas.runs.files import to_json
from tests.ranking.made import known, score, trained

NAMES = tuple(FITNESSES)
ACCURACIES = (0.2, 0.4, 0.6, 0.8)


def networks(accuracies=ACCURACIES):
    return [known(i, trained(accuracy)) for i, accuracy in enumerate(accuracies)]


def rows(ranking):
    return {row.name: row for row in ranking.rows}


def told(values, name="sahd", accuracies=ACCURACIES, names=NAMES, **more):
    """A report in which one fitness has these values of one weight seed."""
    scores = [score(i, **{name.replace("-", "_"): value} | more) for i, value in enumerate(values)]
    return report(networks(accuracies), scores, names, 0)


def test_figures_of_an_order_with_one_pair_exchanged():
    row = rows(told([1.0, 3.0, 2.0, 4.0]))["sahd"]
    assert row.tau.value == pytest.approx(4 / 6)
    assert row.spearman.value == pytest.approx(0.8)
    assert (row.top.value, row.regret.value) == (0.8, 0.0)
    assert row.beyond.value == pytest.approx(4 / 6 - 1)
    assert row.like["depth"].value == pytest.approx(0.8)
    assert row.missing == 0
    assert math.isnan(row.stability.value), "a single seed"


def test_the_tenth_that_is_picked_and_what_it_misses():
    row = rows(told([1.0, 9.0, 3.0, 4.0]))["sahd"]
    assert row.top.value == 0.4
    assert row.regret.value == pytest.approx(0.4)


def test_the_first_training_from_the_weights_of_the_score():
    """The second trainings turn the order round, and have no part in it."""
    some = [known(i, trained(a), trained(1 - 3 * a)) for i, a in enumerate(ACCURACIES)]
    scores, starts = [score(i, 1) for i in range(4)], [score(i, 0, sahd=v) for i, v in enumerate([1.0, 3.0, 2.0, 4.0])]
    row = rows(report(some, scores, NAMES, 0, starts))["sahd"]
    assert (row.tau.value, row.start.value) == (-1.0, pytest.approx(4 / 6))
    assert row.start_beyond.value == pytest.approx(4 / 6 - 1)
    assert math.isnan(rows(report(some, scores, NAMES, 0))["sahd"].start.value)
    some[0] = known(0, trained(failure="the loss is nan"), trained(0.1))
    assert math.isnan(rows(report(some, scores, NAMES, 0, starts))["sahd"].start.value)


def test_the_tenth_of_those_that_the_screen_leaves():
    """Of 20 networks the screen leaves 4 (0.16 to 0.19) and the fitness, which prefers 0.0, takes 2 of these."""
    accuracies = [0.01 * i for i in range(20)]
    order = [*range(20, 4, -1), 1, 9, 3, 9]
    scores = [score(i, short_training=-float(value)) for i, value in enumerate(order)]
    found = rows(report(networks(accuracies), scores, NAMES, 0))
    assert found["short-training"].top.value == pytest.approx(0.005)
    assert found["short-training"].staged.value == pytest.approx((0.17 + 0.19) / 2)
    assert math.isnan(found["sahd"].staged.value), "it needs no training"


def test_a_fitness_that_is_minimised_is_turned_round():
    row = rows(told([4.0, 3.0, 2.0, 1.0], "rdm-paper"))["rdm-paper"]
    assert (row.tau.value, row.regret.value) == (1.0, 0.0)


def test_rows_come_best_first_and_those_without_a_figure_last():
    ranking = told([4.0, 3.0, 2.0, 1.0], names=("sahd", "naswot", "synflow"), synflow=7.0)
    assert [row.name for row in ranking.rows] == ["naswot", "sahd", "synflow"]
    assert ranking.best_trivial is None
    assert math.isnan(ranking.rows[0].beyond.value)


def test_beyond_is_the_distance_to_the_best_trivial_one():
    even = {name: 0.0 for name in NAMES if FITNESSES[name].trivial}
    scores = [score(i, **even | {"depth": depth}) for i, depth in enumerate([1.0, 3.0, 2.0, 4.0])]
    ranking = report(networks(), scores, NAMES, 0)
    assert ranking.best_trivial == "depth"
    found = rows(ranking)
    assert found["sahd"].beyond.value == pytest.approx(1 - 4 / 6)
    assert math.isnan(found["depth"].beyond.value)
    assert math.isnan(found["spikes"].beyond.value), "it has no figure, as it is constant"


@pytest.mark.parametrize("scale", [1.0, 1e20, -1e20])
def test_missing_values_rank_last(scale):
    row = rows(told([None, abs(scale) + scale * 1, abs(scale) + scale * 2, abs(scale) + scale * 3]))["sahd"]
    assert row.missing == 1
    assert row.tau.value == pytest.approx(1.0 if scale > 0 else 0.0)


def test_a_missing_value_of_a_minimised_fitness_ranks_last_too():
    assert rows(told([None, 3.0, 2.0, 1.0], "rdm-paper"))["rdm-paper"].tau.value == 1.0


@pytest.mark.filterwarnings("error")
def test_two_seeds_agree_on_what_is_missing():
    orders = ([None, 1.0, 2.0, 3.0], [None, 2.0, 1.0, 3.0])
    scores = [score(i, seed, sahd=order[i]) for seed, order in enumerate(orders) for i in range(4)]
    row = rows(report(networks(), scores, NAMES, 0))["sahd"]
    assert row.missing == 2
    assert row.stability.value == pytest.approx(4 / 6)


def test_figures_are_means_over_the_weight_seeds():
    orders = ([0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 1.0, 3.0])
    scores = [score(i, seed, sahd=order[i]) for seed, order in enumerate(orders) for i in range(4)]
    row = rows(report(networks(), scores, NAMES, 0))["sahd"]
    assert row.tau.value == pytest.approx((1 + 4 / 6) / 2)
    assert row.stability.value == pytest.approx(4 / 6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[None] * 4, [5.0] * 4])
def test_a_constant_gives_no_figure_and_valid_json(values):
    ranking = told(values)
    row = rows(ranking)["sahd"]
    assert all(map(math.isnan, (row.tau.value, row.spearman.value, *(f.value for f in row.given.values()))))
    data = json.loads(to_json(ranking.as_dict()))
    (found,) = (line for line in data["rows"] if line["name"] == "sahd")
    assert found["tau"] == {"value": None, "low": None, "high": None}


@pytest.mark.filterwarnings("error")
def test_equal_accuracies_give_no_figure():
    ranking = told([1.0, 2.0, 3.0, 4.0], accuracies=(0.5,) * 4)
    assert ranking.best_trivial is None
    assert all(math.isnan(row.tau.value) for row in ranking.rows)
    to_json(ranking.as_dict())


def test_what_is_held_fixed_and_what_it_may_be_in_disguise():
    found = rows(told([1.0, 2.0, 3.0, 4.0]))
    assert set(found["sahd"].given) == set(GIVEN)
    assert set(found["depth"].given) == set(GIVEN) - {"depth"}
    assert set(found["spikes"].like) == set(LIKE) - {"spikes"}
    assert math.isnan(found["sahd"].given["depth"].value), "nothing is left, as both have the same order"


def test_a_failed_training_is_left_out_and_counted():
    more = [*networks(), known(4, trained(failure="the loss is nan"))]
    ranking = report(more, [score(i) for i in range(5)], NAMES, 0)
    assert (ranking.networks, ranking.failed) == (4, 1)
    assert ranking.accuracy == pytest.approx((0.2, 0.35, 0.5, 0.65, 0.8))
    assert ranking.mean.value == pytest.approx(0.5)
    assert ranking.hindsight.value == pytest.approx(0.8), "one of four is the nearest to a tenth"
    assert ranking.mean.low < 0.5 < ranking.mean.high <= ranking.hindsight.value


def test_too_few_networks_are_not_ranked():
    some = [*networks()[:3], known(3, trained(failure="the loss is nan"))]
    assert report(some, [score(i) for i in range(4)], NAMES, 0) is None


def test_noise_is_that_of_accuracy_and_of_loss():
    pairs = [(0.2, 0.3), (0.4, 0.2), (0.6, 0.6), (0.8, 0.9)]
    again = [known(i, trained(a, loss=1 - a), trained(b, loss=2 - a)) for i, (a, b) in enumerate(pairs)]
    ranking = report(again, [score(i) for i in range(4)], NAMES, 0)
    assert ranking.noise["accuracy"].repeated == ranking.noise["loss"].repeated == 4
    assert ranking.noise["accuracy"].ceiling.value == pytest.approx(4 / 6)
    assert ranking.noise["loss"].ceiling.value == pytest.approx(1.0)
    assert ranking.accuracy[0] == 0.25, "the mean of the two"


def test_a_failed_training_is_no_second_one():
    some = [known(0, trained(0.2), trained(failure="the loss is nan")), *networks()[1:]]
    ranking = report(some, [score(i) for i in range(4)], NAMES, 0)
    assert (ranking.noise, ranking.accuracy[0]) == ({}, 0.2)


def test_tau_with_the_loss():
    some = [known(i, trained(a, loss=loss)) for i, (a, loss) in enumerate(zip(ACCURACIES, (4, 3, 1, 2), strict=True))]
    row = rows(report(some, [score(i) for i in range(4)], NAMES, 0))["sahd"]
    assert row.tau.value == 1.0
    assert row.loss.value == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("epochs", "shares"),
    [(1, set()), (2, {"50%"}), (3, {"25%", "50%", "75%"}), (8, {"25%", "50%", "75%"})],
)
def test_no_epoch_is_compared_with_itself(epochs, shares):
    some = [known(i, trained(*[0.1 * i] * epochs)) for i in range(4)]
    assert set(report(some, [score(i) for i in range(4)], NAMES, 0).settled) == shares


def test_when_the_order_has_settled():
    curves = [(0.3, 0.1, 0.2, 0.2), (0.1, 0.3, 0.4, 0.4), (0.4, 0.2, 0.6, 0.6), (0.2, 0.4, 0.8, 0.8)]
    some = [known(i, trained(*curve)) for i, curve in enumerate(curves)]
    settled = report(some, [score(i) for i in range(4)], NAMES, 0).settled
    assert [settled[s].value for s in ("25%", "50%", "75%")] == pytest.approx([0.0, 4 / 6, 1.0])


def test_energies_before_and_after():
    some = [known(i, trained(a, energy=e)) for i, (a, e) in enumerate(zip(ACCURACIES, (2, 1, 3, 4), strict=True))]
    ranking = report(some, [score(i, energy=i + 1.0) for i in range(4)], NAMES, 0)
    assert ranking.energy.value == pytest.approx(4 / 6)
    assert ranking.energy_ratio[1] == pytest.approx(1.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("energy", [None, 0.0])
def test_without_energies_nothing_is_said_of_them(energy):
    lacking = score(2, energy=energy)
    if energy is None:
        lacking = score(2, energy=1.0).__class__(id=2, seed=0, values=score(2).values, failure="out of memory")
    ranking = report(networks(), [score(0), score(1), lacking, score(3)], NAMES, 0)
    assert (ranking.energy, ranking.energy_ratio) == (None, None)


def test_the_seed_decides_on_the_intervals_alone():
    some, scores = networks([0.1 * i for i in range(9)]), [score(i, sahd=(i * 4) % 9) for i in range(9)]
    one, two = (report(some, scores, NAMES, seed) for seed in (0, 1))
    assert rows(one)["sahd"].tau.value == rows(two)["sahd"].tau.value
    assert rows(one)["sahd"].tau != rows(two)["sahd"].tau
