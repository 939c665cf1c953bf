"""Noise of growing strength: on the inputs, on the spikes, on the weights.

Every noise takes a network with its data and gives one that suffers from it. The random numbers depend on the seed and
on the batch but not on the strength, so the points of a curve differ by the strength alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from msenas.errors import SHOWN, InputError, unknown
from msenas.evaluation.deployed import Deployed
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan


@dataclass(frozen=True)
class Noise:
    """One kind of noise.

    Attributes:
        apply: the network and its data under a strength of it.
        strengths: that are tried, from the mildest.
        axis: what a strength is, in words.
        images_only: whether it has no meaning for event frames.
    """

    apply: Callable[[Deployed, float], Deployed]
    strengths: tuple[float, ...]
    axis: str
    images_only: bool = False


def gaussian(deployed: Deployed, strength: float) -> Deployed:
    """Normal noise on images, in standard deviations of the training pixels of each channel.

    The spiking codes want brightness in 0..1, so for them the noisy image is clipped to it.
    """
    scale = strength * torch.tensor(deployed.dataset.std)[:, None, None]
    clipped = deployed.network.plan.spec.encoding != "direct"

    def disturb(inputs: Tensor, generator: torch.Generator) -> Tensor:
        noisy = inputs + scale * torch.randn(inputs.shape, generator=generator)
        return noisy.clamp(0, 1) if clipped else noisy

    return replace(deployed, disturb=disturb)


def salt(deployed: Deployed, share: float) -> Deployed:
    """A share of the pixels turned black or white, in all channels; of the cells of event frames, to 0 or 1 events."""
    images = deployed.dataset.kind == "image"

    def disturb(inputs: Tensor, generator: torch.Generator) -> Tensor:
        shape = (len(inputs), 1, *inputs.shape[2:]) if images else tuple(inputs.shape)
        hit = torch.rand(shape, generator=generator) < share
        value = (torch.rand(shape, generator=generator) < 0.5).to(inputs.dtype)
        return torch.where(hit, value, inputs)

    return replace(deployed, disturb=disturb)


class LossyNetwork(Network):
    """A network that loses spikes on the way: neurons fire and are reset, but a share of the spikes is never sent.

    Args:
        plan: the structure.
        share: probability of each spike to be lost.
        generator: draws which; its state goes on from pass to pass.
    """

    def __init__(self, plan: Plan, share: float, generator: torch.Generator) -> None:
        super().__init__(plan)
        self.share, self.generator = share, generator

    def sent(self, spikes: Tensor) -> Tensor:
        """The spikes [T*B, C, H, W] that are not lost."""
        drawn = torch.empty_like(spikes, dtype=torch.float32).uniform_(generator=self.generator)
        return spikes * (drawn >= self.share)


def drop_spikes(deployed: Deployed, share: float) -> Deployed:
    """A share of the spikes of every population is lost; those of a coded input are not."""
    return deployed.with_network(LossyNetwork(deployed.network.plan, share, deployed.generator()))


def quantised_weights(deployed: Deployed, bits: float) -> Deployed:
    """Weights of synapses and read-out rounded to some bits, with one scale for each output channel.

    The normalisation that follows scales whole channels, so rounding after it was folded in gives the same network.
    """
    found = deployed.with_network(Network(deployed.network.plan))
    with torch.no_grad():
        for weight in (*found.network.weights, found.network.readout.weight):
            weight.copy_(quantised(weight, int(bits)))
    return found


def quantised(weight: Tensor, bits: int) -> Tensor:
    """A weight [C_out, ...] on 2 ** bits - 1 levels around 0, evenly up to the largest of each output channel."""
    largest = weight.abs().flatten(1).amax(1).view(-1, *(1,) * (weight.dim() - 1))
    step = largest / (2 ** (bits - 1) - 1)
    return torch.where(step > 0, torch.round(weight / step) * step, torch.zeros_like(weight))


NOISES: dict[str, Noise] = {
    "gaussian": Noise(gaussian, (0.25, 0.5, 1.0, 2.0), "standard deviations of the pixels", images_only=True),
    "salt": Noise(salt, (0.02, 0.05, 0.1, 0.2), "share of black or white pixels"),
    "drop-spikes": Noise(drop_spikes, (0.05, 0.1, 0.2, 0.4), "share of lost spikes"),
    "weights-Nbit": Noise(quantised_weights, (8, 6, 5, 4, 3, 2), "bits of a weight"),
}
WEIGHTS = "weights-Nbit"
FEWEST_BITS, MOST_BITS = 2, 16


def chosen_noises(text: str) -> dict[str, Noise]:
    """Noises from a list such as "gaussian,weights-4bit"; a number of bits ends the strengths there.

    Raises:
        InputError: A name is unknown or there twice, the bits are out of range, or there is no name.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names or len(set(names)) < len(names):
        raise InputError(f"--noise needs different kinds of {', '.join(NOISES)}; not {text[:SHOWN]!r}")
    return {name: _noise(name) for name in names}


def check_noises(deployed: Deployed, noises: Mapping[str, Noise]) -> None:
    """Refuse noise on images where there are none.

    Raises:
        InputError: The data are events.
    """
    for name, noise in noises.items():
        if noise.images_only and deployed.dataset.kind == "events":
            fitting = [other for other, one in NOISES.items() if not one.images_only]
            raise InputError(f"{name} noise is for images, not for event frames; these take {', '.join(fitting)}")


def rounds(noises: Iterable[Noise]) -> int:
    """How often the samples are run for all strengths."""
    return sum(len(noise.strengths) for noise in noises)


def _noise(name: str) -> Noise:
    bits = re.fullmatch(r"weights-([0-9]{1,3})bit", name)
    if bits is None:
        if name not in NOISES:
            raise InputError(unknown("noise", name, NOISES))
        return NOISES[name]
    least = int(bits[1])
    if not FEWEST_BITS <= least <= MOST_BITS:
        raise InputError(f"--noise {name}: weights are rounded to {FEWEST_BITS} to {MOST_BITS} bits")
    whole = NOISES[WEIGHTS]
    return replace(whole, strengths=(*(s for s in whole.strengths if s > least), least))
