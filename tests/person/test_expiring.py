"""What rows say of people goes when it is too old; rows, ids and numbers stay."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from staycurve.errors import ConfigError
from staycurve.interfaces.scheduling import Schedule
from staycurve.retention_rules import RETENTION, Retention
from staycurve.sources.files import load_files
from staycurve.workspace import Company
from tests.company import NOW, build, rows_of, write_csv
from tests.person.test_forgetting import figures, holding

ACCOUNTS = """
    account_id name created_at
    acme       Acme 2024-01-01"""
USERS = """
    user_id account_id email name
    u1      acme       -     -"""
EVENTS = """
    event_id user_id account_id event  occurred_at      properties
    e1       u1      acme       viewed 2024-02-03T10:00 {"email":"Anna.Keller@acme.example","n":1}
    e2       u1      acme       viewed 2026-10-03T10:00 {"email":"late@acme.example","n":1}"""
ANSWERS = """
    answer_id survey kind account_id user_id answered_at score comment
    a1        q1     nps  acme       u1      2024-02-11  9     Ask_Anna_Keller
    a2        q1     nps  acme       u1      2026-10-11  9     Late"""
RULES = '[retention]\nevents = "24 months"\nanswers = "90 days"\nrejects = "1 year"\n'


def test_what_is_old_is_blanked_and_no_number_changes(tmp_path: Path) -> None:
    tables = {"accounts": ACCOUNTS, "users": USERS, "events": EVENTS, "answers": ANSWERS}
    with build(tmp_path / "project", tables) as company:
        path = write_csv(tmp_path / "tickets.csv", rows_of("""
            ticket_id account_id opened_at  topic
            t1        acme       never      Anna_Keller
            t2        acme       2024-03-01 Login"""))
        then = NOW - dt.timedelta(days=500)
        load_files(company.lake, company.config, [path], now=then)
        company.refresh()
        before = figures(company)
        assert company.personal.expire() == {}
        folder = company.folder
    with (folder / "staycurve.toml").open("a") as file:
        file.write(RULES)
    with Company(folder, clock=lambda: NOW) as company:
        planned = company.personal.expire(is_dry_run=True)
        assert planned == {"answers": 1, "events": 1, "rejects": 1}
        assert holding(folder / "lake") != []
        # As a server does.
        Schedule(company).expire()
        assert company.personal.expire() == {}
        assert holding(folder / "lake") == []
        assert figures(company) == before
        with company.reading() as engine:
            kept = engine.rows("SELECT properties FROM events ORDER BY event_id")
            said = engine.rows("SELECT comment FROM answers ORDER BY answer_id")
        assert [json.loads(row[0]) for row in kept] == [
            {"email": "(expired)", "n": 1}, {"email": "late@acme.example", "n": 1},
        ]
        assert said == [(None,), ("Late",)]
        (row,) = company.rejects()
        assert (row["line"], row["value"]) == (2, "(expired)")
        entry = company.state.audit()[0]
        assert (entry.what, entry.detail) == ("person.expire", planned)


@pytest.mark.parametrize(("span", "before"), [
    ("1 month", "2026-02-28T12:00:00"), ("90 days", "2025-12-31T12:00:00"),
    ("2 years", "2024-03-31T12:00:00"), ("13 months", "2025-02-28T12:00:00"),
])
def test_lengths_of_time_go_by_the_calendar(span: str, before: str) -> None:
    now = dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC)
    assert Retention(events=span).cutoffs(now) == {"events": dt.datetime.fromisoformat(before)}


@pytest.mark.parametrize("given", [{"events": "soon"}, {"events": "0 days"}, {"event": "1 day"}])
def test_what_is_no_length_of_time_is_an_error(given: dict[str, str]) -> None:
    found, wrong = RETENTION.read(given)
    assert found == Retention()
    assert isinstance(wrong[0], ConfigError)
