"""account_features: what is kept is what would be computed, whatever changed since."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from staycurve.insights.risk import kept_refresh
from staycurve.insights.risk.feature_table import features_sql
from staycurve.insights.risk.kept_table import columns, kept_days, wanted
from staycurve.tables.engine import name
from staycurve.tables.kept_features import NAME
from staycurve.workspace import Company
from tests.company import build, load
from tests.insights.account_company import SETTINGS, TABLES

KEEP = f"{SETTINGS}\n[risk]\nkeep_from = 0\n"
DAYS = [
    dt.date(2024, 1, 31), dt.date(2024, 2, 29), dt.date(2024, 3, 31), dt.date(2024, 4, 30),
    dt.date(2024, 5, 31), dt.date(2024, 6, 30), dt.date(2024, 7, 31), dt.date(2024, 8, 1),
]
"""Month ends, and the day on which the last subscription ended."""
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def others(count: int) -> list[dict[str, Any]]:
    """Accounts to which nothing happens, so that a changed one is one of many."""
    return [
        {"subscription_id": f"o{n}", "account_id": f"other{n}", "plan": "Pro", "amount": 10,
         "starts_at": "2024-01-10"}
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Company:
    tables = {**TABLES, "subscriptions": [*TABLES["subscriptions"], *others(40)]}
    return build(tmp_path_factory.mktemp("kept") / "c", tables, end_reasons=KEEP)


@pytest.fixture
def company(built: Company, tmp_path: Path) -> Company:
    """A copy that a test may change."""
    shutil.copytree(built.folder, tmp_path / "c")
    return Company(tmp_path / "c", clock=built.clock)


def kept(company: Company) -> list[tuple[Any, ...]]:
    listed = ", ".join(name(column) for column, _ in columns())
    with company.reading() as engine:
        scan = company.lake.scan(company.snapshot, NAME, columns())
        return engine.rows(f"SELECT {listed} FROM ({scan}) k ORDER BY day, account_id")


def computed(company: Company) -> list[tuple[Any, ...]]:
    listed = ", ".join(name(column) for column, _ in columns())
    with company.reading() as engine:
        days = wanted(engine, company.as_of())
        sql = features_sql(company.config, days)
        return engine.rows(f"SELECT {listed} FROM ({sql}) c ORDER BY day, account_id")


def written(company: Company) -> dict[str, set[str]]:
    """Day → the files that hold its rows."""
    found: dict[str, set[str]] = {}
    for path, day in company.lake.parts(company.snapshot, NAME).items():
        found.setdefault(str(day), set()).add(path)
    return found


def changed_days(before: Mapping[str, set[str]], after: Mapping[str, set[str]]) -> list[str]:
    return sorted(day for day in {*before, *after} if before.get(day) != after.get(day))


def test_month_ends_and_the_last_day_are_kept(built: Company) -> None:
    assert kept_days(built) == frozenset(DAYS)
    rows = kept(built)
    assert len(rows) > 200
    assert rows == computed(built)


CHANGES: dict[str, tuple[Rows, list[str]]] = {
    # An answer of April is seen from then on.
    "a late answer": ({"answers": [
        {"answer_id": "late", "survey": "s", "kind": "nps", "account_id": "other3", "score": 2,
         "answered_at": "2024-04-20"},
    ]}, [str(day) for day in DAYS[3:]]),
    "a ticket that is solved": ({"tickets": [
        {"ticket_id": "t2", "account_id": "acme", "opened_at": "2024-05-20",
         "solved_at": "2024-07-31"},
    ]}, ["2024-07-31", "2024-08-01"]),
    # Whoever leaves in March no longer stands at its end.
    "an end in the past": ({"subscriptions": [
        {**others(8)[7], "ends_at": "2024-03-15", "end_reason": "too expensive"},
    ]}, [str(day) for day in DAYS[2:]]),
    "a late event": ({"events": [
        {"event_id": "late", "account_id": "other5", "user_id": "new", "event": "report",
         "occurred_at": "2024-06-20T10:00:00Z"},
    ]}, [str(day) for day in DAYS[5:]]),
    # The last observed day moves: the one before is no longer kept.
    "nothing that a feature sees": ({"accounts": [
        {"account_id": "other1", "name": "Other"},
    ]}, []),
    "another day": ({"events": [
        {"event_id": "next", "account_id": "other6", "user_id": "new", "event": "report",
         "occurred_at": "2024-08-02T10:00:00Z"},
    ]}, ["2024-08-01", "2024-08-02"]),
}


def test_a_refresh_computes_what_changed(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: list[dt.date] = []
    own = kept_refresh._Job.whole

    def noted(job: Any, days: Sequence[dt.date]) -> None:
        whole.extend(days)
        own(job, days)

    monkeypatch.setattr(kept_refresh._Job, "whole", noted)
    for change, (rows, days) in CHANGES.items():
        before = written(company)
        whole.clear()
        load(company, rows)
        assert kept(company) == computed(company), change
        assert changed_days(before, written(company)) == days, change
        # Of the days that were kept, only the changed account was computed.
        assert [str(day) for day in whole] == (["2024-08-02"] if change == "another day" else [])


def test_what_changes_all_is_computed_whole(company: Company) -> None:
    before = written(company)
    # No payment is older: when the table begins to tell has changed.
    load(company, {"payments": [
        {"payment_id": "first", "account_id": "other2", "amount": 10, "failed_at": "2024-01-02"},
    ]})
    assert kept(company) == computed(company)
    assert len(changed_days(before, written(company))) == len(DAYS)


def test_questions_read_what_is_kept_and_answer_the_same(company: Company) -> None:
    asked = [company.risk.fired().as_dict(), company.risk.triggers(horizon=30).as_dict()]
    assert asked[0]["rows"]
    assert asked[1]["rows"]
    path = company.folder / "staycurve.toml"
    path.write_text(path.read_text().replace("keep_from = 0", "keep_from = 1000"))
    without = Company(company.folder, clock=company.clock)
    without.refresh()
    assert NAME not in without.snapshot.tables
    assert kept_days(without) == frozenset()
    assert [
        without.risk.fired().as_dict(), without.risk.triggers(horizon=30).as_dict()
    ] == asked


def test_another_definition_makes_all_anew(company: Company) -> None:
    path = company.folder / "staycurve.toml"
    path.write_text(path.read_text().replace("allowance = 4", "allowance = 8"))
    other = Company(company.folder, clock=company.clock)
    assert other.config.behaviour != company.config.behaviour
    # What was kept counted shares of another allowance.
    assert kept_days(other) == frozenset()
    other.refresh()
    assert kept_days(other)
    assert kept(other) == computed(other)


def test_a_damaged_table_is_computed_again(company: Company) -> None:
    rows = kept(company)
    for path in company.lake.parts(company.snapshot, NAME):
        Path(path).unlink()
    again = Company(company.folder, clock=company.clock)
    assert kept(again) == rows
