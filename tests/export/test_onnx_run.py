"""Running models that were read back, and files that are refused."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper

from export.lower import lower
from export.onnx_model import FORMS, KEY, write_onnx
from export.onnx_run import FEWEST, FRAMES_AT_ONCE, open_model, run_onnx
from msenas.errors import InputError
from tests.conftest import motif_plan
from tests.export.networks import agreement, frames_for, tensors_of, trained, watch
from tests.export.reference import exact_graph
from tests.phenotype.plans import NON_EMPTY


@pytest.fixture(scope="module")
def graph():
    return exact_graph(motif_plan("FbI"))


@pytest.fixture(params=FORMS)
def path(request, graph, tmp_path):
    path = tmp_path / "model.onnx"
    write_onnx(path, graph, request.param)
    return path


def edited(path, change) -> None:
    """Change the model in a file."""
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("motif", NON_EMPTY)
def test_fires_as_the_trained_network(motif, form, tmp_path):
    plan = motif_plan(motif, "FE", encoding="events")
    network = trained(plan)
    graph, frames = lower(plan, tensors_of(network)), frames_for(plan)
    write_onnx(tmp_path / "model.onnx", graph, form)
    trace = run_onnx(open_model(tmp_path / "model.onnx"), frames)
    scores, spikes = watch(network, frames)
    found = {node.population: trace.spikes[node.name] for node in graph.populations}
    assert all(train.dtype == np.uint8 for train in found.values())
    assert agreement(found, spikes) == 1.0
    assert np.abs(trace.outputs.mean(0) - scores).max() < 1e-5


def test_many_samples_run_in_parts(path, graph):
    model, steps = open_model(path), 3
    samples = 2 * max(FEWEST, FRAMES_AT_ONCE // steps) + 1
    frames = np.random.default_rng(0).normal(size=(steps, samples, *graph.input_shape)).astype(np.float32)
    together = run_onnx(model, frames)
    assert together.outputs.shape == (steps, samples, 3)
    for sample in (0, samples // 2, samples - 1):
        alone = run_onnx(model, frames[:, sample : sample + 1])
        assert np.abs(alone.outputs[:, 0] - together.outputs[:, sample]).max() < 1e-6
        for node, train in alone.spikes.items():
            assert np.array_equal(train[:, 0], together.spikes[node][:, sample])


def test_one_frame_is_shown_in_all_steps(path, graph):
    model, frame = open_model(path), np.ones((1, 2, *graph.input_shape), np.float32)
    once, often = run_onnx(model, frame), run_onnx(model, np.repeat(frame, graph.steps, 0))
    assert once.outputs.shape == (graph.steps, 2, 3)
    assert np.array_equal(once.outputs, often.outputs)


@pytest.mark.parametrize("shape", [(3, 1, 8, 8), (3, 2, 1, 8, 7), (3, 0, 1, 8, 8), (0, 2, 1, 8, 8), (3, 2, 2, 8, 8)])
def test_frames_of_another_shape(path, shape):
    with pytest.raises(InputError, match=r"\['T', 'B', 1, 8, 8\] is needed"):
        run_onnx(open_model(path), np.zeros(shape, np.float32))


def other_producer(model: ModelProto) -> None:
    model.producer_name = "pytorch"


def no_metadata(model: ModelProto) -> None:
    del model.metadata_props[:]


def told(**changes: object):
    def change(model: ModelProto) -> None:
        data = json.loads(model.metadata_props[0].value) | changes
        helper.set_model_props(model, {KEY: json.dumps(data)})

    return change


def outside(model: ModelProto) -> None:
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def outside_of_an_attribute(model: ModelProto) -> None:
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    model.graph.node.append(helper.make_node("ConstantOfShape", ["x"], ["y"], value=tensor))


def deep(model: ModelProto) -> None:
    graph = helper.make_graph([], "inner", [], [])
    for _ in range(3):
        graph = helper.make_graph([helper.make_node("Scan", ["x"], ["y"], body=graph)], "around", [], [])
    model.graph.node.append(graph.node[0])


def operator(name: str, domain: str = ""):
    return lambda model: model.graph.node.append(helper.make_node(name, ["x"], ["y"], domain=domain))


def other_opset(model: ModelProto) -> None:
    model.opset_import[0].version = 18


def another_opset(model: ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def incomplete(model: ModelProto) -> None:
    del model.graph.node[0]


BROKEN = {
    "the model was not written by msenas": [other_producer, no_metadata],
    "its metadata: ": [told(schema="1"), told(populations=[]), told(states=None)],
    "its metadata have schema 2": [told(schema=2)],
    "form 'loop'": [told(form="loop")],
    "0 steps": [told(steps=0)],
    "9999999 steps": [told(steps=9_999_999)],
    "'spikes_X', which it does not compute": [told(populations={"n": "X"})],
    "keeps numbers outside its file": [outside, outside_of_an_attribute],
    "graphs inside graphs": [deep],
    "the operator 'Loop'": [operator("Loop")],
    "the operator 'Conv'": [operator("Conv", "com.microsoft")],
    "does not use operator set 10 and nothing else": [other_opset, another_opset],
    "no ONNX model that runs": [incomplete],
}


@pytest.mark.parametrize(("message", "change"), [(m, c) for m, changes in BROKEN.items() for c in changes])
def test_models_that_are_not_ours_are_refused(path, message, change):
    edited(path, change)
    with pytest.raises(InputError) as caught:
        open_model(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [[-1], [0], [1 << 40], [1 << 70], [1] * 100, [1 << 16, 1 << 16]])
def test_states_of_impossible_shapes_are_refused(graph, tmp_path, shape):
    path = tmp_path / "model.onnx"
    write_onnx(path, graph, "step")

    def change(model):
        (prop,) = model.metadata_props
        told = json.loads(prop.value)
        told["states"][next(iter(told["states"]))][1] = shape
        prop.value = json.dumps(told)

    edited(path, change)
    with pytest.raises(InputError, match=r"its metadata"):
        open_model(path)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x05" * 100])
def test_files_that_are_no_models_are_refused(tmp_path, content):
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.onnx"):
        open_model(tmp_path / "model.onnx")


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        open_model(tmp_path / "model.onnx")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_files_are_refused_or_run(graph, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "model.onnx"
    write_onnx(path, graph, data.draw(st.sampled_from(FORMS)))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with suppress(InputError):
        run_onnx(open_model(path, 1), np.ones((2, 1, *graph.input_shape), np.float32))
