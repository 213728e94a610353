"""``lurm train-smen``: train the multi-anchor encoder on views of the users' bags of interests."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lurm_cli.artifacts.build import Build
from lurm_cli.artifacts.manifest import Manifest
from lurm_cli.errors import ArtifactError, LurmError, UsageError
from lurm_cli.smen.config import ModelConfig, share_held_out
from lurm_cli.stages.context import Context, Outcome, finest_counts_there, input_fingerprint, later_knowledge, settled
from lurm_cli.stages.options import option

if TYPE_CHECKING:
    import numpy as np

    from lurm_cli.artifacts.store import Counts
    from lurm_cli.smen.batch import InputLaw
    from lurm_cli.smen.model import Encoder
    from lurm_cli.smen.training import Trainer


_BY_PRESET = "by the preset"
# From the start that the decomposition gives, scores on tasks stop rising long before the contrastive loss stops
# falling, so the default ends early; from random weights early stopping has to decide.
_EPOCHS, _LEAST_STEPS, _MOST_STEPS, _EPOCHS_FROM_RANDOM = 12, 100, 1000, 100
# Where the default departs from the paper; docs/results.md has the ablation of each.
_PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        "start": "svd",
        "relu": False,
        "interest_weights": "idf",
        "scaling": "unit",
        "groups": True,
        "split_views": 1.0,
    },
    "paper": {
        "start": "random",
        "relu": True,
        "interest_weights": "none",
        "scaling": "none",
        "groups": False,
        "split_views": 0.0,
    },
}


@dataclass(frozen=True)
class TrainConfig:
    """Options of ``lurm train-smen``."""

    scales: tuple[str, ...] = option(
        (), "periods from fine to coarse, such as month,year", shown="month; year or season, by the span; all"
    )
    anchors: int = option(10, "anchors M; 1 for the single-anchor ablation", minimum=1, maximum=1024)
    dim: int = option(128, "hidden width H; a user gets M x H numbers", minimum=1, maximum=8192)
    aggregation: Literal["gru", "lstm", "mean", "max"] = option("gru", "what turns a sequence of periods into a vector")
    gru_per_anchor: bool = option(False, "one recurrent layer an anchor instead of a shared one")
    gate: bool = option(True, "mix two scales with a learned gate (Eq. 7) instead of their mean")
    preset: Literal["default", "paper"] = option(
        "default", "values of the options that are chosen by it: ours, or all as the paper prints them"
    )
    start: Literal["svd", "random"] | None = option(
        None, "where the interest vectors start: a decomposition of the bags, or random", shown=_BY_PRESET
    )
    relu: bool | None = option(
        None, "ReLU after the sum over interests (Eq. 6); without it both signs are kept", shown=_BY_PRESET
    )
    interest_weights: Literal["none", "idf"] | None = option(
        None, "damp interests that everybody has", shown=_BY_PRESET
    )
    scaling: Literal["none", "unit", "root"] | None = option(
        None,
        "divide each period's bag by nothing, by its length, or by its root (groups: by the root)",
        shown=_BY_PRESET,
    )
    groups: bool | None = option(None, "count groups of neighbouring interests beside these", shown=_BY_PRESET)
    drop_empty: bool = option(False, "leave out periods without behaviours instead of keeping zeros")
    shortest_view: float = option(0.25, "shortest view, as a share of the user's life", minimum=0.0, maximum=1.0)
    split_views: float | None = option(
        None,
        "share of users whose views are random halves of all behaviours",
        minimum=0.0,
        maximum=1.0,
        shown=_BY_PRESET,
    )
    epochs: int | None = option(
        None, "at most so many passes over the users", minimum=1, shown="by the number of users"
    )
    patience: int = option(5, "stop after so many validations without improvement", minimum=1)
    batch_size: int = option(256, "users a step", minimum=2)
    lr: float = option(1e-3, "step of Adam", minimum=1e-9, maximum=10.0)
    tau: float = option(0.1, "temperature of the contrastive loss", minimum=1e-4, maximum=100.0)
    clip: float | None = option(None, "greatest norm of a step's gradient", minimum=1e-6, shown="off")


def run_train_smen(context: Context, boi: Path | None, config: TrainConfig, target: Path) -> Outcome:
    """Train SMEN.

    Parameters
    ----------
    boi
        Counts of the finest scale; by default the workspace's artifact of that period.
    target
        Model folder to write.
    """
    config = with_preset(config)
    boi, scales = finest_counts(context, boi, config)
    counts_manifest, counts_ref = context.input(boi, "boi")
    if config.epochs is None:
        n_users = counts_manifest.facts["n_users_at_least"]
        config = dataclasses.replace(config, epochs=default_epochs(n_users, config))
        context.reporter.note(f"epochs: at most {config.epochs} (--epochs changes this)")
    parameters = {
        "scales": scales,
        **{name: getattr(config, name) for name in config.__dataclass_fields__ if name not in ("scales", "preset")},
    }
    interests = interests_of(context, boi, counts_manifest) if config.groups else None
    references = (counts_ref,) if interests is None else (counts_ref, context.input(interests, "interests")[1])
    draft = Manifest("smen", "train-smen", parameters, references, context.seed, counts_manifest.until)
    outcome = settled(context, target, draft)
    if outcome is not None:
        return outcome
    return _train(context, boi, interests, scales, config, target, draft)


def interests_of(context: Context, boi: Path, counts: Manifest) -> Path:
    """The interests that these counts are of.

    Raises
    ------
    ArtifactError
        If they are no longer where they were.
    """
    found = context.ancestor(counts, "interests")
    if found is None:
        raise ArtifactError(
            f"{boi}: the interests that it counts are not there any more, and groups of them are to be counted; "
            "run `lurm cluster` and `lurm boi` again, or train with --no-groups"
        )
    return found


def read_groups(interests: Path | None) -> np.ndarray | None:
    """The group of each interest, int32 (D,); None where there are no groups."""
    from lurm_cli.artifacts.columns import Columns

    held = None if interests is None else Columns(interests, "interests")
    return held.read("groups") if held is not None and "groups" in held.names() else None


def with_preset(config: TrainConfig) -> TrainConfig:
    """The config with every option settled that was left to the preset."""
    chosen = _PRESETS[config.preset].items()
    return dataclasses.replace(config, **{name: value for name, value in chosen if getattr(config, name) is None})


def default_epochs(n_users: int, config: TrainConfig) -> int:
    """Passes over the users where the user names none: 12, or as many as make 100 steps if that is more (ours).

    They make no more than 1,000 steps. Training from random weights gets 100, and early stopping.
    """
    if config.start == "random":
        return _EPOCHS_FROM_RANDOM
    steps = max(1.0, n_users / config.batch_size)
    # Where no users are held out, nothing would end a training of many epochs.
    least = math.ceil(_LEAST_STEPS / steps) if share_held_out(n_users) else 1
    return max(1, min(max(_EPOCHS, least), round(_MOST_STEPS / steps)))


def finest_counts(context: Context, boi: Path | None, config: TrainConfig) -> tuple[Path, list[str]]:
    """The finest scale's artifact and the names of all scales."""
    from lurm_cli.artifacts.manifest import read_manifest
    from lurm_cli.boi.periods import Period, default_scales

    scales = [Period.parse(name).name for entry in config.scales for name in entry.split(",")]
    if boi is None:
        boi = context.root / f"boi-{scales[0]}.zarr" if scales else finest_counts_there(context.root)
    manifest = read_manifest(boi, "boi")
    finest = Period(manifest.parameters["period"])
    if not scales:
        chosen = default_scales(manifest.facts["first_time"], manifest.facts["last_time"])
        if finest != chosen[0]:
            chosen = [finest]
        # Ours beside the paper's two: what an anchor has seen over the whole life, whatever the order.
        whole = [] if config.preset == "paper" else ["all"]
        scales = list(dict.fromkeys([*(period.name for period in chosen), *whole]))
        context.reporter.note(f"scales: {', '.join(scales)} (--scales changes this)")
    if scales[0] != finest.name:
        raise UsageError(
            f"--scales {','.join(scales)}: the first, finest one must be that of {boi}, {finest.name}; "
            f"run `lurm boi --period {scales[0]}` or name another artifact"
        )
    for fine, coarse in itertools.pairwise(scales):
        if fine == coarse or not finest.nests_in(Period(coarse)):
            raise UsageError(f"--scales {','.join(scales)}: a {finest.name} does not lie whole within a {coarse}")
    return boi, scales


