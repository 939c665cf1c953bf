"""How a command fails: one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from msenas.errors import MsenasError

USAGE_CODE, INTERRUPTED_CODE = 2, 130


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
        except (OSError, MemoryError) as error:
            message, code = f"{type(error).__name__}: {error}"[:400], USAGE_CODE
        except Exception as error:
            # Usage errors come from click, or from the copy of it inside typer: known by their form, not their class.
            if not hasattr(error, "format_message"):
                raise
            message, code = error.format_message(), getattr(error, "exit_code", USAGE_CODE)
        typer.echo(f"msenas: {' '.join(message.split())}", err=True)
        sys.exit(code)
