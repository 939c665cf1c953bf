"""Plan and weights to files that other tools read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from export.api import to_nir, to_onnx, verify

__all__ = ["to_nir", "to_onnx", "verify"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Functions for programs; they import torch, which modules beside them do without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from export import api

    return getattr(api, name)
