"""The configuration of a search from options, presets and TOML files, and as TOML."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from msenas.errors import InputError, unknown
from msenas.runs.files import read_bytes
from msenas.search.config import SearchConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PRESETS: dict[str, dict[str, Any]] = {"paper": {"population": 50, "generations": 80, "fitness": "rdm-paper"}}
"""Options by name of a preset: the score and the evaluation budget of MSE-NAS."""
LARGEST_TOML = 1 << 15
"""Bytes of a configuration: the time to parse a dotted key grows with the square of its length."""


def build_config(options: Mapping[str, Any], file: Path | None = None, preset: str | None = None) -> SearchConfig:
    """Defaults, then preset, then file, then options; later ones win.

    A search for which the fitness counts for nothing, and that names none, has a training-free one.

    Raises:
        InputError: A key is unknown (the nearest known one is named) or a value is not allowed.
    """
    given = given_options(options, file, preset)
    config = _convert(given, str(file) if file else "options")
    if "fitness" in (*given, *config.objectives):
        return config
    return msgspec.structs.replace(config, fitness=config.screen)


def given_options(options: Mapping[str, Any], file: Path | None = None, preset: str | None = None) -> dict[str, Any]:
    """What preset, file and options say, by the names of `SearchConfig`; later ones win.

    Raises:
        InputError: A key or the preset is unknown.
    """
    merged: dict[str, Any] = {}
    if preset is not None:
        if preset not in PRESETS:
            raise InputError(unknown("preset", preset, PRESETS))
        merged |= PRESETS[preset]
    if file is not None:
        merged |= read_toml(file)
    return merged | dict(options)


def read_toml(path: Path) -> dict[str, Any]:
    """The keys of a configuration file.

    Raises:
        InputError: The file is missing or no TOML, or has a key that no option has.
    """
    try:
        data = tomllib.loads(read_bytes(path, LARGEST_TOML).decode())
    except RecursionError:
        raise InputError(f"{path}: nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    known = [f.replace("_", "-") for f in SearchConfig.__struct_fields__]
    for key in data:
        if key.replace("_", "-") not in known:
            raise InputError(f"{path}: {unknown('key', key, known)}")
        if "_" in key and key.replace("_", "-") in data:
            raise InputError(f"{path}: {key} is given twice, also as {key.replace('_', '-')}")
    return {key.replace("-", "_"): value for key, value in data.items()}


def write_toml(config: SearchConfig) -> str:
    """The configuration as TOML; options that were left to the data are absent."""
    data = msgspec.to_builtins(config)
    return tomli_w.dumps({k.replace("_", "-"): v for k, v in data.items() if v is not None})


def _convert(data: Mapping[str, Any], where: str) -> SearchConfig:
    try:
        return msgspec.convert(dict(data), SearchConfig)
    except msgspec.ValidationError as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        raise InputError(f"{where}: {error}") from None
