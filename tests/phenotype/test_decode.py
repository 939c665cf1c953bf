from __future__ import annotations

from collections import Counter

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msenas.errors import GenomeError
from msenas.genotype.genome import BLOCK, KERNELS, Genome
from msenas.genotype.motifs import MOTIFS, PRINCIPALS
from msenas.phenotype.decode import DisconnectedGenome, canonical, decode
from msenas.phenotype.plan import INPUT
from msenas.phenotype.spec import NetworkSpec
from tests.conftest import motif_genome, small_spec

from .plans import NON_EMPTY, connected, wiring

FAST = settings(deadline=None, max_examples=60)
ONE_LAYER = {
    "FE": {"input->L1.E1 3/1", "L1.E1->L1.E2 3/1", "input->L1.E2 3/1"},
    "FI": {"input->L1.E1 3/1", "input->L1.I1 3/1", "L1.I1-|L1.E1 3/1", "L1.E1->L1.E2 3/1"},
    "FbI": {"input->L1.E1 3/1", "L1.E1->L1.E2 3/1", "L1.E2->L1.I1 3/1", "L1.I1[t-1]-|L1.E1 3/1"},
    "LI": {
        "input->L1.E1 3/1",
        "input->L1.E2 3/1",
        "L1.E1->L1.I1 3/1",
        "L1.I1-|L1.E2 3/1",
        "L1.E2->L1.I2 3/1",
        "L1.I2[t-1]-|L1.E1 3/1",
    },
    "MI": {
        "input->L1.I1 3/1",
        "input->L1.I2 3/1",
        "L1.I2[t-1]-|L1.I1 3/1",
        "L1.I1-|L1.I2 3/1",
        "input->L1.E1 3/1",
        "input->L1.E2 3/1",
        "L1.I1-|L1.E1 3/1",
        "L1.I2-|L1.E2 3/1",
    },
}
FE_TWO = {"L1.E1+L1.E2->L2.E1", "L2.E1->L2.E2", "L1.E1+L1.E2->L2.E2"}


def layers(*parts: tuple[str, list[str]], cross: int = 1) -> Genome:
    """A genome of motifs with the named wires, all 3x3."""
    tables = [{"motif": name, "synapses": dict.fromkeys(wires, "3x3")} for name, wires in parts]
    return Genome.from_readable({"layers": tables, "cross": {"layers": cross}})


@pytest.mark.parametrize("motif", NON_EMPTY)
def test_one_layer_of_each_motif_by_hand(motif):
    plan = decode(motif_genome(motif), small_spec(1))
    assert wiring(plan) == ONE_LAYER[motif]
    assert plan.readout == ("L1.E1", "L1.E2")
    assert all(p.layer == 0 and p.motif == motif for p in plan.populations)


@pytest.mark.parametrize("motif", NON_EMPTY)
def test_a_second_layer_reads_the_sum_of_both_principals_with_stride(motif):
    plan = decode(motif_genome("FE", motif, kernel="5x5"), small_spec(2))
    second = {w.replace("input", "L1.E1+L1.E2").replace("L1.", "L2.") for w in ONE_LAYER[motif]}
    second = {w.replace("L2.E1+L2.E2->", "L1.E1+L1.E2->").replace(" 3/", " 5/") for w in second}
    second = {w.replace("/1", "/2") if w.startswith("L1") else w for w in second}
    assert wiring(plan) == {w.replace(" 3/", " 5/") for w in ONE_LAYER["FE"]} | second
    assert plan.readout == ("L2.E1", "L2.E2")


def test_widths_double_and_odd_sides_round_up_at_reductions():
    spec = NetworkSpec((3, 7, 5), classes=3, layers=3, channels=8, reductions=(1, 2))
    plan = decode(motif_genome("FI", "FI", "FI"), spec)
    shapes = {p.name: p.shape for p in plan.populations}
    assert shapes == {
        "L1.E1": (8, 7, 5), "L1.E2": (8, 7, 5), "L1.I1": (2, 7, 5),
        "L2.E1": (16, 4, 3), "L2.E2": (16, 4, 3), "L2.I1": (4, 4, 3),
        "L3.E1": (32, 2, 2), "L3.E2": (32, 2, 2), "L3.I1": (8, 2, 2),
    }  # fmt: skip
    assert {p.name[:2]: p.stage for p in plan.populations} == {"L1": 0, "L2": 1, "L3": 2}


