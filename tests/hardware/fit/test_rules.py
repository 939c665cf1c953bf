"""Every rule passes and fails on a limit, and the check as a whole."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import replace

import pytest

from msenas.errors import ProfileError
from msenas.hardware.capacity import LIMITS
from msenas.hardware.fit import RULES, check
from msenas.hardware.profile import load_profile, profile_names
from tests.conftest import motif_plan
from tests.hardware.fit.plans import chain, chip, judged, looped, skipping, unknown_limit
from tests.phenotype.plans import dense_plan

CHAIN = chain(4, 8)
CORES = {"kernel_words_per_core": (1024, 1024, 1024), "neuron_words_per_core": (1024, 1024, 1024), "cores": 3}
ONE_LAYER_EACH = {"readout_pooling": (1, 2), **CORES}

CASES = {
    "neuron_models": (CHAIN, {"lif": "exact"}, {"if": "exact"}, {}),
    "resets": (CHAIN, {"zero": "exact"}, {"subtract": "exact"}, {}),
    "encodings": (CHAIN, {"poisson": "exact"}, {"direct": "exact"}, {}),
    "recurrence": (looped(), True, False, {}),
    "convolutions": (CHAIN, True, False, {}),
    "merging": (skipping(), True, False, {}),
    "delay_steps": (looped(), (0, 1), (0, 0), {}),
    "kernels": (CHAIN, (1, 3), (1, 5), {}),
    "strides": (CHAIN, (1,), (2,), {}),
    "poolings": (dense_plan(encoding="poisson"), (2, 4), (4,), {}),
    "first_filters": (CHAIN, ((1, 3, 4),), ((1, 3, 3),), {}),
    "padding_max": (CHAIN, 1, 0, {}),
    "input_sides": (CHAIN, (5, 8), (9, 16), {}),
    "inputs_max": (CHAIN, 64, 63, {}),
    "outputs_max": (CHAIN, 3, 2, {}),
    "channels_max": (CHAIN, 8, 7, {}),
    "map_side_max": (CHAIN, 8, 7, {}),
    "synapses_per_population_max": (looped(), 2, 1, {}),
    "destinations_max": (skipping(), 2, 1, {}),
    "fan_in_max": (CHAIN, 36, 35, {}),
    "neurons_max": (CHAIN, 768, 767, {}),
    "synapses_max": (CHAIN, 17424, 17423, {}),
    "memory_bits_max": (CHAIN, 3360, 3359, {"weight_bits": (1, 8), "state_bits": 1}),
    "readout_pooling": (CHAIN, (1, 4), (1, 2), {"kernels": (1, 2, 3)}),
    "readout_side_max": (CHAIN, 8, 7, {}),
    "kernel_words_per_core": (CHAIN, (512,) * 2, (511,) * 2, {"neuron_words_per_core": (512,) * 2, "cores": 2}),
    "neuron_words_per_core": (CHAIN, (512,) * 2, (511,) * 2, {"kernel_words_per_core": (512,) * 2, "cores": 2}),
    "biases_per_core": (CHAIN, 8, 7, CORES),
    "synaptic_memory_bits_per_core": (chain(1), 64, 63, {"neurons_per_core": 1024}),
    "input_axons_per_core": (chain(1), 9, 8, {"neurons_per_core": 1024}),
    "output_axons_per_core": (chain(1, 1), 9, 8, {"neurons_per_core": 1, "input_axons_per_core": 1024}),
    "cores": (CHAIN, 3, 2, {"neurons_per_core": 256}),
}
"""Rule to a plan, a limit that it just keeps, one that it just breaks, and further limits of the chip."""
NEVER_FAIL = {
    "weight_bits": ((1, 8), "approximated", "weights are rounded to 8 bits"),
    "state_bits": (16, "approximated", "potentials are rounded to 16 bits"),
    "neurons_per_core": (1, "pass", ""),
}
"""Rules that say how the chip approximates, or that a placement keeps by itself: limit, status, what it says."""


def test_there_is_a_rule_for_every_limit_and_a_case_for_every_rule():
    assert tuple(RULES) == LIMITS
    assert sorted([*CASES, *NEVER_FAIL]) == sorted(RULES)


@pytest.mark.parametrize("rule", CASES)
def test_rule_passes(rule):
    plan, kept, _, more = CASES[rule]
    expected = {"readout_pooling": "approximated"}.get(rule, "pass")
    assert judged(plan, rule, kept, **more).status == expected


@pytest.mark.parametrize("rule", CASES)
def test_rule_fails_and_says_what_to_change(rule):
    plan, _, broken, more = CASES[rule]
    found = judged(plan, rule, broken, **more)
    assert found.status == "fail"
    assert found.verdict.advice
    assert not check(plan, chip(**{rule: broken}, **more)).fits


@pytest.mark.parametrize("rule", NEVER_FAIL)
def test_rule_that_every_network_keeps(rule):
    limit, status, instead = NEVER_FAIL[rule]
    found = judged(CHAIN, rule, limit)
    assert (found.status, found.verdict.instead) == (status, instead)


@pytest.mark.parametrize("rule", RULES)
def test_an_unpublished_limit_is_unchecked_and_does_not_pass(rule):
    (found,) = check(CHAIN, unknown_limit(chip(), rule)).findings
    assert (found.rule, found.status) == (rule, "unchecked")


def test_a_limit_that_the_chip_does_not_have_is_no_finding():
    fit = check(CHAIN, chip())
    assert fit.fits
    assert fit.findings == ()
    assert fit.binding is None
    assert fit.headroom is None


def test_a_profile_without_limits_is_refused():
    with pytest.raises(ProfileError, match=r"h100 has no \[capacity\]"):
        check(CHAIN, load_profile("h100"))


WITH_LIMITS = [name for name in profile_names() if load_profile(name).capacity is not None]


@pytest.mark.parametrize("name", WITH_LIMITS)
@pytest.mark.parametrize("encoding", ["direct", "poisson"])
def test_every_shipped_chip_judges_every_kind_of_network(name, encoding):
    plan = motif_plan("FE", "FI", "FbI", "LI", "MI", encoding=encoding)
    fit = check(plan, load_profile(name))
    data = json.loads(json.dumps(fit.to_dict(), allow_nan=False))
    assert data["fits"] == (data["failed"] == [])
    assert {row["rule"] for row in data["rules"] if row["status"] == "fail"} == set(data["failed"])
    assert data["source"]


def test_the_chips_of_the_reference_have_limits():
    wanted = {"loihi1", "loihi1-sanafe", "loihi2", "truenorth", "spinnaker1", "spinnaker2", "speck2f", "xylo-audio2"}
    assert wanted | {"akida-akd1000", "brainscales2", "odin"} <= set(WITH_LIMITS)


@pytest.mark.parametrize("name", WITH_LIMITS)
def test_a_check_is_quick_enough_for_a_search(name):
    plan, profile, seconds = motif_plan("FE", "FI", "FbI", "LI", "MI", "FE"), load_profile(name), []
    for _ in range(9):
        start = time.perf_counter()
        check(replace(plan), profile)
        seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) < 0.01


def test_two_price_sets_of_one_chip_have_the_same_limits():
    assert load_profile("loihi1").capacity == load_profile("loihi1-sanafe").capacity


def test_a_part_of_a_network_is_judged_without_its_read_out():
    limits = {"kernel_words_per_core": (512,) * 2, "neuron_words_per_core": (512,) * 2, "cores": 2}
    whole = check(CHAIN, chip(readout_pooling=(1, 2), **limits))
    part = check(replace(CHAIN, readout=()), chip(readout_pooling=(1, 2), **limits))
    assert (whole.fits, part.fits) == (False, True)
