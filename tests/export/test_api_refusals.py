"""The functions for programs refuse what they cannot use in one line."""

from __future__ import annotations

import numpy as np
import pytest

import export
from msenas.errors import InputError, RunError
from tests.conftest import motif_plan
from tests.export.networks import frames_for, trained

pytestmark = pytest.mark.usefixtures("stepwise")


@pytest.fixture(scope="module")
def network():
    return trained(motif_plan("FE"))


@pytest.mark.parametrize(
    ("frames", "labels"), [([["a"]], None), ([[1], [1, 2]], None), (np.zeros((3, 2, 1, 8, 8)), ["a", "b"])]
)
def test_what_is_no_array_of_numbers(network, tmp_path, frames, labels):
    for write in (export.to_nir, export.to_onnx):
        with pytest.raises(InputError, match="must be arrays of numbers"):
            write(network, tmp_path / f"model.{write.__name__[3:]}", frames, labels)
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_taken_by_a_folder(network, tmp_path):
    (tmp_path / "model.nir").mkdir()
    with pytest.raises(RunError, match=r"cannot write .*model\.nir"):
        export.to_nir(network, tmp_path / "model.nir", frames_for(network.plan))
    assert [path.name for path in tmp_path.iterdir()] == ["model.nir"]
