"""Products of linear maps against torch, which applies them one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from export.linear import Linear, evenly_padded, identity, spread, squared
from msenas.errors import InputError
from msenas.phenotype.check import map_side

LARGE = st.tuples(st.integers(8, 11), st.integers(8, 11))
SIDES = st.tuples(st.integers(1, 8), st.integers(1, 8))
KERNELS = st.tuples(st.integers(1, 4), st.integers(1, 4))
PADDINGS = st.tuples(st.integers(0, 2), st.integers(0, 2))


def applied(linear: Linear, x: torch.Tensor) -> torch.Tensor:
    x = F.avg_pool2d(x, linear.pool, divisor_override=1) * linear.factor
    if linear.weight is None:
        return x
    return F.conv2d(x, torch.from_numpy(linear.weight), stride=linear.stride, padding=linear.padding)


def draw(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float64)


def maps(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(draw(seed, *shape))


@pytest.mark.parametrize(
    "first", [Linear(), Linear().pooled(2, (2, 2), (2, 2), (0, 0)), Linear().scaled(np.array([2.0, 3.0]))]
)
@pytest.mark.parametrize(("stride", "padding"), [((1, 1), (0, 0)), ((2, 1), (1, 2))])
def test_a_convolution_behind_a_pooling_or_a_scale(first, stride, padding):
    x, weight = maps(0, 1, 2, 9, 8), draw(1, 3, 2, 3, 2)
    expected = F.conv2d(applied(first, x), torch.from_numpy(weight), stride=stride, padding=padding)
    assert torch.equal(applied(first.convolved(weight, stride, padding), x), expected)


def test_pooling_twice_is_pooling_once():
    twice = Linear().pooled(2, (2, 2), (2, 2), (0, 0)).pooled(2, (3, 2), (3, 2), (0, 0))
    assert (twice.pool, twice.weight) == ((6, 4), None)
    x = maps(0, 1, 2, 13, 9)
    assert torch.equal(
        applied(twice, x), F.avg_pool2d(F.avg_pool2d(x, 2, divisor_override=1), (3, 2), divisor_override=1)
    )


@given(st.integers(0, 99), LARGE, KERNELS, st.integers(1, 2), PADDINGS, KERNELS, st.integers(1, 2))
def test_two_convolutions_are_one(seed, sides, kernel, stride, padding, second, step):
    first = Linear().convolved(draw(seed, 3, 2, *kernel), (stride, stride), padding)
    x, weight = maps(seed, 1, 2, *sides), draw(seed + 1, 2, 3, *second)
    between = applied(first, x)
    assume(between.shape[2] >= second[0] and between.shape[3] >= second[1])
    expected = F.conv2d(between, torch.from_numpy(weight), stride=step)
    assert torch.equal(applied(first.convolved(weight, (step, step)), x), expected)


def test_a_convolution_that_sees_beyond_the_map_of_another_has_no_product():
    first = Linear().convolved(np.ones((1, 1, 3, 3)))
    with pytest.raises(InputError, match="put neurons between"):
        first.convolved(np.ones((1, 1, 3, 3)), padding=(1, 1))


def test_overlapping_windows_are_a_convolution():
    linear = Linear().pooled(2, (3, 3), (2, 2), (1, 1))
    x = maps(0, 1, 2, 8, 8)
    assert linear.pool == (1, 1)
    assert torch.equal(applied(linear, x), F.avg_pool2d(x, 3, 2, 1, divisor_override=1))


def test_one_scale_for_all_is_a_factor():
    assert Linear().scaled(np.array([2.0, 2.0])).scaled(np.array([3.0])).factor == 6
    assert Linear().scaled(np.array([2.0, 3.0])).weight is not None


def test_products_are_bounded():
    first = Linear().convolved(np.ones((1, 1 << 10, 1, 1)))
    with pytest.raises(InputError, match="at most 67,108,864 weights"):
        first.convolved(np.broadcast_to(np.ones(()), (1 << 10, 1, 1 << 5, 1 << 5)), (1, 1))
    with pytest.raises(InputError, match="takes too long"):
        Linear().convolved(np.ones((1, 1, 300, 300))).convolved(np.ones((1, 1, 500, 500)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Linear().scaled(np.arange(1.0, 1 << 16)),
        lambda: Linear().pooled(1 << 12, (3, 3), (1, 1), (0, 0)),
        lambda: spread(np.ones((1, 1, 2, 2)), (1 << 16, 1 << 16), 1),
        lambda: spread(np.ones((1 << 16, 1, 1, 1)), (1, 1), 1 << 16),
        lambda: squared(Linear(weight=np.ones((1, 1, 1, 1 << 13))), (1, 1 << 13), (1, 1)),
        lambda: identity(1 << 14),
    ],
)
def test_kernels_far_larger_than_what_asks_for_them_are_not_made(make):
    with pytest.raises(InputError, match="at most 67,108,864 weights"):
        make()


def test_that_there_is_no_square_kernel_is_known_at_once():
    sides = 1 << 16, 1 << 16
    with pytest.raises(InputError, match="no square one"):
        squared(Linear(weight=np.ones((1, 1, 1, 1 << 15))), sides, (1 << 16, (1 << 15) + 1))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 3)])
def test_groups_and_dilation(groups, dilation):
    x, weight = maps(0, 1, 4, 9, 9), draw(1, 6, 4 // groups, 3, 2)
    expected = F.conv2d(x, torch.from_numpy(weight), dilation=dilation, groups=groups)
    assert torch.equal(F.conv2d(x, torch.from_numpy(spread(weight, dilation, groups))), expected)


@pytest.mark.parametrize("kernel", [(2, 3), (4, 2)])
def test_padding_that_is_uneven(kernel):
    x, weight = maps(0, 1, 1, 6, 6), draw(1, 1, 1, *kernel)
    pads = tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel)
    whole, padding = evenly_padded(weight, pads)
    expected = F.conv2d(x, torch.from_numpy(weight), padding="same")
    assert torch.equal(F.conv2d(x, torch.from_numpy(whole), padding=padding), expected)


@given(st.integers(0, 99), SIDES, KERNELS, KERNELS, PADDINGS)
def test_a_square_convolution_gives_the_same_or_there_is_none(seed, sides, kernel, stride, padding):
    linear = Linear(weight=draw(seed, 2, 2, *kernel), stride=stride, padding=padding)
    gives = tuple(map_side(*each) for each in zip(sides, kernel, stride, padding, strict=True))
    assume(min(gives) > 0)
    x = maps(seed, 1, 2, *sides)
    try:
        square = squared(linear, sides, gives)
    except InputError:
        assert kernel[0] != kernel[1] or padding[0] != padding[1] or stride[0] != stride[1]
        return
    assert square.weight.shape[2] == square.weight.shape[3]
    found = F.conv2d(x, torch.from_numpy(square.weight), stride=square.stride, padding=square.padding)
    assert torch.equal(found, applied(linear, x))


@pytest.mark.parametrize("sides", [(4, 6), (6, 4), (1, 5), (3, 3)])
def test_a_dense_layer_on_any_map_is_a_square_convolution(sides):
    linear = Linear(weight=draw(0, 3, 2, *sides))
    square = squared(linear, sides, (1, 1))
    x = maps(1, 1, 2, *sides)
    found = F.conv2d(x, torch.from_numpy(square.weight), stride=square.stride, padding=square.padding)
    assert torch.equal(found, applied(linear, x))


@pytest.mark.parametrize(("kernel", "padding"), [((3, 1), (1, 0)), ((1, 5), (0, 2)), ((3, 5), (1, 2))])
def test_a_kernel_that_keeps_the_map_is_filled_up(kernel, padding):
    square = squared(Linear(weight=np.ones((1, 1, *kernel)), padding=padding), (6, 6), (6, 6))
    assert (square.weight.shape[2], square.stride, square.padding) == (max(kernel), 1, max(padding))


def test_what_no_square_kernel_can_do_is_said():
    with pytest.raises(InputError, match=r"stride \[2, 3\]"):
        squared(Linear(weight=np.ones((1, 1, 1, 1)), stride=(2, 3)), (6, 6), (3, 2))
    with pytest.raises(InputError, match=r"kernel 3x1, stride \[1, 1\] and padding \[0, 0\], which no square one"):
        squared(Linear(weight=np.ones((1, 1, 3, 1))), (6, 6), (4, 6))
