"""Synflow (Tanaka et al. 2020, arXiv 2006.05467) on a Plan.

Every weight is replaced by its absolute value, neurons and normalisation by the identity, the input by ones, and the
score is sum of theta dR/dtheta with R the sum of the outputs. Delayed synapses carry nothing in the single step.
The result is given as its logarithm, since the product over layers leaves the range of floats.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan
from msenas.phenotype.signals import pooled


def synflow(network: Network) -> float:
    """Log of the synaptic flow of a network; its weights are left as they are."""
    plan = network.plan
    weights = [w.detach().double().abs().requires_grad_() for w in network.weights]
    readout = network.readout.weight.detach().double().abs().requires_grad_()
    with torch.enable_grad():
        flow = _flow(plan, weights, readout)
        gradients = torch.autograd.grad(flow, [*weights, readout], allow_unused=True)
    total = sum(
        float((w.detach() * g).sum()) for w, g in zip([*weights, readout], gradients, strict=True) if g is not None
    )
    return math.log(total) if total > 0 else -math.inf


def _flow(plan: Plan, weights: list[Tensor], readout: Tensor) -> Tensor:
    """Sum of the outputs of the linear network for an input of ones."""
    signals: dict[str, Tensor] = {
        INPUT: torch.ones(1, *plan.spec.input_shape, dtype=torch.float64, device=readout.device)
    }
    for name in (n for block in plan.schedule for n in block.populations):
        total: Tensor | None = None
        for synapse, weight in zip(plan.synapses, weights, strict=True):
            if synapse.target != name or synapse.delayed:
                continue
            merged = torch.stack([signals[source] for source in synapse.sources]).sum(0)
            part = F.conv2d(pooled(merged, synapse.pool), weight, stride=synapse.stride, padding=synapse.padding)
            total = part if total is None else total + part
        assert total is not None
        signals[name] = total
    averaged = torch.stack([signals[name] for name in plan.readout]).sum(0).mean((2, 3))
    return F.linear(averaged, readout).sum()
