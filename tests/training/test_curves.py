"""The picture of a training."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from msenas.errors import RunError
from msenas.learning.loop import Row
from msenas.training.curves import PANELS, TITLES, draw_curves

ROWS = [Row(epoch, 1.0 / epoch, 0.2 * epoch, 0.5, 0.1, 0.01) for epoch in (1, 2, 3)]


def test_every_panel_is_a_column_with_a_title():
    assert set(PANELS) == set(TITLES) <= set(Row.__dataclass_fields__)


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]], ids=len)
def test_a_png_in_which_every_curve_has_its_colour(tmp_path, rows):
    draw_curves(tmp_path / "curves.png", rows, "digits", 0.5)
    pixels = np.asarray(Image.open(io.BytesIO((tmp_path / "curves.png").read_bytes())).convert("RGB")).reshape(-1, 3)
    shown = {tuple(p) for p in np.unique(pixels, axis=0).tolist()}
    for colour in PANELS.values():
        assert tuple(bytes.fromhex(colour[1:])) in shown


def test_equal_rows_give_equal_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        draw_curves(tmp_path / name, ROWS, "digits", 0.5)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_folder_that_is_gone_is_one_line(tmp_path):
    with pytest.raises(RunError, match="cannot write"):
        draw_curves(tmp_path / "gone" / "curves.png", ROWS, "digits", 0.5)
