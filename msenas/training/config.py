"""Options of a training, as the user gives them and as a folder keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from msenas.errors import InputError, unknown
from msenas.learning.config import TrainConfig
from msenas.search.config import absolute_paths

CHANGEABLE = ("data", "device", "time_limit", "patience")
"""Options that may differ when a training is resumed; data that have moved must still have the same content."""


def build_train_config(options: Mapping[str, Any], begun: TrainConfig | None = None) -> TrainConfig:
    """A configuration from options, with paths made absolute.

    Args:
        options: by the names of `TrainConfig`.
        begun: what the training to resume was begun with; everything not given is as there, or else has its default.

    Raises:
        InputError: A key is unknown, a value is not allowed, or an option is given that means nothing without another.
    """
    known = [f.replace("_", "-") for f in TrainConfig.__struct_fields__]
    for key in options:
        if key.replace("_", "-") not in known:
            raise InputError(unknown("option of a training", key, known))
    before = {} if begun is None else msgspec.to_builtins(begun)
    try:
        config = msgspec.convert(before | absolute_paths(options), TrainConfig)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise InputError(f"options of the training: {error}") from None
    # A record always has a share; whoever resumes with another one is told that it differs.
    if begun is None and config.early_steps is None and options.get("early_share") is not None:
        raise InputError("--early-share needs --early-steps, the time steps in that part of the training")
    return config


def differences(old: TrainConfig, new: TrainConfig) -> list[str]:
    """Options that differ and may not when a training is resumed, as `name: old -> new`."""
    fixed = [f for f in TrainConfig.__struct_fields__ if f not in CHANGEABLE]
    pairs = [(f, getattr(old, f), getattr(new, f)) for f in fixed]
    return [f"{f.replace('_', '-')}: {before} -> {after}" for f, before, after in pairs if before != after]
