from __future__ import annotations

import math
import pickle
from importlib import resources
from pathlib import Path

import pytest

from msenas.errors import ProfileError
from msenas.hardware.profile import MAX_BYTES, Profile, load_profile, parse_profile, profile_names

HEAD = 'name = "x"\ntitle = "X"\nlabel = "a test"\n'
PRICE = '[prices.synop]\nnominal_joule = 2e-12\nscope = "per-term"\ngrade = "measured"\nsource = "a test"\n'
GOOD = HEAD + PRICE


def parse(text: str) -> Profile:
    return parse_profile(text.encode(), "x.toml")


@pytest.mark.parametrize("name", profile_names())
def test_shipped_profiles_load(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    for price in profile.prices.values():
        assert price.source
        assert price.grade == "unknown" or (price.nominal is not None and math.isfinite(price.nominal))


def test_shipped_names() -> None:
    assert {"generic-45nm", "generic-45nm-int8", "loihi1"} <= set(profile_names())
    assert list(profile_names()) == sorted(profile_names())


def test_the_figures_of_loihi1() -> None:
    profile = load_profile("loihi1")
    assert profile.prices["synop"].nominal == 23.6e-12
    assert (profile.prices["static_chip"].low, profile.prices["static_chip"].high) == (29.5e-3, 104.4e-3)
    assert profile.prices["barrier"].band is None
    assert profile.timing is not None
    assert profile.timing.barrier_second == (113e-9, 465e-9)
    assert profile.capacity is not None
    assert profile.capacity.weight_bits == (1, 9)


def test_a_file_of_the_user_loads_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_profile(path) == load_profile(str(path)) == parse(GOOD)


def test_a_shipped_file_loads_by_path(tmp_path: Path) -> None:
    path = tmp_path / "copy.toml"
    path.write_bytes(resources.files("hw_profiles").joinpath("loihi1.toml").read_bytes())
    assert load_profile(path) == load_profile("loihi1")


def test_a_profile_travels_to_other_processes() -> None:
    profile = load_profile("loihi1")
    assert pickle.loads(pickle.dumps(profile)) == profile


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ProfileError, match=r"did you mean 'loihi1'.*generic-45nm.*path of a \.toml"):
        load_profile("loihi")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none\.toml: there is no such file"):
        load_profile(tmp_path / "none.toml")


def test_integers_are_fine_as_figures() -> None:
    assert parse(GOOD.replace("2e-12", "0")).prices["synop"].nominal == 0


BAD = {
    "not TOML": ("name = ", "not TOML"),
    "number of many digits": (GOOD + "[capacity]\ncores = " + "9" * 900, "cores must be a number from 0"),
    "deep nesting": ("\n".join(["a = " + "[" * 900] + ["[" * 900] * 9), "nested too deeply"),
    "long line": (GOOD + "# " + "x" * 1000, "line 9 is longer than the allowed 1000 bytes"),
    "no prices": (HEAD, r"no \[prices.KIND\] table"),
    "prices no table": (HEAD + "prices = 1", "prices: must be a table, not int"),
    "price no table": (HEAD + "[prices]\nsynop = 1", "prices.synop: must be a table"),
    "unknown key": (HEAD + 'volts = "1"\n' + PRICE, "unknown key 'volts'"),
    "near key": (GOOD.replace("title", "titel"), "did you mean 'title'"),
    "unknown kind": (GOOD.replace("synop", "synops"), "prices: unknown key 'synops'; did you mean 'synop'"),
    "unknown key of a price": (GOOD + 'grad = "x"', "prices.synop: unknown key 'grad'; did you mean 'grade'"),
    "wrong unit": (GOOD.replace("_joule", "_watt"), "did you mean 'nominal_joule'"),
    "missing title": (GOOD.replace('title = "X"\n', ""), "missing required field `title`"),
    "missing source": (GOOD.replace('source = "a test"\n', ""), "missing required field `source`"),
    "empty source": (GOOD.replace('source = "a test"', 'source = ""'), "source"),
    "name with a path": (GOOD.replace('name = "x"', 'name = "../x"'), "name"),
    "unknown grade": (GOOD.replace("measured", "guessed"), "Invalid enum value 'guessed'.*grade"),
    "unknown scope": (GOOD.replace("per-term", "total"), "Invalid enum value 'total'.*scope"),
    "negative": (GOOD.replace("2e-12", "-2e-12"), "nominal_joule must be a number from 0"),
    "infinite": (GOOD.replace("2e-12", "inf"), "nominal_joule must be a number from 0"),
    "not a number": (GOOD.replace("2e-12", "nan"), "nominal_joule must be a number from 0"),
    "text for a number": (GOOD.replace("2e-12", '"2e-12"'), "Expected `float"),
    "truth for a number": (GOOD.replace("2e-12", "true"), "Expected `float"),
    "low above nominal": (GOOD + "low_joule = 3e-12", "low <= nominal <= high"),
    "high below nominal": (GOOD + "high_joule = 1e-12", "low <= nominal <= high"),
    "bound without nominal": (GOOD.replace("nominal", "low"), "a bound needs a nominal_joule"),
    "figure missing": (GOOD.replace("nominal_joule = 2e-12\n", ""), 'exactly when its grade is "unknown"'),
    "figure of unknown grade": (GOOD.replace("measured", "unknown"), 'exactly when its grade is "unknown"'),
    "both priced and left out": (GOOD + '[left_out]\nsynop = "x"', "synop cannot be both"),
    "unknown left out": (GOOD + '[left_out]\nspikes = "x"', "left_out: unknown key 'spikes'"),
    "left out without reason": (GOOD + "[left_out]\nmac = 1", "left_out"),
    "unknown timing": (GOOD + "[timing]\nsynop = 1", "timing: unknown key 'synop'"),
    "pair out of order": (GOOD + "[timing]\nbarrier_second = [2, 1]", r"must be \[least, most\]"),
    "pair of three": (
        GOOD + '[timing]\ngrade = "derived"\nsource = "s"\nstep_second = [1, 2, 3]',
        "timing: Expected `array` of length 2.*step_second",
    ),
    "capacity no integer": (GOOD + '[capacity]\nsource = "s"\ncores = 1.5', "capacity: Expected `int.*cores"),
    "negative voltage": (HEAD + "voltage_volt = -1\n" + PRICE, "voltage_volt must be a number from 0"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_violation_of_the_schema_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message) as caught:
        parse(text)
    assert str(caught.value).startswith("hardware profile x.toml: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(ProfileError, match="UTF-8"):
        parse_profile(b"\xff\xfe", "x")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    path.write_text("#\n" * MAX_BYTES)
    with pytest.raises(ProfileError, match="larger than the allowed 256 kB"):
        load_profile(path)


def test_a_folder_is_no_profile(tmp_path: Path) -> None:
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(ProfileError, match="no such file"):
        load_profile(folder)
