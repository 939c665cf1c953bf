"""Readers of event recordings, by suffix.

.aedat (2.0 and 3.1) and .aedat4 are iniVation's formats, .bin is the 40-bit format of N-MNIST, and .npy, .npz
and .h5 hold arrays: fields, keys or data sets x, y, t (microseconds) and p.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msenas.data.aedat import read_aedat
from msenas.data.events import LONGEST, Events, make_events, whole
from msenas.data.npz import BROKEN, read_npz
from msenas.errors import DataError, unknown

MOST_EVENTS = 1 << 28
"""Events of one recording."""
LARGEST_ITEM = 8
"""Bytes of one number of an HDF5 file."""
LARGEST_FILE = 1 << 33
"""Bytes of one recording."""
NAMES = {"x": ("x",), "y": ("y",), "t": ("t", "ts", "timestamp"), "p": ("p", "on", "polarity")}
"""What each column may be called."""
COLUMNS = ("x", "y", "p", "t")
"""Order of a plain array [N, 4], that of tonic's copy of DVS128-Gesture."""


def columns(fields: Mapping[str, Any], where: Path) -> list[Any]:
    """The columns x, y, t, p by any of their names.

    Raises:
        DataError: one is missing.
    """
    found = []
    for column, names in NAMES.items():
        name = next((name for name in names if name in fields), None)
        if name is None:
            raise DataError(f"{where}: no {column!r} among {', '.join(map(str, fields)) or 'nothing'}")
        found.append(fields[name])
    return found


def from_array(array: NDArray[Any], where: Path, tick: int = 1) -> Events:
    """Events from a structured array, or from a plain one [N, 4] of x, y, p, t.

    Args:
        array: the events.
        where: the file, for messages.
        tick: microseconds of one unit of time.

    Raises:
        DataError: another shape.
    """
    if array.dtype.names is not None and array.ndim == 1:
        x, y, t, p = columns({name: array[name] for name in array.dtype.names}, where)
    elif array.ndim == 2 and array.shape[1] == len(COLUMNS):
        x, y, p, t = array.T
    else:
        raise DataError(
            f"{where}: array {array.dtype} {list(array.shape)}; fields x, y, t, p or columns x, y, p, t are needed"
        )
    times = whole(t, "t", where)
    if len(times) and int(np.abs(times).max()) > LONGEST:
        raise DataError(f"{where}: times up to {np.abs(times).max()}; at most {LONGEST} are read")
    return make_events(x, y, times * tick, p, where)


def load_npy(file: Path) -> NDArray[Any]:
    """The array of a .npy file, without objects.

    Raises:
        DataError: the file is damaged or holds objects.
    """
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except BROKEN as error:
        raise DataError(f"{file}: not a readable npy of plain values ({error})") from error
    if not isinstance(array, np.ndarray) or array.size > 4 * MOST_EVENTS:
        raise DataError(f"{file}: not one array of at most {MOST_EVENTS:,} events")
    return array


def read_npy(file: Path) -> Events:
    """Events of a .npy file."""
    return from_array(load_npy(file), file)


def read_npy_ms(file: Path) -> Events:
    """Events of a .npy file whose times are milliseconds, as in tonic's copy of DVS128-Gesture."""
    return from_array(load_npy(file), file, tick=1000)


def read_npz_events(file: Path) -> Events:
    """Events of a .npz file: keys x, y, t, p, or one array under the key `events`."""
    arrays = read_npz(file)
    if "events" in arrays:
        return from_array(arrays["events"], file)
    x, y, t, p = (np.atleast_1d(column) for column in columns(arrays, file))
    return make_events(x, y, t, p, file)


def read_bin(file: Path) -> Events:
    """Events of a .bin file of N-MNIST: 5 bytes each, x, y, polarity bit and 23 bits of microseconds."""
    from tonic.io import read_mnist_file

    size = file.stat().st_size
    if size == 0 or size % 5:
        raise DataError(f"{file}: {size:,} bytes; a multiple of 5 (one event) is needed")
    fields = np.dtype([(name, np.int64) for name in ("x", "y", "t", "p")])
    return from_array(read_mnist_file(str(file), dtype=fields), file)


def read_aedat4(file: Path) -> Events:
    """Events of the first event stream of an AEDAT 4 file."""
    import aedat

    try:
        decoder = aedat.Decoder(str(file))
        streams = {number: stream for number, stream in decoder.id_to_stream().items() if stream["type"] == "events"}
        if not streams:
            raise DataError(f"{file}: no stream of events")
        first = min(streams)
        packets = [packet["events"] for packet in decoder if packet["stream_id"] == first]
    except (RuntimeError, OSError, ValueError, OverflowError) as error:
        raise DataError(f"{file}: not a readable AEDAT 4 file ({error})") from error
    if not packets:
        raise DataError(f"{file}: no events")
    events = np.concatenate(packets)
    sensor = (int(streams[first]["width"]), int(streams[first]["height"]))
    return make_events(events["x"], events["y"], events["t"], events["on"], file, sensor)


def read_h5(file: Path) -> Events:
    """Events of an HDF5 file: data sets x, y, t, p at its root or in the group `events`.

    Raises:
        DataError: damaged, or a link, external storage or virtual data set that leads elsewhere.
    """
    import h5py

    try:
        with h5py.File(file, "r") as root:
            group = root
            if "events" in root:
                group = plain_member(root, "events", h5py.Group, file)
            fields = {name: plain_member(group, name, h5py.Dataset, file) for name in group}
            picked = columns(fields, file)
            if any(data.size > MOST_EVENTS or data.dtype.itemsize > LARGEST_ITEM for data in picked):
                raise DataError(f"{file}: more than {MOST_EVENTS:,} events, or no plain numbers")
            x, y, t, p = (np.atleast_1d(data[()]) for data in picked)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        raise DataError(f"{file}: not a readable HDF5 file of events ({error})") from error
    return make_events(x, y, t, p, file)


def plain_member(group: Any, name: str, kind: type, file: Path) -> Any:  # noqa: ANN401 - h5py is untyped
    """A member that lies in this very file.

    Raises:
        DataError: it is a link, lies in another file, or is of another kind.
    """
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise DataError(f"{file}: {name!r} is a soft or external link, which is not followed")
    member = group[name]
    if not isinstance(member, kind):
        raise DataError(f"{file}: {name!r} is a {type(member).__name__}; a {kind.__name__} is needed")
    if isinstance(member, h5py.Dataset) and (member.external or member.is_virtual):
        raise DataError(f"{file}: {name!r} is stored in another file, which is not opened")
    return member


READERS: dict[str, Callable[[Path], Events]] = {
    ".aedat": read_aedat,
    ".aedat4": read_aedat4,
    ".bin": read_bin,
    ".npy": read_npy,
    ".npz": read_npz_events,
    ".h5": read_h5,
    ".hdf5": read_h5,
}
SUFFIXES = frozenset(READERS)


def read_recording(file: Path) -> Events:
    """The events of a recording, by the suffix of its file.

    Raises:
        DataError: the suffix is unknown, or the file is empty, too large, or damaged.
    """
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise DataError(f"{file}: {unknown('kind of recording', file.suffix, READERS)}")
    size = file.stat().st_size
    if not 0 < size <= LARGEST_FILE:
        raise DataError(f"{file}: {size:,} bytes; 1..{LARGEST_FILE:,} are needed")
    return reader(file)
