"""Features of an account on a day, worked out by hand from the rows of `account_company`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from staycurve.insights.risk.feature_table import features, features_sql, leavers_sql
from staycurve.insights.risk.months import paying_sql
from staycurve.workspace import Company
from tests.company import build
from tests.insights.account_company import SETTINGS, TABLES

DAY = dt.date(2024, 6, 1)


def table(company: Company, *days: dt.date) -> dict[tuple[str, dt.date], dict[str, Any]]:
    with company.reading() as engine:
        names, rows = engine.table(features_sql(company.config, days))
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return {(row["account_id"], row["day"]): row for row in found}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return build(tmp_path_factory.mktemp("features") / "c", TABLES, end_reasons=SETTINGS)


def test_a_feature_is_what_was_known_on_its_day(company: Company) -> None:
    found = table(company, dt.date(2024, 2, 29), DAY)
    assert set(found) == {
        ("acme", dt.date(2024, 2, 29)), ("bolt", dt.date(2024, 2, 29)), ("acme", DAY)
    }
    now = found["acme", DAY]
    expected: Mapping[str, Any] = {
        # Events on 4, 10 and 28 May and 1 June; 5 May to 1 June are the last 28 days.
        "plan": "Pro", "mrr": 200_000_000, "is_requested": 1, "active_days": 3,
        "active_days_change": 2, "days_inactive": 0, "features_used": 2, "active_users": 2,
        # Four uses in those 28 days, one on 4 May in the 28 before.
        "uses": 4, "uses_change": 3,
        # Two of four allowed reports on 1 June, one on 28 May.
        "limit_share": 0.75,
        # t2 is open since 20 May, t3 was reopened on 5 May; both within 90 days.
        "open_tickets": 2, "old_tickets": 2, "reopened_tickets": 1, "recent_tickets": 2,
        "nps_score": 9, "nps_change": 3, "expansions": 3, "contractions": 0,
        "tenure_days": 148, "mrr_amount": 200, "days_unpaid": 114, "csat_share": None,
    }
    assert {name: now[name] for name in expected} == expected
    before = found["acme", dt.date(2024, 2, 29)]
    # Nobody was seen before 1 March: that is unknown, not idle.
    assert before["active_days"] is None
    assert (before["nps_score"], before["nps_change"]) == (6, None)
    assert (before["recent_tickets"], before["failed_payments"]) == (1, 1)


def test_later_facts_change_no_feature(company: Company, tmp_path: Path) -> None:
    cut = {name: [dict(row) for row in rows] for name, rows in TABLES.items()}
    later = "2024-05-11"
    firsts = {
        "subscriptions": "starts_at", "payments": "failed_at", "tickets": "opened_at",
        "answers": "answered_at", "events": "occurred_at",
    }
    for name, column in firsts.items():
        cut[name] = [row for row in cut[name] if str(row.get(column, "")) < later]
    blanked = 0
    for rows in cut.values():
        for row in rows:
            for key, value in row.items():
                if key.endswith("_at") and key != "renews_at" and str(value) >= later:
                    row[key] = ""
                    blanked += 1
    assert blanked
    then = build(tmp_path / "then", cut, end_reasons=SETTINGS)
    day = dt.date(2024, 5, 10)
    known = table(company, day)
    assert known
    assert table(then, day) == known


def test_renewal_is_counted_from_the_first_paid_day(tmp_path: Path) -> None:
    found = table(build(tmp_path / "c", {"subscriptions": [
        {"subscription_id": "y", "account_id": "year", "plan": "P", "amount": 1200,
         "interval": "year", "starts_at": "2023-01-31"},
        {"subscription_id": "t", "account_id": "term", "plan": "P", "amount": 100,
         "term_months": 6, "starts_at": "2023-08-31"},
        {"subscription_id": "m", "account_id": "month", "plan": "P", "amount": 100,
         "starts_at": "2023-08-31"},
    ]}), dt.date(2024, 1, 21))
    assert {key[0]: row["days_to_renewal"] for key, row in found.items()} == {
        "year": 10, "term": 39, "month": None,
    }
    assert all(row["open_tickets"] is None for row in found.values())


def test_who_churns_within_the_horizon_is_labelled(company: Company) -> None:
    with company.reading() as engine:
        rows = engine.rows(leavers_sql([dt.date(2024, 2, 29), dt.date(2024, 3, 15)], 15))
    assert rows == [("bolt", dt.date(2024, 2, 29), dt.date(2024, 3, 15))]


def test_every_feature_says_what_it_is() -> None:
    found = features()
    assert len(found) > 25
    assert all(one.label and one.why and one.window for one in found.values())


def test_who_pays_hangs_on_no_netting(tmp_path: Path) -> None:
    rows = """
        subscription_id account_id plan amount interval starts_at
        one             acme       Pro  100    month    2024-01-05
        two             acme       Pro  50     month    2024-01-25
    """
    company = build(tmp_path / "c", {"subscriptions": rows}, conventions={"netting": "month"})
    # Netted by month, the movements of January lie on the 25th.
    found = table(company, dt.date(2024, 1, 15))
    assert {key[0]: (row["mrr"], row["tenure_days"]) for key, row in found.items()} == {
        "acme": (100_000_000, 10)
    }
    with company.reading() as engine:
        paying = engine.rows(paying_sql(company.config, dt.date(2024, 1, 15)))
    assert paying == [("acme", dt.date(2024, 1, 5), 100_000_000)]
