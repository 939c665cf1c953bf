"""Reading a NIR file that somebody else made: nothing of it is believed before it is checked.

Files of nir 1.0.0 and later are read, with or without reset potentials. What `nir.read` does not look at is refused:
links and storage outside of the file, arrays or chunks that expand beyond bounds, numbers that are not finite.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nir
import numpy as np

from export.hdf5 import LARGEST_CONTENT, Contents, opened, shown
from export.hdf5_objects import Group
from export.nir_check import MOST_EDGES, MOST_NODES, at_node, wired
from export.nir_fields import node_of
from export.nir_order import Edge
from msenas.errors import InputError

NEWEST_MAJOR = 1
"""Version of the format that is read, and all before it."""
DEEPEST_METADATA = 4
MEMBERS = {"type", "nodes", "edges", "metadata", "input_type", "output_type"}
"""Of the graph in a file; types are derived, and not read."""


def read_nir(path: str | Path, largest: int = LARGEST_CONTENT) -> nir.NIRGraph:
    """The graph of a NIR file, checked so that it can be run (see `export.nir_check`).

    Args:
        path: the file.
        largest: bytes of all its arrays together that are read.

    Returns:
        A flat graph with one input and one output; nodes in alphabetical order, each with its types filled in.

    Raises:
        InputError: The file cannot be read, or is damaged, hostile, or beyond what is read; one line that says where.
    """
    with opened(Path(path), largest) as contents:
        root = contents.root
        contents.names(root)
        _check_version(_text(contents, root, "version"))
        graph = contents.group(root, "node")
        more = set(contents.names(graph)) - MEMBERS
        kind = _text(contents, graph, "type")
        if kind != "NIRGraph" or more:
            raise InputError(f"/node is {shown(kind)} with {shown(min(more, default=''))}; a NIRGraph is needed")
        nodes = _nodes(contents, contents.group(graph, "nodes"))
        return wired(nodes, _edges(contents, graph), _metadata(contents, graph)).graph


def _check_version(version: str) -> None:
    found = re.fullmatch(r"(\d{1,4})(\.\d{1,4}){1,3}([.+-]?\w[\w.+-]{0,60})?", version)
    if not found:
        raise InputError(f"version {shown(version)} is not that of a NIR file")
    if int(found[1]) > NEWEST_MAJOR:
        raise InputError(f"version {shown(version)} is newer than {NEWEST_MAJOR}.x, which is read")


def _text(contents: Contents, group: Group, name: str) -> str:
    value = contents.value(group, name)
    if not isinstance(value, str):
        raise InputError(f"{name!r} is no text")
    return value


def _nodes(contents: Contents, group: Group) -> dict[str, nir.NIRNode]:
    names = contents.names(group)
    if len(names) > MOST_NODES:
        raise InputError(f"has {len(names):,} nodes; at most {MOST_NODES:,} are read")
    nodes = {}
    for name in names:
        with at_node(name):
            nodes[name] = _node(contents, contents.group(group, name))
    return nodes


def _node(contents: Contents, group: Group) -> nir.NIRNode:
    kind = _text(contents, group, "type")
    if kind == "NIRGraph":
        return node_of(kind, {})
    names = set(contents.names(group)) - {"type", "metadata"}
    node = node_of(kind, {name: contents.value(group, name) for name in sorted(names)})
    node.metadata = _metadata(contents, group)
    return node


def _edges(contents: Contents, graph: Group) -> list[Edge]:
    ends = contents.texts(graph, "edges", 2 * MOST_EDGES)
    if ends.size and (ends.ndim != 2 or ends.shape[1] != 2):
        raise InputError(f"edges are {list(ends.shape)}; pairs of names are needed")
    return [(str(source), str(target)) for source, target in ends.reshape(-1, 2)]


def _metadata(contents: Contents, parent: Group) -> dict[str, Any]:
    """What is told about a graph or node: texts, numbers, and the same in groups."""
    if "metadata" not in contents.names(parent):
        return {}
    return _members(contents, contents.group(parent, "metadata"), 0)


def _members(contents: Contents, group: Group, depth: int) -> dict[str, Any]:
    if depth == DEEPEST_METADATA:
        raise InputError(f"metadata are nested deeper than {DEEPEST_METADATA}")
    found: dict[str, Any] = {}
    for name in contents.names(group):
        if contents.is_group(group, name):
            found[name] = _members(contents, contents.group(group, name), depth + 1)
            continue
        value = contents.value(group, name)
        found[name] = value[()] if isinstance(value, np.ndarray) else value
    return found
