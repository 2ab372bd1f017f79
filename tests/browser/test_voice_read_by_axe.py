"""Axe finds nothing on the pages of the customers' voice: those they answer, those one reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from staycurve.actions.surveys import definition
from staycurve.workspace import Company
from tests.browser.conftest import found_by, served
from tests.browser.test_in_chromium import Opener, opened
from tests.company import build
from tests.insights.voice_comments import COMMENTS

__all__ = ["opened"]

PAGES = [
    "/surveys", "/surveys/nps", "/satisfaction", "/satisfaction?by=country", "/feedback",
    "/support", "/accounts/a1",
]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Forty people who said something in five languages, in ten accounts with tickets."""
    accounts = [f"a{number}" for number in range(10)]
    texts = [own[0] for themes in COMMENTS.values() for own in themes.values()] * 2
    said = [{
        "answer_id": f"x{number}", "survey": "q", "kind": "nps" if number % 2 else "csat",
        "account_id": accounts[number % 10], "user_id": f"u{number}", "comment": text,
        "answered_at": f"2026-{8 + number % 3:02}-10", "touchpoint": "support",
        "score": number % 11 if number % 2 else 1 + number % 5,
        "scale_max": 10 if number % 2 else 5,
    } for number, text in enumerate(texts)]
    dark = [{
        "answer_id": f"d{number}", "survey": "q", "kind": "open", "account_id": one,
        "answered_at": "2026-10-10", "comment": "A dark theme please",
    } for number, one in enumerate(accounts)]
    made = build(tmp_path_factory.mktemp("axe") / "project", {
        "accounts": [{"account_id": one, "name": one.upper(), "country": "US" if one < "a5" else
                      "DE", "owner": "Ada"} for one in accounts],
        "users": [{"user_id": f"u{number}", "account_id": accounts[number % 10],
                   "email": f"u{number}@a.example", "name": f"U {number}"} for number in range(40)],
        "subscriptions": [{"subscription_id": one, "account_id": one, "amount": 100,
                           "plan": "Pro", "starts_at": "2024-01-01"} for one in accounts],
        "answers": said + dark,
        "invitations": [{"invitation_id": f"i{number}", "survey": "q", "kind": "nps",
                         "account_id": accounts[number % 10], "user_id": f"u{number}",
                         "asked_at": "2026-08-01"} for number in range(40)],
        "tickets": [{"ticket_id": f"t{number}", "account_id": accounts[number % 10],
                     "opened_at": f"2026-{8 + number % 3:02}-05T10:00:00",
                     "solved_at": f"2026-{8 + number % 3:02}-06T11:00:00" if number % 4 else "",
                     "first_response_at": f"2026-{8 + number % 3:02}-05T12:00:00",
                     "agent_contacts": 1 + number % 2, "channel": "mail", "priority": "high",
                     "topic": "billing"} for number in range(30)],
    })
    made.voice.add_note("a1", "Spoke with @ada: too expensive", author="Ada")
    survey, _ = made.surveys.save(definition.of({
        "name": "nps", "kind": "nps", "question": "Würden Sie uns empfehlen?", "language": "de",
        "low": "Nein", "high": "Ja",
        "questions": ["Warum?", {"question": "Wie groß?", "choices": ["Klein", "Groß"]}],
    }))
    made.surveys.asking.export(survey)
    yield made
    made.close()


@pytest.fixture(scope="module")
def address(company: Company) -> Iterator[str]:
    """Where it is served."""
    with served(company) as found:
        yield found


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_on_what_one_reads(opened: Opener, axe: str, path: str) -> None:
    from playwright.sync_api import expect

    with opened(path, viewport={"width": 390, "height": 844}) as page:
        expect(page.locator(".late")).to_have_count(0, timeout=60_000)
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        found = found_by(axe, page)
        # What is drawn in other colours, and side by side, is the same page.
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 1280, "height": 844})
        assert found + found_by(axe, page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_what_people_answer(
    browser: Any, axe: str, company: Company, address: str, scheme: str
) -> None:
    survey = company.surveys.get("nps")
    links = [one.link.partition(":8765")[2] for one in company.surveys.asking.export(survey)]
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    link = links[0 if scheme == "light" else 1]
    seen = []

    def look(what: str) -> None:
        seen.extend(f"{what}: {one}" for one in found_by(axe, page))

    page.goto(address + link)
    look("asked")
    # What the browser itself does not let through is sent as another tool might.
    page.evaluate("document.querySelectorAll('form').forEach(e => { e.noValidate = true; })")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("alert").wait_for()
    look("refused")
    page.get_by_label("3", exact=True).check(force=True)
    page.locator("#comment").fill("بطيء 느려요")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Warum?").wait_for()
    look("further questions")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Thank you!").wait_for()
    look("thanked")
    page.goto(f"{address}{link}/unsubscribe")
    look("unsubscribe")
    page.get_by_role("button", name="Unsubscribe").click()
    page.wait_for_load_state()
    look("unsubscribed")
    page.goto(f"{address}{link[:-4]}")
    look("broken link")
    context.close()
    assert seen == []
