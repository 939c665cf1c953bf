"""Pictures of evaluations: what their lines and cells hold."""

from __future__ import annotations

import numpy as np
import pytest

from msenas.errors import RunError
from msenas.evaluation.accuracy import Accuracy
from msenas.evaluation.accuracy_pictures import confusion_figure, draw_evaluation, noise_figure, steps_figure
from msenas.evaluation.curve import Point
from msenas.evaluation.deployed import deploy
from msenas.evaluation.evaluate import Question, evaluate
from msenas.evaluation.robustness import NOISES, chosen_noises
from msenas.hardware.profile import chosen_profiles

POINTS = (Point(1, 0.25, 10.0, 100.0), Point(4, 0.5, 40.0, 400.0))


def line(axes):
    """The points of the curve."""
    return axes.lines[0].get_xydata().tolist()


def test_the_cells_are_the_samples_and_their_colours_the_shares():
    accuracy = Accuracy(0.5, None, np.array([[3, 1], [0, 0]]))
    figure = confusion_figure(accuracy, ["cat", "dog"])
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[0.75, 0.25], [0, 0]]
    assert {(t.get_position(), t.get_text()) for t in axes.texts} == {((0, 0), "3"), ((1, 0), "1")}
    assert [t.get_text() for t in axes.get_yticklabels()] == ["cat", "dog"]


@pytest.mark.parametrize(("classes", "named", "numbered"), [(20, True, True), (21, True, False), (101, False, False)])
def test_many_classes(classes, named, numbered):
    names = [f"class {i}" for i in range(classes)]
    axes = confusion_figure(Accuracy(1.0, 1.0, np.eye(classes, dtype=np.int64)), names).axes[0]
    assert ([t.get_text() for t in axes.get_xticklabels()] == names) == named
    assert bool(axes.texts) == numbered


@pytest.mark.parametrize("name", ["$x_", "$\\frac{$", "a" * 500, "<&>"])
def test_any_name_of_a_class_can_be_drawn(name):
    figure = confusion_figure(Accuracy(1.0, None, np.eye(2, dtype=np.int64)), [name, "b"])
    figure.canvas.draw()
    assert len(figure.axes[0].get_yticklabels()[0].get_text()) < 40


def test_steps_have_accuracy_and_operations():
    figure = steps_figure(POINTS, 4)
    assert line(figure.axes[0]) == [[1, 25], [4, 50]]
    assert line(figure.axes[1]) == [[1, 100], [4, 400]]
    assert all(axes.lines[1].get_xdata() == [4, 4] for axes in figure.axes)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_noise_has_a_panel(count):
    names = list(NOISES)[:count]
    figure = noise_figure(dict.fromkeys(names, POINTS), NOISES, 0.9)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [f"{name}: accuracy, %" for name in names]
    for axes, name in zip(figure.axes, names, strict=True):
        assert line(axes) == [[1, 25], [4, 50]]
        assert axes.lines[1].get_ydata() == [90, 90]
        assert axes.get_xlabel() == NOISES[name].axis


def test_noise_grows_to_the_right():
    falling = noise_figure({"weights-Nbit": POINTS[::-1]}, NOISES, 0.9).axes[0]
    rising = noise_figure({"salt": POINTS}, NOISES, 0.9).axes[0]
    assert (falling.xaxis_inverted(), rising.xaxis_inverted()) == (True, False)


@pytest.mark.parametrize(("steps", "noise"), [((), ""), ((1,), "salt,weights-8bit")])
def test_files(folder, tmp_path_factory, steps, noise):
    out = tmp_path_factory.mktemp("pictures")
    found, noises = deploy(folder, {}), chosen_noises(noise) if noise else {}
    asked = Question(chosen_profiles("generic-45nm"), "test", 5, steps, noises)
    evaluated = evaluate(found, asked, lambda count: None)
    files = draw_evaluation(out, evaluated, noises, found.dataset.classes)
    expected = {"confusion", "energy"} | ({"steps", "noise"} if steps else set())
    assert {name: path.name for name, path in files.items()} == {name: f"{name}.png" for name in expected}
    assert {path.name for path in out.iterdir()} == {path.name for path in files.values()}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files.values())


def test_a_folder_that_is_gone(folder):
    found = deploy(folder, {})
    evaluated = evaluate(found, Question(chosen_profiles("generic-45nm"), "test", 2), lambda count: None)
    with pytest.raises(RunError, match="cannot write"):
        draw_evaluation(folder / "gone", evaluated, {}, found.dataset.classes)
