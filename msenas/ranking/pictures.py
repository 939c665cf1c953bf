"""Pictures of a ranking: accuracy against every score, and energies before and after training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from msenas.fitness.registry import FITNESSES
from msenas.ranking.record import Known
from msenas.ranking.report import Ranking
from msenas.ranking.rows import Row
from msenas.ranking.scoring import Score
from msenas.runs.figures import write_figure

COLUMNS = 4
DOT: dict[str, Any] = {"s": 14, "linewidths": 0, "alpha": 0.8, "cmap": "viridis"}
LARGE = 1e4
"""Values from which on an axis counts in thousands and millions."""


def draw_ranking(folder: Path, networks: Sequence[Known], scores: Sequence[Score], ranking: Ranking) -> list[Path]:
    """Write scatter.png and, where energies are known, energy.png.

    Raises:
        RunError: A file cannot be written.
    """
    trained = [one for one in networks if one.accuracy is not None]
    first = min(score.seed for score in scores)
    by_id = {score.id: score for score in scores if score.seed == first}
    figures = {"scatter": scatter_figure(trained, [by_id[one.id] for one in trained], ranking.rows)}
    if ranking.energy is not None:
        figures["energy"] = energy_figure(trained, [by_id[one.id] for one in trained])
    for name, figure in figures.items():
        write_figure(figure, folder / f"{name}.png")
    return [folder / f"{name}.png" for name in figures]


def scatter_figure(networks: Sequence[Known], scores: Sequence[Score], rows: Sequence[Row]) -> Figure:
    """Accuracy against the value of each fitness (of the first weight seed); the colour tells the depth."""
    lines = math.ceil(len(rows) / COLUMNS)
    figure = Figure(figsize=(3.1 * COLUMNS, 2.7 * lines), layout="constrained")
    panels = np.atleast_1d(figure.subplots(lines, COLUMNS, squeeze=False)).ravel()
    depth = [one.depth for one in networks]
    for row, axes in zip(rows, panels, strict=False):
        values = [math.nan if v is None else v for v in (score.values[row.name] for score in scores)]
        shown = axes.scatter(values, [_percent(one) for one in networks], c=depth, **DOT)
        better = "" if FITNESSES[row.name].maximise else ", less is better"
        axes.set_title(f"{row.name}{better}\ntau {row.tau.value:.2f}", fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        if max(map(abs, values)) >= LARGE:
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.tick_params(labelsize=7)
    for axes in panels[len(rows) :]:
        axes.set_axis_off()
    for axes in panels[::COLUMNS]:
        axes.set_ylabel("accuracy [%]", fontsize=8)
    figure.colorbar(shown, ax=panels.tolist(), label="depth", shrink=0.6)
    return figure


def energy_figure(networks: Sequence[Known], scores: Sequence[Score]) -> Figure:
    """Energy estimated after training against that before it."""
    before = [1e6 * score.energy_joule[1] for score in scores if score.energy_joule is not None]
    after = [1e6 * one.energy for one in networks if one.energy is not None]
    figure = Figure(figsize=(5, 4.5), layout="constrained")
    axes: Axes = figure.add_subplot()
    shown = axes.scatter(before, after, c=[_percent(one) for one in networks], **DOT)
    ends = [min(*before, *after), max(*before, *after)]
    axes.plot(ends, ends, color="#8c8c8c", linewidth=0.8, label="equal")
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="energy before training [uJ]", ylabel="energy after training [uJ]")
    axes.legend(frameon=False)
    figure.colorbar(shown, label="accuracy [%]")
    return figure


def _percent(one: Known) -> float:
    return 100.0 * (one.accuracy or 0.0)
