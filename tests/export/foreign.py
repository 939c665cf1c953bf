"""NIR graphs as other programs write them, with weights drawn at random."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import nir
import numpy as np

GRID = 16
"""Weights are multiples of 1 / GRID, so that sums of spikes are exact and spikes do not depend on rounding."""
THRESHOLD = 1 + 1 / 64
"""On no grid of weights, so that no potential is just at it."""


def graph(nodes: dict[str, Any], edges: list[tuple[str, str]] | None = None, **more: Any) -> nir.NIRGraph:
    """Nodes in a row, or with edges of their own; shapes are filled in by whoever reads it."""
    return nir.NIRGraph(nodes, list(pairwise(nodes)) if edges is None else edges, type_check=False, **more)


def source(*shape: int) -> nir.Input:
    return nir.Input(input_type={"input": np.array(shape)})


def sink(*shape: int) -> nir.Output:
    return nir.Output(output_type={"output": np.array(shape)})


def weights(rng: np.random.Generator, *shape: int, spread: int = 12) -> np.ndarray:
    return (rng.integers(-spread, spread, shape, endpoint=True) / GRID).astype(np.float32)


def conv(rng: np.random.Generator, shape: tuple[int, ...], *, stride: Any = 1, padding: Any = 0, **more: Any) -> Any:
    """A convolution with weights [C_out, C_in / groups, kh, kw], and a bias unless `bias` is False."""
    bias = weights(rng, shape[0], spread=4) if more.pop("bias", True) else np.zeros(shape[0], np.float32)
    options = {"dilation": 1, "groups": 1} | more
    return nir.Conv2d(None, weights(rng, *shape), stride, padding, bias=bias, **options)


def affine(rng: np.random.Generator, outputs: int, inputs: int) -> nir.Affine:
    return nir.Affine(weights(rng, outputs, inputs), weights(rng, outputs, spread=4))


def fire(*shape: int, threshold: float = THRESHOLD) -> nir.IF:
    return nir.IF(np.ones(shape, np.float32), np.full(shape, threshold, np.float32))


def leaky(*shape: int, steps: float = 2.0, r: float = 2.0, threshold: float = THRESHOLD, dt: float = 1e-4) -> nir.LIF:
    """By default r is tau in steps, so that v <- v / 2 + I."""
    full = [np.full(shape, value, np.float32) for value in (steps * dt, r, 0.0, threshold)]
    return nir.LIF(*full)


def pool(side: int, kind: type = nir.SumPool2d) -> Any:
    return kind(np.array([side, side]), np.array([side, side]), np.array([0, 0]))


def flatten(*shape: int) -> nir.Flatten:
    return nir.Flatten({"input": np.array(shape)}, 0, -1)


def paper_cnn(rng: np.random.Generator) -> nir.NIRGraph:
    """The convolutional network of the NIR paper (Pedersen et al. 2024), on events of 2 x 34 x 34."""
    return graph(
        {
            "input": source(2, 34, 34),
            "0": conv(rng, (16, 2, 5, 5), stride=2, padding=1),
            "1": fire(16, 16, 16),
            "2": conv(rng, (16, 16, 3, 3), padding=1),
            "3": fire(16, 16, 16),
            "4": pool(2),
            "5": conv(rng, (8, 16, 3, 3), padding=1),
            "6": fire(8, 8, 8),
            "7": pool(2),
            "8": flatten(8, 4, 4),
            "9": affine(rng, 256, 128),
            "10": fire(256),
            "11": affine(rng, 10, 256),
            "12": fire(10),
            "output": sink(10),
        }
    )
