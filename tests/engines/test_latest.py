"""The latest instant is that of what is loaded now, found in the files that changed alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from staycurve.tables.duckdb_engine import Engine
from tests.company import create, load


def test_the_latest_instant_follows_what_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def span(number: int, ends_at: str) -> dict[str, str]:
        return {"subscription_id": f"s{number}", "account_id": f"a{number}", "amount": "10",
                "starts_at": "2024-01-01", "ends_at": ends_at}

    with create(tmp_path / "project", timezone="America/New_York") as company:
        load(company, {"subscriptions": [span(n, "2024-02-01") for n in range(9)]})
        assert company.snapshot.meta["latest_at"] == "2024-02-01T05:00:00+00:00"
        load(company, {"subscriptions": [span(1, "2024-05-01")]})
        assert company.snapshot.meta["latest_at"] == "2024-05-01T04:00:00+00:00"
        load(company, {"subscriptions": [span(1, "2024-01-20")]})
        assert company.snapshot.meta["latest_at"] == "2024-02-01T05:00:00+00:00"
        asked: list[str] = []
        plain = Engine.latest

        def latest(engine: Engine, paths: list[str], columns: list[str]) -> list[object]:
            asked.extend(paths)
            return plain(engine, paths, columns)

        monkeypatch.setattr(Engine, "latest", latest)
        load(company, {"events": [{"event_id": "e1", "account_id": "a1", "event": "view",
                                   "occurred_at": "2024-06-01T12:00:00Z"}]})
        load(company, {"events": [{"event_id": "e2", "account_id": "a1", "event": "view",
                                   "occurred_at": "2024-06-02T12:00:00Z"}]})
        assert company.snapshot.meta["latest_at"] == "2024-06-02T12:00:00+00:00"
        events = {path for path in asked if "/events/" in path}
        assert len([path for path in asked if "/events/" in path]) == 2 * len(events)
