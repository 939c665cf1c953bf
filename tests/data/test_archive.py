import hashlib
import io
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from msenas.data.archive import Archive, extract, fetch_all, unpack
from msenas.errors import DataError


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture
def site(tmp_path):
    """A folder and the address that serves it."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def tar_of(file, members, kind=tarfile.REGTYPE):
    with tarfile.open(file, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(content), "/etc/passwd"
            tar.addfile(info, io.BytesIO(content))
    return file


def zip_of(file, members):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def archive_of(file, url, **changes):
    content = file.read_bytes()
    known = {
        "name": file.name,
        "md5": hashlib.md5(content).hexdigest(),
        "size": len(content),
        "url": url + file.name,
        "makes": "made",
    }
    return Archive(**(known | changes))


def test_a_download_is_checked_unpacked_and_done_once(tmp_path, site):
    folder, url = site
    archive = archive_of(tar_of(folder / "a.tar.gz", {"made/f": b"data"}), url)
    fetch_all((archive,), tmp_path / "home")
    (folder / "a.tar.gz").unlink()
    fetch_all((archive,), tmp_path / "home")
    files = [path.relative_to(tmp_path / "home") for path in (tmp_path / "home").rglob("*")]
    assert sorted(map(str, files)) == ["made", "made/f"]


def test_a_file_that_is_read_as_it_is_stays_packed(tmp_path, site):
    folder, url = site
    (folder / "f.gz").write_bytes(b"packed")
    fetch_all((archive_of(folder / "f.gz", url, makes="f.gz", folder="MNIST/raw"),), tmp_path)
    assert (tmp_path / "MNIST" / "raw" / "f.gz").read_bytes() == b"packed"


def test_a_wrong_checksum_leaves_nothing(tmp_path, site):
    folder, url = site
    archive = archive_of(tar_of(folder / "a.tar.gz", {"made/f": b"data"}), url, md5="0" * 32)
    with pytest.raises(DataError, match=r"a\.tar\.gz from http.*is not what it should be \(md5 0{32}\)"):
        fetch_all((archive,), tmp_path / "home")
    assert not (tmp_path / "home").exists()
    (tmp_path / "home").mkdir()
    with pytest.raises(DataError, match="is not what it should be"):
        fetch_all((archive,), tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []


def test_a_missing_page_is_one_clear_line(tmp_path, site):
    folder, url = site
    archive = archive_of(tar_of(folder / "a.tar.gz", {}), url)
    (folder / "a.tar.gz").unlink()
    with pytest.raises(DataError, match=r"cannot fetch a\.tar\.gz from http.*404"):
        fetch_all((archive,), tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_without_room_nothing_is_fetched(tmp_path):
    archive = Archive("a.zip", "0" * 32, 1 << 60, "http://127.0.0.1:9/a.zip", makes="made")
    with pytest.raises(DataError, match="bytes free"):
        fetch_all((archive,), tmp_path)


def test_without_an_address_it_is_said(tmp_path):
    with pytest.raises(DataError, match="put in place by hand"):
        fetch_all((Archive("a.zip", "0" * 32, 1, None),), tmp_path)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:/evil"])
@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_members_that_lead_elsewhere_are_refused(tmp_path, make, name):
    file = make(tmp_path / "a.archive", {name: b"x"})
    target = tmp_path / "deep" / "target"
    target.mkdir(parents=True)
    with pytest.raises(DataError, match="leads out of the archive"):
        extract(file, target)
    assert list(tmp_path.rglob("*evil*")) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    file = tar_of(tmp_path / "a.tar.gz", {"link": b""}, kind)
    with pytest.raises(DataError):
        unpack(file, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_bomb_is_refused(tmp_path):
    file = zip_of(tmp_path / "a.zip", {"zeros": bytes(10_000_000)})
    with pytest.raises(DataError, match="far more than a data set"):
        unpack(file, tmp_path)


def test_zips_inside_are_unpacked_too(tmp_path):
    inner = zip_of(tmp_path / "cat.zip", {"cat/0.aedat4": b"x"}).read_bytes()
    unpack(zip_of(tmp_path / "outer.zip", {"cat.zip": inner}), tmp_path)
    assert (tmp_path / "cat" / "0.aedat4").read_bytes() == b"x"


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "made").mkdir()
    with pytest.raises(DataError, match="made is in the way"):
        unpack(zip_of(tmp_path / "a.zip", {"made/f": b"x"}), tmp_path)


def test_a_damaged_archive_is_one_error(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="damaged archive"):
        unpack(tmp_path / "a.zip", tmp_path)
