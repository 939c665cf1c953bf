"""Archives of data sets: fetched once with a known checksum, and unpacked without trusting their names."""

from __future__ import annotations

import contextlib
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pooch

from msenas.data.progress import DownloadBar
from msenas.errors import DataError

ROOM = 3
"""Free disk, in sizes of the archive, that a download and its unpacking need."""
MOST_MEMBERS = 1_000_000
LARGEST_RATIO = 200
"""Unpacked size, in sizes of the archive; more is no data set but a trap."""
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Archive:
    """A file that can be downloaded.

    Attributes:
        name: of the file.
        md5: of the file.
        size: bytes, rounded where the exact figure is not published.
        url: None if no address is known that a program may fetch.
        folder: where it belongs, inside the folder of data sets.
        makes: what it leaves there; a file that makes itself is not unpacked.
    """

    name: str
    md5: str
    size: int
    url: str | None
    folder: str = ""
    makes: str = ""


def fetch_all(archives: tuple[Archive, ...], root: Path) -> None:
    """Download and unpack what is not there yet.

    Raises:
        DataError: no URL is known, the network or the disk fails, or an archive is not as it should be.
    """
    wanted = [archive for archive in archives if archive.url is not None]
    if not wanted:
        raise DataError("nothing can be downloaded for this data set; it has to be put in place by hand")
    for archive in wanted:
        target = root / archive.folder
        if not (target / archive.makes).exists():
            fetch(archive, target)


def fetch(archive: Archive, target: Path) -> None:
    """One archive into the folder `target`, which is not left behind empty if it is made here."""
    made = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target).free
        if free < ROOM * archive.size:
            raise DataError(
                f"{target}: {free:,} bytes free; {archive.name} and its content need {ROOM * archive.size:,}"
            )
        file = download(archive, target)
        if archive.makes != archive.name:
            unpack(file, target)
            file.unlink()
    except OSError as error:
        raise DataError(f"cannot fetch {archive.name} from {archive.url} into {target}: {error}") from error
    finally:
        if made:
            with contextlib.suppress(OSError):
                target.rmdir()


def download(archive: Archive, target: Path) -> Path:
    """The downloaded file, its md5 checked.

    Raises:
        DataError: another md5.
    """
    assert archive.url is not None
    pooch.get_logger().setLevel("WARNING")
    loader = pooch.HTTPDownloader(progressbar=DownloadBar(archive.name, archive.size), timeout=60)
    try:
        return Path(pooch.retrieve(archive.url, f"md5:{archive.md5}", archive.name, target, downloader=loader))
    except ValueError as error:
        raise DataError(
            f"{archive.name} from {archive.url} is not what it should be (md5 {archive.md5}): {error}"
        ) from error


def unpack(file: Path, target: Path) -> None:
    """Unpack a zip or tar beside its place, then move what is in it there; zips inside are unpacked, too.

    Raises:
        DataError: damaged, a name that leads elsewhere, a link, far too large, or something is in the way.
    """
    part = Path(tempfile.mkdtemp(prefix=f"{file.name}.", suffix=".part", dir=target))
    try:
        extract(file, part)
        for inner in sorted(part.glob("*.zip")):
            extract(inner, part)
            inner.unlink()
        for child in sorted(part.iterdir()):
            place = target / child.name
            if place.exists():
                raise DataError(f"{place} is in the way of unpacking {file.name}; move it")
            child.rename(place)
    except BROKEN as error:
        raise DataError(f"{file}: damaged archive ({error})") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def extract(file: Path, target: Path) -> None:
    """Write the regular files of an archive below `target`, as new files with plain rights."""
    left = file.stat().st_size * LARGEST_RATIO
    for number, (name, size, stream) in enumerate(members(file)):
        left -= size
        if number >= MOST_MEMBERS or left < 0:
            raise DataError(f"{file}: unpacks to far more than a data set; refused")
        path = PurePosixPath(name.replace("\\", "/"))
        if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise DataError(f"{file}: the member {name!r} leads out of the archive; refused")
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with stream, place.open("xb") as out:
            shutil.copyfileobj(stream, out)


def members(file: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of every regular file; folders are passed over.

    Raises:
        DataError: a link or a device.
    """
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, archive.open(info)
        return
    with tarfile.open(file) as tar:
        for member in tar:
            if member.isdir():
                continue
            stream: Any = tar.extractfile(member) if member.isreg() else None
            if stream is None:
                raise DataError(f"{file}: the member {member.name!r} is a link or a device; refused")
            yield member.name, member.size, stream
