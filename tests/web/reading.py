"""What a page shows, read from its HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser


@dataclass(frozen=True)
class Link:
    """One link: where it leads, what it says, and the classes of what it stands in."""

    href: str
    text: str
    title: str
    inside: tuple[str, ...]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self._open: list[tuple[str, str]] = []
        self._link: dict[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        if tag not in ("meta", "link", "input", "br", "img"):
            self._open.append((tag, given.get("class", "")))
        if tag == "a":
            self._link, self._text = given, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            inside = tuple(name for _, names in self._open for name in names.split())
            title = self._link.get("title", "")
            self.links.append(Link(self._link.get("href", ""), self._text.strip(), title, inside))
            self._link = None
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        self._text += data


def links(html: str) -> list[Link]:
    """Every link of a page, those of its drawings too."""
    reader = _Reader()
    reader.feed(html)
    return reader.links
