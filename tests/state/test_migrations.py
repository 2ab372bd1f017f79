"""Migrations: from nothing to the newest, as the models say, once, and never backwards."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from staycurve.errors import StateError
from staycurve.state import migrating, views
from staycurve.state.database import Database
from staycurve.state.metadata import metadata
from staycurve.state_place import StatePlace

pytestmark = pytest.mark.usefixtures("run_migrations")
NOW = dt.datetime(2024, 5, 1, 12, 30, 15, 123456, tzinfo=dt.timezone(dt.timedelta(hours=2)))


def migrated(database: Database) -> Database:
    """The database, brought to the newest form."""
    with database.reading():
        pass
    return database


def test_an_empty_database_is_brought_to_the_newest_form(database: Database) -> None:
    with migrated(database).reading() as session:
        connection = session.connection()
        assert migrating.revision(connection) == migrating.HEAD
        tables = set(inspect(connection).get_table_names())
    assert tables == {
        "views", "annotations", "dismissals", "goals", "imports", "keys", "account_matches",
        "audit", "member_lists", "member_spells", "alerts", "alert_events", "tasks", "milestones",
        "outbox", "forgotten", "backups", "signing_keys", "surveys", "survey_versions",
        "survey_invitations", "survey_mails", "survey_responses", "survey_occasions",
        "suppressions", "experiment_arms",
        "received_answers", "codebook_changes", "notes", "people", "sessions", "links", "secrets",
        "pulses", "health_models", "health_scores", "health_days", "mails", "alert_tickets",
        "alembic_version",
    }


def test_models_and_migrations_agree(database: Database) -> None:
    with migrated(database).reading() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata()) == []


def test_bounds_of_models_and_migrations_agree(database: Database) -> None:
    # What Alembic compares leaves CHECK constraints out.
    with migrated(database).reading() as session:
        seen = inspect(session.connection())
        assert metadata().sorted_tables
        for table in metadata().sorted_tables:
            bounds = [one for one in table.constraints if isinstance(one, CheckConstraint)]
            assert bounds
            found = {one["name"] for one in seen.get_check_constraints(table.name)}
            assert found == {_name(table.name, one) for one in bounds}


def _name(table: str, bound: CheckConstraint) -> str:
    text = str(bound.sqltext)
    if text.startswith("length("):
        return f"ck_{table}_{text.partition('(')[2].partition(')')[0]}_length"
    if text.startswith("decision IN"):
        return f"ck_{table}_decision_known"
    if text.startswith("accounts >="):
        return f"ck_{table}_accounts_counted"
    return f"ck_{table}_{'place_of_two' if 'BETWEEN' in text else 'place_if_active'}"


def test_the_head_that_the_code_names_is_the_last_migration() -> None:
    scripts = ScriptDirectory.from_config(migrating.configuration())
    assert scripts.get_heads() == [migrating.HEAD]


@pytest.mark.parametrize("column", ["name", "page", "query", "created_by"])
def test_the_database_itself_holds_lengths(database: Database, column: str) -> None:
    row = {"name": "n", "page": "/", "query": "", "created_by": ""} | {column: "x" * 2001}
    statement = text(
        "INSERT INTO views (name, page, query, created_at, created_by) "
        "VALUES (:name, :page, :query, '2024-01-01 00:00:00', :created_by)"
    )
    with migrated(database).reading() as session, pytest.raises(DBAPIError):
        session.execute(statement, row)


def test_names_are_unique_in_the_database_itself(database: Database) -> None:
    statement = text(
        "INSERT INTO views (name, page, query, created_at, created_by) "
        "VALUES ('one', '/', '', '2024-01-01 00:00:00', '')"
    )
    with migrated(database).reading() as session:
        session.execute(statement)
        with pytest.raises(IntegrityError):
            session.execute(statement)


def test_instants_come_back_in_utc_to_the_microsecond(database: Database) -> None:
    with database.writing() as session:
        views.save(session, name="v", page="/", query="", who="", now=NOW)
    with database.reading() as session:
        (found,) = views.listed(session)
    assert found.created_at == NOW
    assert found.created_at.isoformat() == "2024-05-01T10:30:15.123456+00:00"


def test_a_newer_database_is_refused_and_left_as_it_is(database: Database) -> None:
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for used in (database.reading, database.writing):
        with pytest.raises(StateError) as error, used():
            pass
        assert "was written by a newer staycurve (migration 9999" in error.value.message
        assert "pip install --upgrade staycurve" in error.value.hint


def test_a_migration_that_fails_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = migrating.upgrade

    def broken(connection: object) -> None:
        done(connection)  # type: ignore[arg-type]
        raise RuntimeError("stopped")

    monkeypatch.setattr(migrating, "upgrade", broken)
    with pytest.raises(RuntimeError, match="stopped"), database.writing():
        pass
    monkeypatch.undo()
    with database._all().connect() as connection:
        assert inspect(connection).get_table_names() == []
    migrated(database)


STARTING = """
import json, sys
from pathlib import Path
from staycurve.state.database import Database
from staycurve.state_place import StatePlace
from staycurve.state import migrating
done, runs = migrating.upgrade, []
migrating.upgrade = lambda connection: (runs.append(1), done(connection))
database = Database(Path(sys.argv[1]), StatePlace(sys.argv[2]), wait=60)
print("ready", flush=True)
sys.stdin.readline()
with database.reading() as session:
    print(json.dumps([len(runs), migrating.revision(session.connection())]))
"""


def test_processes_that_start_at_once_migrate_once(place: StatePlace, tmp_path: Path) -> None:
    words = [sys.executable, "-c", STARTING, str(tmp_path), place.url]
    started = [
        subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    answers = [json.loads(one.communicate()[0]) for one in started]
    assert [revision for _, revision in answers] == [migrating.HEAD] * 4
    assert sum(runs for runs, _ in answers) == 1
