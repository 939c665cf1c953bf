"""The rule about delays.

On a clocked chip a spike has its effect `least` time steps later (1 on most), also where the network wants it at once.
Layers then run one after the other, as a pipeline; synapses that skip layers need longer delays so that all inputs of a
population belong to the same step of the network. A cycle cannot be sped up: its spikes come late.
"""

from __future__ import annotations

from collections.abc import Iterator

from msenas.hardware.fit.case import Case
from msenas.hardware.fit.finding import Verdict
from msenas.phenotype.plan import INPUT, Plan


def delay_steps(case: Case, limit: tuple[int, int]) -> Verdict:
    """Delays that keep the network's timing are among the chip's; otherwise spikes come early or late."""
    least, most = limit
    delayed = [where for synapse, where in case.synapses() if synapse.delayed]
    if delayed and most == 0:
        return Verdict("fail", 1, 0, where=delayed[0], advice="leave out the synapses that act one step later")
    wanted = list(_delays(case.plan, least))
    off = [(max(least - d, d - most), d, where) for d, where in wanted if not least <= d <= most]
    figure = max((d for d, _ in wanted), default=0)
    if not off:
        return Verdict("pass", figure, f"{least} to {most}")
    steps, delay, where = max(off, key=lambda entry: entry[0])
    text = f"spikes of {where} come {steps} time step{'s' * (steps > 1)} {'late' if delay < least else 'early'}"
    return Verdict("approximated", figure, f"{least} to {most}", where=where, instead=text)


def _delays(plan: Plan, least: int) -> Iterator[tuple[int, str]]:
    """Time steps that the spikes of each source must be on their way, with the path."""
    level = {INPUT: 0}
    for name in (n for block in plan.schedule for n in block.populations):
        known = [(source, s) for s in plan.incoming[name] for source in s.sources if source in level]
        level[name] = max((level[source] + least - s.delayed for source, s in known), default=0)
    for synapse in plan.synapses:
        for source in synapse.sources:
            path = f"{source}->{synapse.target}"
            yield level[synapse.target] - level[source] + synapse.delayed, path
