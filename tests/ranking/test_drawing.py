"""The networks of a ranking are kept, and belong to their data."""

from __future__ import annotations

import json

import pytest

from msenas.errors import InputError, RunError
from msenas.ranking.config import RankConfig, build_rank_config
from msenas.ranking.drawing import draw_members, jobs_of, read_members, write_members
from msenas.ranking.folder import RankFolder
from msenas.ranking.member import Member
from msenas.search.prepare import prepare

pytestmark = pytest.mark.usefixtures("uncompiled", "one_thread")


@pytest.fixture(scope="module")
def config(few_options):
    return build_rank_config(few_options)


@pytest.fixture(scope="module")
def prepared(config):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSENAS_COMPILE", "0")
        return prepare(config.search)


@pytest.fixture
def kept(config, prepared, few, tmp_path):
    """A folder with the networks of another one."""
    folder = RankFolder(tmp_path)
    folder.drawn.write_bytes((few[0] / "drawn.json").read_bytes())
    return folder


def test_networks_are_drawn_anew_or_read(config, prepared, kept, tmp_path):
    tried = []
    members = draw_members(config, prepared, lambda: tried.append(1))
    assert read_members(config, prepared, kept) == members
    assert len(tried) >= len(members) == 5
    before = kept.drawn.read_bytes()
    write_members(kept, prepared, members)
    assert kept.drawn.read_bytes() == before


def damaged(folder, change):
    data = json.loads(folder.drawn.read_text())
    change(data)
    folder.drawn.write_text(json.dumps(data))


def test_digests_that_were_not_noted_are_not_compared(config, prepared, kept):
    damaged(kept, lambda data: [data.pop("data"), data.pop("profile")])
    assert len(read_members(config, prepared, kept)) == 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(probe="x"), "was made with other data: the probe batch drawn now differs"),
        (lambda d: d.update(data="x"), "was made with other data: their labels or splits differ"),
        (lambda d: d.update(profile="x"), "was made with another hardware profile"),
        (lambda d: d["networks"].pop(), "drawn.json is damaged: its networks are not numbered from 0 to 4"),
        (lambda d: d["networks"][1].update(id=0), "drawn.json is damaged: its networks are not numbered"),
        (lambda d: d["networks"][1].update(genome=[1]), "drawn.json: network 1: "),
        (lambda d: d["networks"][1].update(plan="x"), "drawn.json: network 1 has another structure here"),
        (
            lambda d: d["networks"][1].update(half="x"),
            r"drawn.json: Invalid enum value 'x' - at `\$.networks\[.+\].half`",
        ),
        (lambda d: d["networks"][1].update(size=3), "drawn.json: Expected `int` <= 2"),
    ],
)
def test_what_does_not_fit_is_one_line(config, prepared, kept, change, said):
    damaged(kept, change)
    with pytest.raises(InputError, match=said) as caught:
        read_members(config, prepared, kept)
    assert "\n" not in str(caught.value)


def members(count):
    halves = ("development", "held-out")
    return [
        Member(id=i, genome=[0], plan=str(i), motif="FE", size=0, half=halves[i % 2 if i < 9 else 1])
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("half", "repeated", "ids", "again"),
    [
        ("both", 0, [0, 2, 4, 6, 8, 1, 3, 5, 7, 9], []),
        ("development", 1, [0, 2, 4, 6, 8], [0, 2, 4, 6, 8]),
        ("held-out", 0.5, [1, 3, 5, 7, 9], [3, 7]),
        ("both", 1 / 3, [0, 2, 4, 6, 8, 1, 3, 5, 7, 9], [4, 5]),
    ],
)
def test_trainings_half_by_half(half, repeated, ids, again):
    jobs = jobs_of(RankConfig(half=half, repeated=repeated), members(10))
    assert [job.member.id for job in jobs if job.repetition == 0] == ids
    assert [job.member.id for job in jobs if job.repetition == 1] == again


def test_a_half_that_is_too_small_is_refused_before_it_is_trained():
    with pytest.raises(InputError, match="3 of the 6 networks are held-out, and at least 4 are ranked"):
        jobs_of(RankConfig(half="held-out"), members(6))


def test_a_genome_that_describes_no_network_is_a_run_error(prepared):
    with pytest.raises(RunError, match="network 0: "):
        members(1)[0].decoded(prepared.spec)
