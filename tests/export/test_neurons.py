"""One kind, one time constant, one threshold: the rest becomes gains."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from export.neurons import Dynamics, dynamics, gain
from export.told import Told
from msenas.errors import InputError
from tests.export.foreign import fire, leaky

MAP = (3, 1, 1)


def common(*nodes: nir.NIRNode, told: Told | None = None, dt: float | None = None) -> Dynamics:
    by_name = dict(zip("abc", nodes, strict=False))
    return dynamics(by_name, dict.fromkeys(by_name, MAP), told or Told(), dt)


def test_the_most_common_threshold_is_that_of_the_network():
    found = common(fire(3, threshold=2.0), fire(3, threshold=0.5), fire(3, threshold=2.0))
    assert found == Dynamics(None, 2.0, 1e-4)
    assert gain("b", fire(3, threshold=0.5), MAP, Told(), found).gain.tolist() == [4.0] * 3


def test_a_time_constant_is_the_round_number_that_its_float_stands_for():
    for steps in (1.25, 1.5, 2.0, 3.0, 20.0):
        assert common(leaky(3, steps=steps)).tau == steps
    assert common(leaky(3, steps=2.0, dt=1e-3), dt=1e-3).tau == 2.0
    odd = 20 / 7
    assert common(leaky(3, steps=odd)).tau == pytest.approx(odd, rel=1e-7)
    assert common(leaky(3, steps=odd), told=Told(tau={"a": odd})).tau == odd


def test_a_threshold_that_was_raised_by_one_float_is_the_one_that_is_told():
    raised = fire(3, threshold=float(np.nextafter(np.float32(0.3), np.float32(1))))
    assert common(raised, told=Told(theta={"a": 0.3})).v_th == 0.3
    assert gain("a", raised, MAP, Told(theta={"a": 0.3}), Dynamics(None, 0.3, 1e-4)).gain.tolist() == [1.0] * 3
    assert common(raised).v_th != 0.3
    assert common(raised, told=Told(theta={"a": 0.4})).v_th != 0.4


def test_resistance_and_leak():
    node = leaky(3, r=4.0, threshold=2.0)
    node.v_leak[:] = 0.5
    found = gain("a", node, MAP, Told(), Dynamics(2.0, 1.0, 1e-4))
    assert (found.gain.tolist(), found.shift.tolist()) == ([2.0] * 3, [0.25] * 3)


@pytest.mark.parametrize(("dt", "expected"), [(1e-4, 1.0), (1e-3, 10.0)])
def test_a_resistance_of_if_neurons_acts_for_a_time_step(dt, expected):
    node = nir.IF(np.full(3, 1e4, np.float32), np.ones(3, np.float32))
    assert gain("a", node, MAP, Told(), Dynamics(None, 1.0, dt)).gain.tolist() == [expected] * 3


@pytest.mark.parametrize("dt", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_step_that_is_none(dt):
    with pytest.raises(InputError, match="--dt"):
        common(leaky(3), dt=dt)


def test_kinds_do_not_mix():
    with pytest.raises(InputError, match="none at 'a' and 2 steps at 'b'"):
        common(fire(3), leaky(3))
