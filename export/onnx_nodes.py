"""ONNX operators for each kind of node of a lowered graph.

Every operator works on any number of maps at once [N, C, H, W]: samples, or the samples of all time steps.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from export.graph import Affine, Conv, Flatten, Neurons, Node, SumPool
from export.onnx_writer import FLOAT, Writer


@singledispatch
def apply(node: Node, writer: Writer, x: str) -> str:
    """The output of a node that keeps no state, for its input `x`."""
    raise TypeError(f"{type(node).__name__} keeps a state")


@apply.register
def _conv(node: Conv, writer: Writer, x: str) -> str:
    size = node.weight.shape[-1]
    return writer.op(
        "Conv",
        x,
        writer.constant(f"{node.name}/weight", node.weight),
        *([writer.constant(f"{node.name}/bias", node.bias)] if node.bias.any() else []),
        name=node.name,
        kernel_shape=[size, size],
        pads=[node.padding] * 4,
        strides=[node.stride] * 2,
    )


@apply.register
def _sum_pool(node: SumPool, writer: Writer, x: str) -> str:
    channels, *full = node.input_shape
    if tuple(full) == tuple(node.size):
        return writer.op("ReduceSum", x, name=node.name, axes=[2, 3], keepdims=1)
    # An average times the area would round; a convolution of ones sums spikes exactly.
    ones = writer.constant(f"{node.name}/ones", np.ones((channels, 1, *node.size), np.float32))
    return writer.op(
        "Conv", x, ones, name=node.name, group=channels, kernel_shape=list(node.size), strides=list(node.size)
    )


@apply.register
def _flatten(node: Flatten, writer: Writer, x: str) -> str:
    return writer.op("Flatten", x, name=node.name, axis=1)


@apply.register
def _affine(node: Affine, writer: Writer, x: str) -> str:
    weight, bias = (writer.constant(f"{node.name}/{part}", getattr(node, part)) for part in ("weight", "bias"))
    return writer.op("Gemm", x, weight, bias, name=node.name, transB=1)


def fire(node: Neurons, writer: Writer, current: str, potential: str) -> tuple[str, str]:
    """Spikes (0 or 1) of one time step, and the potential after the reset.

    v - v * spike is the reset: exact, and faster in onnxruntime than a choice between v and 0.
    """
    if node.kind == "lif":
        potential = writer.op("Mul", potential, writer.number(1.0 - 1.0 / node.tau), name=node.name)
    potential = writer.op("Add", potential, current, name=node.name)
    above = writer.op("Greater", potential, writer.number(node.v_th), name=node.name)
    spikes = writer.op("Cast", above, name=node.name, to=FLOAT)
    lost = writer.op("Mul", potential, spikes, name=node.name)
    return spikes, writer.op("Sub", potential, lost, name=node.name)
