"""Names of populations from names of nodes, whatever these are."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.labels import Family, family, labelled, named
from export.told import Told
from msenas.errors import InputError
from msenas.phenotype.check import NAME
from tests.conftest import motif_genome, motif_plan
from tests.phenotype.plans import dense_plan


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=8, unique=True))
def test_every_node_gets_a_name_of_its_own(nodes):
    names = named(nodes, Told())
    assert list(names) == nodes
    assert len({name.replace(".", "_") for name in names.values()}) == len(nodes)
    assert all(NAME.fullmatch(name) for name in names.values())


@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        (["lif1", "lif.2"], ["lif1.E1", "lif_2.E1"]),
        (["3", "input"], ["n3.E1", "ninput.E1"]),
        (["a.b", "a_b", "a b"], ["a_b.E1", "a_b_2.E1", "a_b_3.E1"]),
    ],
)
def test_names_by_hand(nodes, names):
    assert list(named(nodes, Told()).values()) == names


def test_names_that_are_told_come_in_the_order_of_a_plan():
    told = Told(populations={"x": "L2.E1", "y": "L1.I1", "z": "L1.E1"})
    assert named(["x", "y", "z"], told) == {"z": "L1.E1", "y": "L1.I1", "x": "L2.E1"}
    mixed = Told(populations={"x": "L2.E1", "y": "no name"})
    assert named(["x", "y"], mixed) == {"x": "L2.E1", "y": "y.E1"}


def test_a_name_that_is_told_twice():
    with pytest.raises(InputError, match=r"call two nodes 'L1\.E1'"):
        named(["x", "y"], Told(populations={"x": "L1.E1", "y": "L1.E1"}))


def test_the_family_of_a_network():
    spec = motif_plan("FE", "LI").spec
    told = Told(about={"network": asdict(spec)})
    assert family(told) == Family(2, 4, (1,), 2.0)
    assert family(Told()) == Family()
    assert family(Told(about={"network": {"layers": 0}})) == Family()


@pytest.mark.parametrize("genome", [None, "x", [1, 2], [True], {"flat": [1]}])
def test_a_genome_that_is_none_is_left_out(genome):
    plan = motif_plan("FE")
    found, none = labelled(plan, {p.name: "node" for p in plan.populations}, Told(about={"genome": genome}))
    assert none is None
    assert [p.motif for p in found.populations] == ["", ""]


def test_labels_are_names_of_nodes_or_of_layers_that_are_told():
    plan = dense_plan()
    nodes = {p.name: f"node {p.name}" for p in plan.populations}
    found, _ = labelled(plan, nodes, Told(populations={"node b.E1": "b.E1"}))
    assert [p.motif for p in found.populations] == ["node a.E1", "b", "node c.E1", "node d.E1"]


def test_the_genome_of_the_plan():
    plan, genome = motif_plan("FI"), motif_genome("FI")
    found, same = labelled(plan, {}, Told(about={"genome": list(genome.flat())}))
    assert (found, same) == (plan, genome)
    assert {p.motif for p in found.populations} == {"FI"}
