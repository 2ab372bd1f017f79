"""Every number that a page of findings shows, and whether a link stands on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from fastapi.testclient import TestClient

from tests.web.findings.asking import twin

_MARKS = {"bar", "point", "rect mark"}
_COLUMN = "rect mark"
"""Over a single line stand columns that answer to the pointer for the dots beneath them."""


@dataclass(frozen=True)
class Number:
    """One number of a panel.

    Attributes
    ----------
    panel : str
    column : str
        The heading above a cell, the name of a card, or `chart`.
    row : str
        What the row begins with.
    text : str
        What is printed, without a cell's second line. Cells of words are left out.
    href : str
        The address that it opens, empty without one.
    """

    panel: str
    column: str
    row: str
    text: str
    href: str


class _Reader(HTMLParser):
    def __init__(self, panel: str) -> None:
        super().__init__()
        self.panel = panel
        self.numbers: list[Number] = []
        self.hrefs: list[str] = []
        self._heads: list[str] = []
        self._is_head = False
        self._is_cell = self._is_card = self._is_read = False
        self._place = 0
        self._row = self._card = self._text = self._href = ""
        self._stack: list[tuple[str, frozenset[str]]] = []
        self._mark_href = ""
        self._marks: list[tuple[str, Number]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        classes = frozenset(given.get("class", "").split())
        if tag not in ("br", "img", "input", "meta", "link"):
            self._stack.append((tag, classes))
        if tag == "thead":
            self._is_head, self._heads = True, []
        elif tag == "tr":
            self._place = 0
        elif tag in ("th", "td") or (tag == "p" and "value" in classes):
            self._is_cell, self._is_card = tag != "p", tag == "p"
            self._text = self._href = ""
            self._is_read = "text" in classes
        elif tag == "li" and "card" in classes:
            self._card = given.get("data-figure", "")
        elif tag == "a":
            href = given.get("href", given.get("xlink:href", ""))
            self.hrefs.append(href)
            self._mark_href = href
            if self._is_cell or self._is_card:
                self._href = href
        if given.get("aria-roledescription") in _MARKS:
            is_linked = any(name == "a" for name, _classes in self._stack)
            href = self._mark_href if is_linked else ""
            kind, label = given["aria-roledescription"], given.get("aria-label", "")
            self._marks.append((kind, Number(self.panel, "chart", label, label, href)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._stack and self._stack[-1][0] == tag:
            self._stack.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag == "thead":
            self._is_head = False
        elif tag in ("th", "td") and self._is_cell:
            self._end_cell()
        elif tag == "p" and self._is_card:
            self._is_card = False
            self._add(self._card, "")
        elif tag == "svg":
            self._end_chart()
        while self._stack and self._stack.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        # The second line of a cell is the interval of the first.
        if not any("by" in classes for _tag, classes in self._stack):
            self._text += data

    def _end_chart(self) -> None:
        columns = [mark for kind, mark in self._marks if kind == _COLUMN]
        self.numbers += columns or [mark for _kind, mark in self._marks]
        self._marks = []

    def _end_cell(self) -> None:
        self._is_cell = False
        if self._is_head:
            self._heads.append(" ".join(self._text.split()))
        elif self._place == 0:
            self._row = " ".join(self._text.split())
        elif not self._is_read:
            self._add(self._heads[self._place], self._row)
        self._place += 1

    def _add(self, column: str, row: str) -> None:
        text = " ".join(self._text.split())
        if re.search(r"\d", text):
            self.numbers.append(Number(self.panel, column, row, text, self._href))


def shown_on(client: TestClient, path: str) -> tuple[list[Number], list[str]]:
    """Every number of a page with its late panels, and every address that the page links."""
    found: list[Number] = []
    hrefs: list[str] = []
    joint = "&" if "?" in path else "?"
    for panel in twin(client, path)["panels"]:
        name = panel["name"]
        answer = client.get(
            f"{path}{joint}panel={name}", headers={"hx-request": "true", "hx-target": name}
        )
        assert answer.status_code == 200, (path, name, answer.text[:500])
        reader = _Reader(name)
        reader.feed(answer.text)
        found += reader.numbers
        hrefs += reader.hrefs
    return found, hrefs
