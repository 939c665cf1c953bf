from __future__ import annotations

from dataclasses import replace

import pytest

from msenas.errors import GenomeError
from msenas.phenotype.picture_circuit import GAP, columns, place_circuit, split_layers
from msenas.phenotype.picture_parts import layer_of, synapse_text
from msenas.phenotype.plan import Plan, Population, Synapse
from tests.conftest import motif_plan, small_spec
from tests.phenotype.plans import NON_EMPTY, dense_plan


def placed(plan: Plan):
    (layer,) = split_layers(plan)
    widths = {p.name: 1.0 for p in plan.populations}
    return layer, place_circuit(plan, layer, columns([layer], widths), top=0.0)


def by_role(circuit):
    return {box.lines[0]: box for box in circuit.boxes}


def hand_made(wires: list[tuple[str, str, bool]], readout: tuple[str, ...] = ("L1.E1", "L1.E2")) -> Plan:
    """A plan of one layer with two principal populations and two interneurons."""
    populations = [Population(f"L1.{role}", 4, 8, 8, 0, 0, "FE") for role in ("E1", "E2", "I1", "I2")]
    synapses = [Synapse((s,), t, 3, 1, s[3:4] == "I", delayed, None) for s, t, delayed in wires]
    return Plan(small_spec(1), tuple(populations), tuple(synapses), readout)


def test_lateral_inhibition_is_a_ring_between_two_columns():
    layer, circuit = placed(motif_plan("LI"))
    boxes = by_role(circuit)
    assert layer.lower == ("L1.I1", "L1.I2")
    assert boxes["E1"].x == -boxes["E2"].x < 0
    assert boxes["I1"].x == boxes["I2"].x == 0
    assert boxes["E1"].top < boxes["I1"].top < boxes["I1"].bottom < boxes["I2"].top < boxes["I2"].bottom
    assert {e.points[0][1] for e in circuit.edges if "L1.I1" in e.ends} == {boxes["I1"].y}


def test_mutual_inhibition_is_a_row_with_two_lines_between_the_interneurons():
    layer, circuit = placed(motif_plan("MI"))
    boxes = by_role(circuit)
    assert layer.upper == ("L1.I1", "L1.I2")
    assert [b.lines[0] for b in sorted(circuit.boxes, key=lambda b: b.x)] == ["E1", "I1", "I2", "E2"]
    assert len({b.y for b in circuit.boxes}) == 1
    heights = [e.points[0][1] for e in circuit.edges if set(e.ends) == {"L1.I1", "L1.I2"}]
    assert sum(heights) / 2 == pytest.approx(boxes["I1"].y)
    assert boxes["I1"].top < min(heights) < max(heights) < boxes["I1"].bottom


@pytest.mark.parametrize(("motif", "above"), [("FI", True), ("FbI", False)])
def test_an_interneuron_is_above_the_direct_synapse_when_the_input_reaches_it(motif, above):
    layer, circuit = placed(motif_plan(motif))
    (direct,) = layer.direct
    y = next(e.points[0][1] for e in circuit.edges if e.synapse == direct)
    assert (by_role(circuit)["I1"].bottom < y) == above
    assert (by_role(circuit)["I1"].top > y) != above


def test_two_interneurons_in_a_row_stand_next_to_the_populations_that_they_touch():
    wires = [("input", f"L1.{role}", False) for role in ("E1", "E2", "I1", "I2")]
    plan = hand_made([*wires, ("L1.I1", "L1.E2", False), ("L1.I2", "L1.E1", False)])
    assert split_layers(plan)[0].upper == ("L1.I2", "L1.I1")


@pytest.mark.parametrize("motif", NON_EMPTY)
def test_the_lines_of_every_motif_are_straight_and_join_facing_sides(motif):
    _, circuit = placed(motif_plan(motif))
    boxes = {box.name: box for box in circuit.boxes}
    for edge in circuit.edges:
        (x0, y0), (x1, y1) = edge.points
        source, target = (boxes[name] for name in edge.ends)
        assert y0 == y1
        assert (abs(x0 - source.x), abs(x1 - target.x)) == pytest.approx((0.5, 0.5))
        assert abs(x1 - x0) >= GAP - 1e-9


def test_synapses_without_a_straight_way_run_below_the_boxes():
    wires = [("input", f"L1.{role}", False) for role in ("E1", "I1", "I2")]
    inhibition = [("L1.I1", "L1.E1", False), ("L1.I2", "L1.E1", False), ("L1.I1", "L1.E2", False)]
    plan = hand_made([*wires, *inhibition, ("L1.E1", "L1.E2", False), ("L1.E1", "L1.E1", True)])
    _, circuit = placed(plan)
    detours = [e for e in circuit.edges if len(e.points) == 4]
    lowest = max(box.bottom for box in circuit.boxes)
    assert {e.ends for e in detours} == {("L1.I1", "L1.E1"), ("L1.E1", "L1.E1")}
    assert all(lowest < e.points[1][1] < circuit.bottom for e in detours)
    assert len({e.points[1][1] for e in detours}) == len(detours)


def test_stacked_interneurons_are_joined_vertically():
    wires = [("input", "L1.E1", False), ("input", "L1.I1", False), ("L1.E1", "L1.E2", False)]
    plan = hand_made([*wires, ("L1.E2", "L1.I2", False), ("L1.I1", "L1.I2", False), ("L1.I2", "L1.I1", True)])
    _, circuit = placed(plan)
    vertical = [e.points for e in circuit.edges if {"L1.I1", "L1.I2"} == set(e.ends)]
    assert [p[0][0] == p[1][0] for p in vertical] == [True, True]
    assert vertical[0][0][0] != vertical[1][0][0]


def test_what_no_genome_describes_is_refused():
    plan = motif_plan("FE", "FE")
    first = next(s for s in plan.synapses if s.target == "L2.E1")
    split = replace(plan, synapses=tuple(replace(s, sources=s.sources[:1]) if s == first else s for s in plan.synapses))
    with pytest.raises(GenomeError, match=r"cannot draw L1\.E1 \+ L1\.E2; L1 gives L1\.E1$"):
        split_layers(split)
    with pytest.raises(GenomeError, match=r"read-out of L1\.E1; the last layer is L2"):
        split_layers(replace(plan, readout=("L1.E1",)))


def test_networks_of_other_forms_are_drawn_or_refused():
    plan = dense_plan()
    with pytest.raises(GenomeError, match=r"cannot draw d\.E1 -> c\.E1, which leads back"):
        split_layers(plan)
    ahead = replace(plan, synapses=tuple(s for s in plan.synapses if not s.delayed))
    assert [layer.output for layer in split_layers(ahead)] == [(f"{name}.E1",) for name in "abcd"]
    unheard = replace(ahead, synapses=tuple(s for s in ahead.synapses if s.sources != ("b.E1",)))
    with pytest.raises(GenomeError, match="cannot draw b; no other layer hears"):
        split_layers(unheard)


def test_texts():
    assert synapse_text(Synapse(("a.E1",), "b.E1", 5, 1, False, False, pool=2)) == "sum 2, 5x5"
    assert synapse_text(Synapse(("input",), "L1.E1", 5, 2, False, False, None)) == "5x5 /2"
    assert synapse_text(Synapse(("L1.I1",), "L1.E1", 3, 1, True, True, None)) == "3x3 [t-1]"
    assert [layer_of(name) for name in ("L12.E1", "input")] == ["L12", "input"]
