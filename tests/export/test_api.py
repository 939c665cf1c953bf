"""What programs call, and the example that shows it."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import export
from export.exporting import Refused
from export.graph import Conv
from msenas.errors import CheckFailed, InputError
from msenas.phenotype.encoding import Standard
from msenas.runs.best import write_best
from tests.conftest import motif_plan
from tests.evaluation.conftest import digits_best
from tests.export.networks import trained
from tests.export.test_exporting import altered, names

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("stepwise")
FRAMES = np.random.default_rng(0).normal(size=(1, 4, 1, 8, 8)).astype(np.float32)
LABELS = [0, 1, 2, 0]
WRITERS = {".nir": export.to_nir, ".onnx": export.to_onnx}
WAYS = {"nir": (export.to_nir, {}), "onnx": (export.to_onnx, {}), "onnx-step": (export.to_onnx, {"step": True})}


@pytest.fixture(scope="module")
def network():
    return trained(motif_plan("FE", "LI"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("changes", [{}, {"readout": "spikes"}], ids=str)
def test_a_file_that_was_written_is_verified_again(network, tmp_path, way, changes):
    write, more = WAYS[way]
    path = tmp_path / f"a.{way[:4].rstrip('-')}"
    done = write(network, str(path), torch.from_numpy(FRAMES), LABELS, about={"note": "x"}, **more, **changes)
    assert done.path == path
    assert done.passed
    found = export.verify(network, str(path), FRAMES, np.array(LABELS))
    assert found == done.verification
    assert export.verify(network, path, FRAMES).accuracy is None


@pytest.mark.parametrize("suffix", WRITERS)
def test_changes_are_differences_to_the_network_as_it_was_trained(network, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    done = WRITERS[suffix](network, path, FRAMES, bits=4, golden=True)
    assert done.passed
    assert done.accuracy is None
    assert names(tmp_path) == {path.name, "a.golden.npz"}
    assert not export.verify(network, path, FRAMES).passed


@pytest.mark.parametrize("suffix", WRITERS)
def test_spikes_in_the_place_of_pixels(network, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    code = {"encoding": "poisson", "standard": Standard((0.25,), (0.5,))}
    assert WRITERS[suffix](network, path, FRAMES, LABELS, **code).passed


@pytest.mark.parametrize("suffix", WRITERS)
def test_what_fails_is_raised(network, tmp_path, monkeypatch, suffix):
    altered(monkeypatch, Conv)
    with pytest.raises(CheckFailed, match="does not do what the network does"):
        WRITERS[suffix](network, tmp_path / f"a{suffix}", FRAMES)
    assert names(tmp_path) == {f"a.failed{suffix}"}


def test_refusals_carry_their_findings(network, tmp_path):
    with pytest.raises(Refused, match="xylo cannot take the network") as refused:
        export.to_nir(network, tmp_path / "a.nir", FRAMES, target="xylo")
    assert {finding.level for finding in refused.value.report.findings} >= {"error"}
    assert names(tmp_path) == set()


@pytest.mark.parametrize("suffix", WRITERS)
def test_wrong_arguments(network, tmp_path, suffix):
    write, path = WRITERS[suffix], tmp_path / f"a{suffix}"
    wrong = {
        rf"ends in \{suffix}": lambda: write(network, tmp_path / "a.bin", FRAMES),
        r"frames are \[1, 4, 1, 8, 7\]": lambda: write(network, path, FRAMES[..., :7]),
        r"labels are \[3\]": lambda: write(network, path, FRAMES, LABELS[:3]),
        "mean and standard deviation": lambda: write(network, path, FRAMES, encoding="poisson"),
        "4 or 8 bits, not 5": lambda: write(network, path, FRAMES, bits=5),
        "cannot read": lambda: export.verify(network, path, FRAMES),
        "ends in '.bin'": lambda: export.verify(network, tmp_path / "a.bin", FRAMES),
        "no folder|cannot write": lambda: write(network, tmp_path / "b" / f"a{suffix}", FRAMES),
    }
    for message, call in wrong.items():
        with pytest.raises(InputError, match=message):
            call()
    assert names(tmp_path) == set()


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_file_of_another_network(network, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](trained(motif_plan("FE")), path, FRAMES)
    with pytest.raises(InputError, match=r"L2\.E1"):
        export.verify(network, path, FRAMES)


def test_the_package_is_imported_without_torch():
    code = (
        "import sys, export, export.check, export.nir_read, msenas.cli.check;"
        "assert 'torch' not in sys.modules, 'torch';"
        "from export import verify, to_nir;"
        "import export.comparing;"
        "assert callable(export.verify) and 'torch' in sys.modules;"
        "assert not hasattr(export, 'nothing')"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    write_best(tmp_path / "best.json", digits_best())
    arguments = ["export_network.py", str(tmp_path), "--out", str(tmp_path / "new" / "out"), "--samples", "4"]
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(str(ROOT / "examples" / "export_network.py"), run_name="__main__")
    assert names(tmp_path / "new" / "out") == {"model.nir", "model.golden.npz", "model-8bit.nir", "model.onnx"}
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[-2:]] == ["numpy", "nirtorch"]
    assert all("100.0000% equal spikes, 100.00% answers" in line for line in lines[-2:])
