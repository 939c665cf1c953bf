"""From a network to a file that was checked: lower, write, read back, run, compare; only then it gets its name.

Until then the file is called `*.failed.*`, and so it stays if it does not do what the network does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.check import check
from export.golden import write_golden
from export.graph import Graph
from export.nir_write import CONVENTIONS, to_nir_graph, write_nir
from export.onnx_model import write_onnx
from export.onnx_run import open_model, run_onnx
from export.quantise import Drift, quantise
from export.simulate import simulate
from export.sources import READOUTS, Source, lowered, rebuilt
from export.targets.table import TARGETS
from export.trace import Trace
from export.verification import Verification
from export.verify import compare, run_network, verify
from msenas.errors import CheckFailed, InputError, RunError, unknown
from msenas.phenotype.network import Network

EXACT = "portable"
"""Convention whose files all of our own readers run."""


@dataclass(frozen=True)
class Wanted:
    """A file that is asked for.

    Attributes:
        format: key of FORMATS.
        path: of the file.
        target: key of TARGETS; only NIR files differ between them.
        readout: one of READOUTS.
        bits: of the weights; None leaves them in float32.
        golden: also write what the samples give, for whoever runs the file elsewhere.
    """

    format: str
    path: Path
    target: str = "portable"
    readout: str = "current"
    bits: int | None = None
    golden: bool = False

    def __post_init__(self) -> None:
        for kind, value, known in (
            ("format", self.format, FORMATS),
            ("target", self.target, TARGETS),
            ("read-out", self.readout, READOUTS),
        ):
            if value not in known:
                raise InputError(unknown(kind, value, known))


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        wanted: what was asked for.
        path: of the file; another one than asked for if it failed.
        size: bytes.
        verification: the file beside the network that it was written from (beside the quantised one, if it was).
        accuracy: of the network before anything was rounded, on the same samples.
        drift: what rounding did to the weights, synapse by synapse; empty if nothing was rounded.
        golden: file of golden vectors.
        seconds: of lowering and writing, and of verifying.
    """

    wanted: Wanted
    path: Path
    size: int
    verification: Verification
    accuracy: float
    drift: tuple[Drift, ...]
    golden: Path | None
    seconds: tuple[float, float]

    @property
    def passed(self) -> bool:
        """Whether the file does what the network does."""
        return self.verification.passed

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON."""
        told = asdict(self) | {"passed": self.passed, "path": str(self.path)}
        told["wanted"] |= {"path": str(self.wanted.path)}
        return told | {"golden": None if self.golden is None else str(self.golden)}


def export(source: Source, wanted: Wanted) -> Exported:
    """Write a file and verify it; a file that fails keeps the name `*.failed.*`.

    Raises:
        CheckFailed: The target cannot take the network; nothing is written.
        InputError: The network cannot be lowered or quantised so.
        RunError: The file cannot be written; nothing is left behind.
    """
    start = time.perf_counter()
    graph, drift = lowered(source, wanted.readout), tuple[Drift, ...]()
    if wanted.bits is not None:
        quantised = quantise(graph, wanted.bits)
        graph, drift = quantised.graph, quantised.drift
    form = FORMATS[wanted.format]
    convention = TARGETS[wanted.target].convention
    if form.targets:
        _refuse_if_not_taken(graph, wanted.target, convention)
    failed = wanted.path.with_name(f"{wanted.path.stem}.failed{wanted.path.suffix}")
    form.write(failed, graph, convention)
    written = time.perf_counter()
    network = source.network if wanted.bits is None else rebuilt(graph)
    verification = form.verify(failed, graph, convention, network, source)
    path = failed
    if verification.passed:
        _rename(failed, wanted.path)
        path = wanted.path
    golden = _golden(graph, source, path) if wanted.golden and verification.passed else None
    seconds = written - start, time.perf_counter() - written
    size = path.stat().st_size
    return Exported(wanted, path, size, verification, _accuracy(source), drift, golden, seconds)


def _refuse_if_not_taken(graph: Graph, target: str, convention: str) -> None:
    report = check(to_nir_graph(graph, convention), target)
    if not report.accepted:
        errors = [finding for finding in report.findings if finding.level == "error"]
        first = errors[0]
        where = f"{first.node}: " if first.node else ""
        more = f" (and {len(errors) - 1} more; msenas check shows them)" if len(errors) > 1 else ""
        fix = f"; {first.fix}" if first.fix else ""
        raise CheckFailed(f"{target} cannot take the network: {where}{first.reason}{fix}{more}")


def _rename(old: Path, new: Path) -> None:
    try:
        os.replace(old, new)
    except OSError as error:
        raise RunError(f"cannot write {new}: {error.strerror or error}") from None


def _golden(graph: Graph, source: Source, path: Path) -> Path:
    """Inputs, outputs and spikes of all samples, as the numpy simulator runs the portable form."""
    frames = np.broadcast_to(source.frames.numpy(), (graph.steps, *source.frames.shape[1:]))
    dt = CONVENTIONS[EXACT].dt
    golden = path.with_suffix(".golden.npz")
    write_golden(golden, frames, simulate(to_nir_graph(graph, EXACT), frames, dt), dt)
    return golden


def _accuracy(source: Source) -> float:
    scores = run_network(source.network, source.frames).scores
    return float((scores.mean(0).argmax(-1) == source.labels).mean())


def _verify_nir(path: Path, graph: Graph, convention: str, network: Network, source: Source) -> Verification:
    # The neurons of some targets cannot be run in Euler steps; the same graph is verified in the portable form.
    runs_here = convention in ("portable", "norse")
    return verify(network, path if runs_here else to_nir_graph(graph, EXACT), source.frames, source.labels)


def _verify_onnx(path: Path, graph: Graph, convention: str, network: Network, source: Source) -> Verification:
    model = open_model(path)

    def run(frames: NDArray[Any]) -> Trace:
        return run_onnx(model, frames)

    nodes = {node.population: node.name for node in graph.populations if node.population in network.plan.by_name}
    scores = graph.read == "current"
    return compare(network, {"onnxruntime": run}, nodes, source.frames, source.labels, scores=scores)


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        ending: of file names; what comes before the dot tells apart what else would have one name.
        write: from path, graph and convention.
        verify: reads the file back and compares it with a network.
        targets: whether files differ between targets.
    """

    ending: str
    write: Callable[[Path, Graph, str], None]
    verify: Callable[[Path, Graph, str, Network, Source], Verification]
    targets: bool = False


FORMATS: Mapping[str, Format] = {
    "nir": Format(".nir", write_nir, _verify_nir, targets=True),
    "onnx": Format(".onnx", lambda path, graph, convention: write_onnx(path, graph, "sequence"), _verify_onnx),
    "onnx-step": Format("-step.onnx", lambda path, graph, convention: write_onnx(path, graph, "step"), _verify_onnx),
}
"""Formats by name."""
