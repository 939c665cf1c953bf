"""Accuracies of scores that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.evaluation.accuracy import judge


def scores_for(order, classes):
    """Scores in which the classes of `order` are the best ones, in this order."""
    row = np.zeros(classes, np.float32)
    for place, label in enumerate(order):
        row[label] = len(order) - place
    return row


def test_three_samples_by_hand():
    scores = np.stack([scores_for([2, 0], 3), scores_for([1], 3), scores_for([0, 1, 2], 3)])
    found = judge(scores, np.array([2, 2, 0]))
    assert found.top1 == pytest.approx(2 / 3)
    assert found.top5 is None, "every answer is among the best five of three classes"
    assert found.confusion.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 1]]
    assert (found.samples, found.right) == (3, 2)
    assert found.by_class == (1.0, None, 0.5)
    assert [found.taken_for(label) for label in range(3)] == [None, None, (1, 1)]


@pytest.mark.parametrize(("place", "top1", "top5"), [(0, 1, 1), (1, 0, 1), (4, 0, 1), (5, 0, 0), (6, 0, 0)])
def test_the_fifth_best_class_counts_and_the_sixth_does_not(place, top1, top5):
    order = [6, 5, 4, 3, 2, 1, 0]
    found = judge(scores_for(order, 7)[None], np.array([order[place]]))
    assert (found.top1, found.top5) == (top1, top5)


def test_of_equal_scores_the_first_class_wins():
    found = judge(np.zeros((7, 7), np.float32), np.arange(7))
    assert found.top1 == pytest.approx(1 / 7)
    assert found.top5 == pytest.approx(5 / 7)
    assert found.confusion[:, 0].tolist() == [1] * 7


def test_a_network_without_numbers_finds_only_the_first_class():
    found = judge(np.full((6, 6), np.nan, np.float32), np.arange(6))
    assert found.right == 1


@given(st.integers(2, 12), st.integers(1, 40), st.integers(0, 2**32))
def test_laws(classes, samples, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, (samples, classes)).astype(np.float32)
    labels = rng.integers(0, classes, samples)
    found = judge(scores, labels)
    assert found.confusion.sum(1).tolist() == np.bincount(labels, minlength=classes).tolist()
    assert found.confusion.sum(0).tolist() == np.bincount(scores.argmax(1), minlength=classes).tolist()
    assert found.top1 == (scores.argmax(1) == labels).mean()
    assert (found.top5 is None) == (classes <= 5)
    assert found.top5 is None or found.top1 <= found.top5 <= 1
    there = np.bincount(labels, minlength=classes)
    shares = [0.0 if share is None else share for share in found.by_class]
    assert np.dot(shares, there) / samples == pytest.approx(found.top1)
