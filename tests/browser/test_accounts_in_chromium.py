"""Search and an account's page in a browser: policy, phone, typing, the keyboard, no script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import served
from tests.browser.test_in_chromium import Opener, opened
from tests.company import build
from tests.insights.account_company import AS_OF, SETTINGS, TABLES

__all__ = ["opened"]

PAGES = [f"/accounts/acme?as_of={AS_OF}", f"/accounts/dune?as_of={AS_OF}", "/search?q=acme",
         f"/accounts?metric=churned_mrr&period=2024-03&as_of={AS_OF}"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the company of a few accounts is served."""
    folder: Path = tmp_path_factory.mktemp("accounts")
    company = build(folder / "project", TABLES, end_reasons=SETTINGS)
    with served(company) as found:
        yield found
    company.close()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_they_keep_to_the_policy_and_to_the_screen(
    opened: Opener, path: str, width: int
) -> None:
    from playwright.sync_api import expect

    with opened(path, viewport={"width": width, "height": 844}) as page:
        expect(page.locator(".late")).to_have_count(0, timeout=60_000)
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("h1").count() == 1
        duplicates = page.evaluate(
            "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
            " return ids.filter((id, i) => ids.indexOf(id) !== i); })()"
        )
        assert duplicates == []


@pytest.mark.parametrize("width", [390, 1280])
def test_results_come_while_one_types_and_lead_to_the_account(
    opened: Opener, width: int
) -> None:
    with opened("/catalogue", viewport={"width": width, "height": 844}) as page:
        page.locator(".search input").click()
        page.keyboard.type("acme inc")
        found = page.locator("#found a", has_text="Acme Inc")
        found.wait_for(timeout=30_000)
        assert page.url.endswith("/catalogue")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/accounts/acme")
        assert page.locator("h1").inner_text() == "Acme Inc"


def test_search_and_the_timeline_work_without_scripts(opened: Opener) -> None:
    with opened("/", java_script_enabled=False) as page:
        page.locator(".search input").fill("bolt")
        page.locator(".search input").press("Enter")
        page.wait_for_url("**/search?q=bolt")
        page.locator("#found a", has_text="50%_Bolt's").click()
        page.wait_for_url("**/accounts/bolt")
        page.locator(".kinds a", has_text="Plans").click()
        page.wait_for_url("**kind=plan#timeline")
        assert "Subscription ended" in page.locator("#timeline").inner_text()
        assert "New MRR" not in page.locator("#timeline").inner_text()


def test_a_kind_is_chosen_in_place(opened: Opener) -> None:
    from playwright.sync_api import expect

    with opened(f"/accounts/acme?as_of={AS_OF}") as page:
        expect(page.locator(".late")).to_have_count(0, timeout=60_000)
        page.evaluate("window.isSamePage = true")
        page.locator("#kind-ticket").click()
        page.wait_for_url("**kind=ticket*")
        page.locator("#kind-ticket[aria-current]").wait_for()
        expect(page.locator(".late")).to_have_count(0, timeout=60_000)
        assert page.evaluate("window.isSamePage")
        shown: Any = page.locator(".events li").count()
        assert shown == 6
