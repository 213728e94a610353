"""The Amazon reviews of 2018 (Ni, Li and McAuley, EMNLP 2019): files of reviews and of products, a JSON object a line.

A review is an event: ``reviewerID`` chose ``asin`` at ``unixReviewTime``. A product has a title, the one text that
describes it, and a place in a tree of categories, which tasks ask about. The files differ from their documentation:
``category``, a flat list, stands where ``categories``, a list of lists, is announced; both are read. Titles and
categories were taken from pages, some of them with markup, style sheets and scripts.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lurm_cli.sources.database import name
from lurm_cli.sources.reading import RawFile, json_fields

FORMAT = "amazon2018"
# Settings of `lurm ingest` for files of reviews. Reviews occur twice, within a file and in several files.
REVIEWS: dict[str, Any] = {
    "user_col": "reviewerID",
    "item_col": "asin",
    "time_col": "unixReviewTime",
    "time_unit": "s",
    "dedupe": True,
}
# Columns of products: the text of an item, and what tasks may ask about.
TEXTS, FOR_TASKS = ("title",), ("category", "main_cat")
SEPARATOR = " > "

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# A script that is never closed reaches to the end, as in a browser.
_CODE_ELEMENT = re.compile(r"<(script|style|noscript)\b[^>]*>.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_IMAGE = re.compile(r"<img\b[^<>]*?\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')[^<>]*>", re.IGNORECASE)
# "<" before anything but a letter is a less-than sign; a tag cut off at the end of the text is still a tag.
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<![^<>]*>|</?[a-zA-Z][\w-]*\s+[\w-]+\s*=[^<>]*\Z")
_SCRIPT = re.compile(
    r"\b(?:var|let|const)\s+[\w$]+\s*=|\bfunction\s*[\w$]*\s*\(|\bwindow\.[\w$]+\s*[=(.\[|]|\bdocument\.[\w$]+\s*[=(.\[]"
    r"|\bif\s*\(\s*(?:typeof\b|window\b|document\b)|\bP\.when\s*\(|\.getTime\s*\(|\bue_t0\b|/\*.*?\*/|//\s*<!\[CDATA",
    re.DOTALL,
)
_RULE = re.compile(r"\{\s*(?:/\*.*?\*/\s*)?[a-zA-Z-]+\s*:[^{}]*[;}]|@(?:media|import|font-face|charset)\b", re.DOTALL)
# A selector of a style rule: a word that no title has.
_SELECTOR = re.compile(r"[.#@*>+~,:\[(]\S*|\S+,|\S*[.#:\[]\w\S*")
_SUSPICIOUS = re.compile(r"[<&{@]|\.getTime|\bue_t0\b|\bvar\s|\bfunction\b|window\.|document\.|P\.when|/\*")


def clean_text(text: str) -> str:
    """A text from a web page, without its markup and code.

    Comments, scripts, style sheets and tags are taken out, an image gives its alternative text, and entities become
    characters, also where they were escaped twice. Code without tags ends the text: of a page of code as a title, what
    is left is what stands before the code, which may be nothing.
    """
    if _SUSPICIOUS.search(text):
        text = _without_markup(text)
        for _ in range(2):
            unescaped = html.unescape(text)
            if unescaped == text:
                break
            text = _without_markup(unescaped)
        script, rule = _SCRIPT.search(text), _RULE.search(text)
        if script is not None:
            text = text[: script.start()]
        if rule is not None and rule.start() < len(text):
            before = text[: rule.start()]
            text = before if text[rule.start()] == "@" else _without_selectors(before)
    return " ".join(text.split())


def _without_selectors(before: str) -> str:
    """What stands before a style rule without its selectors: the last word, and words before it that no title has."""
    words = before.split()[:-1]
    while words and _SELECTOR.fullmatch(words[-1]):
        words.pop()
    return " ".join(words)


def _without_markup(text: str) -> str:
    text = _CODE_ELEMENT.sub(" ", _COMMENT.sub(" ", text))
    text = _IMAGE.sub(lambda found: f" {found[1] or found[2] or ''} ", text)
    return _TAG.sub(" ", text)


@lru_cache(maxsize=200_000)
def category_path(held: str) -> str:
    """The categories of a product, root first, joined by " > ".

    Parameters
    ----------
    held
        JSON of a list of names or of a list of such lists, the first of which counts that is not empty; or one name.
    """
    try:
        value = json.loads(held) if held.startswith("[") else held
    except ValueError:
        value = held
    if isinstance(value, list) and any(isinstance(part, list) for part in value):
        value = next((part for part in value if isinstance(part, list) and part), [])
    parts = value if isinstance(value, list) else [value]
    names = [clean_text(part) for part in parts if isinstance(part, str)]
    return SEPARATOR.join(part for part in names if part)


@dataclass(frozen=True)
class ProductFile(RawFile):
    """A file of products; its columns are those of ``TEXTS`` and ``FOR_TASKS``, cleaned."""

    def relation(self, wanted: dict[str, str], numbered: bool = False) -> str:
        """SQL of a table with one column for each of ``wanted`` (alias to column)."""
        fields = {"asin": "asin", "title": "title", "main_cat": "main_cat", "c": "category", "cs": "categories"}
        # An empty list says no more than a missing one.
        path = "amazon_path(coalesce(nullif(nullif(c, '[]'), ''), cs))"
        made = {"asin": "asin", "title": "amazon_text(title)", "category": path, "main_cat": "amazon_text(main_cat)"}
        picked = [f"{made[column]} AS {name(alias)}" for alias, column in wanted.items()]
        number = ", row_number" if numbered else ""
        return f"(SELECT {', '.join(picked)}, broken{number} FROM {json_fields(self.path, fields, numbered)})"


def open_products(connection: Any, path: Path) -> ProductFile:
    """Look at a file of products, and teach the connection to clean texts."""
    known = {row[0] for row in connection.execute("SELECT function_name FROM duckdb_functions()").fetchall()}
    for function, call in (("amazon_text", clean_text), ("amazon_path", category_path)):
        if function not in known:
            connection.create_function(function, call, ["VARCHAR"], "VARCHAR")
    return ProductFile(path, FORMAT, dict.fromkeys(("asin", *TEXTS, *FOR_TASKS), "VARCHAR"))
