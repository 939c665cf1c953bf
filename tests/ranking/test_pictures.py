"""Pictures of rankings, also where there is nothing to see."""

from __future__ import annotations

import math

import pytest

from msenas.fitness.registry import FITNESSES
from msenas.ranking.pictures import COLUMNS, draw_ranking, energy_figure, scatter_figure
from msenas.ranking.report import report
from tests.ranking.made import known, score, trained

NETWORKS = [known(i, trained(0.2 * i, energy=1e-6 * (i + 1))) for i in range(4)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("names", [("sahd",), tuple(FITNESSES)])
def test_a_panel_for_each_fitness(tmp_path, names):
    scores = [score(i, spikes=i + 1.0, synops=i + 1.0, parameters=i + 1.0) for i in range(4)]
    ranking = report(NETWORKS, scores, names, 0)
    figure = scatter_figure(NETWORKS, scores, ranking.rows)
    titled = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert [title.splitlines()[0].split(",")[0] for title in titled] == [row.name for row in ranking.rows]
    assert len(figure.axes) == COLUMNS * math.ceil(len(names) / COLUMNS) + 1
    points = figure.axes[0].collections[0].get_offsets()
    assert points[:, 1].tolist() == pytest.approx([0.0, 20.0, 40.0, 60.0])
    written = draw_ranking(tmp_path, NETWORKS, scores, ranking)
    assert [path.name for path in written] == ["scatter.png", "energy.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


@pytest.mark.filterwarnings("error")
def test_nothing_to_see(tmp_path):
    """No value of one fitness, equal accuracies, and one network without an energy."""
    networks = [known(i, trained(0.5)) for i in range(4)]
    scores = [score(i, sahd=None) for i in range(4)]
    scores[1] = type(scores[1])(id=1, seed=0, values=scores[1].values, failure="out of memory")
    written = draw_ranking(tmp_path, networks, scores, report(networks, scores, ("sahd", "spikes"), 0))
    assert [path.name for path in written] == ["scatter.png"]


def test_networks_that_failed_are_not_drawn(tmp_path):
    networks = [*NETWORKS, known(4, trained(failure="the loss is nan"))]
    scores = [score(i) for i in range(5)]
    assert len(draw_ranking(tmp_path, networks, scores, report(networks, scores, ("sahd",), 0))) == 2


def test_energies_lie_on_the_line_where_they_are_equal():
    figure = energy_figure(NETWORKS, [score(i, energy=1e-6 * (i + 1)) for i in range(4)])
    points = figure.axes[0].collections[0].get_offsets()
    assert points.tolist() == [pytest.approx([i, i]) for i in (1, 2, 3, 4)]
