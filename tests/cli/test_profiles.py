"""The command `msenas profiles`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from msenas.hardware.price import KINDS
from msenas.hardware.profile import load_profile, profile_names

MINE = """
name = "mine"
title = "A chip of mine"
label = "a test"

[prices.synop]
nominal_joule = 5e-12
scope = "per-term"
grade = "assumed"
source = "a guess"
"""


def words(text):
    """The text without the line breaks and columns of a terminal."""
    return " ".join(text.split())


@pytest.fixture
def listed(cli):
    code, out, _ = cli("profiles", "--json")
    assert code == 0
    return {row["name"]: row for row in json.loads(out)}


def test_list_as_json(listed):
    assert list(listed) == list(profile_names())
    assert listed["speck2f"] == {
        "name": "speck2f",
        "title": "SynSense Speck 2f",
        "priced": ["all_in_spike"],
        "static_watt": 0.42e-3,
        "grades": ["measured", "derived"],
        "unknown": [],
    }
    assert listed["loihi2"]["priced"] == listed["loihi2"]["grades"] == []
    assert listed["loihi2"]["unknown"] == ["synop", "update_active", "update_idle", "spike_out", "static_chip"]


def test_list_as_text(cli):
    code, out, _ = cli("profiles")
    assert code == 0
    rows = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert set(profile_names()) <= set(rows)
    assert "27.3 uW" in rows["odin"]
    assert "nothing" in rows["loihi2"]
    assert "unknown" in rows["loihi2"]
    assert "all-in spike" in rows["speck2f"]


@pytest.mark.parametrize("name", profile_names())
def test_one_profile_as_json(cli, name):
    code, out, _ = cli("profiles", name, "--json")
    data, profile = json.loads(out), load_profile(name)
    assert code == 0
    assert (data["name"], list(data["prices"])) == (name, list(profile.prices))
    for kind, price in profile.prices.items():
        shown, unit = data["prices"][kind], KINDS[kind].unit
        assert [shown[f"{b}_{unit}"] for b in ("low", "nominal", "high")] == [price.low, price.nominal, price.high]
        assert (shown["scope"], shown["grade"], shown["source"]) == (price.scope, price.grade, price.source)
    assert len(data["published"]) == len(profile.published)


@pytest.mark.parametrize("name", profile_names())
def test_one_profile_as_text_tells_everything_about_it(cli, name):
    code, out, _ = cli("profiles", name)
    text, profile = words(out), load_profile(name)
    assert code == 0
    assert text.startswith(f"{name}: {profile.title}")
    for price in profile.prices.values():
        assert f"{price.kind}: {KINDS[price.kind].meaning}" in text
        assert words(price.source) in text
        assert price.scope in text
        assert price.grade in text
    for entry in profile.published:
        assert f"for the record: {entry.what}: " in text
        assert all(words(part) in text for part in (entry.conditions, entry.source))
    for kind, reason in profile.left_out.items():
        assert f"left out: {kind} - {reason}" in text
    assert profile.note is None or words(profile.note) in text
    assert profile.timing is None or words(profile.timing.source) in text


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("truenorth", ["42 mW 64.4 mW 65.1 mW", "tick 47.6 us .. 1 ms", "26 pJ (measured; 0.775 V"]),
        ("loihi1-sanafe", ["24 pJ 24 pJ 35.5 pJ", "barrier 600 ns .. 1.8 us", "8.5 uJ"]),
        ("h100", ["1.42 pJ 2.1 pJ -", "mac 2 fs .. 3 fs"]),
        ("xeon-e5-2630", ["17 W 17 W 17 W", "mac 3.19 ns ("]),
        ("loihi2", ["synop - - - per-term unknown", "1 W (vendor"]),
    ],
)
def test_figures_have_readable_units(cli, name, figures):
    text = words(cli("profiles", name)[1])
    assert [figure for figure in figures if figure not in text] == []


def test_a_file_of_the_user(cli, tmp_path):
    path = tmp_path / "mine.toml"
    nothing = MINE.replace("synop", "static_chip").replace("nominal_joule = 5e-12", "nominal_watt = 0")
    path.write_text(MINE + nothing[nothing.index("[prices") :])
    assert "0 W" in cli("profiles", path)[1]
    path.write_text(MINE)
    assert json.loads(cli("profiles", path, "--json")[1])["prices"]["synop"]["nominal_joule"] == 5e-12
    assert "5 pJ" in cli("profiles", path)[1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("nominal_joule", "nominal", "unknown key 'nominal'; did you mean 'nominal_joule'?"),
        ("5e-12", "-5e-12", "prices.synop: nominal_joule must be a number from 0"),
        ("assumed", "guessed", "unknown grade 'guessed'"),
        ('source = "a guess"', "", "prices.synop: missing 'source'"),
        ("synop", "sinop", "prices: unknown key 'sinop'; did you mean 'synop'?"),
    ],
)
def test_a_file_that_breaks_the_schema_is_refused_by_name_and_key(cli, tmp_path, old, new, said):
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace(old, new))
    code, out, err = cli("profiles", path)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "mine.toml: " in err
    assert said in err


@pytest.mark.parametrize(
    ("name", "said"), [("lohi1", "did you mean 'loihi1'?"), ("none.toml", "there is no such file")]
)
def test_unknown_profile(cli, name, said):
    code, out, err = cli("profiles", name)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert said in err


def test_the_command_is_quick_because_it_imports_no_torch():
    code = "import sys, msenas.cli.profiles; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_limits_of_a_chip_are_shown(cli):
    code, out, _ = cli("profiles", "speck2f")
    assert code == 0
    assert "limit kernels: 1, 2, 3, " in out
    assert "limit recurrence: False" in out
    assert "limit neuron_models: if, fires event by event, not once in a time step" in out
    assert "limit without a rule: events per second through one core" in out
    assert "source of the limits: documentation of the DYNAP-CNN devices" in out
    assert "limits that nobody published" not in out
    assert "limits that nobody published: neuron_models, resets, encodings, " in cli("profiles", "innatera")[1]
    assert "limit first_filters: (1, 3, 512), (1, 5, 192), " in cli("profiles", "akida-akd1000")[1]
