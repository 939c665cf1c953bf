"""Runs the ONNX models that `export.onnx_model` writes, by onnxruntime on the CPU.

Only such models are read: those of others may do anything that the operators of ONNX can do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, helper

from export.onnx_model import FORMS, KEY, LARGEST, OPSET, SCHEMA
from export.onnx_sequence import FRAMES, OUTPUTS
from export.onnx_step import FRAME, SCORES, SPIKES, told_as
from export.trace import Trace
from msenas.errors import SHOWN, InputError
from msenas.runs.files import read_bytes

OF_SHAPES = {"Concat", "ConstantOfShape", "Equal", "Expand", "Identity", "Reshape", "Shape", "Slice", "Unsqueeze"}
OF_NUMBERS = {"Add", "Cast", "Conv", "Flatten", "Gemm", "Greater", "Mul", "ReduceMean", "ReduceSum", "Scan", "Sub"}
OPERATORS = OF_SHAPES | OF_NUMBERS | {"Where"}
"""Everything that a model of ours is made of."""
FRAMES_AT_ONCE, FEWEST = 64, 4
"""Frames of all samples and steps that run together, and samples; more take memory and are no faster."""
DEEPEST = 1
"""Graphs around a graph: the body of a `Scan` holds no other."""


class Metadata(msgspec.Struct, frozen=True):
    """What is read of the metadata of a model."""

    schema: int
    form: str
    steps: int
    populations: dict[str, str]
    states: dict[str, tuple[str, list[int]]]
    read: str = "current"
    theta: dict[str, float] = {}


MOST_STEPS = 1 << 16
"""Time steps of a model that is read."""
MOST_AXES, MOST_NUMBERS = 3, 1 << 26
"""Of a state that is read, for one sample."""
FATAL = 4
"""Severity from which onnxruntime writes to stderr; errors are raised anyway."""
GRAPHS = (AttributeProto.GRAPH, AttributeProto.GRAPHS)


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A model that is ready to run.

    Attributes:
        told: its metadata.
        session: of onnxruntime.
    """

    told: Metadata
    session: Any

    @property
    def input_shape(self) -> tuple[int, ...]:
        """[C, H, W] of one frame."""
        return tuple(self.session.get_inputs()[0].shape[-3:])

    def give(self, names: list[str], given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Values of a model by name, for its inputs by name.

        Raises:
            InputError: onnxruntime refuses.
        """
        try:
            return list(self.session.run(names, dict(given)))
        except Exception as error:  # onnxruntime has no public class for what it raises
            raise InputError(f"onnxruntime cannot run the model: {' '.join(str(error).split())}") from None


def open_model(path: Path, threads: int = 0) -> OnnxModel:
    """Read a model of ours, with the spikes of all populations as further outputs.

    Args:
        path: of the file.
        threads: that onnxruntime may use; 0 is one for each core.

    Raises:
        InputError: The file cannot be read or is no model that `export.onnx_model` writes.
    """
    model = ModelProto()
    try:
        model.ParseFromString(read_bytes(path, LARGEST))
        told = _checked(model)
        _record(model, told)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = FATAL
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except Exception as error:  # neither protobuf nor onnxruntime has a public class for what it raises
        raise InputError(f"{path} is no ONNX model that runs: {' '.join(str(error).split())}") from None
    return OnnxModel(told, session)


def run_onnx(model: OnnxModel, frames: NDArray[Any]) -> Trace:
    """Run a model on a batch of inputs; outputs of each step and the spikes of each population, by node.

    Args:
        model: of either form.
        frames: [T, B, C, H, W], or [1, B, C, H, W] for an input that is shown in all steps that the model was made for.

    Raises:
        InputError: The frames have another shape.
    """
    if frames.ndim != 5 or tuple(frames.shape[2:]) != model.input_shape or not frames.size:
        raise InputError(f"frames are {list(frames.shape)}; {['T', 'B', *model.input_shape]} is needed")
    frames, steps = frames.astype(np.float32, copy=False), model.told.steps if len(frames) == 1 else len(frames)
    samples = max(FEWEST, FRAMES_AT_ONCE // steps)
    parts = [frames[:, first : first + samples] for first in range(0, frames.shape[1], samples)]
    whole = _sequence if model.told.form == "sequence" else _steps
    found = [whole(model, np.ascontiguousarray(part), steps) for part in parts]
    outputs, *trains = (np.concatenate(values, axis=1) for values in zip(*found, strict=True))
    return Trace(
        outputs, {node: train.astype(np.uint8) for node, train in zip(model.told.populations, trains, strict=True)}
    )


def _sequence(model: OnnxModel, frames: NDArray[np.float32], steps: int) -> list[NDArray[Any]]:
    """Outputs and trains [T, B, ...] by a model of the whole sequence."""
    del steps  # the model knows
    return model.give([OUTPUTS, *_spikes(model.told)], {FRAMES: frames})


def _steps(model: OnnxModel, frames: NDArray[np.float32], steps: int) -> list[NDArray[Any]]:
    """Outputs and trains [T, B, ...] by a model of one step."""
    states, batch = model.told.states, frames.shape[1]
    names = [SCORES, *_spikes(model.told)]
    held = {name: np.zeros((batch, *shape), np.float32) for name, (_, shape) in states.items()}
    found = []
    for t in range(steps):
        frame = frames[t if len(frames) > 1 else 0]
        given = {FRAME: frame, **held}
        values = model.give([*names, *(after for after, _ in states.values())], given)
        found.append(values[: len(names)])
        held = dict(zip(states, values[len(names) :], strict=True))
    return [np.stack(values) for values in zip(*found, strict=True)]


def _spikes(told: Metadata) -> list[str]:
    """Names of the spikes of all populations."""
    return [told_as(SPIKES, population) for population in told.populations.values()]


def _record(model: ModelProto, told: Metadata) -> None:
    """Make outputs of the spikes of populations, and of what comes out in each step."""
    names = _spikes(told) + ([OUTPUTS] if told.form == "sequence" else [])
    made = {name for node in model.graph.node for name in node.output}
    for name in names:
        if name not in made:
            raise InputError(f"its metadata name {name[:SHOWN]!r}, which it does not compute")
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))


def _checked(model: ModelProto) -> Metadata:
    """The metadata of a model, if it is one of ours.

    Raises:
        InputError: It is not.
    """
    props = {prop.key: prop.value for prop in model.metadata_props}
    if model.producer_name != KEY or KEY not in props:
        raise InputError("the model was not written by msenas; others are not read")
    try:
        told = msgspec.json.decode(props[KEY], type=Metadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"its metadata: {error}") from None
    if told.schema != SCHEMA or told.form not in FORMS or not 1 <= told.steps <= MOST_STEPS:
        raise InputError(f"its metadata have schema {told.schema}, form {told.form[:SHOWN]!r}, {told.steps} steps")
    if [(o.domain, o.version) for o in model.opset_import] != [("", OPSET)] or len(model.functions):
        raise InputError(f"the model does not use operator set {OPSET} and nothing else")
    for name, (_, shape) in told.states.items():
        if len(shape) > MOST_AXES or min(shape, default=1) < 1 or math.prod(shape) > MOST_NUMBERS:
            raise InputError(f"its metadata give {name[:SHOWN]!r} the shape {str(shape)[:SHOWN]}")
    _check_graph(model.graph, 0)
    return told


def _check_graph(graph: GraphProto, depth: int) -> None:
    tensors = list(graph.initializer)
    for node in graph.node:
        if node.op_type not in OPERATORS or node.domain:
            raise InputError(f"the model has the operator {node.op_type[:SHOWN]!r}, which msenas does not write")
        for attribute in node.attribute:
            tensors.append(attribute.t)
            for inner in (attribute.g, *attribute.graphs) if attribute.type in GRAPHS else ():
                if depth == DEEPEST:
                    raise InputError("the model has graphs inside graphs inside graphs")
                _check_graph(inner, depth + 1)
    if len(graph.sparse_initializer) or any(t.data_location == TensorProto.EXTERNAL for t in tensors):
        raise InputError("the model keeps numbers outside its file")
