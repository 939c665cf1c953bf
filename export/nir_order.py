"""In which order the nodes of a NIR graph act, and which edges of its loops are late.

NIR does not say which edge of a loop takes a time step. The rule here is that of nirtorch, on which most readers build.
Nodes are met in the alphabetical order in which a file gives them, from the input on, round after round (those that
sort before the input come after all others). A node acts when all that it reads has acted in this step; of what lies on
a loop with it, it does not wait: what has not acted yet gives what it gave in the step before, 0 in the first. Only a
node with a single source always waits for it.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx

Edge = tuple[str, str]


@dataclass(frozen=True)
class Order:
    """The order of a graph.

    Attributes:
        nodes: each after all that it reads in the same step.
        late: edges that carry what their source gave in the step before.
    """

    nodes: tuple[str, ...]
    late: frozenset[Edge]


def order_of(sources: Mapping[str, tuple[str, ...]], start: str) -> Order:
    """The order of a graph in which every node can be reached from `start`.

    Args:
        sources: what each node reads.
        start: the input.
    """
    names = sorted(sources)
    first = names.index(start)
    names = names[first:] + names[:first]
    place = {name: number for number, name in enumerate(names)}
    waits = _waits(sources)
    readers: dict[str, list[str]] = {name: [] for name in names}
    for name, needed in waits.items():
        for source in needed:
            readers[source].append(name)
    missing = {name: len(needed) for name, needed in waits.items()}
    ready = [(0, place[name]) for name in names if not missing[name]]
    heapq.heapify(ready)
    acted: dict[str, None] = {}
    late: set[Edge] = set()
    while ready:
        turn, number = heapq.heappop(ready)
        name = names[number]
        late |= {(source, name) for source in sources[name] if source not in acted}
        acted[name] = None
        for reader in readers[name]:
            missing[reader] -= 1
            if not missing[reader]:
                heapq.heappush(ready, (turn + (place[reader] < number), place[reader]))
    assert len(acted) == len(names), "a graph whose nodes can all be reached has an order"
    return Order(tuple(acted), frozenset(late))


def _waits(sources: Mapping[str, tuple[str, ...]]) -> dict[str, set[str]]:
    """Sources for which each node waits: its only one, or those that lie on no loop with it."""
    graph = nx.DiGraph([(source, name) for name, read in sources.items() for source in read])
    graph.add_nodes_from(sources)
    loop = {name: number for number, names in enumerate(nx.strongly_connected_components(graph)) for name in names}
    return {
        name: {source for source in read if len(read) == 1 or loop[source] != loop[name]}
        for name, read in sources.items()
    }
