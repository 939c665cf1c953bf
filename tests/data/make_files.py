"""Tiny hand-made copies of data sets, as their files lie on disk."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import Image

PIXELS = 3 * 32 * 32


def cifar_records(labels, label_bytes=1, start=0):
    """Records whose pixels all have the value start + row."""
    rows = []
    for row, label in enumerate(labels):
        rows.append(bytes([0] * (label_bytes - 1) + [label]) + bytes([start + row]) * PIXELS)
    return b"".join(rows)


def cifar10(folder: Path, per_class=2) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    labels = list(range(10)) * per_class
    (folder / "data_batch_1.bin").write_bytes(cifar_records(labels))
    (folder / "test_batch.bin").write_bytes(cifar_records(range(10), start=100))
    return folder


def idx_bytes(array: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def mnist(folder: Path, per_class=2) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, count in (("train", per_class), ("t10k", 1)):
        labels = np.tile(np.arange(10), count)
        images = np.repeat(labels, 28 * 28).reshape(-1, 28, 28)
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return folder


def image(file: Path, size=(4, 4), value=7, mode="L") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(file)
    return file


def aedat2_word(x: int, y: int, on: int) -> int:
    """Address of a DVS128 in AEDAT 2.0: mirrored, bit 0 clear for ON."""
    return (127 - y) << 8 | (127 - x) << 1 | (1 - on)


def aedat2(file: Path, events) -> Path:
    """Events (x, y, t, on)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    body = b"".join(struct.pack(">II", aedat2_word(x, y, on), t) for x, y, t, on in events)
    file.write_bytes(b"#!AER-DAT2.0\r\n# made by hand\r\n" + body)
    return file


def aedat31_packet(events, kind=1, overflow=0) -> bytes:
    """One packet of (x, y, t, on, valid) polarity events."""
    count = len(events)
    head = struct.pack("<hhiiiiii", kind, 1, 8, 4, overflow, count, count, count)
    body = b"".join(struct.pack("<Ii", x << 17 | y << 2 | on << 1 | ok, t) for x, y, t, on, ok in events)
    return head + body


def aedat31(file: Path, *packets: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    head = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"
    file.write_bytes(head + b"".join(packets))
    return file


def nmnist_bin(file: Path, events) -> Path:
    """Events (x, y, t, on) in 40 bits each."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [bytes((x, y, on << 7 | t >> 16 & 0x7F, t >> 8 & 0xFF, t & 0xFF)) for x, y, t, on in events]
    file.write_bytes(b"".join(rows))
    return file


def structured(events) -> np.ndarray:
    """Events (x, y, t, on) as a structured array of another field order."""
    fields = [("t", np.int64), ("p", bool), ("y", np.int16), ("x", np.int16)]
    return np.array([(t, on, y, x) for x, y, t, on in events], dtype=fields)
