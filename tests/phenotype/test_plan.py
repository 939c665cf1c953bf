from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given, settings

from msenas.errors import GenomeError
from msenas.phenotype.check import check_plan
from msenas.phenotype.plan import INPUT, Block, Plan, Population, Synapse
from tests.conftest import motif_plan, small_spec

from .plans import NON_EMPTY, connected, dense_plan, random_plans

FORMER_DIGEST = "a679cee600499430f888aad675fd2248ad2b265c95ee30880d25e6bb955cc0da"
FAST = settings(deadline=None, max_examples=60)


def instant_graph(plan: Plan) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(p.name for p in plan.populations)
    graph.add_edges_from((n, s.target) for s in plan.synapses if not s.delayed for n in s.sources)
    return graph


@FAST
@given(connected())
def test_schedule_computes_every_input_first(case):
    plan = case[2]
    block_of = {name: i for i, block in enumerate(plan.schedule) for name in block.populations}
    order = {name: i for i, name in enumerate(n for block in plan.schedule for n in block.populations)}
    assert sorted(order) == sorted(p.name for p in plan.populations)
    for synapse in plan.synapses:
        for source in set(synapse.sources) - {INPUT}:
            assert block_of[source] <= block_of[synapse.target]
            assert synapse.delayed or order[source] < order[synapse.target]


@FAST
@given(connected())
def test_blocks_are_recurrent_exactly_where_a_cycle_runs_through_all_of_them(case):
    plan = case[2]
    graph = nx.DiGraph([(n, s.target) for s in plan.synapses for n in s.sources])
    for block in plan.schedule:
        members = graph.subgraph(block.populations)
        assert nx.is_strongly_connected(members)
        cyclic = len(block.populations) > 1 or members.number_of_edges() > 0
        assert block.recurrent == cyclic


@FAST
@given(connected(most_layers=3))
def test_depth_is_the_longest_of_all_paths(case):
    plan = case[2]
    paths = nx.all_simple_paths(instant_graph(plan), INPUT, set(plan.readout))
    assert plan.depth == max(len(path) - 1 for path in paths)


@pytest.mark.parametrize(
    ("motif", "depth", "cycle"),
    [
        ("FE", 2, ()),
        ("FI", 3, ()),
        ("FbI", 2, ("L1.E1", "L1.E2", "L1.I1")),
        ("LI", 3, ("L1.E1", "L1.I1", "L1.E2", "L1.I2")),
        ("MI", 3, ("L1.I1", "L1.I2")),
    ],
)
def test_depth_and_cycles_by_hand(motif, depth, cycle):
    plan = motif_plan(motif)
    assert plan.depth == depth
    assert [b for b in plan.schedule if b.recurrent] == ([Block(cycle, True)] if cycle else [])


def test_equal_plans_have_equal_digests_and_different_ones_different():
    plans = random_plans(150, 1) + random_plans(50, 2)
    assert len(set(plans)) < len(plans), "the sample holds no equal pair"
    for first in plans:
        for second in plans:
            assert (first == second) == (first.digest == second.digest)


@pytest.mark.parametrize(
    "change",
    [{"steps": 4}, {"tau": 3.0}, {"v_th": 1.0}, {"neuron": "if"}, {"encoding": "events"}, {"channels": 8}],
    ids=str,
)
def test_the_digest_covers_the_spec(change):
    assert motif_plan("FE").digest != motif_plan("FE", **change).digest


def test_numbers_that_are_equal_have_equal_digests():
    whole, real = motif_plan("FE", tau=2), motif_plan("FE", tau=2.0)
    assert whole == real
    assert whole.digest == real.digest


def test_labels_do_not_count():
    plan = motif_plan("FE")
    other = replace(
        plan,
        populations=tuple(replace(p, layer=7, motif="x") for p in plan.populations),
        synapses=tuple(replace(s, gene=None) for s in plan.synapses),
    )
    assert other == plan
    assert other.digest == plan.digest


def test_padding_is_half_the_kernel_unless_it_is_given():
    synapse = Synapse((INPUT,), "L1.E1", 5, 1, False, False)
    assert (synapse.padding, synapse.pool) == (2, 1)
    assert synapse == Synapse((INPUT,), "L1.E1", 5, 1, False, False, None, padding=2)
    assert replace(synapse, padding=0).padding == 0


def test_the_digest_of_what_a_genome_describes_is_that_of_former_versions():
    assert motif_plan("FE").digest == FORMER_DIGEST


def test_padding_and_pooling_count_in_the_digest():
    plan = dense_plan()
    first, *others = plan.synapses
    other = replace(plan, synapses=(replace(first, pool=1), *others))
    assert len({plan.digest, other.digest, replace(plan, synapses=(replace(first, padding=0), *others)).digest}) == 3


def test_shapes_of_pooled_and_dense_synapses():
    plan = dense_plan()
    assert [plan.source_shape(s)[1:] for s in plan.synapses[:3]] == [(9, 8), (4, 4), (4, 4)]
    assert [plan.read_shape(s) for s in plan.synapses[:3]] == [(2, 4, 4), (3, 4, 4), (3, 2, 2)]
    assert [plan.is_dense(s) for s in plan.synapses] == [False, False, True, True, True, True]
    assert not any(motif.is_dense(s) for motif in random_plans(4, 4) for s in motif.synapses)
    assert check_plan(plan) is plan


def test_a_cycle_without_delay_is_refused():
    spec = small_spec(1)
    populations = tuple(Population(f"L1.E{i}", 4, 8, 8, 0, 0, "x") for i in (1, 2))
    wires = [((INPUT,), "L1.E1"), (("L1.E1",), "L1.E2"), (("L1.E2",), "L1.E1")]
    synapses = tuple(Synapse(a, b, 3, 1, False, False, None) for a, b in wires)
    with pytest.raises(GenomeError, match="no delayed synapse"):
        _ = Plan(spec, populations, synapses, ("L1.E2",)).schedule


def test_counts_by_hand():
    plan = motif_plan("FI")
    assert [p.shape for p in plan.populations] == [(4, 8, 8), (4, 8, 8), (1, 8, 8)]
    assert plan.neurons == (4 + 4 + 1) * 64
    convolutions = 9 * (1 * 4 + 1 * 1 + 1 * 4 + 4 * 4)
    assert plan.parameters == convolutions + 2 * 9 + (4 + 1) * 3


@pytest.mark.parametrize("motif", NON_EMPTY)
def test_incoming_and_shapes_agree_with_the_synapses(motif):
    plan = motif_plan(motif, motif)
    assert sorted(s.target for many in plan.incoming.values() for s in many) == sorted(s.target for s in plan.synapses)
    for synapse in plan.synapses:
        channels, height, width = plan.source_shape(synapse)
        target = plan.by_name[synapse.target]
        assert channels == plan.source_channels(synapse)
        assert (-(-height // synapse.stride), -(-width // synapse.stride)) == (target.height, target.width)
        assert synapse.padding == synapse.kernel // 2
        assert synapse.from_input == (synapse.sources == (INPUT,))
