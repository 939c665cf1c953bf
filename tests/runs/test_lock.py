from __future__ import annotations

import pytest

from msenas.errors import RunError
from msenas.runs.lock import locked


def test_a_folder_is_held_once_and_free_again(tmp_path):
    with locked(tmp_path), pytest.raises(RunError, match="another process is working in"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_an_error_inside_is_not_taken_for_one_of_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError), locked(tmp_path):
        (tmp_path / "none").read_text()
