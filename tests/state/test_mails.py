"""Mails and tickets of alerts on both databases: each once, in order, and within their bounds."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from staycurve.state import mails, tickets
from staycurve.state.database import Database
from staycurve.state.mail_models import MailRow
from staycurve.state.survey_mails import STALE
from staycurve.state.work_models import AlertRow

NOW = dt.datetime(2024, 7, 1, 9, 30, 15, 123456, tzinfo=dt.UTC)


def put(database: Database, key: str, **more: str | dt.datetime) -> int | None:
    """The number of a mail that waits now; None where one of its key did already."""
    given: dict[str, object] = {
        "kind": mails.DIGEST, "email": "ana@acme.example", "subject": "Größe 😀",
        "text": "Zeile\nzwei", "html": "<p>Zeile</p>", "now": NOW,
    }
    with database.writing() as session:
        row = mails.put(session, key=key, **(given | more))  # type: ignore[arg-type]
        return None if row is None else row.id


def alert(database: Database) -> int:
    """The number of an alert that is open."""
    with database.writing() as session:
        row = AlertRow(
            account_id="big", account_name="Big", type="risk", playbook="late", status="open",
            owner="Ana", opened_on=NOW.date(), opened_at=NOW, due_on=NOW.date(), mrr=10.0,
            chance=0.5, can_do=0.5, rank=2.5, evidence=[], snooze_reason="",
            resolved_by="", reason="", note="", version=1,
        )
        session.add(row)
        session.flush()
        return row.id


def test_the_last_migration_made_their_tables_and_indexes(database: Database) -> None:
    alert(database)
    with database.reading() as session:
        found = inspect(session.connection())
        indexes = {
            table: {one["name"] for one in found.get_indexes(table)}
            for table in ("mails", "alert_tickets")
        }
        unique = {
            table: [one["column_names"] for one in found.get_unique_constraints(table)]
            for table in ("mails", "alert_tickets")
        }
    assert {"ix_mails_state", "ix_mails_account_id"} <= indexes["mails"]
    assert {"ix_alert_tickets_state", "ix_alert_tickets_reference"} <= indexes["alert_tickets"]
    assert unique == {"mails": [["key"]], "alert_tickets": [["alert_id", "desk"]]}


def test_of_two_who_put_one_in_at_once_the_database_lets_one(database: Database) -> None:
    assert put(database, "first") is not None
    together = threading.Barrier(2)

    def run(_number: int) -> int | None:
        together.wait(30)
        return put(database, "same")

    with ThreadPoolExecutor(2) as pool:
        assert sorted(one is None for one in pool.map(run, range(2))) == [False, True]
    with database.writing() as session:
        (first, second) = mails.due(session, NOW, most=9)
        assert [mails.claim(session, first, NOW) for _again in range(2)] == [True, False]
        assert mails.due(session, NOW, most=9) == [second]
        assert mails.stale(session, NOW + STALE) == []
        assert mails.stale(session, NOW + STALE * 2) == [first]
        row = session.get(MailRow, first)
        assert row is not None
        session.refresh(row)
        assert (row.subject, row.text, row.claimed_at, row.attempts) == (
            "Größe 😀", "Zeile\nzwei", NOW, 1
        )


def test_a_newer_one_takes_the_place_of_those_of_its_prefix_alone(database: Database) -> None:
    # A percent sign or underscore is no wildcard.
    old, other, new = (put(database, key) for key in ("d:a_%:1", "d:abc:1", "d:a_%:2"))
    with database.writing() as session:
        row = session.get(MailRow, new)
        assert row is not None
        mails.replace(session, row, "d:a_%:", now=NOW, said="newer")
    with database.reading() as session:
        states = {one.id: one.state for one in mails.listed(session, most=9)}
    assert states == {old: "dropped", other: "waiting", new: "waiting"}


def test_those_that_ended_are_blanked_once(database: Database) -> None:
    sent, waiting = put(database, "sent"), put(database, "waiting")
    recap = put(database, "recap", kind=mails.RECAP, email="ann@big.example")
    with database.writing() as session:
        for number in (sent, recap):
            assert number is not None
            mails.settle(session, number, mails.SENT, now=NOW, said="250 ok")
    later = NOW + dt.timedelta(microseconds=1)
    with database.writing() as session:
        assert [mails.expire(session, at) for at in (NOW, later, later)] == [0, 2, 0]
        assert mails.expired_count(session, later) == 0
    with database.reading() as session:
        found = {one.id: (one.email, one.text, one.said) for one in mails.listed(session, most=9)}
    assert found == {
        sent: ("(expired)", "(expired)", ""), recap: ("ann@big.example", "(expired)", ""),
        waiting: ("ana@acme.example", "Zeile\nzwei", ""),
    }


def test_an_alert_has_one_ticket_at_a_desk(database: Database) -> None:
    first, second = alert(database), alert(database)
    with database.writing() as session:
        asked = [tickets.ask(session, one, desk, now=NOW) for one, desk in (
            (first, "zendesk"), (first, "zendesk"), (first, "jira"), (second, "zendesk"))]
        assert [one is None for one in asked] == [False, True, False, False]
        assert asked[0] is not None
        assert tickets.opened(session, asked[0], "4711", who="zendesk", now=NOW)
    with database.reading() as session:
        assert {one: [row.desk for row in rows] for one, rows in
                tickets.of_alerts(session, [first, second, 99]).items()} == {
            first: ["jira", "zendesk"], second: ["zendesk"]
        }
        assert [row.alert_id for row in tickets.unsolved(session)] == [first]


@pytest.mark.parametrize("statement", [
    "UPDATE mails SET email = ''", "UPDATE mails SET kind = 'much too long for it'",
    "UPDATE mails SET key = 'first'",
    "INSERT INTO alert_tickets (alert_id, desk, state, reference, asked_at, solved_by) "
    "VALUES (99, 'zendesk', 'asked', '', '2024-07-01', '')",
])
def test_the_database_itself_holds_their_bounds(database: Database, statement: str) -> None:
    assert put(database, "first") != put(database, "second")
    with database.bare() as connection, pytest.raises(DBAPIError):
        connection.execute(text(statement))