def test_each_kernel_gene_chooses_its_synapse():
    genome = Genome.from_readable(
        {"layers": [{"motif": "FE", "synapses": {"in->E1": "5x5", "E1->E2": "3x3", "in->E2": "none"}}]}
    )
    plan = decode(genome, small_spec(1))
    assert wiring(plan) == {"input->L1.E1 5/1", "L1.E1->L1.E2 3/1"}
    assert [s.gene for s in plan.synapses] == [1, 2]


def test_an_empty_layer_is_bypassed():
    plan = decode(motif_genome("FE", "empty", "FE"), small_spec(3, reductions=()))
    assert plan == decode(motif_genome("empty", "FE", "FE"), small_spec(3, reductions=()))
    assert wiring(plan) == ONE_LAYER["FE"] | {f"{w} 3/1" for w in FE_TWO}
    assert sorted({p.layer for p in plan.populations}) == [0, 2]


def test_an_empty_layer_reduces_by_one_synapse():
    plan = decode(motif_genome("FE", "empty", "FE"), small_spec(3, reductions=(1,)))
    third = {"L2.E1->L3.E1 3/1", "L3.E1->L3.E2 3/1", "L2.E1->L3.E2 3/1"}
    assert wiring(plan) == ONE_LAYER["FE"] | third | {"L1.E1+L1.E2->L2.E1 3/2"}
    assert plan.by_name["L2.E1"].shape == (8, 4, 4)
    assert [s.gene for s in plan.incoming["L2.E1"]] == [None]


def test_an_empty_first_layer_reduces_the_input():
    plan = decode(motif_genome("empty"), small_spec(1, reductions=(0,)))
    assert wiring(plan) == {"input->L1.E1 3/2"}
    assert plan.readout == ("L1.E1",)
    assert plan.by_name["L1.E1"].shape == (8, 4, 4)


def test_all_layers_empty_is_no_network():
    with pytest.raises(DisconnectedGenome, match="every layer is bypassed"):
        decode(motif_genome("empty", "empty"), small_spec(2, reductions=()))


def test_cross_layer_synapses_of_two_preceding_layers():
    plan = decode(motif_genome("FE", "FE", "FE", "FE", cross=2), small_spec(4, reductions=(2,)))
    crossing = {w for w in wiring(plan) if w.startswith(("L1.E1+L1.E2->L3", "L2.E1+L2.E2->L4"))}
    assert crossing == {"L1.E1+L1.E2->L3.E1 3/2", "L2.E1+L2.E2->L4.E1 3/2"}
    assert len(plan.synapses) == 4 * 3 + 2
    assert Counter(s.target for s in plan.synapses if s.from_input) == {"L1.E1": 1, "L1.E2": 1}
    assert {s.gene for s in plan.synapses if s.target == "L3.E1" and s.sources[0] == "L1.E1"} == {4 * BLOCK + 1}


def test_cross_layer_synapses_of_three_preceding_layers_bridge_two_reductions():
    genome = Genome.from_flat([*motif_genome("FE", "FE", "FE", "FE", cross=3).flat()[:-1], 2])
    plan = decode(genome, small_spec(4, reductions=(1, 2)))
    ordinary = wiring(decode(motif_genome("FE", "FE", "FE", "FE"), small_spec(4, reductions=(1, 2))))
    assert wiring(plan) - ordinary == {
        "L1.E1+L1.E2->L3.E1 5/4",
        "L2.E1+L2.E2->L4.E1 5/2",
        "L1.E1+L1.E2->L4.E1 5/4",
    }


def test_bypassed_layers_do_not_count_as_preceding():
    plan = decode(motif_genome("FE", "FE", "empty", "FE", cross=2), small_spec(4, reductions=()))
    assert plan == decode(motif_genome("empty", "FE", "FE", "FE", cross=2), small_spec(4, reductions=()))
    assert "L1.E1+L1.E2->L3.E1 3/1" in wiring(plan)


def test_an_interneuron_that_nobody_hears_is_pruned_and_its_cycle_with_it():
    plan = decode(layers(("LI", ["in->E1", "in->E2", "E1->I1", "I1-|E2", "E2->I2"])), small_spec(1))
    assert wiring(plan) == {"input->L1.E1 3/1", "input->L1.E2 3/1", "L1.E1->L1.I1 3/1", "L1.I1-|L1.E2 3/1"}
    assert not any(block.recurrent for block in plan.schedule)


