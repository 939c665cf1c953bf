"""Small NIR graphs, each with one thing that some target minds; the same graphs are shown to the tools themselves.

Maps are 2 x 6 x 6 at the input and 4 x 6 x 6 behind it. Weights are random but for `grid`, thresholds odd numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import pairwise

import nir
import numpy as np

DT = 1e-4
THRESHOLD = np.nextafter(np.float32(0.5), np.float32(1.0))
MAP, CLASSES = (4, 6, 6), 5
Nodes = dict[str, nir.NIRNode]


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def conv(name: int = 0, inputs: int = 2, outputs: int = 4, kernel=(3, 3), shape=(6, 6), gain=1.0, **more) -> nir.Conv2d:
    drawn = np.random.default_rng(name).normal(0.1, 0.5, (outputs, inputs // more.get("groups", 1), *kernel))
    options = {"stride": (1, 1), "padding": (kernel[0] // 2, kernel[1] // 2), "dilation": (1, 1), "groups": 1} | more
    bias = np.linspace(-0.1, 0.2, outputs)
    weights = {"weight": (gain * drawn).astype(np.float32), "bias": (gain * bias).astype(np.float32)}
    return nir.Conv2d(input_shape=shape, **weights, **options)


def late(name: int = 9, **more) -> nir.Conv2d:
    """A convolution from a map to itself without bias."""
    node = conv(name, 4, 4, **more)
    node.weight, node.bias = -np.abs(node.weight), np.zeros(4, np.float32)
    return node


def affine(inputs: int = 36, outputs: int = CLASSES, gain: float = 1.0) -> nir.Affine:
    weight = np.random.default_rng(3).normal(0.1, 0.5, (outputs, inputs))
    bias = np.linspace(-0.2, 0.2, outputs)
    return nir.Affine(weight=(gain * weight).astype(np.float32), bias=(gain * bias).astype(np.float32))


def full(value: float, shape=MAP) -> np.ndarray:
    return np.full(shape, value, np.float32)


def lif(shape=MAP, tau=2e-4, r=2.0, v_leak=0.0, v_reset=0.0, v_threshold=THRESHOLD) -> nir.LIF:
    values = {"tau": tau, "r": r, "v_leak": v_leak, "v_reset": v_reset, "v_threshold": v_threshold}
    return nir.LIF(**{name: full(1, shape) * np.asarray(value, np.float32) for name, value in values.items()})


def fire(shape=MAP, r=1.0) -> nir.IF:
    return nir.IF(r=full(r, shape), v_threshold=full(float(THRESHOLD), shape), v_reset=full(0, shape))


def cuba(shape=MAP) -> nir.CubaLIF:
    ones = full(1, shape)
    times = {"tau_mem": 2e-4 * ones, "tau_syn": 2e-4 * ones}
    return nir.CubaLIF(**times, r=2 * ones, v_leak=0 * ones, v_threshold=ones * THRESHOLD, v_reset=0 * ones, w_in=2.0)


def pool(kind=nir.SumPool2d, size=2, stride=2, padding=0) -> nir.NIRNode:
    pairs = {"kernel_size": size, "stride": stride, "padding": padding}
    return kind(**{name: np.array([value, value]) for name, value in pairs.items()})


def flatten(shape=(4, 3, 3)) -> nir.Flatten:
    return nir.Flatten(input_type={"input": np.array(shape)}, start_dim=0, end_dim=-1)


def ends(output=(CLASSES,), shape=(2, 6, 6)) -> Nodes:
    given, gives = {"input": np.array(shape)}, {"output": np.array(output)}
    return {"input": nir.Input(given), "output": nir.Output(gives)}


def graph(nodes: Nodes, *paths: str, told: Mapping | None = None, check: bool = True) -> nir.NIRGraph:
    """Nodes wired along paths such as "input a b output"; an edge that is in two of them is one."""
    edges: dict[tuple[str, str], None] = {}
    for path in paths:
        names = path.split()
        edges |= dict.fromkeys(pairwise(names))
    metadata = {"msenas": json.dumps(told)} if told else {}
    return nir.NIRGraph(nodes, list(edges), metadata=metadata, type_check=check)


CHAIN = "input n0_conv n1_lif n2_pool n3_flatten n4_affine n5_lif output"


def chain(told: Mapping | None = None, path: str = CHAIN, check: bool = True, **changes: nir.NIRNode) -> nir.NIRGraph:
    """Conv2d, LIF, SumPool2d, Flatten, Affine, LIF; any of them replaced."""
    nodes = ends() | {"n0_conv": conv(), "n1_lif": lif(), "n2_pool": pool(), "n3_flatten": flatten()}
    nodes |= {"n4_affine": affine(), "n5_lif": lif((CLASSES,))}
    return graph(nodes | changes, path, told=told, check=check)


def neurons(make: Callable, **options) -> nir.NIRGraph:
    """The chain with other neurons."""
    return chain(n1_lif=make(MAP, **options), n5_lif=make((CLASSES,), **options))


def on_grid() -> nir.NIRGraph:
    """Weights that are multiples of 1/16 and a threshold that their sums hit."""
    found = neurons(lif, v_threshold=0.5)
    for node in (found.nodes["n0_conv"], found.nodes["n4_affine"]):
        node.weight, node.bias = np.rint(8 * node.weight) / np.float32(8), np.rint(8 * node.bias) / np.float32(8)
    return found


def currents_only() -> nir.NIRGraph:
    nodes = {name: node for name, node in chain().nodes.items() if name != "n5_lif"}
    return graph(nodes, "input n0_conv n1_lif n2_pool n3_flatten n4_affine output")


def maps(nodes: Nodes, *paths: str, output=MAP, **more) -> nir.NIRGraph:
    """A graph whose output is a map of spikes."""
    return graph(ends(output) | nodes, *paths, **more)


def branch() -> nir.NIRGraph:
    nodes = {"n0_conv": conv(0), "n1_lif": lif(), "n2_conv": conv(2, 4), "n3_conv": conv(3), "n4_lif": lif()}
    return maps(nodes, "input n0_conv n1_lif n2_conv n4_lif output", "input n3_conv n4_lif")


def skip() -> nir.NIRGraph:
    nodes = {"n0_conv": conv(0), "n1_lif": lif(), "n2_conv": conv(2, 4), "n3_lif": lif(), "n4_conv": conv(4, 4)}
    paths = "input n0_conv n1_lif n2_conv n3_lif n4_conv n5_lif output", "n1_lif n4_conv"
    return maps(nodes | {"n5_lif": lif()}, *paths)


def feedback() -> nir.NIRGraph:
    nodes = {"n0_conv": conv(0), "n1_lif": lif(), "n2_late": late()}
    return maps(nodes, "input n0_conv n1_lif output", "n1_lif n2_late n1_lif")


def long_feedback() -> nir.NIRGraph:
    nodes = {"n0_conv": conv(0), "n1_lif": lif(), "n2_conv": conv(2, 4), "n3_lif": lif(), "n4_late": late()}
    return maps(nodes, "input n0_conv n1_lif n2_conv n3_lif output", "n3_lif n4_late n1_lif")


def dense_feedback() -> nir.NIRGraph:
    weight = -np.abs(affine(CLASSES, CLASSES).weight)
    return graph(
        chain().nodes | {"n6_late": nir.Affine(weight=weight, bias=np.zeros(CLASSES, np.float32))},
        CHAIN,
        "n5_lif n6_late n5_lif",
    )


def disordered() -> nir.NIRGraph:
    """A forward synapse that sorts behind what reads it, in a loop: the wiring takes the other edge as late."""
    nodes = {"a_conv": conv(0), "b_lif": lif(), "z_conv": conv(2, 4), "c_lif": lif(), "d_late": late()}
    return maps(nodes, "input a_conv b_lif z_conv c_lif output", "c_lif d_late b_lif")


def waiting() -> nir.NIRGraph:
    """Two nodes of one source each wait for one another."""
    nodes = {"n0_conv": conv(0), "n1_lif": lif(), "n2_conv": late(), "n3_lif": lif()}
    return maps(nodes, "input n0_conv n1_lif output", "n2_conv n3_lif n2_conv")


def two_outputs() -> nir.NIRGraph:
    nodes = {"n0_conv": conv(0), "n1_lif": lif(), "second": nir.Output({"output": np.array(MAP)})}
    return maps(nodes, "input n0_conv n1_lif output", "n1_lif second")


def two_edges_out() -> nir.NIRGraph:
    nodes = {"n0_conv": conv(0), "n1_lif": lif(), "n2_conv": conv(2), "n3_lif": lif()}
    return maps(nodes, "input n0_conv n1_lif output", "input n2_conv n3_lif output")


def nested() -> nir.NIRGraph:
    inner = maps({"a_conv": conv(0), "b_lif": lif()}, "input a_conv b_lif output")
    return maps({"n0_inner": inner}, "input n0_inner output", check=False)


def misnamed() -> nir.NIRGraph:
    nodes = {"a_in": ends()["input"], "n0_conv": conv(), "n1_lif": lif(), "z_out": ends(MAP)["output"]}
    return graph(nodes, "a_in n0_conv n1_lif z_out")


def pooled_input() -> nir.NIRGraph:
    nodes = {"n0_pool": pool(), "n1_conv": conv(1, shape=(3, 3)), "n2_lif": lif((4, 3, 3))}
    return maps(nodes, "input n0_pool n1_conv n2_lif output", output=(4, 3, 3))


def two_synapses_in_a_row() -> nir.NIRGraph:
    nodes = {"n0_conv": conv(0), "n1_conv": conv(1, 4), "n2_lif": lif()}
    return maps(nodes, "input n0_conv n1_conv n2_lif output")


def direct_spikes() -> nir.NIRGraph:
    nodes = {"n0_conv": conv(0), "n1_lif": lif(), "n2_lif": lif()}
    return maps(nodes, "input n0_conv n1_lif n2_lif output")


def single_conv(check: bool = True, shape=MAP, **options) -> nir.NIRGraph:
    nodes = {"n0_conv": conv(0, **options), "n1_lif": lif(shape)}
    return maps(nodes, "input n0_conv n1_lif output", output=shape, check=check)


def uneven(**values) -> nir.NIRGraph:
    steps = np.linspace(1.0, 1.5, 4, dtype=np.float32).reshape(4, 1, 1)
    return chain(n1_lif=lif(**{name: value * steps for name, value in values.items()}))


def extra(node: nir.NIRNode) -> nir.NIRGraph:
    """Another node between the first neurons and the pooling."""
    return graph(chain().nodes | {"n1a": node}, CHAIN.replace("n1_lif", "n1_lif n1a"))


def steps_of_sinabs() -> nir.NIRGraph:
    return neurons(lif, tau=-1.0 / np.log(0.5), r=1.0)


def dense() -> nir.NIRGraph:
    """Synapses of two populations of current-based neurons, small enough for any chip."""
    nodes = ends(shape=(8,)) | {"n0_linear": nir.Linear(weight=affine(8, 6).weight), "n1_cuba": cuba((6,))}
    nodes |= {"n2_linear": nir.Linear(weight=affine(6).weight), "n3_cuba": cuba((CLASSES,))}
    return graph(nodes, "input n0_linear n1_cuba n2_linear n3_cuba output")


def unit_gain(told: Mapping | None = None, dt: float = DT) -> nir.NIRGraph:
    """Convention r = 1: weights are multiplied by the time constant in steps."""
    options = {"tau": 2 * dt, "r": 1.0}
    more = {"n1_lif": lif(**options), "n5_lif": lif((CLASSES,), **options)}
    return chain(told, n0_conv=conv(gain=2.0), n4_affine=affine(gain=2.0), **more)


ZOO: dict[str, Callable[[], nir.NIRGraph]] = {
    "chain": chain,
    "if": lambda: neurons(fire),
    "if_per_second": lambda: neurons(fire, r=1e4),
    "if_twice": lambda: neurons(fire, r=2.0),
    "endless": lambda: neurons(lif, tau=2.0**100 * DT, r=2.0**100),
    "currents": currents_only,
    "average": lambda: chain(n2_pool=pool(nir.AvgPool2d)),
    "linear": lambda: chain(n4_affine=nir.Linear(weight=affine().weight)),
    "cuba": lambda: neurons(cuba),
    "dense": dense,
    "unit_gain": unit_gain,
    "unit_gain_told": lambda: unit_gain({"dt": 1e-3}, dt=1e-3),
    "millisecond": lambda: neurons(lif, tau=2e-3),
    "mixed_steps": lambda: chain(n1_lif=lif(tau=2e-4 * np.linspace(1, 2, 4).reshape(4, 1, 1))),
    "fast": lambda: neurons(lif, tau=0.9e-4, r=0.9),
    "steps_of_sinabs": steps_of_sinabs,
    "leak": lambda: neurons(lif, v_leak=0.1),
    "reset": lambda: neurons(lif, v_reset=-0.25),
    "uneven_threshold": lambda: uneven(v_threshold=THRESHOLD),
    "uneven_tau": lambda: uneven(tau=2e-4, r=2.0),
    "grid": on_grid,
    "groups": lambda: single_conv(groups=2, check=False),
    "wide_kernel": lambda: single_conv(kernel=(3, 5), check=False),
    "word_padding": lambda: single_conv(padding="same"),
    "dilated": lambda: single_conv(dilation=(2, 2), padding=(2, 2)),
    "padded_pool": lambda: chain(n2_pool=pool(padding=1), n3_flatten=flatten((4, 4, 4)), n4_affine=affine(64)),
    "overlapping_pool": lambda: chain(n2_pool=pool(stride=1), n3_flatten=flatten((4, 5, 5)), n4_affine=affine(100)),
    "branch": branch,
    "skip": skip,
    "feedback": feedback,
    "long_feedback": long_feedback,
    "dense_feedback": dense_feedback,
    "disordered": disordered,
    "waiting": waiting,
    "two_outputs": two_outputs,
    "two_edges_out": two_edges_out,
    "nested": nested,
    "misnamed": misnamed,
    "pooled_input": pooled_input,
    "two_synapses": two_synapses_in_a_row,
    "direct_spikes": direct_spikes,
    "scale": lambda: extra(nir.Scale(scale=full(0.5))),
    "delay": lambda: extra(nir.Delay(delay=full(1e-4))),
    "integrator": lambda: chain(n5_lif=nir.LI(tau=full(2e-4, (5,)), r=full(2, (5,)), v_leak=full(0, (5,)))),
}
