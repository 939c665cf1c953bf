import json
import pickle

import numpy as np
import pytest

from msenas.data import DATASETS, DataSpec, find, from_arrays, load
from msenas.data.archive import Archive
from msenas.errors import DataError

from . import make_files


def test_digits():
    data = load(DataSpec())
    assert (data.name, data.kind, data.shape, data.steps) == ("digits", "image", (1, 8, 8), None)
    assert (len(data.train), len(data.val), len(data.test)) == (1458, 160, 179)
    batch = data.train.batch([0, 5])
    assert (batch.dtype, batch.shape) == (np.float32, (2, 1, 8, 8))
    assert (data.inputs.min(), data.inputs.max()) == (0, 255)
    train = data.train.batch(range(len(data.train)))
    assert data.mean == pytest.approx((train.mean(dtype=np.float64),), rel=1e-6)
    assert data.std == pytest.approx((train.std(dtype=np.float64),), rel=1e-6)


def test_digits_keep_the_17_values_of_the_source():
    from sklearn.datasets import load_digits

    stored = load(DataSpec()).inputs[:, 0]
    assert np.array_equal(np.rint(stored * (16 / 255)), load_digits().images)


def test_the_record_is_json_and_its_digest_follows_the_seed():
    one, same, other = (load(DataSpec(seed=seed)) for seed in (0, 0, 1))
    assert json.loads(json.dumps(one.provenance)) == one.provenance
    assert one.provenance["digest"] == same.provenance["digest"] == "36442d49cb19309f"
    assert one.provenance["digest"] != other.provenance["digest"]


def test_a_copy_is_decoded_once_and_travels_as_a_path(tmp_path):
    folder = make_files.cifar10(tmp_path / "set")
    spec = DataSpec("cifar10", str(folder))
    first, second = load(spec, cache=tmp_path / "cache"), load(spec, cache=tmp_path / "cache")
    assert first.provenance["digest"] == second.provenance["digest"]
    assert len(pickle.dumps(first)) < first.inputs.nbytes / 10
    sent = pickle.loads(pickle.dumps(first))
    assert isinstance(sent.inputs, np.memmap)
    assert np.array_equal(sent.test.batch(range(10)), first.test.batch(range(10)))
    assert sent.train.inputs.shape == (10, 3, 32, 32)


def test_a_changed_file_is_decoded_anew(tmp_path):
    folder = make_files.cifar10(tmp_path / "set")
    spec = DataSpec("cifar10", str(folder))
    load(spec, cache=tmp_path / "cache")
    (folder / "test_batch.bin").write_bytes(make_files.cifar_records(range(10), start=200))
    data = load(spec, cache=tmp_path / "cache")
    assert data.test.inputs.min() == 200


def test_steps_size_and_window_shape_the_frames(tmp_path):
    for name in "ab":
        for number in range(3):
            rows = [(0, 0, t, t % 2) for t in range(0, 4000, 100)]
            make_files.aedat2(tmp_path / "set" / name / f"{number}.aedat", rows)
    spec = DataSpec("event-folder", str(tmp_path / "set"), steps=3)
    data = load(spec, cache=tmp_path / "cache")
    assert (data.inputs.shape, data.steps, data.shape) == ((6, 3, 2, 48, 48), 3, (2, 48, 48))
    small = load(
        DataSpec("event-folder", str(tmp_path / "set"), steps=2, size=8, window_ms=1), cache=tmp_path / "cache"
    )
    assert small.inputs.shape == (24, 2, 2, 8, 8)
    assert int(small.inputs.sum()) == 6 * 40
    assert small.train.batch([0]).max() == 5
    assert small.mean[0] == pytest.approx(10 / (2 * 64))


def test_a_single_recording_of_a_class_asks_for_a_window(tmp_path):
    for name in "ab":
        make_files.aedat2(tmp_path / "set" / name / "0.aedat", [(0, 0, 0, 1)])
    with pytest.raises(DataError, match="class 'a' has 1 to train on, and needs 3; a window cuts"):
        load(DataSpec("event-folder", str(tmp_path / "set")), cache=tmp_path / "cache")


def test_a_window_makes_no_second_class(tmp_path):
    make_files.aedat2(tmp_path / "set" / "a" / "0.aedat", [(0, 0, 0, 1)])
    with pytest.raises(DataError, match=r"one class only \(a\); at least two are needed$"):
        load(DataSpec("event-folder", str(tmp_path / "set")), cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"path": "x"}, "digits comes with the software"),
        ({"name": "mnist", "size": 14}, "size is for event recordings"),
        ({"name": "cifar10", "window_ms": 5.0}, "a window is for event recordings"),
        ({"name": "cifar"}, "unknown data set 'cifar'"),
    ],
)
def test_a_choice_that_the_data_set_does_not_know_is_an_error(choice, reason):
    with pytest.raises(DataError, match=reason):
        load(DataSpec(**choice))


def test_one_class_only_is_an_error(tmp_path):
    make_files.image(tmp_path / "set" / "a" / "1.png")
    with pytest.raises(DataError, match=r"image-folder: one class only \(a\)"):
        load(DataSpec("image-folder", str(tmp_path / "set")), cache=tmp_path / "cache")


def test_nothing_is_fetched_unless_asked(tmp_path, monkeypatch):
    def fetched(archives, root):
        assert all(isinstance(archive, Archive) for archive in archives)
        make_files.cifar10(root / "cifar-10-batches-bin")

    monkeypatch.setattr("msenas.data.loading.fetch_all", fetched)
    (tmp_path / "home").mkdir()
    spec = DataSpec("cifar10", str(tmp_path / "home"))
    with pytest.raises(DataError, match="nothing found"):
        load(spec, cache=tmp_path / "cache")
    assert len(load(spec, cache=tmp_path / "cache", download=True).test) == 10
    assert find("cifar10", str(tmp_path / "home"))


def test_arrays_in_memory():
    inputs = np.arange(12 * 2 * 2, dtype=np.uint8).reshape(12, 1, 1, 2, 2)
    with pytest.raises(DataError, match="inputs are float64"):
        from_arrays(inputs / 2, np.zeros(12, int), ("a",))
    inputs = np.concatenate([inputs, inputs], axis=2)
    data = from_arrays(inputs, np.tile([0, 1], 6), ("a", "b"))
    assert (data.kind, data.steps, data.shape) == ("events", 1, (2, 2, 2))
    assert np.array_equal(data.train.batch([1]), inputs[data.train.rows[[1]]])


def test_every_data_set_can_be_named():
    assert all(DataSpec(name).name == name for name in DATASETS)
