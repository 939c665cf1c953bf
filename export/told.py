"""What a NIR file that this package wrote tells about its network, read back from the metadata.

The numbers in the file are what counts. What is told here names the populations, says which exact numbers the rounded
ones stand for, and on which data the network was trained.
"""

from __future__ import annotations

from typing import Any

import msgspec
import nir

from export.nir_about import KEY, about
from export.nir_write import OTHER_STEPS, SCHEMA
from msenas.errors import InputError


class Told(msgspec.Struct, frozen=True):
    """The metadata of `export.nir_write.metadata`, as far as they are used; those of a foreign file are these defaults.

    Attributes:
        schema: version of the metadata; 0 for a foreign file.
        convention: how neurons were written.
        dt: time step in seconds.
        steps: time steps of an inference.
        encoding: of the input.
        tau: membrane time constant in time steps by node.
        theta: threshold by node, before it was raised to the next float32.
        populations: name of the population by node.
        about: everything else: "genome", "network" (the spec), "dataset", "seed" and others.
    """

    schema: int = 0
    convention: str = ""
    dt: float | None = None
    steps: int | None = None
    encoding: str | None = None
    tau: dict[str, float] = {}
    theta: dict[str, float] = {}
    populations: dict[str, str] = {}
    about: dict[str, Any] = {}

    @property
    def own(self) -> bool:
        """Whether this package wrote the file."""
        return self.schema > 0


def told_by(graph: nir.NIRGraph) -> Told:
    """What a graph tells; nothing if it was written by another program.

    Raises:
        InputError: The metadata are damaged, of another version, or of a form that cannot be imported.
    """
    content = about(graph)
    if not content:
        return Told()
    try:
        told = msgspec.convert(content, Told)
    except msgspec.ValidationError as error:
        raise InputError(f"metadata {KEY!r}: {error}") from None
    if told.schema != SCHEMA:
        raise InputError(f"metadata {KEY!r}: schema is {told.schema}; this version reads {SCHEMA}")
    if told.convention in OTHER_STEPS:
        reader = f"the file is written for {told.convention}"
        raise InputError(f"{reader}, whose neurons decay by another rule; import the portable one")
    return told
