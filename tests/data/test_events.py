from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.data import events as module
from msenas.data.events import LONGEST, Events, frames_of, make_events
from msenas.errors import DataError

HERE = Path("file")


def events_of(rows, sensor=None):
    """Events (x, y, t, on)."""
    x, y, t, on = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return make_events(x, y, t, on, HERE, sensor)


def frames(rows, sensor=(4, 2), steps=2, side=(2, 4), window=None):
    return frames_of(events_of(rows), sensor, steps, side, window, HERE)


ROWS = st.lists(
    st.tuples(st.integers(0, 36), st.integers(0, 20), st.integers(-(2**45), 2**45), st.integers(0, 1)),
    min_size=1,
    max_size=60,
)


@given(ROWS, st.integers(1, 16), st.integers(1, 64), st.integers(1, 64))
def test_frames_lose_no_event(rows, steps, height, width):
    counts, left_out = frames(rows, (37, 21), steps, (height, width))
    assert counts.shape == (1, steps, 2, height, width)
    assert int(counts.sum()) == len(rows)
    assert left_out == 0
    assert int(counts[:, :, 1].sum()) == sum(on for *_, on in rows)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 900), st.integers(0, 1)), min_size=1),
    st.integers(1, 500),
    st.integers(1, 400),
)
def test_windows_account_for_every_event_and_do_not_depend_on_blocks(rows, window, block):
    counts, left_out = frames(rows, window=window)
    assert int(counts.sum()) + left_out == len(rows)
    assert (counts.reshape(len(counts), -1).sum(1) > 0).all()
    before = module.BLOCK
    module.BLOCK = block
    try:
        again, _ = frames(rows, window=window)
    finally:
        module.BLOCK = before
    assert np.array_equal(counts, again)


def test_places_by_hand():
    counts, _ = frames([(0, 0, 100, 1), (3, 1, 149, 0), (3, 1, 150, 0), (1, 0, 199, 1)])
    expected = np.zeros((1, 2, 2, 2, 4))
    expected[0, 0, 1, 0, 0] = expected[0, 0, 0, 1, 3] = 1
    expected[0, 1, 0, 1, 3] = expected[0, 1, 1, 0, 1] = 1
    assert np.array_equal(counts, expected)


def test_one_event_in_one_bin_is_counted():
    assert frames([(0, 0, 7, 1)], steps=1)[0].sum() == 1


def test_order_and_origin_of_time_do_not_matter():
    rows = [(0, 0, 30, 1), (1, 1, 0, 0), (2, 0, 99, 1)]
    late = [(x, y, t + 1_600_000_000_000_000, on) for x, y, t, on in reversed(rows)]
    assert np.array_equal(frames(rows)[0], frames(late)[0])


def test_coordinates_are_mapped_to_the_size():
    counts, _ = frames([(127, 64, 0, 0)], (128, 128), 1, (48, 48))
    assert np.argwhere(counts).tolist() == [[0, 0, 0, 24, 47]]


def test_windows_by_hand():
    rows = [(0, 0, 0, 1), (1, 0, 99, 1), (2, 0, 100, 1), (3, 0, 320, 1), (3, 0, 400, 1)]
    counts, left_out = frames(rows, window=100)
    assert counts.reshape(len(counts), -1).sum(1).tolist() == [2, 1, 1]
    assert counts[0, :, 1, 0].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]
    assert left_out == 1


@pytest.mark.parametrize(("count", "dtype"), [(255, np.uint8), (256, np.uint16), (70_000, np.uint32)])
def test_the_smallest_type_holds_the_largest_count(count, dtype):
    counts, _ = frames([(0, 0, 0, 1)] * count, steps=1)
    assert counts.dtype == dtype
    assert counts.max() == count


def test_times_of_a_small_type_do_not_overflow():
    t = np.array([0, 32_000], np.int16)
    zeros = np.zeros(2, np.uint8)
    events = make_events(zeros, zeros, t, zeros, HERE)
    assert (events.t * 1000).tolist() == [0, 32_000_000]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(4, 0, 0, 0)], "x 4 or y 0 lies outside the 4x2 sensor"),
        ([(0, 2, 0, 0)], "x 0 or y 2 lies outside"),
        ([(0, 0, 0, 0), (0, 0, LONGEST, 0)], "no recording is that long"),
        ([(0, 0, -(2**62), 0), (0, 0, 2**62, 0)], "no recording is that long"),
    ],
)
def test_impossible_events_are_named(rows, reason):
    with pytest.raises(DataError, match=reason):
        frames(rows)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (([], [], [], []), "no events"),
        (([0], [0], [0, 1], [0]), "2 t"),
        (([-1], [0], [0], [0]), "negative coordinates"),
        (([0], [0], [0], [2]), "polarities from 2 to 2"),
        (([0.5], [0], [0], [0]), "x has fractions"),
        (([0], [0], [np.nan], [0]), "t has fractions"),
        (([0], [0], [1e300], [0]), "beyond 62 bits"),
        (([0], [0], [np.uint64(2**64 - 1)], [0]), "beyond 63 bits"),
        ((["a"], [0], [0], [0]), "numbers"),
    ],
)
def test_unfit_columns_are_named(columns, reason):
    with pytest.raises(DataError, match=reason):
        make_events(*(np.array(column) for column in columns), HERE)


def test_polarities_of_minus_one_and_one():
    zeros = np.zeros(2, int)
    assert make_events(zeros, zeros, zeros, np.array([-1, 1]), HERE).on.tolist() == [False, True]


def test_between_takes_the_start_and_leaves_the_end():
    events = events_of([(0, 0, t, 1) for t in (9, 10, 19, 20)])
    assert isinstance(events, Events)
    assert events.between(10, 20).t.tolist() == [10, 19]


def test_frames_too_large_for_memory_are_refused():
    with pytest.raises(DataError, match="too large"):
        frames([(0, 0, 0, 0)], steps=1024, side=(1024, 1024))


def test_coordinates_that_would_overflow_are_named():
    x = np.array([0, 1 << 58])
    with pytest.raises(DataError, match="coordinates up to"):
        make_events(x, x * 0, x * 0, x * 0, Path("some.npy"))
