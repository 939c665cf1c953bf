"""Noise between trainings, by hand and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kendalltau

from msenas.ranking.noise import noise_of, perfect


def test_noise_between_two_trainings():
    noise = noise_of([(0.2, 0.3), (0.4, 0.2), (0.6, 0.6), (0.8, 0.9)], 0)
    assert noise.repeated == 4
    assert noise.spread == pytest.approx(0.1)
    assert noise.ceiling.value == pytest.approx(4 / 6)
    assert noise.ceiling.low <= noise.ceiling.value <= noise.ceiling.high
    assert noise.perfect.value == pytest.approx(perfect(4 / 6, 2))


def test_noise_of_few_has_no_order_but_a_size():
    noise = noise_of([(0.2, 0.3), (0.4,), (0.6,), (0.8,)], 0)
    assert (noise.repeated, noise.ceiling, noise.perfect) == (1, None, None)
    assert noise.spread == pytest.approx(0.1)


def test_no_noise_is_known_of_single_trainings():
    assert noise_of([(0.2,), (0.4,), (0.6,), (0.8,)], 0) is None


def test_a_third_training_counts_in_the_mean_alone():
    pairs = [(0.2, 0.3), (0.4, 0.2), (0.6, 0.6), (0.8, 0.9)]
    two, three = noise_of(pairs, 0), noise_of([(*pair, 0.5) for pair in pairs], 0)
    assert two.ceiling == three.ceiling
    assert three.perfect.value == pytest.approx(perfect(4 / 6, 3))


def test_trainings_are_averaged_by_their_noise():
    """Half of the networks trained once and half twice: the noise is 3/4 of that of one training."""
    pairs = [(0.2, 0.3), (0.4, 0.2), (0.6, 0.6), (0.8, 0.9)]
    noise = noise_of([*pairs, *([0.1 * i] for i in range(4))], 0)
    assert noise.perfect.value == pytest.approx(perfect(4 / 6, 4 / 3))


@pytest.mark.filterwarnings("error")
def test_equal_trainings_have_no_order():
    noise = noise_of([(0.5, 0.5)] * 4, 0)
    assert math.isnan(noise.ceiling.value)
    assert math.isnan(noise.perfect.value)


@pytest.mark.parametrize(("ceiling", "expected"), [(1.0, 1.0), (0.0, 0.0), (-0.5, 0.0), (1 / 3, 0.5)])
def test_a_perfect_order_by_hand(ceiling, expected):
    """A ceiling of 1/3 is a correlation of 1/2, its root 2^-1/2, which is a tau of 1/2."""
    assert perfect(ceiling, 1) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("trainings", "noise"), [(1, 0.6), (2, 1.0), (4, 1.5)])
def test_a_perfect_order_by_simulation(trainings, noise):
    rng = np.random.default_rng(0)
    true = rng.standard_normal(6000)
    measured = true[:, None] + noise * rng.standard_normal((6000, max(trainings, 2)))
    ceiling = kendalltau(measured[:, 0], measured[:, 1])[0]
    found = kendalltau(true, measured[:, :trainings].mean(1))[0]
    assert perfect(ceiling, trainings) == pytest.approx(found, abs=0.02)
