"""Surveys on a phone: answered with and without JavaScript, in a language of any direction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from staycurve.actions.surveys import definition
from tests.browser.conftest import served
from tests.company import build

PEOPLE = """
    user_id account_id email
    u1      acme       u1@acme.example
    u2      acme       u2@acme.example"""
SUBSCRIPTIONS = """
    subscription_id account_id plan starts_at  amount
    s1              acme       Pro  2024-01-05 100"""
COMMENTS = ["Слишком медленно", "遅い", "بطيء", "Trop lent", "느려요 <b>"]


@pytest.mark.parametrize("has_script", [True, False])
def test_a_survey_is_answered_on_a_phone(browser: Any, tmp_path: Path, has_script: bool) -> None:
    company = build(tmp_path / "project", {"subscriptions": SUBSCRIPTIONS, "users": PEOPLE})
    said = definition.of({
        "name": "nps", "kind": "nps", "question": "Würden Sie uns empfehlen?", "language": "de",
        "low": "Nein", "high": "Ja", "questions": ["Warum?"],
    })
    survey, _ = company.surveys.save(said)
    link = company.surveys.asking.export(survey)[0].link
    with served(company) as address:
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, java_script_enabled=has_script
        )
        page = context.new_page()
        page.goto(address + link.partition(":8765")[2] + "?score=9")
        assert page.locator("html").get_attribute("lang") == "de"
        assert page.get_by_label("9", exact=True).is_checked()
        boxes = [one.bounding_box() for one in page.locator(".scale label").all()]
        assert len(boxes) == 11
        # A finger hits each of them, and none lies outside the screen.
        assert all(box["height"] >= 44 and box["width"] >= 44 for box in boxes)
        assert all(box["x"] + box["width"] <= 390 for box in boxes)
        page.get_by_label("3", exact=True).check(force=True)
        page.locator("#comment").fill("\n".join(COMMENTS))
        page.get_by_role("button", name="Next").click()
        page.get_by_label("Warum?").fill("Darum")
        page.get_by_role("button", name="Send").click()
        page.get_by_role("heading", name="Thank you!").wait_for()
        context.close()
    (row,) = company.surveys.answers("nps")
    assert (row["score"], row["comment"], row["answer_1"]) == (3, "\n".join(COMMENTS), "Darum")
    company.close()