def _train(
    context: Context,
    boi: Path,
    interests: Path | None,
    scales: list[str],
    config: TrainConfig,
    target: Path,
    draft: Manifest,
) -> Outcome:
    import torch
    from safetensors.torch import save_file

    from lurm_cli.artifacts.store import Counts
    from lurm_cli.engine import available_cores

    # Sums depend on how they are divided among threads, so the number does not follow --workers.
    torch.set_num_threads(available_cores())
    counts = Counts.open(boi)
    groups = read_groups(interests)
    build = Build(target, draft, metadata="config.json")

    def trainer_of() -> Trainer:
        return _trainer(context, counts, scales, groups, config, build.folder)

    if not context.ranks.leads:
        # What is built is the first process's.
        with context.ranks.joined():
            trainer_of().train()
        return Outcome(target, draft, "written")
    with build, context.ranks.joined():
        if build.resumed:
            context.reporter.note(f"going on from the last checkpoint in {build.folder}")
        trainer = trainer_of()
        if config.start == "svd":
            _start(trainer, counts, context.seed)
        best = trainer.train()
        progress, law, model_config = trainer.progress, trainer.law, trainer.model.encoder.config
        if not all(bool(value.isfinite().all()) for value in best.values() if value.is_floating_point()):
            raise LurmError("training diverged: weights are not finite after the last step; try a lower --lr")
        # The head served the loss only; what is kept is what encodes.
        encoder = {
            name.removeprefix("encoder."): value.contiguous()
            for name, value in best.items()
            if name.startswith("encoder.")
        }
        if law.weights is not None:
            encoder["interest_weights"] = torch.from_numpy(law.weights)
        if law.groups is not None:
            encoder["interest_groups"] = torch.from_numpy(law.groups)
        save_file(encoder, build.folder / "model.safetensors")
        how = "validation loss" if trainer.validation else "no validation: too few users"
        context.reporter.note(
            f"trained {progress.epoch} epochs, {progress.step} steps; kept step {progress.best_step or progress.step} "
            f"({how}{'' if progress.best_loss is None else f' {progress.best_loss:.3f}'})"
        )
        facts = {
            "epochs": progress.epoch,
            "steps": progress.step,
            "best_step": progress.best_step or progress.step,
            "validation_loss": progress.best_loss,
            # What the numbers of interests mean: counts of others are not to be encoded.
            "interests": input_fingerprint(counts.manifest, "interests"),
            **later_knowledge(draft.until, counts.manifest),
        }
        manifest = build.finish(
            shape=(model_config.n_interests, model_config.user_dim), facts=facts, model=model_config.to_json()
        )
    return Outcome(target, manifest, "written")


