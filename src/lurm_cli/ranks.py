"""The processes that ``torchrun`` starts for one command, on this machine or on several (RANK, WORLD_SIZE).

All of them read and write the same files, so the workspace lies where each can reach it. The first one leads: it builds
the artifact and speaks to the user. What else has to pass between them does so here, through torch's gloo. A command
that was started by itself is the only one, and nothing is exchanged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lurm_cli.errors import IncompleteError, LurmError

if TYPE_CHECKING:
    from torch import Tensor, nn

# All come together within minutes, for they read no more than manifests before; a machine that ends in an error before
# it has joined would not be missed otherwise, as torchrun ends the processes of its own machine only. Where one has
# more to do than the others, they wait for it in ``wait``; that it died they are told by its closed connection.
_TO_JOIN, _PATIENCE = timedelta(minutes=10), timedelta(days=2)


@dataclass(frozen=True)
class Ranks:
    """This process among those of one command.

    Attributes
    ----------
    rank
        Its number, from 0.
    size
        How many there are.
    beside
        How many of them are on this machine.
    """

    rank: int = 0
    size: int = 1
    beside: int = 1

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Ranks:
        """What torchrun says; by itself where it says nothing.

        A bare WORLD_SIZE does not count: some clusters set it for every container.
        """
        held = os.environ if environment is None else environment
        if not {"RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR"} <= held.keys():
            return cls()
        return cls(int(held["RANK"]), int(held["WORLD_SIZE"]), int(held["LOCAL_WORLD_SIZE"]))

    @property
    def leads(self) -> bool:
        """Whether this process builds the artifact and speaks to the user."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """Which of n things are this process's: shares lie one after the other and differ by one at the most."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Be connected with the others; begins when the last of them is there."""
        if self.size == 1:
            yield
            return
        import torch.distributed as dist

        dist.init_process_group("gloo", rank=self.rank, world_size=self.size, timeout=_TO_JOIN)
        try:
            yield
        finally:
            dist.destroy_process_group()

    def wait(self) -> None:
        """Go on when all have come here, however long one of them takes."""
        if self.size > 1:
            import torch.distributed as dist

            with _among_others():
                dist.monitored_barrier(timeout=_PATIENCE)

    def told_by_first(self, value: Any) -> Any:
        """The first process's value, everywhere."""
        if self.size == 1:
            return value
        import torch.distributed as dist

        held = [value]
        with _among_others():
            dist.broadcast_object_list(held, src=0)
        return held[0]

    def refuse_other_files(self, seen: Any) -> None:
        """Raise LurmError where what this process has read is not what the first one has."""
        if self.told_by_first(seen) != seen:
            raise LurmError(
                f"process {self.rank} of {self.size} does not find the files that the first one does; "
                "put the workspace on a file system that all machines share"
            )

    def take_from_first(self, model: nn.Module) -> None:
        """Give the model the first process's parameters."""
        if self.size > 1:
            import torch.distributed as dist

            with _among_others():
                for value in model.state_dict().values():
                    dist.broadcast(value, src=0)

    def gathered(self, own: Tensor) -> Tensor:
        """Rows of all processes, in the order of their shares; the gradient flows to this process's own rows."""
        if self.size == 1:
            return own
        import torch

        rows = self._exchanged(own.detach())
        rows[self.rank] = own
        return torch.cat(rows)

    def add_gradients(self, dense: Sequence[nn.Parameter], table: nn.Parameter) -> None:
        """Replace each gradient by its sum over the processes; that of ``table`` is sparse, by rows."""
        if self.size == 1:
            return
        import torch
        import torch.distributed as dist

        learnt = [parameter for parameter in dense if parameter.grad is not None]
        together = torch.cat([parameter.grad.flatten() for parameter in learnt if parameter.grad is not None])
        with _among_others():
            dist.all_reduce(together)
        parts = together.split([parameter.numel() for parameter in learnt])
        for parameter, part in zip(learnt, parts, strict=True):
            parameter.grad = part.view_as(parameter)
        assert table.grad is not None
        own = table.grad.coalesce()
        rows, values = (torch.cat(self._exchanged(held)) for held in (own.indices()[0], own.values()))
        table.grad = torch.sparse_coo_tensor(rows[None], values, tuple(table.shape), check_invariants=True).coalesce()

    def _exchanged(self, own: Tensor) -> list[Tensor]:
        """Every process's rows, of which it may have any number."""
        import torch
        import torch.distributed as dist

        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with _among_others():
            dist.all_gather(sizes, torch.tensor([len(own)]))
        # gloo exchanges equal shapes only.
        padded = own.new_zeros(max(int(size) for size in sizes), *own.shape[1:])
        padded[: len(own)] = own
        found = [torch.empty_like(padded) for _ in range(self.size)]
        with _among_others():
            dist.all_gather(found, padded)
        return [rows[: int(size)] for rows, size in zip(found, sizes, strict=True)]


@contextmanager
def _among_others() -> Iterator[None]:
    """Say of a lost connection what it means; gloo has no error of its own for it."""
    try:
        yield
    except RuntimeError as error:
        raise IncompleteError(
            "another process of this command has ended, and says why; the same command goes on from what was committed"
        ) from error


# A command that was started by itself.
ALONE = Ranks()
