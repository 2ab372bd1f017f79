"""The pages of findings in a browser: policy, phone, what comes afterwards, and the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import served
from tests.browser.test_in_chromium import Opener, opened
from tests.web.findings.making import made

__all__ = ["opened"]

PAGES = ["/cohorts", "/usage", "/features", "/activation", "/trials", "/lifecycle",
         "/acquisition", "/lifecycle/accounts?period=2024-06", "/trials/accounts?part=converted"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a company with every kind of row is served."""
    folder: Path = tmp_path_factory.mktemp("findings")
    company = made(folder / "project")
    with served(company) as found:
        yield found
    company.close()


def settled(page: Any) -> None:
    """Wait until what comes afterwards is there."""
    from playwright.sync_api import expect

    # Late panels come one after the other, on a busy machine slowly.
    expect(page.locator(".late")).to_have_count(0, timeout=60_000)


@pytest.mark.parametrize("path", PAGES)
def test_they_keep_to_the_policy_and_to_a_phone(opened: Opener, path: str) -> None:
    with opened(path, viewport={"width": 390, "height": 844}, color_scheme="dark") as page:
        settled(page)
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("h1").count() == 1
        duplicates = page.evaluate(
            "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
            " return ids.filter((id, i) => ids.indexOf(id) !== i); })()"
        )
        assert duplicates == []
        unnamed = page.evaluate(
            "[...document.querySelectorAll('a, button, select')].filter(e =>"
            " !(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels || []).length ||"
            " e.querySelector('[aria-label]'))).length"
        )
        assert unnamed == 0


def test_a_month_is_chosen_in_place_and_late_panels_follow(opened: Opener) -> None:
    with opened("/lifecycle") as page:
        settled(page)
        page.evaluate("window.isSamePage = true")
        page.select_option("#choose-period", "2024-05")
        page.wait_for_url("**/lifecycle?period=2024-05")
        page.locator(".when", has_text="May 2024").wait_for()
        settled(page)
        assert page.evaluate("window.isSamePage")


def test_a_number_opens_by_keyboard_and_leads_back(opened: Opener) -> None:
    with opened("/trials") as page:
        page.locator('[data-figure="conversion"] .value a').focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/trials/accounts?part=converted")
        page.locator(".back a").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/trials#cohorts")


def test_steps_of_the_funnel_are_chosen_without_scripts(opened: Opener) -> None:
    with opened("/usage?panel=funnel", java_script_enabled=False) as page:
        page.set_default_timeout(60_000)
        page.select_option("#choose-step2", "report_viewed")
        page.locator("#funnel .controls button").click()
        assert "step2=report_viewed" in page.url
        assert "report viewed" in page.locator("#funnel table").inner_text()
