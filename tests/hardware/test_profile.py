from __future__ import annotations

import pickle
from importlib import resources
from pathlib import Path

import pytest

from msenas.errors import ProfileError
from msenas.hardware.price import GRADES, KINDS, SCOPES
from msenas.hardware.profile import Profile, Published, load_profile, parse_profile, profile_names
from msenas.hardware.schema import MAX_BYTES

HEAD = 'name = "x"\ntitle = "X"\nlabel = "a test"\n'
PRICE = '[prices.synop]\nnominal_joule = 2e-12\nscope = "per-term"\ngrade = "measured"\nsource = "a test"\n'
GOOD = HEAD + PRICE


def parse(text: str) -> Profile:
    return parse_profile(text.encode(), "x.toml")


def average(kind: str, nominal: float = 1.0) -> str:
    return f'[prices.{kind}]\nnominal_joule = {nominal}\nscope = "all-in"\ngrade = "measured"\nsource = "a test"\n'


def published(figure: str) -> str:
    return f'[[published]]\nwhat = "w"\nconditions = "c"\ngrade = "measured"\nsource = "s"\n{figure}\n'


def test_names_are_sorted() -> None:
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
        load_profile("lohi1")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none\.toml: there is no such file"):
        load_profile(tmp_path / "none.toml")


def test_integers_are_fine_as_figures() -> None:
    assert parse(GOOD.replace("2e-12", "0")).prices["synop"].nominal == 0


def test_figures_of_whole_runs_are_numbers_or_pairs() -> None:
    text = published("joule = 1e-6") + published("watt = [1, 2]\nsecond = 3")
    assert parse(GOOD + text).published == (
        Published("w", "c", "measured", "s", joule=1e-6),
        Published("w", "c", "measured", "s", watt=(1.0, 2.0), second=3.0),
    )


def test_static_power_may_be_added_to_an_average_that_leaves_it_out() -> None:
    static = '[prices.static_chip]\nnominal_watt = 1\nscope = "per-term"\ngrade = "measured"\nsource = "s"\n'
    assert set(parse(HEAD + average("all_in_spike") + static).prices) == {"all_in_spike", "static_chip"}
    with pytest.raises(ProfileError, match=r"prices.all_in_synop is an average that contains static_chip"):
        parse(HEAD + average("all_in_synop") + static)


def test_a_price_inside_an_average_is_kept_as_included() -> None:
    prices = parse(GOOD.replace("per-term", "included") + average("all_in_spike")).prices
    assert prices["synop"].scope == "included"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].unit == "joule" and not KINDS[kind].all_in])
@pytest.mark.parametrize("mean", [kind for kind in KINDS if KINDS[kind].all_in])
def test_an_average_is_never_summed_with_what_it_contains(kind: str, mean: str) -> None:
    with pytest.raises(ProfileError, match=f"prices.{mean} is an average that contains {kind}.*included.*published"):
        parse(HEAD + PRICE.replace("synop", kind) + average(mean))


