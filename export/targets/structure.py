"""Rules about nodes and edges: which types a target has, and which wiring it follows.

A function that takes arguments returns a rule; the others are rules themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import nir

from export.targets.finding import WHOLE, Finding, Rule
from export.targets.view import NEURONS, SYNAPSES, View

NO_FIX = ""
ENDS = ("Input", "Output")
POOL_FIX = "SumPool2d, with 1/k^2 in the weights behind it"
IF_FIX = "IF nodes: a network searched with --neuron if, in a file written for this target"
FIXES: Mapping[str, str] = {
    "Linear": "Affine with a bias of zeros",
    "AvgPool2d": POOL_FIX,
    "Scale": "the factors in the weights of the next synapse",
    "LI": "an Affine node as the read-out",
    "LIF": IF_FIX,
}
"""What to write in place of a node that a target does not have."""


def types(*known: str, wrong: Mapping[str, str] | None = None) -> Rule:
    """Only nodes of known types; `wrong` says what happens to some of the others."""

    def rule(view: View) -> Iterator[Finding]:
        for name, node in view.nodes.items():
            kind = type(node).__name__
            if kind not in (*known, *ENDS):
                reason = (wrong or {}).get(kind, f"{kind} is not known")
                yield Finding(name, "error", reason, FIXES.get(kind, "a network without it"))

    return rule


def flat(view: View) -> Iterator[Finding]:
    """No graphs within the graph."""
    for name, _ in view.of(nir.NIRGraph):
        yield Finding(name, "error", "a graph within the graph is not read reliably", "its nodes in the outer graph")


def ends(view: View) -> Iterator[Finding]:
    """One input and one output, and one edge into the output: several are not summed."""
    for kind, title in ((nir.Input, "input"), (nir.Output, "output")):
        names = [name for name, _ in view.of(kind)]
        if len(names) != 1:
            reason = f"{len(names)} {title}s; readers take one, and some wait for ever"
            yield Finding(names[-1] if names else WHOLE, "error", reason, f"one {title} node")
    for name, _ in view.of(nir.Output):
        if len(view.sources[name]) > 1:
            reason = f"{len(view.sources[name])} edges into the output are not summed"
            yield Finding(name, "error", reason, "a synapse that sums them in front of the output")


def named_ends(view: View) -> Iterator[Finding]:
    """The ends are called input and output."""
    for kind, wanted in ((nir.Input, "input"), (nir.Output, "output")):
        for name, _ in view.of(kind):
            if name != wanted:
                yield Finding(name, "error", f"it must be called {wanted!r}", f"the name {wanted!r}")


ORDER_FIX = "names that sort in the order of computation, late synapses after all others"


def wirable(view: View) -> Iterator[Finding]:
    """Every node can be computed at some time."""
    if view.late_by_wiring is None:
        yield Finding(WHOLE, "error", "some nodes wait for one another for ever", "every node reached from the input")


def order(view: View) -> Iterator[Finding]:
    """The order of names and nirtorch agree on which edges of a loop act one step late."""
    for source, target in sorted((view.late_by_wiring or frozenset()) ^ view.late_by_name):
        late = "late" if (source, target) in (view.late_by_wiring or ()) else "not late"
        reason = f"nirtorch takes its input from {source} as {late}, against the order of names"
        yield Finding(target, "approximated", reason, ORDER_FIX)


def no_loops(reason: str) -> Rule:
    """No loop."""

    def rule(view: View) -> Iterator[Finding]:
        for loop in view.loops:
            yield Finding(loop[0], "error", f"loop {' -> '.join(loop)}: {reason}", "no feedback: leave out a synapse")

    return rule


def chain(reason: str, self_loops: bool) -> Rule:
    """Nodes in a row; a neuron may have a synapse from itself to itself where `self_loops` says so."""
    fix = "a network in a row: one population per layer, no cross-layer synapses"

    def rule(view: View) -> Iterator[Finding]:
        back: set[tuple[str, str]] = set()
        for loop in view.loops:
            if not (self_loops and _is_self_loop(view, loop)):
                yield Finding(loop[0], "error", f"loop {' -> '.join(loop)}: {reason}", fix)
            back |= {edge for edge in view.edges if edge[0] in loop and edge[1] in loop}
        for name in view.nodes:
            for title, others in (
                ("readers", [t for t in view.readers[name] if (name, t) not in back]),
                ("sources", [s for s in view.sources[name] if (s, name) not in back]),
            ):
                if len(others) > 1:
                    yield Finding(name, "error", f"{len(others)} {title}, {', '.join(others)}: {reason}", fix)

    return rule


def _is_self_loop(view: View, loop: tuple[str, ...]) -> bool:
    neurons = [name for name in loop if isinstance(view.nodes[name], NEURONS)]
    synapses = [name for name in loop if isinstance(view.nodes[name], SYNAPSES)]
    return len(neurons) == len(synapses) == 1 and len(loop) == 2


def no_dense_self_loops(view: View) -> Iterator[Finding]:
    """No dense synapse from a population to itself."""
    for loop in view.loops:
        dense = [name for name in loop if isinstance(view.nodes[name], nir.Affine | nir.Linear)]
        if dense and _is_self_loop(view, loop):
            reason = "a dense synapse of a population onto itself becomes a graph that cannot be run"
            yield Finding(dense[0], "error", reason, "the same weights as a convolution of a 1x1 map")


def depth_first(view: View) -> Iterator[Finding]:
    """Nodes run once, in the order in which a walk into the depth meets them; what is not there yet is left out.

    The walk is that of `nirtorch.load`, which follows edges in the order of the file.
    """
    met: list[str] = []
    stack = [name for name, _ in view.of(nir.Input)][:1]
    while stack:
        name = stack.pop()
        if name not in met:
            met.append(name)
            stack.extend(reversed(view.readers[name]))
    place = {name: i for i, name in enumerate(met)}
    for name in met:
        left_out = [s for s in view.sources[name] if place.get(s, len(met)) >= place[name]]
        if left_out:
            reason = f"it runs before {', '.join(left_out)}, whose input it leaves out without a message"
            yield Finding(name, "error", reason, "a network in a row, without branches that meet and without feedback")


def wiring_note(view: View) -> Iterator[Finding]:
    """Where nodes have several sources, Norse's own loader is of no use."""
    merging = [name for name in view.nodes if len(view.sources[name]) > 1]
    if merging:
        reason = f"{len(merging)} nodes read several others, which norse.torch.from_nir gets wrong"
        yield Finding(
            WHOLE, "exact", reason, "load with nirtorch.nir_to_torch and the modules of Norse (docs/peers.md)"
        )


