"""Checks of files from outside: bounded TOML, known keys, types, numbers in order. Every refusal is one line.

`where` is what a message starts with: the file and the table in it.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from msenas.errors import ProfileError, unknown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 256 * 1024
"""Largest file that is read."""
MAX_LINE = 1000
"""Longest line in bytes: the time to parse a dotted key grows with the square of its length."""
MAX_NUMBER = float(1 << 40)
"""Largest number, whatever its unit."""

ALLOWED: Mapping[str, str] = {
    "Name": "small letters, digits and hyphens, at most 64 characters",
    "Text": "text of 1 to 1000 characters",
    "Text | None": "text of 1 to 1000 characters",
    "tuple[Text, ...]": "a list of texts of 1 to 1000 characters",
    "Mapping[str, Text]": 'a table of KIND = "reason"',
    "int | None": "a whole number",
    "tuple[int, int] | None": "a pair of whole numbers [least, most]",
    "Count | None": "a whole number above 0",
    "Natural | None": "a whole number",
    "Counts | None": "a list of whole numbers above 0",
    "tuple[Count, Count] | None": "a pair of whole numbers [least, most]",
    "tuple[Natural, Natural] | None": "a pair of whole numbers [least, most]",
    "Filters | None": "a list of [input channels, kernel, most channels]",
    "Neurons | None": 'a table of lif, if, relu = "exact" or what the chip does instead',
    "Resets | None": 'a table of zero, subtract = "exact" or what the chip does instead',
    "Encodings | None": 'a table of direct, poisson, latency, events = "exact" or what the chip does instead',
    "bool | None": "true or false",
    "tuple[str, ...]": "a list of names",
    "float | None": "a number",
    "tuple[float, float] | None": "a pair of numbers [least, most]",
    "float | tuple[float, float] | None": "a number or a pair of numbers [least, most]",
}
"""What a field of a dataclass may hold, in words, by its annotation."""
PAIR = "[least, most]"
"""How these words say that two numbers are in order."""

Facts = TypeVar("Facts")


def read_bounded(path: Path, where: str) -> bytes:
    """The content of a file, at most one byte more than MAX_BYTES.

    Raises:
        ProfileError: There is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise ProfileError(f"{where}: there is no such file")
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProfileError(f"{where}: cannot be read: {error.strerror}") from None


def parse_toml(content: bytes, where: str) -> dict[str, Any]:
    """TOML in UTF-8 as data.

    Raises:
        ProfileError: It is larger than MAX_BYTES, has a line of more than MAX_LINE bytes, or is not TOML.
    """
    if len(content) > MAX_BYTES:
        raise ProfileError(f"{where}: larger than the allowed {MAX_BYTES // 1024} kB")
    for number, line in enumerate(content.split(b"\n"), start=1):
        if len(line) > MAX_LINE:
            raise ProfileError(f"{where}: line {number} is longer than the allowed {MAX_LINE} bytes")
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise ProfileError(f"{where}: not a text file in UTF-8") from None
    except RecursionError:
        raise ProfileError(f"{where}: nested too deeply") from None
    except ValueError as error:
        raise ProfileError(f"{where}: not TOML: {error}") from None


def known_table(data: object, known: Iterable[str], where: str) -> dict[str, Any]:
    """The data as a table, with known keys only.

    Raises:
        ProfileError: It is no table, or a key is unknown.
    """
    if not isinstance(data, dict):
        raise ProfileError(f"{where}: must be a table, not {_shown(data)}")
    allowed = tuple(known)
    for key in data:
        if key not in allowed:
            raise ProfileError(f"{where}: {unknown('key', key, allowed)}")
    return data


def facts(data: object, kind: type[Facts], where: str, choices: Mapping[str, Iterable[str]]) -> Facts:
    """The data as a dataclass: keys, types, and numbers that are finite, not negative and in order.

    Args:
        data: what TOML gave.
        kind: the dataclass.
        where: start of a message.
        choices: for a key that holds one of several words, the words.

    Raises:
        ProfileError: The data does not fit; the message names the key and what is allowed.
    """
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    table = known_table(data, fields, where)
    for key, value in table.items():
        if key in choices and isinstance(value, str) and value not in choices[key]:
            raise ProfileError(f"{where}: {unknown(key, value, choices[key])}")
        _check_numbers(value, f"{where}: {key}", ordered=PAIR in ALLOWED.get(str(fields[key].type), ""))
    needed = [f.name for f in fields.values() if f.default is f.default_factory is dataclasses.MISSING]
    for key in needed:
        if key not in table:
            raise ProfileError(f"{where}: missing {key!r}; needed: {', '.join(needed)}")
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        found = re.search(r"\$\.(\w+)", str(error))
        key = found[1] if found else ""
        allowed = ALLOWED.get(str(fields[key].type)) if key in fields else None
        if allowed is None:
            raise ProfileError(f"{where}: {str(error).replace('$.', '')}") from None
        raise ProfileError(f"{where}: {key} must be {allowed}, not {_shown(table[key])}") from None


def number(value: object, where: str) -> float:
    """The value as a number from 0 to MAX_NUMBER.

    Raises:
        ProfileError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_NUMBER:
        raise ProfileError(f"{where} must be a number from 0 to {MAX_NUMBER:g}, not {_shown(value)}")
    return float(value)


def _check_numbers(value: object, where: str, *, ordered: bool) -> None:
    values = value if isinstance(value, list) else [value]
    numbers = [number(n, where) for n in values if isinstance(n, int | float) and not isinstance(n, bool)]
    if ordered and numbers != sorted(numbers):
        raise ProfileError(f"{where} must be {PAIR}, not {value}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
