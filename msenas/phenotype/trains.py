"""Sums of spike trains."""

from __future__ import annotations

import torch
from torch import Tensor


def summed(trains: Tensor, dim: int) -> Tensor:
    """Sum over a dimension of binary trains [T, n, N], exact, as bytes or float32.

    What is stored in bytes is added eight neurons at a time: no byte of a sum of at most 255 spikes overflows.
    """
    if trains.dtype not in (torch.uint8, torch.bool) or trains.shape[dim] > 255 or trains.shape[2] % 8:
        return trains.float().sum(dim)
    return trains.view(torch.int64).sum(dim).view(torch.uint8)
