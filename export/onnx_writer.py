"""Collects the nodes and constants of one ONNX graph, and gives names to what has none.

Made-up names hold a "/", which no node of a lowered graph has in its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

FLOAT = int(TensorProto.FLOAT)


class Writer:
    """One ONNX graph that is being written.

    Args:
        prefix: of all names, so that a graph inside another one has names of its own.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}
        self._known: dict[tuple[object, ...], str] = {}
        self._taken: dict[str, int] = {}

    def op(self, kind: str, *inputs: str, name: str, **attributes: Any) -> str:  # noqa: ANN401
        """The output of a node; one that there is already is not written again."""
        key = (kind, inputs, repr(sorted(attributes.items())))
        if key not in self._known:
            (self._known[key],) = self.node(kind, inputs, [self.named(f"{name}/{kind}")], **attributes)
        return self._known[key]

    def node(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Sequence[str]:  # noqa: ANN401
        """Write a node whose outputs have names already."""
        self.nodes.append(helper.make_node(kind, inputs, outputs, outputs[0], **attributes))
        return outputs

    def named(self, name: str) -> str:
        """A name that no other value has."""
        self._taken[name] = count = self._taken.get(name, 0) + 1
        return f"{self.prefix}/{name}" if count == 1 else f"{self.prefix}/{name}/{count}"

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """A constant; those of one name are the same."""
        full = f"{self.prefix}/{name}"
        if full not in self.constants:
            self.constants[full] = numpy_helper.from_array(np.ascontiguousarray(value), full)
        return full

    def integers(self, *values: int) -> str:
        """A constant int64 vector."""
        return self.constant("_".join(["int", *map(str, values)]), np.array(values, np.int64))

    def number(self, value: float) -> str:
        """A constant float32 scalar."""
        return self.constant(f"float_{np.float32(value)}", np.array(value, np.float32))

    def total(self, values: Iterable[str], name: str) -> str:
        """The sum of values, added from left to right."""
        first, *others = values
        for other in others:
            first = self.op("Add", first, other, name=name)
        return first

    def publish(self, values: Iterable[tuple[str, str]]) -> None:
        """Give values, (present name, new name), names for the world outside; one value may get several."""
        made, renamed = {output for node in self.nodes for output in node.output}, dict[str, str]()
        for old, new in values:
            if old in made and old not in renamed:
                renamed[old] = new
            else:
                self.node("Identity", [old], [new])
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [renamed.get(name, name) for name in names]

    def graph(self, name: str, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]) -> GraphProto:
        """What was written."""
        return helper.make_graph(self.nodes, name, inputs, outputs, list(self.constants.values()))


def floats(name: str, *shape: str | int) -> ValueInfoProto:
    """An input or output of float32 numbers; a name in the shape stands for any size."""
    return helper.make_tensor_value_info(name, FLOAT, shape)
