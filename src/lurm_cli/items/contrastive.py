"""Item encoder trained on what users do within days of each other (Eqs. 1-3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lurm_cli.contrast import nt_xent
from lurm_cli.errors import LurmError
from lurm_cli.items.pairs import PairSampler
from lurm_cli.items.text import EncodedTexts
from lurm_cli.progress import Reporter

_VALIDATION_STEPS = 20
# How often pairs of a step are drawn again where all that were drawn repeat one item.
_DRAWS = 10
_ITEMS_AT_ONCE = 65_536

# Item codes of both sides.
Pairs = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class ContrastiveOptions:
    """Training of the item encoder; tau, lr, batch as in section 4.4 of the paper, the rest is ours."""

    dim: int = 128
    tau: float = 0.1
    lr: float = 1e-3
    batch_size: int = 256
    max_steps: int = 3_000
    round_steps: int = 100
    patience: int = 5


class _Block(nn.Module):
    """z + A2 ReLU(A1 z + a1) + a2; what a residual block holds is not given in the paper (ours)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = z + self.second(torch.relu(self.first(z)))
        return out


class ItemEncoder(nn.Module):
    """e_x = L2(blocks(mean of the words' vectors)) (Eq. 1).

    Parameters
    ----------
    word_vectors
        (n_words, dim): the start of the word table W.
    """

    def __init__(self, word_vectors: Tensor) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag.from_pretrained(
            word_vectors.clone(), freeze=False, mode="mean", sparse=True, include_last_offset=True
        )
        dim = word_vectors.shape[1]
        self.blocks = nn.Sequential(_Block(dim), _Block(dim))

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Encode texts given as word numbers and row starts (CSR); (n_texts, dim) of unit length."""
        return F.normalize(self.blocks(self.words(words, offsets)), dim=1)


def fit_contrastive(
    texts: EncodedTexts,
    training: PairSampler,
    validation: PairSampler,
    word_vectors: np.ndarray | None,
    options: ContrastiveOptions,
    seed: int,
    reporter: Reporter,
) -> ItemEncoder:
    """Train until the loss on held-out users' pairs stops falling; the best weights are kept.

    Where fewer than two held-out users have pairs, training goes on to its last step, whose weights are kept.

    Parameters
    ----------
    word_vectors
        (n_words, dim) to start from; None: N(0, 1 / sqrt(dim)).

    Raises
    ------
    LurmError
        If no two users have an admissible pair.
    """
    if len(training.users) < 2:
        raise LurmError(
            "the contrastive encoder needs users with two different items within days of each other, "
            "and found fewer than two of them; use --method word2vec"
        )
    torch.manual_seed(seed)
    shape = (len(texts.vocabulary), options.dim)
    start = torch.randn(shape) * options.dim**-0.5 if word_vectors is None else torch.from_numpy(word_vectors)
    encoder = ItemEncoder(start)
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.SparseAdam([encoder.words.weight], lr=options.lr),
        torch.optim.Adam(encoder.blocks.parameters(), lr=options.lr),
    ]
    held_out = _validation_pairs(validation, options, seed)
    best, best_loss, waited = _copy(encoder) if held_out else None, float("inf"), 0
    latest = float("nan")
    with reporter.bar("contrastive item encoder", options.max_steps, "steps") as bar:
        for step in range(options.max_steps):
            pairs = _draw(training, options.batch_size, np.random.default_rng([seed, 1, step]))
            # A mean over no pair would be NaN, and so would all weights.
            if pairs is not None:
                loss = _loss(encoder, texts, pairs, options.tau)
                for optimizer in optimizers:
                    optimizer.zero_grad(set_to_none=True)
                loss.backward()
                latest = loss.item()
                if not math.isfinite(latest):
                    raise LurmError(
                        f"the contrastive item encoder diverged: its loss is {latest} at step {step + 1}; "
                        "try a lower --lr or a higher --tau"
                    )
                for optimizer in optimizers:
                    optimizer.step()
            bar.advance()
            # The last step, too, so that none is made in vain.
            if held_out and ((step + 1) % options.round_steps == 0 or step + 1 == options.max_steps):
                held = _validate(encoder, texts, held_out, options.tau)
                bar.describe(f"loss {latest:.3f}, validation {held:.3f}")
                if held < best_loss:
                    best, best_loss, waited = _copy(encoder), held, 0
                else:
                    waited += 1
                if waited >= options.patience:
                    break
    if best is not None:
        encoder.load_state_dict(best)
    return encoder


def _copy(encoder: ItemEncoder) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in encoder.state_dict().items()}


def _draw(sampler: PairSampler, n: int, rng: np.random.Generator) -> Pairs | None:
    """Pairs of a step; None where several draws gave not one, since nearly all of the users' pairs repeat one item."""
    for _ in range(_DRAWS):
        left, right = sampler.draw(n, rng)
        if len(left):
            return left, right
    return None


def _validation_pairs(sampler: PairSampler, options: ContrastiveOptions, seed: int) -> list[Pairs]:
    """Pairs of held-out users, drawn once; none where there are fewer than two users to tell apart."""
    if len(sampler.users) < 2:
        return []
    rngs = (np.random.default_rng([seed, 2, step]) for step in range(_VALIDATION_STEPS))
    drawn = (_draw(sampler, options.batch_size, rng) for rng in rngs)
    return [pairs for pairs in drawn if pairs is not None]


def _validate(encoder: ItemEncoder, texts: EncodedTexts, held_out: list[Pairs], tau: float) -> float:
    with torch.no_grad():
        return float(np.mean([_loss(encoder, texts, pairs, tau).item() for pairs in held_out]))


def _loss(encoder: ItemEncoder, texts: EncodedTexts, pairs: Pairs, tau: float) -> Tensor:
    left, right = pairs
    return nt_xent(_encode(encoder, texts, left), _encode(encoder, texts, right), tau)


def _encode(encoder: ItemEncoder, texts: EncodedTexts, items: np.ndarray) -> Tensor:
    sizes = texts.lengths()[items]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    places = np.arange(offsets[-1]) - np.repeat(offsets[:-1], sizes) + np.repeat(texts.indptr[items], sizes)
    out: Tensor = encoder(torch.from_numpy(texts.words[places].astype(np.int64)), torch.from_numpy(offsets))
    return out


def encode_items(encoder: ItemEncoder, texts: EncodedTexts) -> np.ndarray:
    """Vectors of all items, float32 (n_items, dim); items without a word give zeros."""
    n_items = len(texts.indptr) - 1
    out = np.zeros((n_items, encoder.words.embedding_dim), dtype=np.float32)
    filled = np.flatnonzero(texts.lengths() > 0)
    with torch.no_grad():
        for start in range(0, len(filled), _ITEMS_AT_ONCE):
            some = filled[start : start + _ITEMS_AT_ONCE]
            out[some] = _encode(encoder, texts, some).numpy()
    return out
