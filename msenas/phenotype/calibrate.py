"""Running statistics of the batch norms of a network, estimated anew from samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from msenas.phenotype.network import Network


@torch.no_grad()
def calibrate(network: Network, batches: Iterable[Tensor]) -> None:
    """Replace the running statistics by their mean over the batches; leaves the network in inference mode.

    Within a cycle every time step counts as a batch of its own, as it does in training.

    Args:
        network: changed in place.
        batches: frames [T, B, C, H, W], or [1, B, C, H, W] for a static input.
    """
    norms = [cast(nn.BatchNorm2d, norm) for norm in network.norms.values()]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    network.train()
    for frames in batches:
        network(frames)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()
