"""DVS128-Gesture as tonic's copy (one .npy a gesture) and as the original recordings with tables of times.

Sources: https://research.ibm.com/interactive/dvsgesture/ and tonic.datasets.DVSGesture
"""

from __future__ import annotations

import csv
from pathlib import Path

from msenas.data.decoded import Layout
from msenas.data.event_folders import DVS128_SENSOR
from msenas.data.event_samples import Cut, Recording, RecordingSet, event_layout
from msenas.data.recordings import read_npy_ms, read_recording
from msenas.errors import DataError

CLASSES = (
    "hand clapping",
    "right hand wave",
    "left hand wave",
    "right arm clockwise",
    "right arm counter-clockwise",
    "left arm clockwise",
    "left arm counter-clockwise",
    "arm roll",
    "air drums",
    "air guitar",
    "other gestures",
)
TRAIN_FOLDER, TEST_FOLDER = "ibmGestureTrain", "ibmGestureTest"
LISTS = ("trials_to_train.txt", "trials_to_test.txt")
LARGEST_TABLE = 1 << 20
"""Bytes of a list of files or a table of times."""
COUNTS = "1,077 + 264 gestures in tonic's copy, 1,176 + 288 cut from the original: not comparable"


def find_npy(folder: Path) -> tuple[Path, ...]:
    """LABEL.npy files below the users' folders, training first."""
    files: list[Path] = []
    for part in (TRAIN_FOLDER, TEST_FOLDER):
        files += sorted((folder / part).glob("*/*.npy"))
    return tuple(files)


def npy_recordings(root: Path, files: tuple[Path, ...]) -> RecordingSet:
    """The gestures of tonic's copy; the file's name is the label 0..10.

    Raises:
        DataError: a file is not named after a label.
    """
    recordings = []
    for file in files:
        if file.stem not in map(str, range(len(CLASSES))):
            raise DataError(f"{file}: a name from 0.npy to {len(CLASSES) - 1}.npy is needed")
        is_test = file.relative_to(root).parts[0] == TEST_FOLDER
        recordings.append(Recording(file, (Cut(int(file.stem)),), is_test))
    tests = any(recording.is_test for recording in recordings)
    notes = (f"{len(recordings):,} gestures; {COUNTS}",)
    return RecordingSet(tuple(recordings), CLASSES, tests, DVS128_SENSOR, read_npy_ms, notes)


def find_original(folder: Path) -> tuple[Path, ...]:
    """The two lists of trials, then the recordings and tables of times that are there."""
    lists = [folder / name for name in LISTS]
    if not all(file.is_file() for file in lists):
        return ()
    return (*lists, *sorted(folder.glob("user*.aedat")), *sorted(folder.glob("user*_labels.csv")))


def original_recordings(root: Path, files: tuple[Path, ...]) -> RecordingSet:
    """The recordings that the two lists name, cut as the table beside each says.

    Raises:
        DataError: a list names a file that is not there, or a table is damaged.
    """
    del files
    recordings = []
    for name in LISTS:
        for line in read_small(root / name).split():
            file = root / Path(line).name
            if not file.is_file():
                raise DataError(f"{root / name} names {line}, which is not there")
            cuts = read_table(file.with_name(f"{file.stem}_labels.csv"))
            recordings.append(Recording(file, cuts, name == LISTS[1]))
    gestures = sum(len(recording.cuts) for recording in recordings)
    notes = (f"{gestures:,} gestures; {COUNTS}",)
    return RecordingSet(tuple(recordings), CLASSES, True, DVS128_SENSOR, read_recording, notes)


def read_small(file: Path) -> str:
    """The text of a small file.

    Raises:
        DataError: it is missing, large, or no text.
    """
    try:
        if file.stat().st_size > LARGEST_TABLE:
            raise DataError(f"{file}: more than {LARGEST_TABLE:,} bytes")
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: not a readable table ({error})") from error


def read_table(file: Path) -> tuple[Cut, ...]:
    """Rows of class 1..11, start and end in microseconds, after a line of titles.

    Raises:
        DataError: another content.
    """
    cuts = []
    for row in list(csv.reader(read_small(file).splitlines()))[1:]:
        try:
            label, start, end = map(int, row)
        except ValueError as error:
            raise DataError(f"{file}: row {','.join(row)!r}; class,start,end as integers is needed") from error
        if not 1 <= label <= len(CLASSES) or start >= end:
            raise DataError(f"{file}: row {','.join(row)!r}; class 1..{len(CLASSES)} and start < end are needed")
        cuts.append(Cut(label - 1, start, end))
    if not cuts:
        raise DataError(f"{file}: no rows")
    return tuple(cuts)


NPY: Layout = event_layout(
    "npy",
    f"{TRAIN_FOLDER}/userNN_LIGHT/0..10.npy and {TEST_FOLDER}/userNN_LIGHT/0..10.npy",
    find_npy,
    npy_recordings,
)
ORIGINAL: Layout = event_layout(
    "original",
    f"userNN_LIGHT.aedat, userNN_LIGHT_labels.csv and {', '.join(LISTS)}",
    find_original,
    original_recordings,
)
