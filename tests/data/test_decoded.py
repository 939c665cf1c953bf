import numpy as np
import pytest

from msenas.data.decoded import check_labels, shortfall
from msenas.errors import DataError


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_labels_become_int64(dtype):
    labels = check_labels(np.array([0, 9], dtype), 10, "f")
    assert (labels.dtype, labels.tolist()) == (np.int64, [0, 9])


@pytest.mark.parametrize("labels", [[10], [-1], [0.5], [[1]]])
def test_other_labels_are_refused(labels):
    with pytest.raises(DataError, match="f: labels"):
        check_labels(np.array(labels), 10, "f")


def test_only_what_is_missing_is_said():
    assert shortfall("images", 10, 10) == ()
    assert shortfall("images", 1000, 60_000) == ("1,000 of 60,000 images",)
