"""Pictures of an evaluation: what was taken for what, and accuracy against time steps and noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from msenas.evaluation.accuracy import Accuracy
from msenas.evaluation.curve import Point
from msenas.evaluation.evaluate import Evaluated
from msenas.evaluation.picture import draw_energy
from msenas.evaluation.robustness import Noise
from msenas.runs.figures import plain, write_figure

NUMBERED = 20
"""Up to so many classes the cells of a confusion matrix show their numbers."""
NAMED = 40
"""Up to so many classes its rows and columns are named."""
LONGEST = 24
"""Characters of a label."""
COLUMNS = 2
"""Panels side by side."""
PERCENT = (0, 102)
BLUE, ORANGE, GREY = "#3b6fb6", "#d1603d", "#8c8c8c"


def draw_evaluation(
    folder: Path, evaluated: Evaluated, noises: Mapping[str, Noise], classes: Sequence[str]
) -> dict[str, Path]:
    """Write all pictures that there is something to show in; the file of each.

    Args:
        folder: an existing one.
        evaluated: the answers.
        noises: the noises that they tell of.
        classes: names of the classes.

    Raises:
        RunError: A file cannot be written.
    """
    figures = {"confusion": confusion_figure(evaluated.accuracy, classes)}
    if evaluated.steps:
        figures["steps"] = steps_figure(evaluated.steps, evaluated.estimated.report.plan.spec.steps)
    if evaluated.noises:
        figures["noise"] = noise_figure(evaluated.noises, noises, evaluated.accuracy.top1)
    files = {name: folder / f"{name}.png" for name in figures}
    for name, figure in figures.items():
        write_figure(figure, files[name])
    files["energy"] = folder / "energy.png"
    draw_energy(evaluated.estimated.report, files["energy"])
    return files


def confusion_figure(accuracy: Accuracy, classes: Sequence[str]) -> Figure:
    """Shares of each class (row) by what it was taken for (column)."""
    counts = accuracy.confusion
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = min(3.0 + 0.35 * len(classes), 12.0)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the class", shrink=0.7)
    if len(classes) <= NAMED:
        names = [_plain(name) for name in classes]
        axes.set_xticks(range(len(classes)), names, rotation=90 if max(map(len, names)) > 2 else 0)
        axes.set_yticks(range(len(classes)), names)
    if len(classes) <= NUMBERED:
        for row, column in np.argwhere(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set(xlabel="taken for", ylabel="class")
    axes.set_title(f"{accuracy.right} of {accuracy.samples} right, {accuracy.top1:.2%}", loc="left")
    return figure


def steps_figure(points: Sequence[Point], own: int) -> Figure:
    """Accuracy and synaptic operations against the time steps; those that the network was made for are marked."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = [point.at for point in points]
    _curve(left, steps, [100 * point.accuracy for point in points], BLUE)
    left.set_title("accuracy, %", loc="left")
    _curve(right, steps, [point.synops for point in points], ORANGE)
    right.set_title("SynOps per inference", loc="left")
    left.set_ylim(*PERCENT)
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.axvline(own, color=GREY, linestyle="--", linewidth=1)
        axes.set_xlabel("time steps T")
        axes.set_xticks(steps)
    return figure


def noise_figure(curves: Mapping[str, Sequence[Point]], noises: Mapping[str, Noise], clean: float) -> Figure:
    """Accuracy against the strength of each noise, and without it as a dashed line."""
    across = min(len(curves), COLUMNS)
    down = -(-len(curves) // across)
    figure = Figure(figsize=(4.5 * across, 3.6 * down), layout="constrained")
    panels = figure.subplots(down, across, sharey=True, squeeze=False).flat
    for axes, (name, points) in zip(panels, curves.items(), strict=False):
        strengths = [point.at for point in points]
        _curve(axes, strengths, [100 * point.accuracy for point in points], BLUE)
        axes.axhline(100 * clean, color=GREY, linestyle="--", linewidth=1)
        axes.set(xlabel=noises[name].axis, xticks=strengths, ylim=PERCENT)
        axes.set_title(f"{name}: accuracy, %", loc="left")
        if strengths[0] > strengths[-1]:
            axes.invert_xaxis()
    for axes in figure.axes[len(curves) :]:
        axes.remove()
    return figure


def _plain(name: str) -> str:
    """A name of any length and characters as a label; dollar signs would be read as formulas."""
    short = name if len(name) <= LONGEST else name[: LONGEST - 3] + "..."
    return plain(short)


def _curve(axes: Axes, x: Sequence[float], y: Sequence[float], colour: str) -> None:
    axes.plot(x, y, color=colour, marker="o", markersize=4)
    axes.spines[["top", "right"]].set_visible(False)
