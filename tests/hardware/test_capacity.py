"""The `[capacity]` table: what it may hold, and one line for what it may not."""

from __future__ import annotations

import pickle

import pytest

from msenas.errors import ProfileError
from msenas.hardware.capacity import ADDENDA, LIMITS
from msenas.hardware.profile import Profile, load_profile, parse_profile, profile_names

HEAD = """name = "x"
title = "X"
label = "a test"

[prices.synop]
nominal_joule = 2e-12
scope = "per-term"
grade = "measured"
source = "a test"

[capacity]
source = "a test"
"""


def parse(text: str) -> Profile:
    return parse_profile((HEAD + text).encode(), "x.toml")


def test_tables_lists_pairs_and_rows() -> None:
    text = """
cores = 2
kernel_words_per_core = [64, 32]
neuron_words_per_core = [16, 64]
first_filters = [[1, 3, 64], [3, 3, 32]]
delay_steps = [0, 0]
recurrence = false
no_limit = ["strides", "neurons_max"]
unchecked = ["something"]

[capacity.resets]
zero = "exact"
"""
    capacity = parse(text).capacity
    assert capacity is not None
    assert capacity.kernel_words_per_core == (64, 32)
    assert capacity.first_filters == ((1, 3, 64), (3, 3, 32))
    assert capacity.delay_steps == (0, 0)
    assert capacity.resets == {"zero": "exact"}
    assert capacity.recurrence is False
    assert capacity.kernels is None


BAD = {
    "unknown key": ("corse = 3", "unknown key 'corse'; did you mean 'cores'"),
    "zero": ("cores = 0", "cores must be a whole number above 0, not 0"),
    "negative": ("neurons_max = -1", "neurons_max must be a number from 0"),
    "fraction": ("neurons_max = 1.5", "neurons_max must be a whole number above 0, not 1.5"),
    "too large": ("neurons_max = 9999999999999", "neurons_max must be a number from 0"),
    "word for a flag": ('recurrence = "no"', "recurrence must be true or false, not 'no'"),
    "pair turned round": ("delay_steps = [5, 1]", "delay_steps must be .least, most., not"),
    "pair of three": ("weight_bits = [1, 2, 3]", "weight_bits must be a pair of whole numbers .least, most., not"),
    "empty list": ("kernels = []", "kernels must be a list of whole numbers above 0, not"),
    "row of two": (
        "first_filters = [[1, 3]]",
        "first_filters must be a list of .input channels, kernel, most channels",
    ),
    "unknown neuron": ('[capacity.neuron_models]\nlfi = "exact"', "neuron_models must be a table of lif, if, relu"),
    "empty reservation": ('[capacity.resets]\nzero = ""', "resets must be a table of zero, subtract"),
    "unknown limit": ('no_limit = ["kernel"]', "no_limit: unknown limit 'kernel'; did you mean 'kernels'"),
    "limit that is given": ("strides = [1]\nno_limit = ['strides']", "no_limit: strides is given"),
    "one memory of two": ("kernel_words_per_core = [1]\ncores = 1", "belong together"),
    "memories of other cores": (
        "kernel_words_per_core = [1]\nneuron_words_per_core = [1]\ncores = 2",
        "need one number for each of `cores`",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(case: str) -> None:
    text, message = BAD[case]
    with pytest.raises(ProfileError, match=message) as caught:
        parse(text)
    assert str(caught.value).startswith("hardware profile x.toml: capacity: ")
    assert "\n" not in str(caught.value)


def test_a_source_is_needed() -> None:
    with pytest.raises(ProfileError, match="capacity: missing 'source'"):
        parse_profile(HEAD.replace('[capacity]\nsource = "a test"', "[capacity]\ncores = 1").encode(), "x.toml")


def test_limits_and_addenda_are_all_fields() -> None:
    assert not set(LIMITS) & set(ADDENDA)
    assert {"cores", "kernels"} <= set(LIMITS)


@pytest.mark.parametrize("name", profile_names())
def test_limits_travel_to_other_processes(name: str) -> None:
    profile = load_profile(name)
    assert pickle.loads(pickle.dumps(profile)) == profile


def test_the_figures_of_speck() -> None:
    capacity = load_profile("speck2f").capacity
    assert capacity is not None
    kernel, neuron = capacity.kernel_words_per_core, capacity.neuron_words_per_core
    assert kernel is not None
    assert neuron is not None
    assert [k // 1024 for k in kernel] == [16, 16, 16, 32, 32, 64, 64, 16, 16]
    assert [n // 1024 for n in neuron] == [64, 64, 64, 32, 32, 16, 16, 16, 16]
    assert sum(neuron) == 327_680
    assert (capacity.destinations_max, capacity.map_side_max, capacity.channels_max) == (2, 64, 1024)
    assert (capacity.padding_max, capacity.strides, capacity.readout_pooling) == (7, (1, 2, 4, 8), (1, 2, 4))
