"""What a training can be told: one flat record with the names of the command-line options and of the TOML keys."""

from __future__ import annotations

import msgspec

from msenas.data.durations import seconds
from msenas.errors import InputError, unknown
from msenas.phenotype.lif import SURROGATES

OPTIMIZERS = ("adamw", "sgd")
LOSSES = ("ce", "tet")
PRECISIONS = ("float32", "bfloat16")


class TrainConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Options of `msenas train`; those of the data that are None stay as the network was searched with.

    Attributes:
        dataset, data, window, size: the data.
        epochs: passes over the training split.
        batch: samples per step.
        early_steps: time steps in the first part of the training, fewer than the network has, which is faster (direct
            encoding only; validation always runs all of them); None trains with all from the start.
        early_share: that part, as a share of the epochs.
        optimizer: key of OPTIMIZERS.
        lr: largest learning rate; None takes the optimizer's usual one.
        weight_decay: of convolutions and read-out.
        warmup: share of all steps in which the rate rises from 0; after it, it falls along a cosine.
        loss: "ce", cross-entropy of the scores averaged over time; or "tet", averaged cross-entropies of each step
            (Deng et al. 2022, arXiv:2202.11946).
        label_smoothing: share of the target that is spread over all classes.
        ema: decay of the running mean of the weights per step, which is what is validated and kept; in the first steps
            it is smaller; 0 turns it off.
        clip: largest norm of the gradient; 0 turns it off.
        augment: augmentations by name, or "auto" for those that fit the data.
        mix: strength of mixup and cutmix (both by chance); 0 turns them off.
        surrogate: key of `lif.SURROGATES`.
        precision: of convolutions; potentials and weights stay in float32.
        rate: firing rate that populations are drawn towards; None leaves them alone.
        rate_weight: weight of that pull.
        hardware: profile that prices the energy penalty.
        energy_weight: weight of the penalty on nominal energy above `energy_budget`; 0 turns it off.
        energy_budget: joule per inference.
        distill: `module:function` that returns a torch module whose scores are imitated.
        distill_weight: share of the imitation in the loss.
        patience: epochs without a better validation accuracy, or an equal one with a smaller loss, after which the
            training stops; 0 never stops early.
        seed: added to the weight seed of best.json, and seeds order, augmentation and everything else that is random.
        device: "auto", "cpu", "cuda", ...
        time_limit: stop after this long, such as "30m".
    """

    dataset: str | None = None
    data: str | None = None
    window: str | None = None
    size: int | None = None
    epochs: int = 30
    batch: int = 64
    early_steps: int | None = None
    early_share: float = 0.5
    optimizer: str = "adamw"
    lr: float | None = None
    weight_decay: float = 0.02
    warmup: float = 0.1
    loss: str = "ce"
    label_smoothing: float = 0.05
    ema: float = 0.99
    clip: float = 1.0
    augment: tuple[str, ...] = ("auto",)
    mix: float = 0.0
    surrogate: str = "triangle"
    precision: str = "float32"
    rate: float | None = None
    rate_weight: float = 0.1
    hardware: str = "generic-45nm"
    energy_weight: float = 0.0
    energy_budget: float = 0.0
    distill: str | None = None
    distill_weight: float = 0.5
    patience: int = 0
    seed: int = 0
    device: str = "auto"
    time_limit: str | None = None

    def __post_init__(self) -> None:
        for kind, value, known in (
            ("optimizer", self.optimizer, OPTIMIZERS),
            ("loss", self.loss, LOSSES),
            ("surrogate", self.surrogate, SURROGATES),
            ("precision", self.precision, PRECISIONS),
        ):
            if value not in known:
                raise InputError(unknown(kind, value, known))
        for name, least, most in (
            ("epochs", 1, 100_000),
            ("batch", 2, 65_536),
            ("early_steps", 1, 65_536),
            ("early_share", 0.0, 1.0),
            ("patience", 0, 100_000),
            ("seed", 0, 2**63 - 1),
            ("lr", 1e-9, 100.0),
            ("weight_decay", 0.0, 10.0),
            ("warmup", 0.0, 0.9),
            ("label_smoothing", 0.0, 0.9),
            ("ema", 0.0, 0.999999),
            ("clip", 0.0, 1e6),
            ("mix", 0.0, 10.0),
            ("rate", 0.0, 1.0),
            ("rate_weight", 0.0, 1e6),
            ("energy_weight", 0.0, 1e6),
            ("energy_budget", 0.0, 1e6),
            ("distill_weight", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise InputError(f"{name.replace('_', '-')} must be {least:g} to {most:g}, not {value}")
        if not self.augment:
            raise InputError("augment must name an augmentation, or be auto or none")
        if self.time_limit is not None:
            seconds(self.time_limit)

    def steps(self, epoch: int, all_steps: int) -> int:
        """Time steps of an epoch (from 0) of a network that has `all_steps`."""
        early = self.early_steps is not None and epoch < round(self.early_share * self.epochs)
        return min(self.early_steps or all_steps, all_steps) if early else all_steps

    @property
    def learning_rate(self) -> float:
        """The largest learning rate."""
        return self.lr if self.lr is not None else {"adamw": 1e-2, "sgd": 0.1}[self.optimizer]
