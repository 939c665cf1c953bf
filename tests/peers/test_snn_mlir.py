"""snn-mlir has a check of its own; what it accepts is what `msenas check --target snn-mlir` accepts."""

from __future__ import annotations

import pytest

from export.check import check
from tests.export.targets.zoo import ZOO

snn_mlir = pytest.importorskip("snn_mlir", reason="snn-mlir is not installed; `make peers` does")

UNREADABLE = ("groups", "wide_kernel", "nested")
"""NIR's own type check refuses them before snn-mlir sees them; it takes rectangular kernels."""
SILENT = ("unit_gain", "unit_gain_told", "fast", "steps_of_sinabs")
"""It takes r for tau/dt, and says nothing where that leaves no memory."""


@pytest.mark.parametrize("name", [name for name in ZOO if name not in UNREADABLE])
def test_the_same_verdict(name):
    accepted = snn_mlir.check(ZOO[name]()).ok
    assert check(ZOO[name](), "snn-mlir").accepted == (accepted and name not in SILENT)
    assert accepted or name not in SILENT
