"""Rank correlations against scipy, by hand, and by their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from msenas.ranking.agreement import Figure, agreement, kendall, partial, picked, resampled, spearman

LISTS = st.integers(3, 12).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, 5).map(float), min_size=n, max_size=n) for _ in range(3)))
)


@settings(deadline=None)
@given(LISTS)
@pytest.mark.filterwarnings("ignore:An input array is constant")
def test_every_resample_agrees_with_scipy(lists):
    x, y, _ = map(np.array, lists)
    rows = resampled(len(x), seed=0, times=20)
    for found, oracle in ((kendall(x, y, rows), stats.kendalltau), (spearman(x, y, rows), stats.spearmanr)):
        expected = [oracle(x[row], y[row]).statistic for row in rows]
        np.testing.assert_allclose(found, expected, atol=1e-9)


@settings(deadline=None)
@given(LISTS)
def test_partial_correlation_is_that_of_the_residuals_of_the_ranks(lists):
    rows = resampled(len(lists[0]), seed=1, times=0)
    ranks = [stats.rankdata(v) for v in lists]
    line = np.stack([ranks[2], np.ones(len(ranks[2]))], 1)
    rest = [r - line @ np.linalg.lstsq(line, r, rcond=None)[0] for r in ranks[:2]]
    (found,) = partial(*lists, rows)
    if min(map(np.ptp, rest)) < 1e-9 or np.ptp(ranks[2]) == 0:
        return
    assert found == pytest.approx(np.corrcoef(*rest)[0, 1], abs=1e-6)


def test_by_hand():
    rows = resampled(4, 0, times=0)
    # Pairs in order: 5 of 6 for x; one is tied in y.
    assert kendall([1, 2, 3, 4], [10, 30, 20, 40], rows)[0] == pytest.approx(4 / 6)
    assert kendall([1, 2, 3, 4], [1, 1, 2, 3], rows)[0] == pytest.approx(5 / np.sqrt(6 * 5))
    assert spearman([1, 2, 3, 4], [10, 30, 20, 40], rows)[0] == pytest.approx(0.8)
    assert np.isnan(kendall([1, 1, 1, 1], [1, 2, 3, 4], rows)[0])


def test_a_pick_takes_a_tenth():
    y = np.arange(20.0)
    mean, regret = picked(-np.abs(y - 12), y, resampled(20, 0, times=0))
    # 12 is taken, and of 11 and 13, which are equally good, the first.
    assert (mean[0], regret[0]) == (11.5, 7.0)


def test_a_pick_sees_what_the_screen_leaves():
    """Of ten, the screen leaves five, and the largest x of all is not among them."""
    x, y, rows = [9.0, *map(float, range(9))], list(map(float, range(10))), resampled(10, 0, times=0)
    assert [v[0] for v in picked(x, y, rows)] == [0.0, 9.0]
    assert [v[0] for v in picked(x, y, rows, (y, 0.5))] == [9.0, 0.0]
    assert [v[0] for v in picked([-v for v in x], y, rows, (y, 0.5))] == [5.0, 4.0]
    assert [v[0] for v in picked(x, y, rows, (y, 0.0))] == [9.0, 0.0], "one at least"


def test_resamples_begin_with_the_sample_and_depend_on_the_seed_alone():
    rows = resampled(7, seed=3)
    assert rows[0].tolist() == list(range(7))
    assert (rows == resampled(7, seed=3)).all()
    assert (rows != resampled(7, seed=4)).any()
    assert set(np.unique(rows)) == set(range(7))


def test_an_interval_covers_what_it_says():
    """A known correlation lies in about 95 of 100 intervals."""
    rng, inside = np.random.default_rng(0), 0
    for _ in range(200):
        x = rng.standard_normal(60)
        y = 0.5 * x + np.sqrt(0.75) * rng.standard_normal(60)
        figure = Figure.of(kendall(x, y, resampled(60, 0, times=300)))
        inside += figure.low <= 2 / np.pi * np.arcsin(0.5) <= figure.high
    assert 178 <= inside <= 199


def test_what_has_no_rank_has_no_figure():
    assert np.isnan(Figure.of(kendall([1.0, 1.0], [1.0, 2.0], resampled(2, 0))).value)


def test_agreement_is_the_mean_over_pairs():
    rows = resampled(3, 0, times=0)
    lists = [[1, 2, 3], [1, 3, 2], [3, 2, 1]]
    assert agreement(lists, lambda a, b: kendall(a, b, rows))[0] == pytest.approx((1 / 3 - 1 - 1 / 3) / 3)


def test_a_figure_is_shown_with_its_interval():
    assert str(Figure(0.125, -0.5, 0.999)) == "0.12 (-0.50, 1.00)"
