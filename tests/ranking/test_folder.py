"""The folder of a ranking."""

from __future__ import annotations

import pytest

from msenas.errors import RunError
from msenas.ranking.folder import RankFolder


def test_a_folder_may_be_new_or_empty(tmp_path):
    for path in (tmp_path, tmp_path / "new" / "one"):
        (path.parent / path.name).mkdir(parents=True, exist_ok=True)
        (path / ".lock").touch()
        (path / "config.json.part").touch()
        RankFolder(path).create()
    RankFolder(tmp_path / "a" / "b").create()
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize(
    ("name", "hint"), [("config.json", "--resume continues it"), ("notes.txt", "choose an empty folder")]
)
def test_a_folder_that_is_taken(tmp_path, name, hint):
    (tmp_path / name).touch()
    with pytest.raises(RunError, match=f"is not empty; {hint}"):
        RankFolder(tmp_path).create()


def test_what_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot use"):
        RankFolder(tmp_path / "file").create()
    with pytest.raises(RunError, match="cannot make the folder"):
        RankFolder(tmp_path / "file" / "below").create()


def test_networks_without_a_drawing_were_given(tmp_path):
    folder = RankFolder(tmp_path)
    assert not folder.was_given
    folder.networks.touch()
    assert folder.was_given
    folder.drawn.touch()
    assert not folder.was_given
    assert folder.trained(3, 1) == tmp_path / "trainings" / "3-1" / "trained.json"
