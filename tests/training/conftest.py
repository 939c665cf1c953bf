"""What the tests of training share."""

from __future__ import annotations

import importlib
import random

import numpy as np
import pytest
import torch


@pytest.fixture
def same_global_random_state():
    """The test leaves the global generators of torch, numpy and Python as they were."""
    # Its first import draws from Python's generator.
    importlib.import_module("sklearn.datasets")
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    yield
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
