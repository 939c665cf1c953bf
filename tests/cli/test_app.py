"""Every command helps, reports pure JSON, and refuses bad input with one line and exit code 2."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from importlib import import_module

import msgspec
import pytest

import msenas
from msenas.cli.app import app
from msenas.data import DATASETS
from msenas.fitness.registry import DEFAULT
from msenas.search.config import SearchConfig
from tests.conftest import motif_genome
from tests.data.make_files import mnist

COMMANDS = [c.name or c.callback.__name__ for c in app.registered_commands]


def refused(result, out=None):
    """The one line with which a command was refused."""
    code, stdout, stderr = result
    assert (code, stdout) == (2, ""), stderr
    assert stderr.startswith("msenas: ")
    assert stderr.count("\n") == 1
    assert out is None or not out.exists()
    return stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(cli, command, flag):
    code, out, err = cli(command, flag)
    assert (code, err) == (0, "")
    assert f"msenas {command}" in out
    assert "--json" in out


def test_help_names_every_command(cli):
    code, out, _ = cli("--help")
    assert code == 0
    assert [c for c in COMMANDS if c not in out] == []


@pytest.mark.parametrize("field", msgspec.structs.fields(SearchConfig), ids=lambda field: field.name)
def test_help_of_search_names_the_defaults(cli, field):
    text = " ".join(cli("search", "--help")[1].replace("│", " ").split())
    _, found, entry = text.partition(f" --{field.name.replace('_', '-')} ")
    assert found
    shown = {"motifs": "all", "scales": "all", "objectives": "fitness,energy", "must_fit": None}.get(
        field.name, field.default
    )
    if shown is not None:
        assert f"[default: ({shown})]" in entry.partition(" --")[0]


@pytest.mark.parametrize("command", ["score", "train", "estimate", "evaluate"])
def test_help_says_that_the_file_decides_about_the_data(cli, command):
    text = " ".join(cli(command, "--help")[1].replace("│", " ").split())
    for option in ("dataset", "data", "window", "size"):
        entry = text.partition(f" --{option} ")[2].partition(" --")[0]
        assert "[default: (as in the file)]" in entry, option


def test_version(cli):
    assert cli("--version") == (0, f"msenas {msenas.__version__}\n", "")


def test_python_m_msenas():
    done = subprocess.run([sys.executable, "-m", "msenas", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"msenas {msenas.__version__}\n"


def test_help_does_not_load_torch():
    code = "import sys, msenas.cli.app; print('torch' in sys.modules, 'norse' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_entry_point_of_the_package_exists():
    assert callable(import_module("msenas.cli").main)


def test_unknown_command(cli):
    code, _, err = cli("serch")
    assert code == 2
    assert "search" in err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("dataset", "digit", "unknown data set 'digit'; did you mean 'digits'?"),
        ("fitness", "rdm-contrst", "did you mean 'rdm-contrast'?"),
        ("hardware", "lohi1", "did you mean 'loihi1'?"),
        ("motifs", "FE,FX", "unknown motif 'FX'"),
        ("objectives", "fitness,energi", "did you mean 'energy'?"),
        ("preset", "papr", "did you mean 'paper'?"),
        ("strategy", "rndom", "did you mean 'random'?"),
        ("operators", "papr", "did you mean 'paper'?"),
        ("pick", "kne", "did you mean 'knee'?"),
        ("precision", "float23", "did you mean 'float32'?"),
        ("neuron", "lof", "lif"),
        ("encoding", "poison", "poisson"),
        ("device", "gpu", "device 'gpu' cannot be used"),
        ("device", "cuda:99", "device 'cuda:99' cannot be used"),
        ("device", "meta", "meta"),
        ("population", "1", "population must be 2 to"),
        ("generations", "0", "generations must be 1 to"),
        ("batch", "1", "batch must be 2 to"),
        ("batch", "60000", "1458 samples"),
        ("layers", "0", "layers must be 1 to 64"),
        ("layers", "65", "layers must be 1 to 64"),
        ("channels", "6", "channels must be a multiple of 4"),
        ("steps", "0", "steps"),
        ("tau", "0.5", "tau"),
        ("tau", "inf", "tau"),
        ("threshold", "0", "threshold"),
        ("seed", "-1", "seed must be 0 to"),
        ("workers", "0", "workers must be 1 to"),
        ("time-limit", "10", "is no duration"),
        ("window", "200ms", "event recordings"),
        ("data", "/nowhere", "digits"),
        ("config", "/nowhere.toml", "cannot read /nowhere.toml"),
    ],
)
def test_refused_search_says_why_and_leaves_nothing(cli, tmp_path, option, value, said):
    out = tmp_path / "out"
    small = ("--population", "2", "--generations", "1", "--batch", "2")
    assert said in refused(cli("search", "--out", out, *small, f"--{option}", value), out)


def test_value_that_is_no_number_names_the_option(cli, tmp_path):
    code, out, err = cli("search", "--out", tmp_path / "out", "--population", "many")
    assert (code, out) == (2, "")
    assert "--population" in err
    assert not (tmp_path / "out").exists()


def test_search_of_a_space_without_networks_says_so(cli, tmp_path):
    out, small = tmp_path / "out", ("--batch", "2", "--population", "2", "--workers", "1")
    code, _, err = cli("search", "--out", out, *small, "--motifs", "empty", "--layers", "1")
    assert code == 1
    assert err == "msenas: no live network was found: no genome of these motifs and layers is connected\n"


def test_refused_search_without_out_makes_no_runs_folder(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(cli("search", "--channels", "6"))
    assert list(tmp_path.iterdir()) == []


def test_datasets_as_json_and_as_text(cli):
    code, out, _ = cli("datasets", "--json")
    assert code == 0
    assert [row["name"] for row in json.loads(out)] == list(DATASETS)
    assert "digits" in cli("datasets")[1]


def test_datasets_shows_whole_paths(cli, tmp_path):
    folder = mnist(tmp_path / ("a long name " * 12))
    assert f"mnist: {folder} (idx)\n" in cli("datasets", "--data", folder)[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "truncated"),
        ("{", "truncated"),
        ('"x"', "Expected"),
        ("null", "Expected"),
        ("[1.5]", "Expected"),
        ('["FE"]', "Expected"),
        ("[1, 2]", "flat genome"),
        ("[9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]", "motif 9"),
        ('{"layers": [{"motif": "FX"}]}', "FX"),
        ('{"tau": 1e999}', "range"),
        ('{"schema": "msenas.best/9"}', "network"),
        ("[" * 50_000, "network.json"),
    ],
)
def test_score_of_a_damaged_file_is_one_line(cli, tmp_path, content, said):
    file = tmp_path / "network.json"
    file.write_text(content)
    message = refused(cli("score", file, "--batch", "4"))
    assert said in message
    assert "network.json" in message


def test_score_of_a_disconnected_genome_says_so(cli, tmp_path):
    file = tmp_path / "genome.json"
    file.write_text("[1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]")
    assert "input" in refused(cli("score", file, "--batch", "4"))


def test_score_of_a_missing_file(cli, tmp_path):
    assert "cannot read" in refused(cli("score", tmp_path / "none.json"))


@pytest.mark.parametrize("form", ["flat", "readable"])
def test_score_of_a_bare_genome(cli, tmp_path, form):
    genome = motif_genome("FE", "FE")
    file = tmp_path / "genome.json"
    file.write_text(json.dumps(list(genome.flat()) if form == "flat" else genome.readable()))
    code, out, err = cli("score", file, "--batch", "4", "--train-steps", "1", "--json")
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert list(data["fitness"]) == [DEFAULT]
    assert data["same_as_recorded"] is None
    assert (data["live"], data["batch"]) == (True, 4)
    code, out, _ = cli("score", file, "--batch", "4", "--fitness", "synapses")
    assert code == 0
    assert "synapses" in out


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals can be blocked on POSIX alone")
def test_sigterm_is_heard_where_ctrl_c_is_ignored_and_waits_where_it_is_blocked():
    script = """
        import os, signal
        from msenas.cli import app

        def command(prog_name):
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            os.kill(os.getpid(), signal.SIGTERM)
            print("waits", flush=True)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
            print("not heard", flush=True)

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        app.app = command
        try:
            app.main()
        except KeyboardInterrupt:
            print("stopped")
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    assert subprocess.run(command, capture_output=True, text=True, timeout=300).stdout.split() == ["waits", "stopped"]
