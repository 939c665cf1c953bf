import h5py
import numpy as np
import pytest

from msenas.data.recordings import READERS, read_npy_ms, read_recording
from msenas.errors import DataError

from . import make_files

EVENTS = [(3, 4, 10, 1), (33, 0, 20, 0)]
X, Y, T, P = (np.array(column) for column in zip(*EVENTS, strict=True))


def h5(file, **fields):
    with h5py.File(file, "w") as root:
        for name, values in fields.items():
            root[name] = values
    return file


def save(file, array):
    np.save(file, array)
    return file


def archive(file, **arrays):
    np.savez(file, **arrays)
    return file


MAKERS = {
    ".aedat": lambda file: make_files.aedat2(file, EVENTS),
    ".bin": lambda file: make_files.nmnist_bin(file, EVENTS),
    ".npy": lambda file: save(file, make_files.structured(EVENTS)),
    ".npz": lambda file: archive(file, x=X, y=Y, t=T, p=P),
    ".h5": lambda file: h5(file, x=X, y=Y, t=T, p=P),
    ".hdf5": lambda file: h5(file, **{"events/x": X, "events/y": Y, "events/timestamp": T, "events/polarity": P}),
}


@pytest.mark.parametrize("suffix", sorted(set(READERS) - {".aedat4"}))
def test_every_reader_gives_the_same_events(tmp_path, suffix):
    events = read_recording(MAKERS[suffix](tmp_path / f"f{suffix}"))
    assert events.x.tolist() == [3, 33]
    assert events.y.tolist() == [4, 0]
    assert events.t.tolist() == [10, 20]
    assert events.on.tolist() == [True, False]


@pytest.mark.parametrize("suffix", sorted(READERS))
@pytest.mark.parametrize(("content", "reason"), [(b"", "0 bytes"), (b"\x00\x01junk!", r"f\.")])
def test_every_reader_names_an_empty_or_foreign_file(tmp_path, suffix, content, reason):
    file = tmp_path / f"f{suffix}"
    file.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_recording(file)


class Decoder:
    """What the aedat library gives for a file of two event streams and a stream of frames."""

    def __init__(self, file):
        self.file = file

    def id_to_stream(self):
        events = {"type": "events", "width": 40, "height": 30}
        return {2: events, 1: events, 0: {"type": "frame"}}

    def __iter__(self):
        fields = [("t", "u8"), ("x", "u2"), ("y", "u2"), (("p", "on"), "?")]
        rows = np.array([(1_600_000_000_000_000 + t, x, y, on) for x, y, t, on in EVENTS], fields)
        yield {"stream_id": 0, "frame": None}
        yield {"stream_id": 2, "events": rows}
        yield {"stream_id": 1, "events": rows[:1]}
        yield {"stream_id": 1, "events": rows[1:]}


def test_aedat4_gives_the_first_event_stream(tmp_path, monkeypatch):
    monkeypatch.setattr("aedat.Decoder", Decoder)
    (tmp_path / "f.aedat4").write_bytes(b"#!AER-DAT4.0\r\n")
    events = read_recording(tmp_path / "f.aedat4")
    assert (events.t - events.t.min()).tolist() == [0, 10]
    assert (events.x.tolist(), events.y.tolist(), events.on.tolist()) == ([3, 33], [4, 0], [True, False])
    assert events.sensor == (40, 30)


def test_another_suffix_is_named(tmp_path):
    with pytest.raises(DataError, match=r"unknown kind of recording '\.raw'"):
        read_recording(tmp_path / "f.raw")


def test_nmnist_times_beyond_the_23_bits_go_on(tmp_path):
    file = make_files.nmnist_bin(tmp_path / "f.bin", [(1, 1, 5, 1), (0, 240, 0, 0), (2, 2, 6, 0)])
    assert read_recording(file).t.tolist() == [5, 6 + 2**13]


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.float32, np.int64])
def test_milliseconds_do_not_overflow_in_the_stored_type(tmp_path, dtype):
    rows = np.array([[1, 2, 0, 0], [3, 4, 1, 32_000]]).astype(dtype)
    events = read_npy_ms(save(tmp_path / "3.npy", rows))
    assert events.t.tolist() == [0, 32_000_000]
    assert (events.x.tolist(), events.y.tolist(), events.on.tolist()) == ([1, 3], [2, 4], [False, True])


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((3, 5)), r"float64 \[3, 5\]"),
        (np.zeros(3, [("x", "i4"), ("y", "i4"), ("t", "i4")]), "no 'p' among x, y, t"),
        (np.array([{}]), "not a readable npy"),
        (np.full((1, 4), 2**60), "polarities|times"),
    ],
)
def test_unfit_arrays_are_named(tmp_path, array, reason):
    with pytest.raises(DataError, match=reason):
        read_recording(save(tmp_path / "f.npy", array))


def test_a_truncated_bin_is_named(tmp_path):
    file = make_files.nmnist_bin(tmp_path / "f.bin", EVENTS)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="9 bytes; a multiple of 5"):
        read_recording(file)


@pytest.mark.parametrize("link", [h5py.SoftLink("/x"), h5py.ExternalLink("other.h5", "/x")])
def test_links_of_hdf5_are_not_followed(tmp_path, link):
    h5(tmp_path / "other.h5", x=X)
    file = h5(tmp_path / "f.h5", x=X, y=Y, p=P)
    with h5py.File(file, "a") as root:
        root["t"] = link
    with pytest.raises(DataError, match="'t' is a soft or external link"):
        read_recording(file)


def test_hdf5_data_of_another_file_are_not_read(tmp_path):
    (tmp_path / "raw").write_bytes(T.tobytes())
    file = h5(tmp_path / "f.h5", x=X, y=Y, p=P)
    with h5py.File(file, "a") as root:
        root.create_dataset("t", T.shape, T.dtype, external=[(str(tmp_path / "raw"), 0, 16)])
    with pytest.raises(DataError, match="'t' is stored in another file"):
        read_recording(file)


def test_a_group_in_the_place_of_data_is_named(tmp_path):
    file = h5(tmp_path / "f.h5", **{"x/deep": X})
    with pytest.raises(DataError, match="'x' is a Group; a Dataset is needed"):
        read_recording(file)
