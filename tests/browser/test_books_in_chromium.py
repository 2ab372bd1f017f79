"""Reconcile and the books in a browser: policy, phone, what comes afterwards, and forms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_in_chromium import Opener, opened

__all__ = ["opened"]

# In March of the small company: acme 150, crux 60; nothing that Stripe counts otherwise.
STRIPE = "/reconcile?against=stripe&period=2024-03"
THEIRS = "month,metric,value\n2024-03,mrr,210.00\n2024-03,mrr,150.00\n"


def settled(page: Any) -> None:
    """Wait until what comes afterwards is there."""
    page.locator(".late").wait_for(state="detached")


@pytest.mark.parametrize("path", [STRIPE, STRIPE + "&metric=nrr&panel=switches", "/books"])
@pytest.mark.parametrize(
    "settings",
    [
        {"viewport": {"width": 1280, "height": 900}},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    ],
    ids=["desk", "phone-dark"],
)
def test_they_keep_to_the_policy_and_to_the_screen(
    opened: Opener, path: str, settings: dict[str, Any]
) -> None:
    with opened(path, **settings) as page:
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        duplicates = page.evaluate(
            "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
            " return ids.filter((id, i) => ids.indexOf(id) !== i); })()"
        )
        assert duplicates == []
        unlabelled = page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
            ".filter(e => !e.labels.length && !e.getAttribute('aria-label')).map(e => e.name)"
        )
        assert unlabelled == []


def test_the_effects_come_by_themselves_and_leave_the_address(opened: Opener) -> None:
    with opened(STRIPE) as page:
        settled(page)
        assert page.locator("#switches tr[data-switch='usage=exclude']").count() == 1
        assert page.url.endswith(STRIPE)


def test_another_metric_is_compared_in_place(opened: Opener) -> None:
    with opened(STRIPE) as page:
        settled(page)
        page.evaluate("window.isSamePage = true")
        page.select_option("#choose-metric", "customers")
        page.locator("a[data-ours]", has_text=re.compile("^2$")).wait_for()
        assert page.evaluate("window.isSamePage")
        assert "metric=customers" in page.url
        assert "against=stripe" in page.url
        settled(page)


def test_figures_are_compared_by_keyboard_alone(opened: Opener) -> None:
    with opened(STRIPE) as page:
        settled(page)
        page.locator("#figures").focus()
        page.keyboard.insert_text(THEIRS)
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "BUTTON"
        page.keyboard.press("Enter")
        page.locator(".causes").wait_for()
        assert "2 figures: 1 agree, 1 are explained" in page.locator("#theirs .total").inner_text()
        assert page.url.endswith("#theirs")
        settled(page)


def test_a_file_is_compared_without_scripts(opened: Opener, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(THEIRS, encoding="utf-8")
    with opened(STRIPE, java_script_enabled=False) as page:
        page.locator("#file").set_input_files(path)
        page.locator(".send button").click()
        page.locator(".causes").wait_for()
        assert "crux" in page.locator(".causes tbody").inner_text()


def test_what_is_wrong_is_said_where_it_was_written(browser: Any, address: str) -> None:
    # Without `opened`: the browser notes an answer that is an error in its console.
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + STRIPE)
    page.locator("#figures").fill("month,metric,value\n2024-03,mmr,1")
    with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        page.locator(".send button").click()
    assert answered.value.status == 422
    assert "unknown metric 'mmr'" in page.locator("#theirs [role=alert]").inner_text()
    assert page.locator("#figures").input_value().endswith("2024-03,mmr,1")
    context.close()


def test_without_scripts_a_link_brings_what_comes_afterwards(opened: Opener) -> None:
    with opened(STRIPE, java_script_enabled=False) as page:
        page.locator(".late a").click()
        page.locator("#switches table").wait_for()
        assert "panel=switches" in page.url


def test_groups_lead_to_their_pages_by_keyboard(opened: Opener) -> None:
    with opened("/") as page:
        page.locator(".groups a", has_text="Books").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/books")
        settled(page)
        assert page.locator(".own a[aria-current=page]").inner_text() == "Closed months"
