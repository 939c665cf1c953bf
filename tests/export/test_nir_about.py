from __future__ import annotations

import json

import pytest

from export.nir_about import about, populations_of
from msenas.errors import InputError
from tests.export.nir_graphs import chain, graph, lif, small_network


def test_nothing_is_told_by_others():
    assert about(small_network()) == {}


def test_what_is_told():
    assert about(small_network(msenas='{"dt": 0.001}')) == {"dt": 0.001}


@pytest.mark.parametrize("text", ["[1]", "{", 3, '{"a": NaN}', "\ud800", "[" * 100_000])
def test_damaged_metadata(text):
    with pytest.raises(InputError, match="metadata 'msenas'") as caught:
        about(small_network(msenas=text))
    assert "\n" not in str(caught.value)


def named(**populations):
    network = chain((1,), lif(1), lif(1))
    names = {"n0": "n03_L1_E1", "n1": "n04_L1_E10"}
    nodes = {names.get(name, name): node for name, node in network.nodes.items()}
    edges = [(names.get(a, a), names.get(b, b)) for a, b in network.edges]
    return graph(nodes, *edges, **({"msenas": json.dumps({"populations": populations})} if populations else {}))


def test_populations_by_the_end_of_a_name():
    assert populations_of(named(), ["L1.E1", "L1.E10"]) == {"L1.E1": "n03_L1_E1", "L1.E10": "n04_L1_E10"}


def test_populations_by_the_metadata():
    network = named(n03_L1_E1="L1.E10", n04_L1_E10="L1.E1")
    assert populations_of(network, ["L1.E1", "L1.E10"]) == {"L1.E1": "n04_L1_E10", "L1.E10": "n03_L1_E1"}


@pytest.mark.parametrize(
    ("network", "count"),
    [(named(), 0), (named(other="L2.E1"), 0), (named(n03_L1_E1="L2.E1", n04_L1_E10="L2.E1"), 2)],
)
def test_a_population_must_have_one_node_that_spikes(network, count):
    with pytest.raises(InputError, match=f"population 'L2.E1' has {count} nodes in the file"):
        populations_of(network, ["L2.E1"])
