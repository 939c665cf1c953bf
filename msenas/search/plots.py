"""Pictures of a search: the Pareto front, and how it was reached."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from msenas.fitness.registry import get_fitness
from msenas.runs.figures import plain, write_figure
from msenas.runs.folder import Record
from msenas.search.config import SearchConfig
from msenas.search.evolution import Individual
from msenas.search.objectives import UNITS, values

GREY, WARM, DARK = "#b8bcc4", "#d9582b", "#22262e"
WIDE = 20
"""Largest over smallest value above which an axis is logarithmic."""
NARROW = 300
"""Largest over smallest value up to which powers of ten are too few ticks for a logarithmic axis."""


def plot_pareto(
    path: Path,
    records: Sequence[Record],
    members: Sequence[Individual],
    picked: int,
    config: SearchConfig,
    rule: str | None = None,
) -> None:
    """The first two objectives of every live network, the front, and the network that was picked.

    With a single objective its value is drawn over the evaluations. `rule` is what picked; None is that of the options.
    """
    names = config.objectives[:2]
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.add_subplot()
    live = [r for r in records if r.scores is not None and r.scores["fitness"] is not None]
    points = np.array([_point(r, names) for r in live])
    ids = [m.id for m in members]
    best = np.array([_point(records[i], names) for i in ids])
    axes.scatter(points[:, 0], points[:, 1], s=12, color=GREY, label=f"{len(live)} networks", linewidths=0)
    axes.plot(*best.T, "-o", color=WARM, markersize=4, linewidth=1, label=f"front ({len(ids)})")
    axes.scatter(
        *([value] for value in _point(records[picked], names)),
        sizes=[130],
        facecolors="none",
        edgecolors=DARK,
        linewidths=1.6,
        label=f"best.json (no. {picked}, {rule or config.pick})",
    )
    if len(names) == 2:
        axes.set(xlabel=_label(names[0], config), ylabel=_label(names[1], config))
        _widen(axes, points[:, 1])
        _scale(axes.xaxis, names[0])
        _scale(axes.yaxis, names[1])
    else:
        axes.set(xlabel="evaluation", ylabel=_label(names[0], config))
        _scale(axes.yaxis, names[0])
    axes.set_title(f"{config.dataset}: {len(records)} evaluations, seed {config.seed}")
    axes.legend(frameon=False)
    write_figure(figure, path)


def plot_history(path: Path, records: Sequence[Record], config: SearchConfig) -> None:
    """Each objective over the generations: every live network, the median, and the best so far."""
    figure = Figure(figsize=(7, 0.4 + 2.6 * len(config.objectives)), layout="constrained")
    live = [r for r in records if r.scores is not None and r.scores["fitness"] is not None]
    generations = np.array([r.generation for r in live])
    for row, name in enumerate(config.objectives):
        axes = figure.add_subplot(len(config.objectives), 1, row + 1)
        column = np.array([values(r.scores or {}, [name])[name] for r in live])
        larger = name == "fitness" and get_fitness(config.fitness).maximise
        axes.scatter(generations, column, s=8, color=GREY, linewidths=0, label="networks")
        groups = np.unique(generations)
        axes.plot(groups, [np.median(column[generations == g]) for g in groups], color=DARK, lw=1, label="median")
        extreme = np.maximum if larger else np.minimum
        best = [(column[generations == g].max() if larger else column[generations == g].min()) for g in groups]
        axes.plot(groups, extreme.accumulate(best), color=WARM, lw=1.6, label="best so far")
        axes.set_title(_label(name, config), loc="left", fontsize="medium")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        _widen(axes, column)
        _scale(axes.yaxis, name)
    axes.set_xlabel("generation (0 is random)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", frameon=False, ncols=3)
    write_figure(figure, path)


def _widen(axes: Axes, heights: NDArray[np.float64]) -> None:
    """Make the vertical axis logarithmic where the heights span more than a linear one can show."""
    if heights.min() > 0 and heights.max() > WIDE * heights.min():
        axes.set_yscale("log")


def _scale(axis: Axis, name: str) -> None:
    """Give ticks of an objective in joules their prefixes, and a narrow logarithmic axis enough of them."""
    if UNITS.get(name) != "J":
        return
    if axis.get_scale() == "log":
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high <= NARROW * low else (1,)))
        # Ticks between them would have powers of ten without a unit.
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(EngFormatter("J"))


def _point(record: Record, names: Sequence[str]) -> tuple[float, float]:
    assert record.scores is not None
    if len(names) == 1:
        return float(record.id), values(record.scores, names)[names[0]]
    first, second = (values(record.scores, names)[name] for name in names)
    return first, second


def _label(name: str, config: SearchConfig) -> str:
    if name == "fitness":
        return f"{config.fitness} ({'larger' if get_fitness(config.fitness).maximise else 'smaller'} is better)"
    if name == "energy":
        return f"energy on {plain(config.hardware)}, per inference"
    return f"{name} per inference" if name in ("synops", "spikes") else name