def test_a_principal_that_cannot_fire_is_pruned_and_the_other_renamed():
    plan = decode(layers(("FE", ["in->E2", "E1->E2"])), small_spec(1))
    assert wiring(plan) == {"input->L1.E1 3/1"}
    assert plan.readout == ("L1.E1",)


def test_the_second_interneuron_is_renamed_too():
    plan = decode(layers(("MI", ["in->I2", "in->E2", "I2-|E2", "I1-|E1"])), small_spec(1))
    assert wiring(plan) == {"input->L1.E1 3/1", "input->L1.I1 3/1", "L1.I1-|L1.E1 3/1"}


def test_a_half_dead_layer_feeds_the_next_by_one_source():
    plan = decode(layers(("FE", ["in->E2"]), ("FE", ["in->E1"])), small_spec(2))
    assert wiring(plan) == {"input->L1.E1 3/1", "L1.E1->L2.E1 3/2"}


def test_a_dead_layer_is_bridged_by_cross_synapses():
    fe = ("FE", ["in->E1", "E1->E2"])
    plan = decode(layers(fe, fe, ("MI", ["in->E1"]), cross=2), small_spec(3, reductions=()))
    assert sorted({p.name[:2] for p in plan.populations}) == ["L1", "L2", "L3"]
    skipped = decode(layers(fe, ("MI", ["in->E1"]), ("FE", ["E1->E2"]), cross=2), small_spec(3, reductions=()))
    assert wiring(skipped) == {
        "input->L1.E1 3/1",
        "L1.E1->L1.E2 3/1",
        "L1.E1+L1.E2->L2.E1 3/1",
        "L2.E1->L2.E2 3/1",
    }
    assert {p.layer for p in skipped.populations} == {0, 2}


@pytest.mark.parametrize(
    ("genome", "reductions", "reason"),
    [
        (layers(("FI", ["in->I1", "I1-|E1", "E1->E2"])), (), r"before layer 1 \(FI\)"),
        (layers(("FE", [])), (), r"before layer 1 \(FE\)"),
        (layers(("FE", ["in->E1"]), ("LI", ["E1->I1"])), (), r"before layer 2 \(LI\)"),
        (layers(("FE", ["in->E1"]), ("FbI", []), ("MI", ["in->E1"])), (), r"before layer 2 \(FbI\)"),
        (layers(("FE", ["E1->E2"]), ("FE", ["in->E1"]), cross=3), (), r"before layer 1 \(FE\)"),
    ],
    ids=["inhibition only", "no synapse", "second", "middle", "cross from nothing"],
)
def test_a_network_without_a_path_says_where_it_ends(genome, reductions, reason):
    with pytest.raises(DisconnectedGenome, match=reason) as error:
        decode(genome, small_spec(len(genome.layers), reductions=reductions))
    assert "\n" not in str(error.value)


def test_the_number_of_layers_must_be_that_of_the_spec():
    with pytest.raises(GenomeError, match="2 layers, the network 3"):
        decode(motif_genome("FE", "FE"), small_spec(3))


def unpruned(genome: Genome, reductions: tuple[int, ...]) -> nx.MultiDiGraph:
    """The network as drawn, every layer with its own names, edges with their sign."""
    graph, outputs = nx.MultiDiGraph(), []
    graph.add_node(INPUT)
    for index, layer in enumerate(genome.layers):
        motif = MOTIFS[layer.motif]
        if not motif.wires and index not in reductions:
            continue
        main = outputs[-1] if outputs else [INPUT]
        mine = {INPUT: main} | {r: [(index, r)] for w in motif.wires for r in (w.source, w.target) if r != "in"}
        mine |= {"in": main, "E1": [(index, "E1")]}
        wires = [(w.source, w.target, w.inhibitory) for w, k in zip(motif.wires, layer.micro, strict=False) if k]
        for source, target, inhibitory in wires or ([("in", "E1", False)] if not motif.wires else []):
            graph.add_edges_from((s, (index, target), {"inhibitory": inhibitory}) for s in mine[source])
        for earlier in outputs[-genome.g1 : -1]:
            graph.add_edges_from((s, (index, "E1"), {"inhibitory": False}) for s in earlier)
        outputs.append([(index, r) for r in PRINCIPALS if motif.wires or r == "E1"])
        graph.add_nodes_from(outputs[-1])
    graph.graph["readout"] = outputs[-1]
    return graph


