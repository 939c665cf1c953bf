"""The neurons of a NIR graph in the terms of a network: one kind, one time constant, one threshold for all.

A network here has v <- v + (I - v) / tau, or v <- v + I, and fires when v > v_th. Dividing a potential and all that
drives it by the same number changes no spike, so the threshold and the resistance of each channel become a gain of its
current, and a potential of rest becomes a current:

    LIF  tau dv/dt = (v_leak - v) + r I    v <- v + (gain * I + shift - v) / tau_s, tau_s = tau / dt,
                                           gain = r * v_th / v_threshold, shift = v_leak * v_th / v_threshold
    IF   v <- v + r I                      gain = r * v_th / v_threshold; the time step counts as 1, as in every simulator
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np

from export.linear import Array
from export.nir_check import at_node
from export.terms import Map, per_channel
from export.told import Told
from msenas.errors import InputError

DT = 1e-4
"""Time step in seconds where neither the user nor the file names one: that of most simulators that write NIR."""
ULP = float(np.finfo(np.float32).eps)
DIGITS = 6


@dataclass(frozen=True)
class Dynamics:
    """What all neurons of a network have in common; `tau` is in time steps of `dt` seconds."""

    kind: str
    tau: float
    v_th: float
    dt: float


@dataclass(frozen=True, eq=False)
class Gain:
    """How the current of a population enters: gain * current + shift, each [C]."""

    gain: Array
    shift: Array


def dynamics(nodes: Mapping[str, nir.NIRNode], maps: Mapping[str, Map], told: Told, dt: float | None) -> Dynamics:
    """The constants of a network with these neurons.

    Args:
        nodes: its neurons.
        maps: map of each.
        told: the metadata.
        dt: time step in seconds; None takes that of the file, or DT.

    Raises:
        InputError: The neurons have several kinds or time constants, or reset to something else than 0.
    """
    if not nodes:
        raise InputError("the graph has no spiking neurons (IF or LIF)")
    kinds = {type(node).__name__: name for name, node in nodes.items()}
    if len(kinds) > 1:
        both = " and ".join(f"{kind} (node {name!r})" for kind, name in sorted(kinds.items()))
        raise InputError(f"the graph has neurons of both kinds, {both}; a network with one can be imported")
    step = dt or told.dt or DT
    thresholds: Counter[float] = Counter()
    taus: dict[float, str] = {}
    for name, node in nodes.items():
        with at_node(name, type(node).__name__):
            thresholds.update(_thresholds(name, node, maps[name], told).tolist())
            if isinstance(node, nir.LIF):
                taus.setdefault(_tau(name, node, told, step), name)
    if len(taus) > 1:
        (tau, name), (other, where) = list(taus.items())[:2]
        values = f"{tau:g} steps at {name!r} and {other:g} at {where!r}"
        raise InputError(f"the neurons have several time constants, {values}; a network with one can be imported")
    (kind,) = kinds
    most_common = thresholds.most_common(1)[0][0]
    return Dynamics(kind.lower(), next(iter(taus), 2.0), most_common, step)


def gain(name: str, node: nir.NIRNode, shape: Map, told: Told, common: Dynamics) -> Gain:
    """The gain of one population's current."""
    with at_node(name, type(node).__name__):
        relative = common.v_th / _thresholds(name, node, shape, told)
        resistance = per_channel(node.r, shape, "r")
        if (resistance <= 0).any():
            raise InputError("'r' must be positive")
        leak = per_channel(node.v_leak, shape, "v_leak") if isinstance(node, nir.LIF) else np.zeros(shape[0])
        return Gain(resistance * relative, leak * relative)


def _thresholds(name: str, node: Any, shape: Map, told: Told) -> Array:  # noqa: ANN401
    """Threshold of each channel [C]; what the metadata say in the place of the float32 beside it."""
    if np.any(node.v_reset):
        raise InputError("'v_reset' must be 0: potentials are reset to 0")
    found = per_channel(node.v_threshold, shape, "v_threshold")
    if (found <= 0).any():
        raise InputError("'v_threshold' must be positive")
    meant = told.theta.get(name)
    if meant is None or (abs(found - meant) > 2 * ULP * abs(meant)).any():
        return found
    return np.full(shape[0], meant)


def _tau(name: str, node: nir.LIF, told: Told, dt: float) -> float:
    """Time constant in time steps; the round number that its float32 stands for, where there is one."""
    values = np.unique(np.asarray(node.tau, np.float64))
    if len(values) > 1:
        raise InputError(f"'tau' is {values[0]:g} to {values[-1]:g} s; one for all neurons can be imported")
    steps = float(values[0]) / dt
    round_number = float(f"{steps:.{DIGITS}g}")
    near = [meant for meant in (told.tau.get(name, round_number), round_number) if abs(meant - steps) <= ULP * steps]
    steps = near[0] if near else steps
    if steps < 1:
        raise InputError(
            f"'tau' is {values[0]:g} s, less than a time step of {dt:g} s; give the one it is meant for (--dt)"
        )
    return steps
