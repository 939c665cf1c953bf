"""Spiking neurons: Norse's functional step, run over time in one compiled loop.

The dynamics are Norse's `lif_box_feed_forward_step` (v <- v + (I - v) / tau, spike when v > v_th, hard reset to 0) or
`iaf_feed_forward_step` (v <- v + I) for chips without a leak. `norse_sequence` runs that step eagerly: the oracle.
`sequence` runs the same step inside one `torch.compile`d loop, with bit-equal spikes. For training, the forward loop
keeps the potentials before reset and the gradient is the exact reverse of the same loop, with Norse's surrogate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType
from typing import Any, cast

import torch
from norse.torch.functional.iaf import IAFFeedForwardState, IAFParameters, iaf_feed_forward_step
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters, lif_box_feed_forward_step
from torch import Tensor

from msenas.errors import InputError, unknown
from msenas.phenotype.compiler import compiled
from msenas.phenotype.currents import Current
from msenas.phenotype.spec import NetworkSpec

ALPHA = 1.0
"""Of every surrogate; Norse 1.1.0's `super` ignores its alpha."""
SURROGATES: dict[str, Callable[[Tensor], Tensor]] = {
    "triangle": lambda x: (1 - x.abs()).relu(),
    "super": lambda x: (1 + x.abs()) ** -2,
    "tanh": lambda x: 1 - x.tanh() ** 2,
    "circ": lambda x: (1 + x * x) ** -1.5,
    "heavi_erfc": lambda x: (-x * x).exp() * (2 / math.sqrt(math.pi)),
}
"""Norse's surrogate gradients by name: the slope that stands in for the threshold's, of the distance from it.

They are written down here so that the compiled loop can hold them; Norse's own backward functions are the oracle.
"""


@dataclass(frozen=True)
class Neuron:
    """The constants of a neuron.

    Attributes:
        kind: "lif" or "if".
        tau: membrane time constant in time steps.
        v_th: threshold.
        surrogate: key of SURROGATES, used only for gradients.
    """

    kind: str = "lif"
    tau: float = 2.0
    v_th: float = 0.5
    surrogate: str = "triangle"

    def __post_init__(self) -> None:
        if self.surrogate not in SURROGATES:
            raise InputError(unknown("surrogate", self.surrogate, SURROGATES))

    @classmethod
    def of(cls, spec: NetworkSpec, surrogate: str = "triangle") -> Neuron:
        """The neuron that a network's spec asks for."""
        return cls(spec.neuron, spec.tau, spec.v_th, surrogate)

    @property
    def gain(self) -> float:
        """D v / d I of one step."""
        return 1.0 / self.tau if self.kind == "lif" else 1.0

    @property
    def keep(self) -> float:
        """D v[t] / d v[t-1] of one step without reset."""
        return 1.0 - 1.0 / self.tau if self.kind == "lif" else 1.0


def norse_step(current: Tensor, v: Tensor, neuron: Neuron, method: str = "heaviside") -> tuple[Tensor, Tensor]:
    """One time step of Norse: (spikes, potential after reset), shapes as the current."""
    if neuron.kind == "lif":
        box = LIFBoxParameters(1.0 / neuron.tau, 0.0, neuron.v_th, 0.0, method, ALPHA)
        z, state = lif_box_feed_forward_step(current, LIFBoxFeedForwardState(v), box, dt=1.0)
    else:
        iaf = IAFParameters(neuron.v_th, 0.0, method, ALPHA)
        z, state = iaf_feed_forward_step(current, IAFFeedForwardState(v), iaf, dt=1.0)
    return cast(Tensor, z), cast(Tensor, state.v)


STEPS_AT_ONCE = 4
"""Time steps of one compiled loop; in longer ones, the places in memory that it reads and writes crowd the cache."""

Run = tuple[list[Tensor], Tensor | None]
"""Spikes of each step, and the last potential."""


def norse_sequence(
    current: Current, v: Tensor | None, steps: int, neuron: Neuron, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor | None]:
    """The oracle: Norse's step called once per time step, autograd through Norse's own functions.

    Args:
        current: what the neurons receive, with frames [..., N].
        v: [..., N], potential before the first step; None for neurons at rest whose last potential nobody wants.
        steps: T.
        neuron: constants.
        dtype: of the spikes; None is that of the drive.

    Returns:
        spikes [T, ..., N], potential after the last step [..., N] (None if `v` is).
    """
    method = neuron.surrogate if torch.is_grad_enabled() else "heaviside"
    spikes, last = _run(current, v, steps, neuron, dtype or current.drive.dtype, method)
    return torch.stack(spikes), last


