"""Axe finds nothing on the value recap, before and after it was sent or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.browser.conftest import found_by, served
from tests.browser.test_in_chromium import Opener, opened
from tests.company import load
from tests.mails.conftest import TICKETS, USERS
from tests.work.conftest import made

__all__ = ["opened"]

SCREENS = [(1280, "light"), (390, "dark")]
EXTRA = """[mail]
host = "127.0.0.1"
port = 1
from = "hi@test.example"
recap_consent = "reports"
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company with contacts who may be written to and who may not, and a goal reached."""
    with made(tmp_path_factory.mktemp("axe") / "p", extra=EXTRA) as found:
        load(found, {"users": USERS, "tickets": TICKETS})
        goal = found.work.add_milestone("big", "Everybody trained", due_on="2024-06-15",
                                        owner="Ana")
        found.work.reach_milestone(goal["id"], by="Ana")
        yield found


@pytest.fixture(scope="module")
def address(company: Company) -> Iterator[str]:
    """Where it is served."""
    with served(company) as found:
        yield found


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("path", ["/recap/big", "/recap/mid?period=2024-Q2&done=sent"])
def test_axe_finds_nothing_on_a_recap(
    opened: Opener, axe: str, path: str, width: int, scheme: str
) -> None:
    from playwright.sync_api import expect

    with opened(path, viewport={"width": width, "height": 844}, color_scheme=scheme) as page:
        expect(page.locator(".late")).to_have_count(0, timeout=60_000)
        assert page.locator("#recap h3").count() > 0
        assert page.locator("#send input[type=checkbox]").count() > 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert found_by(axe, page) == []


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_axe_finds_nothing_once_sending_was_refused(
    browser: Any, axe: str, address: str, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(f"{address}/recap/big")
    page.locator("#send form").wait_for()
    # What the browser itself does not let through is sent as another tool might.
    page.evaluate("document.querySelectorAll('form').forEach(e => { e.noValidate = true; })")
    page.locator("#send form button").click()
    page.get_by_role("alert").wait_for()
    found = found_by(axe, page)
    context.close()
    assert found == []
