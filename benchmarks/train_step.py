"""Where the time of a training step goes (views, anchors, GRU, gate, head, loss, optimizer), and that of encoding.

    python benchmarks/train_step.py WORKSPACE [--steps 20] [--scales month,season,all]

The step is the one of ``lurm train-smen`` with its default options, run on the workspace's counts, but stopped at the
border of each part: what a part hands on is cut from the graph, so that its forward and its backward pass are timed
alone. Encoding is that of whole lives, 256 users at a time with one thread, as each thread of ``lurm encode-users`` has
them. Prints two tables in Markdown, with medians over the steps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lurm_cli.artifacts.store import Counts
from lurm_cli.contrast import nt_xent
from lurm_cli.engine import available_cores
from lurm_cli.process import OF_A_STEP, keep_freed_memory
from lurm_cli.progress import SILENT
from lurm_cli.smen.batch import Batch, make_batch
from lurm_cli.smen.blocks import UserBlocks
from lurm_cli.smen.training import Trainer, TrainingOptions
from lurm_cli.smen.views import ViewLaw
from lurm_cli.stages.train_smen import TrainConfig, input_law, model_shape, read_groups, with_preset

Times = dict[str, list[float]]


def timed(times: Times, part: str, work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    result = work()
    times[part].append(time.perf_counter() - began)
    return result


def cut(outputs: list[Tensor]) -> list[Tensor]:
    """Leaves with the same values, for the next part to start from."""
    return [output.detach().requires_grad_() for output in outputs]


def parts_of(trainer: Trainer, batch: Batch) -> list[tuple[str, Callable[[list[Tensor]], list[Tensor]]]]:
    """The encoder's and the head's parts, each from the tensors of the part before."""
    encoder, head = trainer.model.encoder, trainer.model.head

    def anchors(_: list[Tensor]) -> list[Tensor]:
        vectors = encoder.anchors.gather(batch.touched)
        alpha = encoder.anchors.alpha(vectors, batch.touched)
        return [encoder.anchors(scale.rows, vectors, alpha) for scale in batch.scales]

    def gru(inputs: list[Tensor]) -> list[Tensor]:
        return [encoder.time(rows, scale) for rows, scale in zip(inputs, batch.scales, strict=True)]

    def gate(inputs: list[Tensor]) -> list[Tensor]:
        mixed = inputs[0]
        for layer, coarse in zip(encoder.gates, inputs[1:], strict=True):
            mixed = layer(mixed, coarse)
        return [mixed]

    def loss(inputs: list[Tensor]) -> list[Tensor]:
        (h,) = inputs
        half = len(h) // 2
        return [nt_xent(h[:half], h[half:], trainer.options.tau)]

    return [
        ("anchors", anchors),
        ("GRU", gru),
        ("gate", gate),
        ("head", lambda inputs: [head(inputs[0])]),
        ("loss", loss),
    ]


def one_step(trainer: Trainer, lives: Any, users: np.ndarray, rng: np.random.Generator, times: Times) -> None:
    views = timed(times, "views", lambda: lives.views(users, trainer.view_law, rng))
    batch = timed(times, "batch", lambda: make_batch(views, trainer.blocks.period, trainer.scales, trainer.law))
    for optimizer in trainer.optimizers:
        optimizer.zero_grad(set_to_none=True)
    done: list[tuple[str, list[Tensor], list[Tensor]]] = []
    inputs: list[Tensor] = []
    for name, part in parts_of(trainer, batch):
        outputs = timed(times, f"{name} forward", lambda part=part, inputs=inputs: part(inputs))
        done.append((name, inputs, outputs))
        inputs = cut(outputs)
    gradients: list[Tensor | None] = [None]
    for name, before, outputs in reversed(done):
        timed(
            times,
            f"{name} backward",
            lambda outputs=outputs, gradients=gradients: torch.autograd.backward(outputs, gradients),
        )
        gradients = [tensor.grad for tensor in before]
    timed(times, "optimizer", lambda: [optimizer.step() for optimizer in trainer.optimizers])


@torch.no_grad()
def one_encoding(trainer: Trainer, lives: Any, users: np.ndarray, times: Times) -> None:
    whole = timed(times, "lives", lambda: lives.whole(users))
    batch = timed(times, "batch", lambda: make_batch(whole, trainer.blocks.period, trainer.scales, trainer.law))
    inputs: list[Tensor] = []
    for name, part in parts_of(trainer, batch)[:3]:
        inputs = timed(times, f"{name} forward", lambda part=part, inputs=inputs: part(inputs))


def report(times: Times, n_users: float) -> None:
    medians = {part: 1000 * float(np.median(values)) for part, values in times.items()}
    whole = sum(medians.values())
    print("| Part | Forward, ms | Backward, ms | Share |\n|---|---:|---:|---:|")
    for part in ("views", "lives", "batch", "anchors", "GRU", "gate", "head", "loss", "optimizer"):
        if part not in medians and f"{part} forward" not in medians:
            continue
        forward = medians.get(part, medians.get(f"{part} forward", 0.0))
        backward = medians.get(f"{part} backward")
        share = (forward + (backward or 0.0)) / whole
        print(f"| {part} | {forward:.0f} | {'' if backward is None else f'{backward:.0f}'} | {share:.0%} |")
    print(f"| all | {whole:.0f} | | {n_users / whole * 1000:,.0f} users/s |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--scales", default="month,season,all")
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    keep_freed_memory(OF_A_STEP)
    torch.set_num_threads(available_cores())
    scales = options.scales.split(",")
    counts = Counts.open(options.workspace / f"boi-{scales[0]}.zarr")
    config = with_preset(TrainConfig())
    interests = options.workspace / "interests.zarr"
    groups = read_groups(interests if interests.is_dir() else None)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            UserBlocks(counts),
            counts.manifest.facts["n_users_at_least"],
            model_shape(config, counts.n_interests, scales, groups),
            input_law(config, counts, groups),
            ViewLaw(config.shortest_view, config.split_views or 0.0),
            TrainingOptions(batch_size=config.batch_size, lr=config.lr, tau=config.tau),
            Path(folder),
            0,
            SILENT,
        )
        rng = np.random.default_rng(0)
        lives = trainer.blocks.load(trainer.blocks.order()[0])
        splittable = lives.splittable()
        size = min(config.batch_size, len(splittable))
        times: Times = defaultdict(list)
        for step in range(options.steps + 2):
            users = rng.choice(splittable, size, replace=False)
            # The first two steps warm up.
            one_step(trainer, lives, users, rng, times if step >= 2 else defaultdict(list))
        print(f"{size} users a step, D = {counts.n_interests:,}, {torch.get_num_threads()} threads\n")
        report(times, size)
        torch.set_num_threads(1)
        encoding: Times = defaultdict(list)
        chosen = np.arange(min(256, len(lives)))
        for step in range(options.steps + 2):
            one_encoding(trainer, lives, chosen, encoding if step >= 2 else defaultdict(list))
        print(f"\nEncoding {len(chosen)} users, one thread\n")
        report(encoding, len(chosen))


if __name__ == "__main__":
    main()
