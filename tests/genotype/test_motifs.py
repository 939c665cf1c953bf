from __future__ import annotations

import pytest

from msenas.genotype.motifs import EMPTY, INTERNEURONS, MOTIFS, PRINCIPALS, SLOTS, Wire, parse_wire

WIRES = {
    "empty": [],
    "FE": ["in->E1", "E1->E2", "in->E2"],
    "FI": ["in->E1", "in->I1", "I1-|E1", "E1->E2"],
    "FbI": ["in->E1", "E1->E2", "E2->I1", "I1[t-1]-|E1"],
    "LI": ["in->E1", "in->E2", "E1->I1", "I1-|E2", "E2->I2", "I2[t-1]-|E1"],
    "MI": ["in->I1", "in->I2", "I2[t-1]-|I1", "I1-|I2", "in->E1", "in->E2", "I1-|E1", "I2-|E2"],
}


def test_the_order_of_the_motifs_is_that_of_the_motif_gene():
    assert [m.name for m in MOTIFS] == ["empty", "FE", "FI", "FbI", "LI", "MI"]
    assert MOTIFS[EMPTY].name == "empty"


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda m: m.name)
def test_wires_are_those_of_the_published_circuits(motif):
    assert [str(w) for w in motif.wires] == WIRES[motif.name]


def test_slots_are_the_largest_number_of_wires():
    assert SLOTS == 8


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda m: m.name)
def test_no_wire_occurs_twice(motif):
    assert len(set(motif.wires)) == len(motif.wires)


@pytest.mark.parametrize("wire", [w for m in MOTIFS for w in m.wires], ids=str)
def test_signs_follow_the_source_and_text_reads_back(wire):
    assert wire.inhibitory == (wire.source in INTERNEURONS)
    assert wire.target in (*PRINCIPALS, *INTERNEURONS)
    assert parse_wire(str(wire)) == wire


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("in->E1", Wire("in", "E1", False, False)),
        (" E1->I2 ", Wire("E1", "I2", False, False)),
        ("I2[t-1]-|I1", Wire("I2", "I1", True, True)),
        ("E2[t-1]->E1", Wire("E2", "E1", False, True)),
    ],
)
def test_parse_wire(text, wire):
    assert parse_wire(text) == wire


@pytest.mark.parametrize("text", ["in-|E1", "E1-|E2", "I1->E1", "I2[t-1]->I1"])
def test_an_arrow_that_contradicts_its_source_is_refused(text):
    with pytest.raises(ValueError, match="inhibit"):
        parse_wire(text)


@pytest.mark.parametrize("text", ["", "in", "in->in", "E3->E1", "in=>E1", "in->E1 x", "I1[t-2]-|E1", "in->E1->E2"])
def test_what_is_no_wire_is_refused(text):
    with pytest.raises(ValueError, match="is no wire"):
        parse_wire(text)
