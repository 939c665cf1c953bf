"""From a choice to a data set: find the files, decode or map them, split, measure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msenas.data.archive import fetch_all
from msenas.data.array_writer import UNSIGNED, moments_of
from msenas.data.cache import cache_folder, cached, key_of
from msenas.data.dataset import WHITE, Dataset, Kind, Samples, Split
from msenas.data.decoded import Decoded, Sink, check_labels
from msenas.data.digits import read_digits
from msenas.data.locate import Found, choose, entry_of, find, home, user_path
from msenas.data.progress import ticking
from msenas.data.spec import DataSpec
from msenas.data.splits import Division, divide
from msenas.errors import DataError


def load(spec: DataSpec, *, download: bool = False, cache: Path | None = None, progress: bool = False) -> Dataset:
    """Load a data set; decode it into the cache first if it is not there yet.

    Args:
        spec: which data set and how to shape it.
        download: fetch it if no copy is found.
        cache: folder of decoded samples; None is $MSENAS_CACHE or the user's cache folder.
        progress: show a progress bar on stderr if that is a terminal.

    Raises:
        DataError: the data set is unknown, missing, damaged, or of another shape than it must have.
    """
    entry = entry_of(spec.name)
    check_choices(spec, entry.kind)
    if spec.name == "digits":
        parts: list[NDArray[Any]] = []
        decoded = read_digits(parts.append)
        samples = Samples(np.concatenate(parts))
        return assemble(spec, entry.kind, samples, decoded, moments_of(samples.array), {"layout": "bundled"})
    if download and not find(spec.name, spec.path):
        fetch_all(entry.archives, home() if spec.path is None else user_path(spec.path))
    return load_found(spec, entry.kind, choose(spec.name, spec.path), cache, progress)


def check_choices(spec: DataSpec, kind: Kind) -> None:
    """Raise DataError for a choice that this data set does not know."""
    if spec.name == "digits" and spec.path is not None:
        raise DataError("digits comes with the software; it takes no path")
    if kind == "image" and spec.window_ms is not None:
        raise DataError(f"{spec.name} has images; a window is for event recordings")
    if kind == "image" and spec.size is not None and spec.name != "image-folder":
        raise DataError(f"{spec.name} has images of one size; size is for event recordings and image-folder")


def load_found(spec: DataSpec, kind: Kind, found: Found, cache: Path | None, progress: bool) -> Dataset:
    """Load one copy through the cache."""
    key = key_of(found.files, shaping(spec, kind, found))

    def decode(sink: Sink) -> Decoded:
        with ticking(f"decoding {spec.name}", progress) as tick:
            return found.layout.read(found.path, found.files, spec, sink, tick)

    samples, decoded, moments, _ = cached(cache_folder(cache), f"{spec.name}-{key}", decode)
    about = {
        "path": str(found.path.absolute()),
        "layout": found.layout.name,
        "files": len(found.files),
        "cache": key,
    }
    return assemble(spec, kind, samples, decoded, moments, about)


def shaping(spec: DataSpec, kind: Kind, found: Found) -> dict[str, object]:
    """The choices, besides the files, that decide what the samples are."""
    choices: dict[str, object] = {"name": spec.name, "layout": found.layout.name, "size": spec.size}
    if kind == "events":
        choices |= {"steps": spec.steps, "window_ms": spec.window_ms}
    return choices


def from_arrays(
    inputs: NDArray[Any],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    *,
    name: str = "arrays",
    is_test: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> Dataset:
    """A data set from arrays in memory.

    Args:
        inputs: images uint8 [N, C, H, W], or unsigned event counts [N, T, 2, H, W].
        labels: [N], in 0..len(classes)-1.
        classes: class names.
        name: recorded as the data set's name.
        is_test: [N], True for test samples; None draws a tenth of each class.
        seed: of the split.

    Raises:
        DataError: shapes or labels do not fit.
    """
    if inputs.ndim not in (4, 5) or inputs.dtype not in UNSIGNED or len(inputs) != len(labels):
        raise DataError(
            f"inputs are {inputs.dtype} {list(inputs.shape)} with {len(labels)} labels;"
            " unsigned (of at most 32 bits) [N, C, H, W] or [N, T, 2, H, W] with N labels are needed"
        )
    kind: Kind = "image" if inputs.ndim == 4 else "events"
    if is_test is not None and np.shape(is_test) != (len(labels),):
        raise DataError(f"is_test has the shape {list(np.shape(is_test))}; [{len(labels)}] is needed")
    decoded = Decoded(check_labels(np.asarray(labels), len(classes), name), tuple(classes), is_test)
    spec = DataSpec(name=name, seed=seed)
    return assemble(spec, kind, Samples(inputs), decoded, moments_of(inputs), {"layout": "arrays"})


def assemble(
    spec: DataSpec,
    kind: Kind,
    samples: Samples,
    decoded: Decoded,
    moments: NDArray[np.float64],
    about: dict[str, object],
) -> Dataset:
    """Split the samples and record where they came from."""
    labels, classes = decoded.labels, decoded.classes
    try:
        division = divide(labels, classes, spec.seed, decoded.is_test, decoded.recordings)
    except DataError as error:
        cuttable = kind == "events" and not spec.window_ms and len(classes) > 1
        hint = "; a window cuts recordings into samples" if cuttable else ""
        raise DataError(f"{spec.name}: {error}{hint}") from error
    mean, std = statistics(moments[division.train], samples.array)
    splits = {
        part: Split(samples, getattr(division, part), labels[getattr(division, part)])
        for part in ("train", "val", "test")
    }
    record: dict[str, object] = {
        "name": spec.name,
        **about,
        "samples": {part: len(split) for part, split in splits.items()},
        "per_class": {part: per_class(split.labels, len(classes)) for part, split in splits.items()},
        "split": division.rule,
        "split_seed": spec.seed,
        "notes": list(decoded.notes),
        "digest": digest_of(labels, division),
    }
    return Dataset(spec.name, kind, samples, classes, splits["train"], splits["val"], splits["test"], mean, std, record)


def statistics(moments: NDArray[np.float64], array: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel from [n, 2, C] sums; images in units of white."""
    values = len(moments) * array[0].size // array.shape[-3]
    scale = WHITE if array.ndim == 4 else 1
    first, second = moments.sum(axis=0) / values
    deviation = np.sqrt(np.maximum(second - first**2, 0.0))
    return tuple(map(float, first / scale)), tuple(map(float, deviation / scale))


def per_class(labels: NDArray[np.int64], classes: int) -> list[int]:
    """The fewest and the most samples of a class."""
    counts = np.bincount(labels, minlength=classes)
    return [int(counts.min()), int(counts.max())]


def digest_of(labels: NDArray[np.int64], division: Division) -> str:
    """16 hex digits that are equal if and only if labels and splits are."""
    digest = hashlib.sha256()
    for part in (labels, division.train, division.val, division.test):
        digest.update(np.ascontiguousarray(part, dtype="<i8").tobytes() + b"|")
    return digest.hexdigest()[:16]
