"""Time of one inference on a chip, from the figures that its profile has.

    tick        (T + depth) * tick_second: the chip keeps a fixed time step; the shortest possible is the lower bound
    cores       max over cores of (synops * synop_second + updates * update_second + spikes * spike_out_second
                + messages sent and received) + (T + depth) * barrier_second. Loads are means over samples and steps,
                so a burst takes longer; a measured step_second of whole networks, host included, is the upper bound
    events      populations on the longest path * event_second: a chip without time steps, spikes travel through
    throughput  (synops_dense + macs) * mac_second: a processor that computes every synapse in every step

On chips that keep time steps a spike arrives in the step after it was sent, so the answer to the last of T steps is
known after as many steps more as there are populations on the longest path (`chip_steps`).

The nominal value of a pair (least, most) is its geometric mean, that of a tick the usual one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from msenas.hardware.census import Census
from msenas.hardware.fanout import IntMap
from msenas.hardware.price import Band
from msenas.hardware.profile import Timing
from msenas.hardware.traffic import Traffic
from msenas.hardware.workload import Loads, chip_steps
from msenas.phenotype.plan import INPUT, Plan


@dataclass(frozen=True)
class Latency:
    """Time of one inference.

    Attributes:
        model: key of MODELS.
        seconds: of one inference.
    """

    model: str
    seconds: Band


@dataclass(frozen=True)
class Scene:
    """What a model may look at."""

    plan: Plan
    timing: Timing
    loads: Loads
    census: Census
    traffic: Traffic | None


def latency(scene: Scene) -> Latency | None:
    """Time of an inference by the first model that the profile has figures for; None where it has none."""
    for name, model in MODELS.items():
        seconds = model(scene)
        if seconds is not None:
            return Latency(name, seconds)
    return None


def _tick(scene: Scene) -> Band | None:
    if scene.timing.tick_second is None:
        return None
    least, usual = scene.timing.tick_second
    return Band(least, usual, usual).times(chip_steps(scene.plan))


def _cores(scene: Scene) -> Band | None:
    timing, steps = scene.timing, chip_steps(scene.plan)
    if timing.synop_second is None or scene.traffic is None:
        return None
    busiest = float(_busy(scene, scene.traffic).max())
    barrier = _band(timing.barrier_second or (0.0, 0.0)).times(steps)
    longest = busiest + (barrier.high or 0.0)
    if timing.step_second is not None:
        longest = max(longest, steps * timing.step_second[1])
    return Band(busiest + (barrier.low or 0.0), busiest + barrier.nominal, longest)


def _busy(scene: Scene, traffic: Traffic) -> np.ndarray:
    """Seconds that each core works for one inference, float64 [used]."""
    timing, census, placement = scene.timing, scene.census, traffic.placement
    busy = np.zeros(placement.used)
    for name, maps in census.spikes.maps.items():
        fired = maps / census.counts.samples
        position = fired.sum(0).ravel()
        arrivals = traffic.arrivals[name].reshape(placement.used, -1)
        busy += (timing.synop_second or 0.0) * (arrivals @ position)
        busy += (timing.message_in_second or 0.0) * ((arrivals > 0) @ position)
        messages = traffic.per_spike["messages"][name]
        leaving = (timing.spike_out_second or 0.0) + messages * (timing.message_out_second or 0.0)
        busy += _by_core(placement.core[name], fired * leaving, placement.used)
        if name != INPUT:
            busy += _by_core(placement.core[name], np.full(fired.shape, _update(scene, name)), placement.used)
    return busy


def _update(scene: Scene, population: str) -> float:
    """Seconds for the updates of one neuron of a population, in one inference."""
    tally, timing = scene.census.counts.populations[population], scene.timing
    active = timing.update_active_second or 0.0
    idle = timing.update_idle_second if timing.update_idle_second is not None else active
    spent = tally.updates_active * active + tally.updates_idle * idle
    return spent / tally.samples / scene.plan.by_name[population].neurons


def _by_core(core: IntMap, values: np.ndarray, used: int) -> np.ndarray:
    return np.bincount(core.ravel(), values.ravel(), used)


def _events(scene: Scene) -> Band | None:
    if scene.timing.event_second is None:
        return None
    seconds = scene.plan.depth * scene.timing.event_second
    return Band(seconds, seconds, seconds)


def _throughput(scene: Scene) -> Band | None:
    if scene.timing.mac_second is None:
        return None
    return _band(scene.timing.mac_second).times(scene.loads["macs_dense"].amount.nominal)


def _band(pair: tuple[float, float]) -> Band:
    return Band(pair[0], math.sqrt(pair[0] * pair[1]), pair[1])


MODELS: dict[str, Callable[[Scene], Band | None]] = {
    "tick": _tick,
    "cores": _cores,
    "events": _events,
    "throughput": _throughput,
}
