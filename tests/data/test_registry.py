import pytest

from msenas.data import DATASETS


@pytest.mark.parametrize("name", DATASETS)
def test_every_entry_is_complete_and_consistent(name):
    entry = DATASETS[name]
    assert entry.kind in ("image", "events")
    assert entry.title
    assert entry.tree
    assert name == "digits" or entry.layouts
    if entry.shape is not None:
        assert entry.classes is not None
        assert (entry.shape[0] == 2) == (entry.kind == "events")
    for archive in entry.archives:
        assert len(archive.md5) == 32
        assert int(archive.md5, 16) > 0
        assert archive.size > 0
        assert archive.url is None or archive.makes


def test_downloads_land_where_they_are_looked_for():
    for entry in DATASETS.values():
        for archive in entry.archives:
            if archive.url is not None:
                assert (archive.folder or archive.makes) in entry.folders
