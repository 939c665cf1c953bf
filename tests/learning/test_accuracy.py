"""Accuracy and loss, by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from msenas.learning.accuracy import accuracy_and_loss


def test_accuracy_is_a_share_of_the_samples_and_the_loss_a_mean_over_them():
    class Constant(nn.Module):
        def forward(self, frames):
            return torch.eye(3)[[1] * frames.shape[1]]

    batches = [
        (torch.zeros(1, 3, 1, 8, 8), torch.tensor([1, 1, 0]).numpy()),
        (torch.zeros(1, 1, 1, 8, 8), torch.tensor([2]).numpy()),
    ]
    right, wrong = math.log(2 + math.e) - 1, math.log(2 + math.e)
    assert accuracy_and_loss(Constant(), batches, torch.device("cpu")) == (0.5, pytest.approx((right + wrong) / 2))
