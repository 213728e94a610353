"""What every baseline keeps to. A new one is one class here: its name, and nothing else."""

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from scipy import sparse

from baselines.toy import catalogue_of, events_of, histories_of, random_lives
from lurm_cli.artifacts import shards
from lurm_cli.artifacts.columns import Columns
from lurm_cli.artifacts.manifest import read_manifest
from lurm_cli.baselines.registry import NAMES, RANDOM, check_name, make_baseline
from lurm_cli.errors import UsageError
from lurm_cli.evaluation.representation import known_users, rows_of
from lurm_cli.stages.baseline import BaselineConfig, run_baseline
from lurm_cli.stages.boi import BoiConfig, run_boi
from lurm_cli.stages.cluster import ClusterConfig, run_cluster
from lurm_cli.stages.context import Context
from lurm_cli.stages.embed_items import EmbedConfig, run_embed_items
from sources.raw import ingest, table

WORDS = [f"{color} {thing}" for color in ("red", "green", "blue") for thing in ("tea", "mug", "pen", "cap", "bag")]
KINDS = tuple(text.split()[1] for text in WORDS)
UNTIL = "2017-07-01"


def filled(rows: Any) -> np.ndarray:
    return rows.toarray() if sparse.issparse(rows) else rows


class StageContract:
    """Of the artifact that ``lurm baseline NAME`` writes."""

    name: ClassVar[str]

    @staticmethod
    def workspace(root: Path, later: list[tuple[str, str, str]]) -> Path:
        """Users' first half year, the same in every workspace, and what came later; counts as ``random`` needs them."""
        root.mkdir()
        rng = np.random.default_rng(0)
        early = [
            (f"user {u}", f"i{rng.integers(15):02}", f"2017-{rng.integers(1, 7):02}-{rng.integers(1, 28):02}")
            for u in range(25)
            for _ in range(8)
        ]
        (root / "log.csv").write_text(table([*early, *later]))
        items = [(f"i{k:02}", text, kind) for k, (text, kind) in enumerate(zip(WORDS, KINDS, strict=True))]
        (root / "items.csv").write_text(table(items, ("item", "title", "kind")))
        ingest(root, "log.csv", items=("items.csv",))
        context, events, catalogue = Context(root), root / "events.zarr", root / "items.zarr"
        vectors, interests = root / "item_embeddings.zarr", root / "interests.zarr"
        run_embed_items(context, catalogue, events, EmbedConfig(dim=8, until=UNTIL), vectors)
        run_cluster(context, vectors, catalogue, ClusterConfig(n_interests=5), interests)
        run_boi(context, events, interests, BoiConfig(("month",), UNTIL))
        return root

    def represent(self, root: Path, until: str | None) -> tuple[list[str], np.ndarray]:
        target = root / f"{self.name}.zarr"
        config = BaselineConfig(until=until)
        run_baseline(Context(root), self.name, root / "events.zarr", root / "items.zarr", None, config, target)
        users = known_users(target)
        return users.tolist(), filled(rows_of(target, users))

    def test_nothing_at_or_after_the_cut_is_used(self, tmp_path: Path) -> None:
        later = [("user 0", "i00", UNTIL), ("user 1", "i07", "2018-01-01"), ("nobody yet", "i03", "2017-08-01")]
        without = self.workspace(tmp_path / "without", [("user 5", "i01", UNTIL)])
        more = self.workspace(tmp_path / "more", later * 20)
        users, expected = self.represent(without, UNTIL)
        found_users, found = self.represent(more, UNTIL)
        assert found_users == users and len(users) == 25
        np.testing.assert_array_equal(found, expected)
        assert np.isfinite(found).all() and len(np.unique(found, axis=0)) == 25

    def test_the_manifest_says_what_was_made_how(self, tmp_path: Path) -> None:
        root = self.workspace(tmp_path / "one", [])
        _, rows = self.represent(root, UNTIL)
        manifest = read_manifest(root / f"{self.name}.zarr", "baseline")
        assert manifest.parameters["name"] == self.name
        assert manifest.to_json()["until"] == UNTIL and manifest.status == "complete"
        assert manifest.shape == rows.shape
        assert manifest.facts == {"n_users": 25}


