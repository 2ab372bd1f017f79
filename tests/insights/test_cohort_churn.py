"""Sales churn against customer churn, computed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from staycurve.errors import UnknownNameError
from staycurve.workspace import Company
from tests.company import build
from tests.oracle.companies import Seeded, company as random_company

LIVES = """
    subscription_id account_id plan starts_at  ends_at    amount
    s1              acme       Pro  2024-01-05 2024-02-20 100
    s2              bolt       Pro  2024-01-20 2024-03-01 100
    s2              bolt       Max  2024-03-01 -          {bolt}
    s3              crux       Max  2024-02-01 2024-03-15 50
    s3              crux       Max  2024-03-15 -          {crux}
    s4              dune       Max  2024-02-02 -          30"""
"""At the close of March the cohort of January is 2 months old, that of February 1.

Usual at the close of the activation month: 4 of 4 pay. From it to age 1: 1 of 2 and 2 of 2, so 3 of
4 stay. From age 1 to 2: January's 1 of 1. So a quarter has usually left at ages 1 and 2.
"""


def company_of(folder: Path, *, bolt: int, crux: int) -> Company:
    return build(folder, {"subscriptions": LIVES.format(bolt=bolt, crux=crux)})


@pytest.mark.parametrize(("bolt", "crux", "january", "february"), [
    # January loses one of two, more than usual; February nobody.
    (150, 40, "both_leave", "revenue_leaves"),
    (250, 60, "customers_leave", "both_fall"),
    # At its opening, MRR has not left.
    (200, 50, "customers_leave", "both_fall"),
])
def test_the_four_cases(
    tmp_path: Path, bolt: int, crux: int, january: str, february: str
) -> None:
    with company_of(tmp_path / "p", bolt=bolt, crux=crux) as company:
        rows = company.cohorts.churn(as_of="2024-04-01").rows
    assert [row.case for row in rows] == [january, february]
    assert [row.usual_left for row in rows] == [pytest.approx(0.25), pytest.approx(0.25)]
    assert [(row.left, row.size) for row in rows] == [(1, 2), (0, 2)]
    assert rows[0].mrr_lost == pytest.approx((200 - bolt) / 200)
    assert rows[1].mrr_lost == pytest.approx((50 - crux) / 80)


def test_who_left_or_shrank_beside_who_stayed_or_grew(tmp_path: Path) -> None:
    with company_of(tmp_path / "p", bolt=150, crux=40) as company:
        found = company.cohorts.churn(as_of="2024-04-01")
        accounts = company.cohorts.churn_accounts(as_of="2024-04-01")
        shrank = company.cohorts.churn_accounts(
            as_of="2024-04-01", cohort="2024-02", group="shrank"
        )
    totals = [g.as_dict() for g in found.groups]
    assert [
        (g["group"], g["accounts"], g["opening_mrr"], g["peak_mrr"], g["closing_mrr"])
        for g in totals
    ] == [
        ("left", 1, 100, 100, 0), ("shrank", 1, 50, 50, 40), ("stayed", 1, 30, 30, 30),
        ("grew", 1, 100, 150, 150),
    ]
    # The one who left worst comes first; its tenure is whole months to its last day.
    assert [(a.account_id, a.group, str(a.left_on), a.tenure_months) for a in accounts.rows] == [
        ("acme", "left", "2024-02-20", 1), ("crux", "shrank", "None", 2),
        ("dune", "stayed", "None", 1), ("bolt", "grew", "None", 2),
    ]
    assert [a.plan for a in accounts.rows] == ["Pro", "Max", "Max", "Pro"]
    assert [a.account_id for a in shrank.rows] == ["crux"]
    assert sum(a.opening_mrr for a in accounts.rows) == sum(row.opening_mrr for row in found.rows)
    assert sum(a.closing_mrr for a in accounts.rows) == sum(row.closing_mrr for row in found.rows)


def test_over_twelve_months_only_those_who_paid_then_count(tmp_path: Path) -> None:
    rows = """
    subscription_id account_id plan starts_at  ends_at    amount
    s1              acme       Pro  2023-01-05 2023-06-20 100
    s2              bolt       Pro  2023-02-20 2024-02-01 100
    s2              bolt       Pro  2024-02-01 -          80
    s3              crux       Pro  2023-02-01 2023-11-15 50
    s4              dune       Pro  2023-04-02 -          30"""
    with build(tmp_path / "p", {"subscriptions": rows}) as company:
        found = company.cohorts.churn(over="12m", as_of="2024-04-01")
        accounts = company.cohorts.churn_accounts(over="12m", as_of="2024-04-01")
    # On 31 March 2023 acme, bolt and crux paid; dune came later. Two of three have left.
    assert [(str(r.cohort), r.left, r.size) for r in found.rows] == [
        ("2023-01-01", 1, 1), ("2023-02-01", 1, 2),
    ]
    assert [r.usual_left for r in found.rows] == [pytest.approx(2 / 3)] * 2
    assert [r.mrr_lost for r in found.rows] == [1, pytest.approx(70 / 150)]
    assert [r.case for r in found.rows] == ["both_leave", "revenue_leaves"]
    assert [a.account_id for a in accounts.rows] == ["acme", "crux", "bolt"]
    assert "twelve months" in (found.note or "")


def test_no_rate_makes_an_account_shrink(tmp_path: Path) -> None:
    tables = {
        "subscriptions": """
    subscription_id account_id starts_at  amount currency
    s1              acme       2024-01-05 100    EUR
    s2              bolt       2024-02-05 100    USD""",
        "fx_rates": """
    day        currency rate
    2024-01-01 EUR      1.2
    2024-03-01 EUR      1.0""",
    }
    with build(tmp_path / "p", tables) as company:
        accounts = company.cohorts.churn_accounts(as_of="2024-04-01")
    assert [(a.account_id, a.group, a.opening_mrr, a.closing_mrr) for a in accounts.rows] == [
        ("acme", "stayed", 120.0, 120.0),
        ("bolt", "stayed", 100.0, 100.0),
    ]


@pytest.mark.parametrize("conventions", [
    {}, {"netting": "month"}, {"netting": "event"}, {"free_plan": "active"}, {"fx": "fixed"},
])
def test_cohorts_agree_with_the_matrix(tmp_path: Path, conventions: dict[str, str]) -> None:
    tables = random_company(Seeded(21), accounts=60)
    with build(tmp_path / "p", tables, conventions=conventions) as company:
        count = company.cohort(value="customers", how="count", as_of="2024-09-01")["rows"]
        money = company.cohort(value="net_mrr", how="count", as_of="2024-09-01")["rows"]
        found = company.cohorts.churn(as_of="2024-09-01")
        accounts = company.cohorts.churn_accounts(as_of="2024-09-01")
        cut = company.cohorts.churn(by="industry", per="all", as_of="2024-09-01")
    paying = {r["cohort"]: r["value"] for r in count if r["value"] is not None}
    sizes = {r["cohort"]: r["size"] for r in count if r["value"] is not None}
    opening = {r["cohort"]: r["value"] for r in money if r["age"] == 0}
    assert {str(r.cohort): r.size for r in found.rows} == sizes
    for row in found.rows:
        if str(row.cohort) < "2024-08":
            assert row.size - row.left == paying[str(row.cohort)]
        assert row.opening_mrr == pytest.approx(opening[str(row.cohort)])
    for attribute in ("opening_mrr", "closing_mrr"):
        whole = sum(getattr(row, attribute) for row in found.rows)
        assert whole
        for parts in (cut.rows, accounts.rows):
            # To the micro-unit: sums of floats differ in their last digits.
            assert round(sum(getattr(one, attribute) for one in parts), 6) == round(whole, 6)
    assert sum(row.left for row in cut.rows) == sum(row.left for row in found.rows)


def test_small_cohorts_are_flagged_with_the_reason(tmp_path: Path) -> None:
    with company_of(tmp_path / "p", bolt=150, crux=40) as company:
        row = company.cohorts.churn(as_of="2024-04-01").as_dict()["rows"][0]
    assert row["is_small"]
    assert "fewer than 20 accounts" in row["why_small"]


def test_bad_input_is_said_in_words(tmp_path: Path) -> None:
    with build(tmp_path / "empty", {}) as company:
        assert (company.cohorts.churn().why or "").startswith("nobody has paid")
        assert company.cohorts.churn_accounts().rows == ()
    with company_of(tmp_path / "p", bolt=150, crux=40) as company:
        with pytest.raises(UnknownNameError, match="Unknown over '6m'"):
            company.cohorts.churn(over="6m")
        with pytest.raises(UnknownNameError, match="Did you mean 'shrank'"):
            company.cohorts.churn_accounts(group="shrunk")
        early = company.cohorts.churn(as_of="2024-01-31T12:00:00Z")
        one = company.cohorts.churn(as_of="2024-02-01")
        year = company.cohorts.churn(over="12m", as_of="2024-04-01")
    assert early.rows == ()
    assert early.why == "no month has closed since the first account paid"
    assert [(r.case, r.why) for r in one.rows] == [
        (None, "there is no other cohort to tell what is usual")
    ]
    assert year.rows == ()
    assert year.why == "nobody paid at the opening"
