"""A network over other time steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from msenas.errors import InputError
from msenas.evaluation.deployed import deploy
from msenas.evaluation.steps import MOST_STEPS, at_steps, check_steps, chosen_steps
from msenas.phenotype.network import Network
from tests.conftest import motif_plan


@pytest.mark.parametrize(
    ("text", "steps"),
    [("4", (4,)), ("1,2,4,8", (1, 2, 4, 8)), (" 8, 1 ,", (1, 8)), (f"{MOST_STEPS}", (MOST_STEPS,))],
)
def test_lists(text, steps):
    assert chosen_steps(text) == steps


@pytest.mark.parametrize(
    "text", ["", ",", "0", "-1", "4,4", "4,04", "two", "1.5", "1;2", str(MOST_STEPS + 1), "9" * 999, "²"]
)
def test_other_lists_are_refused(text):
    with pytest.raises(InputError, match="--steps needs different numbers from 1 to 256, such as") as found:
        chosen_steps(text)
    assert len(str(found.value)) < 200


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_fewer_steps_are_the_first_ones_of_more(folder, steps):
    """Time runs forward only: what a network does in its first steps does not depend on how many there are."""
    found = deploy(folder, {})
    places = np.arange(20)
    (frames,) = found.batches("test", places)
    with torch.no_grad():
        first = found.network.scores(frames)[:steps].mean(0)
        (frames,) = at_steps(found, steps).batches("test", places)
        assert torch.allclose(at_steps(found, steps).network(frames), first, atol=1e-6)


@pytest.mark.parametrize("encoding", ["direct", "poisson", "latency"])
def test_more_steps_than_the_network_was_made_for(folder, encoding):
    found = deploy(folder, {"encoding": encoding})
    longer = at_steps(found, 7)
    (frames,) = longer.batches("test", np.arange(5))
    assert len(frames) == (1 if encoding == "direct" else 7)
    assert longer.network(frames).shape == (5, 10)
    assert not longer.network.training
    state = longer.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in found.network.state_dict().items())
    assert found.network.plan.spec.steps == 3


def test_event_frames_cannot_be_stretched(folder):
    found = replace(deploy(folder, {}), network=Network(motif_plan("FE", encoding="events")))
    check_steps(found, ())
    check_steps(found, (3,))
    with pytest.raises(InputError, match="event frames cannot be stretched: digits was read as 3 frames"):
        check_steps(found, (3, 4))
