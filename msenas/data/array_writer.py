"""Appends samples to a .npy file whose length, and whose smallest sufficient dtype, show only at the end."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from msenas.errors import DataError

UNSIGNED = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.uint32))
TWICE = {np.dtype(np.uint8): np.uint16, np.dtype(np.uint16): np.uint32, np.dtype(np.uint32): np.uint64}
"""The type that holds the square of every value."""
BLOCK = 1 << 24
"""Values handled at once, so that temporary copies stay small."""


def smallest(largest: int) -> np.dtype[Any]:
    """The smallest unsigned dtype that holds `largest`.

    Raises:
        DataError: it needs more than 32 bits.
    """
    for dtype in UNSIGNED:
        if largest <= np.iinfo(dtype).max:
            return dtype
    raise DataError(f"a count of {largest:,} does not fit in 32 bits")


def moments_of(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Sum and sum of squares per sample and channel, [n, 2, C], of [n, ..., C, H, W]; exact below 2**53."""
    count, channels = len(samples), samples.shape[-3]
    out = np.empty((count, 2, channels))
    step = max(1, BLOCK // max(1, samples[0].size)) if count else 1
    for start in range(0, count, step):
        block = samples[start : start + step]
        pixels = block.reshape(*block.shape[:-2], -1)
        squares = np.square(pixels, dtype=TWICE[block.dtype])
        for place, values in enumerate((pixels, squares)):
            frames = values.sum(axis=-1, dtype=np.uint64)
            out[start : start + step, place] = frames.reshape(len(block), -1, channels).sum(axis=1)
    return out


class ArrayWriter:
    """A .npy file that grows along its first axis. Use it as a context and end with `finish`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("w+b")
        self.dtype = UNSIGNED[0]
        self.tail: tuple[int, ...] = ()
        self.count = 0
        self.start = 0
        self.sums: list[NDArray[np.float64]] = []

    def __enter__(self) -> ArrayWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def append(self, samples: NDArray[Any]) -> None:
        """Add unsigned samples [n, ...], all of one shape.

        Raises:
            DataError: the shape differs from the first samples'.
        """
        if not self.tail:
            self.tail = samples.shape[1:]
            self.start = self.write_header()
        if samples.shape[1:] != self.tail:
            raise DataError(f"a sample has the shape {samples.shape[1:]}, those before it {self.tail}")
        if len(samples) == 0:
            return
        dtype = smallest(int(samples.max()))
        if dtype.itemsize > self.dtype.itemsize:
            self.widen(dtype)
        self.file.write(np.ascontiguousarray(samples, dtype=self.dtype).data)
        self.count += len(samples)
        self.sums.append(moments_of(samples.astype(dtype, copy=False)))

    def write_header(self) -> int:
        """Write the header for what is there, and say where the data begins; numpy leaves it room to grow."""
        header = {
            "descr": npy.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.count, *self.tail),
        }
        self.file.seek(0)
        npy.write_array_header_1_0(self.file, header)
        return self.file.tell()

    def widen(self, dtype: np.dtype[Any]) -> None:
        """Rewrite what is there in a larger type, last block first as the blocks grow into one another."""
        values = self.count * int(np.prod(self.tail, dtype=np.int64))
        for first in reversed(range(0, values, BLOCK)):
            length = min(BLOCK, values - first)
            self.file.seek(self.start + first * self.dtype.itemsize)
            block = np.frombuffer(self.file.read(length * self.dtype.itemsize), self.dtype)
            self.file.seek(self.start + first * dtype.itemsize)
            self.file.write(block.astype(dtype).data)
        self.dtype = dtype
        self.file.seek(0, 2)

    def finish(self) -> None:
        """Write the final header.

        Raises:
            DataError: nothing was appended.
        """
        if self.count == 0:
            raise DataError("no samples were found")
        # an assertion, as a header of another length would overwrite samples
        assert self.write_header() == self.start
        self.file.flush()

    def moments(self) -> NDArray[np.float64]:
        """Sum and sum of squares of every sample's channels, [N, 2, C]."""
        return np.concatenate(self.sums)
