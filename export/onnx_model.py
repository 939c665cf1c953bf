"""ONNX models of a lowered graph, as files: the whole sequence, or one time step."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, helper

import msenas
from export.blocks import shapes, without_silent
from export.graph import Graph
from export.onnx_sequence import sequence_graph
from export.onnx_step import AFTER, state_name, step_graph, told_as, with_state
from msenas.errors import InputError, unknown
from msenas.runs.files import to_json, write_atomically

OPSET = 10
"""Operator set: the lowest that has everything that is written."""
IR_VERSION = 5
"""Version of the file format that came with this operator set."""
LARGEST = (1 << 31) - 1
"""Bytes of an ONNX model in one file."""
ROOM = 1 << 24
"""Bytes for all that is not weights."""
SCHEMA = 1
"""Version of the metadata."""
KEY = "msenas"
"""Key of the metadata of a model: a JSON text."""

FORMS = ("sequence", "step")
"""Forms of a model by name."""


def to_onnx(graph: Graph, form: str = "sequence", counts: bool = False) -> ModelProto:
    """A lowered graph as an ONNX model that has passed the ONNX checker.

    Args:
        graph: the network with its weights.
        form: "sequence" (see `export.onnx_sequence.sequence_graph`) or "step" (see `export.onnx_step.step_graph`).
        counts: also give the spikes of each population, summed over time (only "sequence").

    Raises:
        InputError: The form is unknown, the model would be larger than a file can hold, or the graph is inconsistent.
    """
    if form not in FORMS:
        raise InputError(unknown("form of an ONNX model", form, FORMS))
    if counts and form != "sequence":
        raise InputError("only a model of the whole sequence can count spikes")
    graph = without_silent(graph)
    names = Counter(told_as("", node.population) for node in graph.populations)
    if same := [name for name, count in names.items() if count > 1]:
        raise InputError(f"two populations would be called {same[0]!r}; each needs a name of its own")
    size = sum(w.nbytes for node in graph.nodes for w in vars(node).values() if isinstance(w, np.ndarray))
    if size > LARGEST - ROOM:
        raise InputError(f"the weights take {size:,} bytes; an ONNX file holds at most {LARGEST - ROOM:,} of them")
    written = sequence_graph(graph, counts) if form == "sequence" else step_graph(graph)
    model = helper.make_model(
        written,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name=KEY,
        producer_version=msenas.__version__,
    )
    helper.set_model_props(model, {KEY: to_json(metadata(graph, form))})
    onnx.checker.check_model(model, full_check=True)
    return model


def metadata(graph: Graph, form: str) -> dict[str, Any]:
    """What a model tells about the network.

    `populations` are the names of populations by node, `theta` their thresholds; the spikes of a population are a value
    whose name is `spikes_` and that name, with "_" for every ".". `states` of a model of one step: for each state that
    goes in, the name of the one that comes out, and its shape for one sample. What else there is, `about` holds.
    """
    shape, about = shapes(graph), dict(graph.about)
    states = {state_name(n): [AFTER + state_name(n), list(shape[n.name])] for n in graph.nodes if with_state(n)}
    return {
        "schema": SCHEMA,
        "form": form,
        "steps": graph.steps,
        "encoding": about.pop("encoding", None),
        "read": graph.read,
        "threshold_rule": "v > theta",
        "reset": "to 0 in the step of the spike",
        "theta": {node.name: node.v_th for node in graph.populations},
        "populations": {node.name: node.population for node in graph.populations},
        "states": states if form == "step" else {},
        "about": about,
    }


def to_bytes(model: ModelProto) -> bytes:
    """The content of a model's file, the same for the same model."""
    return bytes(model.SerializeToString(deterministic=True))


def write_onnx(path: Path, graph: Graph, form: str = "sequence", counts: bool = False) -> None:
    """Write a lowered graph as an ONNX file, in one step.

    Raises:
        InputError: As `to_onnx`.
        RunError: The file cannot be written, or the disk is full; nothing is left behind.
    """
    write_atomically(path, to_bytes(to_onnx(graph, form, counts)))