def _trainer(
    context: Context, counts: Counts, scales: list[str], groups: np.ndarray | None, config: TrainConfig, folder: Path
) -> Trainer:
    """A trainer of the encoder that a config asks for."""
    from lurm_cli.smen.blocks import UserBlocks
    from lurm_cli.smen.training import Trainer, TrainingOptions
    from lurm_cli.smen.views import ViewLaw

    options = TrainingOptions(
        batch_size=config.batch_size,
        lr=config.lr,
        tau=config.tau,
        epochs=config.epochs or 1,
        patience=config.patience,
        clip=config.clip,
    )
    return Trainer(
        UserBlocks(counts),
        counts.manifest.facts["n_users_at_least"],
        model_shape(config, counts.n_interests, scales, groups),
        input_law(config, counts, groups),
        ViewLaw(config.shortest_view, config.split_views or 0.0),
        options,
        folder,
        context.seed,
        context.reporter,
        context.ranks,
    )


def _start(trainer: Trainer, counts: Counts, seed: int) -> None:
    """Give the encoder a start from the users' bags."""
    import numpy as np

    from lurm_cli.boi.reading import whole_life
    from lurm_cli.smen.start import interest_directions, n_directions, start_from

    encoder = trainer.model.encoder
    lives = (whole_life(counts.bucket(bucket)) for bucket in counts.buckets())
    directions = interest_directions(lives, trainer.law, n_directions(encoder.config), seed)
    first = trainer.blocks.load(trainer.blocks.order()[0])
    start_from(encoder, directions, float(np.median(first.last - first.first + 1)))


