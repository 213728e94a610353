"""A document as blocks, written out as Markdown and as one HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c1c1c; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.3rem; margin-top: 2.6rem; } h3 { font-size: 1.05rem; margin-top: 1.8rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .86rem; }
th, td { padding: .25rem .55rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td.text { text-align: left; white-space: normal; }
svg { max-width: 100%; height: auto; }
"""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 3."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    head, rows
        Texts; a cell between two asterisks is emphasised.
    left
        Columns of running text, aligned to the left.
    """

    head: list[str]
    rows: list[list[str]]
    left: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Figure:
    """A picture, shown in HTML only; the numbers stand in the table before it."""

    svg: str


Block = Heading | Paragraph | Table | Figure


def to_markdown(blocks: list[Block]) -> str:
    """GitHub's Markdown."""
    parts = []
    for block in blocks:
        if isinstance(block, Heading):
            parts.append("#" * block.level + " " + block.text)
        elif isinstance(block, Paragraph):
            parts.append(block.text)
        elif isinstance(block, Table):
            marks = ["---" if k in block.left else "---:" for k in range(len(block.head))]
            rows = [block.head, marks, *([_bold(cell) for cell in row] for row in block.rows)]
            parts.append("\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows))
    return "\n\n".join(parts) + "\n"


def _bold(cell: str) -> str:
    return f"**{cell[1:-1]}**" if _is_best(cell) else cell


def _is_best(cell: str) -> bool:
    return len(cell) > 2 and cell[0] == cell[-1] == "*"


def to_html(blocks: list[Block]) -> str:
    """One file that needs nothing beside it."""
    parts = []
    for block in blocks:
        if isinstance(block, Heading):
            parts.append(f"<h{block.level}>{escape(block.text)}</h{block.level}>")
        elif isinstance(block, Paragraph):
            parts.append(f"<p>{escape(block.text)}</p>")
        elif isinstance(block, Table):
            parts.append(_table(block))
        else:
            parts.append(block.svg)
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.head)
    rows = []
    for row in table.rows:
        cells = []
        for place, cell in enumerate(row):
            kind = ' class="text"' if place in table.left else ""
            text = f"<b>{escape(cell[1:-1])}</b>" if _is_best(cell) else escape(cell)
            cells.append(f"<td{kind}>{text}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
