"""Meters and what waits for the next invoice: shown as lines of a draft, and no MRR."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from staycurve.sources.stripe.usage import quantity_in
from tests.stripe.company import company_of, rows, synced
from tests.stripe.fake import Fake
from tests.stripe.families import FAMILIES
from tests.stripe.test_syncing import event, filled, objects

NOW = dt.datetime(2025, 6, 20, 12, 0, 30, tzinfo=dt.UTC)
METER = {
    "id": "mtr_1", "created": "2024-12-01", "display_name": "Calls", "event_name": "call",
    "status": "active", "default_aggregation": {"formula": "sum"},
}
TIERS = [
    {"up_to": 100, "unit_amount": 0, "flat_amount": None},
    {"up_to": 200, "unit_amount": 5, "flat_amount": None},
    {"up_to": None, "unit_amount": None, "unit_amount_decimal": "2.5", "flat_amount": None},
]
COLUMNS = (
    "line_id, item_id, plan, kind, strftime(period_start, '%m-%d'), "
    "strftime(period_end, '%m-%d'), quantity, amount / 1000000.0, invoice_status"
)


def metered(family: str = "endive") -> Fake:
    """The case of usage that is billed, with tiers, and 250 calls in June that are not yet."""
    fake = Fake(family)
    given = objects("metered")
    price = given["subscriptions"][0]["items"]["data"][1]["price"]
    price |= {"billing_scheme": "tiered", "tiers_mode": "graduated", "unit_amount": None}
    fake.fill(given)
    # Tiers come with the price alone, where they are asked for.
    fake.fill({"prices": [{**price, "created": "2024-12-01", "tiers": TIERS}],
               "billing/meters": [METER]})
    fake.used = [
        ("mtr_1", "cus_1", "2025-05-31T23:59:59Z", 1000), ("mtr_1", "cus_1", "2025-06-01", 120),
        ("mtr_1", "cus_1", "2025-06-19", 130), ("mtr_1", "cus_2", "2025-06-02", 7),
        # Within the minute that is not over.
        ("mtr_1", "cus_1", "2025-06-20T12:00:10Z", 5),
    ]
    return fake


def upcoming(company: Any) -> list[tuple[Any, ...]]:
    found = rows(company, "invoice_lines", f"invoice_id, {COLUMNS}", "line_id")
    return [row[1:] for row in found if str(row[0]).startswith("upcoming/")]


@pytest.mark.parametrize("family", [FAMILIES[0], FAMILIES[-1]])
def test_open_usage_is_a_draft_until_it_is_billed(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = metered(family)
    with fake.serving(), company_of(
        tmp_path / "p", fake, monkeypatch, now=NOW, settings="open_usage = true\n"
    ) as company:
        synced(company)
        # 100 calls for nothing, 100 at 5 cents, 50 at 2.5 cents.
        line = ("si_2/1748736000/usage", "si_2", "Usage", "metered", "06-01", "07-01", 250.0, 6.25,
                "draft")
        assert upcoming(company) == [line]
        seen = company.show("mrr", start="2025-06", end="2025-06", as_of="2025-06-20").as_dict()
        assert seen["rows"][0]["value"] == 100
        (told,) = [
            row for row in company.invoices.lines(account="cus_1", as_of="2025-06-20").as_dict()[
                "rows"] if row["line_id"] == line[0]
        ]
        assert (told["amount"], told["state"], told["mrr"]) == ("6.25 USD", "draft", None)
        asked = len([one for one in fake.requests if "event_summaries" in one])
        synced(company)
        assert len([one for one in fake.requests if "event_summaries" in one]) == asked == 1
    bill = objects("metered")["invoices"][0]
    used = {
        **bill["lines"]["data"][0], "id": "il_june", "amount": 625, "quantity": 250,
        "period": {"start": "2025-06-01", "end": "2025-07-01"},
        "price": fake.objects["prices"]["price_use"],
        "parent": {"type": "subscription_item_details", "subscription_item_details": {
            "subscription": "sub_1", "proration": False, "subscription_item": "si_2"}},
    }
    fake.fill({"invoices": [{
        **bill, "id": "in_july", "created": "2025-07-01", "status_transitions": {
            "finalized_at": "2025-07-01"}, "lines": {"data": [used]},
    }]})
    today = objects("metered")["subscriptions"][0]
    for item in today["items"]["data"]:
        item |= {"current_period_start": "2025-07-01", "current_period_end": "2025-08-01"}
    fake.fill({"subscriptions": [today]})
    fake.used.clear()
    fake.fill({"events": [
        event("evt_1", "2025-07-01", "invoice.created", {"id": "in_july", "object": "invoice"}),
        event("evt_2", "2025-07-01", "customer.subscription.updated",
              fake.objects["subscriptions"]["sub_1"]),
    ]})
    with fake.serving(), company_of(
        tmp_path / "p", fake, monkeypatch, now=NOW + dt.timedelta(days=14),
        settings="open_usage = true\n",
    ) as company:
        synced(company)
        assert [(row[1], row[6], row[7]) for row in upcoming(company)] == [("si_2", 0.0, 0.0)]
        seen = company.show("mrr", start="2025-06", end="2025-06", as_of="2025-07-04").as_dict()
        assert seen["rows"][0]["value"] == 106.25


def test_without_the_setting_no_sum_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = metered()
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch, now=NOW) as company:
        synced(company)
        assert upcoming(company) == []
        assert not [one for one in fake.requests if "event_summaries" in one]
        told = {row["object"]: row for row in company.sources.certificate()}
        assert told["billing.meter"]["at_source"] == 1


def test_a_key_without_meters_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = metered()
    fake.forbidden.add("billing/meters")
    with fake.serving(), company_of(
        tmp_path / "p", fake, monkeypatch, now=NOW, settings="open_usage = true\n"
    ) as company:
        reports = {one.stream: one for one in company.sources.sync()}
        assert "may not read /v1/billing/meters" in reports["meters"].errors[0].message
        assert "Usage counts once it is billed" in reports["open_usage"].notes[0]
        assert len(rows(company, "subscriptions", "1", "1")) > 1


def test_pending_prorations_are_lines_of_a_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled("upgrade_of_a_year_not_billed_yet")
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch, now=NOW) as company:
        synced(company)
        assert [(row[0], row[7], row[8]) for row in upcoming(company)] == [
            ("ii_1", -1006.03, "draft"), ("ii_2", 1509.04, "draft"),
            ("ii_3", -1282.19, "draft"), ("ii_4", 1709.59, "draft"),
        ]
        # The next invoice takes one of them, and one is taken back.
        fake.objects["invoiceitems"]["ii_1"]["invoice"] = "in_9"
        del fake.objects["invoiceitems"]["ii_2"]
        fake.fill({"events": [
            event("evt_1", "2025-06-20", "invoiceitem.updated",
                  {"id": "ii_1", "object": "invoiceitem"}),
            event("evt_2", "2025-06-20", "invoiceitem.deleted",
                  {"id": "ii_2", "object": "invoiceitem"}),
        ]})
        synced(company)
        assert [row[0] for row in upcoming(company)] == ["ii_3", "ii_4"]


@pytest.mark.parametrize(("formula", "used"), [("sum", 12), ("count", 12), ("last", 5), ("max", 7)])
def test_summaries_add_up_as_their_meter_does(formula: str, used: int) -> None:
    summaries = [
        {"aggregated_value": 5, "end_time": 300}, {"aggregated_value": 7, "end_time": 200},
    ]
    meter = {"default_aggregation": {"formula": formula}}
    assert quantity_in({"data": summaries}, meter) == used
    assert quantity_in({"data": []}, meter) == 0
