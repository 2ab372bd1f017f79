"""Events with clocks, sizes and names that cannot be right: set aside and listed, or counted."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from staycurve.insights.examination.doctor import Finding, examine
from staycurve.workspace import Company
from tests.company import NOW, build, load

HEAD = "event_id account_id user_id event occurred_at received_at\n"


def event(number: int, **given: Any) -> dict[str, Any]:
    return {
        "event_id": f"e{number}", "account_id": "a", "user_id": "u", "event": "view",
        "occurred_at": "2024-02-01T10:00:00Z",
    } | given


@pytest.fixture
def ours(tmp_path: Path) -> Company:
    return build(tmp_path / "p", {"accounts": "account_id\na"})


def aside(company: Company) -> list[tuple[str, str]]:
    return [(row["column"], row["rule"]) for row in company.rejects()]


def stored(company: Company) -> int:
    return next(row["rows"] for row in company.tables() if row["table"] == "events")


@pytest.mark.parametrize(
    ("given", "column", "rule"),
    [
        ({"occurred_at": "1970-01-01T00:00:00Z"}, "occurred_at",
         "lies before 2000: a clock that was not set"),
        ({"occurred_at": (NOW + dt.timedelta(hours=25)).isoformat()}, "occurred_at",
         "lies in the future: the sender's clock runs ahead"),
        ({"received_at": "2024-01-31T09:00:00Z"}, "occurred_at",
         "is later than received_at 2024-01-31T09:00:00Z: the sender's clock runs ahead"),
        ({"received_at": (NOW + dt.timedelta(days=3)).isoformat()}, "received_at",
         "lies in the future"),
        ({"properties": json.dumps({"x": "y" * (1 << 20)})}, "properties",
         "is longer than 1 MiB"),
        ({"properties": "[1, 2]"}, "properties", "is not a JSON object"),
        ({"event": ""}, "event", "is missing"),
        ({"event_id": ""}, "event_id", "is missing"),
    ],
)
def test_what_cannot_be_is_set_aside_with_its_rule(
    given: dict[str, Any], column: str, rule: str, ours: Company
) -> None:
    with ours:
        load(ours, {"events": [event(1), event(2, **given)]})
        assert aside(ours) == [(column, rule)]
        assert stored(ours) == 1


def test_a_clock_that_runs_a_little_ahead_counts_and_is_named(ours: Company) -> None:
    with ours:
        load(ours, {"events": [event(1, received_at="2024-02-01T09:30:00Z"),
                               event(2, occurred_at=(NOW + dt.timedelta(hours=23)).isoformat())]})
        assert aside(ours) == []
        assert stored(ours) == 2
        assert found(ours, "clock_skew").count == 1


def test_the_tolerance_is_a_setting(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"accounts": "account_id\na"}) as ours:
        path = ours.folder / "staycurve.toml"
        path.write_text('usage = { future_tolerance = "10d" }\n' + path.read_text())
    with Company(tmp_path / "p", clock=lambda: NOW) as ours:
        at = (NOW + dt.timedelta(days=9)).isoformat()
        load(ours, {"events": [event(1, occurred_at=at)]})
        assert stored(ours) == 1


def test_nested_properties_are_kept_as_they_are(ours: Company) -> None:
    nested = {"plan": {"name": "Pro", "seats": [1, 2, {"x": None}]}, "ü": "☃"}
    with ours:
        load(ours, {"events": [event(1, properties=json.dumps(nested, ensure_ascii=False))]})
        with ours.reading() as engine:
            kept = engine.value("SELECT properties FROM events")
    assert json.loads(kept) == nested


def test_events_of_an_unknown_account_wait_and_join_with_their_day(ours: Company) -> None:
    with ours:
        load(ours, {"events": [event(1), event(2, account_id="late")]})
        assert [row["rule"] for row in ours.rejects()] == ["waits: there is no such account yet"]
        load(ours, {"accounts": "account_id\nlate"})
        assert ours.rejects() == []
        with ours.reading() as engine:
            days = engine.rows("SELECT account_id FROM usage_days ORDER BY account_id")
        assert days == [("a",), ("late",)]


def test_the_same_event_twice_is_one_even_years_later(ours: Company) -> None:
    with ours:
        load(ours, {"events": [event(1)]})
        load(ours, {"events": [event(n, occurred_at=f"2025-{n:02}-01") for n in range(2, 12)]})
        load(ours, {"events": [event(1)]})
        assert stored(ours) == 11
        with ours.reading() as engine:
            assert engine.value("SELECT SUM(uses) FROM usage_days") == 11


def found(company: Company, check: str) -> Finding:
    with company.reading() as engine:
        findings = examine(
            company.config, company.lake, company.snapshot, engine, company.as_of()
        )
    return next(one for one in findings if one.check == check)


def test_ten_thousand_names_are_loaded_and_named(ours: Company) -> None:
    with ours:
        load(ours, {"events": [event(n, event=f"opened /item/{n}") for n in range(10_000)]})
        assert found(ours, "event_names").count == 10_000
        assert ours.show("feature_adoption", as_of="2024-03-01").rows[0]["value"] == 1


def test_users_of_no_account_are_named(ours: Company) -> None:
    with ours:
        load(ours, {"events": [event(1, account_id=""), event(2, account_id="", user_id="")]})
        assert found(ours, "users_without_account").count == 1
        assert found(ours, "anonymous_events").count == 1
        assert ours.show("mau", as_of="2024-03-01").rows[0]["value"] == 1
