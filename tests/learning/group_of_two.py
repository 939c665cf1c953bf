"""One of several processes of a test: `python -m tests.learning.group_of_two NAME OUT RANK SIZE PORT` runs a function.

The function is given the group; what it returns is written to OUT-RANK as a torch file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from torch import nn

from msenas.errors import CheckFailed, InputError, MsenasError
from msenas.learning import parallel
from msenas.learning.config import TrainConfig
from msenas.learning.feed import Feed, calibration_frames, evaluation_batches
from msenas.learning.loop import Pressure, State, Trainer, without_denormals
from msenas.learning.parallel import Group, Lost, processes
from msenas.learning.shared_norm import SharedNorm, share_moments
from msenas.phenotype.network import Network
from tests.conftest import motif_plan
from tests.learning.small import dataset, standard

OPTIONS = {
    "plain": {"epochs": 2},
    "uneven": {"batch": 13},
    "tet": {"loss": "tet", "mix": 1.0, "optimizer": "sgd", "lr": 0.05},
    "rate": {"rate": 0.3, "rate_weight": 1.0},
    "energy": {"energy_weight": 1.0},
    "parts": {"batch": 18},
}


def training(group: Group, name: str) -> dict[str, object]:
    """Losses of the steps, rows of the epochs, and the weights, of one of OPTIONS."""
    config = TrainConfig(**({"epochs": 1, "batch": 16, "augment": ("rotate",), "ema": 0.5} | OPTIONS[name]))
    data, plan = dataset(), motif_plan("FE", "LI", steps=2)
    about = (plan.spec, standard(data), config.seed)
    losses: list[float] = []
    pressure = Pressure(1e-12, 0.0, 1e-10) if config.energy_weight else None
    how = Trainer(
        config,
        Feed(data, plan.spec, standard(data), config),
        lambda: calibration_frames(data.train, *about),
        lambda: evaluation_batches(data.val, *about),
        torch.device("cpu"),
        pressure=pressure,
        advance=losses.append,
        group=group,
    )
    state = State.fresh(Network(plan, 5), config)
    state.parts = 3 if name == "parts" else 1
    share_moments(state.network.norms, group)
    with without_denormals():
        rows = [how.epoch(state) for _ in range(config.epochs)]
    return {
        "losses": losses,
        "rows": [vars(row) for row in rows],
        "network": state.network.state_dict(),
        "average": state.average.network.state_dict(),
    }


def norms(group: Group) -> dict[str, object]:
    """Output, gradients and statistics of a norm for uneven slices of one batch with a large mean."""
    generator = torch.Generator().manual_seed(3)
    drive, wanted = (torch.randn(7, 3, 4, 5, generator=generator) for _ in range(2))
    places = group.own(torch.arange(7))
    own = (100.0 + 2.0 * drive)[places].requires_grad_()
    plain = nn.BatchNorm2d(3)
    with torch.no_grad():
        plain.weight.copy_(torch.tensor([0.5, -1.0, 2.0]))
    norm = plain if group.size == 1 else SharedNorm(plain, group)
    out = norm(own)
    (out * wanted[places]).sum().backward()
    found = {"out": out.detach(), "gradient": own.grad, "mean": norm.running_mean, "variance": norm.running_var}
    gradients = group.total(torch.stack([norm.weight.grad, norm.bias.grad]))
    return found | {"places": places, "parameters": gradients, "batches": norm.num_batches_tracked}


def means(group: Group) -> dict[str, object]:
    """The mean over all samples and its gradient; what all wish; what the first one found."""
    values = torch.arange(5.0)[group.own(torch.arange(5))].requires_grad_()
    mean = group.mean(values.mean(), len(values))
    (mean**2 * len(values)).backward()
    agreed = [group.agree(wish) for wish in (False, group.rank == 1, True)]
    found = group.first(lambda: {"rank": group.rank, "path": Path("x")})
    return {"mean": mean.detach(), "gradient": values.grad, "agreed": agreed, "first": str(found)}


def failures(group: Group) -> dict[str, object]:
    """How a failure of one, of both and of the first process look to each."""

    def fail(*ranks: int) -> None:
        if group.rank in ranks:
            raise (CheckFailed if group.rank else InputError)(f"no luck in {group.rank}")

    told = {}
    for name, action in (
        ("second", lambda: group.together(lambda: fail(1))),
        ("both", lambda: group.together(lambda: fail(0, 1))),
        ("first", lambda: group.first(lambda: fail(0))),
        ("none", lambda: group.together(lambda: None)),
    ):
        try:
            action()
            told[name] = ("", "", 0)
        except MsenasError as error:
            told[name] = (type(error).__name__, str(error), error.exit_code)
    return told


def lost(group: Group) -> dict[str, object]:
    """What is said when the other process ends in the middle, forward and in a gradient."""
    if group.rank == 1:
        os._exit(0)
    said = []
    values = torch.ones(2, requires_grad=True)
    for act in (lambda: group.total(values), lambda: parallel._Total.apply(values, group)):
        try:
            act()
        except Lost as error:
            said.append(str(error))
    return {"said": said}


def everything(group: Group) -> dict[str, object]:
    """All of the above but the loss of a process, by name."""
    trained = {name: training(group, name) for name in OPTIONS}
    return {"training": trained, "norms": norms(group), "means": means(group), "failures": failures(group)}


def main() -> None:
    name, out, rank, size, port = sys.argv[1:]
    torch.set_num_threads(1)
    told = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update(told)
    with processes() as group:
        found = {"everything": everything, "lost": lost}[name](group)
    tasks = Path("/proc/self/task")
    left = [(task / "comm").read_text().strip() for task in tasks.iterdir()] if tasks.exists() else []
    torch.save(found | {"threads": [thread for thread in left if "gloo" in thread]}, f"{out}-{rank}")


if __name__ == "__main__":
    main()
