"""Doc2Vec over the words of a user's items, with gensim."""

from __future__ import annotations

from typing import Any

import numpy as np

from lurm_cli.artifacts.ragged import RaggedEvents
from lurm_cli.baselines.base import Catalogue, Histories
from lurm_cli.items.word2vec import stable_hash

# Gensim reads no further in one document.
_MOST_WORDS = 10_000
# Documents the model is learnt from at the most; everyone is inferred.
_MOST_USERS = 50_000


class Doc2Vec:
    """PV-DM with gensim's defaults; a user's document is the words of all behaviours, the last 10,000 of them.

    Everyone's vector is inferred with the trained words, those the model was trained on too, so that no user is
    described in another way than the rest.

    Parameters
    ----------
    dim
        Numbers a user.
    recent
        Use only so many last behaviours; None: all.
    """

    def __init__(self, dim: int = 128, recent: int | None = None, epochs: int = 10) -> None:
        self.parameters: dict[str, Any] = {"dim": dim, "recent": recent, "epochs": epochs, "dm": 1}

    def fit(self, histories: Histories, catalogue: Catalogue, seed: int) -> Doc2Vec:
        """Learn words and documents."""
        from gensim.models.doc2vec import Doc2Vec as Gensim
        from gensim.models.doc2vec import TaggedDocument

        self._words, self._seed = catalogue.words, seed
        documents: list[TaggedDocument] = []
        for events in histories():
            documents += [
                TaggedDocument(words, [len(documents) + k]) for k, words in enumerate(self._documents(events))
            ]
            if len(documents) >= _MOST_USERS:
                break
        frequency: dict[str, int] = {}
        for document in documents:
            for word in document.words:
                frequency[word] = frequency.get(word, 0) + 1
        self._model = Gensim(
            documents=documents,
            vector_size=self.parameters["dim"],
            epochs=self.parameters["epochs"],
            # Gensim's default, unless it would leave no word.
            min_count=5 if max(frequency.values(), default=0) >= 5 else 1,
            seed=seed,
            workers=1,
            hashfxn=stable_hash,
        )
        return self

    def _documents(self, events: RaggedEvents) -> list[list[str]]:
        documents: list[list[str]] = []
        for begin, end in zip(events.indptr[:-1], events.indptr[1:], strict=True):
            if self.parameters["recent"] is not None:
                begin = max(begin, end - self.parameters["recent"])
            words = [word for item in events.items[begin:end] for word in self._words[item]]
            documents.append(words[-_MOST_WORDS:])
        return documents

    def transform(self, events: RaggedEvents) -> np.ndarray:
        """float32 (n_users, dim)."""
        out = np.empty((len(events.users), self.parameters["dim"]), dtype=np.float32)
        for row, words in enumerate(self._documents(events)):
            # Each user from the same state: a row does not depend on who came before.
            self._model.random.seed(self._seed)
            out[row] = self._inferred(words)
        return out

    def _inferred(self, words: list[str]) -> np.ndarray:
        """What gensim's ``infer_vector`` gives, from a start that is the same on every run.

        Gensim draws it by Python's own hash of the text, and at random for an empty one.
        """
        from gensim.models.doc2vec import pseudorandom_weak_vector, train_document_dm

        model = self._model
        vector: np.ndarray = pseudorandom_weak_vector(model.vector_size, " ".join(words) or " ", stable_hash)[None]
        unlocked = np.ones(1, dtype=np.float32)
        for alpha in np.linspace(model.alpha, model.min_alpha, model.epochs):
            train_document_dm(
                model,
                words,
                [0],
                alpha,
                learn_words=False,
                learn_hidden=False,
                doctag_vectors=vector,
                doctags_lockf=unlocked,
            )
        return vector[0]
