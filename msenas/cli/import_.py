"""`msenas import`: what it does once its options are parsed."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from export.hdf5 import LARGEST_CONTENT
from export.importing import Imported, Wishes, import_graph
from export.nir_read import read_nir
from msenas.cli.commands import print_json
from msenas.cli.render import program
from msenas.data import DATASETS
from msenas.errors import SHOWN, DataError, InputError, RunError, unknown
from msenas.phenotype.network import Network
from msenas.phenotype.outline import outline
from msenas.phenotype.spec import NetworkSpec
from msenas.runs.best import SCHEMA, SCHEMA_STRUCTURE, Best, Weights, forms, write_best
from msenas.runs.files import read_bytes
from msenas.runs.structure import structure_of
from msenas.runs.weights import write_weights
from msenas.search.scoring import RECORDED, STANDARD

BEST, WEIGHTS = "best.json", "weights.safetensors"


@dataclass(frozen=True)
class ImportRequest:
    """What the user asked for; None leaves it to the file.

    Attributes:
        file: the NIR file.
        out: folder to write; None is named after the file and beside it.
        input_shape: channels, height and width as text.
        steps: time steps.
        dt: time step in seconds.
        encoding: of the input.
        dataset, data: name of the data set and where it lies.
        standardise: whether images of a foreign file's network are standardised.
    """

    file: Path
    out: Path | None
    input_shape: str | None
    steps: int | None
    dt: float | None
    encoding: str | None
    dataset: str | None
    data: str | None
    standardise: bool


def run_import(request: ImportRequest, as_json: bool, out: Console) -> None:
    """Read a graph and write it as best.json with its weights.

    Raises:
        InputError: The file, an option or the folder cannot be used, or no network here computes the same.
    """
    folder = request.out or request.file.parent / request.file.stem
    _check_free(folder)
    wishes = Wishes(_shape(request.input_shape), request.steps, request.encoding, request.dt)
    try:
        imported = import_graph(read_nir(request.file), wishes)
    except InputError as error:
        text = str(error)
        raise InputError(text if str(request.file) in text else f"{request.file}: {text}") from None
    provenance = _provenance(request, imported)
    network = Network(imported.plan)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in imported.tensors.items()})
    _make(folder)
    write_best(folder / BEST, _best(imported, provenance, write_weights(folder / WEIGHTS, network)))
    if as_json:
        print_json(_as_dict(imported, folder, provenance))
        return
    out.print(outline(imported.plan, imported.genome))
    for line in _remarks(imported, provenance):
        out.print(f"note: {line}")
    out.print(f"written: {folder / BEST}")
    best = shlex.quote(str(folder / BEST))
    for command, more in (("show", ""), ("fit", " --hardware all"), ("evaluate", "")):
        out.print(f"next: {program()} {command} {best}{more}", soft_wrap=True)


def _check_free(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is no folder; choose another --out")
    for name in (BEST, WEIGHTS):
        if (folder / name).exists():
            raise RunError(f"{folder} holds a {name}; choose another --out")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {folder}: {error.strerror or error}") from None


def _shape(text: str | None) -> tuple[int, int, int] | None:
    """Three numbers with commas between.

    Raises:
        InputError: The text is something else.
    """
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,5}(,[0-9]{1,5}){2}", text) or 0 in (sides := [int(n) for n in text.split(",")]):
        raise InputError(f"--input-shape needs channels, height and width, such as 1,28,28; not {text[:SHOWN]!r}")
    return sides[0], sides[1], sides[2]


def _provenance(request: ImportRequest, imported: Imported) -> dict[str, Any]:
    """What best.json says about the file, and about the data to run the network on.

    Raises:
        InputError: The data set is unknown or does not fit the network.
    """
    told, spec = imported.told.about, imported.plan.spec
    found = {name: told[name] for name in RECORDED if told.get(name) is not None}
    data = told.get("dataset")
    if isinstance(data, dict) and isinstance(data.get("name"), str) and request.dataset in (None, data["name"]):
        found["dataset"] = data
    if request.dataset is not None:
        _check_data(request.dataset, spec)
        found.setdefault("dataset", {"name": request.dataset})
        native = DATASETS[request.dataset].shape
        _, height, width = spec.input_shape
        if spec.encoding == "events" and native is not None and native[1:] != (height, width):
            found.setdefault("size", height)
    if request.data is not None:
        if "dataset" not in found:
            raise InputError("--data needs --dataset NAME")
        found["dataset"] = {**found["dataset"], "path": request.data}
    if told.get(STANDARD) is not None:
        found[STANDARD] = told[STANDARD]
    elif spec.encoding == "direct" and not (imported.told.own or request.standardise):
        channels = spec.input_shape[0]
        found[STANDARD] = {"mean": [0.0] * channels, "std": [1.0] * channels}
    content = read_bytes(request.file, LARGEST_CONTENT)
    found["imported"] = {
        "file": request.file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "dt": imported.dynamics.dt,
        "convention": imported.told.convention or None,
    }
    return found


def _check_data(name: str, spec: NetworkSpec) -> None:
    if name not in DATASETS:
        raise InputError(unknown("data set", name, DATASETS))
    entry = DATASETS[name]
    if entry.classes is not None and entry.classes != spec.classes:
        raise DataError(f"{name} has {entry.classes} classes, the network {spec.classes}")
    if entry.shape is not None and entry.shape[0] != spec.input_shape[0]:
        raise DataError(f"{name} has {entry.shape[0]} channels, the input of the network {spec.input_shape[0]}")
    if (entry.kind == "events") != (spec.encoding == "events"):
        allowed = "events" if entry.kind == "events" else "direct, poisson or latency"
        raise DataError(f"{name} does not go with --encoding {spec.encoding}; give {allowed}")


def _best(imported: Imported, provenance: dict[str, Any], weights: Weights) -> Best:
    plan, genome = imported.plan, imported.genome
    more: dict[str, Any] = {"network": plan.spec, "provenance": provenance, "weights": weights}
    if genome is not None:
        return Best(schema=SCHEMA, genome=forms(genome), **more)
    return Best(schema=SCHEMA_STRUCTURE, structure=structure_of(plan), **more)


def _remarks(imported: Imported, provenance: dict[str, Any]) -> Iterator[str]:
    """What a user should know about what was assumed."""
    spec, told, common = imported.plan.spec, imported.told, imported.dynamics
    if common.tau is not None and not told.own:
        yield f"tau is {common.tau:g} time steps of {common.dt:g} s (--dt)"
    if not told.own:
        yield f"the input is taken for {spec.encoding}, T = {spec.steps} (--encoding, --steps)"
    if STANDARD in provenance and not told.own:
        yield "images are fed as 0..1; --standardise feeds them with zero mean and unit variance"
    if "dataset" not in provenance:
        yield "no data set is known; give --dataset here, or to each command that runs the network"


def _as_dict(imported: Imported, folder: Path, provenance: dict[str, Any]) -> dict[str, Any]:
    plan = imported.plan
    return {
        "out": str(folder),
        "digest": plan.digest,
        "populations": [p.name for p in plan.populations],
        "neurons": plan.neurons,
        "parameters": plan.parameters,
        "genome": None if imported.genome is None else list(imported.genome.flat()),
        "spec": asdict(plan.spec),
        "dt": imported.dynamics.dt,
        "notes": list(_remarks(imported, provenance)),
    }
