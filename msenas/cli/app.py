"""The commands of msenas. Each parses, calls and prints; the work is done elsewhere."""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

import msenas
from msenas.cli import file_options as of_file
from msenas.cli import options as opt
from msenas.cli import rank_options as of_rank
from msenas.cli.consoles import ERR, OUT
from msenas.cli.graph_commands import check, export, import_graph
from msenas.cli.network_commands import estimate, evaluate, train
from msenas.cli.one_line_errors import OneLineErrors

app = typer.Typer(
    cls=OneLineErrors,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"msenas {msenas.__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Search spiking networks for a data set and a chip."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


@app.command()
def search(
    dataset: opt.Dataset = None,
    data: opt.Data = None,
    window: opt.Window = None,
    size: opt.Size = None,
    download: opt.Download = False,
    layers: opt.Layers = None,
    channels: opt.Channels = None,
    steps: opt.Steps = None,
    neuron: opt.Neuron = None,
    tau: opt.Tau = None,
    threshold: opt.Threshold = None,
    encoding: opt.Encoding = None,
    motifs: opt.Motifs = None,
    scales: opt.Scales = None,
    fitness: opt.Fitness = None,
    train_steps: opt.TrainSteps = None,
    screen: opt.Screen = None,
    promoted: opt.Promoted = None,
    hardware: opt.Hardware = None,
    must_fit: opt.MustFit = None,
    objectives: opt.Objectives = None,
    population: opt.Population = None,
    generations: opt.Generations = None,
    batch: opt.Batch = None,
    seed: opt.Seed = None,
    strategy: opt.Strategy = None,
    operators: opt.Operators = None,
    pick: opt.Pick = None,
    finalists: opt.Finalists = None,
    finalist_epochs: opt.FinalistEpochs = None,
    preset: opt.Preset = None,
    workers: opt.Workers = None,
    device: opt.Device = None,
    precision: opt.Precision = None,
    time_limit: opt.TimeLimit = None,
    out: opt.Out = None,
    resume: opt.Resume = False,
    config: opt.Config = None,
    as_json: opt.Json = False,
) -> None:
    """Search a network: from a data set to best.json and the Pareto front."""
    chosen = {k: v for k, v in locals().items() if k not in _NOT_SEARCH_OPTIONS}
    from msenas.cli.commands import run_search
    from msenas.search.session import Request

    run_search(Request(opt.given(chosen), config, preset, out, resume, download), as_json, OUT, ERR)


_NOT_SEARCH_OPTIONS = ("config", "preset", "out", "resume", "download", "as_json")


@app.command()
def rank(
    dataset: opt.Dataset = None,
    data: opt.Data = None,
    window: opt.Window = None,
    size: opt.Size = None,
    download: opt.Download = False,
    layers: opt.Layers = None,
    channels: of_rank.Channels = None,
    steps: opt.Steps = None,
    neuron: opt.Neuron = None,
    tau: opt.Tau = None,
    threshold: opt.Threshold = None,
    encoding: opt.Encoding = None,
    motifs: opt.Motifs = None,
    genomes: of_rank.Genomes = None,
    samples: of_rank.Samples = None,
    judged: of_rank.Judged = None,
    epochs: of_rank.Epochs = None,
    batch: of_rank.Batch = None,
    lr: of_rank.LearningRate = None,
    augment: of_rank.Augment = None,
    precision: of_rank.Precision = None,
    repeated: of_rank.Repeated = None,
    fitness: of_rank.Fitness = None,
    train_steps: opt.TrainSteps = None,
    seeds: of_rank.Seeds = None,
    probe: of_rank.Probe = None,
    hardware: opt.Hardware = None,
    half: of_rank.Half = None,
    seed: opt.Seed = None,
    workers: opt.Workers = None,
    device: opt.Device = None,
    time_limit: opt.TimeLimit = None,
    trained: of_rank.Trained = None,
    out: of_rank.Out = None,
    resume: of_rank.Resume = False,
    as_json: opt.Json = False,
) -> None:
    """Rank the fitnesses: random networks are scored untrained and trained briefly, and both are compared."""
    chosen = {k: v for k, v in locals().items() if k not in ("download", "trained", "out", "resume", "as_json")}
    from msenas.cli.rank import run_rank
    from msenas.ranking.opening import RankRequest

    run_rank(RankRequest(opt.given(chosen, "fitness"), out, resume, trained, download), as_json, OUT, ERR)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="best.json or a run folder.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Picture to write: .svg or .png.", show_default="best.svg beside the file"),
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Show a network as a tree, and draw its populations and synapses."""
    from msenas.cli.commands import show_network

    show_network(file, out, as_json, OUT)


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="best.json, a run folder, or a genome as JSON.")],
    dataset: of_file.Dataset = None,
    data: of_file.Data = None,
    window: of_file.Window = None,
    size: of_file.Size = None,
    download: opt.Download = False,
    channels: of_file.Channels = None,
    steps: of_file.Steps = None,
    neuron: of_file.Neuron = None,
    tau: of_file.Tau = None,
    threshold: of_file.Threshold = None,
    encoding: of_file.Encoding = None,
    fitness: Annotated[str | None, typer.Option(help="Fitness by name, or all.", show_default="as searched")] = None,
    train_steps: of_file.TrainSteps = None,
    hardware: of_file.Hardware = None,
    batch: of_file.Batch = None,
    seed: of_file.Seed = None,
    device: opt.Device = None,
    precision: of_file.Precision = None,
    as_json: opt.Json = False,
) -> None:
    """Score one network, fitness and energy, as the search would; options not given are those recorded in the file."""
    chosen = {k: v for k, v in locals().items() if k not in ("file", "download", "as_json", "fitness")}
    from msenas.cli.commands import score_network

    score_network(file, opt.given(chosen), fitness, download, as_json, OUT)


@app.command()
def fit(
    file: Annotated[Path, typer.Argument(help="best.json or a run folder.")],
    hardware: Annotated[
        str | None,
        typer.Option(help="Chips by name or TOML file, with commas between; or all. [as searched]", show_default=False),
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Check limit by limit whether a network fits a chip; exit code 1 if it does not."""
    from msenas.cli.fit import run_fit

    run_fit(file, hardware, as_json, OUT)


for command in (train, estimate, evaluate, export, check):
    app.command()(command)
app.command("import")(import_graph)


@app.command()
def datasets(data: opt.Data = None, as_json: opt.Json = False) -> None:
    """List the data sets: what is known, and where copies were found."""
    from msenas.cli.commands import list_datasets

    list_datasets(data, as_json, OUT)


@app.command()
def profiles(
    name: Annotated[str | None, typer.Argument(help="A profile's name or TOML file.")] = None,
    as_json: opt.Json = False,
) -> None:
    """List the hardware profiles, or show the prices, times and sources of one."""
    from msenas.cli.profiles import show_profiles

    show_profiles(name, as_json, OUT)


def interrupt(number: int, frame: object) -> None:
    """Take a signal for Ctrl-C: it is heard even where that is ignored, and waits where that is blocked."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def main() -> None:
    """Entry point of the `msenas` command."""
    # Schedulers ask a job to end before they kill it; it stops as after Ctrl-C, and can be resumed.
    signal.signal(signal.SIGTERM, interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="msenas")
