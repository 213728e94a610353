"""PTUM: pre-training user models by masked and next behaviours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.base import Catalogue, Histories
from lurm_cli.baselines.network import Attention, looked_up, masked_softmax, train
from lurm_cli.baselines.recent import RECENT, item_words, of_first_users, recent_times, word_vectors

_USERS_AT_ONCE = 512
_HEADS, _HEAD_DIM, _ATTENTION = 16, 16, 200
_DIM = _HEADS * _HEAD_DIM
_GAP_BUCKETS = 32
# Wrong candidates beside the right one.
_NEGATIVES = 4
# So often a wrong candidate that is the user's own is drawn again.
_DRAWS = 20
_NEXT = 2
# Texts are read in so many groups of like length.
_CHUNKS = 4
# Steps after which more users are worth more than more epochs of them.
_MOST_STEPS = 400

# Vectors of behaviours, (B, T, 256), from rows of the table of words, (B, T).
Reader = Callable[[Tensor], Tensor]


class SelfAttention(nn.Module):
    """Sixteen heads of sixteen; no output projection, residual or normalisation, as in the release."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(dim, 3 * _DIM, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, 256) from (B, T, dim); padding is not attended to."""
        q, k, v = self.qkv(x).unflatten(2, (3, _HEADS, _HEAD_DIM)).unbind(2)
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / _HEAD_DIM**0.5
        weights = masked_softmax(scores, mask[:, None, None, :].expand_as(scores))
        return torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(2)


class PtumNetwork(nn.Module):
    """Words to a behaviour, behaviours with their positions and gaps to a user; self-attention at both levels."""

    def __init__(self, table: Tensor, vectors: Tensor, recent: int = RECENT) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", table, persistent=False)
        self.words = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=0)
        dim = vectors.shape[1]
        self.word_position = nn.Parameter(torch.randn(table.shape[1], dim) * 0.1)
        self.text_attention, self.text_pool = SelfAttention(dim), Attention(_DIM, _ATTENTION)
        # Positions 1..recent; after them one for each behaviour to come.
        self.position = nn.Embedding(recent + 1 + _NEXT, _DIM, padding_idx=0)
        self.gap = nn.Embedding(_GAP_BUCKETS, _DIM)
        self.user_attention, self.user_pool = SelfAttention(_DIM), Attention(_DIM, _ATTENTION)
        self.dropout = nn.Dropout(0.2)

    def texts(self, texts: Tensor) -> Tensor:
        """Vectors of behaviours, (..., 256), from rows of the table; zeros for padding."""
        distinct, place = torch.unique(texts, return_inverse=True)
        return looked_up(self.encoded(distinct), place)

    def encoded(self, texts: Tensor) -> Tensor:
        """Vectors of different texts, (J, 256), from rows of the table, (J,)."""
        words = self.table[texts]
        sizes = (words > 0).sum(1)
        # Short texts apart from long ones: most of a table as wide as the longest text is padding.
        order = sizes.argsort(stable=True)
        out = torch.cat([self._text(words[some, : max(1, int(sizes[some[-1]]))]) for some in order.chunk(_CHUNKS)])
        return looked_up(out, order.argsort())

    def _text(self, words: Tensor) -> Tensor:
        mask = words > 0
        x = self.dropout(self.words(words) + self.word_position[: words.shape[1]])
        out: Tensor = self.text_pool(self.dropout(self.text_attention(x, mask)), mask)
        return out

    def users(self, texts: Tensor, positions: Tensor, gaps: Tensor) -> Tensor:
        """(B, 256) from behaviour vectors (B, T, 256), positions 1..T (0: padding) and gap buckets."""
        mask = positions > 0
        x = self.dropout(texts + self.position(positions) + self.gap(gaps))
        out: Tensor = self.user_pool(self.dropout(self.user_attention(x, mask)), mask)
        return out


def gap_buckets(times: np.ndarray, real: np.ndarray) -> np.ndarray:
    """floor(log2(seconds to the next behaviour + 1)), at most 31; 0 for the last one and for padding."""
    gaps = np.zeros(times.shape, dtype=np.int64)
    both = real[:, 1:] & real[:, :-1]
    seconds = np.maximum(0, times[:, 1:] - times[:, :-1]) / 1e6
    gaps[:, :-1][both] = np.floor(np.log2(seconds[both] + 1)).astype(np.int64)
    return np.minimum(gaps, _GAP_BUCKETS - 1)


