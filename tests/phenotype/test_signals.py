"""Sums over windows."""

from __future__ import annotations

import torch

from msenas.phenotype.signals import pooled


def test_windows_that_reach_over_the_edge_are_left_out():
    maps = torch.arange(15, dtype=torch.float32).view(1, 1, 3, 5)
    assert pooled(maps, 2).tolist() == [[[[0 + 1 + 5 + 6, 2 + 3 + 7 + 8]]]]
    assert pooled(maps, 1) is maps


def test_bytes_do_not_overflow():
    assert pooled(torch.full((1, 1, 4, 4), 255, dtype=torch.uint8), 4).tolist() == [[[[16 * 255.0]]]]
