"""`msenas export`: what it does once its options are parsed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor

from export.exporting import FORMATS, Exported, Wanted, export
from export.sources import Source
from msenas.cli.commands import print_json
from msenas.cli.render import program
from msenas.errors import CheckFailed, InputError, unknown
from msenas.evaluation.deployed import Deployed, deploy
from msenas.runs.best import Best
from msenas.search.prepare import environment
from msenas.search.scoring import RECORDED, STANDARD, read_subject


@dataclass(frozen=True)
class ExportRequest:
    """What the user asked for.

    Attributes:
        file: best.json or its folder.
        formats: names of formats with commas between.
        out: the file, for a single format; None writes `model.*` beside best.json.
        target: what NIR files are for.
        readout: what the graph gives.
        bits: of the weights.
        samples: of the test split, to verify with.
        golden: also write golden vectors.
        options: of the data.
        download: fetch the data set if no copy is found.
    """

    file: Path
    formats: str
    out: Path | None
    target: str
    readout: str
    bits: int | None
    samples: int
    golden: bool
    options: Mapping[str, Any]
    download: bool


def run_export(request: ExportRequest, as_json: bool, out: Console, err: Console) -> None:
    """Write and verify the files, and print how they compare with the network.

    Raises:
        CheckFailed: A file does not do what the network does, or the target cannot take it.
        InputError: The file, an option or the data cannot be used.
    """
    wanted = _wanted(request)
    deployed = deploy(request.file, request.options, download=request.download)
    if not deployed.trained:
        err.print("warning: the network is not trained; what is exported are the random weights of its seed")
    source = _source(request, deployed)
    done: list[Exported] = []
    for one in wanted:
        with err.status(f"exporting {one.path}"):
            done.append(export(source, one))
        if not as_json:
            _print(done[-1], out)
    if as_json:
        print_json({"trained": deployed.trained, "files": [exported.to_dict() for exported in done]})
    if failed := [exported for exported in done if not exported.passed]:
        raise CheckFailed(_why(failed))


def _wanted(request: ExportRequest) -> list[Wanted]:
    names = [name.strip() for name in request.formats.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            raise InputError(unknown("format", name, FORMATS))
    if not names or len(set(names)) != len(names):
        raise InputError(f"--format needs different formats of {', '.join(FORMATS)}; not {request.formats!r}")
    if request.out is not None and len(names) > 1:
        raise InputError("--out names one file; leave it out for several formats")
    folder = request.file if request.file.is_dir() else request.file.parent
    paths = [request.out or folder / f"model{FORMATS[name].ending}" for name in names]
    for name, path in zip(names, paths, strict=True):
        suffix = Path(f"model{FORMATS[name].ending}").suffix
        if path.suffix != suffix or path.is_dir():
            raise InputError(f"--out {path}: a file of format {name} ends in {suffix}")
    how = request.target, request.readout, request.bits, request.golden
    return [Wanted(name, path, *how) for name, path in zip(names, paths, strict=True)]


def _source(request: ExportRequest, deployed: Deployed) -> Source:
    frames, labels = _samples(deployed, "test", request.samples)
    about = about_network(read_subject(request.file).best, deployed)
    if request.readout == "current":
        return Source(deployed.network, frames, labels, about)
    return Source(deployed.network, frames, labels, about, *_samples(deployed, "train", request.samples))


def _samples(deployed: Deployed, split: str, count: int) -> tuple[Tensor, NDArray[np.int64]]:
    places = deployed.choose(split, count)
    return torch.cat(list(deployed.batches(split, places)), 1), deployed.split(split).labels[places]


def about_network(best: Best | None, deployed: Deployed) -> dict[str, Any]:
    """What a file tells about the network and its data; nothing in it is needed to run the file."""
    spec, dataset = deployed.network.plan.spec, deployed.dataset
    known = {} if best is None else best.provenance
    training = known.get("training")
    return {
        "encoding": spec.encoding,
        "network": asdict(spec),
        "genome": None if best is None or best.genome is None else list(best.genome.flat),
        "dataset": dataset.provenance,
        "classes": list(dataset.classes),
        STANDARD: {"mean": list(deployed.standard.mean), "std": list(deployed.standard.std)},
        "trained": deployed.trained,
        "accuracy": training.get("accuracy") if isinstance(training, dict) else None,
        "weights_sha256": best.weights.sha256 if best is not None and best.weights is not None else None,
        "versions": environment()["versions"],
    } | {name: known[name] for name in RECORDED if name in known}


def _print(exported: Exported, out: Console) -> None:
    """One file: spikes of each population beside the network's, answers, accuracy."""
    found, wanted = exported.verification, exported.wanted
    out.print(f"{exported.path}: {wanted.format} for {wanted.target}, {exported.size:,} bytes", soft_wrap=True)
    table = Table("equal spikes", *(c.simulator for c in found.comparisons), box=SIMPLE_HEAD)
    for rows in zip(*(c.populations for c in found.comparisons), strict=True):
        table.add_row(rows[0].population, *(f"{row.equal:.6%}" for row in rows))
    table.add_section()
    for name, values in _summary(exported):
        table.add_row(name, *values)
    out.print(table)
    for first in found.first:
        where = f"first difference of {first.population}: step {first.step + 1}"
        out.print(f"{where}, {first.distance:.2g} from the threshold", soft_wrap=True)
    if exported.drift:
        worst = max(exported.drift, key=lambda drift: drift.relative)
        mean = float(np.mean([drift.relative for drift in exported.drift]))
        out.print(f"weights rounded to {wanted.bits} bits: {mean:.2%} off, {worst.node} {worst.relative:.2%}")
    own = "" if found.accuracy is None or not exported.drift else f", as exported {found.accuracy:.2%}"
    out.print(f"accuracy of the network on these {found.samples} samples {exported.accuracy:.2%}{own}")
    out.print(f"{exported.seconds[0]:.2f} s to lower and write, {exported.seconds[1]:.1f} s to verify")
    if exported.golden is not None:
        typer.echo(f"golden vectors: {exported.golden}")
    if exported.passed and wanted.format == "nir":
        typer.echo(f"next: {program()} check {shlex.quote(str(exported.path))} --target all")


def _summary(exported: Exported) -> Sequence[tuple[str, list[str]]]:
    """Rows of the table that sum up each simulator."""
    found = exported.verification.comparisons
    apart = ["-" if c.readout_difference is None else f"{c.readout_difference:.2g}" for c in found]
    return (
        ("all populations", [f"{c.equal:.6%}" for c in found]),
        ("equal answers", [f"{c.same_answers:.2%}" for c in found]),
        ("largest difference of a score", apart),
        ("accuracy", ["-" if c.accuracy is None else f"{c.accuracy:.2%}" for c in found]),
    )


def _why(failed: Sequence[Exported]) -> str:
    parts = []
    for exported in failed:
        worst = min(exported.verification.comparisons, key=lambda c: (c.passed, c.equal, c.same_answers))
        parts.append(
            f"{exported.path} does not do what the network does:"
            f" {worst.equal:.4%} equal spikes, {worst.same_answers:.2%} equal answers in {worst.simulator}"
        )
    return "; ".join(parts)