def sequence(
    current: Current, v: Tensor | None, steps: int, neuron: Neuron, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor | None]:
    """The compiled form of `norse_sequence`: same arguments, same spikes, same gradients."""
    if torch.is_grad_enabled():
        before = _rest(current) if v is None else v
        spikes, last = cast(Any, _Sequence).apply(current.summed(before.dtype), before, steps, neuron)
        return spikes if dtype is None else spikes.to(dtype), None if v is None else last
    dtype, potential = dtype or current.drive.dtype, v
    if v is None and steps > STEPS_AT_ONCE:
        potential = _rest(current)
    trains: list[Tensor] = []
    for first in range(0, steps, STEPS_AT_ONCE):
        count = min(STEPS_AT_ONCE, steps - first)
        part = current.part(first, count)
        run = _inference_loop(neuron.kind, neuron.tau, neuron.v_th, count, dtype, part.form, potential is None)
        more, potential = run(part.drive, part.affine, part.inhibition, potential)
        trains += more
    return torch.stack(trains), None if v is None else potential


def _run(
    current: Current, v: Tensor | None, steps: int, neuron: Neuron, dtype: torch.dtype, method: str = "heaviside"
) -> Run:
    """As `norse_sequence`."""
    potential, spikes = _rest(current) if v is None else v, []
    for t in range(steps):
        z, potential = norse_step(current.at(t, steps, potential.dtype), potential, neuron, method)
        spikes.append(z.to(dtype))
    return spikes, None if v is None else potential


def _rest(current: Current) -> Tensor:
    """The potential of neurons at rest [..., N]."""
    return torch.zeros_like(current.drive[0], dtype=torch.float32)


@lru_cache(maxsize=256)
def _inference_loop(
    kind: str, tau: float, v_th: float, steps: int, dtype: torch.dtype, form: tuple[bool, ...], at_rest: bool
) -> Callable[..., Run]:
    """The loop for one kind of call; which tensors come, and which of them for every step, is in the key."""
    del form, at_rest
    neuron = Neuron(kind, tau, v_th)

    def loop(drive: Tensor, affine: Tensor | None, inhibition: Tensor | None, v: Tensor | None) -> Run:
        return _run(Current(drive, affine, inhibition), v, steps, neuron, dtype)

    return compiled(cast(FunctionType, loop))


Loop = Callable[..., tuple[Tensor, ...]]


@lru_cache(maxsize=256)
def _training_loop(kind: str, tau: float, v_th: float, steps: int, frames: int) -> Loop:
    """As the inference loop, but returns the potentials before reset [T, N]."""
    neuron = Neuron(kind, tau, v_th)

    def loop(current: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        spikes, before = [], []
        for t in range(steps):
            held = v
            drive = current[t % frames].to(v.dtype)
            z, v = norse_step(drive, held, neuron)
            before.append(held + neuron.gain * (drive - held) if kind == "lif" else held + drive)
            spikes.append(z.to(current.dtype))
        return torch.stack(spikes), torch.stack(before), v

    return compiled(cast(FunctionType, loop))


@lru_cache(maxsize=256)
def _reverse_loop(neuron: Neuron, steps: int, dtype: torch.dtype) -> Loop:
    """The time-reversed sweep: gradients of spikes and last potential to gradients of current and first potential."""
    slope = SURROGATES[neuron.surrogate]

    def loop(before: Tensor, grad_z: Tensor, grad_v: Tensor) -> tuple[Tensor, Tensor]:
        grads = []
        for t in range(steps - 1, -1, -1):
            v = before[t]
            z = (v > neuron.v_th).to(v.dtype)
            grad = (grad_z[t].to(v.dtype) - grad_v * v) * slope(v - neuron.v_th) + grad_v * (1 - z)
            grads.append((grad * neuron.gain).to(dtype))
            grad_v = grad * neuron.keep
        return torch.stack(grads[::-1]), grad_v

    return compiled(cast(FunctionType, loop))


class _Sequence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, current: Tensor, v: Tensor, steps: int, neuron: Neuron) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        loop = _training_loop(neuron.kind, neuron.tau, neuron.v_th, steps, current.shape[0])
        spikes, before, v_last = cast(Any, loop)(current, v)
        ctx.save_for_backward(before)
        ctx.neuron, ctx.steps, ctx.frames, ctx.dtype = neuron, steps, current.shape[0], current.dtype
        return spikes, v_last

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:  # noqa: ANN401
        (before,) = ctx.saved_tensors
        # A current that stays the same gets the sum over time, which is rounded once.
        dtype = before.dtype if ctx.frames == 1 else ctx.dtype
        grad_current, grad_v = _reverse_loop(ctx.neuron, ctx.steps, dtype)(before, *grads)
        if ctx.frames == 1:
            grad_current = grad_current.sum(0, keepdim=True).to(ctx.dtype)
        return grad_current, grad_v, None, None
