"""`msenas fit`: what it does once its options are parsed. Quick because it imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from msenas.errors import CheckFailed, InputError
from msenas.hardware.fit import RULES, Finding, Fit, check
from msenas.hardware.fit.finding import shown
from msenas.hardware.profile import ALL, Profile, chosen_profiles, load_profile, profile_names
from msenas.runs.best import Best, read_best


def run_fit(file: Path, hardware: str | None, as_json: bool, out: Console) -> None:
    """Print how a network fits one or several chips.

    Raises:
        CheckFailed: It does not fit one of them.
        InputError: The file or a profile cannot be used, or a profile has no limits.
    """
    best = read_best(file)
    plan = best.plan
    fits = [check(plan, profile) for profile in _profiles(best, hardware)]
    if as_json:
        about = {"digest": plan.digest, "neurons": plan.neurons, "fits": all(fit.fits for fit in fits)}
        typer.echo(json.dumps({**about, "chips": [fit.to_dict() for fit in fits]}, indent=2, allow_nan=False))
    elif len(fits) == 1:
        _print_chip(fits[0], out)
    else:
        _print_chips(fits, out)
    misfits = [fit.profile for fit in fits if not fit.fits]
    if misfits:
        raise CheckFailed(f"{file} does not fit {', '.join(misfits)}")


def _profiles(best: Best, hardware: str | None) -> list[Profile]:
    """The chips that were asked for; by default the one that the network was searched for."""
    if hardware == ALL:
        return [p for p in map(load_profile, profile_names()) if p.capacity is not None]
    searched = best.provenance.get("hardware")
    if hardware is None and not isinstance(searched, str):
        raise InputError("the file does not name a chip; give --hardware NAME, or all")
    return chosen_profiles(str(searched) if hardware is None else hardware)


def _print_chip(fit: Fit, out: Console) -> None:
    """Every limit of one chip, and below what to know and to change."""
    table = Table("limit", "", "needs", "chip has", "used", "where", box=SIMPLE_HEAD)
    for finding in fit.findings:
        if finding.status != "unchecked":
            table.add_row(*_row(finding))
    out.print(f"{fit.profile}: {verdict(fit.brief())}")
    out.print(table)
    for line in _remarks(fit):
        out.print(line)


def _row(finding: Finding) -> tuple[str, ...]:
    v = finding.verdict
    amounts = ["" if figure is None else shown(figure) for figure in (v.figure, v.limit)]
    return finding.title, v.status, *amounts, "" if v.used is None else f"{v.used:.0%}", v.where


def _remarks(fit: Fit) -> Iterator[str]:
    for finding in fit.findings:
        if finding.verdict.advice:
            yield f"change: {finding.title}: {finding.verdict.advice}"
        if finding.verdict.instead:
            yield f"approximated: {finding.title}: {finding.verdict.instead}"
    if fit.mapping:
        yield "cores: " + ", ".join(f"{name} {place}" for name, place in fit.mapping.items())
    unpublished = [finding.title for finding in fit.findings if finding.status == "unchecked"]
    if unpublished:
        yield f"unchecked, no limit was published: {', '.join(unpublished)}"
    yield from (f"unchecked: {text}" for text in fit.unchecked)
    yield f"source: {fit.source}"


def _print_chips(fits: Sequence[Fit], out: Console) -> None:
    """One line for each chip, and what keeps the network off it."""
    table = Table("chip", "fits", "approximated", "unchecked", "nearest limit", box=SIMPLE_HEAD)
    for fit in fits:
        states = [finding.status for finding in fit.findings]
        counts = [str(states.count(state)) for state in ("approximated", "unchecked")]
        table.add_row(fit.profile, "yes" if fit.fits else "NO", *counts, _nearest(fit.brief()) if fit.fits else "")
    out.print(table)
    for fit in fits:
        for finding in fit.failed:
            out.print(f"{fit.profile}: {finding.text()}; change: {finding.verdict.advice}")
    out.print("approximated: the chip runs it, but not with the same spikes; unchecked: no limit was published")
    out.print("`--hardware NAME` shows every limit of one chip")


def verdict(brief: Mapping[str, Any]) -> str:
    """The result of a fit in words, from its short form."""
    if not brief["fits"]:
        return f"does not fit: {', '.join(RULES[rule].title for rule in brief['failed'])}"
    nearest = _nearest(brief)
    return f"fits{'; nearest limit: ' + nearest if nearest else ''}"


def _nearest(brief: Mapping[str, Any]) -> str:
    if brief["binding"] is None or brief["headroom"] is None:
        return ""
    return f"{RULES[brief['binding']].title}, {1 - brief['headroom']:.0%} used"


def passed_over(unfit: Mapping[str, int]) -> str:
    """Networks that a search passed over, by limit, the most frequent first."""
    order = sorted(unfit.items(), key=lambda item: -item[1])
    return ", ".join(f"{RULES[rule].title if rule in RULES else rule} {drawn:,} times" for rule, drawn in order)
