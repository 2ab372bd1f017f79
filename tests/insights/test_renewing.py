"""When contracts renew, counted by hand: the same for calendar, account page, rules and risk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from staycurve.actions.facts import billing
from staycurve.actions.facts.base import Moment
from staycurve.insights.risk.feature_table import features_sql
from staycurve.insights.shared.renewing import join_sql, renews_sql
from staycurve.workspace import Company
from tests.company import build


def sub(name: str, starts: str, **more: Any) -> dict[str, Any]:
    return {"subscription_id": f"s-{name}", "account_id": name, "plan": "Pro", "amount": 100,
            "starts_at": starts, **more}


YEAR: dict[str, Any] = {"interval": "year"}
SUBSCRIPTIONS = [
    # Terms that end in shorter months, and on a leap day.
    sub("ends", "2023-01-31", term_months=13),
    sub("quarter", "2023-08-31", interval="quarter"),
    sub("leap", "2020-02-29", **YEAR),
    sub("second", "2023-12-31", interval="month", interval_count=2),
    # Stated before counted; a stated date that has passed goes on by terms, if there are any.
    sub("stated", "2023-03-10", renews_at="2025-06-01", **YEAR),
    sub("passed", "2022-03-10", renews_at="2023-04-20", term_months=12),
    sub("month", "2023-03-10"),
    sub("told", "2023-03-10", renews_at="2024-03-05"),
    sub("stale", "2023-03-10", renews_at="2024-02-28"),
    # A term goes before the billing interval; one of a month is each bill.
    sub("term", "2023-06-15", term_months=24, **YEAR),
    sub("each", "2023-06-15", term_months=1),
    # Changes within a term move nothing; another term begins with its own first paid day.
    sub("grown", "2023-05-10", ends_at="2023-09-01", term_months=12),
    sub("grown", "2023-09-01", term_months=12),
    sub("moved", "2023-05-10", ends_at="2023-09-01"),
    sub("moved", "2023-09-01", **YEAR),
    # The addon came later and renews with the subscription; the other subscription by itself.
    sub("many", "2023-07-20", item_id="base", **YEAR),
    sub("many", "2023-11-02", item_id="more", kind="addon", **YEAR),
    {**sub("many", "2023-06-05", **YEAR), "subscription_id": "s-other"},
    # Asked to end with its term; asked after the day; ended.
    sub("asked", "2023-04-01", cancel_requested_at="2024-01-10", ends_at="2024-04-01", **YEAR),
    sub("late", "2023-04-01", cancel_requested_at="2024-03-02", ends_at="2024-04-01", **YEAR),
    sub("ended", "2023-04-01", ends_at="2024-02-01", **YEAR),
]
LEAP_DAY = "2024-02-29"
AS_OF = "2024-03-01"
"""The last day that is seen, and the instant at its end."""

ON_LEAP_DAY = {
    # 13 months after 31 January 2023 was this day: the next term ends on 31 March 2025.
    "ends": "2025-03-31",
    # 30 November and this day were ends of quarters.
    "quarter": "2024-05-31",
    "leap": "2025-02-28",
    "second": "2024-04-30",
    "stated": "2025-06-01",
    "passed": "2024-04-20",
    "told": "2024-03-05",
    "term": "2025-06-15",
    "grown": "2024-05-10",
    "moved": "2024-09-01",
    "many": "2024-06-05",
    "late": "2024-04-01",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = build(tmp_path_factory.mktemp("renewing") / "project", {
        "accounts": [{"account_id": one} for one in {row["account_id"] for row in SUBSCRIPTIONS}],
        "subscriptions": SUBSCRIPTIONS,
    })
    yield made
    made.close()


def due(company: Company, day: str) -> dict[str, list[str]]:
    """Account → the days on which what is in force renews."""
    with company.reading() as engine:
        rows = engine.rows(f"""SELECT account_id, renews_on FROM (
            SELECT i.account_id, {renews_sql("i", "t", f"DATE '{day}'")} AS renews_on
            FROM mrr_items i {join_sql("i", "t")}
            WHERE i.starts_on <= DATE '{day}'
              AND (i.ends_on IS NULL OR i.ends_on > DATE '{day}')) items
            WHERE renews_on IS NOT NULL ORDER BY account_id, renews_on""")
    found: dict[str, list[str]] = {}
    for account, on in rows:
        found.setdefault(account, []).append(str(on))
    return found


def test_each_account_renews_on_its_day(company: Company) -> None:
    found = due(company, LEAP_DAY)
    assert {one: days[0] for one, days in found.items()} == ON_LEAP_DAY
    assert found["many"] == ["2024-06-05", "2024-07-20", "2024-07-20"]


@pytest.mark.parametrize(("day", "account", "expected"), [
    ("2024-02-28", "ends", "2024-02-29"), ("2024-02-28", "leap", "2024-02-29"),
    ("2023-02-27", "leap", "2023-02-28"), ("2023-02-28", "leap", "2024-02-29"),
    ("2024-02-28", "second", "2024-02-29"), ("2023-12-31", "second", "2024-02-29"),
    ("2023-11-29", "quarter", "2023-11-30"), ("2023-11-30", "quarter", "2024-02-29"),
    # What happened since is not known on a day that is past.
    ("2024-01-09", "asked", "2024-04-01"), ("2024-01-31", "ended", "2024-04-01"),
    ("2023-08-31", "grown", "2024-05-10"),
])
def test_a_past_day_sees_its_own_next_renewal(
    company: Company, day: str, account: str, expected: str
) -> None:
    assert due(company, day)[account] == [expected]


def test_the_calendar_and_the_account_say_the_same(company: Company) -> None:
    rows = company.account.renewals(as_of=AS_OF, days=731).rows
    firsts: dict[str, str] = {}
    for row in rows:
        firsts.setdefault(row.account_id, str(row.renews_on))
    # Who asked to leave stands at the known end, and says so.
    assert firsts == ON_LEAP_DAY | {"asked": "2024-04-01"}
    assert [row.account_id for row in rows if row.state == "requested"] == ["asked"]

    for account in ("ends", "stated", "many", "late"):
        assert str(company.account.facts(account=account, as_of=AS_OF).renews_on) == (
            ON_LEAP_DAY[account])
    asked = company.account.facts(account="asked", as_of=AS_OF)
    assert (asked.renews_on, asked.unknown["renews_on"]) == (
        None, "its cancellation was requested: nothing renews")
    month = company.account.facts(account="month", as_of=AS_OF)
    assert (month.renews_on, month.unknown["renews_on"]) == (
        None, "no renewal date is known of its subscriptions")


def days_until(day: str) -> int:
    return (dt.date.fromisoformat(day) - dt.date.fromisoformat(LEAP_DAY)).days


def test_rules_of_playbooks_count_the_days_to_it(company: Company) -> None:
    seen = company.as_of(AS_OF)
    with company.seeing(seen) as engine:
        found = billing.renews_in_days.read(Moment(company, seen, engine))
    assert found == {one: days_until(day) for one, day in ON_LEAP_DAY.items()}


def test_models_of_risk_count_it_without_stated_dates(company: Company) -> None:
    with company.reading() as engine:
        names, rows = engine.table(
            features_sql(company.config, [dt.date.fromisoformat(LEAP_DAY)])
        )
    at = names.index("account_id"), names.index("days_to_renewal")
    found = {row[at[0]]: row[at[1]] for row in rows if row[at[1]] is not None}
    # A source moves a stated date on with each renewal: it would tell that an account stayed.
    counted = ON_LEAP_DAY | {"stated": "2024-03-10", "passed": "2024-03-10"}
    del counted["told"]
    assert found == {one: days_until(day) for one, day in counted.items()}
