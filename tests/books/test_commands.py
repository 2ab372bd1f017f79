"""The commands that keep the books, as they are typed."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from staycurve.errors import StaycurveError
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.books.keeping import Bookkeeper
from tests.company import NOW
from tests.invariants.test_interruption import run_dying

HEAD = "subscription_id,account_id,starts_at,ends_at,amount,end_reason\n"


def run(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["--project", str(folder), *words], catch_exceptions=True)
    if done.exception:
        raise done.exception
    return done.stdout


def test_a_month_from_load_to_restatement(tmp_path: Path) -> None:
    folder, file = tmp_path / "acme", tmp_path / "subscriptions.csv"
    run(folder, "init")
    file.write_text(HEAD + "s1,a,2024-01-01,2024-02-10,10,unclear\ns2,b,2024-01-01,2024-03-02,20,")
    run(folder, "load", str(file))
    assert run(folder, "close", "2024-01").startswith("Closed 2024-01 as of 2024-03-03")
    run(folder, "close", "2024-02")
    file.write_text(HEAD + "s2,b,2024-01-01,2024-03-02,20,")
    said = run(folder, "load", "--replace", str(file))
    assert "accepted 0, replaced 1, rejected 0, removed 1" in said
    found = json.loads(run(folder, "restatements", "--format", "json"))["rows"]
    assert [one["month"] for one in found] == ["2024-01", "2024-02"]
    cause = found[0]["accounts"][0]["causes"][0]
    assert (cause["kind"], cause["rows"]) == ("replace", ["removed s1, 2024-01-01"])
    assert "load 2 (replace subscriptions.csv)" in run(folder, "restatements")
    listed = json.loads(run(folder, "close", "--list", "--format", "json"))["rows"]
    assert [row["accounts_changed"] for row in listed] == [1, 1]
    assert run(folder, "undo").startswith("load 2, subscriptions.csv → subscriptions: removed 0")
    assert "No closed month has changed." in run(folder, "restatements")
    run(
        folder, "adjust", "subscriptions", "--key", "subscription_id=s1,starts_at=2024-01-01",
        "--set", "end_reason=payment failed", "--author", "Ana", "--reason", "Bank letter",
    )
    assert "Ana" in run(folder, "adjust", "--list")
    loads = json.loads(run(folder, "loads", "--format", "json"))["rows"]
    assert [(row["kind"], row["undone_by"]) for row in loads] == [
        ("load", None), ("replace", 3), ("undo", None), ("adjust", None),
    ]
    with pytest.raises(StaycurveError, match="closed month 2024-01 rests on load 1"):
        run(folder, "undo", "1")
    assert "restored 0" in run(folder, "undo", "1", "--restate")


@pytest.mark.parametrize("words", [("close",), ("close", "2024-01", "--list"), ("adjust",)])
def test_half_a_command_is_wrong_usage(words: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(StaycurveError) as raised:
        run(tmp_path, *words)
    assert raised.value.exit_status == 2


@pytest.mark.parametrize("point", [("_commit", 2, "after"), ("move", 1, "before")])
def test_a_killed_undo_never_happened(point: tuple[str, int, str], books: Bookkeeper) -> None:
    head = "subscription_id account_id starts_at ends_at amount\n"
    books.load(subscriptions=head + "s1 a 2024-01-01 - 10")
    first = books.state()
    books.load(subscriptions=head + "s1 a 2024-01-01 - 12\ns2 b 2024-01-01 - 1")
    before = books.state()
    folder = books.company.folder
    assert run_dying(*point, "--project", str(folder), "undo") == -signal.SIGKILL
    with Company(folder, clock=lambda: NOW) as ours:
        books.company = ours
        assert books.state() == before
        ours.books.undo()
        assert books.state() == first
