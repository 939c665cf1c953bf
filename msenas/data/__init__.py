"""Data sets: images and event recordings behind one interface."""

from msenas.data.dataset import Dataset, Samples, Split
from msenas.data.loading import from_arrays, load
from msenas.data.locate import Found, find
from msenas.data.registry import DATASETS
from msenas.data.spec import DataSpec

__all__ = ["DATASETS", "DataSpec", "Dataset", "Found", "Samples", "Split", "find", "from_arrays", "load"]
