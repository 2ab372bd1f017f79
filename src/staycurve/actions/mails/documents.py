"""Document: headings, sentences and tables, written as plain text and as HTML that say the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_QUIET, _LINE = "#57606a", "#d0d7de"
EMPTY = "–"
"""What stands in a cell whose value is not known."""


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes
    ----------
    heads : sequence of str
        The first column holds texts, the others numbers or days.
    rows : sequence of sequence of str
    links : sequence of str
        The address that each row's first cell leads to; empty where it leads nowhere.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    links: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """One heading with what stands below it."""

    title: str
    said: Sequence[str] = ()
    grid: Grid | None = None


@dataclass(frozen=True)
class Document:
    """A letter or a page to print.

    Attributes
    ----------
    said : sequence of str
        Below the title.
    foot : sequence of str
        In small print.
    """

    title: str
    said: Sequence[str]
    parts: Sequence[Part]
    foot: Sequence[str] = ()
    language: str = "en"


def text_of(document: Document) -> str:
    """The document as plain text."""
    lines = [document.title, "=" * min(72, len(document.title)), "", *document.said, ""]
    for part in document.parts:
        lines += [part.title, "-" * min(72, len(part.title)), *part.said]
        if part.grid is not None:
            lines += _lines_of(part.grid)
        lines.append("")
    if document.foot:
        lines += ["--", *document.foot]
    return "\n".join(lines).rstrip() + "\n"


def _lines_of(grid: Grid) -> list[str]:
    cells = [grid.heads, *grid.rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(grid.heads))]
    found = []
    for number, row in enumerate(cells):
        first, *others = (
            one.ljust(width) if not place else one.rjust(width)
            for place, (one, width) in enumerate(zip(row, widths, strict=True))
        )
        line = "  ".join([first, *others]).rstrip()
        link = grid.links[number - 1] if number and grid.links else ""
        found += [line, f"  {link}"] if link else [line]
    return found


def html_of(document: Document) -> str:
    """The document as one HTML page without anything from elsewhere; it prints as it stands."""
    body = "".join(f"<p>{escape(one)}</p>" for one in document.said)
    body += "".join(_part(part) for part in document.parts)
    foot = "<br>".join(escape(one) for one in document.foot)
    small = f'<p style="font-size:13px;color:{_QUIET};margin-top:32px">{foot}</p>' if foot else ""
    return (
        f'<!doctype html><html lang="{escape(document.language, quote=True)}"><head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(document.title)}</title></head>"
        '<body style="font:16px/1.5 sans-serif;margin:0 auto;padding:16px;max-width:720px">'
        f'<h1 style="font-size:22px">{escape(document.title)}</h1>{body}{small}</body></html>\n'
    )


def _part(part: Part) -> str:
    said = "".join(f"<p>{escape(one)}</p>" for one in part.said)
    grid = _table(part.grid) if part.grid is not None else ""
    return f'<h2 style="font-size:17px;margin-top:28px">{escape(part.title)}</h2>{said}{grid}'


def _table(grid: Grid) -> str:
    def cell(tag: str, inner: str, *, is_first: bool, scope: str = "") -> str:
        side = "left" if is_first else "right"
        return (
            f'<{tag}{scope} style="text-align:{side};padding:4px 8px;'
            f'border-bottom:1px solid {_LINE};vertical-align:top">{inner}</{tag}>'
        )

    head = "".join(
        cell("th", escape(one), is_first=not place, scope=' scope="col"')
        for place, one in enumerate(grid.heads)
    )
    rows = ""
    for number, row in enumerate(grid.rows):
        link = grid.links[number] if grid.links else ""
        first = escape(row[0])
        if link:
            first = f'<a href="{escape(link, quote=True)}">{first}</a>'
        rows += "<tr>" + cell("td", first, is_first=True) + "".join(
            cell("td", escape(one), is_first=False) for one in row[1:]
        ) + "</tr>"
    return (
        '<table style="border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def count(value: int | None) -> str:
    """A whole number; a dash where it is not known."""
    return EMPTY if value is None else f"{value:,}"


def share(value: float | None) -> str:
    """A share from 0 to 1 in whole percent."""
    return EMPTY if value is None else f"{value:.0%}"


def money(value: float | None, currency: str) -> str:
    """An amount in major units with its currency."""
    return EMPTY if value is None else f"{value:,.2f} {currency}"


def day(value: dt.date | None) -> str:
    """A day as 3 May 2026."""
    return EMPTY if value is None else f"{value.day} {value:%B %Y}"


def readable(name: str) -> str:
    """The name of a feature as people read it: report_viewed → report viewed."""
    return " ".join(name.replace("_", " ").split()) or name


def several(number: int, one: str, many: str) -> str:
    """The number with the noun in its form: 1 person, 2 people."""
    return f"{number:,} {one if number == 1 else many}"
