"""Plans that no genome made: what can be computed passes, and every fault is one line that names the place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from msenas.errors import InputError
from msenas.phenotype.check import check_plan, map_side
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from tests.conftest import motif_plan, small_spec

NAMES = ("a.E1", "b.E1", "b.I1")


def population(name: str, channels: int = 4, side: int = 8) -> Population:
    return Population(name, channels, side, side, 0, 0, "")


def wire(source: str, target: str, kernel: int = 3, delayed: bool = False, **more: object) -> Synapse:
    return Synapse(tuple(source.split("+")), target, kernel, 1, ".I" in source, delayed, **more)


def plan(*synapses: Synapse, populations: tuple[Population, ...] = (), readout: tuple[str, ...] = ("b.E1",)) -> Plan:
    chosen = populations or tuple(map(population, NAMES))
    return Plan(small_spec(1), chosen, synapses or GOOD, readout)


GOOD = (wire(INPUT, "a.E1"), wire("a.E1", "b.E1"), wire("a.E1", "b.I1"), wire("b.I1", "b.E1", delayed=True))


def test_a_good_plan_passes():
    assert check_plan(plan()) == plan()


@pytest.mark.parametrize("motif", ["FE", "FI", "FbI", "LI", "MI"])
def test_what_genomes_describe_passes(motif):
    found = motif_plan("FE", motif, "FE")
    assert check_plan(found) is found


A, B, I = map(population, NAMES)  # noqa: E741
BAD = {
    "no population": (replace(plan(), populations=()), "0 populations"),
    "no synapse": (replace(plan(), synapses=()), "0 synapses"),
    "name": (plan(populations=(A, B, population("b"))), "'b': a name is LAYER.ROLE"),
    "name of the input": (plan(populations=(A, B, population("input.E1"))), "'input.E1': a name is"),
    "role": (plan(populations=(A, B, population("b.X1"))), "'b.X1'"),
    "twice": (plan(populations=(A, B, B)), "two populations are called b.E1"),
    "huge": (plan(populations=(A, B, population("b.I1", 4096, 4096))), "neurons"),
    "source": (plan(wire("c.E1", "a.E1")), "synapse c.E1 to a.E1: unknown population 'c.E1'"),
    "target": (plan(wire(INPUT, "c.E1")), "synapse input to c.E1: unknown population 'c.E1'"),
    "input with others": (plan(wire(f"{INPUT}+a.E1", "b.E1")), "unknown population 'input'"),
    "same source": (plan(wire("a.E1+a.E1", "b.E1")), "must be different populations"),
    "both signs": (plan(replace(wire("a.E1+b.I1", "b.E1"), inhibitory=False)), "one shape and one sign"),
    "sign": (plan(replace(wire("b.I1", "b.E1"), inhibitory=False)), "inhibitory if and only if"),
    "late input": (plan(wire(INPUT, "a.E1", delayed=True)), "the input is not delayed"),
    "kernel": (plan(wire(INPUT, "a.E1", 0)), "kernel must be 1 to 65536, not 0"),
    "padding": (plan(wire(INPUT, "a.E1", padding=-2)), "padding must be 0 to 65536, not -2"),
    "map": (plan(wire(INPUT, "a.E1", padding=0)), r"gives a map of \[6, 6\], the population's is \[8, 8\]"),
    "window": (plan(wire(INPUT, "a.E1", pool=9)), r"gives a map of \[0, 0\]"),
    "same synapse": (plan(*GOOD, GOOD[0]), "two synapses are the same"),
    "silent": (plan(*GOOD[:1], *GOOD[2:]), "population b.E1 has no excitatory synapse"),
    "no read-out": (plan(readout=()), "read-out must name"),
    "other read-out": (plan(readout=("c.E1",)), "read-out: unknown population 'c.E1'"),
    "mixed read-out": (plan(readout=("b.E1", "b.I1")), "one shape and one sign"),
    "unheard": (plan(*GOOD[:3]), "population b.I1 is not heard"),
    "instant loop": (plan(*GOOD, wire("b.E1", "a.E1")), "cycle of populations has no delayed synapse"),
    "merged in a loop": (plan(*GOOD, wire("a.E1+b.E1", "a.E1", 1, True)), "within a loop a synapse has one source"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_named(name):
    bad, said = BAD[name]
    with pytest.raises(InputError, match=said) as caught:
        check_plan(bad)
    assert "\n" not in str(caught.value)


def test_too_many_weights():
    wide = tuple(replace(p, channels=1 << 15, height=1, width=1) for p in (A, B))
    synapses = tuple(wire(s, t, 1) for s, t in ((INPUT, "a.E1"), ("a.E1", "b.E1")))
    spec = replace(small_spec(1), input_shape=(1, 1, 1))
    with pytest.raises(InputError, match="more than 268,435,456 weights"):
        check_plan(Plan(spec, wide, synapses, ("b.E1",)))


@pytest.mark.parametrize(
    ("args", "places"), [((8, 3, 1, 1), 8), ((8, 3, 2, 1), 4), ((4, 4, 1, 0), 1), ((3, 5, 1, 0), 0)]
)
def test_map_side(args, places):
    assert map_side(*args) == places
