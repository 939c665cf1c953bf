import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.data.splits import divide
from msenas.errors import DataError

NAMES = ("a", "b", "c")


@given(
    counts=st.lists(st.integers(3, 40), min_size=2, max_size=3),
    seed=st.integers(0, 2**32),
    official=st.booleans(),
)
def test_every_row_is_in_one_split_and_every_class_in_each(counts, seed, official):
    labels = np.repeat(np.arange(len(counts)), counts)
    is_test = np.isin(np.arange(len(labels)), np.cumsum(counts) - 1) if official else None
    division = divide(labels, NAMES[: len(counts)], seed, is_test)
    parts = (division.train, division.val, division.test)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    assert all(set(labels[part]) == set(range(len(counts))) for part in parts)


def test_a_tenth_of_each_class_is_held_out_of_the_official_train_split():
    labels = np.tile(np.arange(2), 60)
    is_test = np.arange(120) >= 100
    division = divide(labels, NAMES[:2], 0, is_test)
    assert list(division.test) == list(range(100, 120))
    assert np.bincount(labels[division.val]).tolist() == [5, 5]


def test_the_seed_decides_and_its_choice_is_pinned():
    labels = np.repeat([0, 1], 10)
    assert divide(labels, NAMES[:2], 0).val.tolist() == [0, 14]
    assert divide(labels, NAMES[:2], 0).val.tolist() == divide(labels, NAMES[:2], 0).val.tolist()
    assert len({tuple(divide(labels, NAMES[:2], seed).val) for seed in range(10)}) > 1


@given(st.lists(st.integers(3, 6), min_size=2, max_size=3), st.integers(0, 99))
def test_windows_of_one_recording_stay_together(recordings_per_class, seed):
    labels, recordings = [], []
    for label, count in enumerate(recordings_per_class):
        for _ in range(count):
            recordings += [len(set(recordings))] * 5
            labels += [label] * 5
    recordings = np.array(recordings)
    division = divide(np.array(labels), NAMES[: len(recordings_per_class)], seed, recordings=recordings)
    parts = [set(recordings[part]) for part in (division.train, division.val, division.test)]
    assert len(set.union(*parts)) == sum(map(len, parts)) == len(set(recordings))


def test_a_class_of_few_recordings_gives_its_last_windows_and_is_named():
    labels = np.repeat([0, 1], 20)
    division = divide(labels, NAMES[:2], 0, recordings=labels)
    assert division.test.tolist() == [18, 19, 38, 39]
    assert division.val.tolist() == [16, 17, 36, 37]
    assert division.rule.endswith("; the last windows in time where a class has fewer than 3 recordings (a, b)")


@pytest.mark.parametrize(
    ("labels", "names", "reason"),
    [
        ([0, 0, 0], ("a",), "one class only"),
        ([0, 0, 0, 1, 1], ("a", "b"), "class 'b' has 2"),
        ([0, 0, 0, 1, 1, 1], ("a", "b", "c"), "class 'c' has 0"),
    ],
)
def test_too_little_to_split_is_named(labels, names, reason):
    with pytest.raises(DataError, match=reason):
        divide(np.array(labels), names, 0)


def test_an_empty_test_split_is_an_error():
    with pytest.raises(DataError, match="test split is empty"):
        divide(np.array([0, 0, 1, 1]), ("a", "b"), 0, np.zeros(4, bool))
