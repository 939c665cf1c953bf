"""Small plans made by hand, and chips with the limits that a test is about."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

from msenas.hardware.capacity import LIMITS, Capacity
from msenas.hardware.fit import Finding, Fit, check
from msenas.hardware.price import Price
from msenas.hardware.profile import Profile
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec

PRICE = Price("synop", "per-term", "measured", "a test", nominal=1e-12)


def spec(**changes: object) -> NetworkSpec:
    """1 x 8 x 8 spikes, 3 classes, one layer."""
    return NetworkSpec(**({"input_shape": (1, 8, 8), "classes": 3, "layers": 1, "encoding": "poisson"} | changes))


def population(name: str, channels: int = 4, side: int = 8) -> Population:
    return Population(name, channels, side, side, 0, 0, "FE")


def synapse(source: str, target: str, kernel: int = 3, stride: int = 1, delayed: bool = False) -> Synapse:
    """`source` may name several populations, with a plus between; interneurons inhibit."""
    inhibitory = ".I" in source
    return Synapse(tuple(source.split("+")), target, kernel, stride, inhibitory, delayed, None)


def chain(*channels: int, side: int = 8, kernel: int = 3, **changes: object) -> Plan:
    """input -> L1.E1 -> L2.E1 -> ..., of these channels, on maps of one size."""
    names = [INPUT, *(f"L{i}.E1" for i in range(1, len(channels) + 1))]
    populations = tuple(population(n, c, side) for n, c in zip(names[1:], channels, strict=True))
    synapses = tuple(synapse(a, b, kernel) for a, b in pairwise(names))
    shape = {"input_shape": (1, side, side)} | changes
    return Plan(spec(**shape), populations, synapses, (names[-1],))


def skipping() -> Plan:
    """input -> E1 -> E2, both summed in front of the next population."""
    names = ("L1.E1", "L1.E2", "L2.E1")
    synapses = (synapse(INPUT, "L1.E1"), synapse("L1.E1", "L1.E2"), synapse("L1.E1+L1.E2", "L2.E1"))
    return Plan(spec(), tuple(population(n) for n in names), synapses, ("L2.E1",))


def looped() -> Plan:
    """input -> E1 -> I1, which inhibits E1 one step later."""
    synapses = (synapse(INPUT, "L1.E1"), synapse("L1.E1", "L1.I1"), synapse("L1.I1", "L1.E1", delayed=True))
    return Plan(spec(), (population("L1.E1"), population("L1.I1", 1)), synapses, ("L1.E1",))


def chip(**limits: object) -> Profile:
    """A chip of which only these limits are known; all others it does not have."""
    limits = {"source": "a test"} | limits
    free = tuple(name for name in LIMITS if name not in limits)
    assert set(limits) <= {f.name for f in fields(Capacity)}
    return Profile("chip", "Chip", "a test", {"synop": PRICE}, capacity=Capacity(no_limit=free, **limits))


def unknown_limit(profile: Profile, name: str) -> Profile:
    """The chip with one limit that nobody published."""
    assert profile.capacity is not None
    free = tuple(n for n in profile.capacity.no_limit if n != name)
    return replace(profile, capacity=replace(profile.capacity, no_limit=free))


def finding(fit: Fit, rule: str) -> Finding:
    """What a fit says about one rule."""
    (found,) = [f for f in fit.findings if f.rule == rule]
    return found


def judged(plan: Plan, rule: str, limit: object, **more: object) -> Finding:
    """What the rule says about a plan and a limit."""
    return finding(check(plan, chip(**{rule: limit}, **more)), rule)
