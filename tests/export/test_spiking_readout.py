"""Neurons behind the scores: when they fire, and from which threshold on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from export.spiking_readout import BATCH, CANDIDATES, best_threshold, readout_spikes, scores_of
from tests.conftest import motif_plan
from tests.export.networks import frames_for, trained, watch


def test_neurons_add_up_fire_above_the_threshold_and_start_anew():
    scores = np.array([[0.5, -1.0, 1.0], [0.5, 2.0, 0.0], [0.25, 0.5, 1.5]], np.float32)[:, None]
    expected = [[0, 0, 0], [0, 0, 0], [1, 1, 1]]
    assert readout_spikes(scores, 1.0)[:, 0].tolist() == expected, "a potential of the threshold itself does not fire"
    assert readout_spikes(scores, 0.9)[:, 0].tolist() == [[0, 0, 1], [1, 1, 0], [0, 0, 1]]
    assert readout_spikes(scores, 9.0).sum() == 0


def test_the_best_threshold_tells_most_samples_apart():
    # With low thresholds both classes fire in every step, with high ones neither ever does.
    scores = np.tile(np.array([[1.0, 1.6], [1.6, 1.0]], np.float32), (5, 1, 1))
    labels = np.array([1, 0])
    threshold = best_threshold(scores, labels)
    assert (readout_spikes(scores, threshold).sum(0).argmax(1) == labels).all()
    larger = [c * 1.6 for c in CANDIDATES if c * 1.6 > threshold]
    assert all((readout_spikes(scores, t).sum(0).argmax(1) != labels).any() for t in larger)
    assert best_threshold(scores, 1 - labels) != threshold


def test_without_a_score_there_is_still_a_threshold():
    assert best_threshold(np.zeros((3, 2, 4), np.float32), np.zeros(2, np.int64)) == CANDIDATES[-1]


@pytest.mark.parametrize("training", [False, True])
def test_scores_are_those_in_inference_whatever_the_mode_and_the_number_of_samples(training):
    plan = motif_plan("FE")
    network = trained(plan)
    frames = frames_for(plan, BATCH + 1)
    expected, _ = watch(network, frames)
    network.train(training)
    scores = scores_of(network, torch.from_numpy(frames))
    assert network.training == training
    assert scores.shape == (3, BATCH + 1, 3)
    np.testing.assert_allclose(scores.mean(0), expected, atol=1e-6)
