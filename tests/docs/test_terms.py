"""What people read uses the field's words: no retired word in a label, help text, error or page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.snippets import DOCS, ROOT
from tests.docs.test_pages import PAGES, prose

SRC = ROOT / "src" / "staycurve"

RETIRED = {
    r"beyond chance": "statistically significant",
    r"class(es)? of (the |its )?ends?": "churn type",
    r"end class(es)?": "churn type",
    r"(set|sets|setting) (\S+ ){0,2}aside": "rejected; waiting, for rows that join later",
    r"mend(s|ed|ing)?": "fix",
    r"ceased? to pay|pays? no more|paid no more": "churned",
    r"half are longer": "median time",
    r"followed long or short|by the curve": "Kaplan–Meier estimate",
    r"in strata of": "stratified by all confounders",
    r"back to where the number stands": "back to the report",
    r"nobody is behind this number": "no matching accounts",
    r"days until it is long|long from": "stuck after (days)",
    r"leaving afterwards|left afterwards": "churn after conversion",
    r"sees? no facts after": "ignore data after this time",
    r"answers? from what was loaded": "use the data as it was loaded at this time",
    r"these alone": "only these",
    r"again for more": "repeatable",
    r"suffic(e|es|ed)": "is enough",
    r"explained best by": "most likely cause",
    r"others leave as little": "n other settings fit equally well",
    r"got there": "activated; reached it",
    r"how they got started": "onboarding status",
    r"was another one then": "the configuration has changed since",
    r"another seed is": "random seed",
    r"periods to follow": "number of periods",
    r"use of the product": "usage",
    r"rows behind": "the accounts behind; drill down",
    r"their closing (MRR )?÷": "closing MRR of accounts active at the start ÷ their opening MRR",
    r"small (group|segment)s?": "small sample",
}
"""A pattern of a retired phrase → what to write."""

EXCEPTIONS: dict[str, tuple[str, str]] = {}
"""File → a retired phrase that it needs, and why."""

_SHOWN = ("N_", "_", "gettext", "ngettext", "Param", "Col", "col", "Option", "Argument", "Query",
          "Path", "Table", "Opens")
"""Calls whose texts people read."""
_PATTERNS = {re.compile(rf"\b(?:{old})(?!\w)", re.IGNORECASE): new for old, new in RETIRED.items()}


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def texts_in(node: ast.AST) -> Iterator[tuple[int, str]]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.lineno, inner.value


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of all that people may read of a file of the package.

    Those are marked texts, the help of options, parameters and columns, what errors say, what is
    printed, and the docstrings of functions that a command, a route or an insight is made from.
    """
    if path.suffix == ".html":
        yield from enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = name_of(node)
            if name in _SHOWN or name.endswith("Error") or name in ("echo", "print_table", "say"):
                yield from texts_in(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.decorator_list:
            text = ast.get_docstring(node)
            if text:
                yield node.lineno, text


FILES = sorted([*SRC.rglob("*.py"), *SRC.rglob("*.html")])


def retired_in(lines: Iterator[tuple[int, str]], excepted: str = "") -> list[str]:
    found = {}
    for line, text in lines:
        flat = re.sub(r"\s+", " ", text)
        for pattern, new in _PATTERNS.items():
            for match in pattern.finditer(flat):
                if match[0].lower() != excepted:
                    found[line, match[0]] = f"line {line}: {match[0]!r}; write: {new}"
    return list(found.values())


def of_package(path: Path) -> list[str]:
    return retired_in(texts_of(path), EXCEPTIONS.get(str(path.relative_to(ROOT)), ("",))[0])


def of_page(path: Path) -> list[str]:
    # A page wraps where it likes, so its paragraphs are read whole.
    excepted = EXCEPTIONS.get(str(path.relative_to(ROOT)), ("",))[0]
    paragraphs = re.split(r"\n\s*\n", prose(path))
    return retired_in(((place, text) for place, text in enumerate(paragraphs, 1)), excepted)


def test_nothing_that_people_read_of_the_package_uses_a_retired_word() -> None:
    assert len(FILES) > 300
    read = {str(path.relative_to(ROOT)): of_package(path) for path in FILES}
    assert sum(1 for path in FILES for _ in texts_of(path)) > 2000
    wrong = [f"{name} {one}" for name, found in read.items() for one in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_uses_a_retired_word(page: Path) -> None:
    assert prose(page).strip()
    assert of_page(page) == []


def test_a_retired_word_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "labels.py"
    path.write_text('A = N_("Class of end")\nB = Option(help="These\\nalone")\nC = "mend"\n')
    assert [one.split(";")[0] for one in retired_in(texts_of(path))] == [
        "line 1: 'Class of end'", "line 2: 'These alone'",
    ]


@pytest.mark.parametrize("word", [
    "churn type", "Kaplan–Meier estimate", "statistically significant", "small sample",
    "Holm correction", "confidence interval", "confounder", "censored", "median time",
    "churn after conversion", "activated", "active users", "drill down", "stuck", "random seed",
])
def test_the_glossary_defines_the_term(word: str) -> None:
    assert f"| {word} | " in (DOCS / "reference" / "glossary.md").read_text(encoding="utf-8")
