"""A simple placement of neurons on the cores of a chip: population after population, channel after channel.

Every population starts on a new core, in plan order; spikes of a coded input are sent from cores of their own, in front
of all others. Real tool-chains place better; this is the plain reference that messages and hops are counted for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from msenas.errors import InputError, ProfileError
from msenas.hardware.fanout import IntMap, reaching
from msenas.hardware.profile import Profile
from msenas.phenotype.plan import INPUT, Plan, Synapse

MOST_CORES = 1 << 14
"""Placements on more cores than this are refused; their tables would fill the memory."""


@dataclass(frozen=True)
class Cores:
    """The cores of a chip and the mesh that connects them.

    Attributes:
        neurons: most neurons on one core.
        per_chip: cores of one chip; None takes one chip that is large enough.
        per_tile: cores that share one router.
        mesh: routers of one chip from west to east and from north to south; None where it is not known.
            Tiles are numbered column by column, and chips stand side by side from west to east.
    """

    neurons: int
    per_chip: int | None = None
    per_tile: int = 1
    mesh: tuple[int, int] | None = None

    @classmethod
    def of(cls, profile: Profile) -> Cores | None:
        """The cores that a profile describes; None where it does not say how many neurons they hold.

        Raises:
            ProfileError: A core holds no neuron, a chip has no core or router, or not enough routers for its cores.
        """
        capacity, mesh = profile.capacity, profile.mesh
        if capacity is None or capacity.neurons_per_core is None:
            return None
        numbers = {"capacity.neurons_per_core": capacity.neurons_per_core, "capacity.cores": capacity.cores}
        if mesh is not None:
            numbers |= {"mesh.width": mesh.width, "mesh.height": mesh.height}
            numbers["mesh.cores_per_router"] = mesh.cores_per_router
        for key, number in numbers.items():
            if number is not None and number < 1:
                raise ProfileError(f"hardware profile {profile.name}: {key} must be at least 1, not {number}")
        if mesh is not None and capacity.cores is not None:
            room = mesh.width * mesh.height * mesh.cores_per_router
            if capacity.cores > room:
                text = f"capacity.cores is {capacity.cores}, but the mesh has room for {room}"
                raise ProfileError(f"hardware profile {profile.name}: {text}")
        side = None if mesh is None else (mesh.width, mesh.height)
        return cls(capacity.neurons_per_core, capacity.cores, mesh.cores_per_router if mesh else 1, side)


@dataclass(frozen=True)
class Placement:
    """Where the neurons are.

    Attributes:
        cores: the kind of cores.
        core: core of each neuron by population (and INPUT where it is spikes), int64 [C, H, W].
        used: cores in use; the last ones may be partly filled.
    """

    cores: Cores
    core: Mapping[str, IntMap]
    used: int

    @property
    def chips(self) -> int:
        """Chips in use."""
        return 1 if self.cores.per_chip is None else -(-self.used // self.cores.per_chip)

    def distances(self, some: IntMap, others: IntMap) -> dict[str, IntMap]:
        """What a message passes between cores, int64 [some, others]: chip_crossings; with a mesh hops_ew, hops_ns."""
        found = {"chip_crossings": np.not_equal.outer(self._chip[some], self._chip[others]).astype(np.int64)}
        for name, at in self._positions.items():
            found[name] = abs(np.subtract.outer(at[some], at[others]))
        return found

    @cached_property
    def _chip(self) -> IntMap:
        """Chip of each core, int64 [used]."""
        chip: IntMap = np.arange(self.used) // (self.cores.per_chip or max(self.used, 1))
        return chip

    @cached_property
    def _positions(self) -> dict[str, IntMap]:
        """Column and row of each core's router, int64 [used]; empty without a mesh."""
        if self.cores.mesh is None:
            return {}
        width, height = self.cores.mesh
        core = np.arange(self.used) - self._chip * (self.cores.per_chip or 0)
        tile = core // self.cores.per_tile
        return {"hops_ew": tile // height + self._chip * width, "hops_ns": tile % height}


def place(plan: Plan, cores: Cores) -> Placement:
    """Fill the cores in order.

    Raises:
        InputError: The network needs more than MOST_CORES cores.
    """
    shapes = {INPUT: plan.spec.input_shape} if plan.spec.encoding != "direct" else {}
    shapes |= {p.name: p.shape for p in plan.populations}
    core, used = {}, 0
    for name, shape in shapes.items():
        neurons = int(np.prod(shape))
        core[name] = (used + np.arange(neurons) // cores.neurons).reshape(shape)
        used += -(-neurons // cores.neurons)
    if used > MOST_CORES:
        raise InputError(f"the network needs {used} cores of {cores.neurons} neurons; at most {MOST_CORES} are placed")
    return Placement(cores, core, used)


def deliveries(plan: Plan, placement: Placement, synapse: Synapse) -> tuple[int, IntMap]:
    """Neurons on each core of the target that a spike at (y, x) of any source channel reaches.

    Returns:
        First core of the target, and int64 [cores of the target, H, W] of the source's map.
    """
    core = placement.core[synapse.target]
    first = int(core.min())
    held = np.zeros((int(core.max()) - first + 1, *core.shape[1:]))
    np.add.at(held, (core - first, *np.indices(core.shape)[1:]), 1.0)
    rows, columns = (axis.astype(np.float64) for axis in reaching(plan, synapse))
    return first, np.rint(rows @ held @ columns.T).astype(np.int64)
