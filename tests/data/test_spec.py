import pytest

from msenas.data import DataSpec
from msenas.errors import DataError


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"window_ms": 0.0}, "window is 0.0 ms"),
        ({"size": 2}, "size is 2"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_a_figure_out_of_range_is_named(choice, named):
    with pytest.raises(DataError, match=named):
        DataSpec(**choice)


def test_equal_choices_are_one_key():
    assert {DataSpec(steps=8): 1}[DataSpec(steps=8)] == 1