BAD = {
    "not TOML": ("name = ", "not TOML"),
    "number of many digits": (GOOD + "[capacity]\ncores = " + "9" * 900, "cores must be a number from 0"),
    "deep nesting": ("\n".join(["a = " + "[" * 900] + ["[" * 900] * 9), "nested too deeply"),
    "long line": (GOOD + "# " + "x" * 1000, "line 9 is longer than the allowed 1000 bytes"),
    "no prices": (HEAD, r"no \[prices.KIND\] table"),
    "prices no table": (HEAD + "prices = 1", "prices: must be a table, not 1"),
    "price no table": (HEAD + "[prices]\nsynop = 1", "prices.synop: must be a table"),
    "unknown key": (HEAD + 'volts = "1"\n' + PRICE, "unknown key 'volts'"),
    "near key": (GOOD.replace("title", "titel"), "did you mean 'title'"),
    "unknown kind": (GOOD.replace("synop", "synops"), "prices: unknown key 'synops'; did you mean 'synop'"),
    "unknown key of a price": (GOOD + 'grad = "x"', "prices.synop: unknown key 'grad'; did you mean 'grade'"),
    "wrong unit": (GOOD.replace("_joule", "_watt"), "did you mean 'nominal_joule'"),
    "missing title": (GOOD.replace('title = "X"\n', ""), "missing 'title'; needed: name, title, label"),
    "missing source": (GOOD.replace('source = "a test"\n', ""), "prices.synop: missing 'source'; needed:"),
    "missing grade": (GOOD.replace('grade = "measured"\n', ""), "prices.synop: missing 'grade'; needed:"),
    "missing scope": (GOOD.replace('scope = "per-term"\n', ""), "prices.synop: missing 'scope'; needed:"),
    "missing unit": (GOOD.replace("nominal_joule", "nominal"), "unknown key 'nominal'; did you mean 'nominal_joule'"),
    "empty source": (
        GOOD.replace('source = "a test"', 'source = ""'),
        "source must be text of 1 to 1000 characters, not ''",
    ),
    "name with a path": (GOOD.replace('name = "x"', 'name = "../x"'), "name must be small letters, digits and hyphens"),
    "unknown grade": (GOOD.replace("measured", "guessed"), f"unknown grade 'guessed'.*{', '.join(sorted(GRADES))}"),
    "unknown scope": (GOOD.replace("per-term", "total"), f"unknown scope 'total'.*{', '.join(sorted(SCOPES))}"),
    "grade no text": (GOOD.replace('"measured"', "1"), "prices.synop: .*grade"),
    "two averages": (HEAD + average("all_in_synop") + average("all_in_spike"), "cannot both be summed"),
    "all-in figure as a price of one piece": (
        GOOD.replace("per-term", "all-in"),
        'prices.synop: the scope "all-in" belongs to averages.*all_in_synop, all_in_spike, all_in_mac',
    ),
    "average as a price of one piece": (
        HEAD + average("all_in_synop").replace("all-in", "per-term"),
        'prices.all_in_synop: the scope "all-in" belongs to averages',
    ),
    "published no list": (GOOD + "[published]\njoule = 1", r"published: must be tables with the heading \[\[published"),
    "published without figure": (GOOD + published(""), "published no. 1: needs a figure: joule, watt or second"),
    "published without conditions": (
        GOOD + published("joule = 1").replace('conditions = "c"\n', ""),
        "published no. 1: missing 'conditions'; needed: what, conditions, grade, source",
    ),
    "second published negative": (
        GOOD + published("joule = 1") + published("watt = -1"),
        "published no. 2: watt must be a number from 0",
    ),
    "published unknown key": (GOOD + published("volt = 1"), "published no. 1: unknown key 'volt'.*watt"),
    "published text": (GOOD + published('joule = "1 uJ"'), "joule must be a number or a pair of numbers.*'1 uJ'"),
    "published pair out of order": (GOOD + published("joule = [2, 1]"), r"joule must be \[least, most\]"),
    "negative": (GOOD.replace("2e-12", "-2e-12"), "nominal_joule must be a number from 0"),
    "infinite": (GOOD.replace("2e-12", "inf"), "nominal_joule must be a number from 0"),
    "not a number": (GOOD.replace("2e-12", "nan"), "nominal_joule must be a number from 0"),
    "text for a number": (GOOD.replace("2e-12", '"2e-12"'), "nominal_joule must be a number from 0 to .*, not '2e-12'"),
    "truth for a number": (GOOD.replace("2e-12", "true"), "nominal_joule must be a number from 0 to .*, not True"),
    "pair for a number": (GOOD.replace("2e-12", "[1, 2]"), "nominal_joule must be a number from 0"),
    "low above nominal": (GOOD + "low_joule = 3e-12", "low <= nominal <= high"),
    "high below nominal": (GOOD + "high_joule = 1e-12", "low <= nominal <= high"),
    "bound without nominal": (GOOD.replace("nominal", "low"), "a bound needs a nominal_joule"),
    "figure missing": (GOOD.replace("nominal_joule = 2e-12\n", ""), 'exactly when its grade is "unknown"'),
    "figure of unknown grade": (GOOD.replace("measured", "unknown"), 'exactly when its grade is "unknown"'),
    "both priced and left out": (GOOD + '[left_out]\nsynop = "x"', "synop cannot be both"),
    "unknown left out": (GOOD + '[left_out]\nspikes = "x"', "left_out: unknown key 'spikes'"),
    "left out without reason": (GOOD + "[left_out]\nmac = 1", 'left_out must be a table of KIND = "reason"'),
    "timing without source": (GOOD + '[timing]\ngrade = "derived"', "timing: missing 'source'; needed: grade, source"),
    "number for a pair": (
        GOOD + '[timing]\ngrade = "derived"\nsource = "s"\ntick_second = 1e-3',
        r"timing: tick_second must be a pair of numbers \[least, most\], not 0.001",
    ),
    "layers no list": ('layers = "conv"\n' + GOOD, "layers must be a list of texts"),
    "unknown timing": (GOOD + "[timing]\nsynop = 1", "timing: unknown key 'synop'"),
    "pair out of order": (GOOD + "[timing]\nbarrier_second = [2, 1]", r"must be \[least, most\]"),
    "pair of three": (
        GOOD + '[timing]\ngrade = "derived"\nsource = "s"\nstep_second = [1, 2, 3]',
        r"timing: step_second must be a pair of numbers \[least, most\], not \[1, 2, 3\]",
    ),
    "capacity no integer": (
        GOOD + '[capacity]\nsource = "s"\ncores = 1.5',
        "capacity: cores must be a whole number above 0, not 1.5",
    ),
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
