"""best.json: what is written is read again, and every kind of damage is one line that names the file."""

from __future__ import annotations

import json

import msgspec
import pytest

from msenas.errors import InputError, RunError
from msenas.runs.best import SCHEMA, Weights, read_best, write_best
from tests.conftest import motif_genome


@pytest.fixture
def path(tmp_path, best):
    write_best(tmp_path / "best.json", best)
    return tmp_path / "best.json"


def refused(path, content):
    """The message with which the file is refused."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_best(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def changed(path, *keys_and_value):
    """The file's JSON with one value replaced."""
    *keys, last, value = keys_and_value
    data = json.loads(path.read_text())
    inner = data
    for key in keys:
        inner = inner[key]
    inner[last] = value
    return json.dumps(data)


def test_round_trip(path, best):
    assert read_best(path) == best
    assert read_best(path.parent) == best
    assert read_best(path).genotype == motif_genome("FE", "LI")
    assert read_best(path).plan.digest == best.plan.digest


def test_round_trip_with_weights(tmp_path, best):
    trained = msgspec.structs.replace(best, weights=Weights("weights.safetensors", "0" * 64))
    write_best(tmp_path / "best.json", trained)
    assert read_best(tmp_path / "best.json") == trained


def test_file_says_its_schema_first(path):
    assert next(iter(json.loads(path.read_text()).items())) == ("schema", SCHEMA)


def test_truncated_anywhere_is_refused(path):
    content = path.read_bytes().strip()
    for end in range(0, len(content), 97):
        refused(path, content[:end])


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("foo",), 1, "foo"),
        (("network", "foo"), 1, "foo"),
        (("genome", "foo"), 1, "foo"),
        (("network",), 3, "$.network"),
        (("network", "steps"), "4", "$.network.steps"),
        (("network", "steps"), 4.5, "$.network.steps"),
        (("network", "tau"), 0.5, "tau"),
        (("network", "channels"), 6, "channels"),
        (("network", "neuron"), "lof", "neuron"),
        (("network", "input_shape"), [1, 8], "$.network.input_shape"),
        (("network", "reductions"), [5], "reductions"),
        (("network", "layers"), 3, "layers"),
        (("schema",), "msenas.best/2", "msenas.best/2"),
        (("genome", "flat", 0), 9, "motif 9"),
        (("genome", "flat", 0), 1.5, "$.genome.flat"),
        (("genome", "flat"), [1, 1], "flat genome"),
        (("genome", "readable", "cross", "layers"), 3, "different networks"),
        (("genome", "readable", "layers", 0, "motif"), "FF", "FF"),
        (("genome", "readable", "layers", 0), [1], "layer"),
        (("scores",), [], "$.scores"),
        (("weights",), "x", "$.weights"),
    ],
)
def test_damaged_value_is_named(path, keys, value, said):
    assert said in refused(path, changed(path, *keys, value))


@pytest.mark.parametrize("name", ["../weights", "/etc/passwd", "a/b", "..", "", "a\\b", "a\0b"])
def test_weights_are_beside_the_file(path, name):
    assert "weights.file" in refused(path, changed(path, "weights", {"file": name, "sha256": "0" * 64}))


def test_missing_part_is_refused(path):
    data = json.loads(path.read_text())
    del data["genome"]
    assert "genome" in refused(path, json.dumps(data))


def test_missing_schema_is_refused(path):
    data = json.loads(path.read_text())
    del data["schema"]
    assert "schema" in refused(path, json.dumps(data))


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"3", b'"best"', b"[]", b"{}", b'{"schema": "\xff"}', b"[" * 100_000, b"\x80\x04N."],
    ids=["empty", "null", "number", "string", "list", "object", "no utf-8", "deep", "pickle"],
)
def test_other_content_is_refused(path, content):
    refused(path, content)


def test_deep_nesting_inside_is_refused(path):
    content = path.read_text().replace('"fitness": 0.5', '"fitness": ' + "[" * 50_000 + "]" * 50_000)
    refused(path, content)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_no_number_is_refused(path, number):
    refused(path, path.read_text().replace('"tau": 2.0', f'"tau": {number}'))


def test_huge_file_is_refused_unread(path):
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="1,099,511,627,776 bytes"):
        read_best(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*best\.json: No such file"):
        read_best(tmp_path)


def test_disconnected_genome_is_refused(path, best):
    genes = [1] + [0] * 8 + [1] + [0] * 8 + [1, 1]
    readable = {"layers": [{"motif": "FE", "synapses": {}}] * 2, "cross": {"layers": 1, "kernel": "3x3"}}
    data = json.loads(path.read_text()) | {"genome": {"flat": genes, "readable": readable}}
    refused(path, json.dumps(data))


def test_writing_into_a_missing_folder_is_one_line(tmp_path, best):
    with pytest.raises(RunError, match="cannot write"):
        write_best(tmp_path / "nowhere" / "best.json", best)
