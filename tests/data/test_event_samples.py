import numpy as np
import pytest

from msenas.data.event_samples import Cut, Recording, RecordingSet, decode_recordings, side_of
from msenas.data.events import make_events
from msenas.data.progress import silent
from msenas.data.spec import DataSpec
from msenas.errors import DataError


def reader(rows, sensor=None):
    """A reader that gives the same events (x, y, t, on) for every file."""

    def read(file):
        return make_events(*(np.array(column) for column in zip(*rows, strict=True)), file, sensor)

    return read


def decode(recorded, **choices):
    parts = []
    decoded = decode_recordings(recorded, DataSpec(**choices), parts.append, silent)
    return np.concatenate(parts), decoded


def recordings(path):
    return (Recording(path / "a", (Cut(0),)), Recording(path / "b", (Cut(1),), True))


@pytest.mark.parametrize(
    ("sensor", "size", "side"),
    [
        ((34, 34), None, (34, 34)),
        ((40, 30), None, (30, 40)),
        ((128, 128), None, (48, 48)),
        ((128, 128), 32, (32, 32)),
        ((34, 34), 64, (64, 64)),
    ],
)
def test_the_side(sensor, size, side):
    assert side_of(sensor, size) == side


def test_windows_carry_label_part_and_recording(tmp_path):
    read = reader([(0, 0, 0, 1), (0, 0, 1000, 1), (0, 0, 2999, 1)])
    recorded = RecordingSet(recordings(tmp_path), ("a", "b"), True, (4, 4), read)
    frames, decoded = decode(recorded, window_ms=1, steps=2)
    assert frames.shape == (6, 2, 2, 4, 4)
    assert decoded.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert decoded.recordings.tolist() == [0, 0, 0, 1, 1, 1]
    assert decoded.is_test.tolist() == [False] * 3 + [True] * 3


def test_events_left_out_are_said(tmp_path):
    read = reader([(0, 0, 0, 1), (0, 0, 1000, 1)])
    recorded = RecordingSet(recordings(tmp_path), ("a", "b"), False, (4, 4), read)
    _, decoded = decode(recorded, window_ms=1)
    assert decoded.is_test is None
    assert decoded.notes == ("2 events left out, in last windows that are filled by less than half",)


def test_cuts_of_one_recording_are_recordings_of_their_own(tmp_path):
    read = reader([(0, 0, 5, 1), (1, 0, 15, 1), (1, 0, 16, 1)])
    cuts = (Cut(0, 0, 10), Cut(1, 10, 20))
    recorded = RecordingSet((Recording(tmp_path / "a", cuts),), ("a", "b"), False, (4, 4), read)
    frames, decoded = decode(recorded, window_ms=1)
    assert frames.reshape(2, -1).sum(1).tolist() == [1, 2]
    assert decoded.recordings.tolist() == [0, 1]
    with pytest.raises(DataError, match="no events from 20 to 30 us"):
        decode(RecordingSet((Recording(tmp_path / "a", (Cut(0, 20, 30),)),), ("a",), False, (4, 4), read))


def test_the_sensor_is_told_or_inferred_and_said(tmp_path):
    rows = [(5, 2, 0, 1)]
    told = RecordingSet(recordings(tmp_path), ("a", "b"), False, None, reader(rows, (40, 30)))
    frames, decoded = decode(told)
    assert frames.shape[-2:] == (30, 40)
    assert "sensor 40x30 as the files say" in decoded.notes
    inferred = RecordingSet(recordings(tmp_path), ("a", "b"), False, None, reader(rows))
    frames, decoded = decode(inferred)
    assert frames.shape[-2:] == (3, 6)
    assert "sensor 6x3 inferred from the largest coordinates" in decoded.notes


def test_another_sensor_is_an_error(tmp_path):
    read = reader([(0, 0, 0, 1)], (40, 30))
    with pytest.raises(DataError, match="sensor 40x30, but 34x34 is needed"):
        decode(RecordingSet(recordings(tmp_path), ("a", "b"), False, (34, 34), read))
