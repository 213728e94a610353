"""Item encoder trained on what users do within days of each other (Eqs. 1-3)."""

from __future__ import annotations

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
_ITEMS_AT_ONCE = 65_536


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
    validates = len(validation.users) >= 2
    best, best_loss, waited = _copy(encoder) if validates else None, float("inf"), 0
    with reporter.bar("contrastive item encoder", options.max_steps, "steps") as bar:
        for step in range(options.max_steps):
            left, right = training.draw(options.batch_size, np.random.default_rng([seed, 1, step]))
            loss = nt_xent(_encode(encoder, texts, left), _encode(encoder, texts, right), options.tau)
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            bar.advance()
            # The last step, too, so that none is made in vain.
            if validates and ((step + 1) % options.round_steps == 0 or step + 1 == options.max_steps):
                held = _validate(encoder, texts, validation, options, seed)
                bar.describe(f"loss {loss.item():.3f}, validation {held:.3f}")
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


def _validate(
    encoder: ItemEncoder, texts: EncodedTexts, sampler: PairSampler, options: ContrastiveOptions, seed: int
) -> float:
    losses = []
    with torch.no_grad():
        for step in range(_VALIDATION_STEPS):
            left, right = sampler.draw(options.batch_size, np.random.default_rng([seed, 2, step]))
            losses.append(nt_xent(_encode(encoder, texts, left), _encode(encoder, texts, right), options.tau).item())
    return float(np.mean(losses))


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
