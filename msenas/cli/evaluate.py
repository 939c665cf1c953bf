"""`msenas evaluate`: what it does once its options are parsed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from msenas.cli.commands import print_json
from msenas.cli.estimate import DEFAULT_PROFILE, about
from msenas.cli.progress import samples_progress
from msenas.cli.report import chip_table, plain_table
from msenas.errors import RunError
from msenas.evaluation.accuracy import Accuracy
from msenas.evaluation.accuracy_pictures import draw_evaluation
from msenas.evaluation.curve import Point
from msenas.evaluation.deployed import Deployed, deploy
from msenas.evaluation.evaluate import Evaluated, Firing, Question, evaluate, passes
from msenas.evaluation.robustness import Noise, chosen_noises
from msenas.evaluation.steps import chosen_steps
from msenas.hardware.profile import chosen_profiles


@dataclass(frozen=True)
class EvaluateRequest:
    """What the user asked for; lists are still text.

    Attributes:
        file: best.json, its folder, or a genome as JSON.
        split: name of the split.
        samples: how many of it; None is all.
        hardware: profiles; None is the default one.
        steps: other time steps; None is none.
        noise: noises; None is none.
        seed: of samples, encoder and noise; None is that of the file.
        out: folder for pictures.
        options: options of the data that win over those that the file was found with.
        download: fetch the data set if no copy is found.
    """

    file: Path
    split: str
    samples: int | None
    hardware: str | None
    steps: str | None
    noise: str | None
    seed: int | None
    out: Path | None
    options: dict[str, Any]
    download: bool


def run_evaluate(request: EvaluateRequest, as_json: bool, out: Console, err: Console) -> None:
    """Answer everything that is asked of a network, and write the pictures."""
    question = Question(
        chosen_profiles(DEFAULT_PROFILE if request.hardware is None else request.hardware),
        request.split,
        request.samples,
        () if request.steps is None else chosen_steps(request.steps),
        {} if request.noise is None else chosen_noises(request.noise),
    )
    deployed = deploy(request.file, request.options, download=request.download)
    if request.seed is not None:
        deployed = replace(deployed, seed=request.seed)
    total = passes(deployed, question)
    if request.out is not None:
        _make(request.out)
    if not deployed.trained:
        err.print(f"warning: {request.file} has no trained weights; what follows is the accuracy of random ones")
    with samples_progress(err, "evaluating", total) as advance:
        evaluated = evaluate(deployed, question, advance)
    classes = deployed.dataset.classes
    pictures = {} if request.out is None else draw_evaluation(request.out, evaluated, question.noises, classes)
    if as_json:
        print_json(_as_dict(deployed, evaluated, question.noises, pictures))
        return
    _print(deployed, evaluated, question.noises, out)
    for path in pictures.values():
        out.print(f"picture: {path}")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RunError(f"the folder {folder} cannot be written")


def _as_dict(
    deployed: Deployed, evaluated: Evaluated, noises: Mapping[str, Noise], pictures: Mapping[str, Path]
) -> dict[str, object]:
    accuracy, classes = evaluated.accuracy, deployed.dataset.classes
    rows = zip(classes, accuracy.by_class, accuracy.confusion.sum(1).tolist(), strict=True)
    answers = {
        "accuracy": accuracy.top1,
        "top5": accuracy.top5,
        "right": accuracy.right,
        "by_class": [{"class": name, "accuracy": share, "samples": there} for name, share, there in rows],
        "confusion": accuracy.confusion.tolist(),
        "firing": {name: asdict(firing) for name, firing in evaluated.firing.items()},
        "by_steps": [_point("steps", point) for point in evaluated.steps],
        "noise": {
            name: {"strength": noises[name].axis, "points": [_point("strength", point) for point in points]}
            for name, points in evaluated.noises.items()
        },
        "pictures": {name: str(path) for name, path in pictures.items()},
    }
    return about(deployed, evaluated.estimated) | answers | evaluated.estimated.report.to_dict()


def _point(name: str, point: Point) -> dict[str, float]:
    return {name: point.at, "accuracy": point.accuracy, "spikes": point.spikes, "synops": point.synops}


def _print(deployed: Deployed, evaluated: Evaluated, noises: Mapping[str, Noise], out: Console) -> None:
    estimated, accuracy = evaluated.estimated, evaluated.accuracy
    weights = "trained" if deployed.trained else "random"
    out.print(f"{deployed.dataset.name}, {estimated.samples} samples of the {estimated.split} split, {weights} weights")
    top5 = "" if accuracy.top5 is None else f"; among the best five {accuracy.top5:.2%}"
    out.print(f"accuracy {accuracy.top1:.2%}, {accuracy.right} of {accuracy.samples}{top5}")
    out.print(_classes(accuracy, deployed.dataset.classes))
    out.print(_firing(evaluated.firing))
    out.print(chip_table(estimated.report.estimates))
    for name, reason in estimated.report.refused.items():
        out.print(f"refused: {name} - {reason.partition(': ')[2]}")
    if evaluated.steps:
        out.print(_points("time steps", evaluated.steps))
    for name, points in evaluated.noises.items():
        out.print(f"{name}, by {noises[name].axis} (without: {accuracy.top1:.2%})")
        out.print(_points("strength", points))


def _classes(accuracy: Accuracy, classes: Sequence[str]) -> Table:
    table = plain_table("class", "samples", "right", "most often taken for", justify="right")
    for label, (name, share) in enumerate(zip(classes, accuracy.by_class, strict=True)):
        wrong = accuracy.taken_for(label)
        other = "" if wrong is None else f"{classes[wrong[0]]} ({wrong[1]})"
        samples = str(accuracy.confusion[label].sum())
        table.add_row(name, samples, "-" if share is None else f"{share:.1%}", other)
    return table


def _firing(firing: Mapping[str, Firing]) -> Table:
    table = plain_table("population", "neurons", "spikes", "per neuron and step", "neurons that fire", justify="right")
    for name, found in firing.items():
        table.add_row(name, f"{found.neurons:,}", f"{found.spikes:,.1f}", f"{found.rate:.3f}", f"{found.share:.1%}")
    return table


def _points(first: str, points: Sequence[Point]) -> Table:
    table = plain_table(first, "accuracy", "spikes", "SynOps", justify="right")
    for point in points:
        table.add_row(f"{point.at:g}", f"{point.accuracy:.2%}", f"{point.spikes:,.0f}", f"{point.synops:,.0f}")
    return table
