"""Files are replaced in one step, and reading is bounded."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from msenas.errors import InputError, RunError
from msenas.runs.files import read_bytes, read_json, to_json, write_atomically


def failing(number):
    def fail(*_args, **_keywords):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("content", ["text äöü", b"\x00bytes"])
def test_write_replaces(tmp_path, content):
    path = tmp_path / "f"
    path.write_text("old")
    write_atomically(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert os.listdir(tmp_path) == ["f"]


def test_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "f")
    with pytest.raises(RunError, match=r"cannot write .*/f: it is no regular file"):
        write_atomically(tmp_path / "f", "new")
    assert (tmp_path / "f").is_fifo()
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_path_without_a_name_is_one_line(name):
    with pytest.raises(RunError, match="is not the name of a file"):
        write_atomically(Path(name), "new")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_old_content_survives_a_failed_write(tmp_path, monkeypatch, number):
    path = tmp_path / "f"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(RunError, match=f"cannot write .*: {os.strerror(number)}"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


def test_old_content_survives_a_failed_replace(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", failing(errno.EACCES))
    with pytest.raises(RunError, match="Permission denied"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


def test_write_on_a_read_only_file_system_is_one_line(tmp_path, monkeypatch):
    """There, removing a file that does not exist fails as well."""
    monkeypatch.setattr(Path, "open", failing(errno.EROFS))
    monkeypatch.setattr(Path, "unlink", failing(errno.EROFS))
    with pytest.raises(RunError, match="Read-only file system"):
        write_atomically(tmp_path / "f", "new")


def test_write_below_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="Not a directory"):
        write_atomically(tmp_path / "file" / "f", "new")


def test_full_disk_leaves_the_old_file(tmp_path):
    """A real short write: the process may write 1,000 bytes to a file."""
    pytest.importorskip("resource")
    path = tmp_path / "f"
    path.write_text("old")
    code = """
        import resource, signal, sys
        from pathlib import Path
        from msenas.errors import RunError
        from msenas.runs.files import write_atomically
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_atomically(Path(sys.argv[1]), "n" * 5000)
        except RunError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"cannot write {path}: File too large\n"
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


def test_read_bytes_is_bounded(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(InputError, match="5 bytes; at most 4"):
        read_bytes(path, 4)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file here")
def test_endless_file_is_refused():
    """Its size is 0, so the bound must hold while reading. The memory limit ends a read that has none."""
    code = """
        import resource, sys
        from pathlib import Path
        from msenas.errors import InputError
        from msenas.runs.files import read_bytes
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        try:
            read_bytes(Path("/dev/zero"), 1000)
        except InputError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert "/dev/zero" in done.stdout


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir()], ids=["missing", "folder"])
def test_unreadable_is_one_line(tmp_path, make):
    make(tmp_path / "f")
    with pytest.raises(InputError, match=r"cannot read .*f: "):
        read_bytes(tmp_path / "f")


def test_json_keeps_the_order_and_refuses_nan():
    assert to_json({"b": 1, "a": "ä"}) == '{"b": 1, "a": "ä"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"a": float("nan")})


@pytest.mark.parametrize("content", [b'{"a": 1', b"\xff", b'{"a": "x"}', b"[" * 100_000])
def test_damaged_json_names_the_file(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(InputError, match=r"f: "):
        read_json(tmp_path / "f", dict[str, int])
