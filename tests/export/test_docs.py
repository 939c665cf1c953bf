"""docs/export.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from export.exporting import GOLDEN
from export.formats import FORMATS
from export.graph import INPUT, READOUTS
from export.nir_write import CONVENTIONS
from export.onnx_model import OPSET
from export.quantise import BITS
from export.recode import CODES
from export.targets.table import TARGETS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "export.md").read_text()
FLAT = " ".join(TEXT.split())


def test_the_table_of_targets_is_that_of_the_code():
    rows = re.findall(r"^\| `.*?` \| .* \| [a-z]+ \|$", TEXT, re.MULTILINE)
    assert rows == [f"| `{name}` | {target.title} | {target.convention} |" for name, target in TARGETS.items()]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_convention_has_its_time_step(name):
    dt = {1.0: "1", 1e-3: "1e-3 s", 1e-4: "1e-4 s"}[CONVENTIONS[name].dt]
    assert f"| {name} | {dt} |" in TEXT


def test_names_and_numbers():
    for text in (
        f"--format {','.join(FORMATS)} ",
        f"operator set {OPSET} ",
        f"of {GOLDEN} samples at most",
        f"one `{INPUT}`",
        *(f"`--bits {bits}`" for bits in BITS),
        *(f"`--readout {readout}`" for readout in READOUTS[1:]),
        *(f"{code}`" for code in CODES),
    ):
        assert text in FLAT


def test_links_lead_somewhere():
    for page in (ROOT / "docs").glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert link.startswith("http") or (page.parent / link).exists(), (page.name, link)
    for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text()):
        assert link.startswith("http") or (ROOT / link).exists(), link
