"""The picture of a network: its circuits, drawn as in a textbook, as an SVG or PNG file.

Excitation ends in an arrow, inhibition in a bar, and a delay is dashed, so the picture also reads in black and white.
"""

from __future__ import annotations

import math
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from msenas.errors import InputError
from msenas.phenotype.picture_layout import LEGEND, MARGIN, Band, Layout, layout
from msenas.phenotype.picture_parts import Box, Edge, Kind, Label
from msenas.phenotype.picture_strokes import (
    CORNERS,
    CROSS,
    EXCITE,
    FILLS,
    GREY,
    INHIBIT,
    INK,
    PAPER,
    SHADE,
    Font,
    Stroke,
    draw_line,
    draw_rounded,
    draw_sum,
    write,
)
from msenas.phenotype.plan import Plan

METADATA: dict[str, dict[str, str | None]] = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
"""Allowed suffixes, and what is left out of the file so that equal plans give equal bytes."""
DOTS_PER_INCH = 150
THIN, THICK = 1.0, 2.0
"""Line widths in points of the synapses with the fewest and the most weights."""
HEADING, SMALL, NOTE = Font(12, INK, "bold"), Font(7.5, GREY), Font(6.8, GREY)
BAND_LABEL, BAND_TITLE, ENTRY = Font(8, INK, "bold"), Font(7.5, GREY, style="italic"), Font(7.5, INK)
BOX_FONTS = (Font(9, INK, "bold"), Font(7, INK), Font(6.5, GREY))
"""Of the lines in a box, from above."""
LABEL_SIZE = 6.8
SAMPLE = 0.34
"""Width of a sign in the legend."""

Sign = Kind | Literal["sum"] | Stroke


def draw(plan: Plan, path: Path, title: str | None = None) -> None:
    """Draw a network into a file, .svg or .png by its suffix; equal plans and titles give equal bytes.

    The file is replaced in one step; if that fails, nothing is left behind.

    Raises:
        InputError: The suffix is another one, or the file cannot be written.
        GenomeError: The plan has a form that no genome describes; see `split_layers`.
    """
    suffix = path.suffix.lower()
    if suffix not in METADATA:
        raise InputError(f"cannot draw {path}: the name of a picture ends in {' or '.join(METADATA)}")
    content = render(plan, suffix, title)
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def render(plan: Plan, suffix: str, title: str | None = None) -> bytes:
    """The picture as the content of a file; `suffix` is one of METADATA."""
    buffer = BytesIO()
    with mpl.rc_context():
        # The settings of whoever runs this would otherwise change the bytes.
        mpl.rcdefaults()
        mpl.rc("svg", hashsalt="msenas")
        figure = compose(plan, title)
        figure.savefig(buffer, format=suffix[1:], dpi=DOTS_PER_INCH, metadata=METADATA[suffix])
    return buffer.getvalue()


def compose(plan: Plan, title: str | None = None) -> Figure:
    """The picture as a figure, one inch per unit of the layout."""
    places = layout(plan)
    figure = Figure(figsize=(places.right - places.left, places.height), facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(places.left, places.right), ylim=(places.height, 0))
    axes.set_axis_off()
    _draw_header(axes, plan, places, title)
    for band in places.bands:
        _draw_band(axes, band, places.half_band)
    for edge, width in zip(places.edges, line_widths(places.edges), strict=True):
        _draw_edge(axes, edge, width)
    for box in places.boxes:
        _draw_box(axes, box)
    for point in places.sums:
        draw_sum(axes, point)
    _draw_legend(axes, places)
    return figure


def line_widths(edges: tuple[Edge, ...]) -> list[float]:
    """Width of each line in points: THIN to THICK with the logarithm of its weights, the middle without weights."""
    sizes = [math.log(edge.weights) for edge in edges if edge.weights]
    least, span = min(sizes), max(max(sizes) - min(sizes), 1e-9)
    shares = [(math.log(edge.weights) - least) / span if edge.weights else 0.5 for edge in edges]
    return [THIN + (THICK - THIN) * share for share in shares]


