"""How many samples a network gets right, and its loss on them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from msenas.learning.parallel import ALONE, Group
from msenas.phenotype.network import Network


@torch.no_grad()
def accuracy_and_loss(
    network: Network, batches: Iterable[tuple[Tensor, np.ndarray]], device: torch.device, group: Group = ALONE
) -> tuple[float, float]:
    """Share of samples whose largest score is at their label, and mean cross-entropy; a group shares the batches."""
    network.eval()
    right = total = 0
    loss = 0.0
    for frames, labels in group.own_batches(batches):
        scores, wanted = network(frames.to(device)), torch.from_numpy(labels).to(device)
        right += int((scores.argmax(1) == wanted).sum())
        loss += float(F.cross_entropy(scores, wanted.long(), reduction="sum"))
        total += len(labels)
    sums = group.total(torch.tensor([right, loss, total], dtype=torch.float64)).tolist()
    return float(sums[0] / sums[2]), float(sums[1] / sums[2])
