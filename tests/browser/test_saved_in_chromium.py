"""Saved views and notes in a browser without scripts: forms, redirects, and the policy kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.browser.conftest import served
from tests.state import served as small


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The small company in a project of its own."""
    made = small.served(tmp_path_factory.mktemp("saved"))
    yield made
    made.close()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_view_and_a_note_are_kept_with_a_few_clicks(
    browser: Any, own: Company, has_scripts: bool
) -> None:
    complaints: list[str] = []
    name = f"Germany {has_scripts}"
    with served(own) as address:
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, java_script_enabled=has_scripts
        )
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.goto(f"{address}/metrics/mrr?where=country=DE&grain={'week' if has_scripts else ''}")
        page.locator("summary", has_text="Save this view").click()
        page.fill("#view-name", name)
        page.locator("form[action='/views'] button").click()
        page.locator(".keep strong", has_text=name).wait_for()
        assert "where=country=DE" in page.url
        page.locator("summary", has_text="Add a note to this chart").click()
        page.fill("#note-day-values", "2024-02-14")
        page.fill("#note-text-values", "Price change")
        page.locator("form[action='/annotations'] button").click()
        page.locator(".notes li", has_text="Price change").wait_for()
        assert "where=country=DE" in page.url
        page.locator("summary", has_text="Saved views").click()
        page.locator(".saved a", has_text="Rename or delete").click()
        page.locator("summary", has_text=f"Delete {name}").click()
        page.locator("button", has_text=f"Yes, delete “{name}”").click()
        page.locator("[role=status]", has_text="The view was deleted.").wait_for()
        context.close()
    assert complaints == []
    assert own.state.views() == ()
    for note in own.state.annotations():
        own.state.delete_annotation(note.id)