class BaselineContract(StageContract):
    """Of the class behind the name, too."""

    # How far a row may lie from the same row made beside others: matrix products of other shapes round differently.
    rounding: ClassVar[float] = 1e-6

    def fitted(self, *buckets: Any, seed: int = 0) -> Any:
        return make_baseline(self.name).fit(histories_of(*buckets), catalogue_of(*WORDS, kind=KINDS), seed)

    def test_fit_gives_the_baseline_itself_and_one_finite_row_a_user(self) -> None:
        events = events_of(random_lives(40, len(WORDS)))
        baseline = make_baseline(self.name)
        assert baseline.fit(histories_of(events), catalogue_of(*WORDS, kind=KINDS), 0) is baseline
        rows = baseline.transform(events)
        assert isinstance(rows, np.ndarray) or (sparse.issparse(rows) and rows.format == "csr")
        assert rows.dtype == np.float32 and rows.shape[0] == 40 and rows.ndim == 2
        assert np.isfinite(filled(rows)).all() and filled(rows).any()

    def test_every_bucket_has_the_same_columns_and_a_row_is_its_users_own(self) -> None:
        lives = random_lives(40, len(WORDS))
        events = events_of(lives)
        baseline = self.fitted(events)
        together = filled(baseline.transform(events))
        for row, user in enumerate(events.users):
            alone = filled(baseline.transform(events_of({user: lives[user]})))
            assert alone.shape == (1, together.shape[1])
            np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=self.rounding)

    def test_how_users_lie_in_buckets_does_not_matter(self) -> None:
        lives = random_lives(40, len(WORDS))
        users = sorted(lives, key=str.encode)
        buckets = [events_of({u: lives[u] for u in part}) for part in (users[:7], users[7:8], users[8:])]
        whole = events_of(lives)
        once = filled(self.fitted(whole).transform(whole))
        np.testing.assert_allclose(filled(self.fitted(*buckets).transform(whole)), once, rtol=1e-5, atol=1e-6)

    def test_the_events_are_left_as_they_are(self) -> None:
        # Their arrays refuse to be written to; unsorted repetitions of an item tempt to sort them in place.
        events = events_of({"a": [(1, 5), (2, 1), (3, 5), (4, 0)], "b": [(1, 9), (2, 3), (3, 9)], "c": [(7, 2)]})
        before = [array.copy() for array in (events.users, events.indptr, events.items, events.times)]
        self.fitted(events).transform(events)
        for array, held in zip((events.users, events.indptr, events.items, events.times), before, strict=True):
            np.testing.assert_array_equal(array, held)

    @pytest.mark.usefixtures("several_threads")
    def test_the_same_seed_gives_the_same_rows(self) -> None:
        events = events_of(random_lives(40, len(WORDS)))
        once, again = (filled(self.fitted(events, seed=3).transform(events)) for _ in range(2))
        np.testing.assert_array_equal(once, again)

    def test_parameters_are_json_and_known_before_fitting(self) -> None:
        parameters = make_baseline(self.name).parameters
        assert json.loads(json.dumps(parameters)) == parameters
        assert "name" not in parameters


class TestTfIdf(BaselineContract):
    name = "tfidf"


class TestSvd(BaselineContract):
    name = "svd"


class TestAggregates(BaselineContract):
    name = "aggregates"


class TestDoc2Vec(BaselineContract):
    name = "doc2vec"


class TestAls(BaselineContract):
    name = "als"


class TestItem2Vec(BaselineContract):
    name = "item2vec"


class TestSumn(BaselineContract):
    name = "sumn"
    # Five hops of attention carry the rounding of the first some way.
    rounding = 5e-5


class TestPtum(BaselineContract):
    name = "ptum"


class TestColes(BaselineContract):
    name = "coles"


class TestTextCnn(BaselineContract):
    name = "textcnn"


class TestHan(BaselineContract):
    name = "han"


class TestRandom(StageContract):
    """The untrained encoder is made by its stage, not by a class."""

    name = RANDOM

    def test_it_is_as_wide_as_the_encoder(self, tmp_path: Path) -> None:
        root = self.workspace(tmp_path / "one", [])
        assert self.represent(root, None)[1].shape == (25, 1280)
        assert Columns(root / "random.zarr", "baseline").read("values").dtype == np.float32
        # Of all artifacts only users.zarr has its ids in another layout (docs/format.md).
        assert len(shards.read(root / "random.zarr/ids")) == 25


def test_every_baseline_stands_under_the_contract() -> None:
    tested = {cls.name for cls in (*BaselineContract.__subclasses__(), TestRandom)}
    assert tested == set(NAMES)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"baseline .sdv. is not known; known are tfidf, svd, .*, random"):
        check_name("sdv")
