"""The commands and the HTTP interface answer as Python does."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.insights.usage_company import at_random, company_of

AS_OF = "2024-04-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return company_of(tmp_path_factory.mktemp("asked"), at_random(2, count=200))


@pytest.fixture(scope="module")
def client(company: Company) -> TestClient:
    return TestClient(create_app(company))


@pytest.fixture
def run(company: Company) -> Callable[..., str]:
    def said(*words: str) -> str:
        done = CliRunner().invoke(
            app, ["--project", str(company.folder), "usage", *words, "--as-of", AS_OF],
            catch_exceptions=False,
        )
        assert done.exit_code == 0, done.output
        return done.stdout

    return said


ASKED: list[tuple[list[str], str, Callable[[Company], Any]]] = [
    (["retention", "--per", "week", "--starts", "every"], "retention?per=week&starts=every",
     lambda c: c.usage.retention(per="week", starts="every", as_of=AS_OF)),
    (["lifecycle", "--whose", "account", "--from", "2024-01", "--to", "2024-03"],
     "lifecycle?whose=account&from=2024-01&to=2024-03",
     lambda c: c.usage.lifecycle(whose="account", first="2024-01", last="2024-03", as_of=AS_OF)),
    (["funnel", "a", "b", "c", "--window", "7d", "--exclude", "d@1-2"],
     "funnel?steps=a&steps=b&steps=c&window=7d&exclude=d@1-2",
     lambda c: c.usage.funnel(steps=["a", "b", "c"], window="7d", exclude=["d@1-2"], as_of=AS_OF)),
    (["paths", "a", "--size", "2", "--within", "3d"], "paths?anchor=a&size=2&within=3d",
     lambda c: c.usage.paths(anchor="a", size=2, within="3d", as_of=AS_OF)),
    (["activity", "--top", "3", "--day", "2024-03-01"], "activity?top=3&day=2024-03-01",
     lambda c: c.usage.activity(top=3, day="2024-03-01", as_of=AS_OF)),
]


@pytest.mark.parametrize(("words", "address", "ask"), ASKED, ids=[one[0][0] for one in ASKED])
def test_every_interface_gives_the_same(
    company: Company, client: TestClient, run: Callable[..., str], words: list[str], address: str,
    ask: Callable[[Company], Any],
) -> None:
    expected = ask(company).as_dict()
    assert expected["rows"]
    assert json.loads(run(*words, "--format", "json")) == expected
    answer = client.get(f"/api/v1/usage/{address}&as_of={AS_OF.replace('+', '%2B')}")
    assert answer.json() == expected
    assert len(list(csv.DictReader(io.StringIO(run(*words, "--format", "csv"))))) == len(
        expected["rows"]
    )
    assert "as of 2024-04-01" in run(*words)


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (["retention", "--members", "2024-01:1"], "retention?members=2024-01:1"),
        (["lifecycle", "--members", "2024-02:returning"], "lifecycle?members=2024-02:returning"),
        (["funnel", "a", "b", "--members", "2"], "funnel?steps=a&steps=b&members=2"),
        (["funnel", "a", "b", "--dropped", "2"], "funnel?steps=a&steps=b&members=2:dropped"),
        (["funnel", "a", "b", "--pending", "1", "--window", "90d"],
         "funnel?steps=a&steps=b&window=90d&members=1:pending"),
        (["activity", "--members", "1-3"], "activity?members=1-3"),
        (["activity", "--members", "wau", "--day", "2024-03-01"],
         "activity?members=wau&day=2024-03-01"),
        (["retention", "--members", "all:1"], "retention?members=all:1"),
        (["lifecycle", "--members", "2024-02:active"], "lifecycle?members=2024-02:active"),
        (["paths", "a", "--members", "2"], "paths?anchor=a&members=2"),
        (["paths", "a", "--members", "all"], "paths?anchor=a&members=all"),
        (["paths", "a", "--listed", "2", "--members", "others"],
         "paths?anchor=a&listed=2&members=others"),
    ],
)
def test_numbers_open_everywhere(
    client: TestClient, run: Callable[..., str], words: list[str], address: str
) -> None:
    listed = json.loads(run(*words, "--format", "json"))
    assert listed["rows"]
    assert listed["total"]
    answer = client.get(f"/api/v1/usage/{address}&as_of={AS_OF.replace('+', '%2B')}")
    assert answer.json() == listed
    assert listed["rows"][0]["user_id"] in run(*words)
    assert run(*words, "--format", "csv").startswith("user_id,account_id")


def test_errors_have_the_shape_of_every_error(client: TestClient) -> None:
    answer = client.get("/api/v1/usage/paths?anchor=bb")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "unknown_event"
    # What nobody has done yet is a known answer of a funnel: 0, with a note.
    answer = client.get("/api/v1/usage/funnel?steps=a&steps=bb")
    assert answer.status_code == 200
    assert [row["count"] for row in answer.json()["rows"]][1] == 0
    assert "Nobody has done the event 'bb' yet. Did you mean 'b'?" in answer.json()["notes"]
    answer = client.get("/api/v1/usage/retention?members=2024-02:x")
    assert answer.json()["error"]["message"] == "'x' is not a whole number."
    assert client.get("/api/v1/usage/paths?anchor=a&sise=2").status_code == 422


def test_a_funnel_says_how_many_are_still_in_time(run: Callable[..., str]) -> None:
    asked = ("funnel", "a", "b", "--window", "90d")
    pending = json.loads(run(*asked, "--pending", "1", "--format", "json"))["total"]["value"]
    assert f"{pending} are still in time" in run(*asked)
    assert "still in time" not in run("funnel", "a", "b", "--window", "7d")


def test_sessions_are_printed_or_why_there_are_none(
    tmp_path: Path, run: Callable[..., str]
) -> None:
    assert "names no property for the session" in run("activity")
    events = """
        account user event occurred_at         platform session
        acme    ann  used  2024-03-30T10:00:00 web      s1
        acme    ann  used  2024-03-30T10:06:00 web      s1
        acme    bob  used  2024-03-31T10:00:00 web      s2"""
    named = company_of(tmp_path, events, settings='[usage]\nsession = "session"')
    done = CliRunner().invoke(
        app, ["--project", str(named.folder), "usage", "activity", "--as-of", AS_OF]
    )
    _, _, table = done.stdout.partition("Sessions\n")
    # Two sessions of two users, of 2 and 1 events, 6 minutes and none.
    assert table.splitlines()[3].split() == ["2", "2", "3", "1.50", "3.0", "min"]
    assert "property for the session" not in done.stdout


def test_a_company_without_events_answers_all(tmp_path: Path) -> None:
    usage = company_of(tmp_path, []).usage
    for found in (usage.retention(), usage.lifecycle(), usage.activity()):
        assert found.why == "no events are loaded"
