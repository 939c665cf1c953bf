"""`msenas estimate`: what it does once its options are parsed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from msenas.cli.commands import print_json
from msenas.cli.progress import samples_progress
from msenas.cli.report import print_estimated
from msenas.evaluation.deployed import Deployed, deploy
from msenas.evaluation.estimate import Estimated, estimate
from msenas.evaluation.picture import draw_energy, picture_format
from msenas.hardware.profile import chosen_profiles

DEFAULT_PROFILE = "generic-45nm"


@dataclass(frozen=True)
class EstimateRequest:
    """What the user asked for; options win over those that the file was found with."""

    file: Path
    hardware: str | None
    split: str
    samples: int
    options: dict[str, Any]
    download: bool
    picture: Path | None
    by_layer: bool
    as_json: bool


def run_estimate(request: EstimateRequest, out: Console, err: Console) -> None:
    """Print the report of a network and write its picture."""
    if request.picture is not None:
        picture_format(request.picture)
    profiles = chosen_profiles(DEFAULT_PROFILE if request.hardware is None else request.hardware)
    deployed = deploy(request.file, request.options, download=request.download)
    with samples_progress(err, "estimating", request.samples) as advance:
        estimated = estimate(deployed, profiles, request.split, request.samples, advance)
    if request.picture is not None:
        draw_energy(estimated.report, request.picture)
    if request.as_json:
        print_json(about(deployed, estimated) | estimated.report.to_dict())
        return
    print_estimated(estimated, deployed.trained, request.by_layer, out)
    if request.picture is not None:
        typer.echo(f"picture: {request.picture}")


def about(deployed: Deployed, estimated: Estimated) -> dict[str, object]:
    """What was run, for JSON."""
    spec = deployed.network.plan.spec
    return {
        "dataset": deployed.dataset.name,
        "split": estimated.split,
        "samples": estimated.samples,
        "trained": deployed.trained,
        "accuracy": estimated.accuracy if deployed.trained else None,
        "seed": deployed.seed,
        "steps": spec.steps,
        "encoding": spec.encoding,
    }
