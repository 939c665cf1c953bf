from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from msenas.errors import RunError
from msenas.runs.figures import UNDATED, plain, write_figure


def figure():
    found = Figure(figsize=(1, 1))
    found.add_subplot().set_title(plain("costs $5 and $6"))
    return found


@pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_every_format_is_written_whole(tmp_path, kind, begins):
    assert kind in UNDATED
    write_figure(figure(), tmp_path / f"x.{kind}")
    assert (tmp_path / f"x.{kind}").read_bytes().startswith(begins)
    assert [p.name for p in tmp_path.iterdir()] == [f"x.{kind}"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match="cannot write"):
        write_figure(figure(), tmp_path / "none" / "x.png")
