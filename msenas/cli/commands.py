"""What each command does once its options are parsed. Imported late, so that `--help` stays quick."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from msenas.cli.finals import finals_progress, finals_table
from msenas.cli.fit import passed_over
from msenas.cli.progress import search_progress
from msenas.cli.render import print_result, score_table
from msenas.data import DATASETS, Found, find
from msenas.errors import CheckFailed, GenomeError
from msenas.finals.session import has_finals, hold_finals
from msenas.fitness.registry import DEFAULT, FITNESSES, get_fitness
from msenas.phenotype.outline import outline
from msenas.phenotype.picture import draw
from msenas.phenotype.plan import Plan
from msenas.runs.best import read_best
from msenas.search.loop import End
from msenas.search.scoring import prepare_subject, read_subject, score
from msenas.search.session import Request, Result, search

INTERRUPTED_CODE = 130


def run_search(request: Request, as_json: bool, out: Console, err: Console) -> None:
    """Run or resume a search, with finals if asked for, and print its result; exit code 130 after Ctrl-C."""

    def say(note: str) -> None:
        err.print(f"note: {note}")

    with search_progress(err) as progress:
        result, held = search(request, progress, say, err.is_terminal), None
    if has_finals(result):
        with finals_progress(err) as watcher:
            result, held = hold_finals(result, watcher, say)
    best = read_best(result.folder) if result.summary.best is not None else None
    if as_json:
        about = {"out": str(result.folder), "end": result.end.value, "seconds": round(result.seconds, 2)}
        print_json(about | result.summary.as_dict() | {"finalists": held.as_dicts() if held else []})
    else:
        if held is not None and held.rungs:
            out.print(finals_table(held))
        print_result(result, best.genotype if best else None, out)
    if result.end is End.INTERRUPTED:
        raise typer.Exit(INTERRUPTED_CODE)
    if best is None and result.end is not End.TIME_LIMIT:
        raise CheckFailed(_why_none(result))


def _why_none(result: Result) -> str:
    summary = result.summary
    if summary.unfit and not summary.evaluations:
        return f"no network that was drawn fits {result.config.hardware}; broken limits: {passed_over(summary.unfit)}"
    none = "no genome of these motifs and layers is connected"
    silent = "every one is silent in what is read out, or failed"
    return f"no live network was found: {silent if summary.evaluations else none}"


def show_network(file: Path, picture: Path | None, as_json: bool, out: Console) -> None:
    """Print the tree of a network and write its picture."""
    best = read_best(file)
    folder = file if file.is_dir() else file.parent
    target = picture or folder / ("best.svg" if file.is_dir() else f"{file.stem}.svg")
    plan, genome = best.plan, best.genotype
    drawn, picture_line = _drawn(plan, target, _title(best.provenance), must=genome is not None or picture is not None)
    if as_json:
        data = {name: [asdict(x) for x in getattr(plan, name)] for name in ("populations", "synapses")}
        about = {"digest": plan.digest, "depth": plan.depth, "parameters": plan.parameters}
        print_json({**about, "spec": asdict(plan.spec), **data, "readout": plan.readout, "picture": drawn})
        return
    out.print(outline(plan, genome))
    out.print(picture_line)


def _drawn(plan: Plan, target: Path, title: str | None, *, must: bool) -> tuple[str | None, str]:
    """The picture if the network has the form of one, and the line that tells of it.

    Raises:
        GenomeError: It has not, and the picture must be.
    """
    try:
        draw(plan, target, title=title)
    except GenomeError as error:
        if must:
            raise
        return None, f"no picture: {error}"
    return str(target), f"picture: {target}"


def _title(provenance: Mapping[str, Any]) -> str | None:
    data = provenance.get("dataset")
    return str(data["name"]) if isinstance(data, Mapping) and "name" in data else None


def score_network(
    file: Path, options: dict[str, Any], fitness: str | None, download: bool, as_json: bool, out: Console
) -> None:
    """Score one network with one fitness or all, and compare with what its file records."""
    subject = read_subject(file)
    named = fitness or str(subject.options.get("fitness", DEFAULT))
    names = list(FITNESSES) if named == "all" else [get_fitness(named).name]
    prepared = prepare_subject(subject, options | {"fitness": names[0]}, download=download)
    scores, values = score(subject, prepared, names)
    first = scores.as_dict()
    repeated = None
    if not options and subject.recorded and subject.options.get("fitness") == names[0]:
        repeated = json.loads(json.dumps(first)) == subject.recorded
    if as_json:
        print_json(
            {
                "fitness": values,
                "same_as_recorded": repeated,
                **_rest(first),
            }
        )
        return
    out.print(score_table(first, names[0], prepared.config.hardware))
    for name in names[1:]:
        value = "none" if (found := values[name]) is None else f"{found:.6g}"
        out.print(f"{name:14} {value:>14}   {FITNESSES[name].title}")
    if repeated is not None:
        out.print(f"same as recorded in {file}: {'yes' if repeated else 'NO'}")


def _rest(scores: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in scores.items() if k != "fitness"}


def list_datasets(path: str | None, as_json: bool, out: Console) -> None:
    """Print every data set and the copies of it that can be seen."""
    copies = {name: find(name, path) for name in DATASETS}
    if as_json:
        print_json([_dataset_row(name, copies[name]) for name in DATASETS])
        return
    table = Table("name", "kind", "classes", "what", "found")
    for name, entry in DATASETS.items():
        found = str(len(copies[name]) or "-") if entry.layouts else "bundled"
        table.add_row(name, entry.kind, str(entry.classes or "any"), entry.title, found)
    out.print(table)
    for copy in (copy for name in DATASETS for copy in copies[name]):
        out.print(f"{copy.name}: {copy.path} ({copy.layout.name})")
    out.print("--data PATH names a copy; --download fetches one where a source is known")


def _dataset_row(name: str, copies: Sequence[Found]) -> dict[str, object]:
    entry = DATASETS[name]
    about = {"name": name, "title": entry.title, "kind": entry.kind, "classes": entry.classes}
    found = [{"path": str(c.path), "layout": c.layout.name, "files": len(c.files)} for c in copies]
    return {**about, "tree": entry.tree, "found": found}


def print_json(data: object) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(data, indent=2, allow_nan=False))
