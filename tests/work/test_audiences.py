"""Audiences: who is in them now and was when, and none that rests on itself."""

from __future__ import annotations

import pytest

from staycurve.actions.audiences.forms import customerio, hubspot
from staycurve.actions.rules.documents import RuleError
from staycurve.errors import UnknownNameError
from staycurve.workspace import Company
from tests.company import load


def audience(company: Company, name: str, *conditions: str, more: str = "") -> None:
    """An audience of the project's own."""
    folder = company.folder / "audiences"
    folder.mkdir(exist_ok=True)
    rule = "".join(f"\n[[when]]\n{one}\n" for one in conditions)
    (folder / f"{name}.toml").write_text(f'title = "T"\n{more}\n{rule}', encoding="utf-8")


def ids(company: Company, name: str, at: str | None = None) -> list[str]:
    """Who is in it."""
    return [one["account_id"] for one in company.audiences.members(name, at=at)["rows"]]


def test_members_now_and_then(company: Company) -> None:
    audience(company, "large", 'fact = "mrr"\nat_least = 300')
    audience(company, "german-large", 'fact = "audience.large"\nis = true',
             'fact = "account.country"\nis = "DE"')
    assert ids(company, "large") == ["big", "mid"]
    assert ids(company, "german-large") == ["big", "mid"]
    # gone left on 15 May; new came on 20 June.
    assert ids(company, "customers", "2024-05-01") == ["big", "calm", "gone", "idle", "low", "mid"]
    assert "gone" not in ids(company, "customers")
    assert company.audiences.members("large", at="2024-05-01")["source"] == "rule"
    assert company.audiences.is_member("large", "mid")
    assert not company.audiences.is_member("large", "low")
    with pytest.raises(UnknownNameError, match="Did you mean 'large'"):
        company.audiences.members("larg")


def test_history_tells_who_was_in_when_it_was_followed(company: Company) -> None:
    audience(company, "large", 'fact = "mrr"\nat_least = 300')
    first = company.as_of().at
    company.audiences.follow()
    load(company, {"subscriptions": """
subscription_id account_id plan starts_at  ends_at    interval amount
s2              mid        Pro  2024-01-01 2024-07-05 month    300
s2              mid        Pro  2024-07-05 -          month    100
""", "payments": """
payment_id account_id subscription_id invoice_id amount paid_at    failed_at
p9         big        s1              i9         1000   2024-07-20 -
"""})
    moved = {one["audience"]: one for one in company.audiences.follow()}
    assert (moved["large"]["entered"], moved["large"]["left"]) == (0, 1)
    then = company.audiences.members("large", at=first.isoformat())
    assert then["source"] == "history"
    assert [one["account_id"] for one in then["rows"]] == ["big", "mid"]
    assert ids(company, "large") == ["big"]


def test_an_audience_that_rests_on_itself_is_refused_with_its_line(company: Company) -> None:
    audience(company, "one", 'fact = "audience.two"\nis = true')
    audience(company, "two", 'fact = "audience.one"\nis = true')
    with pytest.raises(RuleError, match="'one' rests on itself: one → two → one") as told:
        company.audiences.listed()
    assert told.value.message.startswith("audiences/two.toml:5 ")
    audience(company, "two", 'fact = "audience.thre"\nis = true')
    with pytest.raises(RuleError, match="there is no audience 'thre'"):
        company.audiences.listed()


def test_people_without_consent_are_left_out(company: Company) -> None:
    load(company, {"users": """
user_id account_id email   left_at    newsletter
u1      big        a@x.org -          true
u2      big        b@x.org -          false
u3      big        c@x.org -          -
u4      mid        d@x.org 2024-06-01 true
u5      low        -       -          true
u6      gone       e@x.org -          true
"""})
    assert [one["email"] for one in company.audiences.people("customers")] == ["a@x.org"]


def test_forms_of_other_tools() -> None:
    rows = [{"account_id": "a", "name": "A"}]
    assert hubspot("vip", rows)["inputs"][0]["properties"]["audience_vip"] == "true"
    assert customerio("vip", rows)["batch"][0]["attributes"] == {"name": "A", "audience_vip": True}
