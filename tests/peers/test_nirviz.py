"""nirviz draws an exported file, every node and edge of it."""

from __future__ import annotations

import shutil

import nir
import numpy as np
import pytest

from export.lower import lower
from export.nir_write import write_nir
from msenas.phenotype.network import Network
from tests.conftest import motif_plan

nirviz = pytest.importorskip("nirviz", reason="nirviz is not installed; `make peers` does")


@pytest.fixture(params=["FE", "LI", "MI"])
def file(request, tmp_path):
    """An exported file."""
    network = Network(motif_plan("FE", request.param), lif="norse")
    tensors = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    write_nir(tmp_path / "a.nir", lower(network.plan, tensors))
    return tmp_path / "a.nir"


def test_the_drawing_has_every_node_and_edge(file):
    graph, source = nir.read(file), nirviz.visualize(file, orientation="horizontal").viz_graph.source
    assert np.all([f"{name} [label={type(node).__name__}" in source for name, node in graph.nodes.items()])
    assert {tuple(line.split(" -> ")) for line in source.replace("\t", "").splitlines() if " -> " in line} == {
        tuple(edge) for edge in graph.edges
    }


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz' `dot` is not installed")
def test_a_picture(file):
    nirviz.visualize(file, orientation="vertical").save(file.with_suffix(".svg"))
    assert file.with_suffix(".svg").read_text().count('class="node"') == len(nir.read(file).nodes)
