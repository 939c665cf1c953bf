"""A small data set and a small network that trains on it within a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from msenas.data import from_arrays
from msenas.phenotype.encoding import Standard
from msenas.runs.best import SCHEMA, Best, forms, write_best
from tests.conftest import motif_genome, small_spec

CLASSES = 3


def arrays(samples=72, seed=0, channels=1):
    """Images [N, C, 8, 8] with a bright stripe at the place of their class, and labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % CLASSES
    images = rng.integers(0, 80, (samples, channels, 8, 8)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, :, 2 * label : 2 * label + 3] += 150
    return images, labels


def dataset(samples=72, **more):
    """The arrays as a data set with splits."""
    return from_arrays(*arrays(samples, **more), ("a", "b", "c"))


def events(samples=24, steps=3):
    """Event counts [N, T, 2, 8, 8] as a data set."""
    counts = np.random.default_rng(1).poisson(1.5, (samples, steps, 2, 8, 8)).astype(np.uint16)
    return from_arrays(counts, np.arange(samples) % CLASSES, ("a", "b", "c"))


def standard(data):
    return Standard(data.mean, data.std)


def write_npz(path: Path, **more):
    images, labels = arrays(**more)
    np.savez(path, x=images, y=labels)
    return path


def write_files(folder: Path, *motifs, **spec):
    """An npz and the best.json of a network that was searched on it; the path of best.json."""
    motifs = motifs or ("FE", "LI")
    data = write_npz(folder / "arrays.npz")
    options = {"steps": 2} | spec
    best = Best(
        schema=SCHEMA,
        genome=forms(motif_genome(*motifs)),
        network=small_spec(len(motifs), **options),
        weight_seed=7,
        provenance={"dataset": {"name": "npz", "path": str(data)}, "seed": 0, "hardware": "loihi1"},
    )
    write_best(folder / "best.json", best)
    return folder / "best.json"
