"""A total of many amounts at the bound is told, though no 64-bit integer holds it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from staycurve.workspace import Company
from tests.company import build

MANY = 1000
MOST = 9_999_999_999
TOTAL = float(MANY * MOST)
"""Of all accounts; in micro-units more than 2⁶³."""

FIRST = {"subscription_id": "later", "account_id": "later", "plan": "Basic",
         "starts_at": "2024-03-20", "ends_at": "", "interval": "month", "amount": "1",
         "currency": "USD"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    numbers = range(MANY)
    with build(
        tmp_path_factory.mktemp("large") / "project",
        {
            "accounts": [
                {"account_id": f"a{n}", "channel": "ads", "created_at": "2023-01-01",
                 "referred_by": "a0" if n else ""}
                for n in numbers
            ],
            "subscriptions": [
                FIRST,
                *({"subscription_id": f"s{n}", "account_id": f"a{n}", "plan": "Pro",
                   "starts_at": "2023-01-01", "ends_at": "", "interval": "month",
                   "amount": str(MOST), "currency": "USD"} for n in numbers),
            ],
            "spend": [
                {"month": "2024-01", "purpose": "acquisition", "kind": f"k{n}",
                 "channel": "ads", "amount": "99999999999", "currency": "USD"}
                for n in range(200)
            ],
        },
    ) as made:
        yield made


def test_mrr(company: Company) -> None:
    rows = company.show("mrr", "nrr", start="2024-01", end="2024-02", by="plan").rows
    found = {(row["metric"], row["period"]): row["value"] for row in rows
             if row["segment"] == {"plan": "Pro"}}
    assert found["mrr", "2024-02-01"] == TOTAL
    assert found["nrr", "2024-02-01"] == 1.0


@pytest.mark.parametrize("by", ["", "plan", "tenure"])
@pytest.mark.parametrize("value", ["net_mrr", "gross_mrr"])
def test_cohorts(company: Company, value: str, by: str) -> None:
    rows = company.cohort(value=value, how="count", by=by)["rows"]
    found = [row["value"] for row in rows if row["cohort"] == "2023-01-01" and row["age"] == 2]
    assert found == [TOTAL]


def test_stages(company: Company) -> None:
    rows = company.lifecycle.stages(end="2024-02").rows
    last = max(row.period for row in rows)
    assert sum(row.mrr for row in rows if row.period == last) == TOTAL


def test_cohorts_and_churn(company: Company) -> None:
    assert company.cohorts.history().rows
    assert company.cohorts.churn().rows
    assert company.cohorts.riskiest_months()


def test_spend(company: Company) -> None:
    report = company.acquisition.channels(start="2024-01", end="2024-02")
    spent = {row.period: row.spend for row in report.rows if row.channel == "ads"}
    assert spent[date(2024, 1, 1)] == 200 * 99_999_999_999.0
    assert company.acquisition.quality()


def test_referrals(company: Company) -> None:
    summary = company.acquisition.referrals().summary
    assert summary.mrr == float((MANY - 1) * MOST)
    # At the closes of January 2023 to February 2024.
    assert summary.lifetime_mrr == float((MANY - 1) * 14 * MOST)


def test_other_conventions(company: Company) -> None:
    found = company.reconcile(against="stripe", period="2024-02").as_dict()
    assert (found["ours"], found["theirs"]) == (TOTAL, TOTAL)
    with company.ledgers() as ledgers:
        query = company.query("mrr", start="2024-02", end="2024-02")
        rows = ledgers.values(query, company.config.conventions)
    assert [row["value"] for row in rows] == [TOTAL]
