"""Results as text for people."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from msenas.cli.fit import passed_over, verdict
from msenas.fitness.registry import FITNESSES
from msenas.genotype.genome import Genome
from msenas.genotype.motifs import MOTIFS
from msenas.hardware.quantity import joules
from msenas.search.loop import End
from msenas.search.session import Result

PICKED_BY = {"finalists": "validation accuracy in the finals"}
"""Rules of choice whose names need words."""


def motif_line(genome: Genome) -> str:
    """The motifs of a genome in one line."""
    return " > ".join(MOTIFS[layer.motif].name for layer in genome.layers)


def energy_text(scores: Mapping[str, Any]) -> str:
    """Nominal energy with its range, and whether it is a lower bound."""
    low, nominal, high = scores["energy_joule"]
    band = f" ({joules(low)} .. {joules(high)})" if low is not None and high is not None and low < high else ""
    return f"{'at least ' if scores['unpriced'] else ''}{joules(nominal)}{band}"


def score_table(scores: Mapping[str, Any], fitness: str, hardware: str, title: str | None = None) -> Table:
    """The numbers of one network."""
    table = Table(title=title, show_header=False, box=None, title_justify="left", padding=(0, 2, 0, 0))
    if scores["live"]:
        better = "larger" if FITNESSES[fitness].maximise else "smaller"
        table.add_row(fitness, f"{scores['fitness']:.4f}  ({better} is better)")
    else:
        table.add_row(fitness, f"none: {scores['reason']}")
    table.add_row(f"energy, {hardware}", energy_text(scores))
    table.add_row("spikes, SynOps", f"{scores['spikes']:,.0f}, {scores['synops']:,.0f} per inference")
    table.add_row("firing rate", f"{scores['firing_rate']:.3f} spikes per neuron and step")
    table.add_row("size", f"{scores['parameters']:,} parameters, {scores['neurons']:,} neurons")
    table.add_row("structure", f"{scores['synapses']} synapses, depth {scores['depth']}")
    for name, value in scores["details"].items():
        shown = ", ".join(f"{v:.3f}" for v in value) if isinstance(value, list | tuple) else f"{value:.3f}"
        table.add_row(name.replace("_", " "), shown)
    return table


def print_result(result: Result, genome: Genome | None, console: Console) -> None:
    """The end of a search: what was found, what evolution gained, warnings, and what to run next."""
    summary, config = result.summary, result.config
    screened = f"{summary.screened} screened out, " if summary.screened else ""
    console.print(
        f"{result.end.value}: {summary.evaluations} evaluations of {summary.distinct} distinct networks "
        f"({summary.dead} dead, {screened}{summary.failed} failed) in {result.seconds:.0f} s"
    )
    if summary.best is None or genome is None:
        console.print("no live network was found")
    else:
        how = PICKED_BY.get(summary.pick, summary.pick)
        origin = f"best.json is no. {summary.best_id}, picked by {how} from a front of {summary.front}"
        title = f"{origin}: {motif_line(genome)}"
        console.print(score_table(summary.best, config.fitness, config.hardware, title))
        if summary.best_fit is not None:
            console.print(f"{config.hardware}: {verdict(summary.best_fit)}")
    if summary.gain is not None:
        gain = summary.gain
        volume = (
            f"hypervolume {gain.hypervolume_random:.3f} -> {gain.hypervolume:.3f}; "
            if gain.hypervolume is not None
            else ""
        )
        bests = ", ".join(f"{name} {gain.best_random[name]:.4g} -> {gain.best[name]:.4g}" for name in config.objectives)
        console.print(
            f"evolution against its own {gain.random_evaluations} random networks: {volume}best {bests}"
            " (for an equal budget run --strategy random)"
        )
    if summary.unfit:
        console.print(f"passed over because they do not fit {config.hardware}: {passed_over(summary.unfit)}")
    for warning in summary.warnings:
        console.print(f"note: {warning}")
    if config.dataset == "digits":
        console.print("note: digits is a demonstration (8x8 pixels); it says nothing about larger data")
    console.print(f"run folder: {result.folder}")
    for line in next_steps(result):
        console.print(f"next: {line}", soft_wrap=True)


def next_steps(result: Result) -> Iterable[str]:
    """Commands that make sense after a search."""
    folder, best = shlex.quote(str(result.folder)), shlex.quote(str(result.folder / "best.json"))
    if result.end in (End.INTERRUPTED, End.TIME_LIMIT):
        yield f"{program()} search --resume --out {folder}"
    if result.summary.best is not None:
        yield f"{program()} show {best}"
        yield f"{program()} score {best} --fitness all"
        yield f"{program()} estimate {best} --hardware all"
    if result.end is End.FINISHED:
        more = 2 * result.config.generations
        yield f"{program()} search --resume --out {folder} --generations {more}"


def program() -> str:
    """How this process was called, so that a command which is shown can be pasted."""
    called = Path(sys.argv[0])
    if called.parts[-2:] == ("msenas", "__main__.py"):
        return f"{shlex.quote(sys.executable)} -m msenas"
    if called.stem != "msenas" or shutil.which("msenas") == str(called.absolute()):
        return "msenas"
    return shlex.quote(str(called))
