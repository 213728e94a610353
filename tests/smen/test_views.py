"""(25): views are contiguous, lie inside the life, and are never empty."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lives import part_of, random_part
from lurm_cli.smen.views import Lives, ViewLaw


def dense_by_sequence(sequences, n: int) -> dict[int, dict[int, np.ndarray]]:
    held: dict[int, dict[int, np.ndarray]] = {number: {} for number in range(n)}
    for row, (sequence, period) in enumerate(zip(sequences.sequence, sequences.period, strict=True)):
        held[int(sequence)][int(period)] = sequences.counts[row].toarray()[0]
    return held


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.05, 1.0))
def test_views_in_time_are_slices_of_the_life(seed: int, shortest: float) -> None:
    lives = Lives(random_part(seed=seed))
    users = lives.splittable()
    views = lives.views(users, ViewLaw(shortest), np.random.default_rng(seed))
    life = dense_by_sequence(lives.whole(users), len(users))
    for number, view in dense_by_sequence(views, 2 * len(users)).items():
        user = users[number % len(users)]
        assert view
        assert lives.first[user] <= views.first[number] <= views.last[number] <= lives.last[user]
        if lives.first[user] < lives.last[user]:
            inside = {
                period: row
                for period, row in life[number % len(users)].items()
                if views.first[number] <= period <= views.last[number]
            }
            assert view.keys() == inside.keys()
            assert all((view[period] == inside[period]).all() for period in view)
            length = views.last[number] - views.first[number] + 1
            assert length >= np.ceil((lives.last[user] - lives.first[user] + 1) * shortest)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_a_life_of_one_period_is_split_into_two_halves(seed: int, count: int) -> None:
    part = part_of([(0, 600, {0: count, 3: 1}), (1, 601, {2: 2})], 5)
    lives = Lives(part)
    views = lives.views(np.array([0, 1]), ViewLaw(), np.random.default_rng(seed))
    held = dense_by_sequence(views, 4)
    assert (held[0][600] + held[2][600]).tolist() == [count, 0, 0, 1, 0]
    assert abs(held[0][600].sum() - held[2][600].sum()) <= 1
    assert held[1][601].tolist() == held[3][601].tolist() == [0, 0, 1, 0, 0]


def test_a_single_behaviour_gives_no_pair() -> None:
    assert Lives(part_of([(0, 600, {0: 1}), (1, 600, {0: 2})], 1)).splittable().tolist() == [1]


def test_splitting_everybody_keeps_every_behaviour() -> None:
    part = random_part(seed=3)
    lives = Lives(part)
    users = lives.splittable()
    views = lives.views(users, ViewLaw(split=1.0), np.random.default_rng(0))
    assert views.counts.sum() == lives.whole(users).counts.sum()


def test_equal_seeds_draw_equal_views() -> None:
    lives = Lives(random_part())
    users = lives.splittable()
    one, two = (lives.views(users, ViewLaw(), np.random.default_rng(7)) for _ in range(2))
    assert (one.counts != two.counts).nnz == 0
    assert one.first.tolist() == two.first.tolist()


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sets(st.integers(0, 19), min_size=1))
def test_some_sequences_are_what_they_were_among_all(seed: int, chosen: set[int]) -> None:
    lives = Lives(random_part(seed=seed))
    everyone = lives.whole(np.arange(20))
    numbers = np.array(sorted(chosen))
    some = everyone.among(numbers)
    before, now = dense_by_sequence(everyone, 20), dense_by_sequence(some, len(numbers))
    assert some.first.tolist() == everyone.first[numbers].tolist()
    assert some.last.tolist() == everyone.last[numbers].tolist()
    for place, number in enumerate(numbers):
        assert now[place].keys() == before[number].keys()
        assert all((now[place][period] == before[number][period]).all() for period in now[place])