class Candidates:
    """Right and wrong answers; the wrong ones are behaviours of the users that the network learns from.

    Parameters
    ----------
    texts
        The users' behaviours, rows of the table of words, (n_users, T); padded with 0.
    """

    def __init__(self, texts: np.ndarray) -> None:
        owner, column = np.nonzero(texts)
        pool = texts[owner, column]
        order = np.argsort(pool, kind="stable")
        self._pool, self._owner = pool[order], owner[order]
        # Behaviours of text k stand at begin[k]:end[k].
        numbers = np.arange(pool.max(initial=0) + 1)
        self._begin, self._end = (np.searchsorted(self._pool, numbers, side) for side in ("left", "right"))
        self.n_texts = np.unique(pool).size

    def draw(self, positive: np.ndarray, users: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The right text in column 0 and four others; of other users, too, unless those have hardly any."""
        text = np.repeat(positive[:, None], _NEGATIVES, axis=1)
        wrong = self._of_another_text(text, rng)
        for _ in range(_DRAWS):
            own = self._owner[wrong] == users[:, None]
            if not own.any():
                break
            wrong[own] = self._of_another_text(text[own], rng)
        return np.concatenate([positive[:, None], self._pool[wrong]], axis=1)

    def _of_another_text(self, text: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        begin, end = self._begin[text], self._end[text]
        place = rng.integers(0, len(self._pool) - (end - begin))
        return np.where(place < begin, place, place + end - begin)


@dataclass(frozen=True)
class Lives:
    """A batch of users, as both tasks are shown them.

    Attributes
    ----------
    texts, gaps
        Rows of the table of words and gap buckets, (B, T).
    users
        Their numbers, (B,).
    read
        Gives vectors of any of these texts.
    """

    texts: np.ndarray
    gaps: np.ndarray
    users: np.ndarray
    read: Reader


class Ptum:
    """User vector of the pre-trained model over the last 50 behaviours, kept as it is ("static").

    Masked behaviour: one is hidden and has to be found among five. Next behaviours: the last two are hidden.
    """

    def __init__(self, word_dim: int = 128, epochs: int = 10, batch_size: int = 64, lr: float = 1e-3) -> None:
        self.parameters: dict[str, Any] = {
            "dim": _DIM,
            "word_dim": word_dim,
            "epochs": epochs,
            "batch_size": batch_size,
            "lr": lr,
            "recent": RECENT,
        }

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> Ptum:
        """Pre-train on both tasks."""
        held = self.parameters
        self.words = words = item_words(catalogue, histories)
        texts = of_first_users(histories, words.recent_texts)
        times = of_first_users(histories, recent_times)
        usable = (texts > 0).sum(1) >= 2
        gaps = gap_buckets(times, texts > 0)[usable]
        texts = texts[usable]
        answers = Candidates(texts)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            vectors = torch.from_numpy(word_vectors(words, held["word_dim"], seed))
            self.network = PtumNetwork(torch.from_numpy(words.table), vectors)

            def loss(users: np.ndarray, rng: np.random.Generator) -> Tensor:
                lives = Lives(texts[users], gaps[users], users, self._reader(texts[users]))
                return self._masked(lives, answers, rng) + self._next(lives, answers, rng)

            if answers.n_texts > 1:
                train(
                    self.network,
                    loss,
                    len(texts),
                    seed,
                    batch_size=held["batch_size"],
                    epochs=held["epochs"],
                    most_steps=_MOST_STEPS,
                    lr=held["lr"],
                )
        self.network.eval()
        return self

    def _reader(self, texts: np.ndarray) -> Reader:
        """Reads any of these users' behaviours, which both tasks are shown, but encodes each text once."""
        distinct = torch.from_numpy(np.union1d(texts, 0))
        vectors = self.network.encoded(distinct)
        return lambda shown: looked_up(vectors, torch.searchsorted(distinct, shown))

    def _masked(self, lives: Lives, answers: Candidates, rng: np.random.Generator) -> Tensor:
        """One behaviour's text is hidden, its position and gap stay; the candidates carry that position."""
        texts = lives.texts
        rows, size = np.arange(len(texts)), (texts > 0).sum(1)
        slot = rng.integers(0, size)
        choice = answers.draw(texts[rows, slot], lives.users, rng)
        user = self._user(texts, lives.gaps, np.arange(texts.shape[1])[None] == slot[:, None], lives.read)
        place = self.network.position(torch.from_numpy(slot + 1))
        return self._loss(user, choice, place)

    def _next(self, lives: Lives, answers: Candidates, rng: np.random.Generator) -> Tensor:
        """The last two behaviours are hidden; users with fewer than three are left out."""
        size = (lives.texts > 0).sum(1)
        long = size > _NEXT
        if not long.any():
            return torch.zeros(())
        texts, gaps, users, size = lives.texts[long], lives.gaps[long], lives.users[long], size[long]
        rows = np.arange(len(texts))
        column = np.arange(texts.shape[1])[None]
        user = self._user(texts, gaps, (column >= (size - _NEXT)[:, None]) & (column < size[:, None]), lives.read)
        losses = []
        for k in range(_NEXT):
            choice = answers.draw(texts[rows, size - _NEXT + k], users, rng)
            place = self.network.position(torch.full((len(texts),), RECENT + 1 + k))
            losses.append(self._loss(user, choice, place))
        return torch.stack(losses).mean()

    def _user(
        self, texts: np.ndarray, gaps: np.ndarray, hidden: np.ndarray | None = None, read: Reader | None = None
    ) -> Tensor:
        shown = texts if hidden is None else np.where(hidden, 0, texts)
        vectors = (read or self.network.texts)(torch.from_numpy(shown))
        positions = np.where(texts > 0, np.arange(1, texts.shape[1] + 1)[None], 0)
        return self.network.users(vectors, torch.from_numpy(positions), torch.from_numpy(gaps))

    def _loss(self, user: Tensor, choice: np.ndarray, place: Tensor) -> Tensor:
        vectors = self.network.texts(torch.from_numpy(choice)) + place[:, None]
        scores = torch.einsum("bd,bcd->bc", user, vectors)
        return F.cross_entropy(scores, torch.zeros(len(choice), dtype=torch.long))

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, 256)."""
        texts, times = self.words.recent_texts(events), recent_times(events)
        gaps = gap_buckets(times, texts > 0)
        out = []
        with torch.no_grad():
            for start in range(0, len(texts), _USERS_AT_ONCE):
                some = slice(start, start + _USERS_AT_ONCE)
                out.append(self._user(texts[some], gaps[some]).numpy())
        return np.concatenate(out)
