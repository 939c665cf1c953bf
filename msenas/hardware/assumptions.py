"""What an estimate takes for granted, in words: the network's part, and that of each chip."""

from __future__ import annotations

from msenas.hardware.profile import Profile
from msenas.phenotype.plan import Plan

INPUTS = {
    "direct": "the analog input is convolved once per inference and its current kept over the steps",
    "poisson": "an input pixel fires with a probability equal to its intensity; its spikes are counted as events",
    "latency": "an input pixel fires at most once; its spikes are counted as events",
    "events": "an input event is counted as one spike, also where a frame holds several in one pixel",
}
"""What each encoding means for the counts."""
ZERO_WEIGHTS = {"paid": "events that meet a zero weight are paid", "skipped": "zero weights cost nothing"}


def of_network(plan: Plan) -> tuple[str, ...]:
    """Assumptions that hold on every chip."""
    spec = plan.spec
    leak = f"lif, tau {spec.tau:g} steps" if spec.neuron == "lif" else "if, no leak"
    return (
        f"T = {spec.steps} steps, one sample at a time",
        f"{spec.encoding} encoding: {INPUTS[spec.encoding]}",
        f"neuron {leak}, reset to zero; batch norms folded into weights and biases",
        "the read-out is applied once, to the mean of the spikes",
    )


def of_profile(profile: Profile, weight_bits: int, state_bits: int) -> tuple[str, ...]:
    """Assumptions of one set of prices; bits of a weight and of a potential as stored there."""
    supply = [profile.process] if profile.process else []
    supply += [f"{profile.voltage_volt:g} V"] if profile.voltage_volt else []
    events = [] if profile.execution == "dense" else [ZERO_WEIGHTS[profile.zero_weights]]
    dense = ["every synapse computed in every step"] if profile.execution == "dense" else []
    words = [f"weights of {weight_bits} and potentials of {state_bits} bits"]
    return tuple([" at ".join(supply)] * bool(supply) + events + dense + words)
