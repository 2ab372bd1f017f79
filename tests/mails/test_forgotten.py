"""A person is forgotten who stands in alerts, tasks, plans, digests, recaps and tickets."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from staycurve.state import mails
from staycurve.state.effects_models import ArmRow
from tests.mails.conftest import Office
from tests.surveys.test_mail import Box

MAIL, NAME = "ann@big.example", "Annabel Archer"
SETTINGS = """
[channels.desk]
kind = "webhook"
url = "https://example.org/h"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
[tickets.desk]
channel = "desk"
[tickets.post]
email = "help@desk.example"
[digest]
weekday = "monday"
people = { Ana = "ana@acme.example" }
"""


@pytest.fixture
def settings(mail: str) -> str:
    return mail + SETTINGS


def holding(folder: Path) -> list[str]:
    """The files below a folder in which something of her stands."""
    return [
        f"{path.relative_to(folder)}: {text}"
        for path in sorted(folder.rglob("*")) if path.is_file()
        for text in (MAIL, NAME) if text.lower().encode() in path.read_bytes().lower()
    ]


def test_nothing_of_her_stays_and_the_alert_stays_under_its_account(
    office: Office, box: Box
) -> None:
    company, work = office.company, office.work
    (big, _mid) = office.open(more='ticket = "post"')
    said = f"Asked {NAME} ({MAIL}) to call back"
    work.hand_over(big["id"], desk="desk", by=NAME)
    work.hear("desk", {"type": "ticket.opened", "data": {"alert": big["id"], "reference": MAIL}})
    work.complete(work.tasks(account="big")[0]["id"], by=NAME, note=said)
    work.snooze(big["id"], until="2024-08-01", reason=said, by=NAME)
    work.assign(big["id"], owner=MAIL, by=NAME)
    work.add_milestone("big", f"{NAME} is trained", due_on="2024-07-02", owner="Ana")
    company.recaps.send("big", ["ann"], by=NAME)
    company.recaps.send("big", ["ann"], by="Ben", period="2024-Q2")
    company.digests.put_due()
    with company.state.database.writing() as session:
        session.add(ArmRow(
            experiment="try", account_id="big", stratum="", place=0, is_held_out=False,
            entered_on=dt.date(2024, 6, 1), drawn_at=office.clock(),
        ))
        rows = mails.listed(session, kind=mails.DIGEST, most=9)
        assert [NAME in row.text for row in rows] == [True]
    assert company.mailing.send(most=1).sent == 1
    office.clock.pass_(minutes=1)
    assert holding(company.folder)
    done = company.personal.forget("ann", by="Ben")
    assert {"mails", "alerts", "alert_events", "tasks", "milestones", "alert_tickets"} <= (
        done.state.keys()
    )
    company.close()
    assert holding(company.folder) == []
    found = work.alert(big["id"])
    assert (found["account_id"], found["status"], found["playbook"]) == ("big", "snoozed", "large")
    assert found["owner"].startswith(done.key)
    assert [one["account_id"] for one in company.mailing.listed(kind=mails.RECAP)] == ["big"] * 2
    # What still waited for her goes to nobody; what waits for others goes out.
    before = len(box.mails)
    sent = company.mailing.send()
    assert (sent.dropped, sent.refused) == (2, 0)
    assert sent.sent == len(box.mails) - before > 0
    assert not [one for one in box.to if "ann" in one and "ana@" not in one]
    # Her name was an owner's: whoever has the account now gets the alert.
    work.run(as_of="2024-07-02")
    assert work.alert(big["id"])["owner"] == "Ana"
    arms = company.arms("try")
    assert list(arms) == ["big"]
