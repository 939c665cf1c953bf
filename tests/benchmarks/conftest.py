"""Scripts of benchmarks as modules."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def winners(monkeypatch):
    """`benchmarks/winners.py`."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("winners")


@pytest.fixture
def records(monkeypatch):
    """`benchmarks/records.py`."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("records")
