from __future__ import annotations

import math
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings

from msenas.phenotype.decode import decode
from msenas.phenotype.picture_layout import NARROW, WIDE, Layout, assign_lanes, box_widths, layout
from msenas.phenotype.picture_strokes import HEAD, TURN
from msenas.phenotype.plan import INPUT, Plan
from tests.conftest import motif_genome, motif_plan, small_spec
from tests.phenotype.plans import NON_EMPTY, connected

TINY = 1e-6


def pieces(points):
    """Straight pieces of a line as (left, right, top, bottom)."""
    return [(*sorted((x0, x1)), *sorted((y0, y1))) for (x0, y0), (x1, y1) in pairwise(points)]


def outside(box):
    return box.x - box.width / 2, box.x + box.width / 2, box.top, box.bottom


def pierces(piece, box) -> bool:
    left, right, top, bottom = outside(box)
    return piece[0] < right - TINY and piece[1] > left + TINY and piece[2] < bottom - TINY and piece[3] > top + TINY


def run_together(one, other) -> bool:
    """Whether two lines lie on each other for a stretch."""
    for a in pieces(one.points):
        for b in pieces(other.points):
            wide, high = min(a[1], b[1]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[2], b[2])
            if (wide > TINY and abs(high) < TINY) or (high > TINY and abs(wide) < TINY):
                return True
    return False


def check_laws(plan: Plan, places: Layout) -> None:
    boxes = {box.name: box for box in places.boxes}
    assert set(boxes) == {INPUT, "read-out", *(p.name for p in plan.populations)}
    assert sorted(map(str, (e.synapse for e in places.edges if e.synapse))) == sorted(map(str, plan.synapses))
    for one, other in combinations(places.boxes, 2):
        a, b = outside(one), outside(other)
        assert a[1] < b[0] or b[1] < a[0] or a[3] < b[2] or b[3] < a[2], (one.name, other.name)
    for edge in places.edges:
        for piece in pieces(edge.points):
            assert piece[0] == piece[1] or piece[2] == piece[3], "a line has a slope"
            assert not any(pierces(piece, box) for box in places.boxes), edge
            assert places.left < piece[0] <= piece[1] < places.right
            assert 0 < piece[2] <= piece[3] < places.height
        if edge.head != "none":
            assert math.dist(*edge.points[-2:]) > HEAD + TURN
    for one, other in combinations([e for e in places.edges if e.synapse], 2):
        if one.synapse.sources != other.synapse.sources:
            assert not run_together(one, other), (one, other)


def ends_at(edge, box) -> bool:
    (x, y), (left, right, top, bottom) = edge.points[-1], outside(box)
    on_side = min(abs(x - left), abs(x - right)) < TINY and top < y < bottom
    return on_side or (min(abs(y - top), abs(y - bottom)) < TINY and left < x < right)


@pytest.mark.parametrize("motif", NON_EMPTY)
@pytest.mark.parametrize("cross", [1, 2, 3])
def test_laws_hold_for_every_motif(motif, cross):
    plan = decode(motif_genome(*[motif] * 5, cross=cross), small_spec(5))
    check_laws(plan, layout(plan))


@settings(max_examples=60, deadline=None)
@given(connected(most_layers=7))
def test_laws_hold_for_any_network(case):
    plan = case[2]
    places = layout(plan)
    check_laws(plan, places)
    boxes = {box.name: box for box in places.boxes}
    for edge in places.edges:
        if edge.synapse:
            assert ends_at(edge, boxes[edge.synapse.target])


def test_layers_follow_each_other_in_their_bands():
    places = layout(motif_plan("FE", "empty", "MI", reductions=(1,)))
    assert [b.label for b in places.bands] == ["layer 1 · FE · 8x8", "layer 2 · empty · 4x4", "layer 3 · MI · 4x4"]
    assert [b.title for b in places.bands] == ["feed-forward excitation", "bypass", "mutual inhibition"]
    edges = [y for band in places.bands for y in (band.top, band.bottom)]
    assert edges == sorted(edges)
    boxes = {box.name: box for box in places.boxes}
    assert boxes["input"].bottom < edges[0]
    assert places.bands[2].top < boxes["L3.E1"].top < boxes["L3.E1"].bottom < places.bands[2].bottom
    assert edges[-1] < boxes["read-out"].top


def test_only_outputs_of_two_populations_have_a_sum():
    places = layout(motif_plan("FE", "empty", "MI", reductions=(1,)))
    assert len(places.sums) == 2
    assert [e.ends for e in places.edges if e.head == "none"] == [("L1.E1",), ("L1.E2",), ("L3.E1",), ("L3.E2",)]


def test_synapses_over_a_layer_run_left_of_the_bands_and_say_where_they_come_from():
    plan = decode(motif_genome("FE", "FE", "FE", "FE", cross=3), small_spec(4))
    places = layout(plan)
    crossing = [e for e in places.edges if e.cross]
    assert [e.label.text for e in crossing] == ["3x3 /2 from L1", "3x3 /2 from L2", "3x3 /2 from L1"]
    assert all(min(x for x, _ in e.points) < -places.half_band for e in crossing)
    assert all(min(x for x, _ in e.points) >= -places.half_band for e in places.edges if not e.cross)


def test_widths_grow_with_the_logarithm_of_the_neurons():
    plan = motif_plan("FI", "FE", channels=16)
    widths = box_widths(plan)
    assert {p.name: p.neurons for p in plan.populations} == {
        "L1.E1": 1024, "L1.E2": 1024, "L1.I1": 256, "L2.E1": 512, "L2.E2": 512
    }  # fmt: skip
    assert widths["L1.I1"] == pytest.approx(NARROW)
    assert widths["L2.E1"] == pytest.approx((NARROW + WIDE) / 2)
    assert widths["L1.E1"] == WIDE


def test_equal_populations_are_equally_wide():
    assert set(box_widths(motif_plan("FE")).values()) == {WIDE}


def test_lanes_are_shared_only_by_synapses_that_do_not_meet():
    spans = [(0, 1), (1, 3), (1, 4), (2, 4), (3, 5), (1, 3)]
    assert assign_lanes(spans) == {(1, 3): 0, (2, 4): 1, (3, 5): 0, (1, 4): 2}
