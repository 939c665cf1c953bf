"""AEDAT 2.0 and 3.1, read here as the libraries at hand read neither into microseconds and pixels.

Source: https://docs.inivation.com/software/software-advanced-usage/file-formats/index.html
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msenas.data.events import Events, make_events
from msenas.errors import DataError

VERSION = re.compile(rb"#!AER-DAT(\d)\.(\d)")
END_OF_HEADER = b"#!END-HEADER"
MOST_HEADER_LINES = 10_000
SENSORS = {b"DVS128": (128, 128), b"DAVIS240": (240, 180), b"DAVIS346": (346, 260)}
"""Width and height by the name in the header of a 3.1 file."""

DVS128_SIDE = 128
SPECIAL = 1 << 15
"""Address bit of AEDAT 2.0 that marks an event of a plug, not of a pixel."""

PACKET_HEADER = struct.Struct("<hhiiiiii")
"""Type, source, bytes of an event, offset of its time, overflow of the clock, capacity, number, valid."""
POLARITY = 1
POLARITY_BYTES = 8


def read_aedat(file: Path) -> Events:
    """Events of an AEDAT file of version 2.0 (DVS128 only) or 3.1.

    Raises:
        DataError: another version, another camera, a file cut short, or no events.
    """
    data = file.read_bytes()
    version = VERSION.match(data)
    if version is None:
        raise DataError(f"{file}: starts with {data[:12]!r}; '#!AER-DAT2.0' or '#!AER-DAT3.1' is needed")
    number = f"{version[1].decode()}.{version[2].decode()}"
    header, start = split_header(data, number == "3.1")
    if number == "2.0":
        return read_2(data, start, file)
    if number == "3.1":
        return read_31(data, header, start, file)
    raise DataError(f"{file}: AEDAT {number}; 2.0, 3.1 and (as .aedat4) 4.0 are read")


def split_header(data: bytes, ends: bool) -> tuple[bytes, int]:
    """The header, and where the events begin: after the end mark, or after the last line with a '#' first."""
    start = 0
    for _ in range(MOST_HEADER_LINES):
        if data[start : start + 1] != b"#":
            break
        line_end = data.find(b"\n", start) + 1
        if line_end == 0:
            break
        line, start = data[start:line_end], line_end
        if ends and line.startswith(END_OF_HEADER):
            break
    return data[:start], start


def read_2(data: bytes, start: int, file: Path) -> Events:
    """Big-endian pairs of address and microseconds, in the address layout of jAER's DVS128.

    x counts from the right and y from the bottom there, and bit 0 is clear for ON: turned here so that the
    picture is upright.
    """
    if (len(data) - start) % 8:
        raise DataError(f"{file}: {len(data) - start:,} bytes of events; a multiple of 8 is needed")
    words = np.frombuffer(data, ">u4", offset=start).astype(np.uint32).reshape(-1, 2)
    words = words[(words[:, 0] & SPECIAL) == 0]
    address = words[:, 0]
    if len(address) and address.max() >= SPECIAL:
        raise DataError(f"{file}: address {address.max():#x} is beyond a DVS128, the only camera read from AEDAT 2.0")
    x = DVS128_SIDE - 1 - (address >> 1 & 0x7F).astype(np.int64)
    y = DVS128_SIDE - 1 - (address >> 8 & 0x7F).astype(np.int64)
    return make_events(x, y, unwrapped(words[:, 1]), 1 - (address & 1).astype(np.int64), file, (128, 128))


def unwrapped(stamps: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Times without the jumps of a 32-bit clock that starts over; small steps back stay as they are."""
    if len(stamps) == 0:
        return stamps.astype(np.int64)
    steps = np.diff(stamps).view(np.int32)
    return int(stamps[0]) + np.concatenate([[0], np.cumsum(steps, dtype=np.int64)])


def read_31(data: bytes, header: bytes, start: int, file: Path) -> Events:
    """Little-endian packets, of which those of polarity events are kept.

    An event is a word (bit 0 valid, bit 1 ON, then 15 bits of y and 15 of x) and 31 bits of microseconds.
    """
    words, times = [], []
    while start < len(data):
        if start + PACKET_HEADER.size > len(data):
            raise DataError(f"{file}: the last packet is cut short")
        kind, _, size, _, overflow, capacity, _, _ = PACKET_HEADER.unpack_from(data, start)
        start += PACKET_HEADER.size
        if size <= 0 or capacity < 0 or overflow < 0 or start + size * capacity > len(data):
            raise DataError(f"{file}: a packet of {capacity} events of {size} bytes does not fit into the file")
        if kind == POLARITY and size == POLARITY_BYTES:
            pairs = np.frombuffer(data, "<u4", 2 * capacity, start).reshape(-1, 2)
            pairs = pairs[pairs[:, 0] & 1 == 1]
            words.append(pairs[:, 0])
            times.append(pairs[:, 1].astype(np.int64) + (overflow << 31))
        start += size * capacity
    if not words:
        raise DataError(f"{file}: no packets of polarity events")
    word, t = np.concatenate(words), np.concatenate(times)
    sensor = next((size for name, size in SENSORS.items() if name in header), None)
    return make_events(word >> 17, word >> 2 & 0x7FFF, t, word >> 1 & 1, file, sensor)
