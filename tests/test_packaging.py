"""What a user installs: sdist to wheel to a new environment, used from an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SMALL = ("--population", "4", "--generations", "2", "--train-steps", "5")


def run(*command: object, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel that is built from the sdist, and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def test_wheel_holds_the_three_packages_and_every_profile(built):
    wheel, sdist = built
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {"msenas", "export", "hw_profiles"}
    shipped = {Path(n).name for n in names if n.startswith("hw_profiles/") and n.endswith(".toml")}
    assert shipped == {p.name for p in (ROOT / "hw_profiles").glob("*.toml")}
    assert "msenas/py.typed" in names
    assert "export/py.typed" in names
    with tarfile.open(sdist) as archive:
        assert any(n.endswith("/constraints.txt") for n in archive.getnames())


@pytest.mark.slow
def test_wheel_works_in_a_new_environment_and_an_empty_folder(built, tmp_path):
    wheel, _ = built
    environment, empty = tmp_path / "env", tmp_path / "empty"
    empty.mkdir()
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", "-c", ROOT / "constraints.txt", wheel, cwd=empty)
    msenas = environment / "bin" / "msenas"
    assert run(msenas, "--version", cwd=empty).startswith("msenas ")
    names = {p["name"] for p in json.loads(run(msenas, "profiles", "--json", cwd=empty))}
    assert names == {p.stem for p in (ROOT / "hw_profiles").glob("*.toml")}
    found = json.loads(run(msenas, "search", *SMALL, "--out", "run", "--json", cwd=empty))
    assert found["evaluations"] == 8
    assert (empty / "run" / "best.json").exists()
    run(msenas, "show", "run", cwd=empty)
    assert (empty / "run" / "best.svg").stat().st_size > 1000
