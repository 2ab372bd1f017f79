"""A published way to count churn beside ours, on simulated data, where its files are there.

    python -m tests.acceptance.test_fightchurn

prints the tables that docs/explanation/beside-fightchurn.md shows.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from staycurve.sources.files import load_files
from staycurve.sources.mapping import read_mapping
from staycurve.workspace import Company
from tests.company import NOW, create

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(
    os.environ.get(
        "STAYCURVE_FIGHTCHURN", ROOT.parent / "shared" / "data" / "fightchurn_socialnet7_sim1000"
    )
)
MAPS = ROOT / "docs" / "how-to" / "fightchurn"
PAGE = ROOT / "docs" / "explanation" / "beside-fightchurn.md"
MONTHS = [dt.date(2020, month, 1) for month in (2, 3, 4, 5)]

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"no simulated data at {FOLDER}")


def after(month: dt.date) -> dt.date:
    return dt.date(month.year, month.month + 1, 1)


def subscriptions() -> list[dict[str, Any]]:
    with (FOLDER / "subscription.csv").open(newline="") as file:
        return [
            row | {"start": dt.date.fromisoformat(row["start_date"]),
                   "end": dt.date.fromisoformat(row["end_date"])}
            for row in csv.DictReader(file)
        ]


def ends_of_days() -> list[dict[str, str]]:
    """The first and the last event of each account and day.

    Whether an account is active in a window that ends at midnight is told by these alone, and they
    are a sixth of all events.
    """
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    with gzip.open(FOLDER / "event.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            own = found.setdefault((row["account_id"], row["event_time"][:10]), [row, row])
            if row["event_time"] < own[0]["event_time"]:
                own[0] = row
            if row["event_time"] > own[1]["event_time"]:
                own[1] = row
    return [row for pair in found.values() for row in pair]


def published_churn(rows: list[dict[str, Any]], month: dt.date) -> dict[str, float]:
    """Who stands on the first day of a month, and who of them on the first day of the next.

    As defined by fightchurn 1.2.0, listings 2.1 and 2.2.
    """
    def standing(day: dt.date) -> dict[str, float]:
        found: dict[str, float] = {}
        for row in rows:
            if row["start"] <= day < row["end"]:
                found[row["account_id"]] = found.get(row["account_id"], 0) + float(row["mrr"])
        return found

    start, end = standing(month), standing(after(month))
    kept = sum(end.get(account, 0) for account in start)
    return {
        "start": len(start), "churned": sum(account not in end for account in start),
        "net_retention": kept / sum(start.values()),
    }


def published_activity(rows: list[dict[str, str]], month: dt.date) -> tuple[int, int]:
    """Accounts active in the month before an instant, and those of them not in the next month.

    As defined by fightchurn 1.2.0, listing 2.3, with an inactivity interval of one month.
    """
    def active(end: dt.date) -> set[str]:
        first, last = f"{end.replace(month=end.month - 1)} 00:00:00", f"{end} 00:00:00"
        return {row["account_id"] for row in rows if first < row["event_time"] <= last}

    start = active(month)
    return len(start), len(start - active(after(month)))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, list[Any]]:
    return load(tmp_path_factory.mktemp("fightchurn"))


def load(folder: Path) -> tuple[Company, list[Any]]:
    company = create(folder / "project")
    rows = ends_of_days()
    events = folder / "event.csv"
    with events.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for name, path in (
        ("account", FOLDER / "account.csv"), ("subscription", FOLDER / "subscription.csv"),
        ("event", events),
    ):
        mapping = read_mapping(MAPS / f"{name}.toml")
        (report,) = load_files(company.lake, company.config, [path], mapping=mapping, now=NOW)
        assert (report.rejected, report.error) == (0, None)
    company.refresh()
    return company, rows


def test_activity_churn_is_dormant_by_active_before(loaded: tuple[Company, list[Any]]) -> None:
    company, rows = loaded
    found = company.usage.lifecycle(whose="account", first="2020-02", last="2020-05")
    shown = [(row["active_before"], row["dormant"]) for row in found.as_dict()["rows"]]
    assert shown == [published_activity(rows, month) for month in MONTHS]
    assert shown[0] == (999, 1)


def test_customers_differ_by_where_the_month_begins(loaded: tuple[Company, list[Any]]) -> None:
    company, _ = loaded
    rows = subscriptions()
    for month in MONTHS:
        theirs = published_churn(rows, month)
        own = company.show("customers", grain="day", start=str(month), end=str(month)).rows
        # Theirs stands at the close of the first day, ours at its opening.
        assert own[0]["value"] == theirs["start"]
        before = month - dt.timedelta(days=1)
        opening = company.show("customers", grain="day", start=str(before), end=str(before)).rows
        day = company.show(
            "new_customers", "churned_customers", grain="day", start=str(month), end=str(month)
        ).rows
        assert opening[0]["value"] + day[0]["value"] - day[1]["value"] == theirs["start"]


def tables(company: Company, rows: list[Any]) -> str:
    """The tables of the page."""
    spans = subscriptions()
    churn = company.show("customer_churn_rate", "nrr", start="2020-02", end="2020-05").rows
    ours = {(row["metric"], row["period"]): row["value"] for row in churn}
    customers = {
        row["period"]: int(row["value"])
        for row in company.show("customers", start="2020-01", end="2020-05").rows
    }
    lines = [
        "| month | customers, theirs | churn, theirs | net retention, theirs | "
        "customers at the opening | customer churn rate | NRR |",
        "|---|---|---|---|---|---|---|",
    ]
    for month in MONTHS:
        theirs = published_churn(spans, month)
        opening = customers[str(month.replace(month=month.month - 1))]
        lines.append(
            f"| {month:%Y-%m} | {theirs['start']:,} | {theirs['churned'] / theirs['start']:.2%} | "
            f"{theirs['net_retention']:.2%} | {opening:,} | "
            f"{ours['customer_churn_rate', str(month)]:.2%} | {ours['nrr', str(month)]:.2%} |"
        )
    lines += ["", "| month | active before, theirs | gone, theirs | activity churn, theirs | "
                  "active before | dormant |", "|---|---|---|---|---|---|"]
    found = company.usage.lifecycle(whose="account", first="2020-02", last="2020-05")
    for month, row in zip(MONTHS, found.as_dict()["rows"], strict=True):
        active, gone = published_activity(rows, month)
        lines.append(
            f"| {month:%Y-%m} | {active:,} | {gone} | {gone / active:.2%} | "
            f"{row['active_before']:,} | {row['dormant']} |"
        )
    return "\n".join(lines)


def test_the_page_shows_these_figures(loaded: tuple[Company, list[Any]]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    lines = tables(*loaded).splitlines()
    assert len(lines) > 10
    for line in lines:
        assert line in text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        print(tables(*load(Path(made))))
