"""Figures as files that are whole and, for equal figures, equal byte for byte."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from msenas.runs.files import write_atomically

UNDATED = {"png": {"Software": None}, "svg": {"Date": None}}
"""Formats, with what is left out of their metadata because it differs between equal figures."""


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure in one step, in the format that the file name ends in (a key of UNDATED).

    Raises:
        RunError: The file cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    FigureCanvasAgg(figure)
    picture = BytesIO()
    figure.savefig(picture, format=kind, dpi=120, metadata=UNDATED[kind])
    write_atomically(path, picture.getvalue())


def plain(text: str) -> str:
    """The text with nothing in it that matplotlib takes for a formula."""
    return text.replace("$", r"\$")
