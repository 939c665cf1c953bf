"""One time step of each node of NIR, in numpy.

Maps are held with their channels last, [B, H, W, C], so that a convolution is one multiplication of matrices over all
positions of all samples; everything else is held as it is, [B, ...].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray

from export.nir_fields import Shape
from export.nir_shapes import padding_of
from msenas.errors import InputError

Signal = NDArray[Any]
State = Any
Fired = tuple[Signal, Any]
"""Potentials before a reset, and the threshold that they were compared with."""
Step = Callable[[Signal, State], tuple[Signal, State, Fired | None]]
"""From a signal and a state (None at first) to a signal, the next state and, of a node that spikes, why it did. A state
is not used again after it was given."""

NUMBERS_AT_ONCE = 1 << 20
"""Of the unfolded windows of a convolution: few enough to stay near the processor."""


def inside(signal: Signal) -> Signal:
    """[B, C, H, W] as it is held here; other shapes as they are."""
    return np.ascontiguousarray(np.moveaxis(signal, 1, -1)) if signal.ndim == 4 else signal


def outside(signal: Signal) -> Signal:
    """The reverse of `inside`."""
    return np.moveaxis(signal, -1, 1) if signal.ndim == 4 else signal


def step_of(node: nir.NIRNode, shape: Shape, dt: float, dtype: np.dtype[Any], steps: int) -> Step:
    """How a node acts in one time step.

    Args:
        node: as checked.
        shape: of what it gives, without the batch.
        dt: seconds of a time step.
        dtype: of signals and states.
        steps: time steps of the run.
    """
    if isinstance(node, nir.Delay):
        return _delay(node, dt, steps)
    if type(node) in PLAIN:
        apply = PLAIN[type(node)](node, shape, dtype)
        return lambda x, state: (apply(x), state, None)
    return NEURONS[type(node)](node, dt, dtype)


def _affine(node: nir.Affine | nir.Linear, shape: Shape, dtype: np.dtype[Any]) -> Callable[[Signal], Signal]:
    weight = np.asarray(node.weight, dtype)
    bias = np.asarray(node.bias, dtype) if isinstance(node, nir.Affine) else dtype.type(0)
    if weight.ndim == 2:
        matrix = np.ascontiguousarray(weight.T)
        return lambda x: x @ matrix + bias
    return lambda x: inside((weight @ outside(x)[..., None])[..., 0] + bias)


def _scale(node: nir.Scale, shape: Shape, dtype: np.dtype[Any]) -> Callable[[Signal], Signal]:
    scale = _parameter(node.scale, dtype)
    return lambda x: x * scale


def _flatten(node: nir.Flatten, shape: Shape, dtype: np.dtype[Any]) -> Callable[[Signal], Signal]:
    return lambda x: inside(outside(x).reshape(len(x), *shape))


def _pool(node: nir.SumPool2d | nir.AvgPool2d, shape: Shape, dtype: np.dtype[Any]) -> Callable[[Signal], Signal]:
    """Sums or means over windows; zeros of the padding count in a mean."""
    (height, width), stride, (top, left) = node.kernel_size, node.stride, node.padding
    share = dtype.type(height * width) if isinstance(node, nir.AvgPool2d) else None

    def apply(x: Signal) -> Signal:
        padded = _padded(x, ((top, top), (left, left)))
        total = np.zeros((len(x), *shape[1:], shape[0]), dtype)
        for row in range(height):
            for column in range(width):
                total += _window(padded, (row, column), stride, shape[1:])
        return total if share is None else total / share

    return apply


def _conv2d(node: nir.Conv2d, shape: Shape, dtype: np.dtype[Any]) -> Callable[[Signal], Signal]:
    channels, height, width = node.weight.shape[1:]
    groups, places = node.groups, shape[1:]
    each = node.weight.reshape(groups, -1, channels, height, width)
    # [groups, height * width * channels, C_out / groups]
    matrices = np.ascontiguousarray(each.transpose(0, 3, 4, 2, 1).reshape(groups, -1, each.shape[1]), dtype)
    bias = np.asarray(node.bias, dtype)
    offsets = [
        (row, column, row * node.dilation[0], column * node.dilation[1])
        for row in range(height)
        for column in range(width)
    ]
    at_once = max(1, NUMBERS_AT_ONCE // (places[0] * places[1] * height * width * channels))

    def unfolded(part: Signal) -> Signal:
        if height == width == 1 and part.shape[1:3] == places:
            return part.reshape(-1, channels)
        windows = np.empty((len(part), *places, height, width, channels), dtype)
        for row, column, down, right in offsets:
            windows[:, :, :, row, column] = _window(part, (down, right), node.stride, places)
        return windows.reshape(-1, height * width * channels)

    def apply(x: Signal) -> Signal:
        padded = _padded(x, padding_of(node))
        given = np.empty((len(x), *places, shape[0]), dtype)
        for first in range(0, len(x), at_once):
            part, target = padded[first : first + at_once], given[first : first + at_once].reshape(-1, shape[0])
            for group, matrix in enumerate(matrices):
                read = part if groups == 1 else part[..., group * channels : (group + 1) * channels]
                written = slice(group * matrix.shape[1], (group + 1) * matrix.shape[1])
                np.matmul(unfolded(np.ascontiguousarray(read)), matrix, out=target[:, written])
        given += bias
        return given

    return apply


def _padded(x: Signal, padding: tuple[tuple[int, int], tuple[int, int]]) -> Signal:
    return np.pad(x, ((0, 0), *padding, (0, 0))) if np.any(padding) else x


def _window(x: Signal, offset: tuple[int, int], stride: Any, places: Shape) -> Signal:  # noqa: ANN401 - pair or array
    """What one element of a window meets at all its places."""
    rows, columns = (
        slice(start, start + step * (count - 1) + 1, step)
        for start, step, count in zip(offset, stride, places, strict=True)
    )
    return x[:, rows, columns]


def _delay(node: nir.Delay, dt: float, steps: int) -> Step:
    """Each number comes `delay` seconds later, rounded to time steps; 0 comes before the first."""
    counts = np.minimum(np.rint(np.asarray(node.delay, np.float64) / dt), steps).astype(np.int64)
    late = inside(counts[None])
    slots = int(counts.max()) + 1

    def step(x: Signal, state: State) -> tuple[Signal, State, None]:
        t, past = (0, np.zeros((slots, *x.shape), x.dtype)) if state is None else state
        past[t % slots] = x
        index = np.broadcast_to((t - late) % slots, x.shape)
        return np.take_along_axis(past, index[None], 0)[0], (t + 1, past), None

    return step


def _leaky(node: Any, dt: float, dtype: np.dtype[Any], tau: str = "tau") -> Callable[[Signal, Signal | None], Signal]:  # noqa: ANN401
    """V <- V + dt / tau ((v_leak - V) + r I)."""
    rate = _rate(getattr(node, tau), dt, dtype)
    keep, leak = _parameter(1 - rate, dtype), _parameter(rate * node.v_leak, dtype)
    times_gain = _times(_parameter(rate * node.r, dtype))
    still = not np.any(leak)

    def step(x: Signal, v: Signal | None) -> Signal:
        drive = times_gain(x) if still else times_gain(x) + leak
        return drive if v is None else v * keep + drive

    return step


def _integrating(node: nir.I | nir.IF, dt: float, dtype: np.dtype[Any]) -> Callable[[Signal, Signal | None], Signal]:
    """V <- V + dt r I, or V <- V + I if r is 1 throughout."""
    gain = node.r if np.all(node.r == 1) else np.asarray(node.r, np.float64) * dt
    times_gain = _times(_parameter(gain, dtype))
    return lambda x, v: times_gain(x) if v is None else v + times_gain(x)


def _current(node: nir.CubaLI | nir.CubaLIF, dt: float, dtype: np.dtype[Any]) -> Callable[..., Signal]:
    """I <- I + dt / tau_syn (w_in S - I)."""
    rate = _rate(node.tau_syn, dt, dtype)
    keep, times_gain = _parameter(1 - rate, dtype), _times(_parameter(rate * node.w_in, dtype))
    return lambda x, current: times_gain(x) if current is None else current * keep + times_gain(x)


def _potential(node: Any, dt: float, dtype: np.dtype[Any]) -> Callable[[Signal, State], tuple[Signal, State]]:  # noqa: ANN401
    """The potential before a reset, and what is kept beside it."""
    if isinstance(node, nir.CubaLI | nir.CubaLIF):
        current, membrane = _current(node, dt, dtype), _leaky(node, dt, dtype, "tau_mem")

        def cuba(x: Signal, state: State) -> tuple[Signal, State]:
            v, i = state or (None, None)
            i = current(x, i)
            return membrane(i, v), i

        return cuba
    plain = _integrating(node, dt, dtype) if isinstance(node, nir.I | nir.IF) else _leaky(node, dt, dtype)
    return lambda x, state: (plain(x, state[0] if state else None), None)


def _graded(node: Any, dt: float, dtype: np.dtype[Any]) -> Step:  # noqa: ANN401
    """A neuron whose potential is what it gives."""
    potential = _potential(node, dt, dtype)

    def step(x: Signal, state: State) -> tuple[Signal, State, None]:
        v, beside = potential(x, state)
        return v, (v, beside), None

    return step


def _firing(node: Any, dt: float, dtype: np.dtype[Any]) -> Step:  # noqa: ANN401
    """A neuron that gives 1 where its potential is above the threshold, and is reset there."""
    potential = _potential(node, dt, dtype)
    threshold, reset = _parameter(node.v_threshold, dtype), _parameter(node.v_reset, dtype)

    def step(x: Signal, state: State) -> tuple[Signal, State, Fired]:
        v, beside = potential(x, state)
        fired = v > threshold
        return fired.astype(dtype), (np.where(fired, reset, v), beside), (v, threshold)

    return step


def _threshold(node: nir.Threshold, dt: float, dtype: np.dtype[Any]) -> Step:
    threshold = _parameter(node.threshold, dtype)
    return lambda x, state: ((x > threshold).astype(dtype), state, (x, threshold))


def _times(gain: Any) -> Callable[[Signal], Signal]:  # noqa: ANN401
    """Multiplication, spared where it would change nothing."""
    return lambda x: x if np.ndim(gain) == 0 and gain == 1 else x * gain


def _rate(tau: NDArray[Any], dt: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Dt / tau; dt is rounded as tau was, so that a tau of whole steps gives what it should."""
    if tau.dtype.kind == "f":
        return np.asarray(tau.dtype.type(dt) / tau, dtype)
    return np.asarray(dt / tau, dtype)


def _parameter(values: Any, dtype: np.dtype[Any]) -> Any:  # noqa: ANN401
    """A field of neurons in the order of signals, or one number if all are the same."""
    values = np.asarray(values, dtype)
    if not np.isfinite(values).all():
        raise InputError("a time constant, a resistance or a time step is too small or too large to be computed with")
    return values.flat[0] if (values == values.flat[0]).all() else inside(values[None])[0]


PLAIN: dict[type[nir.NIRNode], Callable[..., Callable[[Signal], Signal]]] = {
    nir.Affine: _affine,
    nir.Linear: _affine,
    nir.Scale: _scale,
    nir.Flatten: _flatten,
    nir.SumPool2d: _pool,
    nir.AvgPool2d: _pool,
    nir.Conv2d: _conv2d,
}
"""Nodes without a state."""
NEURONS: dict[type[nir.NIRNode], Callable[..., Step]] = {
    nir.I: _graded,
    nir.LI: _graded,
    nir.CubaLI: _graded,
    nir.IF: _firing,
    nir.LIF: _firing,
    nir.CubaLIF: _firing,
    nir.Threshold: _threshold,
}
