"""The generated lifelong log is the same on every run, and holds what its law says."""

import csv
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cli.shell import lurm
from examples.scripts import EXAMPLES, script


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return script("lifelong/generate.py")


@pytest.fixture(scope="module")
def made(generator: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of 300 customers."""
    folder = tmp_path_factory.mktemp("lifelong")
    generator.generate(folder, 300, 5)
    return folder


def answers(folder: Path) -> list[dict[str, str]]:
    with (folder / "users.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_equal_arguments_give_equal_files_and_another_seed_others(
    generator: ModuleType, made: Path, tmp_path: Path
) -> None:
    generator.generate(tmp_path / "same", 300, 5)
    generator.generate(tmp_path / "other", 300, 6)
    for name in ("events.parquet", "items.parquet", "users.csv"):
        assert (tmp_path / "same" / name).read_bytes() == (made / name).read_bytes()
        assert (tmp_path / "other" / name).read_bytes() != (made / name).read_bytes()


def test_sizes_ids_and_times(generator: ModuleType, made: Path) -> None:
    events, items = pq.read_table(made / "events.parquet"), pq.read_table(made / "items.parquet")
    assert events.column_names == ["user", "item", "time"]
    assert items.column_names == ["item", "title", "category", "department"]
    # 300 customers for five years at five items a month, less where they join late.
    assert 40_000 < len(events) < 160_000
    times = events["time"].to_numpy()
    assert np.datetime64("2017-01-01") <= times.min() and times.max() < np.datetime64("2022-03-01")
    assert (np.diff(times) >= np.timedelta64(0)).all()
    assert len(set(items["category"].to_pylist())) == 117
    assert pc.all(pc.is_in(events["item"], items["item"].combine_chunks())).as_py()
    users = [row["user"] for row in answers(made)]
    assert len(users) == len(set(users)) == 300
    assert set(events["user"].to_pylist()) <= set(users)


def test_answers_are_those_of_the_questionnaire(generator: ModuleType, made: Path) -> None:
    rows = answers(made)
    assert {row["age"] for row in rows} == set(generator.AGE_NAMES)
    assert {row["child"] for row in rows} == set(generator.CHILD_NAMES)
    assert len({row["lifestyle"] for row in rows}) == 6


def test_an_item_is_bought_only_while_it_is_on_sale(generator: ModuleType, made: Path) -> None:
    shop = generator.make_shop(np.random.default_rng([5, 0]))
    items = generator.make_items(shop, np.random.default_rng([5, 1]))
    events = pq.read_table(made / "events.parquet")
    item = pc.cast(pc.utf8_slice_codeunits(events["item"], 1), "int64").to_numpy()
    month = (events["time"].to_numpy().astype("M8[M]") - generator.START).astype(int)
    assert (items.on_sale[item, 0] <= month).all() and (month < items.on_sale[item, 1]).all()


def test_what_is_bought_for_a_child_follows_its_age(generator: ModuleType) -> None:
    months = np.arange(62) + 0.5
    bought = generator.for_children((12.0,), months)
    assert (bought[:3] == 0).all()  # a year before the birth
    most = [list(generator.CHILD)[k] for k in bought.argmax(axis=1)[[8, 14, 60]]]
    assert most == ["maternity", "newborn", "crayons"]
    assert bought.sum(axis=1).max() == pytest.approx(0.2)
    assert (generator.for_children((), months) == 0).all()


def test_every_mixture_is_a_distribution(generator: ModuleType) -> None:
    shop = generator.make_shop(np.random.default_rng(0))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        held = generator.mixture(shop, generator.make_customer(rng), rng)
        assert held.shape == (62, 117) and (held >= 0).all()
        np.testing.assert_allclose(held.sum(axis=1), 1)


def test_the_age_is_visible_in_what_is_bought(generator: ModuleType, made: Path) -> None:
    events, items = pq.read_table(made / "events.parquet"), pq.read_table(made / "items.parquet")
    joined = events.join(items, "item")
    age = {row["user"]: row["age"] for row in answers(made)}

    def share(department: str, of: str) -> float:
        own = pc.is_in(joined["user"], value_set=pc.cast([u for u, a in age.items() if a == of], "string"))
        return pc.mean(pc.cast(pc.equal(joined.filter(own)["department"], department), "float64")).as_py()

    assert share("campus", "18-24") > 2 * share("campus", "65 or more")
    assert share("comfort", "65 or more") > 2 * share("comfort", "18-24")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_recipe_runs_end_to_end(generator: ModuleType, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "lifelong/lurm.toml", tmp_path)
    generator.generate(tmp_path / "data", 1000)
    done = lurm(tmp_path, "run", LURM_SEEDS="1", LURM_EPOCHS="3")
    assert done.wrote() == [str(tmp_path / "evaluation")]
    for task in ("age", "child", "lifestyle", "winter", "toys", "crafts"):
        assert task in done.err
