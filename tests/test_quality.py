"""The rules that tools can check: format, lint, types, direction of imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
CHECKS = {
    "format": [BIN / "ruff", "format", "--check", "."],
    "lint": [BIN / "ruff", "check", "."],
    "types": [sys.executable, "-m", "mypy"],
    "imports": [BIN / "lint-imports"],
}


@pytest.mark.parametrize("check", CHECKS)
def test_tool_finds_nothing(check):
    done = subprocess.run(CHECKS[check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_initialising_modules_stay_short():
    files = [*ROOT.glob("msenas/**/__init__.py"), *ROOT.glob("export/**/__init__.py")]
    assert len(files) > 5
    assert {str(f): n for f in files if (n := len(f.read_text().splitlines())) > 20} == {}


def test_modules_stay_readable():
    files = [*ROOT.glob("msenas/**/*.py"), *ROOT.glob("export/**/*.py")]
    assert {str(f): n for f in files if (n := len(f.read_text().splitlines())) > 290} == {}
