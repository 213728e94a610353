"""item2vec against gensim called directly."""

import numpy as np
import pytest
from gensim.models import Word2Vec

from baselines.toy import catalogue_of, events_of, histories_of, random_lives
from lurm_cli.baselines import item2vec
from lurm_cli.baselines.item2vec import Item2Vec

N_ITEMS = 15
CATALOGUE = catalogue_of(*(["w"] * N_ITEMS))
LIVES = random_lives(40, N_ITEMS)


def sentences(lives: dict[str, list[tuple[int, int]]]) -> list[list[str]]:
    return [[str(item) for _, item in sorted(lives[user])] for user in sorted(lives, key=str.encode)]


@pytest.mark.parametrize("n_buckets", [1, 2])
def test_items_are_gensims_and_a_user_is_the_mean_of_the_events(n_buckets: int) -> None:
    users = sorted(LIVES, key=str.encode)
    parts = np.array_split(np.array(users, dtype=object), n_buckets)
    buckets = [events_of({user: LIVES[user] for user in part}) for part in parts]
    baseline = Item2Vec(dim=8).fit(histories_of(*buckets), CATALOGUE, 3)
    model = Word2Vec(sentences(LIVES), vector_size=8, window=10, epochs=5, min_count=5, sg=1, seed=3, workers=1)
    assert len(model.wv) == N_ITEMS
    np.testing.assert_array_equal(baseline.items, np.stack([model.wv[str(item)] for item in range(N_ITEMS)]))
    rows = np.vstack([baseline.transform(bucket) for bucket in buckets])
    expected = np.stack([np.mean([model.wv[item] for item in life], axis=0) for life in sentences(LIVES)])
    np.testing.assert_allclose(rows, expected, rtol=1e-5, atol=1e-6)


def test_items_of_fewer_than_five_events_are_left_out_of_the_mean() -> None:
    lives = {"a": [(t, t % 2) for t in range(10)] + [(10, 2)] * 4, "b": [(1, 2), (2, 0)], "c": [(1, 3)]}
    events = events_of(lives)
    baseline = Item2Vec(dim=4).fit(histories_of(events), CATALOGUE, 0)
    assert np.flatnonzero(baseline.items.any(axis=1)).tolist() == [0, 1, 2]
    rarer = events_of({**lives, "b": [(2, 0)]})
    baseline = Item2Vec(dim=4).fit(histories_of(rarer), CATALOGUE, 0)
    assert np.flatnonzero(baseline.items.any(axis=1)).tolist() == [0, 1]
    rows = baseline.transform(rarer)
    np.testing.assert_allclose(rows[0], baseline.items[:2].mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(rows[1], baseline.items[0])
    # Who knows rare items only has no place to stand.
    assert not rows[2].any()


def test_where_all_items_are_rare_all_are_kept() -> None:
    events = events_of({"a": [(1, 0), (2, 1)], "b": [(1, 2)]})
    baseline = Item2Vec(dim=4).fit(histories_of(events), CATALOGUE, 0)
    assert np.flatnonzero(baseline.items.any(axis=1)).tolist() == [0, 1, 2]


def test_a_life_longer_than_gensims_sentences_is_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item2vec, "_LONGEST", 3)
    events = events_of({"a": [(t, t) for t in range(7)], "b": [(0, 9)]})
    found = list(item2vec._Sentences(histories_of(events)))
    assert found == [["0", "1", "2"], ["3", "4", "5"], ["6"], ["9"]]
