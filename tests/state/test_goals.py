"""Goals in the database: two at most, whoever asks at once; kept on both databases."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from staycurve.errors import UsageError
from staycurve.state import goals
from staycurve.state.database import Database
from staycurve.state.records import Goal
from staycurve.state_place import StatePlace

NOW = dt.datetime(2024, 5, 1, 10, 30, tzinfo=dt.UTC)


def add(database: Database, metric: str = "mrr", **changes: Any) -> Goal:
    given: dict[str, Any] = {
        "metric": metric, "target": 0.1 + 0.2, "until_on": dt.date(2024, 9, 30), "owner": "Ana",
        "source": "subscriptions", "start_on": dt.date(2024, 4, 30), "start_value": 1e15 / 3,
        "drop": None, "who": "Bo", "now": NOW,
    } | changes
    with database.writing() as session:
        return goals.add(session, **given)


def test_a_goal_comes_back_as_it_was(database: Database) -> None:
    made = add(database)
    with database.reading() as session:
        (found,) = goals.listed(session)
    assert found == made
    assert (found.target, found.start_value, found.started_at) == (0.1 + 0.2, 1e15 / 3, NOW)


def test_active_ones_stand_by_date_and_ended_ones_after_them(database: Database) -> None:
    late = add(database, until_on=dt.date(2024, 12, 31))
    gone = add(database)
    add(database, "nrr", drop=gone.id)
    with database.reading() as session:
        assert [one.metric for one in goals.listed(session)] == ["nrr", "mrr"]
        every = goals.listed(session, has_past=True)
    assert [(one.id, one.status) for one in every] == [
        (3, "active"), (late.id, "active"), (gone.id, "dropped"),
    ]
    assert every[2].ended_at == NOW


def test_a_goal_that_cannot_be_set_drops_none(database: Database) -> None:
    kept = add(database)
    with pytest.raises(UsageError, match="The owner has"):
        add(database, drop=kept.id, owner="x" * 121)
    with pytest.raises(UsageError, match="finite"):
        add(database, target=float("nan"))
    with database.reading() as session:
        assert goals.listed(session) == (kept,)


@pytest.mark.parametrize("taken", ["3", "1", "NULL"])
def test_the_database_itself_holds_two(database: Database, taken: str) -> None:
    add(database)
    columns = "metric, target, until_on, owner, source, start_on, start_value, started_at, status"
    statement = text(
        f"INSERT INTO goals ({columns}, note, place) VALUES ('mrr', 1, '2024-01-31', 'a', 's', "
        f"'2024-01-31', 0, '2024-01-01 00:00:00', 'active', '', {taken})"
    )
    with database.reading() as session, pytest.raises(DBAPIError):
        session.execute(statement)


SETTING = """
import datetime as dt, json, sys
from pathlib import Path
from staycurve.errors import UsageError
from staycurve.state import goals
from staycurve.state.database import Database
from staycurve.state_place import StatePlace
database = Database(Path(sys.argv[1]), StatePlace(sys.argv[2]), wait=60)
with database.reading() as session:
    goals.listed(session)
print("ready", flush=True)
sys.stdin.readline()
try:
    with database.writing() as session:
        made = goals.add(
            session, metric="nrr", target=1.0, until_on=dt.date(2024, 9, 30), owner="Ana",
            source="s", start_on=dt.date(2024, 4, 30), start_value=0.9, drop=None, who="Bo",
            now=dt.datetime(2024, 5, 1, tzinfo=dt.UTC),
        )
    print(json.dumps(["set", made.id]))
except UsageError as error:
    print(json.dumps(["refused", error.message]))
"""


def test_of_processes_that_set_one_at_once_two_goals_are_kept(
    place: StatePlace, tmp_path: Path
) -> None:
    database = Database(tmp_path, place)
    first = add(database)
    words = [sys.executable, "-c", SETTING, str(tmp_path), place.url]
    started = [
        subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    answers = sorted(json.loads(one.communicate()[0]) for one in started)
    assert [kind for kind, _ in answers] == ["refused", "set"]
    assert answers[0][1].startswith(f"Two goals are active: {first.id} (mrr) or ")
    with database.reading() as session:
        assert [one.metric for one in goals.listed(session)] == ["mrr", "nrr"]
    database.close()
