"""A process that is killed at any step of opening an alert leaves what the next one ends."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from staycurve.actions.channels import sending
from staycurve.actions.channels.settings import CHANNELS
from staycurve.workspace import Company
from tests.company import NOW
from tests.work.conftest import RULE, made, playbook
from tests.work.killing import ARRIVED, AS_OF
from tests.work.test_channels import HOOK

LATER = NOW + dt.timedelta(minutes=11)
"""When the lease of a sender that was killed is over."""
Asked = Callable[[int], dict[str, Any]]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with made(tmp_path_factory.mktemp("killed") / "p", extra=HOOK) as found:
        playbook(found, RULE)
        with found.state.database.writing():
            pass
        yield found


@pytest.fixture(scope="module")
def ask(company: Company) -> Iterator[Asked]:
    """Lets a child run and send, killed at a step; each begins with nothing kept."""
    words = [sys.executable, "-m", "tests.work.killing", str(company.folder)]
    process = subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    told, said = process.stdin, process.stdout
    empty = (company.folder / "app.db").read_bytes()

    def asked(step: int) -> dict[str, Any]:
        for left in company.folder.glob("app.db-*"):
            left.unlink()
        (company.folder / "app.db").write_bytes(empty)
        (company.folder / "arrived.txt").write_text("")
        told.write(f"{step}\n")
        told.flush()
        found: dict[str, Any] = json.loads(said.readline())
        return found

    yield asked
    told.close()
    process.wait(10)


def ended(company: Company) -> list[str]:
    """Run and send once more, after the lease: the keys of what has arrived by then."""
    arrived = (company.folder / "arrived.txt").read_text().split()

    def send(_channel: object, message: sending.Message, _now: object) -> None:
        arrived.append(message.key)

    company.work.run(as_of=AS_OF)
    sending.send_all(
        company.state.database, company.config[CHANNELS], clock=lambda: LATER, send=send
    )
    return arrived


def test_a_process_killed_at_any_step_leaves_one_alert_told_once(
    company: Company, ask: Asked
) -> None:
    whole = ask(-1)
    steps = whole["steps"]
    assert not whole["killed"]
    for table in ("member_lists", "member_spells", "alerts", "alert_events", "tasks", "outbox"):
        assert f"INSERT INTO {table}" in steps
    # The run, the sender's lease, what it notes, and its look for another message.
    _run, _lease, noted, _none = (
        place for place, what in enumerate(steps) if what == "after COMMIT"
    )
    unsure = range(steps.index(ARRIVED), noted)
    for step, what in enumerate(steps):
        assert ask(step)["killed"], what
        arrived = ended(company)
        (alert,) = company.work.alerts(has_resolved=True)
        assert (alert["account_id"], alert["status"]) == ("mid", "open"), what
        assert [one["title"] for one in company.work.tasks(has_done=True)] == ["Write", "Call"]
        history = company.work.alert(alert["id"])["history"]
        assert [one["what"] for one in history] == ["opened"], what
        # What arrived and was not noted as such is sent again, under the key it came with.
        assert len(arrived) == (2 if step in unsure else 1), what
        assert len(set(arrived)) == 1, what
        (message,) = company.work.messages()
        assert message["status"] == "sent", what
