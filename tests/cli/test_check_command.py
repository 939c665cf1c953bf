"""`msenas check`: tables, JSON, exit codes, and one line for bad input."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from export.nir_write import nir_bytes
from export.targets.table import TARGETS
from tests.export.targets.zoo import ZOO


@pytest.fixture
def file(tmp_path):
    """Writes a graph of the zoo."""

    def write(name):
        path = tmp_path / "a.nir"
        path.write_bytes(nir_bytes(ZOO[name]()))
        return path

    return write


def test_a_file_that_is_read_exactly(cli, file):
    code, out, err = cli("check", file("chain"))
    assert (code, err) == (0, "")
    assert out.startswith("portable: the same spikes (")


def test_a_file_that_a_target_cannot_take_is_a_failed_check(cli, file):
    path = file("chain")
    code, out, err = cli("check", path, "--target", "norse")
    assert code == 1
    assert "norse: NOT taken" in out
    assert "`--target norse`" in out
    reason = "n1_lif: r is ignored, so its currents are 2 times too small (and 1 more)"
    assert err == f"msenas: {path}: norse cannot take it, {reason}\n"


def test_an_approximation_is_no_failure(cli, file):
    code, out, err = cli("check", file("grid"), "--target", "spikingjelly")
    assert (code, err) == (0, "")
    assert "taken, but with other spikes" in out


def test_all_targets_at_once(cli, file):
    path = file("chain")
    code, out, err = cli("check", path, "--target", "all")
    assert code == 1
    assert all(f"\n{name}: " in out for name in TARGETS)
    assert err.startswith(f"msenas: {path}: norse, sinabs, ")
    assert err.endswith("cannot take it\n")


def test_json_has_every_target_and_node(cli, file):
    code, out, _ = cli("check", file("chain"), "--target", "portable,norse", "--json")
    reports = {report["target"]: report for report in json.loads(out)}
    assert code == 1
    assert {name: report["accepted"] for name, report in reports.items()} == {"portable": True, "norse": False}
    assert [row["node"] for row in reports["norse"]["nodes"]] == sorted(ZOO["chain"]().nodes)


def test_limits_nobody_published_are_told(cli, file):
    _, out, _ = cli("check", file("if"), "--target", "speck")
    assert "unchecked: events per second through one core" in out


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("speck2", "unknown target 'speck2'; did you mean 'speck'? known: all, lava-dl"),
        ("", "unknown target ''"),
        ("norse,norse", "--target names a target twice"),
    ],
)
def test_bad_targets_are_one_line(cli, file, target, message):
    code, out, err = cli("check", file("chain"), "--target", target)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", [None, b"", b"no hdf5"])
def test_a_bad_file_is_one_line(cli, tmp_path, content):
    if content is not None:
        (tmp_path / "a.nir").write_bytes(content)
    code, out, err = cli("check", tmp_path / "a.nir")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_check_needs_no_torch(file):
    code = "import sys\nfrom msenas.cli.app import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "assert 'export.check' in sys.modules and 'torch' not in sys.modules"
    command = [sys.executable, "-c", code, "check", str(file("chain"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
