"""The one error family of msenas.

A message says what is wrong, where, and what is allowed; the command line prints it as one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MsenasError(Exception):
    """Base of every error that msenas raises on purpose."""

    exit_code = 1


class InputError(MsenasError):
    """Something that came from outside (an option, a file, a data set) cannot be used."""

    exit_code = 2


class GenomeError(InputError):
    """A genome is malformed, out of bounds, or describes no network."""


class DataError(InputError):
    """A data set is missing, damaged, or not of the shape it must have."""


class ProfileError(InputError):
    """A hardware profile is unknown or does not follow the schema."""


class RunError(InputError):
    """A run folder cannot be created, read or resumed."""


class CheckFailed(MsenasError):
    """A check that the user asked for did not pass."""


SHOWN = 80
"""Characters of a foreign name that a message repeats."""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One line for an unknown name: what it is, the nearest known one, and all that are allowed."""
    names = sorted(known)
    name = name if len(name) <= SHOWN else name[:SHOWN] + "..."
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {name!r}; {hint}known: {', '.join(names)}"
