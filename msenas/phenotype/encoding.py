"""How inputs become the frames that a network sees, through Norse's encoders.

An image in 0..1 [B, C, H, W] becomes
- direct: one analog frame, standardised per channel, shown in every time step ([1, B, C, H, W]);
- poisson: spikes with probability equal to the intensity, in each of T steps;
- latency: one spike per pixel, the earlier the brighter.
Event frames [B, T, C, H, W] are counts already and are fed as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from norse.torch.functional.encode import poisson_encode, spike_latency_lif_encode
from norse.torch.functional.lif import LIFParameters
from torch import Tensor

from msenas.errors import DataError, InputError, unknown
from msenas.phenotype.spec import NetworkSpec

FIRST_SPIKE_MARGIN = 0.95
"""Latency code: a pixel this bright (of 1) fires in the first time step."""


@dataclass(frozen=True)
class Standard:
    """Mean and standard deviation per channel of the training images (values 0..1); used by the direct code."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def encode(inputs: Tensor, spec: NetworkSpec, standard: Standard, generator: torch.Generator) -> Tensor:
    """Frames [T, B, C, H, W], or [1, B, C, H, W] for a static input.

    Args:
        inputs: images [B, C, H, W] in 0..1, or event counts [B, T, C, H, W].
        spec: names the encoding and T.
        standard: statistics of the training split.
        generator: source of the Poisson code's randomness, on the CPU.

    Raises:
        DataError: The inputs have not the shape that the spec asks for.
        InputError: The encoding is unknown.
    """
    try:
        encoder = ENCODERS[spec.encoding]
    except KeyError:
        raise InputError(unknown("encoding", spec.encoding, ENCODERS)) from None
    expected: tuple[int, ...] = spec.input_shape
    if spec.encoding == "events":
        expected = (spec.steps, *expected)
    if tuple(inputs.shape[1:]) != expected:
        found = "x".join(map(str, inputs.shape[1:]))
        raise DataError(
            f"{spec.encoding} input has samples of {found}, the network wants {'x'.join(map(str, expected))}"
        )
    return encoder(inputs.float(), spec, standard, generator)


def _direct(inputs: Tensor, spec: NetworkSpec, standard: Standard, generator: torch.Generator) -> Tensor:
    return standardise(inputs, standard)[None]


def standardise(images: Tensor, standard: Standard) -> Tensor:
    """Zero mean and unit variance per channel over the training images; shapes [..., C, H, W]."""
    return (images - _per_channel(standard.mean, images)) / _per_channel(standard.std, images)


def _poisson(inputs: Tensor, spec: NetworkSpec, standard: Standard, generator: torch.Generator) -> Tensor:
    return cast(Tensor, poisson_encode(inputs.cpu(), spec.steps, f_max=1.0, dt=1.0, generator=generator)).to(
        inputs.device
    )


def _latency(inputs: Tensor, spec: NetworkSpec, standard: Standard, generator: torch.Generator) -> Tensor:
    """A leaky integrator with tau = T and a threshold that spreads the brightness over the T steps."""
    tau = max(spec.steps, 2)
    p = LIFParameters(tau_mem_inv=torch.as_tensor(1.0 / tau), v_th=torch.as_tensor(FIRST_SPIKE_MARGIN / tau))
    return cast(Tensor, spike_latency_lif_encode(inputs, spec.steps, p=p, dt=1.0))


def _events(inputs: Tensor, spec: NetworkSpec, standard: Standard, generator: torch.Generator) -> Tensor:
    return inputs.transpose(0, 1)


def _per_channel(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None, None]


Encoder = Callable[[Tensor, NetworkSpec, Standard, torch.Generator], Tensor]
ENCODERS: dict[str, Encoder] = {
    "direct": _direct,
    "poisson": _poisson,
    "latency": _latency,
    "events": _events,
}
