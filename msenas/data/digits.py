"""The 1,797 handwritten digits that come with scikit-learn: no file, no download."""

from __future__ import annotations

import numpy as np

from msenas.data.dataset import WHITE
from msenas.data.decoded import Decoded, Sink

DEEPEST = 16
"""The pixel values of the source run from 0 to 16."""


def read_digits(sink: Sink) -> Decoded:
    """Images uint8 [1797, 1, 8, 8]; the values 0..16 become the 17 nearest integers to v * 255 / 16.

    Source: `sklearn.datasets.load_digits`, the test part of UCI's optical digits.
    """
    from sklearn.datasets import load_digits

    source = load_digits()
    images = np.rint(source.images * (WHITE / DEEPEST)).astype(np.uint8)
    sink(images[:, None])
    return Decoded(source.target.astype(np.int64), tuple(str(digit) for digit in range(10)))
