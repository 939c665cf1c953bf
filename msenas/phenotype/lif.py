"""Spiking neurons: Norse's functional step, run over time in one compiled loop.

The dynamics are Norse's `lif_box_feed_forward_step` (v <- v + (I - v) / tau, spike when v > v_th, hard reset to 0) or
`iaf_feed_forward_step` (v <- v + I) for chips without a leak. `norse_sequence` runs that step eagerly: the oracle.
`sequence` runs the same step inside one `torch.compile`d loop, with bit-equal spikes. For training, the forward loop
keeps the potentials before reset and the gradient is the exact reverse of the same loop, with Norse's surrogate.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType
from typing import Any, cast

import torch
from norse.torch.functional.iaf import IAFFeedForwardState, IAFParameters, iaf_feed_forward_step
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters, lif_box_feed_forward_step
from norse.torch.functional.threshold import threshold
from torch import Tensor

from msenas.errors import InputError, unknown
from msenas.phenotype.spec import NetworkSpec

SURROGATES: dict[str, float] = {"triangle": 1.0, "super": 1.0, "tanh": 1.0, "circ": 1.0, "heavi_erfc": 1.0}
"""Surrogate gradients of Norse by name, with the alpha used here; Norse 1.1.0's `super` ignores its alpha."""


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
    alpha = SURROGATES.get(method, 1.0)
    if neuron.kind == "lif":
        box = LIFBoxParameters(1.0 / neuron.tau, 0.0, neuron.v_th, 0.0, method, alpha)
        z, state = lif_box_feed_forward_step(current, LIFBoxFeedForwardState(v), box, dt=1.0)
    else:
        iaf = IAFParameters(neuron.v_th, 0.0, method, alpha)
        z, state = iaf_feed_forward_step(current, IAFFeedForwardState(v), iaf, dt=1.0)
    return cast(Tensor, z), cast(Tensor, state.v)


SHAPE_VARIANTS = 64
"""Variants of a loop that are compiled (sizes of 1 and equal sizes make new ones); further ones run uncompiled."""

Affine = tuple[Tensor, Tensor]
"""Scale and shift of a current, broadcast against its last dimension."""


