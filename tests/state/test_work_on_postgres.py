"""Two servers on one PostgreSQL: one alert an account and type, one who resolves, one who leads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from staycurve.actions.channels import sending
from staycurve.actions.playbooks import opening
from staycurve.errors import StaycurveError
from staycurve.interfaces.scheduling import Schedule
from staycurve.workspace import Company
from tests.state.postgres import Server
from tests.work.conftest import RULE, made, playbook
from tests.work.test_channels import HOOK

EVERY = 'every = "1d"\n'


@pytest.fixture
def server(tmp_path: Path, postgres: Server) -> Iterator[Company]:
    """A company whose app state lies on PostgreSQL."""
    url = postgres.new()
    with made(tmp_path / "one", playbooks=EVERY, extra=f'{HOOK}\n[state]\nurl = "{url}"') as found:
        playbook(found, RULE)
        yield found


@pytest.fixture
def other(server: Company) -> Iterator[Company]:
    """Another server of the same project."""
    with Company(server.folder, clock=server.clock) as found:
        yield found


def test_two_servers_that_run_at_once_open_one_alert_and_tell_it_once(
    server: Company, other: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)

    def run(one: Company) -> int:
        together.wait(30)
        opened: int = one.work.run(as_of="2024-07-01").rows[0]["opened"]
        return opened

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, (server, other))) == [0, 1]
    assert [one["account_id"] for one in other.work.alerts()] == ["mid"]
    assert [one["title"] for one in server.work.tasks()] == ["Write", "Call"]
    keys: list[str] = []
    monkeypatch.setattr(sending, "send_one", lambda _to, message, _now: keys.append(message.key))

    def send(one: Company) -> int:
        together.wait(30)
        return one.work.send()["sent"]

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, (server, other))) == [0, 1]
    assert len(keys) == 1


def test_of_two_who_resolve_at_once_one_wins_and_the_other_is_told(
    server: Company, other: Company
) -> None:
    server.work.run(as_of="2024-07-01")
    (alert,) = server.work.alerts()
    together = threading.Barrier(2)

    def resolve(given: tuple[Company, str]) -> str:
        one, who = given
        together.wait(30)
        try:
            one.work.resolve(alert["id"], reason="paid", by=who, version=alert["version"])
        except StaycurveError as error:
            return error.message
        return f"resolved by {who}"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(resolve, ((server, "Ana"), (other, "Ben"))))
    (row,) = server.work.alerts(has_resolved=True)
    winner = row["resolved_by"]
    assert said == [f"Alert {alert['id']} was resolved already: paid, by {winner}.",
                    f"resolved by {winner}"]
    what = [one["what"] for one in server.work.alert(alert["id"])["history"]]
    assert what == ["opened", "resolved"]


def test_what_is_resolved_while_a_run_wakes_it_stays_resolved(
    server: Company, other: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.work.run(as_of="2024-07-01")
    (alert,) = server.work.alerts()
    # The clock stands in November 2026: by then the charge of June is no reason any more.
    server.work.snooze(alert["id"], until="2026-11-23", reason="away", by="Ana")
    resolving = threading.Thread(
        target=lambda: other.work.resolve(alert["id"], reason="paid", by="Ben")
    )
    wake = opening._Run.wake

    def waking(run: opening._Run) -> None:
        run.today = run.today.replace(year=2027)
        resolving.start()
        # It waits for the run, or would be done by now.
        resolving.join(0.5)
        wake(run)

    with monkeypatch.context() as patched:
        patched.setattr(opening._Run, "wake", waking)
        server.work.run(as_of="2024-07-02")
    resolving.join(30)
    (row,) = server.work.alerts(has_resolved=True)
    assert (row["status"], row["resolved_by"]) == ("resolved", "Ben")
    assert server.work.alerts() == []
    what = [one["what"] for one in server.work.alert(alert["id"])["history"]]
    assert what == ["opened", "snoozed", "woken", "resolved"]


def test_one_server_leads_of_several_machines(
    server: Company, tmp_path: Path, postgres: Server
) -> None:
    # Another machine has a directory of its own, and the database in common.
    text = (server.folder / "staycurve.toml").read_text()
    folder = tmp_path / "two"
    Company.create(folder, name="Test", currency="USD", timezone="UTC")
    (folder / "staycurve.toml").write_text(text)
    with Company(folder, clock=server.clock) as there:
        first, second = Schedule(server), Schedule(there)
        first.lead()
        second.lead()
        assert (first.is_leading, second.is_leading) == (True, False)
        first.stop()
        second.lead()
        first.lead()
        assert (first.is_leading, second.is_leading) == (False, True)
        # A connection that was cut is taken anew, unless another server was faster.
        _cut(postgres)
        second.lead()
        assert second.is_leading
        _cut(postgres)
        first.lead()
        second.lead()
        assert (first.is_leading, second.is_leading) == (True, False)
        first.stop()


def _cut(postgres: Server) -> None:
    """End the connection that holds the lead."""
    given = f"host={postgres.folder} user=postgres dbname=postgres"
    with psycopg.connect(given, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
        ).fetchall()
    assert ended == [(True,)]
