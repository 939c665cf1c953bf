"""A network run for other time steps than it was made for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from msenas.errors import SHOWN, InputError
from msenas.evaluation.deployed import Deployed
from msenas.phenotype.network import Network

MOST_STEPS = 256


def chosen_steps(text: str) -> tuple[int, ...]:
    """Time steps from a list such as "1,2,4,8", in rising order.

    Raises:
        InputError: Something in it is no whole number from 1 to MOST_STEPS, or is there twice.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found = sorted({int(part) for part in parts if re.fullmatch("[0-9]{1,3}", part)})
    if not parts or len(found) < len(parts) or not all(1 <= steps <= MOST_STEPS for steps in found):
        wanted = f"different numbers from 1 to {MOST_STEPS}, such as 1,2,4,8"
        raise InputError(f"--steps needs {wanted}; not {text[:SHOWN]!r}")
    return tuple(found)


def check_steps(deployed: Deployed, steps: Sequence[int]) -> None:
    """Refuse other time steps where the data fix them.

    Raises:
        InputError: The input are event frames, of which there are as many as the network has steps.
    """
    spec = deployed.network.plan.spec
    if spec.encoding == "events" and set(steps) - {spec.steps}:
        raise InputError(f"event frames cannot be stretched: {deployed.dataset.name} was read as {spec.steps} frames")


def at_steps(deployed: Deployed, steps: int) -> Deployed:
    """The same network and images over another number of time steps; weights and normalisation stay."""
    plan = deployed.network.plan
    other = Network(replace(plan, spec=replace(plan.spec, steps=steps)))
    return deployed.with_network(other)
