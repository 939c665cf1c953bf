"""NIR graphs written by hand, and files of them that can be tampered with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np

DT = 1e-4


def full(shape: int | tuple[int, ...], value: float = 1.0) -> np.ndarray:
    return np.full(shape, value, np.float32)


def lif(*shape: int, tau: float = 2.0, threshold: float = 0.5, reset: float = 0.0, leak: float = 0.0) -> nir.LIF:
    """Keeps 1 - 1/tau of its potential in each step, and adds its whole input."""
    ones = full(shape)
    return nir.LIF(ones * np.float32(tau * DT), ones * tau, ones * leak, ones * threshold, ones * reset)


def conv(weight: np.ndarray, shape: tuple[int, int] | None = None, **changes: Any) -> nir.Conv2d:
    options = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1} | changes
    bias = options.pop("bias", np.zeros(len(weight), np.float32))
    return nir.Conv2d(input_shape=shape, weight=np.asarray(weight, np.float32), bias=bias, **options)


def chain(shape: tuple[int, ...], *nodes: nir.NIRNode, gives: tuple[int, ...] | None = None) -> nir.NIRGraph:
    """Nodes one behind the other, n0 to n9, between `input` and `output`."""
    names = ["input", *(f"n{i}" for i in range(len(nodes))), "output"]
    ends = nir.Input(np.array(shape)), nir.Output(np.array(gives or shape))
    return graph(dict(zip(names, [ends[0], *nodes, ends[1]], strict=True)), *itertools.pairwise(names))


def graph(nodes: Mapping[str, nir.NIRNode], *edges: tuple[str, str], **metadata: Any) -> nir.NIRGraph:
    """A graph whose types are not looked at."""
    return nir.NIRGraph(dict(nodes), list(edges), metadata, type_check=False)


def small_network(rng: np.random.Generator | None = None, **metadata: Any) -> nir.NIRGraph:
    """Conv2d, LIF, SumPool2d, Flatten, Affine on an input of 1 x 4 x 4, with 3 outputs, types checked by nir."""
    rng = rng or np.random.default_rng(0)
    nodes = {
        "input": nir.Input(np.array([1, 4, 4])),
        "n0_conv": conv(rng.normal(size=(2, 1, 3, 3)), (4, 4), padding=(1, 1)),
        "n1_lif": lif(2, 4, 4),
        "n2_pool": nir.SumPool2d(*(np.array(pair) for pair in ([2, 2], [2, 2], [0, 0]))),
        "n3_flatten": nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1),
        "n4_affine": nir.Affine(rng.normal(size=(3, 8)).astype(np.float32), full(3)),
        "output": nir.Output(np.array([3])),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes, list(itertools.pairwise(names)), metadata)


def loop(first: str = "n1", second: str = "n2", third: str = "n3") -> nir.NIRGraph:
    """A neuron that is fed by the input and, through a convolution, by itself, under names of choice."""
    nodes = {
        "input": nir.Input(np.array([1, 1, 1])),
        first: conv(full((1, 1, 1, 1)), (1, 1)),
        second: lif(1, 1, 1),
        third: conv(full((1, 1, 1, 1), -1.0), (1, 1)),
        "output": nir.Output(np.array([1, 1, 1])),
    }
    return graph(nodes, ("input", first), (first, second), (second, third), (third, second), (second, "output"))


def written(path: Path, network: nir.NIRGraph | None = None, change: Callable[[h5py.File], None] | None = None) -> Path:
    """A file of a graph as nir writes it, changed behind its back."""
    nir.write(path, network or small_network())
    if change is not None:
        with h5py.File(path, "r+") as file:
            change(file)
    return path
