"""The picture of a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from msenas.learning.loop import Row
from msenas.runs.figures import plain, write_figure

PANELS = {"loss": "#3b6fb6", "val_accuracy": "#d1603d", "rate": "#5a9e6f", "lr": "#8c8c8c"}
TITLES = {
    "loss": "training loss",
    "val_accuracy": "validation accuracy",
    "rate": "spikes per neuron and step",
    "lr": "learning rate",
}


def draw_curves(path: Path, rows: Sequence[Row], dataset: str, test: float) -> None:
    """Loss, validation accuracy, firing rate and learning rate over the epochs, as PNG.

    Raises:
        RunError: The file cannot be written.
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    epochs = [row.epoch for row in rows]
    for axes, (name, colour) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
        axes.plot(epochs, [getattr(row, name) for row in rows], color=colour, marker=".", markersize=3)
        axes.set_title(TITLES[name], loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("epoch")
    figure.suptitle(f"{plain(dataset)}: test accuracy {test:.2%}")
    write_figure(figure, path)
