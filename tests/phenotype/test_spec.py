from __future__ import annotations

import math
from dataclasses import replace

import pytest

from msenas.errors import InputError
from msenas.phenotype.spec import SMALLEST_SIDE, NetworkSpec, default_reductions

SPEC = NetworkSpec((2, 8, 6), classes=3, layers=4, reductions=(1, 3))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"classes": 0}, "classes"),
        ({"layers": 0, "reductions": ()}, "layers"),
        ({"steps": 0}, "steps"),
        ({"steps": 1 << 17}, "steps"),
        ({"input_shape": (0, 8, 8)}, "input channels"),
        ({"input_shape": (1, 0, 8)}, "height"),
        ({"input_shape": (1, 8, -1)}, "width"),
        ({"channels": 0}, "channels"),
        ({"channels": 6}, "multiple of 4, not 6"),
        ({"channels": 8192}, "channels"),
        ({"reductions": (4,)}, "different layers of 0..3"),
        ({"reductions": (-1,)}, "different layers of 0..3"),
        ({"neuron": "izhikevich"}, "lif, if"),
        ({"encoding": "rate"}, "direct, poisson, latency, events"),
        ({"tau": 0.5}, "tau"),
        ({"tau": math.nan}, "tau"),
        ({"v_th": 0.0}, "v_th"),
        ({"v_th": math.inf}, "v_th"),
        ({"v_th": math.nan}, "v_th"),
    ],
)
def test_a_value_out_of_bounds_is_one_line_that_names_it(change, named):
    with pytest.raises(InputError, match=named) as error:
        replace(SPEC, **change)
    assert "\n" not in str(error.value)


def test_limits_themselves_are_allowed():
    assert replace(SPEC, tau=1.0, steps=1 << 16, channels=4096, neuron="if").channels == 4096


@pytest.mark.parametrize(
    ("layers", "side", "expected"),
    [
        (1, 32, ()),
        (2, 32, (1,)),
        (3, 32, (1, 2)),
        (4, 32, (1, 2, 3)),
        (6, 32, (1, 3, 4)),
        (12, 128, (3, 6, 9)),
        (6, 8, (1,)),
        (6, 7, (1,)),
        (6, 6, ()),
        (6, 13, (1, 3)),
    ],
)
def test_default_reductions_by_hand(layers, side, expected):
    assert default_reductions(layers, side) == expected


@pytest.mark.parametrize("side", range(1, 40))
def test_default_reductions_never_go_below_the_smallest_side(side):
    reduced = side
    for _ in default_reductions(8, side):
        reduced = math.ceil(reduced / 2)
    assert reduced >= min(side, SMALLEST_SIDE)
