from __future__ import annotations

import numpy as np
import pytest

from msenas.hardware.counts import SpikeCounts
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import Encoding, NetworkSpec


def tiny(encoding: Encoding) -> Plan:
    """1 x 4 x 4 input, one population of 4 x 4 x 4 by a 3x3 synapse, 3 classes, T = 2."""
    spec = NetworkSpec(input_shape=(1, 4, 4), classes=3, layers=1, steps=2, channels=4, encoding=encoding)
    population = Population("L1.E1", 4, 4, 4, 0, 0, "FE")
    synapse = Synapse((INPUT,), "L1.E1", 3, 1, False, False, None)
    return Plan(spec, (population,), (synapse,), ("L1.E1",))


@pytest.fixture
def events_plan() -> Plan:
    return tiny("events")


@pytest.fixture
def direct_plan() -> Plan:
    return tiny("direct")


@pytest.fixture
def events_spikes() -> SpikeCounts:
    """Two samples: an event in the corner, three in the middle; five spikes of one place, nine active updates."""
    events, fired = np.zeros((4, 4), np.int64), np.zeros((4, 4), np.int64)
    events[0, 0], events[1, 2], fired[3, 3] = 1, 3, 5
    return SpikeCounts(2, {INPUT: events, "L1.E1": fired}, {"L1.E1": 9})