def norse_sequence(
    current: Tensor,
    v: Tensor,
    steps: int,
    neuron: Neuron,
    dtype: torch.dtype | None = None,
    affine: Affine | None = None,
    inhibition: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The oracle: Norse's step called once per time step, autograd through Norse's own functions.

    The neurons receive current * scale + shift + inhibition.

    Args:
        current: [T, ...], or [1, ...] for a current that is the same in every step.
        v: [...], potential before the first step.
        steps: T.
        neuron: constants.
        dtype: of the spikes; None is that of the current.
        affine: scale and shift of the current; None leaves it as it is.
        inhibition: added after the affine map, [T, ...] or [1, ...].

    Returns:
        spikes [T, ...], potential after the last step [...].
    """
    method = neuron.surrogate if torch.is_grad_enabled() else "heaviside"
    spikes = []
    for t in range(steps):
        z, v = norse_step(_drive(t, current, v, affine, inhibition), v, neuron, method)
        spikes.append(z.to(dtype or current.dtype))
    return torch.stack(spikes), v


def sequence(
    current: Tensor,
    v: Tensor,
    steps: int,
    neuron: Neuron,
    dtype: torch.dtype | None = None,
    affine: Affine | None = None,
    inhibition: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The compiled form of `norse_sequence`: same arguments, same spikes, same gradients."""
    if torch.is_grad_enabled():
        if affine is not None or inhibition is not None:
            count = max(current.shape[0], 1 if inhibition is None else inhibition.shape[0])
            drive = [_drive(t, current, v, affine, inhibition) for t in range(count)]
            current = torch.stack(drive).to(current.dtype)
        spikes, v_last = cast(Any, _Sequence).apply(current, v, steps, neuron)
        return spikes if dtype is None else spikes.to(dtype), v_last
    frames = current.shape[0], 0 if inhibition is None else inhibition.shape[0]
    run = _inference_loop(neuron.kind, neuron.tau, neuron.v_th, steps, dtype or current.dtype, affine is None, frames)
    spikes, v_last = run(current, v, affine, inhibition)
    return spikes, v_last


def _drive(t: int, current: Tensor, v: Tensor, affine: Affine | None, inhibition: Tensor | None) -> Tensor:
    """What the neurons receive in step t, in the dtype of their potential."""
    drive = current[t % current.shape[0]].to(v.dtype)
    if affine is not None:
        drive = drive * affine[0] + affine[1]
    if inhibition is not None:
        drive = drive + inhibition[t % inhibition.shape[0]].to(v.dtype)
    return drive


Loop = Callable[..., tuple[Tensor, Tensor]]


@lru_cache(maxsize=256)
def _inference_loop(
    kind: str, tau: float, v_th: float, steps: int, dtype: torch.dtype, plain: bool, frames: tuple[int, int]
) -> Loop:
    """The loop for one kind of call; whether there is an affine map and how many frames come is in the key."""
    del plain, frames
    neuron = Neuron(kind, tau, v_th)

    def loop(current: Tensor, v: Tensor, affine: Affine | None, inhibition: Tensor | None) -> tuple[Tensor, Tensor]:
        spikes = []
        for t in range(steps):
            z, v = norse_step(_drive(t, current, v, affine, inhibition), v, neuron)
            spikes.append(z.to(dtype))
        return torch.stack(spikes), v

    return compiled(cast(FunctionType, loop))


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
def _reverse_loop(kind: str, tau: float, v_th: float, steps: int) -> Loop:
    """The time-reversed sweep: gradients of spikes and last potential to gradients of current and first potential."""
    neuron = Neuron(kind, tau, v_th)

    def loop(before: Tensor, slope: Tensor, grad_z: Tensor, grad_v: Tensor) -> tuple[Tensor, Tensor]:
        grads = []
        for t in range(steps - 1, -1, -1):
            z = (before[t] > v_th).to(before.dtype)
            grad = (grad_z[t].to(before.dtype) - grad_v * before[t]) * slope[t] + grad_v * (1 - z)
            grads.append(grad * neuron.gain)
            grad_v = grad * neuron.keep
        return torch.stack(grads[::-1]), grad_v

    return compiled(cast(FunctionType, loop))


class _Sequence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, current: Tensor, v: Tensor, steps: int, neuron: Neuron) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        key = (neuron.kind, neuron.tau, neuron.v_th, steps)
        spikes, before, v_last = cast(Any, _training_loop(*key, current.shape[0]))(current, v)
        ctx.save_for_backward(before)
        ctx.key, ctx.neuron, ctx.shape, ctx.dtype = key, neuron, current.shape, current.dtype
        return spikes, v_last

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:  # noqa: ANN401
        (before,) = ctx.saved_tensors
        slope = surrogate_slope(before - ctx.neuron.v_th, ctx.neuron.surrogate)
        grad_current, grad_v = _reverse_loop(*ctx.key)(before, slope, *grads)
        if ctx.shape[0] == 1:
            grad_current = grad_current.sum(0, keepdim=True)
        return grad_current.to(ctx.dtype), grad_v, None, None


def surrogate_slope(distance: Tensor, method: str) -> Tensor:
    """The derivative that Norse's surrogate assigns to the threshold, element by element."""
    with torch.enable_grad():
        x = distance.detach().requires_grad_()
        (slope,) = torch.autograd.grad(threshold(x, method, SURROGATES[method]).sum(), x)
    return slope


def compiled(loop: FunctionType) -> Callable[..., Any]:
    """The loop through torch.compile, or as it is (with one warning) where no C++ compiler works."""
    if not compiler_works():
        return loop
    # torch counts recompilations per code object; a code object of its own gives every loop its own count.
    own = FunctionType(loop.__code__.replace(), loop.__globals__, loop.__name__, None, loop.__closure__)
    fast = torch.compile(own, fullgraph=True, dynamic=True)
    torch._dynamo.config.recompile_limit = max(SHAPE_VARIANTS, torch._dynamo.config.recompile_limit)

    def run(*args: object) -> Any:  # noqa: ANN401
        try:
            return fast(*args)
        except torch._dynamo.exc.FailOnRecompileLimitHit:
            return loop(*args)

    return run


@lru_cache(maxsize=1)
def compiler_works() -> bool:
    """Whether torch.compile can build a kernel here; MSENAS_COMPILE=0 says no without trying."""
    if os.environ.get("MSENAS_COMPILE") == "0":
        return False
    try:
        torch.compile(lambda x: x + 1.0, fullgraph=True)(torch.zeros(2))
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        warnings.warn(
            f"torch.compile does not work here ({reason}); neurons run step by step, several times slower",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True
