"""Billing systems by their lists, as their documentation describes them; MRR by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.sources.lists.fake import Fake, Query, paged, served
from tests.sources.lists.test_systems import KEY, basic, bearer, rows, synced


def epoch(text: str) -> int:
    return int(dt.datetime.fromisoformat(f"{text}T00:00:00+00:00").timestamp())


def mrr(company: Company, *days: str) -> list[Any]:
    company.refresh()
    return [
        company.show("mrr", grain="day", start=day, end=day, as_of="2026-11-20").rows[0]["value"]
        for day in days
    ]


def chargebee(path: str, query: Query) -> Any:
    assert query["include_deleted"] == "true"
    line = {"entity_type": "plan_item_price", "entity_id": "Pro-USD-Monthly", "quantity": 1,
            "subscription_id": "s1", "customer_id": "acme", "discount_amount": 0, "tax_amount": 0}
    invoice = {"customer_id": "acme", "currency_code": "USD", "status": "paid",
               "date": epoch("2026-01-01"), "updated_at": epoch("2026-01-01")}
    items: list[Any] = {
        "customers": [{"customer": {"id": "acme", "company": "Acme",
                                    "updated_at": epoch("2026-01-01")}}],
        "subscriptions": [{"subscription": {
            "id": "s1", "cancelled_at": epoch("2026-02-11"),
            "updated_at": epoch("2026-02-11")}}],
        "invoices": [
            {"invoice": {**invoice, "id": "i1", "line_items": [
                {**line, "id": "l1", "amount": 6000, "discount_amount": 1000,
                 "date_from": epoch("2026-01-01"), "date_to": epoch("2026-02-01")},
                {**line, "id": "l2", "entity_type": "adhoc", "amount": 9900,
                 "date_from": epoch("2026-01-01"), "date_to": epoch("2026-01-01")}]}},
            {"invoice": {**invoice, "id": "i2", "price_type": "tax_inclusive", "line_items": [
                {**line, "id": "l3", "amount": 5950, "tax_amount": 950,
                 "date_from": epoch("2026-02-01"), "date_to": epoch("2026-03-01")}]}},
            {"invoice": {**invoice, "id": "i3", "status": "voided", "line_items": [
                {**line, "id": "l4", "amount": 7700,
                 "date_from": epoch("2026-03-01"), "date_to": epoch("2026-04-01")}]}},
        ],
    }[path.removeprefix("/api/v2/")]
    page, offset = paged(items, query.get("offset"))
    return {"list": page, **({"next_offset": offset} if offset else {})}


def test_chargebee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(chargebee, basic(f"{KEY}:"))) as fake:
        company = synced(tmp_path, monkeypatch, "chargebee", fake, 'site = "acme"')
        # 60 less 10; then 59.50 with 9.50 of tax, canceled on 11 February.
        days = ("2026-01-15", "2026-02-10", "2026-02-11", "2026-03-15")
        assert mrr(company, *days) == [50, 50, 0, 0]
        assert rows(company, "invoice_lines", "line_id, kind, invoice_status") == [
            ("l1", "base", "paid"), ("l2", "one_time", "paid"), ("l3", "base", "paid"),
            ("l4", "base", "void"),
        ]
        company.close()


def recurly(path: str, query: Query) -> Any:
    if path == "/accounts":
        return {"has_more": False, "data": [{"id": "x1", "code": "acme", "company": "Acme",
                                             "updated_at": "2026-01-01T00:00:00Z"}]}
    line = {"account": {"id": "x1", "code": "acme"}, "subscription_id": "s1", "origin": "plan",
            "plan_code": "pro", "quantity": 1, "currency": "USD", "invoice_id": "i1",
            "created_at": "2026-06-01T00:00:00Z", "updated_at": "2026-06-01T00:00:00Z"}
    items: list[Any] = [
        {**line, "id": "l1", "subtotal": 110.0, "discount": 10.0, "tax": 19.0,
         "start_date": "2026-06-01T00:00:00Z", "end_date": "2026-07-01T00:00:00Z"},
        {**line, "id": "l2", "subtotal": 80.0, "proration_rate": 0.5, "plan_code": "team",
         "start_date": "2026-06-16T00:00:00Z", "end_date": "2026-07-01T00:00:00Z"},
        {**line, "id": "l3", "subtotal": 5.0, "invoice_id": None},
    ]
    page, cursor = paged(items, query.get("cursor"))
    return {"has_more": cursor is not None, "data": page,
            "next": f"/line_items?cursor={cursor}" if cursor else None}


def test_recurly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(recurly, basic(f"{KEY}:"))) as fake:
        company = synced(tmp_path, monkeypatch, "recurly", fake)
        # 80 for half of June is 160 a month.
        assert mrr(company, "2026-06-15", "2026-06-16", "2026-07-01") == [100, 160, 0]
        assert rows(company, "accounts", "account_id, name") == [("acme", "Acme")]
        company.close()


def paddle(path: str, query: Query) -> Any:
    if path == "/customers":
        return {"data": [{"id": "ctm_1", "name": "Acme", "updated_at": "2026-01-01T00:00:00Z"}],
                "meta": {"pagination": {"has_more": False, "next": "https://x.test/customers"}}}
    monthly = {"id": "pri_1", "name": "Monthly", "billing_cycle": {"interval": "month"}}
    one = {"status": "completed", "customer_id": "ctm_1", "currency_code": "JPY",
           "subscription_id": "sub_1", "billed_at": "2026-06-01T00:00:00Z",
           "updated_at": "2026-06-01T00:00:00Z", "items": [{"price": monthly}],
           "billing_period": {"starts_at": "2026-06-01T00:00:00Z",
                              "ends_at": "2026-07-01T00:00:00Z"}}
    items: list[Any] = [
        {**one, "id": "txn_1", "details": {"line_items": [
            {"id": "txnitm_1", "price_id": "pri_1", "quantity": 2, "product": {"name": "Pro"},
             "totals": {"subtotal": "16000", "discount": "1000", "tax": "1500"}}]}},
        {**one, "id": "txn_2", "status": "draft", "details": {"line_items": [
            {"id": "txnitm_2", "price_id": "pri_1", "totals": {"subtotal": "99"}}]}},
    ]
    page, after = paged(items, query.get("after"), 1)
    following = f"https://api.paddle.com/transactions?after={after or 9}&per_page=1"
    return {"data": page, "meta": {"pagination": {"has_more": after is not None,
                                                  "next": following}}}


def test_paddle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(paddle, bearer())) as fake:
        company = synced(tmp_path, monkeypatch, "paddle", fake)
        # A yen has no smaller unit: 16,000 less 1,000.
        assert rows(
            company, "invoice_lines", "line_id, amount, currency, plan, is_proration, kind"
        ) == [("txnitm_1", 15_000_000_000, "JPY", "Pro", False, "base")]
        company.close()


def polar(path: str, query: Query) -> Any:
    if path == "/v1/customers/":
        return {"items": [{"id": "p1", "external_id": "acme", "email": "a@acme.test",
                           "modified_at": "2026-01-01T00:00:00Z"}], "pagination": {"max_page": 1}}
    one = {"customer_id": "p1", "customer": {"external_id": "acme"}, "amount": 120000,
           "currency": "usd", "recurring_interval": "year", "product": {"name": "Pro"},
           "modified_at": "2026-05-01T00:00:00Z", "started_at": "2026-01-01T00:00:00Z"}
    items: list[Any] = [
        {**one, "id": "s1", "status": "active"},
        {**one, "id": "s2", "status": "canceled", "ended_at": "2026-03-01T00:00:00Z",
         "customer_cancellation_reason": "too_expensive"},
        {**one, "id": "s3", "status": "incomplete"},
    ]
    number = int(query.get("page", 1))
    return {"items": items[2 * number - 2 : 2 * number],
            "pagination": {"total_count": 3, "max_page": 2}}


def test_polar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(polar, bearer())) as fake:
        company = synced(tmp_path, monkeypatch, "polar", fake)
        assert mrr(company, "2026-02-28", "2026-03-01") == [200, 100]
        company.close()


def lago(path: str, query: Query) -> Any:
    if path == "/api/v1/customers":
        return {"customers": [{"lago_id": "c", "external_id": "acme", "name": "Acme"}],
                "meta": {"next_page": None}}
    one = {"amount_currency": "EUR", "external_customer_id": "acme", "lago_invoice_id": "i1",
           "external_subscription_id": "s1", "payment_status": "succeeded",
           "created_at": "2026-05-01T00:00:00Z", "from_date": "2026-05-01T00:00:00Z",
           "to_date": "2026-05-31T23:59:59Z"}
    items: list[Any] = [
        {**one, "lago_id": "f1", "amount_cents": 5000, "precise_coupons_amount_cents": "1000.0",
         "item": {"type": "subscription", "code": "pro", "name": "Pro"}},
        {**one, "lago_id": "f2", "amount_cents": 700,
         "item": {"type": "charge", "code": "calls", "name": "Calls"}},
        {**one, "lago_id": "f3", "amount_cents": 900, "item": {"type": "add_on", "name": "Setup"}},
    ]
    number = int(query.get("page", 1))
    return {"fees": items[2 * number - 2 : 2 * number],
            "meta": {"next_page": 2 if number == 1 else None}}


def test_lago(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(lago, bearer())) as fake:
        company = synced(tmp_path, monkeypatch, "lago", fake)
        assert rows(
            company, "invoice_lines", "line_id, kind, amount, discount_amount, currency, "
            "invoice_status"
        ) == [
            ("f1", "base", 40_000_000, 10_000_000, "EUR", "paid"),
            ("f2", "metered", 7_000_000, None, "EUR", "paid"),
            ("f3", "one_time", 9_000_000, None, "EUR", "paid"),
        ]
        company.refresh()
        with company.reading() as engine:
            assert engine.rows(
                "SELECT item_id, interval, interval_count, amount, discount_amount "
                "FROM invoice_spans ORDER BY 1 NULLS FIRST"
            ) == [(None, "month", 1, 50_000_000, 10_000_000), ("calls", "month", 1, 7_000_000, 0)]
        company.close()
