"""Training: what cannot fit into memory is refused before the first step, and what is learnt is kept at its best."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from lives import MONTH, part_of
from lurm_cli.errors import LurmError
from lurm_cli.progress import SILENT
from lurm_cli.smen import memory, training
from lurm_cli.smen.batch import InputLaw
from lurm_cli.smen.blocks import UserBlocks
from lurm_cli.smen.config import ModelConfig
from lurm_cli.smen.memory import available_memory, bytes_of_views, steps_of_lives
from lurm_cli.smen.training import Trainer, TrainingOptions
from lurm_cli.smen.views import Lives, ViewLaw

# Three users: two events each, 240 months from the first to the last.
PART = part_of([(user, 300 + month, {user: 1}) for user in range(3) for month in (0, 239)], 3)
SHAPE = ModelConfig(3, 10, 8, ("month", "year"))


class OneBlock:
    """Users who are in memory already."""

    period = MONTH

    def order(self, rng: Any = None) -> list[tuple[int, ...]]:
        return [(0,)]

    def load(self, block: tuple[int, ...]) -> Lives:
        return Lives(PART)


def trainer(folder: Path, drop_empty: bool = False, **options: Any) -> Trainer:
    return Trainer(
        cast(UserBlocks, OneBlock()),
        3,
        SHAPE,
        InputLaw(drop_empty=drop_empty),
        ViewLaw(),
        TrainingOptions(epochs=1, **options),
        folder,
        0,
        SILENT,
    )


def test_steps_are_periods_of_the_life_or_those_with_behaviours() -> None:
    assert steps_of_lives(Lives(PART), InputLaw()).tolist() == [240, 240, 240]
    assert steps_of_lives(Lives(PART), InputLaw(drop_empty=True)).tolist() == [2, 2, 2]


def test_twenty_years_of_months_of_256_users_take_two_gigabytes() -> None:
    config = ModelConfig(1000, 10, 128, ("month", "year"))
    assert bytes_of_views(256 * 240, config, ViewLaw()) == 256 * 240 * 10 * 5 * 128 * 4 * 5 // 4
    assert bytes_of_views(256 * 240, config, ViewLaw(shortest=1.0)) == 256 * 240 * 10 * 5 * 128 * 4 * 2
    assert bytes_of_views(256 * 240, config, ViewLaw(split=1.0)) == 256 * 240 * 10 * 5 * 128 * 4 * 2


def test_a_step_too_large_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = bytes_of_views(3 * 240, SHAPE, ViewLaw())
    monkeypatch.setattr(training, "available_memory", lambda: needed - 1)
    with pytest.raises(LurmError, match=r"3 users by month with 10 anchors .* --batch-size or --drop-empty$"):
        trainer(tmp_path).train()
    assert not (tmp_path / "training.jsonl").exists()


@pytest.mark.parametrize("available", [bytes_of_views(3 * 240, SHAPE, ViewLaw()), None])
def test_a_step_that_fits_or_cannot_be_compared_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, available: int | None
) -> None:
    monkeypatch.setattr(training, "available_memory", lambda: available)
    trainer(tmp_path).train()
    assert len((tmp_path / "training.jsonl").read_text().splitlines()) == 1


def test_without_empty_periods_it_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "available_memory", lambda: bytes_of_views(3 * 2, SHAPE, ViewLaw()))
    trainer(tmp_path, drop_empty=True).train()


def test_memory_is_read_where_the_system_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "meminfo"
    monkeypatch.setattr(memory, "_MEMORY_FILE", file)
    assert available_memory() is None
    file.write_text("MemTotal:  9 kB\n")
    assert available_memory() is None
    file.write_text("MemTotal:  9 kB\nMemAvailable:       3 kB\n")
    assert available_memory() == 3072


def test_weights_that_the_last_step_spoils_are_not_kept(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    made.validation = [(next(iter(made._batches(0, 0))))]
    with torch.no_grad():
        made.model.encoder.anchors.key.fill_(float("nan"))
    with (tmp_path / "log").open("w") as log, pytest.raises(LurmError, match=r"the loss is nan .* try a lower --lr"):
        made._validate(log)
    assert made.progress.best_loss is None and not made.best


def test_the_best_weights_are_kept_and_patience_ends_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trainer(tmp_path, patience=2)
    made.validation = [next(iter(made._batches(0, 0)))]
    losses, keys = iter([3.0, 1.0, 2.0, 2.0]), []
    monkeypatch.setattr(training, "nt_xent", lambda *_: torch.tensor(next(losses)))
    with made._log() as log:
        for step in range(1, 5):
            with torch.no_grad():
                made.model.encoder.anchors.key.add_(1)
            keys.append(made.model.encoder.anchors.key.detach().clone())
            made.progress.step = step
            assert not made.progress.done
            made._validate(log)
    assert made.progress.done
    assert (made.progress.best_loss, made.progress.best_step) == (1.0, 2)
    assert torch.equal(made.best["encoder.anchors.key"], keys[1])


@pytest.mark.usefixtures("one_thread")
def test_users_of_lasting_tastes_are_learnt_to_be_told_apart(tmp_path: Path) -> None:
    """From weights at random: of forty users in ten tastes, a view finds the other one of the same user better."""
    rng = np.random.default_rng(0)
    rows = [
        (user, 600 + month, {int(j): 1 for j in 6 * (user % 10) + rng.choice(6, 3, replace=False)})
        for user in range(40)
        for month in range(12)
    ]
    part = part_of(rows, 60)

    class Block(OneBlock):
        def load(self, block: tuple[int, ...]) -> Lives:
            return Lives(part)

    made = Trainer(
        cast(UserBlocks, Block()),
        40,
        ModelConfig(60, 2, 8, ("month", "year")),
        InputLaw(),
        ViewLaw(),
        TrainingOptions(epochs=30, validation_share=0.0),
        tmp_path,
        0,
        SILENT,
    )
    made.train()
    losses = [json.loads(line)["loss"] for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3
