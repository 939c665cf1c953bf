"""The samples on which networks are trained and compared."""

from __future__ import annotations

import numpy as np
import pytest

from msenas.errors import InputError
from msenas.ranking.config import build_rank_config
from msenas.ranking.data import limited
from msenas.search.prepare import prepare
from tests.ranking.made import SMALL, small_data


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    options = SMALL | {"data": str(small_data(tmp_path_factory.mktemp("data")))}
    return options, prepare(build_rank_config(options).search)


def shares(prepared, **more):
    options, whole = prepared
    return limited(whole, build_rank_config(options | more)).dataset


def test_without_numbers_all_are_used(prepared):
    found, whole = shares(prepared), prepared[1].dataset
    assert np.array_equal(found.train.rows, whole.train.rows)
    assert np.array_equal(found.val.rows, whole.val.rows)


def test_samples_that_are_not_used_are_judged_on(prepared):
    whole = prepared[1].dataset
    found = shares(prepared, samples=40, judged=len(whole.val) + 20)
    assert (len(found.train), len(found.val)) == (40, len(whole.val) + 20)
    assert set(whole.val.rows) < set(found.val.rows) <= set(whole.val.rows) | set(whole.train.rows)
    assert not set(found.train.rows) & set(found.val.rows)
    assert len(set(found.val.rows)) == len(found.val)
    at = {
        int(row): int(label)
        for split in (whole.train, whole.val)
        for row, label in zip(split.rows, split.labels, strict=True)
    }
    assert [at[int(row)] for row in found.val.rows] == found.val.labels.tolist()
    counts = np.bincount(found.train.labels)
    assert counts.max() - counts.min() <= 1, "balanced"


def test_fewer_may_be_judged_on(prepared):
    whole = prepared[1].dataset
    found = shares(prepared, judged=5)
    assert len(found.val) == 5
    assert set(found.val.rows) < set(whole.val.rows)
    assert np.array_equal(found.train.rows, whole.train.rows)


def test_the_test_split_is_left_alone(prepared):
    whole = prepared[1].dataset
    found = shares(prepared, samples=40, judged=len(whole.val) + len(whole.train) - 40)
    assert not set(whole.test.rows) & set(found.val.rows)


def test_a_fitness_that_trains_is_judged_on_samples_of_its_own(prepared):
    options, whole = prepared
    found = limited(whole, build_rank_config(options | {"samples": 40}))
    own = found.evaluator.school.dataset
    assert np.array_equal(own.train.rows, found.dataset.train.rows)
    assert len(own.val) == len(whole.dataset.val)
    assert set(own.val.rows) <= set(whole.dataset.train.rows) - set(found.dataset.train.rows)
    assert not set(own.val.rows) & set(found.dataset.val.rows)
    assert found.evaluator.probe is whole.evaluator.probe


def test_its_usual_steps_are_those_of_the_samples_that_are_used(prepared):
    options, whole = prepared
    unasked = {name: value for name, value in options.items() if name != "train_steps"}
    found = limited(whole, build_rank_config(unasked | {"samples": 10}))
    assert (found.evaluator.school.steps, whole.evaluator.school.steps) == (4, 1)
    assert (found.config.train_steps, whole.config.train_steps) == (4, 1)


@pytest.mark.parametrize("samples", [None, "all but a few"])
def test_where_none_are_left_it_is_judged_on_the_same(prepared, samples):
    options, whole = prepared
    used = None if samples is None else len(whole.dataset.train) - len(whole.dataset.val) + 1
    found = limited(whole, build_rank_config(options | {"samples": used}))
    assert np.array_equal(found.evaluator.school.dataset.val.rows, found.dataset.val.rows)


@pytest.mark.parametrize(("samples", "left"), [(None, 0), (40, -40)])
def test_more_than_there_are_is_refused(prepared, samples, left):
    whole = prepared[1].dataset
    most = len(whole.val) + (0 if samples is None else len(whole.train) + left)
    with pytest.raises(InputError, match=f"judged must be at most {most} "):
        shares(prepared, samples=samples, judged=most + 1)
