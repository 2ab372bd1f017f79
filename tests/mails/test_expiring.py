"""[retention] blanks mails that went out long ago, and nothing that is still to be done."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from staycurve.interfaces.scheduling import Schedule
from tests.mails.conftest import Office
from tests.mails.test_digest import ANA, SETTINGS
from tests.surveys.test_mail import Box

RULES = '[retention]\nmails = "90 days"\n'
SECRET = "Annabel wants it by then"


@pytest.fixture
def settings(mail: str) -> str:
    return mail.replace("from = ", 'recap_consent = "reports"\nfrom = ') + SETTINGS + RULES


def rows_of(folder: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(folder / "app.db")) as connection:
        return connection.execute(
            "SELECT kind, email, person_name, subject, text, html, said FROM mails ORDER BY id"
        ).fetchall()


def test_what_went_out_long_ago_is_blanked_and_stays_counted(office: Office, box: Box) -> None:
    company = office.company
    office.work.add_milestone("big", SECRET, due_on="2024-07-02", owner="Ana")
    company.recaps.send("big", ["ann"], by="Ben", period="2024-Q1")
    company.digests.put_due()
    assert company.mailing.send().sent == 3
    link = str(box.mails[0]["List-Unsubscribe"]).strip("<>").partition(".example")[2]
    # One that waits is older than it may be kept, and is still to be sent.
    company.recaps.send("big", ["ann"], by="Ben", period="2024-Q2")
    office.work.drop_milestone(office.work.milestones("big")[0]["id"], by="Ana")
    office.clock.pass_(days=90)
    assert company.personal.expire() == {}
    office.clock.pass_(minutes=1)
    assert company.personal.expire(is_dry_run=True) == {"mails": 3}
    # As a server does.
    Schedule(company).expire()
    assert company.personal.expire() == {}
    assert company.state.audit()[0].detail == {"mails": 3}
    gone = ("(expired)",) * 3
    before, *digests, waiting = rows_of(company.folder)
    assert before == ("recap", "ann@big.example", "", *gone, "")
    assert digests == [("digest", "(expired)", "", *gone, "")] * 2
    assert (waiting[0], waiting[2]) == ("recap", "Annabel Archer")
    assert "2024-Q2" in waiting[4]
    # Blanked is not unsent: nobody gets it again, and its link still ends them.
    office.clock.at -= dt.timedelta(days=90, minutes=1)
    assert company.digests.put_due() == []
    assert [one["is_new"] for one in company.recaps.send(
        "big", ["ann"], by="Ben", period="2024-Q1")] == [False]
    assert [one["state"] for one in company.mailing.listed()] == ["waiting", *["sent"] * 3]
    assert office.client().post(link).status_code == 200
    assert company.mailing.send().dropped == 1


def test_nothing_of_it_lies_in_the_file(office: Office, box: Box) -> None:
    company = office.company
    office.work.add_milestone("big", SECRET, due_on="2024-07-02", owner="Ana")
    company.digests.put_due()
    assert company.mailing.send().sent == 2
    with company.state.database.writing() as session:
        # What the plan itself says is no mail.
        session.connection().exec_driver_sql("UPDATE milestones SET title = 'x'")
    files = [company.folder / "app.db", company.folder / "app.db-wal"]

    def said() -> int:
        return sum(
            path.read_bytes().count(text.encode())
            for path in files if path.exists() for text in (SECRET, ANA)
        )

    assert said() > 0
    office.clock.pass_(days=91)
    assert company.personal.expire() == {"mails": 2}
    assert said() == 0
