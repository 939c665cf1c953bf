import struct

import pytest

from msenas.data.aedat import read_aedat
from msenas.errors import DataError

from . import make_files


def test_version_2(tmp_path):
    file = make_files.aedat2(tmp_path / "f.aedat", [(0, 127, 5, 1), (100, 3, 9, 0)])
    events = read_aedat(file)
    assert events.x.tolist() == [0, 100]
    assert events.y.tolist() == [127, 3]
    assert events.t.tolist() == [5, 9]
    assert events.on.tolist() == [True, False]
    assert events.sensor == (128, 128)


def test_events_of_the_plug_are_passed_over(tmp_path):
    file = make_files.aedat2(tmp_path / "f.aedat", [(1, 1, 5, 1)])
    file.write_bytes(file.read_bytes() + struct.pack(">II", 1 << 15, 6))
    assert len(read_aedat(file)) == 1


def test_a_clock_that_starts_over_goes_on(tmp_path):
    file = make_files.aedat2(tmp_path / "f.aedat", [(0, 0, 2**32 - 2, 1), (0, 0, 3, 1), (0, 0, 1, 1)])
    assert read_aedat(file).t.tolist() == [2**32 - 2, 2**32 + 3, 2**32 + 1]


def test_version_31(tmp_path):
    file = make_files.aedat31(
        tmp_path / "f.aedat",
        make_files.aedat31_packet([(3, 4, 10, 1, 1), (5, 6, 11, 0, 1), (9, 9, 12, 1, 0)]),
        make_files.aedat31_packet([(1, 1, 1, 1, 1)], kind=0),
        make_files.aedat31_packet([(127, 0, 1, 1, 1)], overflow=1),
    )
    events = read_aedat(file)
    assert events.x.tolist() == [3, 5, 127]
    assert events.y.tolist() == [4, 6, 0]
    assert events.t.tolist() == [10, 11, 2**31 + 1]
    assert events.on.tolist() == [True, False, True]
    assert events.sensor == (128, 128)


PACKET = make_files.aedat31_packet([(3, 4, 10, 1, 1)])
HEAD_31 = b"#!AER-DAT3.1\r\n#!END-HEADER\r\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "starts with b'hello'"),
        (b"#!AER-DAT1.0\r\n", "AEDAT 1.0; 2.0, 3.1"),
        (b"#!AER-DAT2.0\r\n", "no events"),
        (b"#!AER-DAT2.0\r\n1234567", "7 bytes of events; a multiple of 8"),
        (b"#!AER-DAT2.0\r\n" + struct.pack(">II", 1 << 16, 0), "beyond a DVS128"),
        (HEAD_31, "no packets of polarity events"),
        (HEAD_31 + PACKET[:20], "last packet is cut short"),
        (HEAD_31 + PACKET[:-1], "a packet of 1 events of 8 bytes does not fit"),
        (HEAD_31 + struct.pack("<hhiiiiii", 1, 0, 8, 4, 0, 2**31 - 1, 1, 1), "does not fit"),
        (HEAD_31 + struct.pack("<hhiiiiii", 1, 0, 0, 4, 0, 1, 1, 1), "does not fit"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, reason):
    (tmp_path / "f.aedat").write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_aedat(tmp_path / "f.aedat")
