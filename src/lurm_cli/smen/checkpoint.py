"""Training state on disk: one safetensors file, replaced as a whole, from which a killed run goes on exactly.

No pickle. Random numbers need no state: every step draws from a generator seeded by (seed, epoch, step).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from lurm_cli.errors import ArtifactError

STATE = "state.safetensors"


@dataclass
class Progress:
    """Where training stands.

    Attributes
    ----------
    epoch, step_in_epoch, step
        Epochs finished, steps done in the current one, steps done in all.
    best_loss, best_step
        Lowest validation loss so far and when.
    waited
        Validations since then.
    since_validation
        Steps since the last validation.
    done
        Whether training has ended.
    """

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    best_loss: float | None = None
    best_step: int = 0
    waited: int = 0
    since_validation: int = 0
    done: bool = False
    losses: list[float] = field(default_factory=list)


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    best: dict[str, Tensor],
    optimizers: list[torch.optim.Optimizer],
    progress: Progress,
) -> None:
    """Write everything that an exact resume needs, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    for number, optimizer in enumerate(optimizers):
        for key, state in optimizer.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimizer.{number}.{key}.{name}"] = torch.as_tensor(value)
    temporary = folder / f"{STATE}.new"
    save_file(
        {name: value.detach().contiguous() for name, value in tensors.items()},
        temporary,
        metadata={"progress": json.dumps(asdict(progress))},
    )
    descriptor = os.open(temporary, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    temporary.replace(folder / STATE)


def load_checkpoint(
    folder: Path, model: nn.Module, optimizers: list[torch.optim.Optimizer]
) -> tuple[Progress, dict[str, Tensor]] | None:
    """Restore model and optimizers in place; None where there is no (readable) checkpoint."""
    file = folder / STATE
    if not file.is_file():
        return None
    try:
        with safe_open(file, framework="pt") as held:
            progress = Progress(**json.loads(held.metadata()["progress"]))
            tensors = {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, KeyError, TypeError):
        # A damaged checkpoint costs the time spent, not the result: training begins again.
        return None
    model.load_state_dict(_below(tensors, "model."))
    for number, optimizer in enumerate(optimizers):
        by_parameter: dict[int, dict[str, Any]] = {}
        for name, value in _below(tensors, f"optimizer.{number}.").items():
            key, _, field_name = name.partition(".")
            # SparseAdam counts its steps in a Python integer, Adam in a tensor.
            sparse_step = field_name == "step" and isinstance(optimizer, torch.optim.SparseAdam)
            by_parameter.setdefault(int(key), {})[field_name] = int(value) if sparse_step else value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": by_parameter})
    return progress, _below(tensors, "best.")


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def load_tensors(file: Path) -> dict[str, Tensor]:
    """Tensors of a finished model; raises ArtifactError naming the file."""
    try:
        with safe_open(file, framework="pt") as held:
            return {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{file} is missing or damaged ({error}); run `lurm train-smen --overwrite`") from None
