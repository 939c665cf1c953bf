"""Short trainings: as many steps as were asked for, from the samples that there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from msenas.learning.feed import Feed
from msenas.learning.short import ShortTraining, usual_steps
from tests.conftest import small_spec
from tests.learning.small import dataset, standard


@pytest.mark.parametrize(
    ("samples", "steps", "epochs", "used"),
    [(640, 10, 1, 640), (640, 6, 1, 384), (640, 11, 2, 384), (700, 20, 2, 640), (30, 5, 5, 30)],
)
def test_steps_make_epochs_of_equal_length(samples, steps, epochs, used):
    whole = dataset(1000)
    data = replace(whole, train=whole.train.some(samples, np.random.default_rng(0)))
    config, part = ShortTraining(data, standard(data), steps)._course(0)
    assert (config.epochs, len(part.train)) == (epochs, used)
    total = config.epochs * Feed(part, small_spec(1), standard(data), config).steps
    assert steps <= total < steps + epochs


@pytest.mark.parametrize(("samples", "steps"), [(30, 4), (640, 40), (3199, 196), (3200, 200), (5000, 200)])
def test_usual_steps_are_few_passes_over_few_samples(samples, steps):
    whole = dataset(72)
    data = replace(whole, train=replace(whole.train, labels=np.zeros(samples, np.int64)))
    assert usual_steps(data) == steps
