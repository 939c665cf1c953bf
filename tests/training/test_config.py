"""Options of a training: defaults, ranges, and what may change when it is resumed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from msenas.errors import InputError
from msenas.learning.config import TrainConfig
from msenas.training.config import CHANGEABLE, build_train_config, differences

OTHER = {
    "dataset": "mnist",
    "data": "/elsewhere",
    "window": "2ms",
    "size": 3,
    "early_steps": 1,
    "optimizer": "sgd",
    "lr": 0.5,
    "loss": "tet",
    "augment": ("none",),
    "surrogate": "tanh",
    "precision": "bfloat16",
    "rate": 0.5,
    "hardware": "loihi1",
    "distill": "a:b",
    "device": "cpu",
    "time_limit": "3s",
}
"""Options whose default is no number, or is None, each with another value."""
WHOLE = ("epochs", "batch", "patience", "seed")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": 0}, "epochs must be 1 to 100000, not 0"),
        ({"epochs": 1.5}, "options of the training: Expected `int`, got `float` - at `$.epochs`"),
        ({"epochs": "3"}, "`$.epochs`"),
        ({"batch": 1}, "batch must be 2 to 65536, not 1"),
        ({"patience": -1}, "patience must be"),
        ({"seed": -1}, "seed must be"),
        ({"lr": 0.0}, "lr must be 1e-09 to 100, not 0.0"),
        ({"lr": float("nan")}, "lr must be 1e-09 to 100, not nan"),
        ({"lr": float("inf")}, "lr must be"),
        ({"weight_decay": -1.0}, "weight-decay must be"),
        ({"warmup": 1.0}, "warmup must be 0 to 0.9"),
        ({"label_smoothing": 1.0}, "label-smoothing must be 0 to 0.9"),
        ({"ema": 1.0}, "ema must be"),
        ({"clip": -1.0}, "clip must be"),
        ({"mix": -1.0}, "mix must be"),
        ({"rate": 1.5}, "rate must be 0 to 1"),
        ({"rate_weight": -1.0}, "rate-weight must be"),
        ({"energy_weight": -1.0}, "energy-weight must be"),
        ({"energy_budget": -1.0}, "energy-budget must be"),
        ({"early_steps": 0}, "early-steps must be 1 to"),
        ({"early_share": 1.5}, "early-share must be 0 to 1"),
        ({"early_share": 0.5}, "--early-share needs --early-steps"),
        ({"early_share": 0.5, "early_steps": None}, "--early-share needs --early-steps"),
        ({"distill_weight": 2.0}, "distill-weight must be 0 to 1"),
        ({"optimizer": "adam"}, "unknown optimizer 'adam'; did you mean 'adamw'?"),
        ({"loss": "mse"}, "unknown loss 'mse'; known: ce, tet"),
        ({"surrogate": "sigmoid"}, "unknown surrogate 'sigmoid'"),
        ({"precision": "float64"}, "unknown precision 'float64'"),
        ({"augment": ()}, "augment must name an augmentation, or be auto or none"),
        ({"time_limit": "soon"}, "'soon' is no duration"),
        ({"epoch": 3}, "unknown option of a training 'epoch'; did you mean 'epochs'?"),
    ],
)
def test_what_is_not_allowed_is_one_line(options, said):
    with pytest.raises(InputError) as caught:
        build_train_config(options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_everything_has_a_default():
    assert build_train_config({}) == TrainConfig()


def test_early_steps_may_be_given_alone():
    assert build_train_config({"early_steps": 1}) == TrainConfig(early_steps=1, early_share=0.5)


def test_what_is_not_given_is_as_the_training_was_begun():
    begun = TrainConfig(early_share=0.25, lr=0.5, data="/elsewhere")
    assert build_train_config({}, begun) == begun
    assert build_train_config({"device": "cpu"}, begun) == msgspec.structs.replace(begun, device="cpu")


@pytest.mark.parametrize(("optimizer", "rate"), [("adamw", 0.01), ("sgd", 0.1)])
def test_learning_rate_is_the_usual_one_of_the_optimizer(optimizer, rate):
    assert TrainConfig(optimizer=optimizer).learning_rate == rate
    assert TrainConfig(optimizer=optimizer, lr=0.3).learning_rate == 0.3


def test_paths_mean_the_same_from_every_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    config = build_train_config({"data": "a.npz", "hardware": "own.toml"})
    assert (config.data, config.hardware) == (str(tmp_path / "a.npz"), str(tmp_path / "own.toml"))
    assert build_train_config({"hardware": "loihi1"}).hardware == "loihi1"


@pytest.mark.parametrize("name", TrainConfig.__struct_fields__)
def test_what_may_change_when_a_training_is_resumed(name):
    old = TrainConfig()
    value = OTHER[name] if name in OTHER else getattr(old, name) + (2 if name in WHOLE else 0.125)
    if name == "ema":
        value = 0.5
    found = differences(old, build_train_config({name: value}, old))
    expected = f"{name.replace('_', '-')}: {getattr(old, name)} -> {value}"
    assert found == ([] if name in CHANGEABLE else [expected])


def test_moved_data_may_be_named_again():
    assert "data" in CHANGEABLE
    assert build_train_config({"data": str(Path("x").absolute())}).data == str(Path("x").absolute())


def test_time_steps_of_early_epochs():
    config = TrainConfig(epochs=4, early_steps=2, early_share=0.5)
    assert [config.steps(epoch, 8) for epoch in range(4)] == [2, 2, 8, 8]
    assert config.steps(0, 1) == 1
    assert TrainConfig(epochs=4).steps(0, 8) == 8
