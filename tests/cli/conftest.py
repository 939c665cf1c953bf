"""The command line called in this process."""

from __future__ import annotations

import pytest

from msenas.cli.app import app


@pytest.fixture
def cli(capsys):
    """Calls a command: (exit code, stdout, stderr)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            app([str(a) for a in arguments], prog_name="msenas")
        captured = capsys.readouterr()
        return left.value.code or 0, captured.out, captured.err

    return call
