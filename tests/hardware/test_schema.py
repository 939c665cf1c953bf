from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from msenas.errors import ProfileError
from msenas.hardware.price import Text
from msenas.hardware.profile import Published, Timing
from msenas.hardware.schema import ALLOWED, MAX_BYTES, MAX_NUMBER, facts, known_table, number, parse_toml, read_bounded


@dataclass(frozen=True)
class Sample:
    """A made-up table."""

    source: Text
    cores: int | None = None
    pair: tuple[float, float] | None = None
    colour: str = "red"


def sample(**data: object) -> Sample:
    return facts({"source": "s"} | data, Sample, "here", {"colour": ("red", "blue")})


def test_facts_are_the_dataclass() -> None:
    assert sample(cores=2, pair=[1, 2]) == Sample("s", 2, (1.0, 2.0))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"cores": "2"}, "here: cores must be a whole number, not '2'"),
        ({"cores": True}, "here: cores must be a whole number, not True"),
        ({"cores": -1}, "here: cores must be a number from 0 to"),
        ({"pair": [2, 1]}, r"here: pair must be \[least, most\], not \[2, 1\]"),
        ({"pair": [1]}, r"here: pair must be a pair of numbers \[least, most\], not \[1\]"),
        ({"pair": [1, float("inf")]}, "here: pair must be a number from 0 to"),
        ({"pair": "x" * 200}, r"not 'x{76}\.\.\.$"),
        ({"source": ""}, "here: source must be text of 1 to 1000 characters"),
        ({"source": 1}, "here: source must be text of 1 to 1000 characters, not 1"),
        ({"colour": "blu"}, "here: unknown colour 'blu'; did you mean 'blue'[?] known: blue, red"),
        ({"core": 1}, "here: unknown key 'core'; did you mean 'cores'"),
    ],
)
def test_facts_that_do_not_fit_name_the_key_and_what_is_allowed(data: dict[str, object], said: str) -> None:
    with pytest.raises(ProfileError, match=said) as caught:
        sample(**data)
    assert "\n" not in str(caught.value)


def test_a_missing_key_lists_those_that_are_needed() -> None:
    with pytest.raises(ProfileError, match="here: missing 'source'; needed: source"):
        facts({}, Sample, "here", {})


@pytest.mark.parametrize("kind", [Timing, Published])
def test_every_field_that_may_be_refused_has_words(kind: type) -> None:
    assert {str(f.type) for f in fields(kind)} - {"Grade"} <= set(ALLOWED)


@pytest.mark.parametrize("data", [1, [1], "x", None])
def test_what_is_no_table_is_refused(data: object) -> None:
    with pytest.raises(ProfileError, match="here: must be a table"):
        known_table(data, ("a",), "here")


def test_numbers_have_bounds() -> None:
    assert (number(0, "x"), number(MAX_NUMBER, "x")) == (0.0, MAX_NUMBER)
    for wrong in (-1e-30, 2 * MAX_NUMBER, float("nan"), "1", True, None, [1]):
        with pytest.raises(ProfileError, match="x must be a number from 0 to"):
            number(wrong, "x")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", "UTF-8"),
        (b"a = ", "not TOML"),
        (b"#\n" * MAX_BYTES, "larger than the allowed 256 kB"),
        (b"# " + b"x" * 1000, "line 1 is longer"),
        (b"a = " + b"[" * 990 + b"\n" + b"[" * 990, "nested too deeply|not TOML"),
    ],
)
def test_content_that_is_no_bounded_toml_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        parse_toml(content, "here")


def test_reading_stops_behind_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    path.write_bytes(b"#" * (2 * MAX_BYTES))
    assert len(read_bounded(path, "here")) == MAX_BYTES + 1
    with pytest.raises(ProfileError, match="here: there is no such file"):
        read_bounded(tmp_path, "here")
