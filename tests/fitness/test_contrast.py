from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msenas.fitness.contrast import SATURATED, SILENT_STAGE, contrast, head_distance
from msenas.fitness.statistics import PopulationStatistics
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from tests.conftest import motif_plan, small_spec

PAIRS, NEURONS = 4, 100


def stats(between: float, within: float, silent: float = 0.0) -> PopulationStatistics:
    """Statistics with B, W per neuron and z."""
    pairs = PAIRS * (PAIRS - 1) // 2
    return PopulationStatistics(
        NEURONS, PAIRS, round(between * pairs * NEURONS), round(within * PAIRS * NEURONS), round(silent * NEURONS),
        np.zeros((1, 1), np.int64),
    )  # fmt: skip


SILENT = stats(0, 0, silent=1.0)


def test_score_by_hand():
    plan = motif_plan("FE", "FE")
    result = contrast(
        plan,
        {"L1.E1": stats(0.4, 0.1), "L1.E2": stats(0.5, 0.25), "L2.E1": stats(0.2, 0.15, 0.5), "L2.E2": stats(0.5, 0.1)},
    )
    assert result.stages == pytest.approx((math.log(0.5), math.log(0.75)))
    assert result.silent_share == 0.5
    assert result.value == pytest.approx((math.log(0.5) + math.log(0.75)) / 2 - 0.25 * 0.5)
    assert result.last_stage_q == pytest.approx(0.75)
    assert result.mean_q == pytest.approx((0.25 + 0.5 + 0.75 + 0.2) / 4)


def test_a_silent_population_wins_no_stage_and_a_silent_stage_counts_minus_three():
    plan = motif_plan("FE", "FE")
    result = contrast(plan, {"L1.E1": stats(0.5, 0.25), "L1.E2": SILENT, "L2.E1": SILENT, "L2.E2": SILENT})
    assert result.stages == pytest.approx((math.log(0.5), -3.0))
    assert math.isnan(result.last_stage_q)
    assert result.mean_q == pytest.approx(0.5)
    assert result.value == pytest.approx((math.log(0.5) - 3.0) / 2 - 0.25)


def test_a_network_that_tells_nothing_apart_has_still_a_number():
    result = contrast(motif_plan("FE"), {"L1.E1": SILENT, "L1.E2": SILENT})
    assert result.value == pytest.approx(-3.25)
    assert math.isnan(result.mean_q)


def test_populations_that_do_not_move_at_all_have_a_finite_logarithm():
    result = contrast(motif_plan("FE"), {"L1.E1": stats(0.5, 0.0), "L1.E2": stats(0.5, 0.0)})
    assert result.value == SILENT_STAGE
    assert result.mean_q == 0.0


def test_saturation_shows_in_the_last_stage_only():
    plan = motif_plan("FE", "FE")
    calm, wild = stats(0.5, 0.1), stats(0.5, 0.49)
    last = contrast(plan, {"L1.E1": calm, "L1.E2": calm, "L2.E1": calm, "L2.E2": wild})
    first = contrast(plan, {"L1.E1": wild, "L1.E2": wild, "L2.E1": calm, "L2.E2": calm})
    assert last.last_stage_q == pytest.approx(0.98)
    assert last.last_stage_q > SATURATED > first.last_stage_q


def branches(count: int) -> Plan:
    """Populations side by side at one resolution, all read out."""
    names = [f"L1.E{i}" for i in range(1, count + 1)]
    populations = tuple(Population(n, 4, 8, 8, 0, 0, "test") for n in names)
    synapses = tuple(Synapse((INPUT,), n, 3, 1, False, False, None) for n in names)
    return Plan(small_spec(1), populations, synapses, tuple(names))


Q = st.tuples(st.floats(0.05, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))


@settings(deadline=None, max_examples=60)
@given(st.lists(Q, min_size=1, max_size=4))
def test_a_silent_branch_never_raises_the_score(values):
    live = {f"L1.E{i}": stats(b, q * b, z) for i, (b, q, z) in enumerate(values, start=1)}
    with_silent = live | {f"L1.E{len(live) + 1}": SILENT}
    assert contrast(branches(len(with_silent)), with_silent).value <= contrast(branches(len(live)), live).value


@settings(deadline=None, max_examples=60)
@given(st.lists(Q, min_size=1, max_size=4))
def test_a_copy_of_a_branch_changes_nothing(values):
    live = {f"L1.E{i}": stats(b, q * b, z) for i, (b, q, z) in enumerate(values, start=1)}
    doubled = live | {f"L1.E{len(live) + 1}": live["L1.E1"]}
    assert contrast(branches(len(doubled)), doubled).value == contrast(branches(len(live)), live).value


def test_the_head_is_weighted_by_neurons():
    plan = motif_plan("FE")
    heard = {"L1.E1": stats(0.2, 0), "L1.E2": stats(0.4, 0)}
    assert head_distance(plan, heard) == pytest.approx(0.3)
    single = branches(1)
    assert head_distance(single, heard) == pytest.approx(0.2)
