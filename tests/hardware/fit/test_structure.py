from __future__ import annotations

from dataclasses import replace

import pytest

from msenas.phenotype.plan import INPUT, Plan, Synapse
from tests.conftest import motif_plan
from tests.hardware.fit.plans import chain, judged, population, skipping, spec, synapse
from tests.phenotype.plans import dense_plan


def test_dense_layers_need_no_convolutions():
    plan = dense_plan(encoding="poisson")
    assert judged(plan, "convolutions", False).verdict.figure == 2
    last = ("c.E1", "d.E1")
    dense = replace(
        plan,
        spec=replace(plan.spec, input_shape=(5, 1, 1)),
        populations=tuple(p for p in plan.populations if p.name in last),
        synapses=(Synapse((INPUT,), "c.E1", 1, 1, False, False), plan.synapses[-1]),
    )
    assert judged(dense, "convolutions", False).status == "pass"


def test_without_pooling_any_chip_will_do():
    assert judged(chain(4), "poolings", (4,)).status == "pass"


def test_a_chip_without_a_leak_says_which_neuron_to_choose():
    found = judged(chain(4), "neuron_models", {"if": "exact"})
    assert (found.verdict.figure, found.verdict.limit, found.verdict.advice) == ("lif", "if", "--neuron if")


def test_a_chip_without_spiking_neurons_has_no_advice_about_neurons():
    assert judged(chain(4), "neuron_models", {"relu": "exact"}).verdict.advice == "another chip"


@pytest.mark.parametrize("rule", ["neuron_models", "resets", "encodings"])
def test_what_the_chip_does_instead_is_an_approximation(rule):
    name = {"neuron_models": "lif", "resets": "zero", "encodings": "poisson"}[rule]
    found = judged(chain(4), rule, {name: "something like it"})
    assert (found.status, found.verdict.instead) == ("approximated", "something like it")


@pytest.mark.parametrize(
    ("allowed", "advice"),
    [({"poisson": "exact"}, "--encoding poisson"), ({"events": "exact"}, "another data set")],
)
def test_an_analog_input_needs_a_chip_that_takes_it(allowed, advice):
    assert judged(chain(4, encoding="direct"), "encodings", allowed).verdict.advice == advice


def test_a_cycle_is_named():
    found = judged(motif_plan("FbI"), "recurrence", False)
    assert found.verdict.where == "L1.E1, L1.E2, L1.I1"


def test_delayed_inhibition_without_a_cycle_is_no_recurrence():
    synapses = (synapse(INPUT, "L1.E1"), synapse(INPUT, "L1.I1"), synapse("L1.I1", "L1.E1", delayed=True))
    plan = Plan(spec(), (population("L1.E1"), population("L1.I1", 1)), synapses, ("L1.E1",))
    assert judged(plan, "recurrence", False).status == "pass"


def test_the_merged_synapse_is_named():
    assert judged(skipping(), "merging", False).verdict.where == "L1.E1+L1.E2->L2.E1"


def strided(kernel: int) -> Plan:
    """input -> E1, and from it by a stride of 2 to another population."""
    populations = (population("L1.E1"), population("L2.E1", 8, 4))
    return Plan(spec(), populations, (synapse(INPUT, "L1.E1", 5), synapse("L1.E1", "L2.E1", kernel, 2)), ("L2.E1",))


@pytest.mark.parametrize(
    ("kernel", "more", "status"),
    [
        (3, {"first_kernels": (5,)}, "pass"),
        (3, {"first_kernels": (7,)}, "fail"),
        (5, {"first_kernels": (5,)}, "fail"),
        (3, {"first_kernels": (5,), "strided_kernels": (3,)}, "pass"),
        (3, {"first_kernels": (5,), "strided_kernels": (5,)}, "fail"),
    ],
)
def test_kernels_of_the_first_and_of_strided_layers(kernel, more, status):
    assert judged(strided(kernel), "kernels", (3,), **more).status == status


def test_the_first_synapse_that_is_not_allowed_is_named():
    found = judged(strided(3), "kernels", (3,))
    assert (found.verdict.figure, found.verdict.limit, found.verdict.where) == (5, (3,), "input->L1.E1")
    assert judged(strided(3), "kernels", (1, 3, 5)).verdict.figure == (3, 5)


def test_strides_of_the_first_layer():
    assert judged(strided(3), "strides", (2,)).status == "fail"
    assert judged(strided(3), "strides", (2,), first_strides=(1,)).status == "pass"


@pytest.mark.parametrize(
    ("rows", "status", "figure"),
    [
        (((1, 3, 8), (3, 3, 1)), "pass", 8),
        (((1, 3, 4),), "fail", 8),
        (((3, 3, 64), (1, 5, 64)), "fail", "1 channels, kernel 3"),
    ],
)
def test_channels_of_the_first_layer_by_input_and_kernel(rows, status, figure):
    found = judged(chain(8, 16), "first_filters", rows)
    assert (found.status, found.verdict.figure) == (status, figure)


def test_channels_of_the_input_count():
    assert judged(chain(4, input_shape=(6, 8, 8)), "channels_max", 5).verdict.where == INPUT


def test_both_sides_of_the_input_are_judged():
    plan = chain(4, input_shape=(1, 8, 200))
    found = judged(plan, "input_sides", (1, 128))
    assert (found.status, found.verdict.figure) == ("fail", (8, 200))


def test_two_synapses_onto_one_population_are_named():
    found = judged(motif_plan("FE"), "synapses_per_population_max", 1)
    assert (found.verdict.figure, found.verdict.where) == (2, "L1.E2")


def test_the_read_out_is_a_destination_where_it_is_a_layer():
    plan = motif_plan("FE")
    assert judged(plan, "destinations_max", 1).verdict.figure == 2  # the input excites E1 and E2
    assert judged(chain(4), "destinations_max", 1, readout_pooling=(1,)).status == "pass"
    summed = skipping()
    both = Plan(summed.spec, summed.populations, summed.synapses, ("L1.E1", "L2.E1"))
    assert judged(both, "destinations_max", 2).status == "pass"
    found = judged(both, "destinations_max", 2, readout_pooling=(1,), kernels=(8,))
    assert (found.status, found.verdict.figure, found.verdict.where) == ("fail", 3, "L1.E1")