def shorten(text: str, room: int) -> str:
    """One printable line of at most `room` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= room else line[: room - 1].rstrip() + "…"


def _draw_header(axes: Axes, plan: Plan, places: Layout, title: str | None) -> None:
    spec = plan.spec
    neuron = f"lif, tau {spec.tau:g}" if spec.neuron == "lif" else spec.neuron
    size = f"{plan.parameters:,} parameters · {plan.neurons:,} neurons · depth {plan.depth}"
    heading = shorten(title or f"{len(places.bands)}-layer spiking network", int(2 * places.half_band / 0.13))
    write(axes, (-places.half_band, MARGIN + 0.05), heading, HEADING)
    write(axes, (-places.half_band, MARGIN + 0.32), f"{size} · {neuron}, v_th {spec.v_th:g}", SMALL)


def _draw_band(axes: Axes, band: Band, half: float) -> None:
    draw_rounded(axes, (-half, band.top), 2 * half, band.bottom - band.top, 0.08, SHADE, SHADE, zorder=0)
    write(axes, (0.12 - half, band.top + 0.17), band.label, BAND_LABEL)
    write(axes, (half - 0.12, band.top + 0.17), band.title, BAND_TITLE, across="right")


def _draw_box(axes: Axes, box: Box) -> None:
    draw_rounded(axes, (box.x - box.width / 2, box.top), box.width, box.height, CORNERS[box.kind], *FILLS[box.kind])
    first = box.y - 0.08 * (len(box.lines) - 1)
    for index, line in enumerate(box.lines):
        write(axes, (box.x, first + 0.16 * index), line, BOX_FONTS[index], across="center")


def _draw_edge(axes: Axes, edge: Edge, width: float) -> None:
    delayed = edge.synapse is not None and edge.synapse.delayed
    color = CROSS if edge.cross else INHIBIT if edge.head == "bar" else EXCITE
    draw_line(axes, edge.points, Stroke(color, width, edge.head, delayed, zorder=1 if edge.cross else 2))
    if edge.label:
        _draw_label(axes, edge.label, color)


def _draw_label(axes: Axes, label: Label, color: str) -> None:
    font = Font(LABEL_SIZE, color)
    if label.place == "right":
        write(axes, (label.x, label.y), label.text, font)
    else:
        write(axes, (label.x, label.y), label.text, font, "center" if label.place == "above" else "left", "baseline")


def _draw_legend(axes: Axes, places: Layout) -> None:
    """What the signs mean that occur in this picture, in rows of three, and a note."""
    left, top = -places.half_band, places.height - MARGIN - LEGEND + 0.42
    entries = legend_entries(places)
    for index, (text, sign) in enumerate(entries):
        x, y = left + 1.75 * (index % 3), top + 0.26 * (index // 3)
        _draw_sign(axes, x, y, sign)
        write(axes, (x + SAMPLE + 0.1, y), text, ENTRY)
    note = "beside a line: kernel, /2 is stride 2; width of lines and boxes: logarithm of weights and neurons"
    write(axes, (left, top + 0.26 * math.ceil(len(entries) / 3) + 0.1), note, NOTE)


def legend_entries(places: Layout) -> list[tuple[str, Sign]]:
    """What occurs in a picture, in words and as a sign."""
    synapses = [edge.synapse for edge in places.edges if edge.synapse]
    interneurons = any(box.kind == "interneuron" for box in places.boxes)
    entries: list[tuple[bool, str, Sign]] = [
        (True, "principal population", "principal"),
        (interneurons, "interneurons", "interneuron"),
        (bool(places.sums), "spikes added", "sum"),
        (True, "excitatory synapse", Stroke(EXCITE, 1.4, "arrow")),
        (any(s.inhibitory for s in synapses), "inhibitory synapse", Stroke(INHIBIT, 1.4, "bar")),
        (any(s.delayed for s in synapses), "delayed by one step", Stroke(INK, 1.4, dashed=True)),
        (any(edge.cross for edge in places.edges), "cross-layer synapse", Stroke(CROSS, 1.4, "arrow")),
    ]
    return [(text, sign) for occurs, text, sign in entries if occurs]


def _draw_sign(axes: Axes, x: float, y: float, sign: Sign) -> None:
    if isinstance(sign, Stroke):
        draw_line(axes, [(x, y), (x + SAMPLE, y)], sign)
    elif sign == "sum":
        draw_sum(axes, (x + SAMPLE / 2, y))
    else:
        draw_rounded(axes, (x, y - 0.08), SAMPLE, 0.16, CORNERS[sign] * 0.4, *FILLS[sign])
