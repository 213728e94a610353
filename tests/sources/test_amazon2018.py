"""The Amazon files of 2018, as documented and as they are."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lurm_cli.artifacts.columns import Columns
from lurm_cli.errors import UsageError
from lurm_cli.sources.amazon2018 import category_path, clean_text
from lurm_cli.stages.embed_items import item_texts
from sources.raw import ingest, lives

DAY = 86_400
SCRIPT = "var aPageStart = (new Date()).getTime();\nvar ue_t0=ue_t0||+new Date();\nfunction uet(a,b){if(a){return b}}"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Green Tea, 20 Bags", "Green Tea, 20 Bags"),
        ("  Green\n\tTea ", "Green Tea"),
        ("Salt &amp; Pepper &quot;Duo&quot; &#39;s", 'Salt & Pepper "Duo" \'s'),
        ("Arts, Crafts &amp;amp; Sewing", "Arts, Crafts & Sewing"),
        ('<span id="productTitle" class="a-size-large">Tea</span>', "Tea"),
        ("Tea<br/>Green", "Tea Green"),
        ("&lt;b&gt;Tea&lt;/b&gt;", "Tea"),
        ('<img src="a.png" class="nav-categ-image" alt="Digital Music"/>', "Digital Music"),
        ("<img alt='Tools &amp; Home' src=x>", "Tools & Home"),
        ('Tea <a href="/gp/help', "Tea"),
        ("Tea <!-- sp:x --> Cup", "Tea Cup"),
        # Code of a page.
        (SCRIPT, ""),
        (f"Green Tea\n{SCRIPT}", "Green Tea"),
        ("<script>var a = 1 < 2;</script>Tea", "Tea"),
        ("<style type='text/css'>.a {b: c}</style>Tea<script>if (a<b) {c()}", "Tea"),
        (".a-section .a-box, #b > c {margin: 0; padding: 1px} .d{color:red}", ""),
        ("Blue Mug .a-box {border: 1px solid}", "Blue Mug"),
        ("Blue Mug div.a-box, .b, body{border:0;}", "Blue Mug"),
        ("Blue Mug @media (max-width: 600px) { .a {b: c} }", "Blue Mug"),
        ("window.ue_ihb = (window.ue_ihb || 0) + 1;", ""),
        ("Tea P.when('A').execute(function(A) { A.on(1) });", "Tea"),
        # What looks like markup or code and is none.
        ("Love <3 Mug", "Love <3 Mug"),
        ("Sizes 2 < 3 > 1 & more", "Sizes 2 < 3 > 1 & more"),
        ("AT&T Phone", "AT&T Phone"),
        ("The Function of Reason {Paperback}", "The Function of Reason {Paperback}"),
        ("Window.Film, Document.Folder 12x", "Window.Film, Document.Folder 12x"),
        ("Ratio 16:9 {A} @home", "Ratio 16:9 {A} @home"),
        ("", ""),
    ],
)
def test_titles_lose_markup_and_code_and_nothing_else(raw: str, text: str) -> None:
    assert clean_text(raw) == text


@pytest.mark.parametrize(
    ("held", "path"),
    [
        ('["Books", "Literature &amp; Fiction"]', "Books > Literature & Fiction"),
        ('[["Books", "History"], ["Kindle Store"]]', "Books > History"),
        ('[[], ["Books"]]', "Books"),
        ('["Books", "</span></span></span>", ""]', "Books"),
        ("Books", "Books"),
        ("[new] Books", "[new] Books"),
        ("[]", ""),
        ("[[]]", ""),
        ("[7, null]", ""),
    ],
)
def test_category_paths_flat_nested_or_one_name(held: str, path: str) -> None:
    assert category_path(held) == path


def review(user: str, asin: str, day: int, **more: Any) -> dict[str, Any]:
    return {"reviewerID": user, "asin": asin, "unixReviewTime": 1_388_534_400 + day * DAY, **more}


def write(file: Path, rows: list[dict[str, Any] | str]) -> str:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    return file.name


def columns_of(root: Path) -> dict[str, dict[str, str]]:
    """Title, category and main category by asin."""
    items = Columns(root / "items.zarr", "items")
    texts = zip(*(items.read(f"text_{k}").tolist() for k in range(3)), strict=True)
    names = items.manifest.facts["text_columns"]
    return {asin: dict(zip(names, row, strict=True)) for asin, row in zip(items.read("ids"), texts, strict=True)}


REVIEWS = [
    review("A1", "B1", 0, overall=5.0, vote="1,024", verified=True, reviewText="<b>&amp;", style={"Format:": " x"}),
    review("A1", "B2", 2, vote=3),
    review("A2", "B1", 1),
]


def test_reviews_of_several_files_are_one_log_and_repeated_ones_are_dropped(tmp_path: Path) -> None:
    again = review("A1", "B1", 0, summary="the same review, found under another category")
    files = write(tmp_path / "Books.json.gz", [*REVIEWS, again]), write(tmp_path / "Toys.json.gz", [REVIEWS[2]])
    events, _ = ingest(tmp_path, *files, format="amazon2018")
    second = 1_000_000
    at = [1_388_534_400 * second + day * DAY * second for day in range(3)]
    assert lives(tmp_path) == {"A1": [("B1", at[0]), ("B2", at[2])], "A2": [("B1", at[1])]}
    assert events.manifest.facts["duplicates_removed"] == 2


def test_products_with_real_and_with_documented_names_of_fields(tmp_path: Path) -> None:
    log = write(tmp_path / "log.json.gz", REVIEWS)
    real = {
        "asin": "B1",
        "title": '<span class="a">Blue &amp; White Mug</span>',
        "category": ["Home &amp; Kitchen", "Mugs"],
        "main_cat": '<img alt="Home &amp; Kitchen" src="x"/>',
        "also_view": [],
        "rank": "7 in Home",
    }
    documented = {"asin": "B2", "title": SCRIPT, "categories": [["Books", "History"]], "salesRank": {"Books": 7}}
    one, two = write(tmp_path / "meta_Home.json.gz", [real]), write(tmp_path / "meta_Books.json.gz", [documented])
    _, items = ingest(tmp_path, log, items=(one, two), format="amazon2018")
    assert columns_of(tmp_path) == {
        "B1": {"title": "Blue & White Mug", "category": "Home & Kitchen > Mugs", "main_cat": "Home & Kitchen"},
        "B2": {"title": "", "category": "Books > History", "main_cat": ""},
    }
    # Only titles are words.
    assert item_texts(Columns(tmp_path / "items.zarr", "items")) == [["blue", "white", "mug"], []]
    assert items.manifest.parameters["items_format"] == "amazon2018"


def test_an_empty_category_gives_way_to_categories(tmp_path: Path) -> None:
    log = write(tmp_path / "log.json.gz", REVIEWS)
    meta = write(tmp_path / "m.json.gz", [{"asin": "B1", "category": [], "categories": ["Toys"]}, {"asin": "B2"}])
    ingest(tmp_path, log, items=(meta,), format="amazon2018")
    assert [row["category"] for row in columns_of(tmp_path).values()] == ["Toys", ""]


def test_of_a_product_that_stands_twice_the_one_that_says_most_is_kept(tmp_path: Path) -> None:
    rows = [
        {"asin": "B1", "title": SCRIPT, "category": ["Books"]},
        {"asin": "B1", "title": "Zebra", "category": ["Books"]},
        {"asin": "B1", "title": "Ant"},
        {"asin": "B1", "title": "Yak", "category": ["Books"]},
        {"asin": "B2", "title": "Cup"},
        {"asin": "B2", "title": "Cup"},
    ]
    for place, order in enumerate((rows, rows[::-1])):
        root = tmp_path / str(place)
        root.mkdir()
        log, meta = write(root / "log.json.gz", REVIEWS), write(root / "m.json.gz", order)
        ingest(root, log, items=(meta,), format="amazon2018")
        assert [row["title"] for row in columns_of(root).values()] == ["Yak", "Cup"]


def test_the_words_may_be_taken_from_other_columns(tmp_path: Path) -> None:
    log = write(tmp_path / "log.json.gz", REVIEWS)
    meta = write(tmp_path / "m.json.gz", [{"asin": "B1", "title": "Cup", "main_cat": "Toys"}])
    _, items = ingest(tmp_path, log, items=(meta,), format="amazon2018", text_col=("title", "main_cat"))
    assert items.manifest.facts["word_columns"] == ["title", "main_cat"]
    (tmp_path / "events.zarr").rename(tmp_path / "first.zarr")
    (tmp_path / "items.zarr").rename(tmp_path / "first-items.zarr")
    with pytest.raises(
        UsageError, match=r"has no column 'brand' \(--text-col brand\); .*asin, title, category, main_cat"
    ):
        ingest(tmp_path, log, items=(meta,), format="amazon2018", text_col=("brand",))


def test_reviews_without_a_field_are_bad_rows(tmp_path: Path) -> None:
    lines = [REVIEWS[0], {"reviewerID": "A2", "asin": "B1"}, '{"reviewerID": "A', REVIEWS[1]]
    log = write(tmp_path / "log.json.gz", lines)
    with pytest.raises(UsageError, match=r"log\.json\.gz, row 2, column unixReviewTime: no time"):
        ingest(tmp_path, log, format="amazon2018")
    events, _ = ingest(tmp_path, log, format="amazon2018", bad_rows="skip")
    assert events.manifest.facts["rejected"] == {"broken line": 1, "no time": 1}
    assert events.manifest.facts["n_events"] == 2


@pytest.mark.parametrize(
    ("bad", "message"), [({"title": "Cup"}, "no item id in 'asin'"), ('{"asin": "B', "broken line, expected a JSON")]
)
def test_products_that_cannot_be_read_stop_or_are_left_out(tmp_path: Path, bad: Any, message: str) -> None:
    log = write(tmp_path / "log.json.gz", REVIEWS)
    meta = write(tmp_path / "m.json.gz", [{"asin": "B1", "title": "Cup"}, "", bad])
    with pytest.raises(UsageError, match=rf"m\.json\.gz, row 3: {message}.*--bad-rows skip"):
        ingest(tmp_path, log, items=(meta,), format="amazon2018")
    ingest(tmp_path, log, items=(meta,), format="amazon2018", bad_rows="skip")
    assert columns_of(tmp_path)["B1"]["title"] == "Cup"


def test_an_option_that_the_format_settles_is_refused(tmp_path: Path) -> None:
    log = write(tmp_path / "log.json.gz", REVIEWS)
    with pytest.raises(UsageError, match="--user-col name: --format amazon2018 settles it, as reviewerID"):
        ingest(tmp_path, log, format="amazon2018", user_col="name")


def test_products_may_stand_beside_another_log(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("user,item,time\nA1,B1,2018-01-01\n")
    meta = write(tmp_path / "m.json.gz", [{"asin": "B1", "title": "Cup&nbsp;X", "category": ["Home"]}])
    ingest(tmp_path, "ratings.csv", items=(meta,), items_format="amazon2018")
    assert columns_of(tmp_path) == {"B1": {"title": "Cup X", "category": "Home", "main_cat": ""}}


def test_a_long_list_of_selectors_takes_no_time() -> None:
    assert clean_text("Mug " + ".a, " * 40 + "ul li {color: red}") == "Mug " + ".a, " * 39 + ".a, ul"
    assert clean_text("Mug " + ".a, " * 40 + ".b {color: red}") == "Mug"
