"""The neurons of a NIR graph in the terms of a network: one kind, one time constant, one threshold for all.

A network here has v <- v + (I - v) / tau, or v <- v + I, and fires when v > v_th. Dividing a potential and all that
drives it by the same number changes no spike, so the threshold and the resistance of each channel become a gain of its
current, and a potential of rest becomes a current. With c = v_th / v_threshold:

    LIF  tau dv/dt = (v_leak - v) + r I    v <- v + (gain * I + shift - v) / tau_s, tau_s = tau / dt,
                                           gain = c * r, shift = c * v_leak
         without a leak to speak of        v <- v + gain * I, gain = c * r / tau_s
    IF   dv/dt = r I                       v <- v + gain * I, gain = c * r * dt; where r is 1 throughout, the time step
                                           counts as 1, as in every simulator
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
ENDLESS = 2.0**30
"""From this time constant in steps on, float32 cannot tell what is left of a potential from all of it."""
ULP = float(np.finfo(np.float32).eps)
DIGITS = 6


@dataclass(frozen=True)
class Dynamics:
    """What all neurons of a network have in common.

    Attributes:
        tau: membrane time constant in time steps; None for neurons without a leak.
        v_th: threshold.
        dt: seconds of a time step.
    """

    tau: float | None
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
    step = told.dt or DT if dt is None else dt
    if not 0 < step < np.inf:
        raise InputError(f"the time step (--dt) must be a positive number of seconds, not {step}")
    thresholds: Counter[float] = Counter()
    taus: dict[float | None, str] = {}
    for name, node in nodes.items():
        with at_node(name, type(node).__name__):
            thresholds.update(_thresholds(name, node, maps[name], told).tolist())
            taus.setdefault(_tau(name, node, told, step), name)
    if len(taus) > 1:
        each = [("none" if tau is None else f"{tau:g} steps") + f" at {name!r}" for tau, name in list(taus.items())[:2]]
        raise InputError(f"time constants of the neurons differ: {' and '.join(each)}; one for all can be imported")
    (tau,) = taus
    return Dynamics(tau, thresholds.most_common(1)[0][0], step)


def gain(name: str, node: nir.NIRNode, shape: Map, told: Told, common: Dynamics) -> Gain:
    """The gain of one population's current.

    Raises:
        InputError: A resistance is not positive, or differs within a channel.
    """
    with at_node(name, type(node).__name__):
        relative = common.v_th / _thresholds(name, node, shape, told)
        resistance = per_channel(node.r, shape, "r")
        if (resistance <= 0).any():
            raise InputError("'r' must be positive")
        shift = np.zeros(shape[0])
        if isinstance(node, nir.IF) and (resistance != 1).any():
            resistance = resistance * common.dt
        elif isinstance(node, nir.LIF) and common.tau is None:
            resistance = np.array([_meant(r * common.dt / node.tau.flat[0]) for r in resistance.tolist()])
        elif isinstance(node, nir.LIF):
            shift = per_channel(node.v_leak, shape, "v_leak")
        return Gain(resistance * relative, shift * relative)


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


def _tau(name: str, node: Any, told: Told, dt: float) -> float | None:  # noqa: ANN401
    """Time constant in time steps; None for neurons without a leak."""
    if isinstance(node, nir.IF):
        return None
    values = np.unique(np.asarray(node.tau, np.float64))
    if len(values) > 1:
        raise InputError(f"'tau' is {values[0]:g} to {values[-1]:g} s; one for all neurons can be imported")
    steps = float(values[0]) / dt
    if steps >= ENDLESS:
        return None
    if abs(told.tau.get(name, np.inf) - steps) <= ULP * steps:
        steps = told.tau[name]
    steps = _meant(steps)
    if steps < 1:
        raise InputError(f"'tau' is {values[0]:g} s, less than a time step of {dt:g} s; which is meant? (--dt SECONDS)")
    return steps


def _meant(value: float) -> float:
    """The round number that a quotient of float32 numbers stands for, where there is one."""
    plain = float(f"{value:.{DIGITS}g}")
    return plain if abs(plain - value) <= ULP * value else value
