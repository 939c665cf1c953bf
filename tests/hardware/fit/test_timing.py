from __future__ import annotations

import pytest

from msenas.phenotype.plan import INPUT, Plan
from tests.conftest import motif_plan
from tests.hardware.fit.plans import chain, judged, looped, population, skipping, spec, synapse


def test_a_chain_needs_no_delays_on_a_clocked_chip():
    found = judged(chain(4, 4, 4), "delay_steps", (1, 1))
    assert (found.status, found.verdict.figure) == ("pass", 1)


def test_a_skip_needs_a_longer_delay_beside_the_longer_path():
    found = judged(skipping(), "delay_steps", (1, 62))
    assert (found.status, found.verdict.figure) == ("pass", 2)  # E1 waits for E2


def test_a_skip_without_longer_delays_comes_early():
    found = judged(skipping(), "delay_steps", (1, 1))
    assert (found.status, found.verdict.where) == ("approximated", "L1.E1->L2.E1")
    assert found.verdict.instead == "spikes of L1.E1->L2.E1 come 1 time step early"


def test_a_chip_without_time_steps_delivers_at_once():
    assert judged(skipping(), "delay_steps", (0, 0)).status == "pass"


def test_a_chip_without_delays_cannot_delay():
    found = judged(looped(), "delay_steps", (0, 0))
    assert (found.status, found.verdict.where) == ("fail", "L1.I1-|L1.E1")


def test_a_cycle_takes_as_many_steps_as_it_has_synapses():
    found = judged(looped(), "delay_steps", (1, 62))
    # E1 to I1 takes one step, so that nothing is left of the one step that I1 has for inhibiting E1.
    assert found.status == "approximated"
    assert found.verdict.instead == "spikes of L1.I1->L1.E1 come 1 time step late"


@pytest.mark.parametrize(("motif", "steps"), [("FbI", 2), ("LI", 3), ("MI", 1)])
def test_cycles_of_the_motifs_come_late_by_their_length(motif, steps):
    found = judged(motif_plan(motif), "delay_steps", (1, 62))
    assert f"{steps} time step" in found.verdict.instead
    assert "late" in found.verdict.instead


def test_a_delayed_synapse_without_a_cycle_is_exact():
    synapses = (synapse(INPUT, "L1.E1"), synapse(INPUT, "L1.I1"), synapse("L1.I1", "L1.E1", delayed=True))
    plan = Plan(spec(), (population("L1.E1"), population("L1.I1", 1)), synapses, ("L1.E1",))
    found = judged(plan, "delay_steps", (1, 1))
    assert (found.status, found.verdict.figure) == ("pass", 1)
