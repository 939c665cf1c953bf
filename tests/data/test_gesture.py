import numpy as np
import pytest

from msenas.data.gesture import CLASSES, NPY, ORIGINAL, read_table
from msenas.data.progress import silent
from msenas.data.spec import DataSpec
from msenas.errors import DataError

from . import make_files


def read(layout, folder):
    parts = []
    decoded = layout.read(folder, layout.find(folder), DataSpec(), parts.append, silent)
    return np.concatenate(parts), decoded


def npy(folder):
    rows = np.array([[1, 2, 0, 0], [127, 127, 1, 9]], np.int16)
    for part, user in (("ibmGestureTrain", "user01_led"), ("ibmGestureTest", "user24_led")):
        (folder / part / user).mkdir(parents=True)
        for label in (10, 2):
            np.save(folder / part / user / f"{label}.npy", rows)
    return folder


def original(folder):
    for user in ("user01_led", "user24_fluorescent"):
        events = [(1, 2, 100, 1, 1), (3, 4, 199, 1, 1), (5, 6, 200, 1, 1), (7, 8, 299, 0, 1)]
        make_files.aedat31(folder / f"{user}.aedat", make_files.aedat31_packet(events))
        table = "class,startTime_usec,endTime_usec\n1,100,200\n11,200,300\n"
        (folder / f"{user}_labels.csv").write_text(table)
    (folder / "trials_to_train.txt").write_text("user01_led.aedat\n")
    (folder / "trials_to_test.txt").write_text("user24_fluorescent.aedat\n\n")
    return folder


def test_the_copy_of_tonic(tmp_path):
    frames, decoded = read(NPY, npy(tmp_path))
    assert frames.shape == (4, 4, 2, 48, 48)
    assert decoded.labels.tolist() == [10, 2, 10, 2]
    assert decoded.is_test.tolist() == [False, False, True, True]
    assert decoded.classes == CLASSES


def test_a_file_that_is_no_label_is_named(tmp_path):
    npy(tmp_path)
    file = tmp_path / "ibmGestureTrain" / "user01_led" / "2.npy"
    file.rename(file.with_name("11.npy"))
    with pytest.raises(DataError, match=r"11\.npy: a name from 0\.npy to 10\.npy"):
        read(NPY, tmp_path)


def test_the_original_is_cut_as_its_tables_say(tmp_path):
    frames, decoded = read(ORIGINAL, original(tmp_path))
    assert frames.reshape(4, -1).sum(1).tolist() == [2, 2, 2, 2]
    assert frames[0, :, 1].sum() == 2
    assert decoded.labels.tolist() == [0, 10, 0, 10]
    assert decoded.is_test.tolist() == [False, False, True, True]


def test_a_listed_recording_that_is_missing_is_named(tmp_path):
    (original(tmp_path) / "user01_led.aedat").unlink()
    with pytest.raises(DataError, match=r"trials_to_train\.txt names user01_led\.aedat"):
        read(ORIGINAL, tmp_path)


def test_lists_lead_nowhere_else(tmp_path):
    folder = original(tmp_path / "set")
    make_files.aedat31(tmp_path / "other.aedat")
    (folder / "trials_to_train.txt").write_text("../other.aedat\n")
    with pytest.raises(DataError, match="which is not there"):
        read(ORIGINAL, folder)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("class,start,end\n", "no rows"),
        ("class,start,end\n1,2\n", "row '1,2'; class,start,end"),
        ("class,start,end\n0,1,2\n", r"class 1\.\.11"),
        ("class,start,end\n1,2,2\n", "start < end"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, text, reason):
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(DataError, match=reason):
        read_table(tmp_path / "f.csv")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"f\.csv: not a readable table"):
        read_table(tmp_path / "f.csv")
