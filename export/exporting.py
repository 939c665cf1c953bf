"""From a network to a file that was checked: lower, write, read back, run, compare; only then it gets its name.

Until then the file is called `*.failed.*`, and so it stays if it does not do what the network does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.check import Report, check
from export.formats import EXACT, FORMATS
from export.golden import write_golden
from export.graph import READOUTS, Graph
from export.nir_write import CONVENTIONS, to_nir_graph
from export.quantise import BITS, Drift
from export.recode import CODES
from export.simulate import simulate
from export.sources import Changes, Lowered, Source, lowered
from export.spiking_readout import scores_of
from export.targets.table import TARGETS
from export.verification import Verification
from msenas.errors import CheckFailed, InputError, RunError, unknown

GOLDEN = 16
"""Samples that golden vectors hold at most."""


@dataclass(frozen=True)
class Wanted:
    """A file that is asked for.

    Attributes:
        format: key of FORMATS.
        path: of the file.
        target: key of TARGETS; only NIR files differ between them.
        readout: one of READOUTS.
        bits: of the weights, one of BITS; None leaves them in float32.
        golden: also write what some samples give, for whoever runs the file elsewhere.
        encoding: one of CODES, to have a network of the direct code fed with spikes; None leaves the code.

    Raises:
        InputError: One of them is unknown.
    """

    format: str
    path: Path
    target: str = "portable"
    readout: str = "current"
    bits: int | None = None
    golden: bool = False
    encoding: str | None = None

    def __post_init__(self) -> None:
        for kind, value, known in (
            ("format", self.format, FORMATS),
            ("target", self.target, TARGETS),
            ("read-out", self.readout, READOUTS),
            ("spike code", self.encoding, CODES),
        ):
            if value is not None and value not in known:
                raise InputError(unknown(kind, value, known))
        if self.bits not in (None, *BITS):
            raise InputError(f"weights can have {' or '.join(map(str, BITS))} bits, not {self.bits}")

    @property
    def changes(self) -> Changes:
        """What is changed in the network."""
        return Changes(self.readout, self.bits, self.encoding)

    @property
    def failed_path(self) -> Path:
        """Where the file is written before it has passed."""
        return self.path.with_name(f"{self.path.stem}.failed{self.path.suffix}")

    @property
    def golden_path(self) -> Path:
        """Where its golden vectors are."""
        return self.path.with_suffix(".golden.npz")


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        wanted: what was asked for.
        path: of the file; another one than asked for if it failed.
        size: bytes.
        verification: the file beside the network that it was written from, with all changes that were asked for.
        accuracy: of the network before anything was changed, on the same samples; None without labels.
        drift: what rounding did to the weights, synapse by synapse; empty if nothing was rounded.
        golden: file of golden vectors.
        seconds: of lowering and writing, and of verifying.
    """

    wanted: Wanted
    path: Path
    size: int
    verification: Verification
    accuracy: float | None
    drift: tuple[Drift, ...]
    golden: Path | None
    seconds: tuple[float, float]

    @property
    def passed(self) -> bool:
        """Whether the file does what the network does."""
        return self.verification.passed

    @property
    def failure(self) -> str:
        """What the file does not do, in one line."""
        worst = min(self.verification.comparisons, key=lambda c: (c.passed, c.equal, c.same_answers))
        found = f"{worst.equal:.4%} equal spikes, {worst.same_answers:.2%} equal answers in {worst.simulator}"
        kept = f"; {self.wanted.path} is still that of an earlier export" if self.wanted.path.exists() else ""
        return f"{self.path} does not do what the network does: {found}{kept}"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON."""
        told = asdict(self) | {"passed": self.passed, "path": str(self.path)}
        told["wanted"] |= {"path": str(self.wanted.path)}
        return told | {"golden": None if self.golden is None else str(self.golden)}


class Refused(CheckFailed):
    """A target cannot take a network; `report` says why, node by node."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.refusal)
        self.report = report


def export(source: Source, wanted: Wanted) -> Exported:
    """Write a file and verify it; a file that fails keeps the name `*.failed.*`.

    Raises:
        Refused: The target cannot take the network; nothing is written.
        CheckFailed: The file cannot be verified.
        InputError: The network cannot be lowered, recoded or quantised so.
        RunError: The file cannot be written; nothing is left behind.
    """
    return next(export_all(source, [wanted]))


def export_all(source: Source, wanted: Sequence[Wanted]) -> Iterator[Exported]:
    """Write and verify files one after the other; the first is begun when it is known that all targets can take them.

    Raises:
        Refused, CheckFailed, InputError, RunError: As `export`; where a target refuses, no file is written at all.
    """
    made = {changes: lowered(source, changes) for changes in dict.fromkeys(one.changes for one in wanted)}
    for one in wanted:
        _refuse_if_not_taken(made[one.changes].graph, one)
    accuracy: float | None = None
    for one in wanted:
        found, seconds = _written(made[one.changes], one, source)
        if accuracy is None:
            accuracy = found.accuracy if one.changes == Changes() else _accuracy(source)
        path = one.path if found.passed else one.failed_path
        golden = _golden(made[one.changes], one) if one.golden and found.passed else None
        size, drift = path.stat().st_size, made[one.changes].drift
        yield Exported(one, path, size, found, accuracy, drift, golden, seconds)


def _written(made: Lowered, wanted: Wanted, source: Source) -> tuple[Verification, tuple[float, float]]:
    """Write a file, verify it, and give it its name if it passes."""
    start, form, failed = time.perf_counter(), FORMATS[wanted.format], wanted.failed_path
    convention = TARGETS[wanted.target].convention
    form.write(failed, made, convention)
    written = time.perf_counter()
    try:
        found = form.verify(failed, made, convention, source.labels)
    except InputError as error:
        raise CheckFailed(f"{failed} cannot be verified: {error}") from None
    if found.passed:
        _rename(failed, wanted.path)
    return found, (made.seconds + written - start, time.perf_counter() - written)


def _refuse_if_not_taken(graph: Graph, wanted: Wanted) -> None:
    if not FORMATS[wanted.format].targets:
        return
    report = check(to_nir_graph(graph, TARGETS[wanted.target].convention), wanted.target)
    if not report.accepted:
        raise Refused(report)


def _rename(old: Path, new: Path) -> None:
    try:
        os.replace(old, new)
    except OSError as error:
        old.unlink(missing_ok=True)
        raise RunError(f"cannot write {new}: {error.strerror or error}") from None


def _golden(made: Lowered, wanted: Wanted) -> Path:
    """Inputs, outputs and spikes of the first samples, as the numpy simulator runs the exact form."""
    few = made.frames[:, :GOLDEN].numpy()
    frames = np.broadcast_to(few, (made.graph.steps, *few.shape[1:]))
    trace = simulate(to_nir_graph(made.graph, EXACT), frames, CONVENTIONS[EXACT].dt)
    write_golden(wanted.golden_path, frames, trace, CONVENTIONS[TARGETS[wanted.target].convention].dt)
    return wanted.golden_path


def _accuracy(source: Source) -> float | None:
    if source.labels is None:
        return None
    return float((scores_of(source.network, source.frames).mean(0).argmax(-1) == source.labels).mean())
