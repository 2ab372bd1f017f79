"""Invoice lines and prices of plans through files: rules, order of loading, what is refreshed."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from staycurve.sources.files import load_files
from staycurve.sources.options import ReadOptions
from staycurve.tables import refresh
from staycurve.workspace import Company
from tests.company import NOW, build, create, load, write_csv
from tests.invariants.answering import computed_anew, derived
from tests.invoicing import Line, line

BILLS = [
    line(1, "2024-01-01", "2024-02-01", 100), line(2, "2024-02-01", "2024-03-01", 100),
    line(3, "2024-02-16", "2024-03-01", 75, is_proration="true", plan="Team"),
    line(4, "2024-03-01", "2024-04-01", "155.36", plan="Team"),
]
SPAN = {"subscription_id": "s", "account_id": "b", "starts_at": "2024-01-01", "amount": "40"}


def mrr(company: Company, month: str = "2024-03", **asked: Any) -> float | None:
    value: float | None = company.show("mrr", start=month, end=month, **asked).rows[0]["value"]
    return value


def rules(company: Company) -> list[tuple[str, str]]:
    return [(row["column"], row["rule"]) for row in company.rejects()]


def test_a_line_that_breaks_a_rule_says_which(tmp_path: Path) -> None:
    wrong = [
        line(5, "2024-02-01", "2024-01-01", 1), line(6, "2024-02-01", "2024-03-01", 1,
                                                    invoice_status="maybe"),
        line(7, "2024-02-01", "2024-03-01", ""), line(8, "", "2024-03-01", 1),
        line(9, "2024-02-01", "2024-03-01", 1, quantity=-1),
        line(10, "2024-02-01", "2024-03-01", 1, kind="thing"),
    ]
    with build(tmp_path / "p", {"invoice_lines": [*BILLS, *wrong]}) as company:
        assert rules(company) == [
            ("period_end", "is before period_start 2024-02-01"),
            ("invoice_status", "is not one of paid, open, void, draft, uncollectible"),
            ("amount", "is missing"),
            ("period_start", "is missing"),
            ("quantity", "is negative, and amount is not"),
            ("kind", "is not one of base, addon, metered, one_time"),
        ]
        assert [row["rows"] for row in company.tables() if row["table"] == "invoice_lines"] == [4]


def test_invoices_alone_are_enough_and_make_their_accounts(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"invoice_lines": BILLS}) as company:
        assert [mrr(company, f"2024-0{month}", as_of="2024-06-01") for month in (1, 2, 3, 4)] == [
            100, 155.36, 155.36, 0,
        ]
        rows = company.show("new_mrr", "expansion_mrr", "churned_mrr", start="2024-01",
                            end="2024-04", as_of="2024-06-01").rows
        assert [row["value"] for row in rows if row["value"]] == [100, 55.36, 155.36]


def test_a_prepaid_end_is_not_observed(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"invoice_lines": BILLS}) as company:
        # The last period begins on 1 March and was paid until April.
        assert company.as_of().at == dt.datetime(2024, 3, 2, tzinfo=dt.UTC)
        assert mrr(company) == 155.36


@pytest.mark.parametrize("order", [*itertools.permutations(("invoice_lines", "subscriptions"))])
def test_a_row_of_another_account_describes_its_subscription(
    order: tuple[str, ...], tmp_path: Path
) -> None:
    tables = {"invoice_lines": BILLS, "subscriptions": [SPAN]}
    with create(tmp_path / "p") as company, mock.patch.object(refresh, "FULL_SHARE", 10.0):
        load(company, {"subscriptions": [SPAN | {"subscription_id": "x", "account_id": "x",
                                                 "amount": "1"}]})
        for table in order:
            load(company, {table: tables[table]})
        assert mrr(company) == 41
        assert derived(company) == computed_anew(company, {})
        # A later refresh of the invoiced account alone knows it still.
        load(company, {"invoice_lines": [line(5, "2024-04-01", "2024-05-01", 9)]})
        assert mrr(company) == 41
        assert derived(company) == computed_anew(company, {})


def test_lines_without_a_subscription_count_where_no_row_is(tmp_path: Path) -> None:
    bills = [bill | {"subscription_id": ""} for bill in BILLS]
    with build(tmp_path / "p", {"invoice_lines": bills}) as company:
        assert mrr(company) == 155.36
        load(company, {"subscriptions": [SPAN | {"account_id": "a", "subscription_id": "other"}]})
        assert mrr(company) == 40


def test_loads_that_are_undone_or_replaced_take_their_lines_along(tmp_path: Path) -> None:
    with create(tmp_path / "p") as company, mock.patch.object(refresh, "FULL_SHARE", 10.0):
        load(company, {"invoice_lines": BILLS})
        before = derived(company)
        load(company, {"invoice_lines": [
            line(4, "2024-03-01", "2024-04-01", 300, plan="Team"),
            line(9, "2024-03-01", "2024-04-01", 20, account_id="z", subscription_id="z"),
        ]})
        assert mrr(company) == 320
        company.books.undo()
        company.refresh()
        # The account that the load made stays, without a bill.
        assert {table: rows for table, rows in derived(company).items()
                if table != "account_roots"} == {
            table: rows for table, rows in before.items() if table != "account_roots"}
        path = write_csv(tmp_path / "invoice_lines.csv", BILLS[:1])
        load_files(company.lake, company.config, [path], now=NOW)
        load_files(company.lake, company.config, [path], now=NOW, is_complete=True)
        company.refresh()
        assert derived(company) == computed_anew(company, {})


def test_inclusive_ends_belong_to_the_period(tmp_path: Path) -> None:
    bills = [
        line(1, "2024-02-01", "2024-02-29", 100), line(2, "2024-03-01", "2024-03-31", 100),
    ]
    path = write_csv(tmp_path / "invoice_lines.csv", bills)
    with create(tmp_path / "p") as company:
        ends = ReadOptions(ends="inclusive")
        load_files(company.lake, company.config, [path], now=NOW, options=ends)
        company.refresh()
        found = company.invoices.lines(account="a").rows
        assert [str(row.period_end_on) for row in found] == ["2024-03-01", "2024-04-01"]


UNPRICED = [
    {"subscription_id": "s", "account_id": "a", "plan": "Pro", "starts_at": "2024-01-01",
     "ends_at": "2024-03-01", "quantity": "3"},
    {"subscription_id": "s", "account_id": "a", "plan": "Pro", "starts_at": "2024-03-01",
     "quantity": "3"},
]
PRICES = [
    {"plan": "Pro", "valid_from": "", "unit_amount": "10", "interval": "month"},
    {"plan": "Pro", "valid_from": "2024-02-01", "unit_amount": "240", "interval": "year"},
]


@pytest.mark.parametrize("order", [*itertools.permutations(("subscriptions", "plans"))])
def test_a_row_without_an_amount_costs_what_its_plan_did_when_it_started(
    order: tuple[str, ...], tmp_path: Path
) -> None:
    tables: dict[str, list[Line]] = {"subscriptions": UNPRICED, "plans": PRICES}
    with create(tmp_path / "p") as company, mock.patch.object(refresh, "FULL_SHARE", 10.0):
        for table in order:
            load(company, {table: tables[table]})
        # 3 × 10 a month; from the span that starts on 1 March on 3 × 240 a year.
        assert [mrr(company, f"2024-0{month}", as_of="2024-06-01") for month in (1, 2, 3)] == [
            30, 30, 60,
        ]
        load(company, {"plans": [PRICES[1] | {"unit_amount": "120"}]})
        assert mrr(company, as_of="2024-06-01") == 30
        assert derived(company) == computed_anew(company, {})


def test_a_plan_without_a_price_counts_nothing_and_is_named(tmp_path: Path) -> None:
    rows = [*UNPRICED, SPAN | {"subscription_id": "t", "starts_at": "2024-03-02"}]
    late = [PRICES[1] | {"valid_from": "2024-02-01"}]
    with build(tmp_path / "p", {"subscriptions": rows, "plans": late}) as company:
        assert [mrr(company, f"2024-0{month}", as_of="2024-06-01") for month in (1, 3)] == [0, 100]
        (doubt,) = company.doubts()
        assert (doubt.check, doubt.count) == ("plan_without_price", 1)
        assert "when they start: 1; Pro (1). They count 0" in doubt.text


def test_bills_at_a_hundred_times_what_is_paid_are_doubtful(tmp_path: Path) -> None:
    paid = [{"payment_id": "p", "account_id": "a", "amount": 1, "paid_at": "2024-01-02"}]
    with build(tmp_path / "p", {"invoice_lines": BILLS[:2], "payments": paid}) as company:
        (doubt,) = company.doubts()
        assert (doubt.check, doubt.count, doubt.mrr) == ("hundredfold_bills", 2, 200)


def test_a_row_that_names_neither_an_amount_nor_a_plan_is_rejected(tmp_path: Path) -> None:
    rows = [SPAN, {"subscription_id": "n", "account_id": "a", "starts_at": "2024-01-01"}]
    with build(tmp_path / "p", {"subscriptions": rows}) as company:
        assert rules(company) == [("amount", "is missing, and so is quantity × unit_amount")]


def test_conventions_of_other_tools_reach_invoice_lines(tmp_path: Path) -> None:
    bills = [line(1, "2024-01-01", "2024-02-01", 70, discount_amount=30,
                  discount_recurring="false")]
    with build(tmp_path / "p", {"invoice_lines": bills}) as company:
        said = {
            rule: company.accounts("mrr", period="2024-01", under=f"discounts={rule}").rows
            for rule in ("none", "all")
        }
        assert {rule: rows[0]["value"] for rule, rows in said.items()} == {"none": 100, "all": 70}


def test_a_number_opens_down_to_its_lines(tmp_path: Path) -> None:
    other = [
        line("v", "2024-03-01", "2024-04-01", 9, invoice_status="void"),
        line("c", "2024-02-16", "2024-03-01", -50, is_proration="true"),
        line("o", "2024-03-01", "2024-04-01", 9, kind="one_time"),
    ]
    with build(tmp_path / "p", {"invoice_lines": [*BILLS, *other]}) as company:
        found = company.invoices.lines(account="a", period="2024-03")
        said = {row.line_id: (row.state, row.mrr) for row in found.rows}
        assert said == {
            "3": ("prorated", "155.36 USD"), "4": ("full", "155.36 USD"),
            "v": ("void", None), "o": ("one_time", None),
        }
        every = company.invoices.lines(account="a")
        assert [row.line_id for row in every.rows] == ["1", "2", "3", "c", "4", "o", "v"]
        assert str(every.rows[0].span_ends_on) == "2024-02-16"
