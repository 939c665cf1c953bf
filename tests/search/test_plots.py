"""The pictures of a search are drawn for every set of objectives, and a failed write is one line."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from msenas.errors import RunError
from msenas.search import plots
from msenas.search.config import SearchConfig
from msenas.search.objectives import OBJECTIVES
from msenas.search.outcome import front_of
from msenas.search.plots import plot_history, plot_pareto
from tests.search.conftest import record

RECORDS = [
    record(0, fitness=1.0, energy=1e-9),
    record(1, failure="x"),
    record(2, fitness=2.0, energy=90e-9),
    record(3, 1, fitness=None, live=False),
    record(4, 1, fitness=0.5, energy=5e-9),
]


def draw(path, records, config):
    members = front_of(records, config)
    plot_pareto(path / "pareto.png", records, members, members[0].id, config)
    plot_history(path / "history.png", records, config)


@pytest.mark.parametrize("names", [("fitness",), ("energy",), ("fitness", "energy"), tuple(OBJECTIVES)])
@pytest.mark.parametrize("count", [1, 5])
def test_drawn_for_every_set_of_objectives(tmp_path, names, count):
    draw(tmp_path, RECORDS[:count], SearchConfig(objectives=names))
    for name in ("pareto.png", "history.png"):
        assert np.ptp(image.imread(tmp_path / name)) > 0.5
    assert sorted(os.listdir(tmp_path)) == ["history.png", "pareto.png"]


def drawn_history(path, monkeypatch, records):
    """The axes of history.png after they were drawn."""
    figures = []
    monkeypatch.setattr(plots, "write_figure", lambda figure, _: figures.append(figure))
    plot_history(path, records, SearchConfig())
    figures[0].canvas.draw()
    return figures[0].axes


@pytest.mark.parametrize("last", [0, 1, 30])
def test_ticks_of_the_generations_are_whole(tmp_path, monkeypatch, last):
    records = [record(g, g, fitness=1.0, energy=1e-9) for g in range(last + 1)]
    for axes in drawn_history(tmp_path, monkeypatch, records):
        low, high = axes.get_xlim()
        seen = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert seen
        assert all(tick == int(tick) for tick in seen)


@pytest.mark.parametrize(
    ("least", "most", "scale"), [(1, 19, "linear"), (1, 21, "log"), (0, 21, "linear"), (-1, 21, "linear")]
)
def test_wide_and_positive_values_have_a_logarithmic_axis(tmp_path, monkeypatch, least, most, scale):
    records = [record(0, fitness=1.0, energy=least), record(1, fitness=1.0, energy=most)]
    assert [axes.get_yscale() for axes in drawn_history(tmp_path, monkeypatch, records)] == ["linear", scale]


def test_equal_records_give_equal_pictures(tmp_path):
    pictures = []
    for _ in range(2):
        draw(tmp_path, RECORDS, SearchConfig())
        pictures.append([(tmp_path / n).read_bytes() for n in ("pareto.png", "history.png")])
    assert pictures[0] == pictures[1]


def test_name_of_a_profile_is_no_formula(tmp_path):
    draw(tmp_path, RECORDS, SearchConfig(hardware="/data/$chip_{/my$.toml"))
    assert (tmp_path / "pareto.png").stat().st_size > 0


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunError, match=r"cannot write .*pareto\.png: No space left"):
        draw(tmp_path, RECORDS, SearchConfig())
    assert os.listdir(tmp_path) == []


def test_ticks_of_energies_have_a_unit_with_a_prefix(tmp_path, monkeypatch):
    records = [record(0, fitness=1.0, energy=2e-6), record(1, fitness=1.0, energy=9e-6)]
    fitness, energy = drawn_history(tmp_path, monkeypatch, records)
    labels = [label.get_text() for label in energy.get_yticklabels()]
    assert "4 µJ" in labels
    assert all(label.endswith("J") for label in labels)
    assert energy.yaxis.get_offset_text().get_text() == ""
    assert not any("J" in label.get_text() for label in fitness.get_yticklabels())


@pytest.mark.parametrize(
    ("low", "high", "least"),
    [(1e-6, 25e-6, 5), (1.4e-6, 32e-6, 4), (0.3e-6, 7e-6, 4), (1.3e-6, 99e-6, 5), (0.1e-6, 30e-6, 3), (1e-15, 1e-3, 5)],
)
def test_logarithmic_energies_have_ticks_enough_and_all_have_the_unit(tmp_path, monkeypatch, low, high, least):
    records = [record(0, fitness=1.0, energy=low), record(1, fitness=1.0, energy=high)]
    _, energy = drawn_history(tmp_path, monkeypatch, records)
    assert energy.get_yscale() == "log"
    bottom, top = energy.get_ylim()
    shown = [label for label in energy.get_yticklabels(which="both") if bottom <= label.get_position()[1] <= top]
    labels = [label.get_text() for label in shown if label.get_text()]
    assert least <= len(labels) <= 9
    assert all(label.endswith("J") for label in labels)
