"""The commands that train, price and judge a single network; `app` adds them to its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msenas.cli import evaluate_options as evaluate_opt
from msenas.cli import file_options as of_file
from msenas.cli import options as opt
from msenas.cli import train_options as train_opt
from msenas.cli.consoles import ERR, OUT


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
