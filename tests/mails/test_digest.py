"""The weekly digest: once a person and week in their own time zone, and what is in it."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import pytest

from staycurve import personal
from staycurve.actions.mails.documents import html_of, text_of
from staycurve.actions.mails.settings import DIGEST, Digest, last_due, week_of
from staycurve.actions.surveys.post import Heard, Post
from staycurve.errors import ConfigError, UnknownNameError
from staycurve.interfaces.scheduling import Schedule
from staycurve.workspace import Company
from tests.mails.conftest import Office, free_port
from tests.surveys.test_mail import Box

ANA, OWN = "ana@acme.example", "Accounts of Ana."
SETTINGS = """
[digest]
weekday = "monday"
hour = 8
timezone = "Europe/Berlin"
people = { Ana = "ana@acme.example", Carl = "carl@acme.example" }
[digest.timezones]
Carl = "America/New_York"
[surveys]
address = "https://sc.acme.example"
"""


@pytest.fixture
def settings(mail: str) -> str:
    return mail + SETTINGS


@pytest.mark.parametrize(
    ("zone", "weekday", "hour", "now", "due", "week"),
    [
        # Berlin in summer is two hours ahead, in winter one.
        ("Europe/Berlin", "monday", 8, "2024-07-01T06:00", "2024-07-01T06:00", "2024-W27"),
        ("Europe/Berlin", "monday", 8, "2024-07-01T05:59", "2024-06-24T06:00", "2024-W26"),
        ("Europe/Berlin", "monday", 8, "2024-10-28T06:59", "2024-10-21T06:00", "2024-W43"),
        ("Europe/Berlin", "monday", 8, "2024-10-28T07:00", "2024-10-28T07:00", "2024-W44"),
        # 02:00 does not exist on the last Sunday of March: it goes out at 03:00.
        ("Europe/Berlin", "sunday", 2, "2024-03-31T01:00", "2024-03-31T01:00", "2024-W13"),
        ("Europe/Berlin", "sunday", 2, "2024-03-31T00:59", "2024-03-24T01:00", "2024-W12"),
        # It comes twice on the last Sunday of October: the first counts.
        ("Europe/Berlin", "sunday", 2, "2024-10-27T00:00", "2024-10-27T00:00", "2024-W43"),
        ("Europe/Berlin", "sunday", 2, "2024-10-27T01:30", "2024-10-27T00:00", "2024-W43"),
        # Monday has come in Auckland while it is Sunday in Honolulu.
        ("Pacific/Auckland", "monday", 8, "2024-06-30T20:00", "2024-06-30T20:00", "2024-W27"),
        ("Pacific/Honolulu", "monday", 8, "2024-07-01T17:00", "2024-06-24T18:00", "2024-W26"),
        # The last days of a year are in the first week of the next.
        ("UTC", "tuesday", 8, "2024-12-31T08:00", "2024-12-31T08:00", "2025-W01"),
    ],
)
def test_it_is_due_on_the_weekday_and_hour_of_the_zone(
    zone: str, weekday: str, hour: int, now: str, due: str, week: str
) -> None:
    own, there = Digest(weekday=weekday, hour=hour), ZoneInfo(zone)
    found = last_due(own, there, dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC))
    assert found == dt.datetime.fromisoformat(due).replace(tzinfo=dt.UTC)
    assert week_of(found, there) == week


def test_every_hour_of_a_year_belongs_to_one_week_of_one_digest() -> None:
    own, berlin = Digest(weekday="sunday", hour=2), ZoneInfo("Europe/Berlin")
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    found = [last_due(own, berlin, start + dt.timedelta(hours=step)) for step in range(366 * 24)]
    assert found == sorted(found)
    weeks = {one: week_of(one, berlin) for one in found}
    assert len(weeks) == len(set(weeks.values())) == 53


def sent(office: Office) -> int:
    """Send what is due; how many digests went out."""
    office.company.digests.put_due()
    found: int = office.company.mailing.send().sent
    return found


def test_one_a_person_and_week_in_their_own_zone(office: Office, box: Box) -> None:
    office.clock.at = dt.datetime(2024, 7, 1, 6, tzinfo=dt.UTC)
    # Monday 8:00 in Berlin; in New York last week's is a week late, and the first that there is.
    assert [sent(office) for _again in range(3)] == [2, 0, 0]
    office.clock.at = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
    assert sent(office) == 1
    assert box.to == [ANA, "carl@acme.example", "carl@acme.example"]
    office.clock.pass_(days=6, hours=23)
    assert sent(office) == 1
    office.clock.pass_(hours=1)
    assert [sent(office), sent(office)] == [1, 0]


def test_of_two_servers_at_once_one_lets_it_wait_and_one_sends_it(
    office: Office, box: Box
) -> None:
    with office.company.state.database.writing():
        pass

    def run(_number: int) -> int:
        with Company(office.company.folder, clock=office.clock) as other:
            put = len(other.digests.put_due())
            other.mailing.send()
            return put

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(run, range(2))) == 2
    assert box.to == [ANA, "carl@acme.example"]


def test_one_that_a_process_died_over_is_never_sent_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    def killed(self: Post, message: object, recipient: str) -> Heard:
        given.append(recipient)
        raise KeyboardInterrupt

    office.company.digests.put_due()
    monkeypatch.setattr(Post, "send", killed)
    for _mail in range(2):
        with pytest.raises(KeyboardInterrupt):
            office.company.mailing.send()
    monkeypatch.undo()
    assert office.company.mailing.send().sent == 0
    office.clock.pass_(minutes=16)
    found = office.company.mailing.send()
    assert (found.unsure, found.sent, sorted(given)) == (2, 0, [ANA, "carl@acme.example"])
    assert {one["state"] for one in office.company.mailing.listed()} == {"unsure"}


class TestAway:
    """A mail server that is away."""

    @pytest.fixture
    def settings(self) -> str:
        return (f'\n[mail]\nhost = "127.0.0.1"\nport = {free_port()}\nfrom = "hi@test.example"\n'
                + SETTINGS)

    def test_what_waits_for_over_a_week_gives_way_to_the_next(self, office: Office) -> None:
        for _week in range(2):
            assert sent(office) == 0
            office.clock.pass_(days=7)
        states = [(one["state"], one["said"]) for one in office.company.mailing.listed()]
        assert [one for one, _said in states] == ["waiting", "waiting", "dropped", "dropped"]
        assert states[-1][1] == "A newer digest took its place."


def test_what_a_week_has_to_tell(office: Office) -> None:
    work, clock = office.work, office.clock
    _big, mid = office.open()
    work.resolve(mid["id"], reason="helped", by="Ana")
    work.add_milestone("big", "Live by then", due_on="2024-07-05", owner="Ana")
    work.add_milestone("mid", "Too late", due_on="2024-06-30", owner="Ana")
    work.add_milestone("big", "Far away", due_on="2024-12-01", owner="Ana")
    clock.pass_(days=2)
    text = text_of(office.company.digests.preview("Ana"))
    assert OWN in text
    parts = {part.title: part for part in office.company.digests.preview("Ana").parts}

    def lines(title: str) -> list[list[str]]:
        grid = parts[title].grid
        assert grid is not None
        return [list(row) for row in grid.rows]

    assert lines("Alerts that opened") == [
        ["Big", "large", "Ana", "1 July 2024", "1,000.00 USD"],
        ["Mid", "large", "Ana", "1 July 2024", "300.00 USD"],
    ]
    assert lines("Alerts that were resolved") == [
        ["Mid", "large", "helped", "1 July 2024", "300.00 USD"]
    ]
    # Due a day after the last day of the run; that of the resolved alert was dropped with it.
    assert lines("Tasks overdue") == [["Big", "Call", "Ana", "1 July 2024"]]
    assert lines("Milestones") == [
        ["Mid", "Too late", "overdue", "30 June 2024"],
        ["Big", "Live by then", "due", "5 July 2024"],
    ]
    # No renewal date is loaded: that is not known, and no week without renewals.
    assert parts["Renewals in the next 30 days"].said[0].startswith("Not known: no renewal date")
    # New signed up on 20 June and has no owner of its own: hers are Big and Mid alone.
    assert parts["What changed"].said == ["Nothing changed."]
    everything = office.company.digests.preview()
    assert "All accounts." in everything.said
    assert 'href="https://sc.acme.example/accounts/big"' in html_of(everything)
    clock.pass_(days=7)
    parts = {part.title: part for part in office.company.digests.preview("Ana").parts}
    assert parts["Alerts that opened"].said == ["None opened."]


def test_movements_are_those_of_the_last_days_of_data(office: Office) -> None:
    # The last day with data is 25 June, when a payment came; New began to pay on the 20th.
    letter = office.company.digests.preview()
    (changed,) = [part for part in letter.parts if part.title == "What changed"]
    assert letter.said[0] == "19 June 2024 – 25 June 2024, by the data until then."
    assert changed.said == ["New: 1, 100.00 USD."]
    assert changed.grid is not None
    assert list(changed.grid.rows[0]) == ["New", "New", "20 June 2024", "100.00 USD"]


def test_who_may_log_in_gets_one_by_their_role(office: Office) -> None:
    people = office.company.state.people
    people.add("boss@acme.example", "admin")
    people.add("look@acme.example", "viewer")
    people.add("ANA@acme.example", "operator")
    people.add("gone@acme.example", "operator")
    people.disable("gone@acme.example")
    found = {one.email: one for one in office.company.digests.recipients()}
    assert sorted(found) == [
        ANA, "boss@acme.example", "carl@acme.example", "look@acme.example"
    ]
    assert (found[ANA].owners, found["boss@acme.example"].owners) == (("Ana",), ())
    assert found["carl@acme.example"].zone.key == "America/New_York"
    assert not found["look@acme.example"].sees_personal
    office.work.add_milestone("big", "Mrs Smith is trained", due_on="2024-07-02", owner="Ana")
    shown = {who: text_of(office.company.digests.preview(who)) for who in found}
    assert "Mrs Smith" in shown["boss@acme.example"]
    assert "Mrs Smith" not in shown["look@acme.example"]
    assert personal.HIDDEN in shown["look@acme.example"]
    assert "Mrs Smith" in shown[ANA]
    assert "Mrs Smith" not in shown["carl@acme.example"]
    with pytest.raises(UnknownNameError, match="Did you mean 'Carl'"):
        office.company.digests.preview("Karl")


def test_a_suppressed_or_unknown_address_gets_none(office: Office, box: Box) -> None:
    office.company.surveys.suppress(ANA)
    box.says["carl@acme.example"] = "550 5.1.1 no such user"
    office.company.digests.put_due()
    found = office.company.mailing.send()
    assert (found.dropped, found.refused, found.sent) == (1, 1, 0)
    office.clock.pass_(days=7)
    office.company.digests.put_due()
    assert office.company.mailing.send().dropped == 2


def test_the_server_that_leads_lets_them_wait_and_sends_them(office: Office, box: Box) -> None:
    schedule = Schedule(office.company)
    schedule.digest()
    schedule.mail()
    schedule.digest()
    schedule.mail()
    assert box.to == [ANA, "carl@acme.example"]
    (first, *_others) = box.mails
    assert first.is_multipart()
    assert first["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weekday": "mondy"}, "mondy"), ({"weekday": "monday", "hour": 24}, "hour"),
        ({"weekday": "monday", "timezone": "Mars"}, "no time zone"),
        ({"weekday": "monday", "people": {"Ana": "nobody"}}, "no address"),
        ({"weekday": "monday", "timezones": {"Ana": "Mars"}}, "no time zone"),
        ({"people": {"Ana": "a@b.example"}}, "weekday is missing"),
        ({"weekdays": "monday"}, "weekday"),
    ],
)
def test_what_cannot_be_followed_is_refused(given: dict[str, object], message: str) -> None:
    _found, wrong = DIGEST.read(given)
    assert message in wrong[0].message


class TestNotSet:
    """Without [digest]."""

    @pytest.fixture
    def settings(self, mail: str) -> str:
        return mail

    def test_nothing_goes_out(self, office: Office) -> None:
        assert not office.company.digests.is_on
        with pytest.raises(ConfigError, match="names no weekday"):
            office.company.digests.put_due()
