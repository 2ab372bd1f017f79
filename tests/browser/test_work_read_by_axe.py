"""Axe finds nothing on the pages of work: alerts, playbooks, audiences, effects, ownership."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.browser.conftest import found_by, served
from tests.browser.test_in_chromium import Opener, opened
from tests.work.conftest import RULE, made, playbook, rule

__all__ = ["opened"]

DESK, PHONE = (1280, "light"), (390, "dark")
PAGES = [
    ("/work", DESK), ("/work", PHONE), ("/work?status=snoozed", DESK), ("/alerts", PHONE),
    ("/alerts/1", DESK), ("/alerts/1", PHONE), ("/playbooks", DESK), ("/playbooks/late", PHONE),
    ("/audiences", DESK), ("/audiences/vip", PHONE), ("/effects", DESK), ("/ownership", PHONE),
]
EXPERIMENT = """[[experiments]]
name = "call"
starts = "2024-01-01"
base = 0.8
effect = 0.95
days = 30
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company with alerts that are open, snoozed and resolved, and an experiment."""
    with made(tmp_path_factory.mktemp("axe") / "p", extra=EXPERIMENT) as found:
        playbook(found, RULE)
        playbook(found, rule("mrr", "at_least = 100", "growth", "is_confirmed = true"), "large")
        found.work.run(as_of="2024-07-01")
        growth = [one["id"] for one in found.work.alerts(kind="growth")]
        found.work.resolve(growth[0], reason="helped", by="Ana", note="Spoke to them")
        found.work.snooze(growth[1], until="2026-12-01", reason="On holiday", by="Ana")
        found.work.add_milestone("mid", "Everybody trained", due_on="2024-06-15", owner="Ana")
        found.audiences.follow()
        yield found


@pytest.fixture(scope="module")
def address(company: Company) -> Iterator[str]:
    """Where it is served."""
    with served(company) as found:
        yield found


@pytest.mark.parametrize(("path", "screen"), PAGES)
def test_axe_finds_nothing_on_pages_of_work(
    opened: Opener, axe: str, path: str, screen: tuple[int, str]
) -> None:
    from playwright.sync_api import expect

    width, scheme = screen
    with opened(path, viewport={"width": width, "height": 844}, color_scheme=scheme) as page:
        expect(page.locator(".late")).to_have_count(0, timeout=60_000)
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        assert found_by(axe, page) == []


def test_axe_finds_nothing_once_a_form_was_refused(browser: Any, axe: str, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{address}/work")
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    # What the browser itself does not let through is sent as another tool might.
    page.evaluate("document.querySelectorAll('form').forEach(e => { e.noValidate = true; })")
    page.get_by_label("By", exact=True).first.fill("")
    page.get_by_role("button", name="Resolve").first.click()
    page.get_by_role("alert").wait_for()
    found = found_by(axe, page)
    context.close()
    assert found == []
