"""The commands of msenas. Each parses, calls and prints; the work is done elsewhere."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

import msenas
from msenas.cli import evaluate_options as evaluate_opt
from msenas.cli import file_options as of_file
from msenas.cli import options as opt
from msenas.cli import train_options as train_opt
from msenas.cli.consoles import ERR, OUT
from msenas.cli.graph_commands import check, export, import_graph
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
    fitness: opt.Fitness = None,
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


@app.command()
def train(
    file: Annotated[Path | None, typer.Argument(help="best.json or a run folder; left out with --resume.")] = None,
    dataset: of_file.Dataset = None,
    data: of_file.Data = None,
    window: of_file.Window = None,
    size: of_file.Size = None,
    download: opt.Download = False,
    epochs: train_opt.Epochs = None,
    batch: train_opt.Batch = None,
    early_steps: train_opt.EarlySteps = None,
    early_share: train_opt.EarlyShare = None,
    optimizer: train_opt.Optimizer = None,
    lr: train_opt.LearningRate = None,
    weight_decay: train_opt.WeightDecay = None,
    warmup: train_opt.Warmup = None,
    loss: train_opt.Loss = None,
    label_smoothing: train_opt.LabelSmoothing = None,
    ema: train_opt.Ema = None,
    clip: train_opt.Clip = None,
    augment: train_opt.Augment = None,
    mix: train_opt.Mix = None,
    surrogate: train_opt.Surrogate = None,
    precision: train_opt.Precision = None,
    rate: train_opt.Rate = None,
    rate_weight: train_opt.RateWeight = None,
    hardware: train_opt.Hardware = None,
    energy_weight: train_opt.EnergyWeight = None,
    energy_budget: train_opt.EnergyBudget = None,
    distill: train_opt.Distill = None,
    distill_weight: train_opt.DistillWeight = None,
    patience: train_opt.Patience = None,
    seed: train_opt.Seed = None,
    device: opt.Device = None,
    time_limit: opt.TimeLimit = None,
    out: train_opt.Out = None,
    resume: opt.Resume = False,
    as_json: opt.Json = False,
) -> None:
    """Train a network by surrogate gradients, and write it with its weights."""
    chosen = {k: v for k, v in locals().items() if k not in ("file", "out", "resume", "download", "as_json")}
    from msenas.cli.train import run_train
    from msenas.training.opening import TrainRequest

    run_train(TrainRequest(file, opt.given(chosen), out, resume, download), as_json, OUT, ERR)


@app.command()
def estimate(
    file: Annotated[Path, typer.Argument(help="best.json, a run folder, or a genome as JSON.")],
    hardware: Annotated[
        str | None,
        typer.Option(help="Profiles by name or TOML file, with commas between; or all. [generic-45nm]"),
    ] = None,
    samples: Annotated[int, typer.Option(help="Samples to run.", min=1)] = 256,
    split: Annotated[str, typer.Option(help="test, val or train.")] = "test",
    by_layer: Annotated[bool, typer.Option("--by-layer", help="Also print energy by layer and cause.")] = False,
    picture: Annotated[
        Path | None, typer.Option("--out", help="Picture to write: .svg or .png.", metavar="FILE")
    ] = None,
    dataset: of_file.Dataset = None,
    data: of_file.Data = None,
    window: of_file.Window = None,
    size: of_file.Size = None,
    download: opt.Download = False,
    channels: of_file.Channels = None,
    steps: of_file.Steps = None,
    neuron: of_file.Neuron = None,
    encoding: of_file.Encoding = None,
    seed: of_file.Seed = None,
    as_json: opt.Json = False,
) -> None:
    """Estimate spikes, operations and joules per inference on one or several chips."""
    values = locals()
    names = ("dataset", "data", "window", "size", "channels", "steps", "neuron", "encoding", "seed")
    from msenas.cli.estimate import EstimateRequest, run_estimate

    chosen = opt.given({name: values[name] for name in names})
    request = EstimateRequest(file, hardware, split, samples, chosen, download, picture, by_layer, as_json)
    run_estimate(request, OUT, ERR)


@app.command()
def evaluate(
    file: evaluate_opt.File,
    split: evaluate_opt.Split = "test",
    samples: evaluate_opt.Samples = None,
    hardware: evaluate_opt.Hardware = None,
    steps: evaluate_opt.Steps = None,
    noise: evaluate_opt.Noise = None,
    dataset: of_file.Dataset = None,
    data: of_file.Data = None,
    window: of_file.Window = None,
    size: of_file.Size = None,
    download: opt.Download = False,
    seed: evaluate_opt.Seed = None,
    out: evaluate_opt.Out = None,
    as_json: opt.Json = False,
) -> None:
    """Evaluate a trained network: accuracy, firing and energy, other time steps, noise."""
    chosen = opt.given({"dataset": dataset, "data": data, "window": window, "size": size})
    from msenas.cli.evaluate import EvaluateRequest, run_evaluate

    request = EvaluateRequest(file, split, samples, hardware, steps, noise, seed, out, chosen, download)
    run_evaluate(request, as_json, OUT, ERR)


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


app.command()(export)
app.command()(check)
app.command("import")(import_graph)


def main() -> None:
    """Entry point of the `msenas` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="msenas")
