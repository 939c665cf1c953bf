"""Nodes of NIR as torch modules for nirtorch, with batches.

They take the place of nirtorch's own: its Affine of 2.6 keeps a random bias, its sums over windows know no padding, and
its Flatten takes the batch for a dimension of the signal. Neurons take and give their state, as nirtorch passes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nir
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

Record = Callable[[Tensor], None]


class Affine(nn.Module):
    """Weight [..., N, M] and bias [..., N] on signals [B, ..., M]."""

    def __init__(self, node: nir.Affine | nir.Linear) -> None:
        super().__init__()
        self.register_buffer("weight", _tensor(node.weight))
        bias = _tensor(node.bias) if isinstance(node, nir.Affine) else torch.zeros(node.weight.shape[:-1])
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """Transform a signal."""
        weight, bias = self.get_buffer("weight"), self.get_buffer("bias")
        if weight.ndim == 2:
            return F.linear(x, weight, bias)
        return torch.einsum("...nm,b...m->b...n", weight, x) + bias


class Conv2d(nn.Module):
    """A convolution with all that NIR allows."""

    def __init__(self, node: nir.Conv2d) -> None:
        super().__init__()
        self.register_buffer("weight", _tensor(node.weight))
        self.register_buffer("bias", _tensor(node.bias))
        self.form = (node.stride, node.padding, node.dilation, node.groups)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve maps [B, C, H, W]."""
        stride, padding, dilation, groups = self.form
        return F.conv2d(x, self.get_buffer("weight"), self.get_buffer("bias"), stride, padding, dilation, groups)


class Pool(nn.Module):
    """Sums or means over windows; zeros of the padding count in a mean."""

    def __init__(self, node: nir.SumPool2d | nir.AvgPool2d) -> None:
        super().__init__()
        self.window, self.stride, (top, left) = (
            tuple(int(side) for side in field) for field in (node.kernel_size, node.stride, node.padding)
        )
        self.padding = (left, left, top, top)
        self.divisor = 1 if isinstance(node, nir.SumPool2d) else self.window[0] * self.window[1]

    def forward(self, x: Tensor) -> Tensor:
        """Pool maps [B, C, H, W]."""
        return F.avg_pool2d(F.pad(x, self.padding), self.window, self.stride, divisor_override=self.divisor)


class Flatten(nn.Module):
    """Axes of the signal as one; the batch stays."""

    def __init__(self, node: nir.Flatten) -> None:
        super().__init__()
        axes = len(node.input_type["input"])
        self.first, self.last = (axis % axes + 1 for axis in (int(node.start_dim), int(node.end_dim)))

    def forward(self, x: Tensor) -> Tensor:
        """Flatten a signal [B, ...]."""
        return x.flatten(self.first, self.last)


class Scale(nn.Module):
    """A factor for each number."""

    def __init__(self, node: nir.Scale) -> None:
        super().__init__()
        self.register_buffer("scale", _tensor(node.scale))

    def forward(self, x: Tensor) -> Tensor:
        """Scale a signal [B, ...]."""
        return x * self.get_buffer("scale")


class Threshold(nn.Module):
    """1 where the signal is above the threshold."""

    def __init__(self, node: nir.Threshold, record: Record) -> None:
        super().__init__()
        self.register_buffer("threshold", _tensor(node.threshold))
        self.record = record

    def forward(self, x: Tensor) -> Tensor:
        """Compare a signal [B, ...]."""
        spikes = (x > self.get_buffer("threshold")).to(x.dtype)
        self.record(spikes)
        return spikes


class Delay(nn.Module):
    """Each number some time steps later."""

    def __init__(self, node: nir.Delay, dt: float) -> None:
        super().__init__()
        self.register_buffer("steps", torch.from_numpy(np.array(node.delay, np.float64) / dt).round().long())

    def forward(self, x: Tensor, state: list[Tensor] | None = None) -> tuple[Tensor, list[Tensor]]:
        """Delay a signal [B, ...]; the state is all that came before, as far as it is still needed."""
        steps = self.get_buffer("steps")
        past = [*(state or []), x][-int(steps.max()) - 1 :]
        late = torch.zeros_like(x)
        for age, signal in enumerate(reversed(past)):
            late = torch.where(steps == age, signal, late)
        return late, past


class Neuron(nn.Module):
    """I, IF, LI, LIF, CubaLI and CubaLIF: the Euler step of their equation, and the spike of those that have one."""

    def __init__(self, node: Any, dt: float, record: Record) -> None:  # noqa: ANN401 - one of six classes
        super().__init__()
        for name, value in _constants(node, dt).items():
            self.register_buffer(name, value)
        self.synapse = isinstance(node, nir.CubaLI | nir.CubaLIF)
        self.fires = isinstance(node, nir.IF | nir.LIF | nir.CubaLIF)
        self.record = record

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Give spikes or potentials [B, ...], and the state: potential and current."""
        get = self.get_buffer
        v, current = state or (torch.zeros_like(x), torch.zeros_like(x))
        if self.synapse:
            current = current + get("synapse_rate") * (get("w_in") * x - current)
            x = current
        v = v + get("rate") * (get("v_leak") - v) + get("gain") * x
        if not self.fires:
            return v, (v, current)
        fired = v > get("v_threshold")
        spikes = fired.to(x.dtype)
        self.record(spikes)
        return spikes, (torch.where(fired, get("v_reset"), v), current)


def _constants(node: Any, dt: float) -> dict[str, Tensor]:  # noqa: ANN401
    """Rates of leak and gains of one time step, and the fields that are used as they are."""
    r = _tensor(node.r)
    fields = [name for name in ("v_threshold", "v_reset", "w_in") if hasattr(node, name)]
    constants = {name: _tensor(getattr(node, name)) for name in fields}
    if isinstance(node, nir.I | nir.IF):
        in_steps = bool((r == 1).all())
        still = torch.zeros_like(r)
        return constants | {"rate": still, "v_leak": still, "gain": r if in_steps else r * dt}
    if isinstance(node, nir.CubaLI | nir.CubaLIF):
        constants["synapse_rate"] = _rate(node.tau_syn, dt)
    rate = _rate(node.tau if isinstance(node, nir.LI | nir.LIF) else node.tau_mem, dt)
    return constants | {"rate": rate, "v_leak": _tensor(node.v_leak), "gain": rate * r}


def _rate(tau: NDArray[Any], dt: float) -> Tensor:
    """Dt / tau, both of one precision: a tau of n steps gives 1 / n."""
    exact = torch.from_numpy(np.array(tau, tau.dtype if tau.dtype.kind == "f" else np.float32))
    return (torch.tensor(dt, dtype=exact.dtype) / exact).float()


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))
