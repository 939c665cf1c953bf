"""The picture of an estimate: where the energy goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from msenas.errors import InputError, RunError
from msenas.hardware.causes import CAUSES
from msenas.hardware.quantity import joules, prefix
from msenas.hardware.report import ChipEstimate, Report
from msenas.runs.figures import write_figure

FORMATS = ("svg", "png")
COLOURS = {
    "synapses": "#3b6fb6",
    "neurons": "#d1603d",
    "spikes": "#e8b04a",
    "traffic": "#5a9e6f",
    "memory": "#7c6ba8",
    "analog input": "#5bb0c4",
    "read-out": "#b0687f",
    "dense arithmetic": "#2f4858",
    "input and output": "#a9a26b",
    "synchronisation": "#c9c9c9",
    "static": "#8c8c8c",
}
GROUPS = tuple(dict.fromkeys(cause.group for cause in CAUSES))


def picture_format(path: Path) -> str:
    """Format of a picture by the end of its name.

    Raises:
        InputError: The file name ends neither in .svg nor in .png.
        RunError: Its folder does not exist.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise InputError(f"picture {path}: its name must end in .svg or .png")
    if not path.parent.is_dir():
        raise RunError(f"picture {path}: there is no folder {path.parent}")
    return kind


def draw_energy(report: Report, path: Path) -> None:
    """Stacked bars: by place on one chip, or the shares of each of several chips.

    Raises:
        InputError: As `picture_format`.
        RunError: The file cannot be written.
    """
    picture_format(path)
    figure = _by_chip(report.estimates) if len(report.estimates) > 1 else _by_place(report.estimates[0])
    write_figure(figure, path)


def _by_place(estimate: ChipEstimate) -> Figure:
    """One bar for each population and for what belongs to the whole chip, in joules."""
    energy = estimate.energy
    places = list(dict.fromkeys(place for term in energy.terms for place in term.by_place))
    groups: dict[str, dict[str, float]] = {group: {} for group in GROUPS}
    for term in energy.terms:
        for place, joule in term.by_place.items():
            groups[term.group][place] = groups[term.group].get(place, 0.0) + joule
    most = max(sum(by.get(place, 0.0) for by in groups.values()) for place in places)
    factor, unit = prefix(most)
    scaled = {g: [by.get(place, 0.0) / factor for place in places] for g, by in groups.items()}
    figure = Figure(figsize=(8, 1.6 + 0.3 * len(places)), layout="constrained")
    axes = _stack(figure, places, scaled)
    axes.set_xlabel(f"{unit}J per inference, nominal")
    bound = "at least " if energy.at_least else ""
    axes.set_title(f"{estimate.profile.title}: {bound}{joules(energy.joule.nominal)}", loc="left")
    return figure


def _by_chip(estimates: Sequence[ChipEstimate]) -> Figure:
    """One bar of shares for each chip, with its nominal energy and band."""
    names, scaled = [], {group: [0.0] * len(estimates) for group in GROUPS}
    for row, estimate in enumerate(estimates):
        joule = estimate.energy.joule
        names.append(estimate.profile.name)
        for term in estimate.energy.terms:
            scaled[term.group][row] += 100 * term.joule.nominal / (joule.nominal or 1.0)
    figure = Figure(figsize=(10, 1.6 + 0.3 * len(names)), layout="constrained")
    axes = _stack(figure, names, scaled)
    axes.set(xlabel="% of the nominal energy", xlim=(0, 100))
    right = axes.secondary_yaxis("right")
    bounds = ["at least " if e.energy.at_least else "" for e in estimates]
    texts = [b + joules(e.energy.joule.nominal) for b, e in zip(bounds, estimates, strict=True)]
    right.set_yticks(range(len(names)), texts)
    right.tick_params(length=0)
    axes.set_title("energy per inference", loc="left")
    return figure


def _stack(figure: Figure, rows: Sequence[str], groups: Mapping[str, Sequence[float]]):  # type: ignore[no-untyped-def]  # noqa: ANN202
    axes = figure.add_subplot()
    left = np.zeros(len(rows))
    for group, values in groups.items():
        if any(values):
            axes.barh(range(len(rows)), values, left=left, color=COLOURS[group], label=group, height=0.7)
            left += np.asarray(values)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    if any(any(values) for values in groups.values()):
        axes.legend(frameon=False, ncols=4, loc="upper left", bbox_to_anchor=(0, -0.12 - 0.9 / (len(rows) + 2)))
    return axes
