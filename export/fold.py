"""The numbers of a trained network with normalisation, signs and the gain of neurons folded in.

A neuron of the trained network takes v <- v + (I - v) / tau with I = BN(sum of excitatory convolutions) - sum of
|W| * inhibitory spikes. BN is an affine map per channel, so with g = its scale / tau every excitatory synapse of a
population gets the weights g * W, one of them the shift / tau as its bias, and inhibitory ones get -|W| / tau;
neurons then follow v <- (1 - 1/tau) v + I. All is computed in float64 and rounded to float32 once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.graph import Affine, Conv, Floats
from export.single import single
from msenas.errors import InputError
from msenas.phenotype.plan import Plan, Synapse

EPS = 1e-5
"""Added to the variance by the batch normalisation of the torch network (the default of torch)."""

Tensors = Mapping[str, NDArray[Any]]


class Fold:
    """The numbers of a network with normalisation, sign and gain folded in."""

    def __init__(self, plan: Plan, tensors: Tensors) -> None:
        self.plan, self.tensors = plan, tensors
        self.gain = 1.0 / plan.spec.tau if plan.spec.neuron == "lif" else 1.0
        self.index = {synapse: i for i, synapse in enumerate(plan.synapses)}

    def tensor(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """One tensor in float64."""
        if name not in self.tensors:
            raise InputError(f"the weights have no {name}")
        value = np.asarray(self.tensors[name])
        if value.shape != shape:
            raise InputError(f"{name} of the weights has shape {list(value.shape)}, the network {list(shape)}")
        value = value.astype(np.float64)
        if not np.isfinite(value).all():
            raise InputError(f"{name} of the weights holds a number that is not finite")
        return value

    def norm(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scale and shift [C] of a population's normalisation, gain of the neuron included."""
        channels, key = self.plan.by_name[name].channels, f"norms.{name.replace('.', '_')}"
        weight, bias, mean, variance = (
            self.tensor(f"{key}.{part}", (channels,)) for part in ("weight", "bias", "running_mean", "running_var")
        )
        if (variance < 0).any():
            raise InputError(f"{key}.running_var of the weights holds a negative variance")
        scale = weight / np.sqrt(variance + EPS)
        return scale * self.gain, (bias - mean * scale) * self.gain

    def conv(self, synapse: Synapse, biased: bool, name: str) -> Conv:
        """The convolution of a synapse; with the shift of its population if it is `biased`."""
        plan, target = self.plan, self.plan.by_name[synapse.target]
        shape = (target.channels, plan.source_channels(synapse), synapse.kernel, synapse.kernel)
        stored = f"weights.{self.index[synapse]}"
        weight, bias = self.tensor(stored, shape), np.zeros(target.channels)
        if synapse.inhibitory:
            weight = -np.abs(weight) * self.gain
        else:
            scale, shift = self.norm(synapse.target)
            weight, bias = weight * scale[:, None, None, None], shift if biased else bias
        folded = _folded(weight, stored)
        if synapse.inhibitory and not (folded <= 0).all():
            raise InputError(f"{stored} of the weights excites where it must inhibit")
        return Conv(
            name,
            folded,
            _folded(bias, f"the shift of {synapse.target}"),
            synapse.stride,
            synapse.padding,
            plan.read_shape(synapse),
            synapse.inhibitory,
            synapse.delayed,
        )

    def affine(self, name: str) -> Affine:
        """The read-out of spikes summed over the map."""
        heard = self.plan.by_name[self.plan.readout[0]]
        weight = self.tensor("readout.weight", (self.plan.spec.classes, heard.channels))
        bias = self.tensor("readout.bias", (self.plan.spec.classes,))
        positions = heard.height * heard.width
        return Affine(name, _folded(weight / positions, "readout.weight"), _folded(bias, "readout.bias"))


def _folded(value: NDArray[np.float64], what: str) -> Floats:
    return single(value, f"{what} leaves the range of float32 when normalisation is folded in")
