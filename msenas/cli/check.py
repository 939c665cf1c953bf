"""`msenas check`: what simulators and chips make of a NIR file. Quick because it imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from export.check import Report, check
from export.nir_read import read_nir
from export.targets.finding import LEVELS, WHOLE, Finding
from export.targets.table import TARGETS
from msenas.errors import CheckFailed, InputError, unknown
from msenas.hardware.profile import ALL

SHOWN = 3
"""Names of nodes that a line lists."""
VERDICTS = {"exact": "the same spikes", "approximated": "taken, but with other spikes", "error": "NOT taken"}


def run_check(file: Path, target: str, as_json: bool, out: Console) -> None:
    """Print what one or several targets make of a NIR file.

    Args:
        file: the NIR file.
        target: names of targets with commas between, or "all".
        as_json: print data instead of tables.
        out: where tables go.

    Raises:
        CheckFailed: A target cannot take the graph.
        InputError: The file cannot be used, or a target is unknown.
    """
    names = _chosen(target)
    graph = read_nir(file)
    reports = [check(graph, name) for name in names]
    if as_json:
        typer.echo(json.dumps([report.to_dict() for report in reports], indent=2, allow_nan=False))
    else:
        _print(reports, out)
    refused = [report for report in reports if not report.accepted]
    if len(reports) == 1 and refused:
        raise CheckFailed(f"{file}: {_reason(refused[0])}")
    if refused:
        raise CheckFailed(f"{file}: {', '.join(report.target for report in refused)} cannot take it")


def _chosen(text: str) -> list[str]:
    """Names of targets in the order given."""
    names = list(TARGETS) if text == ALL else text.split(",")
    for name in names:
        if name not in TARGETS:
            raise InputError(unknown("target", name, (*TARGETS, ALL)))
    if len(set(names)) != len(names):
        raise InputError(f"--target names a target twice: {text}")
    return names


def _reason(report: Report) -> str:
    """Why a target does not take the graph, in a few words."""
    errors = [finding for finding in report.findings if finding.level == "error"]
    where = f"{errors[0].node}: " if errors[0].node else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{report.target} cannot take it, {where}{errors[0].reason}{more}"


def _print(reports: Sequence[Report], out: Console) -> None:
    if len(reports) > 1:
        summary = Table("target", "", "errors", "approximated", "what it is", box=SIMPLE_HEAD)
        for report in reports:
            levels = [finding.level for finding in report.findings]
            counts = [str(levels.count(level)) for level in ("error", "approximated")]
            summary.add_row(report.target, VERDICTS[report.level], *counts, report.title)
        out.print(summary)
    for report in reports:
        print_target(report, out)


def print_target(report: Report, out: Console) -> None:
    """One target: its verdict, a line for each kind of finding, and what is left open."""
    out.print(f"{report.target}: {VERDICTS[report.level]} ({report.title}; {report.evidence})")
    if report.findings:
        table = Table("", "nodes", "what happens", "what to do", box=SIMPLE_HEAD)
        for finding, nodes in _grouped(report.findings):
            table.add_row(finding.level, nodes, finding.reason, finding.fix)
        out.print(table)
    if report.cores and report.accepted:
        out.print("cores: " + ", ".join(f"{name} on {core}" for name, core in report.cores.items()))
    for text in report.unchecked:
        out.print(f"unchecked: {text}")


def _grouped(findings: Sequence[Finding]) -> Iterator[tuple[Finding, str]]:
    """Findings that differ in the node only as one, the worst first."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.level, finding.reason, finding.fix), []).append(finding)
    for group in sorted(groups.values(), key=lambda g: -LEVELS.index(g[0].level)):
        names = [finding.node for finding in group if finding.node != WHOLE]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield group[0], ", ".join(names[:SHOWN]) + more
