"""The circuit motifs, as a wiring table.

Each motif is one line of text per micro gene, in the order of the genes: `a->b` excites, `a-|b` inhibits, and
`a[t-1]` is what population a fired one time step ago. `in` is the input of the layer, E1 and E2 are its principal
(excitatory) populations, I1 and I2 its interneurons. The output of a layer is E1 + E2. The motifs are those of
MSE-NAS (arXiv 2304.10749): feed-forward excitation, feed-forward, feedback, lateral and mutual inhibition.

Adding a motif means adding a row here and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

INPUT = "in"
PRINCIPALS = ("E1", "E2")
INTERNEURONS = ("I1", "I2")
ROLES = (*PRINCIPALS, *INTERNEURONS)

TABLE: tuple[tuple[str, str, str], ...] = (
    ("empty", "bypass", ""),
    ("FE", "feed-forward excitation", "in->E1, E1->E2, in->E2"),
    ("FI", "feed-forward inhibition", "in->E1, in->I1, I1-|E1, E1->E2"),
    ("FbI", "feedback inhibition", "in->E1, E1->E2, E2->I1, I1[t-1]-|E1"),
    ("LI", "lateral inhibition", "in->E1, in->E2, E1->I1, I1-|E2, E2->I2, I2[t-1]-|E1"),
    (
        "MI",
        "mutual inhibition",
        "in->I1, in->I2, I2[t-1]-|I1, I1-|I2, in->E1, in->E2, I1-|E1, I2-|E2",
    ),
)
_WIRE = re.compile(r"(?P<source>in|E1|E2|I1|I2)(?P<delay>\[t-1\])?(?P<arrow>->|-\|)(?P<target>E1|E2|I1|I2)")


@dataclass(frozen=True)
class Wire:
    """One synapse of a motif; its kernel is chosen by one micro gene."""

    source: str
    target: str
    inhibitory: bool
    delayed: bool

    def __str__(self) -> str:
        return f"{self.source}{'[t-1]' if self.delayed else ''}{'-|' if self.inhibitory else '->'}{self.target}"


@dataclass(frozen=True)
class Motif:
    """A circuit of at most two principal populations and two interneurons."""

    name: str
    title: str
    wires: tuple[Wire, ...]


def parse_wire(text: str) -> Wire:
    """Read one wire such as `in->E1` or `I1[t-1]-|E1`.

    Raises:
        ValueError: The text is no wire, or its arrow contradicts the sign of its source.
    """
    match = _WIRE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no wire; expected SOURCE[t-1]->TARGET or SOURCE[t-1]-|TARGET")
    inhibitory = match["arrow"] == "-|"
    if inhibitory != (match["source"] in INTERNEURONS):
        raise ValueError(f"{text!r}: exactly the interneurons {', '.join(INTERNEURONS)} inhibit")
    return Wire(match["source"], match["target"], inhibitory, match["delay"] is not None)


MOTIFS: tuple[Motif, ...] = tuple(
    Motif(name, title, tuple(parse_wire(wire) for wire in wiring.split(",") if wire.strip()))
    for name, title, wiring in TABLE
)
SLOTS: int = max(len(motif.wires) for motif in MOTIFS)
"""Micro genes per layer: the largest number of synapses that a motif has."""

EMPTY = 0
"""Index of the motif that bypasses its layer."""
