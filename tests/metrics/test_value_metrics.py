"""What a customer is worth: the mean lifetime in a metric is that of the curve at each close."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.company import build


def tables() -> dict[str, list[dict[str, Any]]]:
    """Forty accounts of two channels over ten months; some leave, some come back."""
    pick = random.Random(5)
    accounts, spans = [], []
    for place in range(40):
        account, month = f"a{place:02d}", pick.randrange(8)
        accounts.append({"account_id": account, "channel": pick.choice(["ads", "press"])})
        stays = pick.randrange(1, 12)
        day = pick.randrange(1, 29)
        spans.append({
            "subscription_id": f"s{place}", "account_id": account, "amount": pick.randrange(5, 90),
            "starts_at": f"2024-{month + 1:02d}-{day:02d}",
            "ends_at": f"2024-{month + stays + 1:02d}-{day:02d}" if month + stays < 10 else "",
        })
        if month + stays < 8 and place % 3 == 0:
            spans.append({
                "subscription_id": f"r{place}", "account_id": account, "amount": 10, "ends_at": "",
                "starts_at": f"2024-{month + stays + 2:02d}-{day:02d}",
            })
    spend = [
        {"month": f"2024-{month:02d}-01", "purpose": purpose, "kind": "all", "channel": channel,
         "amount": month + cost}
        for month in range(1, 11)
        for purpose, cost in (("delivery", 20), ("acquisition", 100))
        for channel in ("ads", "press")
    ]
    return {"accounts": accounts, "subscriptions": spans, "spend": spend}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("worth") / "p", tables()) as made:
        yield made


@pytest.mark.parametrize("where", ["", "channel=ads"])
def test_margin_value_is_its_three_factors_at_every_close(company: Company, where: str) -> None:
    names = ("clv_margin", "arpa", "gross_margin", "cac", "ltv_cac")
    shown = company.show(*names, where=where, as_of="2024-11-01").rows
    compared = 0
    for month in range(2, 11):
        own = {row["metric"]: row["value"] for row in shown
               if row["period"] == f"2024-{month:02d}-01"}
        (life,) = company.value.lifetime(where=where, as_of=f"2024-{month + 1:02d}-01").segments
        if life.restricted_mean is None or own["arpa"] is None:
            assert own["clv_margin"] is None
            continue
        expected = own["arpa"] * own["gross_margin"] * life.restricted_mean
        assert own["clv_margin"] == pytest.approx(expected, rel=1e-9)
        if own["cac"]:
            assert own["ltv_cac"] == pytest.approx(expected / own["cac"], rel=1e-9)
        compared += 1
    assert compared > 6


def test_a_quarter_uses_the_months_sums_and_the_lifetime_at_its_close(company: Company) -> None:
    months = company.show("mrr", "customers", start="2024-04", end="2024-06", as_of="2024-11-01")
    mrr = sum(row["value"] for row in months.rows if row["metric"] == "mrr")
    customers = sum(row["value"] for row in months.rows if row["metric"] == "customers")
    cost = sum(2 * (month + 20) for month in (4, 5, 6))
    (life,) = company.value.lifetime(as_of="2024-07-01").segments
    (found,) = company.show(
        "clv_margin", grain="quarter", start="2024-Q2", end="2024-Q2", as_of="2024-11-01"
    ).rows
    assert found["value"] == pytest.approx(
        mrr / customers * (mrr - cost) / mrr * life.restricted_mean, rel=1e-9
    )


def test_a_channel_has_the_lifetime_of_its_own_accounts(company: Company) -> None:
    cut = company.show("clv_margin", start="2024-09", end="2024-09", by="channel",
                       as_of="2024-11-01").rows
    assert [row["segment"]["channel"] for row in cut] == ["ads", "press"]
    for row in cut:
        (alone,) = company.show(
            "clv_margin", start="2024-09", end="2024-09", as_of="2024-11-01",
            where=f"channel={row['segment']['channel']}",
        ).rows
        assert row["value"] == pytest.approx(alone["value"])


def test_accounts_sum_to_the_value(company: Company) -> None:
    (row,) = company.show("clv_margin", start="2024-08", end="2024-08", as_of="2024-11-01").rows
    found = company.accounts("clv_margin", period="2024-08", as_of="2024-11-01")
    assert len(found.rows) > 10
    assert sum(one["value"] for one in found.rows) == pytest.approx(row["value"])
    assert found.total["value"] == pytest.approx(row["value"])
    ratio = company.accounts("ltv_cac", period="2024-08", as_of="2024-11-01")
    assert sum(one["numerator"] for one in ratio.rows) == pytest.approx(row["value"])


def test_before_a_month_is_over_there_is_no_lifetime(company: Company) -> None:
    (row,) = company.show("clv_margin", start="2024-01", end="2024-01", as_of="2024-11-01").rows
    assert row["value"] is None
    assert row["why"]
