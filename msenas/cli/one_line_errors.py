"""How a command fails: one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from msenas.errors import MsenasError

USAGE_CODE, INTERRUPTED_CODE = 2, 130
SHOWN_REASON = 300
"""Characters of a reason from outside that a line repeats."""


class OneLineErrors(TyperGroup):
    """Turns an error of the domain, or of the usage, into one line on stderr and its exit code."""

    def main(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401
        """Run the command line and end the process with its exit code."""
        try:
            sys.exit(super().main(*args, **(more | {"standalone_mode": False})) or 0)
        except MsenasError as error:
            message, code = str(error), error.exit_code
        except (KeyboardInterrupt, typer.Abort):
            message, code = "interrupted", INTERRUPTED_CODE
        except OSError as error:
            message, code = f"{type(error).__name__}: {error}"[:400], USAGE_CODE
        except Exception as error:
            message, code = _explained(error)
        typer.echo(f"msenas: {' '.join(message.split())}", err=True)
        sys.exit(code)


def _explained(error: Exception) -> tuple[str, int]:
    """The line and the exit code of lack of memory or of wrong usage; any other error is raised again."""
    # Usage errors come from click, or from the copy of it inside typer: known by their form, not their class.
    if hasattr(error, "format_message"):
        return error.format_message(), getattr(error, "exit_code", USAGE_CODE)
    if isinstance(error, MemoryError | RuntimeError) and _out_of_memory(error):
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return f"out of memory: {reason[:SHOWN_REASON]}", USAGE_CODE
    raise error


def _out_of_memory(error: MemoryError | RuntimeError) -> bool:
    # Loaded late, because this takes torch, which a command that failed for lack of memory has loaded already.
    from msenas.phenotype.memory import out_of_memory

    return out_of_memory(error)
