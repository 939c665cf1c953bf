"""The node types of NIR that are read, the fields of each, and what a field may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray

from export.hdf5 import shown
from msenas.errors import InputError, unknown

Shape = tuple[int, ...]
Fields = Mapping[str, Any]

LARGEST_SIDE = 1 << 16
"""Of an integer field: a side, a stride, a number of groups."""
MOST_ELEMENTS = 1 << 24
"""Numbers of one signal."""


def node_of(kind: str, fields: Fields) -> nir.NIRNode:
    """A node from its fields, checked and in one form.

    Arrays are finite and native; strides, paddings, dilations and windows are pairs of int; the reset potential, which
    files of older versions lack, is 0. Shapes that depend on what the node reads are not known yet.

    Raises:
        InputError: The type is unknown, a field is missing, unknown, or holds what it may not.
    """
    if kind == "NIRGraph":
        raise InputError("a graph inside the graph is not read; write the network flat")
    if kind not in NODES:
        raise InputError(unknown("type of node", kind, NODES))
    make, required, optional = NODES[kind]
    missing, more = set(required) - set(fields), set(fields) - set(required) - set(optional)
    if missing:
        raise InputError(f"field {min(missing)!r} is missing")
    if more:
        raise InputError(unknown("field", min(more), {*required, *optional}))
    return make(fields)


def fields_of(node: nir.NIRNode) -> dict[str, Any]:
    """The fields of a node that was made by hand, as a file would have them."""
    fields = {key: value for key, value in vars(node).items() if key not in ("input_type", "output_type", "metadata")}
    if isinstance(node, nir.Input | nir.Output):
        fields["shape"] = node.output_type["output"]
    if isinstance(node, nir.Flatten):
        fields["input_type"] = node.input_type["input"]
    return {key: value for key, value in fields.items() if value is not None}


def numbers(fields: Fields, name: str) -> NDArray[Any]:
    """A field that is an array of finite numbers."""
    array = np.asarray(fields[name])
    if array.dtype.kind not in "fiu":
        raise InputError(f"field {name!r} holds {shown(array.dtype)}; numbers are needed")
    if not np.isfinite(array).all():
        raise InputError(f"field {name!r} holds a number that is not finite")
    return array


def integers(fields: Fields, name: str, least: int = 1, most: int = LARGEST_SIDE) -> Shape:
    """A field that is an integer or a list of them."""
    array = np.asarray(fields[name])
    if array.dtype.kind not in "iu" or array.ndim > 1 or array.size > 8:
        raise InputError(f"field {name!r} must be one integer or a few, not {shown(array.dtype)} {list(array.shape)}")
    values = tuple(int(value) for value in array.ravel())
    if not all(least <= value <= most for value in values):
        raise InputError(f"field {name!r} must be {least} to {most}, not {list(values)}")
    return values


def _one(fields: Fields, name: str, least: int = 1) -> int:
    values = integers(fields, name, least)
    if len(values) != 1:
        raise InputError(f"field {name!r} must be one integer, not {list(values)}")
    return values[0]


def _pair(fields: Fields, name: str, least: int = 1) -> tuple[int, int]:
    """Height and width; one integer is both."""
    values = integers(fields, name, least)
    if len(values) not in (1, 2):
        raise InputError(f"field {name!r} must be one or two integers, not {list(values)}")
    return values[0], values[-1]


def _shape(fields: Fields, name: str) -> NDArray[np.int64]:
    shape = integers(fields, name)
    if not shape or np.prod(shape, dtype=object) > MOST_ELEMENTS:
        raise InputError(f"field {name!r} is {list(shape)}; a shape of 1 to {MOST_ELEMENTS:,} numbers is needed")
    return np.array(shape)


def _elementwise(kind: type[nir.NIRNode], *names: str, positive: tuple[str, ...] = ()) -> Callable[[Fields], Any]:
    """A maker of nodes whose fields are all of the shape of the signal."""

    def make(fields: Fields) -> nir.NIRNode:
        given = {name: numbers(fields, name) for name in names if name in fields}
        shape = given[names[0]].shape
        if "w_in" in given and given["w_in"].shape == ():
            given["w_in"] = np.full(shape, given["w_in"])
        for name, value in given.items():
            if value.shape != shape or not shape or not value.size:
                found = f"{list(value.shape)}, and {names[0]!r} {list(shape)}"
                raise InputError(f"field {name!r} is {found}; all must have the shape of the neurons")
        for name in positive:
            if not (given[name] > 0).all():
                raise InputError(f"field {name!r} must be positive")
        if "v_threshold" in names and "v_reset" not in given:
            given["v_reset"] = np.zeros_like(given["v_threshold"])
        return kind(**given)

    return make


def _conv2d(fields: Fields) -> nir.Conv2d:
    weight, bias = numbers(fields, "weight"), numbers(fields, "bias")
    groups = _one(fields, "groups")
    if weight.ndim != 4 or not weight.size or weight.shape[0] % groups:
        raise InputError(f"'weight' is {list(weight.shape)}; [C_out, C_in / groups, height, width] is needed")
    if bias.shape != weight.shape[:1]:
        raise InputError(f"'bias' is {list(bias.shape)} for {weight.shape[0]} channels")
    stride = _pair(fields, "stride")
    padding: Any = fields["padding"]
    if not isinstance(padding, str):
        padding = _pair(fields, "padding", 0)
    elif padding not in ("same", "valid"):
        raise InputError(f"'padding' is {shown(padding)}; 'same', 'valid' or integers are needed")
    elif padding == "same" and stride != (1, 1):
        raise InputError("'padding' is 'same', which needs a stride of 1")
    shape = _pair(fields, "input_shape") if "input_shape" in fields else None
    node = nir.Conv2d(None, weight, stride, padding, _pair(fields, "dilation"), groups, bias)
    node.input_shape = shape
    return node


def _pool(kind: type[nir.SumPool2d] | type[nir.AvgPool2d]) -> Callable[[Fields], Any]:
    def make(fields: Fields) -> nir.NIRNode:
        pairs = (_pair(fields, "kernel_size"), _pair(fields, "stride"), _pair(fields, "padding", 0))
        return kind(*(np.array(pair) for pair in pairs))

    return make


def _matrix(fields: Fields) -> NDArray[Any]:
    weight = numbers(fields, "weight")
    if weight.ndim < 2 or not weight.size:
        raise InputError(f"'weight' is {list(weight.shape)}; [..., N, M] is needed")
    return weight


def _affine(fields: Fields) -> nir.Affine:
    weight, bias = _matrix(fields), numbers(fields, "bias")
    if bias.shape != weight.shape[:-1]:
        raise InputError(f"'bias' is {list(bias.shape)}; {list(weight.shape[:-1])} is needed")
    return nir.Affine(weight, bias)


def _flatten(fields: Fields) -> nir.Flatten:
    ends = [integers(fields, name, -MOST_AXES, MOST_AXES) for name in ("start_dim", "end_dim")]
    if any(len(end) != 1 for end in ends):
        raise InputError("'start_dim' and 'end_dim' must be one integer each")
    node = nir.Flatten({"input": None}, ends[0][0], ends[1][0])
    if "input_type" in fields:
        node.input_type = {"input": _shape(fields, "input_type")}
    return node


def _delay(fields: Fields) -> nir.Delay:
    node: nir.Delay = _elementwise(nir.Delay, "delay")(fields)
    if (node.delay < 0).any():
        raise InputError("field 'delay' must not be negative")
    return node


MOST_AXES = 8
_LIF, _CUBA = ("tau", "r", "v_leak"), ("tau_syn", "tau_mem", "r", "v_leak")
_FIRE = ("v_threshold", "v_reset")
_CONV = ("weight", "bias", "stride", "padding", "dilation", "groups")
_POOL = ("kernel_size", "stride", "padding")

Maker = Callable[[Fields], Any]
NODES: dict[str, tuple[Maker, tuple[str, ...], tuple[str, ...]]] = {
    "Input": (lambda fields: nir.Input(_shape(fields, "shape")), ("shape",), ()),
    "Output": (lambda fields: nir.Output(_shape(fields, "shape")), ("shape",), ()),
    "Affine": (_affine, ("weight", "bias"), ()),
    "Linear": (lambda fields: nir.Linear(_matrix(fields)), ("weight",), ()),
    "Scale": (_elementwise(nir.Scale, "scale"), ("scale",), ()),
    "Conv2d": (_conv2d, _CONV, ("input_shape",)),
    "SumPool2d": (_pool(nir.SumPool2d), _POOL, ()),
    "AvgPool2d": (_pool(nir.AvgPool2d), _POOL, ()),
    "Flatten": (_flatten, ("start_dim", "end_dim"), ("input_type",)),
    "Delay": (_delay, ("delay",), ()),
    "Threshold": (_elementwise(nir.Threshold, "threshold"), ("threshold",), ()),
    "I": (_elementwise(nir.I, "r"), ("r",), ()),
    "IF": (_elementwise(nir.IF, "r", *_FIRE), ("r", "v_threshold"), ("v_reset",)),
    "LI": (_elementwise(nir.LI, *_LIF, positive=("tau",)), _LIF, ()),
    "LIF": (_elementwise(nir.LIF, *_LIF, *_FIRE, positive=("tau",)), (*_LIF, "v_threshold"), ("v_reset",)),
    "CubaLI": (_elementwise(nir.CubaLI, *_CUBA, "w_in", positive=_CUBA[:2]), _CUBA, ("w_in",)),
    "CubaLIF": (
        _elementwise(nir.CubaLIF, *_CUBA, *_FIRE, "w_in", positive=_CUBA[:2]),
        (*_CUBA, "v_threshold"),
        ("v_reset", "w_in"),
    ),
}
"""For each type: its maker, the fields that it must have, and those that it may have."""

STATEFUL = (nir.I, nir.IF, nir.LI, nir.LIF, nir.CubaLI, nir.CubaLIF, nir.Delay)
"""Nodes that keep something from step to step."""
SPIKING = (nir.IF, nir.LIF, nir.CubaLIF, nir.Threshold)
"""Nodes that give spikes."""