def firing_output(view: View) -> Iterator[Finding]:
    """The last layer consists of neurons."""
    for name, _ in view.of(nir.Output):
        for source in view.firing(name):
            if not isinstance(view.nodes[source], NEURONS):
                reason = "the output is a current; the chip gives spikes"
                yield Finding(source, "error", reason, "an export with a spiking read-out")


def synapse_then_neuron(view: View) -> Iterator[Finding]:
    """Every synapse leads to neurons at once, and no two synapses follow one another."""
    for name, _ in view.of(*SYNAPSES):
        for reader in view.readers[name]:
            node = view.nodes[reader]
            if isinstance(node, (*NEURONS, nir.LI, nir.CubaLI, nir.Output)):
                continue
            reason = f"{reader} follows it, and not a neuron"
            yield Finding(name, "error", reason, "neurons behind every synapse; pooling in front of it")


def first_synapse(view: View) -> Iterator[Finding]:
    """The input goes into synapses."""
    for name, _ in view.of(nir.Input):
        for reader in view.readers[name]:
            if not isinstance(view.nodes[reader], SYNAPSES):
                kind = type(view.nodes[reader]).__name__
                yield Finding(reader, "error", f"{kind} reads the input; a synapse must", "a synapse behind the input")


def no_direct_spikes(view: View) -> Iterator[Finding]:
    """No neurons that read neurons without a synapse between."""
    for name, _ in view.of(*NEURONS):
        for source in view.firing(name):
            if isinstance(view.nodes[source], NEURONS):
                reason = f"it reads {source} without a synapse"
                yield Finding(name, "error", reason, "a 1x1 convolution with the identity as weights between them")
