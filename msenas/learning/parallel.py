"""Several processes that train one network: `torchrun --nproc-per-node N -m msenas train ...`.

Every process prepares the whole of each batch, augmented and mixed as a single process would do it, and takes its
slice; so the samples of a step do not depend on the number of processes, and neither do the moments of the batch norms,
which are those of all slices, nor the gradients, which are added up. Weights, running means and decisions are therefore
the same everywhere. The first process alone writes and prints. A process that fails ends, and the others with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from msenas.errors import InputError, MsenasError

T = TypeVar("T")
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells each process; all of them make a group."""
TIMEOUT = timedelta(minutes=30)
"""How long one process waits for another."""


class Elsewhere(MsenasError):
    """Another process has failed and says why; this one ends without a word, with the same exit code."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("another process of this training has failed")
        self.exit_code = exit_code


class Lost(MsenasError):
    """Another process has ended, or does not answer."""


@dataclass(frozen=True)
class Group:
    """The processes of a training, as one of them sees them; by default it is alone.

    Attributes:
        rank: number of this process; 0 leads.
        size: processes.
        local: number of this process on its machine.
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def own(self, places: Tensor) -> Tensor:
        """The slice of a batch that this process takes; slices differ by one sample at most."""
        return places.tensor_split(self.size)[self.rank]

    def own_batches(self, batches: Iterable[T]) -> Iterator[T]:
        """The batches of an evaluation that this process takes."""
        return islice(batches, self.rank, None, self.size)

    def device(self, name: str) -> torch.device:
        """The device of this process: on a machine with several GPUs, each process has one.

        Raises:
            InputError: There are more processes than GPUs.
        """
        device = torch.device(name)
        if device.type != "cuda" or self.size == 1:
            return device
        if self.local >= (there := torch.cuda.device_count()):
            raise InputError(f"process {self.local + 1} of this machine finds {there} GPUs; one is needed for each")
        torch.cuda.set_device(self.local)
        return torch.device("cuda", self.local)

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, without gradient.

        Raises:
            Lost: Another process has ended, or does not answer.
        """
        if self.size == 1:
            return values
        found = values.detach().clone()
        with self._together():
            dist.all_reduce(found)
        return found

    def mean(self, values: Tensor, samples: int) -> Tensor:
        """Means over the samples of this process as means over those of all, with gradient.

        Raises:
            Lost: Another process has ended, or does not answer.
        """
        if self.size == 1:
            return values
        share = samples / float(self.total(torch.tensor(float(samples))))
        return cast(Tensor, cast(Any, _Total).apply(values * share, self))

    def agree(self, wish: bool) -> bool:
        """Whether any process wishes so."""
        return wish if self.size == 1 else bool(self.total(torch.tensor(int(wish))))

    def add_up(self, parameters: Iterable[nn.Parameter], numbers: Sequence[float]) -> list[float]:
        """Replace gradients by their sums over all processes; the sums of the numbers.

        Raises:
            Lost: Another process has ended, or does not answer.
        """
        if self.size == 1:
            return list(numbers)
        gradients = [p.grad for p in parameters if p.grad is not None]
        table = [*gradients, gradients[0].new_tensor(numbers)]
        sums = torch.split(self.total(torch.cat([part.flatten() for part in table])), [part.numel() for part in table])
        for gradient, found in zip(gradients, sums, strict=False):
            gradient.copy_(found.view_as(gradient))
        return [float(x) for x in sums[-1]]

    def equalise(self, network: nn.Module) -> None:
        """Give all processes the running statistics of the first one: GPUs may round differently."""
        if self.size > 1:
            with self._together():
                for value in network.buffers():
                    dist.broadcast(value, 0)

    def first(self, action: Callable[[], T]) -> T:
        """What the first process finds, for all.

        Raises:
            MsenasError: As the action, in the first process; in the others as `Elsewhere`.
        """
        if self.size == 1:
            return action()
        found = [self.together(action if self.leads else lambda: None)]
        with self._together():
            dist.broadcast_object_list(found, 0)
        return cast(T, found[0])

    def together(self, action: Callable[[], T]) -> T:
        """Let each process act on its own; if one fails, all do, and the first of those that failed says why.

        Raises:
            MsenasError: As the action; as `Elsewhere` if another process says why.
        """
        if self.size == 1:
            return action()
        failure, result = None, None
        try:
            result = action()
        except MsenasError as error:
            failure = error
        codes = torch.zeros(self.size, dtype=torch.int64)
        codes[self.rank] = 0 if failure is None else failure.exit_code
        codes = self.total(codes)
        failed = codes.nonzero().flatten().tolist()
        if failure is not None and failed[0] == self.rank:
            raise failure
        if failed:
            raise Elsewhere(int(codes[failed[0]]))
        return cast(T, result)

    @contextmanager
    def _together(self) -> Iterator[None]:
        """An exchange between processes, whose failures torch reports in many ways."""
        try:
            yield
        except RuntimeError as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise Lost(
                f"process {self.rank + 1} of {self.size}: another process of this training has ended, or has not"
                f" answered for {TIMEOUT.seconds // 60} minutes ({reason[:200]})"
            ) from None


class _Total(torch.autograd.Function):
    """The sum over processes; a loss of any of them depends on the values of all."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, group: Group) -> Tensor:  # noqa: ANN401
        ctx.group = group
        return group.total(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return ctx.group.total(gradient), None


ALONE = Group()


@contextmanager
def processes() -> Iterator[Group]:
    """The group that this process was started in, by torchrun or by whatever sets the same variables.

    Raises:
        InputError: The variables make no sense, or the processes do not find each other.
    """
    told = {name: os.environ.get(name) for name in VARIABLES}
    if None in told.values() or told["WORLD_SIZE"] == "1":
        yield ALONE
        return
    try:
        group = Group(*(int(told[name] or "") for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))
        if not 0 <= group.rank < group.size or group.local < 0:
            raise ValueError("a rank is out of range")
        # An optimizer loads this module, whose functions keep the group that they find as a default argument; its
        # threads would then outlive the interpreter, and end the process by a signal every now and then.
        import_module("torch.distributed.nn.functional")
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
        dist.init_process_group(backend, timeout=TIMEOUT)
    except (RuntimeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        shown = ", ".join(f"{name}={value}" for name, value in told.items())
        raise InputError(f"the processes of this training do not find each other ({shown}): {reason}") from None
    try:
        yield group
    finally:
        dist.destroy_process_group()
