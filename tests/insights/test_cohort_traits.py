"""Cohorts by any trait, and by what accounts did in their first 30 days."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.workspace import Company
from tests.company import build

TABLES = {
    "accounts": """
    account_id created_at industry parent_id
    early      2023-11-01 Media    -
    acme       2024-01-01 Media    -
    bolt       2024-01-01 Media    -
    crux       -          Retail   -
    dune       2024-02-01 Retail   -
    elms       2024-03-20 Retail   -
    acme-uk    2024-01-01 Media    acme""",
    "users": """
    user_id account_id
    u1      bolt""",
    "subscriptions": """
    subscription_id account_id plan starts_at  amount
    s0              early      Pro  2023-11-02 10
    s1              acme       Pro  2024-01-15 10
    s2              bolt       Max  2024-01-15 10
    s3              crux       Max  2024-01-10 10
    s4              dune       Max  2024-01-20 10
    s5              elms       Max  2024-03-21 10""",
    "events": """
    event_id account_id user_id event  occurred_at
    e0       other      -       login  2024-01-01T00:00:00Z
    e1       acme       -       login  2024-01-01T09:00:00Z
    e2       acme       -       export 2024-01-31T00:30:00Z
    e3       -          u1      export 2024-01-30T23:30:00Z
    e4       -          u1      login  2024-01-30T10:00:00Z
    e5       acme-uk    -       login  2024-01-02T09:00:00Z
    e6       acme-uk    -       login  2024-01-03T09:00:00Z
    e7       acme-uk    -       login  2024-01-04T09:00:00Z
    e8       acme-uk    -       login  2024-01-05T09:00:00Z
    e9       crux       -       export 2024-02-08T23:59:00Z
    f0       crux       -       login  2024-02-09T00:00:00Z
    f1       dune       -       export 2024-02-18T12:00:00Z
    f2       dune       -       export 2024-02-19T12:00:00Z
    f3       elms       -       export 2024-03-21T12:00:00Z
    f4       early      -       export 2024-03-21T12:00:00Z
    f5       other      -       login  2024-04-05T00:00:00Z""",
}
TABLES["accounts"] += "\n    other      2023-12-01 Media    -"
"""acme's 30 days are 1 to 30 January, crux' begin on its first paid day, 10 January.

dune signed up after it first paid; so its days begin on 20 January too. Those of early began before
the first event that is loaded, those of elms are not over on 1 April.
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("traits") / "p", TABLES) as made:
        yield made


def values(company: object, dim: str, **words: str) -> dict[str | None, int]:
    found = company.cohorts.churn(  # type: ignore[attr-defined]
        per="all", by=dim, **{"as_of": "2024-04-01", **words}
    )
    return {row.segment[dim]: row.size for row in found.rows}


def test_active_days_by_hand(company: Company) -> None:
    found = values(company, "first_month_active_days")
    # acme with its billing account was active on 5 days, bolt on 1 (by its user), crux and dune
    # on 1 each; the last minute counts, the midnight after the 30 days does not.
    assert found == {
        None: 2, "1-4 days (low)": 3, "5-12 days (middle)": 1,
    }


def test_use_of_a_feature_by_hand(company: Company) -> None:
    dim = "first_month_used:export"
    assert values(company, dim) == {None: 2, "not used": 1, "used": 3}
    # acme exported on the 31st, which is a day late.
    assert values(company, dim, where=f"{dim}=not used") == {"not used": 1}
    # On 1 February the days of crux and dune are not over.
    assert values(company, dim, as_of="2024-02-01") == {None: 3, "not used": 1, "used": 1}


def test_configured_activity_is_what_counts(tmp_path: Path) -> None:
    settings = '[usage]\nactive = ["export"]\n'
    with build(tmp_path / "p", TABLES, end_reasons=settings) as company:
        found = values(company, "first_month_active_days")
    assert found == {None: 2, "0 days": 1, "1-4 days (low)": 3}
    ignoring = '[usage]\nignored = ["export"]\n'
    with build(tmp_path / "q", TABLES, end_reasons=ignoring) as company:
        assert values(company, "first_month_active_days") == {
            None: 2, "0 days": 2, "1-4 days (low)": 1, "5-12 days (middle)": 1,
        }
        with pytest.raises(UnknownNameError, match="export"):
            values(company, "first_month_used:export")


@pytest.mark.parametrize("dim", [
    "industry", "plan", "interval", "tenure", "mrr_band", "cohort", "first_month_active_days",
    "first_month_used:export",
])
def test_every_reading_takes_every_trait_and_sums_to_the_whole(company: Company, dim: str) -> None:
    cohorts = company.cohorts
    whole, cut = cohorts.churn(as_of="2024-04-01"), cohorts.churn(by=dim, as_of="2024-04-01")
    assert sum(r.opening_mrr for r in cut.rows) == sum(r.opening_mrr for r in whole.rows)
    assert sum(r.size for r in cut.rows) == sum(r.size for r in whole.rows) == 6
    months = cohorts.riskiest_months(as_of="2024-04-01").rows
    parts = cohorts.riskiest_months(by=dim, as_of="2024-04-01").rows
    assert sum(m.at_risk for m in parts) == sum(m.at_risk for m in months)
    points = cohorts.retention(ages=(1,), as_of="2024-04-01").rows
    split = cohorts.retention(ages=(1,), by=dim, as_of="2024-04-01").rows
    assert sum(p.retained for p in split) == sum(p.retained for p in points)
    rows = cohorts.history(as_of="2024-04-01").rows
    pieces = cohorts.history(by=dim, as_of="2024-04-01").rows
    assert sum(r.mrr or 0 for r in pieces) == sum(r.mrr or 0 for r in rows)


def test_bands_come_in_the_order_of_their_size(company: Company) -> None:
    rows = company.cohorts.churn(
        per="all", by="first_month_active_days", as_of="2024-04-01"
    ).rows
    assert [row.segment["first_month_active_days"] for row in rows] == [
        None, "1-4 days (low)", "5-12 days (middle)",
    ]


def test_bad_input_is_said_in_words(tmp_path: Path, company: Company) -> None:
    with pytest.raises(UnknownNameError, match="Unknown feature 'exprt'"):
        company.cohorts.retention(by="first_month_used:exprt")
    with pytest.raises(UnknownNameError, match="Unknown dimension 'first_month_used:'"):
        company.cohorts.retention(by="first_month_used:")
    without = {name: rows for name, rows in TABLES.items() if name == "subscriptions"}
    with (
        build(tmp_path / "q", without) as silent,
        pytest.raises(NotAnsweredError, match="no events are loaded"),
    ):
        silent.cohorts.riskiest_months(by="first_month_active_days")
