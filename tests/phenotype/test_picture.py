from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from itertools import combinations

import matplotlib as mpl
import pytest
from PIL import Image

from msenas.errors import InputError
from msenas.phenotype.decode import decode
from msenas.phenotype.picture import THICK, THIN, compose, draw, legend_entries, line_widths, render, shorten
from msenas.phenotype.picture_layout import layout
from tests.conftest import motif_genome, motif_plan, small_spec
from tests.phenotype.plans import NON_EMPTY


def crossing_plan():
    return decode(motif_genome("FE", "MI", "LI", "FbI", "FI", cross=3, kernel="5x5"), small_spec(5))


@pytest.mark.parametrize("suffix", [".svg", ".png", ".SVG"])
def test_a_plan_always_gives_the_same_bytes(tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    draw(motif_plan("LI", "MI"), first, "a title")
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 9, "path.sketch": (1, 100, 2), "svg.fonttype": "none"}):
        draw(motif_plan("LI", "MI"), second, "a title")
    assert first.read_bytes() == second.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([first.name, second.name])


def test_settings_of_matplotlib_are_left_as_they_were():
    with mpl.rc_context({"font.size": 20, "svg.hashsalt": "own"}):
        render(motif_plan("FE"), ".svg")
        assert (mpl.rcParams["font.size"], mpl.rcParams["svg.hashsalt"]) == (20, "own")


def test_files_are_what_their_suffix_says():
    places = layout(motif_plan("FI"))
    root = ElementTree.fromstring(render(motif_plan("FI"), ".svg"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    image = Image.open(io.BytesIO(render(motif_plan("FI"), ".png")))
    assert image.format == "PNG"
    assert image.height / image.width == pytest.approx(places.height / (places.right - places.left), rel=0.01)


@pytest.mark.parametrize("name", ["net.pdf", "net", "net.svg.gz"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"ends in \.svg or \.png"):
        draw(motif_plan("FE"), tmp_path / name)


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "folder.svg").mkdir()
    (tmp_path / "file").write_text("")
    for name in ("missing/net.svg", "folder.svg", "file/net.svg", f"{'n' * 300}.svg"):
        with pytest.raises(InputError, match=r"^cannot write .*: "):
            draw(motif_plan("FE"), tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.svg"]


def test_the_old_picture_is_replaced(tmp_path):
    path = tmp_path / "net.png"
    path.write_text("old")
    draw(motif_plan("FE"), path)
    assert path.read_bytes() == render(motif_plan("FE"), ".png")


@pytest.mark.parametrize("plan", [*(motif_plan(m, m) for m in NON_EMPTY), crossing_plan()], ids=[*NON_EMPTY, "cross"])
def test_no_text_meets_another_a_box_rim_or_a_line(plan):
    places, figure = layout(plan), compose(plan, "a title")
    axes = figure.axes[0]
    renderer = figure.canvas.get_renderer()
    to_inches = axes.transData.inverted()
    extents = {}
    for index, text in enumerate(t for t in axes.texts if t.get_text()):
        (x0, y0), (x1, y1) = to_inches.transform(text.get_window_extent(renderer).get_points())
        extents[index, text.get_text()] = (*sorted((x0, x1)), *sorted((y0, y1)))
    for (one, a), (other, b) in combinations(extents.items(), 2):
        assert not _meet(a, b), (one, other)
    for text, (left, right, top, bottom) in extents.items():
        assert places.left < left < right < places.right, text
        for box in places.boxes:
            x0, x1 = box.x - box.width / 2, box.x + box.width / 2
            inside = x0 < left and right < x1 and box.top < top and bottom < box.bottom
            assert inside or not _meet((left, right, top, bottom), (x0, x1, box.top, box.bottom)), text
        for edge in places.edges:
            for (x0, y0), (x1, y1) in zip(edge.points, edge.points[1:], strict=False):
                piece = (*sorted((x0, x1)), *sorted((y0, y1)))
                assert not _meet((left, right, top, bottom), piece), (text, edge)


def _meet(a, b) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]


def test_the_title_stands_for_itself():
    figure = compose(motif_plan("FE"), "a $5 and $6 title <&>\n\x00")
    assert figure.axes[0].texts[0].get_text() == "a $5 and $6 title <&>"
    assert not figure.axes[0].texts[0].get_parse_math()
    assert ElementTree.fromstring(render(motif_plan("FE"), ".svg", "a $5 and $6 <&> --> title\x00")) is not None
    assert compose(motif_plan("FE", "FE")).axes[0].texts[0].get_text() == "2-layer spiking network"


def test_shorten():
    assert shorten("a  b\tc", 5) == "a b c"
    assert shorten("abcdef", 5) == "abcd…"


def test_lines_are_wider_with_more_weights():
    plan = motif_plan("FI")
    edges = layout(plan).edges
    widths = dict(zip(edges, line_widths(edges), strict=True))
    assert {e.weights: round(w, 3) for e, w in widths.items()} == {144: THICK, 36: 1.0 + 0.5, 9: THIN, 0: 1.5}


@pytest.mark.parametrize(
    ("plan", "also"),
    [
        (motif_plan("empty", reductions=(0,)), []),
        (motif_plan("FE"), ["spikes added"]),
        (motif_plan("FI"), ["interneurons", "spikes added", "inhibitory synapse"]),
        (motif_plan("FbI"), ["interneurons", "spikes added", "inhibitory synapse", "delayed by one step"]),
        (
            decode(motif_genome("FE", "FE", "FE", cross=2), small_spec(3)),
            ["spikes added", "cross-layer synapse"],
        ),
    ],
)
def test_the_legend_names_what_occurs(plan, also):
    texts = {text for text, _ in legend_entries(layout(plan))}
    assert texts == {"principal population", "excitatory synapse", *also}
