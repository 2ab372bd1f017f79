"""Rows that say how things stand today, and payments that a later one made good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from staycurve.sources.files import load_files
from staycurve.sources.mapping import parse_mapping
from tests.company import NOW, create, rows_of, write_csv

CURRENT = '[options]\nstatus = "current"\nexported_at = "2025-12-01"\n'


def items(folder: Path, rows: str, mapping: str = "", payments: str = "") -> list[tuple[Any, ...]]:
    """Status, first day, last day and monthly amount of each item, by subscription."""
    with create(folder / "project") as ours:
        if payments:
            path = write_csv(folder / "payments.csv", rows_of(payments))
            load_files(ours.lake, ours.config, [path], now=NOW)
        path = write_csv(folder / "subscriptions.csv", rows_of(rows))
        report = load_files(
            ours.lake, ours.config, [path], now=NOW,
            mapping=parse_mapping(mapping) if mapping else None,
        )[0]
        assert (report.error, report.rejected) == (None, 0)
        ours.refresh()
        with ours.reading() as engine:
            return engine.rows(
                "SELECT subscription_id, status, CAST(starts_on AS VARCHAR), "
                "CAST(ends_on AS VARCHAR), amount // 1000000, end_class FROM mrr_items ORDER BY ALL"
            )


def test_today_s_status_holds_from_the_day_it_began(tmp_path: Path) -> None:
    # Paused since 10 October: 99 a month until then, nothing after.
    assert items(tmp_path, """
        subscription_id account_id amount starts_at  status status_since
        s2              b          99     2023-09-01 paused 2025-10-10
    """, CURRENT) == [("s2", "active", "2023-09-01", "2025-10-10", 99, "paused")]


def test_without_a_day_it_holds_from_the_export_and_gets_its_grace(tmp_path: Path) -> None:
    # Past due from 1 December 2025, and 30 days of grace.
    assert items(tmp_path, """
        subscription_id account_id amount starts_at  status
        s1              a          149    2023-06-01 past_due
        s2              b          50     2023-06-01 unpaid
    """, CURRENT) == [
        ("s1", "active", "2023-06-01", "2025-12-01", 149, "unknown"),
        ("s1", "past_due", "2025-12-01", "2025-12-31", 149, "involuntary"),
        ("s2", "active", "2023-06-01", "2025-12-01", 50, "involuntary"),
    ]


def test_a_failed_payment_that_was_not_made_good_says_the_day(tmp_path: Path) -> None:
    assert items(tmp_path, """
        subscription_id account_id amount starts_at  status
        s1              a          149    2023-06-01 unpaid
    """, CURRENT, """
        payment_id account_id subscription_id invoice_id failed_at  paid_at
        p1         a          s1              i1         2024-01-05 -
        p2         a          s1              i1         -          2024-01-07
        p3         a          s1              i2         2025-02-05 -
    """) == [("s1", "active", "2023-06-01", "2025-02-05", 149, "involuntary")]


def test_a_canceled_row_without_an_end_ends_when_its_status_began(tmp_path: Path) -> None:
    assert items(tmp_path, """
        subscription_id account_id amount starts_at  ends_at status   status_since
        s1              a          149    2023-06-01 -       canceled 2024-03-01
    """, CURRENT) == [("s1", "canceled", "2023-06-01", "2024-03-01", 149, "unknown")]


def test_a_pause_after_a_trial_without_a_card_was_never_paid_for(tmp_path: Path) -> None:
    assert items(tmp_path, """
        subscription_id account_id amount starts_at  status status_since status_reason
        s1              a          149    2023-06-01 paused 2023-07-01   missing_payment_method
    """, CURRENT) == []


@pytest.mark.parametrize(("reason", "churn_type"), [
    ("payment_failed", "involuntary"), ("Payment failed", "involuntary"),
    ("requested", "paused"), ("-", "paused"),
])
def test_a_pause_is_of_the_churn_type_of_its_reason(
    reason: str, churn_type: str, tmp_path: Path
) -> None:
    assert items(tmp_path, f"""
        subscription_id account_id amount starts_at  ends_at    status status_reason
        s1              a          20     2024-01-01 2024-03-01 active -
        s1              a          20     2024-03-01 -          paused {reason.replace(" ", "_")}
    """) == [("s1", "active", "2024-01-01", "2024-03-01", 20, churn_type)]


def test_what_was_never_paid_is_kept_and_counts_nothing(tmp_path: Path) -> None:
    assert items(tmp_path, """
        subscription_id account_id amount starts_at  status
        s1              a          20     2024-01-01 incomplete
        s2              b          20     2024-01-01 incomplete_expired
        s3              c          20     2024-01-01 active
    """) == [("s3", "active", "2024-01-01", None, 20, None)]


@pytest.mark.parametrize(("payments", "ends_on"), [
    # Of the same invoice: the failure of September was made good, that of February was not.
    ("p1 a s1 i1 2023-09-01 -\n p2 a s1 i1 - 2023-09-03\n p3 a s1 i2 2024-02-01 -", "2024-03-02"),
    # One row that failed first and was paid later.
    ("p1 a s1 i1 2023-09-01 2023-09-03\n p3 a s1 i2 2024-02-01 -", "2024-03-02"),
    # Another invoice that was paid makes no failure good: 1 September + 30 days.
    ("p1 a s1 i1 2023-09-01 -\n p2 a s1 i2 - 2023-09-03", "2023-10-01"),
    # Without invoice ids, any later payment of the subscription does.
    ("p1 a s1 - 2023-09-01 -\n p2 a s1 - - 2023-09-03\n p3 a s1 - 2024-02-01 -", "2024-03-02"),
    # An earlier payment does not.
    ("p1 a s1 - 2023-09-01 -\n p2 a s1 - - 2023-08-03", "2023-10-01"),
])
def test_a_failure_made_good_starts_no_clock(
    payments: str, ends_on: str, tmp_path: Path
) -> None:
    header = "payment_id account_id subscription_id invoice_id failed_at paid_at\n"
    found = items(tmp_path, """
        subscription_id account_id amount starts_at  status
        s1              a          99     2023-06-01 past_due
    """, payments=header + payments)
    assert found == [("s1", "past_due", "2023-06-01", ends_on, 99, "involuntary")]
