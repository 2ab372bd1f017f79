"""Files of usage_days: few, whatever arrives when, and the rows are those of the events."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from staycurve.tables import usage_days, usage_refresh, writing
from staycurve.tables.delta import DeltaTables
from staycurve.workspace import Company
from tests.company import build, load

START = dt.date(2024, 1, 20)


def events(first: int, last: int, *, hour: int = 9) -> list[dict[str, str]]:
    """An event on each day from the first, by who changes from day to day."""
    return [
        {"event_id": f"e{n}-{hour}", "account_id": "acme", "user_id": f"u{n % 3}", "event": "view",
         "occurred_at": f"{START + dt.timedelta(days=n)}T{hour:02}:00:00Z"}
        for n in range(first, last)
    ]


def rows(company: Company) -> list[Any]:
    with company.reading() as engine:
        return engine.rows(
            "SELECT user_id, CAST(day AS VARCHAR), uses FROM usage_days ORDER BY 2, 1"
        )


def wanted(held: list[dict[str, str]]) -> list[Any]:
    """The same by counting."""
    found: dict[tuple[str, str], int] = {}
    for one in held:
        key = (one["occurred_at"][:10], one["user_id"])
        found[key] = found.get(key, 0) + 1
    return [(user, day, count) for (day, user), count in sorted(found.items())]


def files(company: Company) -> int:
    return len(company.lake.files(company.lake.pointer.latest(), "usage_days"))


def test_a_month_is_a_file_and_todays_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SMALL_FILES", 4)
    held = events(0, 30)
    with build(tmp_path / "p", {
        "accounts": "account_id\nacme", "events": held,
    }) as company:
        # 20 January to 18 February.
        assert files(company) == 2
        most = 0
        for turn in range(6):
            # A day after the last, and another event on a day of each month.
            more = [*events(30 + turn, 31 + turn), *events(turn, turn + 1, hour=10 + turn),
                    *events(15 + turn, 16 + turn, hour=10 + turn)]
            held = [*held, *more]
            assert not load(company, {"events": more}).is_full
            assert rows(company) == wanted(held)
            most = max(most, files(company))
        assert most <= 2 * (4 + 2)
        company.refresh(is_full=True)
        assert (rows(company), files(company)) == (wanted(held), 2)


def test_files_of_days_are_laid_out_anew_and_the_earlier_version_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = events(0, 5)
    earlier = usage_days.USAGE_DAYS
    with monkeypatch.context() as before:
        # As the version before laid them out.
        before.setattr(usage_refresh, "USAGE_VERSION", 1)
        object.__setattr__(earlier, "partition", "day")
        try:
            company = build(tmp_path / "p", {"accounts": "account_id\nacme", "events": held})
        finally:
            object.__setattr__(earlier, "partition", "month_on")
    with company:
        then = company.lake.pointer.latest()
        assert files(company) == 5
        assert company.is_due()
        company.refresh()
        assert (rows(company), files(company)) == (wanted(held), 1)
        lake = DeltaTables(company.folder)
        assert len(lake.files(then, "usage_days")) == 5
        more = events(5, 6)
        assert not load(company, {"events": more}).is_full
        assert rows(company) == wanted([*held, *more])
