"""What a NIR file of ours tells about itself: one string of JSON in its metadata. Nothing here is needed to run it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import nir

from export.hdf5 import shown
from export.nir_fields import SPIKING
from msenas.errors import InputError

KEY = "msenas"
"""Key of the metadata."""
LARGEST = 16 << 20
"""Characters that are read."""


def about(graph: nir.NIRGraph) -> dict[str, Any]:
    """What the metadata say; nothing if there are none of ours.

    Raises:
        InputError: They are no JSON object.
    """
    text = graph.metadata.get(KEY)
    if text is None:
        return {}
    if not isinstance(text, str) or len(text) > LARGEST:
        raise InputError(f"metadata {KEY!r} are not a text of at most {LARGEST:,} characters")
    try:
        return msgspec.json.decode(text.encode(), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise InputError(f"metadata {KEY!r}: {' '.join(str(error).split())}") from None


def populations_of(graph: nir.NIRGraph, names: Iterable[str]) -> dict[str, str]:
    """The node of each population: by the metadata, else the one whose name ends with that of the population.

    Args:
        graph: of a network whose populations are known.
        names: of the populations; in names of nodes, dots are underscores.

    Raises:
        InputError: A population has no node that spikes, or several.
    """
    spiking = {name for name, node in graph.nodes.items() if isinstance(node, SPIKING)}
    told = about(graph).get("populations") or {}
    if not isinstance(told, dict):
        raise InputError(f"metadata {KEY!r}: 'populations' must give a population for each node")
    found = {}
    for population in names:
        nodes = [node for node, of in told.items() if of == population and node in spiking]
        tail = population.replace(".", "_")
        nodes = nodes or [node for node in sorted(spiking) if node == tail or node.endswith("_" + tail)]
        if len(nodes) != 1:
            named = f": {', '.join(map(shown, nodes[:4]))}" if nodes else ""
            raise InputError(
                f"population {population!r} has {len(nodes)} nodes in the file{named} that spike; one is needed"
            )
        found[population] = nodes[0]
    return found
