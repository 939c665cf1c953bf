from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Polygon

from msenas.phenotype.picture_strokes import BAR, BAR_DISTANCE, HALF_HEAD, HEAD, TURN, Stroke, draw_line, rounded_line


@pytest.fixture
def axes():
    return Figure().add_subplot()


def test_a_turn_is_rounded_within_the_corner():
    curve = rounded_line([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])
    assert curve.vertices.tolist() == [
        [0, 0], [pytest.approx(1 - TURN), 0], [1, 0], [1, pytest.approx(TURN)], [1, 1]
    ]  # fmt: skip


def test_a_short_piece_gets_a_smaller_turn():
    curve = rounded_line([(0.0, 0.0), (0.1, 0.0), (0.1, 1.0)])
    assert curve.vertices[1].tolist() == pytest.approx([0.05, 0.0])


def test_excitation_ends_in_an_arrow_whose_tip_is_the_last_point(axes):
    draw_line(axes, [(0.0, 0.0), (0.0, 1.0)], Stroke("red", 1, "arrow"))
    line, head = axes.patches
    assert isinstance(head, Polygon)
    assert line.get_path().vertices[-1].tolist() == pytest.approx([0, 1 - HEAD])
    corners = sorted(tuple(v) for v in head.get_xy()[:-1])
    assert corners == [
        pytest.approx((-HALF_HEAD, 1 - HEAD)), pytest.approx((0, 1)), pytest.approx((HALF_HEAD, 1 - HEAD))
    ]  # fmt: skip


def test_inhibition_ends_in_a_bar_across_the_line(axes):
    draw_line(axes, [(0.0, 0.0), (-1.0, 0.0)], Stroke("blue", 1, "bar"))
    bar = axes.patches[1].get_path().vertices
    assert isinstance(axes.patches[1], PathPatch)
    assert bar[:, 0].tolist() == pytest.approx([BAR_DISTANCE - 1] * 2)
    assert sorted(bar[:, 1].tolist()) == pytest.approx([-BAR, BAR])


def test_a_delay_is_dashed_and_a_plain_line_has_no_head(axes):
    draw_line(axes, [(0.0, 0.0), (1.0, 0.0)], Stroke("blue", 1, dashed=True))
    draw_line(axes, [(0.0, 0.0), (1.0, 0.0)], Stroke("blue", 1))
    dashed, solid = axes.patches
    assert dashed.get_linestyle() != solid.get_linestyle()
