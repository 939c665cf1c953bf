"""The structure in best.json: what is written is read again, and what cannot be is one line."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest

from msenas.errors import InputError
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.runs.best import SCHEMA, SCHEMA_STRUCTURE, Best, forms, read_best, write_best
from msenas.runs.structure import Structure, structure_of
from tests.conftest import motif_genome, motif_plan, small_spec


def dense() -> Plan:
    """1x8x8 -> pooled by 2 -> 3 channels of 4x4 -> all to all -> 5 neurons."""
    populations = (Population("conv.E1", 3, 4, 4, 1, 0, "conv"), Population("fc.E1", 5, 1, 1, 3, 1, "fc 1"))
    synapses = (
        Synapse((INPUT,), "conv.E1", 3, 1, False, False, None, pool=2),
        Synapse(("conv.E1",), "fc.E1", 4, 1, False, False, None, padding=0),
    )
    return Plan(small_spec(1), populations, synapses, ("fc.E1",))


@pytest.mark.parametrize("plan", [dense(), motif_plan("FE", "LI", "MI")], ids=["dense", "motifs"])
def test_round_trip(plan):
    data = msgspec.json.encode(structure_of(plan))
    again = msgspec.json.decode(data, type=Structure).plan(plan.spec)
    assert again == plan
    assert again.digest == plan.digest
    assert [p.motif for p in again.populations] == [p.motif for p in plan.populations]


@pytest.fixture
def path(tmp_path):
    best = Best(schema=SCHEMA_STRUCTURE, structure=structure_of(dense()), network=dense().spec)
    write_best(tmp_path / "best.json", best)
    assert read_best(tmp_path) == best
    return tmp_path / "best.json"


def test_best_json_with_a_structure(path):
    best = read_best(path)
    assert best.plan == dense()
    assert best.genotype is None
    assert "genome" not in json.loads(path.read_text())
    assert best.plan_for(replace(best.network, steps=9)).spec.steps == 9
    with pytest.raises(InputError, match="gives a map of"):
        best.plan_for(replace(best.network, input_shape=(1, 28, 28)))


def changed(path, *keys_and_value):
    *keys, last, value = keys_and_value
    data = json.loads(path.read_text())
    inner = data
    for key in keys:
        inner = inner[key]
    inner[last] = value
    path.write_text(json.dumps(data))
    with pytest.raises(InputError) as caught:
        read_best(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("structure", "foo"), 1, "foo"),
        (("structure", "synapses", 0, "foo"), 1, "foo"),
        (("structure", "populations", 0, "foo"), 1, "foo"),
        (("structure", "populations"), [], "$.structure.populations"),
        (("structure", "populations", 0, "channels"), 0, "channels"),
        (("structure", "populations", 0, "channels"), 1 << 20, "channels"),
        (("structure", "populations", 0, "name"), "../x", "../x"),
        (("structure", "synapses", 0, "pool"), 4, "gives a map of [2, 2]"),
        (("structure", "synapses", 0, "kernel"), 2.5, "kernel"),
        (("structure", "synapses", 1, "sources"), ["x.E1"], "unknown population 'x.E1'"),
        (("structure", "synapses", 1, "delayed"), "yes", "delayed"),
        (("structure", "readout"), ["conv.E1"], "fc.E1 is not heard"),
        (("structure",), None, "needs structure"),
        (("schema",), SCHEMA, "needs genome"),
    ],
)
def test_damaged_value_is_named(path, keys, value, said):
    assert said in changed(path, *keys, value)


def test_a_genome_and_a_structure_cannot_both_be_there(path):
    genome = msgspec.to_builtins(forms(motif_genome("FE")))
    assert "has no genome" in changed(path, "genome", genome)
