"""Rules about biases, delays and options of the NIR reader of py-spinnaker2."""

from __future__ import annotations

from collections.abc import Iterator

import nir
import numpy as np

from export.targets.finding import WHOLE, Finding
from export.targets.view import NEURONS, SYNAPSES, View


def no_late_convolutions(view: View) -> Iterator[Finding]:
    """Convolutions have no delay of their own."""
    for source, target in sorted(view.late):
        if isinstance(view.nodes[source], nir.Conv2d):
            reason = f"it acts on {target} one step later; convolutions have no delay"
            yield Finding(source, "error", reason, "no feedback: leave out a synapse of the loop")


def last_bias(view: View) -> Iterator[Finding]:
    """Of several synapses onto a population, the bias of the last is used."""
    for name, _ in view.of(*NEURONS):
        onto = [source for source in view.sources[name] if isinstance(view.nodes[source], SYNAPSES)]
        biased = [source for source in onto if np.any(np.asarray(getattr(view.nodes[source], "bias", 0.0)))]
        if len(onto) > 1 and biased and biased != [onto[-1]]:
            reason = f"of its synapses only the last one's bias is used, and {', '.join(biased)} have one"
            yield Finding(name, "error", reason, "the whole bias in the last synapse")


def options(view: View) -> Iterator[Finding]:
    """The reader must be told how neurons work."""
    if any(True for _ in view.of(*NEURONS)):
        yield Finding(
            WHOLE, "exact", "neurons subtract at a spike unless told otherwise", "integrator FORWARD, reset ZERO"
        )