@FAST
@given(connected())
def test_exactly_the_populations_that_can_fire_and_are_heard_survive(case):
    genome, spec, plan = case
    graph = unpruned(genome, spec.reductions)
    excitation = nx.DiGraph([(a, b) for a, b, d in graph.edges(data=True) if not d["inhibitory"]])
    can_fire = nx.descendants(excitation, INPUT)
    firing = graph.subgraph(can_fire | {INPUT})
    heard = {n for out in graph.graph["readout"] if out in firing for n in {out, *nx.ancestors(firing, out)}}
    live = (can_fire & heard) | {INPUT}
    expected = Counter((layer, role[0]) for layer, role in live - {INPUT})
    assert Counter((p.layer, p.role[0]) for p in plan.populations) == expected
    edges = Counter((b[0], b[1][0], d["inhibitory"]) for _, b, d in firing.subgraph(live).edges(data=True))
    found = ((plan.by_name[s.target], s) for s in plan.synapses)
    assert Counter((t.layer, t.role[0], s.inhibitory) for t, s in found for _ in s.sources) == edges


@FAST
@given(connected())
def test_every_population_can_fire_and_is_heard_in_the_plan_itself(case):
    plan = case[2]
    names = {p.name for p in plan.populations}
    excitation = nx.DiGraph([(n, s.target) for s in plan.synapses if not s.inhibitory for n in s.sources])
    every = nx.DiGraph([(n, s.target) for s in plan.synapses for n in s.sources])
    every.add_edges_from((name, "read-out") for name in plan.readout)
    assert nx.descendants(excitation, INPUT) == names
    assert nx.ancestors(every, "read-out") == names | {INPUT}


@FAST
@given(connected())
def test_sources_of_a_synapse_have_one_sign_and_shape_and_strides_fit(case):
    plan = case[2]
    for synapse in plan.synapses:
        if synapse.from_input:
            assert not synapse.inhibitory
            continue
        sources = [plan.by_name[n] for n in synapse.sources]
        assert len({p.shape for p in sources}) == 1
        assert {p.inhibitory for p in sources} == {synapse.inhibitory}
        assert synapse.stride == 2 ** (plan.by_name[synapse.target].stage - sources[0].stage)


@FAST
@given(connected())
def test_canonical_is_the_same_network_and_idempotent(case):
    genome, spec, plan = case
    reduced = canonical(genome, spec)
    assert decode(reduced, spec) == plan
    assert canonical(reduced, spec) == reduced
    micro = [i for i in range(len(genome.flat()) - 2) if i % BLOCK]
    assert all(reduced.flat()[i] <= genome.flat()[i] for i in [*micro, -1, -2])


@FAST
@given(connected(), st.data())
def test_neutral_genes_never_change_the_plan(case, data):
    genome, spec, plan = case
    genes, live = list(genome.flat()), {s.gene for s in plan.synapses}
    for index, layer in enumerate(genome.layers):
        for slot in range(BLOCK - 1):
            position, unused = index * BLOCK + 1 + slot, slot >= len(MOTIFS[layer.motif].wires)
            if unused or (genes[position] and position not in live):
                genes[position] = data.draw(st.sampled_from(sorted(KERNELS)))
    changed = decode(Genome.from_flat(genes), spec)
    assert changed == plan
    assert changed.digest == plan.digest


@FAST
@given(connected(), st.data())
def test_every_gene_of_a_live_synapse_changes_the_plan(case, data):
    genome, spec, plan = case
    genes = list(genome.flat())
    position = data.draw(st.sampled_from(sorted({s.gene for s in plan.synapses if s.gene is not None}) or [-1]))
    if position < 0:
        return
    genes[position] = 3 - genes[position]
    assert decode(Genome.from_flat(genes), spec).digest != plan.digest


@FAST
@given(connected())
def test_a_gene_of_a_synapse_points_at_its_kernel(case):
    genome, _, plan = case
    for synapse in plan.synapses:
        assert synapse.gene is None or KERNELS[genome.flat()[synapse.gene]] == synapse.kernel
