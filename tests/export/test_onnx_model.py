"""Models against a plain loop, by hand and on random networks; what the files are."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export import onnx_model
from export.graph import INPUT, OUTPUT, Affine, Conv, Flatten, Graph, Neurons, SumPool
from export.onnx_model import FORMS, IR_VERSION, KEY, OPSET, to_bytes, to_onnx, write_onnx
from export.onnx_run import open_model, run_onnx
from msenas.errors import InputError, RunError
from msenas.genotype.motifs import MOTIFS
from tests.conftest import motif_plan
from tests.export.networks import BROKEN, broken_plan
from tests.export.reference import exact_graph, frames_for, play
from tests.phenotype.plans import NON_EMPTY, connected, dense_plan

CLOSE = 1e-6


def conv(name: str, value: float, bias: float = 0.0, **options: object) -> Conv:
    """A 1x1 synapse between maps of one channel and 1 x 2 pixels."""
    weight = np.full((1, 1, 1, 1), value, np.float32)
    return Conv(name, weight, np.full(1, bias, np.float32), 1, 0, (1, 1, 2), **options)


def neurons(name: str, kind: str = "if", tau: float = 2.0, v_th: float = 1.0) -> Neurons:
    return Neurons(name, name.upper(), (1, 1, 2), kind, tau, v_th)


def chain(*nodes: object, edges: tuple[tuple[str, str], ...] = (), steps: int = 4) -> Graph:
    """Nodes one after the other from input to output, and further edges."""
    names = [INPUT, *(n.name for n in nodes if not getattr(n, "delayed", False)), OUTPUT]
    return Graph((1, 1, 2), steps, nodes, (*pairwise(names), *edges), "current", {})


def run(graph: Graph, frames: object, tmp_path, form: str = "sequence", counts: bool = False):
    path = tmp_path / f"{form}.onnx"
    write_onnx(path, graph, form, counts)
    return run_onnx(open_model(path, 1), np.asarray(frames, np.float32))


def pixels(*values: tuple[float, float]) -> np.ndarray:
    """Frames [T, 1, 1, 1, 2]."""
    return np.array(values, np.float32).reshape(-1, 1, 1, 1, 2)


@pytest.mark.parametrize("form", FORMS)
class TestByHand:
    def test_integrates_fires_above_the_threshold_and_resets(self, form, tmp_path):
        graph = chain(conv("a", 0.5), neurons("b"))
        # Potentials: 0.5, 1 (not above), 1.5 (spike), 0.5; and 1.5 (spike), 0, -0.5, 1.5 (spike).
        trace = run(graph, pixels((1, 3), (1, 0), (1, -1), (1, 4)), tmp_path, form)
        assert trace.spikes["b"].reshape(4, 2).tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]
        assert trace.outputs.reshape(4, 2).tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]

    def test_leaks(self, form, tmp_path):
        graph = chain(conv("a", 1.0), neurons("b", "lif", 4.0, 1.0))
        # 1 and 0.75 + 0.25 = 1 do not fire, 0.75 + 0.375 does; 0.5, 0.875, 0.65625 + 0.34375 = 1 do not.
        trace = run(graph, pixels((1, 0.5), (0.25, 0.5), (0.375, 0.34375)), tmp_path, form)
        assert trace.spikes["b"].reshape(3, 2).tolist() == [[0, 0], [0, 0], [1, 0]]

    def test_a_bias_acts_in_every_step(self, form, tmp_path):
        trace = run(chain(conv("a", 0.0, 0.5), neurons("b")), pixels((0, 0)), tmp_path, form)
        assert trace.spikes["b"].reshape(4, 2).tolist() == [[0, 0], [0, 0], [1, 1], [0, 0]]

    def test_a_delayed_synapse_of_a_loop_acts_one_step_later(self, form, tmp_path):
        late = conv("c", -2.0, inhibitory=True, delayed=True)
        graph = chain(conv("a", 2.0), neurons("b"), late, edges=(("b", "c"), ("c", "b")))
        # Fires; 0 + 2 - 2 = 0; fires; ... The other pixel: nothing; fires; 2 - 2 = 0.
        trace = run(graph, pixels((1, 0), (1, 1), (1, 1)), tmp_path, form)
        assert trace.spikes["b"].reshape(3, 2).tolist() == [[1, 0], [0, 1], [1, 0]]

    def test_a_delayed_synapse_on_no_loop_acts_one_step_later(self, form, tmp_path):
        late = conv("e", 2.0, delayed=True)
        nodes = conv("a", 2.0), neurons("b"), conv("c", 0.25), neurons("d"), late
        graph = chain(*nodes, edges=(("b", "e"), ("e", "d")))
        trace = run(graph, pixels((1, 0), (0, 1), (0, 0)), tmp_path, form)
        assert trace.spikes["b"].reshape(3, 2).tolist() == [[1, 0], [0, 1], [0, 0]]
        assert trace.spikes["d"].reshape(3, 2).tolist() == [[0, 0], [1, 0], [0, 1]]

    def test_a_delayed_synapse_may_read_the_input(self, form, tmp_path):
        graph = chain(conv("a", 0.0), neurons("b"), conv("c", 2.0, delayed=True), edges=((INPUT, "c"), ("c", "b")))
        trace = run(graph, pixels((1, 0), (0, 1), (0, 0)), tmp_path, form)
        assert trace.spikes["b"].reshape(3, 2).tolist() == [[0, 0], [1, 0], [0, 1]]

    def test_a_delayed_synapse_may_read_the_loop_and_what_is_outside(self, form, tmp_path):
        nodes = conv("a", 2.0), neurons("b"), conv("c", 0.5), neurons("d"), conv("e", 0.75, delayed=True)
        graph = chain(*nodes, edges=(("b", "e"), ("d", "e"), ("e", "d")))
        # b fires in the first step, and d gets 0.5, then 0.75 (1.25: fires), then 0.75 for its own spike, then nothing.
        trace = run(graph, pixels((1, 0), (0, 0), (0, 0), (0, 0)), tmp_path, form)
        assert trace.spikes["d"][..., 0].ravel().tolist() == [0, 1, 0, 0]
        trace = run(graph, pixels((1, 0), (1, 0), (0, 0)), tmp_path, form)
        assert trace.spikes["d"][..., 0].ravel().tolist() == [0, 1, 1]

    def test_currents_of_the_input_and_of_spikes_meet(self, form, tmp_path):
        nodes = conv("a", 2.0), neurons("b"), conv("c", 0.75), conv("d", 0.5), neurons("e")
        edges = ((INPUT, "a"), ("a", "b"), ("b", "c"), (INPUT, "d"), ("c", "e"), ("d", "e"), ("e", OUTPUT))
        graph = Graph((1, 1, 2), 3, nodes, edges, "current", {})
        trace = run(graph, pixels((1, 0.25)), tmp_path, form)
        assert trace.spikes["b"].reshape(3, 2).tolist() == [[1, 0], [1, 0], [1, 1]]
        assert trace.spikes["e"].reshape(3, 2).tolist() == [[1, 0], [1, 0], [1, 1]]

    def test_read_out_of_windows_that_do_not_cover_the_map(self, form, tmp_path):
        nodes = (
            Conv("a", np.ones((2, 1, 1, 1), np.float32), np.zeros(2, np.float32), 1, 0, (1, 3, 5)),
            Neurons("b", "B", (2, 3, 5), "if", 1.0, 0.5),
            SumPool("c", (2, 3, 5), (3, 2)),
            Flatten("d", (2, 1, 2)),
            Affine("e", np.array([[1, 10, 100, 1000]], np.float32), np.array([0.5], np.float32)),
        )
        graph = replace(chain(*nodes), input_shape=(1, 3, 5))
        frame = np.array([[1, 0, 0, 1, 1], [1, 1, 0, 0, 1], [0, 1, 1, 0, 1]], np.float32)
        trace = run(graph, frame[None, None, None], tmp_path, form)
        assert trace.outputs.ravel().tolist() == [4 * 1 + 2 * 10 + 4 * 100 + 2 * 1000 + 0.5] * 4

    def test_the_output_may_spike(self, form, tmp_path):
        nodes = (
            Flatten("a", (1, 1, 2)),
            Affine("b", np.array([[1, 1], [1, -1]], np.float32), np.array([0, 0.5], np.float32)),
            Neurons("c", "scores", (2,), "if", 1.0, 1.0),
        )
        trace = run(replace(chain(*nodes), read="spikes"), pixels((1, 0), (0, 1), (0.5, 0)), tmp_path, form)
        assert trace.outputs.reshape(3, 2).tolist() == [[0, 1], [1, 0], [0, 0]]
        assert (trace.spikes["c"] == trace.outputs).all()


def same(trace, expected) -> None:
    assert list(trace.spikes) == list(expected.spikes)
    for node, train in expected.spikes.items():
        assert np.array_equal(trace.spikes[node], train), node
    assert np.abs(trace.outputs - expected.outputs).max() <= CLOSE


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("neuron", ["lif", "if"])
@pytest.mark.parametrize("motif", NON_EMPTY)
def test_every_motif_fires_as_the_plain_loop(motif, neuron, form, tmp_path):
    assert len(NON_EMPTY) == len(MOTIFS) - 1
    graph = exact_graph(motif_plan("FE", motif, neuron=neuron))
    frames = frames_for(graph, 4, 2)
    expected = play(graph, frames)
    assert all(train.any() and not train.all() for train in expected.spikes.values())
    same(run(graph, frames, tmp_path, form), expected)


@pytest.mark.parametrize("motif", BROKEN)
def test_a_delay_without_its_loop_is_kept(motif, tmp_path):
    graph = exact_graph(broken_plan(motif))
    closing = [n for n in graph.nodes if isinstance(n, Conv) and not n.weight.any()]
    assert closing
    assert not any(f"{node.name}/weight" in t.name for node in closing for t in to_onnx(graph).graph.initializer)
    frames = frames_for(graph, 4, 2)
    for form in FORMS:
        same(run(graph, frames, tmp_path, form), play(graph, frames))


def test_pooling_and_dense_layers_fire_as_the_plain_loop(tmp_path):
    graph = exact_graph(dense_plan())
    frames = frames_for(graph, 4, 3)
    expected = play(graph, frames)
    assert all(train.any() for train in expected.spikes.values())
    for form in FORMS:
        same(run(graph, frames, tmp_path, form), expected)


@given(connected(), st.integers(0, 99), st.sampled_from(["current", "spikes"]))
@settings(max_examples=15, deadline=None)
def test_random_genomes_fire_as_the_plain_loop(tmp_path_factory, drawn, seed, read):
    graph, folder = exact_graph(drawn[2], seed, read), tmp_path_factory.mktemp("models")
    frames = frames_for(graph, 4, 2, seed)
    expected = play(graph, frames)
    for form in FORMS:
        same(run(graph, frames, folder, form), expected)


@pytest.fixture
def graph() -> Graph:
    """With two loops."""
    return exact_graph(motif_plan("LI", "MI"))


def session(graph: Graph, form: str = "sequence", counts: bool = False) -> onnxruntime.InferenceSession:
    """The model as others load it."""
    return onnxruntime.InferenceSession(to_bytes(to_onnx(graph, form, counts)), providers=["CPUExecutionProvider"])


class TestSequence:
    def test_any_number_of_steps_and_samples(self, graph):
        model = session(graph)
        assert [(i.name, i.shape) for i in model.get_inputs()] == [("frames", ["time", "batch", *graph.input_shape])]
        assert [(o.name, o.shape) for o in model.get_outputs()] == [("scores", ["batch", 3])]
        for steps, batch in ((2, 5), (6, 2), (3, 1)):
            frames = frames_for(graph, steps, batch)
            (scores,) = model.run(None, {"frames": frames})
            assert scores.shape == (batch, 3)
            assert np.abs(scores - play(graph, frames).outputs.mean(0)).max() <= CLOSE

    def test_one_frame_is_shown_in_all_steps(self, graph):
        frame = frames_for(graph, 1, 2)
        (scores,) = session(graph).run(None, {"frames": frame})
        expected = play(graph, np.repeat(frame, graph.steps, 0)).outputs.mean(0)
        assert np.abs(scores - expected).max() <= CLOSE

    def test_a_sample_does_not_depend_on_the_others(self, graph):
        model, frames = session(graph), frames_for(graph, 3, 4)
        (together,) = model.run(None, {"frames": frames})
        for sample in range(4):
            (alone,) = model.run(None, {"frames": frames[:, sample : sample + 1]})
            assert np.abs(alone[0] - together[sample]).max() <= CLOSE

    def test_spikes_are_counted_on_request(self, graph):
        frames = frames_for(graph, 4, 3)
        model, expected = session(graph, counts=True), play(graph, frames)
        names = {f"counts_{p.population.replace('.', '_')}": p.name for p in graph.populations}
        assert [o.name for o in model.get_outputs()] == ["scores", *names]
        for name, found in zip(names, model.run(list(names), {"frames": frames}), strict=True):
            assert np.array_equal(found, expected.spikes[names[name]].sum(0)), name

    def test_what_is_on_no_loop_runs_for_all_steps_at_once(self, graph):
        inside = [node.op_type for body in bodies(to_onnx(graph)) for node in body.node]
        assert 0 < inside.count("Conv") < sum(1 for node in graph.nodes if isinstance(node, Conv))
        elementwise = bodies(to_onnx(exact_graph(motif_plan("FE", "FI"))))
        assert len(elementwise) == 5
        assert {n.op_type for body in elementwise for n in body.node} == {"Mul", "Add", "Greater", "Cast", "Sub"}


def bodies(model: onnx.ModelProto) -> list[onnx.GraphProto]:
    """What runs step by step."""
    scans = [node for node in model.graph.node if node.op_type == "Scan"]
    return [attribute.g for scan in scans for attribute in scan.attribute if attribute.name == "body"]


class TestStep:
    def test_driven_in_a_loop_it_is_the_sequence(self, graph):
        model, frames = session(graph, "step"), frames_for(graph, 5, 2)
        told = json.loads(to_onnx(graph, "step").metadata_props[0].value)
        state = {name: np.zeros((2, *shape), np.float32) for name, (_, shape) in told["states"].items()}
        assert [i.name for i in model.get_inputs()] == ["frame", *state]
        total = 0
        for frame in frames:
            scores, *after = model.run(None, {"frame": frame, **state})
            state, total = dict(zip(state, after, strict=True)), total + scores
        (expected,) = session(graph).run(None, {"frames": frames})
        assert np.abs(total / len(frames) - expected).max() <= CLOSE

    def test_its_state_is_named_after_populations_and_delayed_synapses(self, graph):
        names = [i.name for i in session(graph, "step").get_inputs()]
        late = [node.name for node in graph.nodes if isinstance(node, Conv) and node.delayed]
        assert len(late) == 2
        populations = [f"state_{p.population.replace('.', '_')}" for p in graph.populations]
        assert names == ["frame", *populations, *(f"delayed_{name}" for name in late)]
        outputs = [o.name for o in session(graph, "step").get_outputs()]
        assert outputs == ["scores", *(f"next_{name}" for name in names[1:])]


@pytest.mark.parametrize("form", FORMS)
class TestFile:
    def test_states_its_versions_and_passes_the_checker(self, form, graph, tmp_path):
        write_onnx(tmp_path / "m.onnx", graph, form)
        model = onnx.load(tmp_path / "m.onnx")
        onnx.checker.check_model(model, full_check=True)
        assert [(o.domain, o.version) for o in model.opset_import] == [("", OPSET)]
        assert (model.ir_version, model.producer_name) == (IR_VERSION, "msenas")

    def test_tells_about_the_network(self, form, graph):
        (told,) = to_onnx(graph, form).metadata_props
        assert told.key == KEY
        about = json.loads(told.value)
        assert about["steps"] == 3
        assert about["encoding"] == "direct"
        assert about["about"] == {"seed": 0}
        assert about["populations"] == {p.name: p.population for p in graph.populations}

    def test_equal_graphs_give_equal_bytes(self, form, graph):
        again = exact_graph(motif_plan("LI", "MI"))
        assert to_bytes(to_onnx(graph, form)) == to_bytes(to_onnx(again, form))

    def test_holds_each_weight_once_and_little_else(self, form, graph):
        weights = sum(n.weight.nbytes + n.bias.nbytes for n in graph.nodes if isinstance(n, Conv | Affine))
        assert len(to_bytes(to_onnx(graph, form))) < weights + 1500 * len(graph.nodes)

    def test_leaves_out_synapses_that_only_close_a_loop(self, form, tmp_path):
        idle = conv("c", 0.0)
        nodes = conv("a", 2.0), neurons("b"), idle, conv("d", 1.0)
        edges = ((INPUT, "a"), ("a", "b"), ("b", "d"), (INPUT, "c"), ("c", "b"), ("d", OUTPUT))
        graph = Graph((1, 1, 2), 2, nodes, edges, "current", {})
        assert not any("c/weight" in t.name for t in to_onnx(graph, form).graph.initializer)
        assert run(graph, pixels((1, 0)), tmp_path, form).spikes["b"].reshape(2, 2).tolist() == [[1, 0], [1, 0]]

    def test_keeps_a_synapse_of_zeros_that_has_no_other_beside_it(self, form, tmp_path):
        graph = chain(conv("a", 0.0), neurons("b"))
        assert not run(graph, pixels((1, 1)), tmp_path, form).spikes["b"].any()

    def test_too_large(self, form, graph, monkeypatch):
        monkeypatch.setattr(onnx_model, "LARGEST", onnx_model.ROOM + 100)
        with pytest.raises(InputError, match="an ONNX file holds at most 100 of them"):
            to_onnx(graph, form)

    def test_cannot_be_written(self, form, graph, tmp_path):
        with pytest.raises(RunError, match="cannot write"):
            write_onnx(tmp_path / "no" / "m.onnx", graph, form)
        assert not list(tmp_path.iterdir())


def test_unknown_form(graph):
    with pytest.raises(InputError, match=r"unknown form of an ONNX model 'sequenc'; did you mean 'sequence'\?"):
        to_onnx(graph, "sequenc")


def test_a_step_counts_no_spikes(graph):
    with pytest.raises(InputError, match="whole sequence"):
        to_onnx(graph, "step", counts=True)


def test_populations_need_different_names():
    nodes = conv("a", 1.0), replace(neurons("b"), population="L1.E1"), replace(neurons("c"), population="L1_E1")
    with pytest.raises(InputError, match="two populations would be called 'L1_E1'"):
        to_onnx(chain(*nodes))


def test_a_loop_that_nothing_drives():
    nodes = conv("a", 1.0), neurons("b"), neurons("c"), conv("d", 1.0, delayed=True)
    edges = ((INPUT, "a"), ("a", "b"), ("b", OUTPUT), ("c", "d"), ("d", "c"))
    with pytest.raises(InputError, match="d and what it forms a loop with read nothing from outside"):
        to_onnx(Graph((1, 1, 2), 2, nodes, edges, "current", {}))
