"""Reports of whole graphs: levels, data for JSON, errors."""

from __future__ import annotations

import json

import pytest

from export.check import check
from export.lower import lower
from export.nir_write import to_nir_graph
from export.targets.finding import WHOLE, worst
from export.targets.table import TARGETS
from msenas.errors import InputError
from msenas.phenotype.network import Network
from tests.conftest import motif_plan
from tests.export.targets.zoo import ZOO


def exported(target, *motifs, read="spikes", **spec):
    """An untrained network, written as the target wants it."""
    network = Network(motif_plan(*motifs, **spec), lif="norse")
    tensors = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    return to_nir_graph(lower(network.plan, tensors, read=read), TARGETS[target].convention)


@pytest.mark.parametrize("target", ["portable", "norse", "snntorch", "spikingjelly"])
@pytest.mark.parametrize("motif", ["empty", "FE", "FI", "FbI", "LI", "MI"])
@pytest.mark.parametrize("neuron", ["lif", "if"])
def test_simulators_read_every_exported_network_exactly(target, motif, neuron):
    for read in ("current", "spikes"):
        assert check(exported(target, "FE", motif, neuron=neuron, read=read), target).level == "exact"


def test_speck_takes_a_network_in_a_row_of_integrators_and_no_other():
    row = {"reductions": (0, 1), "neuron": "if", "encoding": "poisson"}
    report = check(exported("speck", "empty", "empty", **row), "speck")
    assert report.level == "approximated"
    assert sorted(report.cores.values()) == [0, 1, 2]
    assert not check(exported("speck", "FE", "FbI", **row), "speck").accepted
    assert not check(exported("speck", "empty", "empty", **row | {"neuron": "lif"}), "speck").accepted
    assert not check(exported("speck", "empty", "empty", **row | {"encoding": "direct"}), "speck").accepted
    assert not check(exported("speck", "empty", "empty", read="current", **row), "speck").accepted


def test_a_file_in_the_convention_of_another_target_is_seen():
    errors = [f for f in check(exported("portable", "FE"), "norse").findings if f.level == "error"]
    assert errors
    assert {finding.fix for finding in errors} == {"write the file with `--target norse`"}
    assert not check(exported("norse", "FE"), "snntorch").accepted
    assert not check(exported("portable", "FE"), "sinabs").accepted


def test_a_report_as_data():
    data = check(ZOO["grid"](), "spikingjelly").to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert (data["target"], data["level"], data["accepted"]) == ("spikingjelly", "approximated", True)
    levels = {row["node"]: row["level"] for row in data["nodes"]}
    assert levels == {name: "approximated" if "lif" in name else "exact" for name in ZOO["grid"]().nodes}
    assert data["nodes"][1]["type"] == "Conv2d"


def test_remarks_about_the_whole_graph_are_kept_apart():
    report = check(ZOO["branch"](), "portable")
    assert [finding.level for finding in report.at(WHOLE)] == ["exact"]
    assert report.to_dict()["graph"][0]["fix"].startswith("load with nirtorch.nir_to_torch")
    assert report.level == "exact"


def test_an_unknown_target_is_one_line():
    with pytest.raises(InputError, match="unknown target 'speck2'; did you mean 'speck'"):
        check(ZOO["chain"](), "speck2")


def test_the_worst_level():
    assert worst([]) == "exact"
    assert worst(["exact", "error", "approximated"]) == "error"
