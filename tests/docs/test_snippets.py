"""Every snippet in the README, the tutorials and the how-to pages runs and prints what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.docs import snippets
from tests.docs.conftest import Followed

OTHERS = [page for page in snippets.PAGES if page != snippets.TUTORIAL]


def check(page: Path, outcomes: Iterable[snippets.Outcome]) -> None:
    wrong = [
        f"{page.name}:{outcome.line} {outcome.command} (exit {outcome.status}) printed\n"
        f"{outcome.printed}\ninstead of\n{outcome.expected}"
        for outcome in outcomes
        if not outcome.is_as_shown
    ]
    assert not wrong, (
        "\n\n".join(wrong) + "\n\nIf that is right: python -m tests.docs.snippets"
    )


def test_the_first_tutorial_prints_what_it_shows(tutorial: Followed) -> None:
    assert len(tutorial.outcomes) > 10
    check(snippets.TUTORIAL, tutorial.outcomes)


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: page.name)
def test_a_page_prints_what_it_shows(page: Path, tutorial: Followed, example: Path) -> None:
    with snippets.project(page, tutorial.folder, example):
        check(page, snippets.run(page))


def test_a_wrong_output_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ echo one\none\n$ echo two\n2\n```\n\n"
        "```python\nprint({'a': 1})\n```\n\n```text\n{'a': 2}\n```\n"
    )
    monkeypatch.chdir(tmp_path)
    found = [(o.line, o.is_as_shown) for o in snippets.run(page)]
    assert found == [(2, True), (4, False), (9, False)]
