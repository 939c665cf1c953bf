from __future__ import annotations

import numpy as np
import pytest

from export.golden import write_golden
from export.simulate import simulate
from msenas.errors import InputError, RunError
from tests.export.nir_graphs import small_network


@pytest.fixture
def frames(rng):
    return rng.normal(size=(3, 2, 1, 4, 4)).astype(np.float32)


def test_what_is_written_can_be_compared(tmp_path, frames):
    trace = simulate(small_network(), frames)
    write_golden(tmp_path / "g.npz", frames, trace, 1e-4)
    with np.load(tmp_path / "g.npz", allow_pickle=False) as found:
        assert sorted(found.files) == ["dt", "input", "output", "spikes/n1_lif", "steps"]
        assert np.array_equal(found["input"], frames)
        assert np.array_equal(found["output"], trace.outputs)
        assert np.array_equal(found["spikes/n1_lif"], trace.spikes["n1_lif"])
        assert (found["dt"], found["steps"]) == (1e-4, 3)
        again = simulate(small_network(), found["input"], float(found["dt"]))
        assert np.array_equal(again.outputs, found["output"])


def test_equal_vectors_give_equal_bytes(tmp_path, frames):
    trace = simulate(small_network(), np.broadcast_to(frames[:1], frames.shape))
    write_golden(tmp_path / "a.npz", frames[:1], trace, 1e-4)
    write_golden(tmp_path / "b.npz", np.broadcast_to(frames[:1], frames.shape), trace, 1e-4)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_frames_of_another_trace(tmp_path, frames):
    with pytest.raises(InputError, match="the trace has 3 steps of 2 samples"):
        write_golden(tmp_path / "g.npz", frames[:, :1], simulate(small_network(), frames), 1e-4)


def test_a_folder_that_is_not_there(tmp_path, frames):
    with pytest.raises(RunError, match="cannot write"):
        write_golden(tmp_path / "none" / "g.npz", frames, simulate(small_network(), frames), 1e-4)
