"""Pictures of estimates: what the bars hold, and files that cannot be written."""

from __future__ import annotations

import pytest
import torch

from msenas.errors import InputError, RunError
from msenas.evaluation import picture as module
from msenas.evaluation.picture import COLOURS, GROUPS, draw_energy, picture_format
from msenas.hardware.census import take_census
from msenas.hardware.profile import load_profile
from msenas.hardware.report import kinds_of_cores, report
from tests.hardware.simulation import frames_for, motif_network


def reported(*names, dead=False):
    network = motif_network("FI", "direct")
    if dead:
        with torch.no_grad():
            for norm in network.norms.values():
                norm.weight.zero_()
                norm.bias.zero_()
    profiles = [load_profile(name) for name in names]
    census = take_census(network, [frames_for(network.plan, 2)], kinds_of_cores(profiles))
    return report(network.plan, census, profiles)


def bars(figure):
    """Width of the whole bar in each row."""
    rows = {}
    for patch in figure.axes[0].patches:
        row = round(patch.get_y() + patch.get_height() / 2)
        rows[row] = rows.get(row, 0.0) + patch.get_width()
    return [rows[row] for row in sorted(rows)]


def test_every_group_of_causes_has_a_colour_of_its_own():
    assert set(COLOURS) == set(GROUPS)
    assert len(set(COLOURS.values())) == len(COLOURS)


@pytest.mark.parametrize("name", ["generic-45nm-memory", "loihi1", "h100"])
def test_the_bars_of_one_chip_are_its_energy_by_place(name):
    (estimate,) = reported(name).estimates
    figure = module._by_place(estimate)
    label = figure.axes[0].get_xlabel()
    factor = {"m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}[label[0]]
    assert sum(bars(figure)) * factor == pytest.approx(estimate.energy.joule.nominal, rel=1e-9)
    assert ("at least" in figure.axes[0].get_title(loc="left")) == estimate.energy.at_least


def test_the_bars_of_several_chips_are_whole():
    found = reported("generic-45nm", "loihi1", "speck2f", "h100")
    figure = module._by_chip(found.estimates)
    assert bars(figure) == pytest.approx([100.0] * 4)


@pytest.mark.parametrize("names", [("loihi1",), ("loihi1", "odin")])
@pytest.mark.parametrize("kind", ["svg", "png", "SVG"])
def test_files(tmp_path, names, kind):
    path = tmp_path / f"energy.{kind}"
    draw_energy(reported(*names), path)
    start = path.read_bytes()[:8]
    assert start.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("names", [("odin",), ("odin", "darwin3"), ("loihi1", "odin")])
def test_a_dead_network_can_be_drawn(tmp_path, names, recwarn):
    draw_energy(reported(*names, dead=True), tmp_path / "dead.svg")
    assert (tmp_path / "dead.svg").stat().st_size > 0
    assert not [w for w in recwarn if "artists with labels" in str(w.message)]


@pytest.mark.parametrize("name", ["x.txt", "x", ".png", "x.svg.gz"])
def test_other_formats_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"must end in \.svg or \.png"):
        picture_format(tmp_path / name)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match="there is no folder"):
        picture_format(tmp_path / "missing" / "x.svg")
