"""Augmentations of training batches: images through kornia, event frames by small operations of our own.

Every batch has a seed of its own, so a training that is resumed sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import kornia.augmentation as K
import torch
import torch.nn.functional as F
from kornia.augmentation.auto import RandAugment, TrivialAugment
from torch import Tensor, nn

from msenas.errors import InputError, unknown

Shape = tuple[int, int, int]
Action = Callable[[Tensor, torch.Generator], Tensor]

IMAGES: dict[str, Callable[[Shape], nn.Module]] = {
    "crop": lambda s: K.RandomCrop(s[1:], padding=max(1, s[1] // 8), p=1.0),
    "flip": lambda s: K.RandomHorizontalFlip(),
    "rotate": lambda s: K.RandomAffine(degrees=12.0, translate=(0.08, 0.08), scale=(0.9, 1.1), p=1.0),
    "erase": lambda s: K.RandomErasing(scale=(0.02, 0.2), p=0.5),
    "randaugment": lambda s: RandAugment(n=2, m=9),
    "trivial": lambda s: TrivialAugment(),
}
"""Augmentations of images [B, C, H, W] in 0..1."""
COLOURS_ONLY = ("randaugment", "trivial")
"""Augmentations that need three channels."""
NATURAL = ("cifar10", "cifar100")
"""Data sets of photographs, which may be mirrored."""
EVENT_SHIFT, EVENT_DROP = 0.1, 0.1
"""Largest shift as a share of the side, and share of events that are lost."""


def shift_events(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Move each sample [B, T, C, H, W] by up to EVENT_SHIFT of its sides; events that leave are lost."""
    height, width = frames.shape[-2:]
    most = max(1, round(EVENT_SHIFT * height)), max(1, round(EVENT_SHIFT * width))
    moved = []
    for sample in frames:
        down, right = (int(torch.randint(-m, m + 1, (), generator=generator)) for m in most)
        padded = F.pad(sample, (most[1],) * 2 + (most[0],) * 2)
        top, left = most[0] - down, most[1] - right
        moved.append(padded[..., top : top + height, left : left + width])
    return torch.stack(moved)


def flip_events(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror half of the samples [B, T, C, H, W] left to right."""
    chosen = torch.rand(len(frames), generator=generator) < 0.5
    return torch.where(chosen.view(-1, 1, 1, 1, 1), frames.flip(-1), frames)


def drop_events(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Lose each event of [B, T, C, H, W] with probability EVENT_DROP."""
    keep = torch.full_like(frames, 1.0 - EVENT_DROP)
    return torch.binomial(frames, keep, generator=generator)


EVENTS: dict[str, Action] = {"shift": shift_events, "flip": flip_events, "drop": drop_events}
"""Augmentations of event frames."""


def augmentation(names: Sequence[str], dataset: str, shape: Shape, events: bool) -> Callable[[Tensor, int], Tensor]:
    """A function of a batch and its seed that augments the batch.

    Args:
        names: keys of IMAGES or EVENTS, ("auto",) for those that fit the data, or ("none",).
        dataset: name of the data set.
        shape: [C, H, W] of a sample.
        events: whether samples are event frames [B, T, C, H, W] instead of images [B, C, H, W].

    Raises:
        InputError: An augmentation is unknown, or does not fit the data.
    """
    chosen = _automatic(dataset, events) if tuple(names) == ("auto",) else () if tuple(names) == ("none",) else names
    table = EVENTS if events else IMAGES
    for name in chosen:
        if name not in table:
            raise InputError(unknown(f"augmentation of {'events' if events else 'images'}", name, table))
        if name in COLOURS_ONLY and shape[0] != 3:
            raise InputError(f"augmentation {name!r} needs 3 channels; {dataset} has {shape[0]}")
    if events:
        actions = [EVENTS[name] for name in chosen]
        return lambda batch, seed: _in_turn(actions, batch, seed)
    modules = [IMAGES[name](shape) for name in chosen]
    return lambda batch, seed: _images(modules, batch, seed)


def _automatic(dataset: str, events: bool) -> tuple[str, ...]:
    if events:
        return ("shift", "drop")
    return ("crop", "flip", "erase") if dataset in NATURAL else ("rotate",)


def _in_turn(actions: Sequence[Action], batch: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    for action in actions:
        batch = action(batch, generator)
    return batch


def _images(modules: Sequence[nn.Module], batch: Tensor, seed: int) -> Tensor:
    # kornia draws from torch's global generator, which is lent a state of its own here.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in modules:
            batch = module(batch)
    return batch.clamp(0.0, 1.0)


def mixed(inputs: Tensor, targets: Tensor, strength: float, seed: int) -> tuple[Tensor, Tensor]:
    """Mixup or cutmix by chance (Zhang et al. 2018, Yun et al. 2019); cutmix also serves event frames.

    Args:
        inputs: [B, ..., H, W].
        targets: class probabilities [B, classes].
        strength: parameter of the Beta distribution of the share.
        seed: of everything random here.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(inputs), generator=generator)
    share = _beta(strength, generator)
    # Mixed counts of events are no counts, so events are always cut.
    if inputs.ndim == 4 and torch.rand((), generator=generator) < 0.5:
        return share * inputs + (1 - share) * inputs[order], share * targets + (1 - share) * targets[order]
    height, width = inputs.shape[-2:]
    side = (1 - share) ** 0.5
    rows, columns = (_span(size, side, generator) for size in (height, width))
    cut = inputs.clone()
    cut[..., rows, columns] = inputs[order][..., rows, columns]
    kept = 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
    return cut, kept * targets + (1 - kept) * targets[order]


def _beta(strength: float, generator: torch.Generator) -> float:
    """A sample of Beta(strength, strength), as the share of one of two gamma variables."""
    first, second = torch._standard_gamma(torch.full((2,), strength, dtype=torch.float64), generator=generator).tolist()
    return first / (first + second) if first + second > 0 else 0.5


def _span(size: int, share: float, generator: torch.Generator) -> slice:
    middle = int(torch.randint(0, size, (), generator=generator))
    half = int(size * share / 2)
    return slice(max(0, middle - half), min(size, middle + half))
