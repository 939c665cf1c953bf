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


def in_plain_order(current: torch.Tensor) -> torch.Tensor:
    """Moments with the order of the additions written out: 64 rows of at least 16 columns one after the other."""
    channels = current.shape[1]
    rows = current.permute(0, 2, 3, 1).reshape(-1, max(channels, 16))
    totals = torch.zeros(2, channels, dtype=torch.float64)
    for piece in rows.split(64):
        sums = torch.zeros(2, rows.shape[1])
        for row in piece:
            sums += torch.stack([row, row * row])
        totals += sums.double().view(2, -1, channels).sum(1)
    mean, square = totals / (current.numel() // channels)
    return torch.stack([mean, square - mean * mean]).float()


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_additions_is_fixed_whatever_was_compiled_before(order):
    shapes = [(2, 16, 8, 8), (5, 4, 4, 4), (16, 16, 2, 2), (1, 64, 8, 8), (3, 32, 16, 16)][::order]
    torch._dynamo.reset()
    for shape in shapes:
        current = torch.randn(shape, generator=torch.Generator().manual_seed(shape[1]))
        current = current.contiguous(memory_format=torch.channels_last)
        assert torch.equal(moments(current), in_plain_order(current))


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
