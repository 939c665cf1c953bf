from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from msenas.hardware.assumptions import INPUTS, ZERO_WEIGHTS, of_network, of_profile
from msenas.hardware.profile import Profile, load_profile, profile_names
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import Encoding


def test_every_encoding_is_explained() -> None:
    assert set(INPUTS) == set(get_args(Encoding))


def test_steps_encoding_and_neuron_are_named(events_plan: Plan) -> None:
    text = "; ".join(of_network(events_plan))
    assert all(part in text for part in ("T = 2 steps", "events encoding", "lif, tau 2 steps", "reset to zero"))
    other = replace(events_plan, spec=replace(events_plan.spec, neuron="if"))
    assert "if, no leak" in "; ".join(of_network(other))


@pytest.mark.parametrize("name", profile_names())
def test_each_profile_says_how_it_was_used(name: str) -> None:
    profile = load_profile(name)
    text = ", ".join(of_profile(profile, 9, 24))
    assert "weights of 9 and potentials of 24 bits" in text
    assert ("every synapse computed in every step" in text) == (profile.execution == "dense")
    assert (ZERO_WEIGHTS[profile.zero_weights] in text) == (profile.execution == "events")
    assert profile.process is None or profile.process in text


def test_process_and_voltage() -> None:
    profile = Profile("x", "X", "x", process="28 nm", voltage_volt=0.55)
    assert of_profile(profile, 8, 8)[0] == "28 nm at 0.55 V"
    assert of_profile(replace(profile, voltage_volt=None), 8, 8)[0] == "28 nm"
