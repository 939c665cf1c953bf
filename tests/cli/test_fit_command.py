"""`msenas fit`: every limit of one chip, several chips, exit codes, and one line for bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from msenas.cli.fit import passed_over, verdict
from msenas.hardware.fit import RULES
from msenas.runs.best import SCHEMA, Best, forms, write_best
from msenas.search import session
from tests.conftest import motif_genome, small_spec
from tests.search.test_must_fit import NARROW

FITTING = {"neuron": "if", "encoding": "poisson"}


@pytest.fixture
def best(tmp_path):
    """Writes best.json of a network that was searched for a chip."""

    def write(*motifs, hardware="speck2f", **changes):
        about = {"hardware": hardware} if hardware else {}
        spec = small_spec(len(motifs), **changes)
        path = tmp_path / "best.json"
        write_best(path, Best(schema=SCHEMA, genome=forms(motif_genome(*motifs)), network=spec, provenance=about))
        return path

    return write


def test_a_network_that_fits(cli, best):
    code, out, err = cli("fit", best("empty", "empty", reductions=(0, 1), **FITTING))
    assert (code, err) == (0, "")
    assert out.startswith("speck2f: fits; nearest limit: ")
    assert "cores: L1.E1 on 0, L2.E1 on 1, read-out on 2" in out
    assert "approximated: neuron model: fires event by event, not once in a time step" in out
    assert "source: documentation of the DYNAP-CNN devices" in out


def test_a_network_that_does_not_fit_is_a_failed_check(cli, best):
    path = best("FE", **FITTING)
    code, out, err = cli("fit", path)
    assert code == 1
    assert out.startswith("speck2f: does not fit: synapses onto one population")
    assert "change: synapses onto one population: leave out synapses onto it" in out
    assert err == f"msenas: {path} does not fit speck2f\n"


def test_several_chips_at_once(cli, best):
    code, out, err = cli("fit", best("FE", **FITTING), "--hardware", "loihi1,speck2f")
    assert code == 1
    assert "speck2f: synapses onto one population 2 (chip: 1) at L1.E2; change: leave out synapses" in out
    assert "loihi1: " not in out
    assert "does not fit speck2f" in err


def test_all_chips_with_limits(cli, best):
    code, out, _ = cli("fit", best("FE"), "--hardware", "all", "--json")
    chips = {chip["hardware"]: chip for chip in json.loads(out)["chips"]}
    assert code == 1
    assert {"speck2f", "loihi1", "truenorth"} <= set(chips)
    assert "h100" not in chips
    assert chips["loihi1"]["fits"] is True
    assert "neuron_models" in chips["speck2f"]["failed"]


def test_json_holds_every_rule_with_figure_limit_and_use(cli, best):
    code, out, _ = cli("fit", best("empty", "empty", reductions=(0, 1), **FITTING), "--json")
    (chip,) = json.loads(out)["chips"]
    rows = {row["rule"]: row for row in chip["rules"]}
    assert code == 0
    assert set(rows) <= set(RULES)
    assert rows["cores"] == {
        "rule": "cores",
        "title": "cores",
        "status": "pass",
        "figure": 3,
        "limit": 9,
        "used": 1 / 3,
        "where": "",
        "advice": "",
        "instead": "",
    }
    assert chip["mapping"] == {"L1.E1": "on 0", "L2.E1": "on 1", "read-out": "on 2"}


@pytest.mark.parametrize(
    ("hardware", "message"),
    [
        ("speck2", "unknown hardware profile 'speck2'; did you mean 'speck2f'"),
        ("h100", r"hardware profile h100 has no [capacity]: there are no limits to fit"),
        ("loihi1,loihi1", "--hardware needs different profiles"),
        ("", "--hardware needs different profiles"),
        ("no/such.toml", "there is no such file"),
    ],
)
def test_bad_chips_are_one_line(cli, best, hardware, message):
    code, out, err = cli("fit", best("FE"), "--hardware", hardware)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_file_that_names_no_chip_needs_the_option(cli, best):
    path = best("FE", hardware=None)
    code, _, err = cli("fit", path)
    assert (code, err) == (2, "msenas: the file does not name a chip; give --hardware NAME, or all\n")
    assert cli("fit", path, "--hardware", "loihi1")[0] == 0


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", '{"schema": "msenas.best/1"}'])
def test_a_damaged_file_is_one_line(cli, tmp_path, content):
    (tmp_path / "best.json").write_text(content)
    code, out, err = cli("fit", tmp_path, "--hardware", "speck2f")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_a_chip_of_the_user(cli, best, tmp_path):
    (tmp_path / "mine.toml").write_text(NARROW)
    code, out, _ = cli("fit", best("empty", "empty", reductions=(0, 1)), "--hardware", tmp_path / "mine.toml")
    assert code == 1
    assert out.startswith("narrow: does not fit: cores")


def test_fit_needs_no_torch(best):
    code = "import sys\nfrom msenas.cli.app import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "assert 'msenas.hardware.fit' in sys.modules and 'torch' not in sys.modules"
    command = [sys.executable, "-c", code, "fit", str(best("FE")), "--hardware", "loihi1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_search_that_finds_nothing_that_fits_says_why(cli, tmp_path, monkeypatch):
    @contextmanager
    def workers(*_):
        yield SimpleNamespace(evaluate=lambda jobs: iter(()))

    monkeypatch.setattr(session, "workers", workers)
    monkeypatch.setattr("msenas.search.evolution.DRAWS", 50)
    (tmp_path / "narrow.toml").write_text(NARROW)
    chip = ("--hardware", tmp_path / "narrow.toml", "--must-fit", "--layers", 2, "--motifs", "FE", "--channels", 4)
    code, out, err = cli("search", "--batch", 4, "--out", tmp_path / "r", *chip)
    assert code == 1
    assert "space exhausted: 0 evaluations" in out
    assert err.startswith("msenas: no network that was drawn fits ")
    assert "; broken limits: cores " in err
    assert err.count("\n") == 1


def test_the_short_form_in_words():
    good = {"fits": True, "failed": [], "binding": "cores", "headroom": 0.25}
    assert verdict(good) == "fits; nearest limit: cores, 75% used"
    assert verdict(good | {"binding": None, "headroom": None}) == "fits"
    assert (
        verdict({"fits": False, "failed": ["cores", "merging"]}) == "does not fit: cores, merged sources of a synapse"
    )


def test_what_was_passed_over_comes_in_order():
    text = passed_over({"merging": 3, "cores": 1200})
    assert text == "cores 1,200 times, merged sources of a synapse 3 times"