def model_shape(config: TrainConfig, n_interests: int, scales: list[str], groups: np.ndarray | None) -> ModelConfig:
    """The encoder that a config asks for."""
    return ModelConfig(
        n_interests,
        config.anchors,
        config.dim,
        tuple(scales),
        config.aggregation,
        config.gru_per_anchor,
        config.gate,
        bool(config.relu),
        0 if groups is None else 1 + int(groups.max()),
    )


def input_law(config: TrainConfig, counts: Counts, groups: np.ndarray | None) -> InputLaw:
    """How counts enter the anchors; weights of interests and groups are learnt from all users' whole lives."""
    from lurm_cli.smen.batch import InputLaw

    law = InputLaw(None, config.scaling or "none", config.drop_empty, groups)
    return law if config.interest_weights != "idf" else dataclasses.replace(law, weights=interest_weights(counts, law))


def interest_weights(counts: Counts, law: InputLaw) -> np.ndarray:
    """Inverse document frequency of each interest and group: ln((1 + users) / (1 + users with it)) + 1 (ours).

    Returns
    -------
    numpy.ndarray
        float32 (C,).
    """
    import numpy as np

    from lurm_cli.boi.reading import whole_life
    from lurm_cli.decomposition import inverse_frequency

    holders: np.ndarray | int = 0
    n_users = 0
    for bucket in counts.buckets():
        part = counts.bucket(bucket)
        lives = law.columns(whole_life(part))
        holders += np.bincount(lives.indices, minlength=lives.shape[1])
        n_users += len(part.users)
    return inverse_frequency(n_users, np.asarray(holders))


def load_encoder(folder: Path) -> tuple[Encoder, InputLaw, ModelConfig]:
    """A trained encoder, the input law it was trained with, and its shape.

    Raises
    ------
    ArtifactError
        If the folder is missing, incomplete or damaged.
    """
    from lurm_cli.artifacts.manifest import read_document, read_manifest
    from lurm_cli.artifacts.seal import check_files
    from lurm_cli.smen.batch import InputLaw
    from lurm_cli.smen.checkpoint import load_tensors
    from lurm_cli.smen.model import Encoder

    manifest = read_manifest(folder, "smen")
    check_files(folder, {name: crc for name, crc in manifest.files.items() if name == "model.safetensors"})
    config = ModelConfig.from_json(read_document(folder)["attributes"]["model"])
    tensors = load_tensors(folder / "model.safetensors")
    weights, groups = (tensors.pop(name, None) for name in ("interest_weights", "interest_groups"))
    encoder = Encoder(config)
    encoder.load_state_dict(tensors)
    parameters = manifest.parameters
    law = InputLaw(
        None if weights is None else weights.numpy(),
        parameters["scaling"],
        parameters["drop_empty"],
        None if groups is None else groups.numpy(),
    )
    return encoder, law, config
