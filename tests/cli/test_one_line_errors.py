"""What ends a command: one line and an exit code, and errors of the program as they are."""

from __future__ import annotations

import pytest
import torch
import typer

from msenas.cli.one_line_errors import SHOWN_REASON, OneLineErrors

LONG = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes. " + "x" * 1000


def ending(failure, capsys):
    """Exit code and stderr of a command that fails so."""
    app = typer.Typer(cls=OneLineErrors, pretty_exceptions_enable=False)

    @app.command()
    def work() -> None:
        raise failure

    @app.command()
    def rest() -> None:
        """A second command makes the first one known by its name."""

    with pytest.raises(SystemExit) as left:
        app(["work"], prog_name="msenas")
    return left.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (MemoryError(), "msenas: out of memory: MemoryError\n"),
        (torch.OutOfMemoryError("CUDA out of memory.\nmore"), "msenas: out of memory: CUDA out of memory.\n"),
        (RuntimeError(LONG), f"msenas: out of memory: {LONG[:SHOWN_REASON]}\n"),
        (OSError(28, "No space left on device"), "msenas: OSError: [Errno 28] No space left on device\n"),
    ],
    ids=["Python", "GPU", "CPU", "disk"],
)
def test_failures_of_the_machine_are_one_line(failure, line, capsys):
    assert ending(failure, capsys) == (2, line)


@pytest.mark.parametrize("failure", [RuntimeError("shapes differ"), ValueError("out of memory")], ids=str)
def test_errors_of_the_program_are_not_hidden(failure, capsys):
    with pytest.raises(type(failure), match=str(failure)):
        ending(failure, capsys)
