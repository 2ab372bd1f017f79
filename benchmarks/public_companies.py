"""Public data sets as projects: two companies with subscriptions, usage and churn."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path

from staycurve.sources.files import load_files
from staycurve.workspace import Company

SOCIALNET_ENDS = "2020-06-01"
"""The simulation stops here; what ends later is paid ahead, and has not ended."""
RAVENSTACK_ENDS = "2025-01-01"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    read = gzip.open if path.suffix == ".gz" else open
    with read(path, "rt", newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _written(path: Path, names: list[str], rows: Iterator[list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)
    return path


def _project(folder: Path, files: list[Path], ends: str) -> Company:
    now = dt.datetime.fromisoformat(f"{ends}T00:00:00+00:00")
    Company.create(folder / "p", name="Public", currency="USD", timezone="UTC")
    company = Company(folder / "p", clock=lambda: now)
    load_files(company.lake, company.config, files, now=now)
    company.refresh()
    return company


def socialnet(data: Path, folder: Path) -> Company:
    """`socialnet7` of the package fightchurn: monthly subscriptions and eight kinds of events."""
    kinds = {row["event_type_id"]: row["event_type_name"] for row in _rows(data / "event_type.csv")}
    subscriptions = (
        [f"s{row['account_id']}", row["account_id"], row["product"], row["mrr"],
         row["start_date"], row["end_date"] if row["end_date"] < SOCIALNET_ENDS else ""]
        for row in _rows(data / "subscription.csv") if row["start_date"] < SOCIALNET_ENDS
    )
    events = (
        [f"e{place}", row["account_id"], row["account_id"], kinds[row["event_type_id"]],
         row["event_time"]]
        for place, row in enumerate(_rows(data / "event.csv.gz"))
        if row["event_time"] < SOCIALNET_ENDS
    )
    return _project(folder, [
        _written(folder / "subscriptions.csv", [
            "subscription_id", "account_id", "plan", "amount", "starts_at", "ends_at",
        ], subscriptions),
        _written(folder / "events.csv", [
            "event_id", "account_id", "user_id", "event", "occurred_at",
        ], events),
    ], SOCIALNET_ENDS)


def ravenstack(data: Path, folder: Path) -> Company:
    """RavenStack: an account pays from its sign-up until its first churn event after it."""
    left: dict[str, str] = {}
    accounts = list(_rows(data / "ravenstack_accounts.csv"))
    signed = {row["account_id"]: row["signup_date"] for row in accounts}
    for row in _rows(data / "ravenstack_churn_events.csv"):
        own, day = row["account_id"], row["churn_date"]
        if day > signed[own]:
            left[own] = min(day, left.get(own, day))
    spans = list(_rows(data / "ravenstack_subscriptions.csv"))
    whose = {row["subscription_id"]: row["account_id"] for row in spans}
    paid = {row["account_id"]: row["mrr_amount"] for row in reversed(spans)
            if float(row["mrr_amount"]) > 0}
    subscriptions = (
        [f"s-{row['account_id']}", row["account_id"], row["plan_tier"],
         paid.get(row["account_id"], "50"), row["signup_date"], left.get(row["account_id"], "")]
        for row in accounts
    )
    events = (
        [f"{place}-{row['usage_id']}", whose[row["subscription_id"]],
         whose[row["subscription_id"]], row["feature_name"], f"{row['usage_date']}T12:00:00"]
        for place, row in enumerate(_rows(data / "ravenstack_feature_usage.csv"))
    )
    tickets = (
        [f"{place}-{row['ticket_id']}", row["account_id"], row["submitted_at"],
         row["closed_at"] if row["closed_at"] >= row["submitted_at"] else "", row["priority"]]
        for place, row in enumerate(_rows(data / "ravenstack_support_tickets.csv"))
    )
    return _project(folder, [
        _written(folder / "subscriptions.csv", [
            "subscription_id", "account_id", "plan", "amount", "starts_at", "ends_at",
        ], subscriptions),
        _written(folder / "events.csv", [
            "event_id", "account_id", "user_id", "event", "occurred_at",
        ], events),
        _written(folder / "tickets.csv", [
            "ticket_id", "account_id", "opened_at", "solved_at", "priority",
        ], tickets),
    ], RAVENSTACK_ENDS)
