"""The affine form of batch normalisation against torch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from msenas.phenotype.norm import affine, moments


@pytest.mark.parametrize(
    "shape", [(1, 4, 1, 1), (3, 1, 5, 7), (8, 4, 8, 8), (2, 16, 9, 5), (5, 48, 4, 4), (70, 64, 1, 1)]
)
def test_moments_equal_those_in_float64(shape):
    current = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 3 + 5
    current = current.contiguous(memory_format=torch.channels_last)
    mean, variance = moments(current)
    exact = current.double()
    assert torch.allclose(mean.double(), exact.mean((0, 2, 3)), rtol=1e-6)
    assert torch.allclose(variance.double(), exact.var((0, 2, 3), unbiased=False), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_affine_normalises_as_torch_does(training):
    current = torch.randn(6, 8, 5, 5, generator=torch.Generator().manual_seed(2)) * 2 + 1
    ours, theirs = nn.BatchNorm2d(8).train(training), nn.BatchNorm2d(8).train(training)
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(torch.linspace(0.5, 2, 8))
            norm.bias.copy_(torch.linspace(-1, 1, 8))
            norm.running_mean.fill_(0.3)
            norm.running_var.fill_(1.7)
        scale, shift = affine(ours, current)
        expected = theirs(current)
    assert torch.allclose(current * scale[:, None, None] + shift[:, None, None], expected, atol=1e-5)
    assert torch.allclose(ours.running_mean, theirs.running_mean, atol=1e-6)
    assert torch.allclose(ours.running_var, theirs.running_var, atol=1e-5)
