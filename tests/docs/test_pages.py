"""Every page: its links resolve, its words are ours, and the index leads to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.snippets import DOCS, ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(DOCS.rglob("*.md")),
]

BANNED = (
    # Words that make a reader who is stuck feel slow, …
    "simply", "just", "obviously", "of course", "easily", "trivial", "trivially",
    # … words that sell, …
    "powerful", "seamless", "seamlessly", "robust", "leverage", "utilize", "blazing", "world-class",
    # … and words that promise.
    "coming soon", "in the future", "TODO", "TBD", "stay tuned",
)

_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    return _INLINE.sub("", _CODE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get where Markdown is shown."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    found = set()
    for line in text.splitlines():
        if line.startswith("#"):
            title = line.lstrip("#").strip().replace("`", "").lower()
            found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found


def links(page: Path) -> Iterator[tuple[Path, str]]:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        yield ((page.parent / path).resolve() if path else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target}, which is not there"
        assert ROOT in (target, *target.parents), f"{page.name} links out of the repository"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {target.name} has no #{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_words(page: Path) -> None:
    text = prose(page)
    used = [w for w in BANNED if re.search(rf"\b{re.escape(w)}\b", text, re.IGNORECASE)]
    assert not used, f"{page.name} says {', '.join(used)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_one_title(page: Path) -> None:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    assert sum(line.startswith("# ") for line in text.splitlines()) == 1


def test_the_index_leads_to_every_page() -> None:
    seen: set[Path] = set()
    waiting = [DOCS / "index.md", ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        waiting += [target for target, _ in links(page)]
    assert [str(p.relative_to(ROOT)) for p in PAGES if p not in seen] == []


def test_the_changelog_says_which_numbers_change() -> None:
    releases = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert releases
    for release in releases:
        assert "### Numbers that change" in release


@pytest.mark.parametrize("word", [
    "account", "customer", "user", "item", "span", "MRR", "movement", "new", "reactivation",
    "expansion", "contraction", "churned", "opening, close", "as-of", "activation cohort",
    "segment", "trait", "moving dimension", "entering, leaving", "rejected", "waiting", "load",
    "snapshot", "pointer", "refresh", "lake", "convention", "profile", "grace",
])
def test_the_glossary_defines(word: str) -> None:
    assert f"| {word} | " in (DOCS / "reference" / "glossary.md").read_text(encoding="utf-8")
