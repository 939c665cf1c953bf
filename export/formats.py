"""The file formats: how each is written, and how a file is read back and compared with the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nir
import numpy as np
from numpy.typing import NDArray

from export.comparing import verify
from export.nir_read import read_nir
from export.nir_write import OTHER_STEPS, to_nir_graph, write_nir
from export.onnx_compare import verify_onnx
from export.onnx_model import write_onnx
from export.sources import Lowered
from export.verification import Verification
from msenas.errors import CheckFailed

EXACT = "portable"
"""Convention whose files all of our own readers run."""
Labels = NDArray[np.int64] | None


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        ending: of file names; what comes before the dot tells apart what else would have one name.
        write: from path, lowered network and convention.
        verify: reads the file back and compares it with the network; told the classes of the samples.
        targets: whether files differ between targets.
    """

    ending: str
    write: Callable[[Path, Lowered, str], None]
    verify: Callable[[Path, Lowered, str, Labels], Verification]
    targets: bool = False

    @property
    def suffix(self) -> str:
        """Last part of the names of files."""
        return self.ending[self.ending.rindex(".") :]


def _write_nir(path: Path, made: Lowered, convention: str) -> None:
    write_nir(path, made.graph, convention)


def _verify_nir(path: Path, made: Lowered, convention: str, labels: Labels) -> Verification:
    found = read_nir(path)
    _check_read_back(path, found, to_nir_graph(made.graph, convention))
    runs = to_nir_graph(made.graph, EXACT) if convention in OTHER_STEPS else found
    return verify(made.network, runs, made.frames, labels)


def _check_read_back(path: Path, found: nir.NIRGraph, meant: nir.NIRGraph) -> None:
    """A file holds every number that was written, or it has failed."""
    if found.edges != meant.edges or list(found.nodes) != list(meant.nodes) or found.metadata != meant.metadata:
        raise CheckFailed(f"{path} is not read back as it was written")
    for name, node in meant.nodes.items():
        fields, read = node.to_dict(), found.nodes[name].to_dict()
        different = [key for key, value in fields.items() if not np.array_equal(value, read.get(key))]
        if different or fields.keys() != read.keys():
            raise CheckFailed(f"{path}: {name} is not read back as it was written: {', '.join(different)}")


def _write_onnx(form: str, path: Path, made: Lowered, convention: str) -> None:
    write_onnx(path, made.graph, form)


def _verify_onnx(path: Path, made: Lowered, convention: str, labels: Labels) -> Verification:
    return verify_onnx(made.network, path, made.frames, labels)


FORMATS: Mapping[str, Format] = {
    "nir": Format(".nir", _write_nir, _verify_nir, targets=True),
    "onnx": Format(".onnx", partial(_write_onnx, "sequence"), _verify_onnx),
    "onnx-step": Format("-step.onnx", partial(_write_onnx, "step"), _verify_onnx),
}
"""Formats by name."""
