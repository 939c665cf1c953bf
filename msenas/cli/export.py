"""`msenas export`: what it does once its options are parsed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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

from export.exporting import Exported, Refused, Wanted, export_all
from export.formats import EXACT, FORMATS
from export.recode import check_code
from export.sources import Source
from msenas.cli.check import print_target
from msenas.cli.commands import print_json
from msenas.cli.render import program
from msenas.errors import CheckFailed, InputError, unknown
from msenas.evaluation.deployed import Deployed, deploy
from msenas.hardware.profile import ALL
from msenas.search.prepare import versions
from msenas.search.scoring import RECORDED, STANDARD, Subject, read_subject


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
        encoding: spike code that the network is fed by in the place of its own.
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
    encoding: str | None
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
    with err.status("reading the network and its data"):
        deployed = deploy(request.file, request.options, download=request.download)
        if request.encoding is not None:
            check_code(deployed.network.plan.spec.encoding, request.encoding)
        source = _source(request, deployed)
    if not deployed.trained:
        err.print("warning: the network is not trained; what is exported are the random weights of its seed")
    done: list[Exported] = []
    try:
        with err.status("exporting") as status:
            for exported in export_all(source, wanted):
                done.append(exported)
                status.update(f"exported {len(done)} of {len(wanted)}")
                if not as_json:
                    _print(exported, out)
                _warn_of_old_vectors(exported, err)
    except Refused as refused:
        if as_json:
            print_json({"trained": deployed.trained, "files": [], "refused": refused.report.to_dict()})
        else:
            print_target(refused.report, out)
        raise
    if as_json:
        print_json({"trained": deployed.trained, "files": [exported.to_dict() for exported in done], "refused": None})
    if failed := [exported for exported in done if not exported.passed]:
        raise CheckFailed("; ".join(exported.failure for exported in failed))


def _warn_of_old_vectors(exported: Exported, err: Console) -> None:
    golden = exported.wanted.golden_path
    if exported.passed and exported.golden is None and golden.exists():
        err.print(f"warning: {golden} is of an earlier export; --golden writes it anew")


def _wanted(request: ExportRequest) -> list[Wanted]:
    names = [name.strip() for name in request.formats.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            raise InputError(unknown("format", name, FORMATS))
    if not names or len(set(names)) != len(names):
        raise InputError(f"--format needs different formats of {', '.join(FORMATS)}; not {request.formats!r}")
    folder = request.file if request.file.is_dir() else request.file.parent
    paths = [folder / f"model{FORMATS[name].ending}" for name in names]
    if request.out is not None:
        if len(names) > 1:
            raise InputError("--out names one file; leave it out for several formats")
        _check_out(request.out, names[0])
        paths = [request.out]
    how = request.target, request.readout, request.bits, request.golden, request.encoding
    wanted = [Wanted(name, path, *how) for name, path in zip(names, paths, strict=True)]
    if request.target != EXACT and not any(FORMATS[name].targets for name in names):
        raise InputError(f"--target {request.target} is for NIR files; {', '.join(names)} knows no targets")
    return wanted


def _check_out(path: Path, format_name: str) -> None:
    """Refuse what cannot be written before anything is read."""
    suffix = FORMATS[format_name].suffix
    if path.suffix != suffix:
        raise InputError(f"--out {path}: a file of format {format_name} ends in {suffix}")
    if path.is_dir():
        raise InputError(f"--out {path} is a folder; a file is needed")
    if not path.parent.is_dir():
        raise InputError(f"--out {path}: there is no folder {path.parent}")


def _source(request: ExportRequest, deployed: Deployed) -> Source:
    frames, labels = _samples(deployed, "test", request.samples)
    about = about_network(read_subject(request.file), deployed)
    source = Source(deployed.network, frames, labels, about, standard=deployed.standard)
    if request.readout == "current":
        return source
    others, their_labels = _samples(deployed, "train", request.samples)
    return replace(source, threshold_frames=others, threshold_labels=their_labels)


def _samples(deployed: Deployed, split: str, count: int) -> tuple[Tensor, NDArray[np.int64]]:
    places = deployed.choose(split, count)
    return torch.cat(list(deployed.batches(split, places)), 1), deployed.split(split).labels[places]


def about_network(subject: Subject, deployed: Deployed) -> dict[str, Any]:
    """What a file tells about the network and its data; nothing in it is needed to run the file."""
    spec, dataset, best = deployed.network.plan.spec, deployed.dataset, subject.best
    known = {} if best is None else best.provenance
    training = known.get("training")
    about = {
        "encoding": spec.encoding,
        "network": asdict(spec),
        "genome": None if subject.genome is None else list(subject.genome.flat()),
        "dataset": dataset.provenance,
        "classes": list(dataset.classes),
        STANDARD: {"mean": list(deployed.standard.mean), "std": list(deployed.standard.std)},
        "trained": deployed.trained,
        "accuracy": training.get("accuracy") if isinstance(training, dict) else None,
        "weights_sha256": best.weights.sha256 if best is not None and best.weights is not None else None,
        "versions": versions(),
    } | {name: known[name] for name in RECORDED if name in known}
    # Classes and paths are named after folders, whose names need not be text.
    readable: dict[str, Any] = json.loads(json.dumps(about, ensure_ascii=False).encode(errors="replace"))
    return readable


def _print(exported: Exported, out: Console) -> None:
    """One file: spikes of each population beside the network's, answers, accuracy."""
    found, wanted = exported.verification, exported.wanted
    reader = f" for {wanted.target}" if FORMATS[wanted.format].targets else ""
    out.print(f"{exported.path}: {wanted.format}{reader}, {exported.size:,} bytes", soft_wrap=True)
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
    out.print(f"accuracy on {found.samples} samples of the test split: {_accuracies(exported)}")
    out.print(f"{exported.seconds[0]:.2f} s to lower and write, {exported.seconds[1]:.1f} s to verify")
    if exported.golden is not None:
        typer.echo(f"golden vectors: {exported.golden}")
    if exported.passed and wanted.format == "nir":
        readers = ALL if wanted.target == EXACT else wanted.target
        typer.echo(f"next: {program()} check {shlex.quote(str(exported.path))} --target {readers}")


def _accuracies(exported: Exported) -> str:
    """Of the network as it is, and of what was exported if that is another."""
    changes, own = exported.wanted.changes, exported.verification.accuracy
    names = {
        f"{changes.encoding} code": changes.encoding,
        f"{changes.bits} bits": changes.bits,
        "spiking read-out": changes.readout != "current",
    }
    changed = [name for name, is_changed in names.items() if is_changed]
    assert own is not None
    assert exported.accuracy is not None
    more = f"; with {', '.join(changed)}: {own:.2%}" if changed else ""
    return f"{exported.accuracy:.2%}{more}"


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
