"""Support: times in support hours, first contact, what waits and what follows; by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from staycurve.config import parse
from staycurve.errors import ConfigError
from staycurve.support_hours import SUPPORT, Support
from staycurve.workspace import Company
from tests.company import build

AS_OF = "2024-06-08"
"""A Saturday; the week before it began on Monday, 3 June."""
SETTINGS = """
[support]
hours = "09:00-17:00"
days = ["monday", "tuesday", "wednesday", "thursday", "friday"]
"""


def ticket(name: str, account: str, opened: str, answered: str, solved: str, **more: Any) -> Any:
    return {"ticket_id": name, "account_id": account, "opened_at": opened,
            "first_response_at": answered, "solved_at": solved, "channel": "chat", **more}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = build(tmp_path_factory.mktemp("support") / "project", {
        "accounts": "account_id\nbig\nmid\ngone\nfree",
        "subscriptions": [
            {"subscription_id": name, "account_id": name, "amount": amount, "ends_at": end,
             "starts_at": "2023-01-01"}
            for name, amount, end in (("big", 900, ""), ("mid", 90, ""), ("gone", 50, "2024-03-01"))
        ],
        "tickets": [
            # An hour; then Friday 16:00 to Monday 10:00, which is two support hours.
            ticket("t1", "big", "2024-06-03T09:00", "2024-06-03T10:00", "2024-06-03T12:00",
                   agent_contacts=1),
            ticket("t2", "mid", "2024-05-31T16:00", "2024-06-03T10:00", "2024-06-03T16:00",
                   agent_contacts=3),
            ticket("t3", "mid", "2024-06-03T09:00", "2024-06-03T13:00", "2024-06-04T09:00",
                   agent_contacts=1, reopened_at="2024-06-05T09:00", channel="mail"),
            # Nobody has answered, and it is the oldest of the largest; a churned account waits too.
            ticket("t4", "big", "2024-06-06T09:00", "", "", topic="billing"),
            ticket("t5", "gone", "2024-05-02T09:00", "", ""),
            # It was answered, and has been open for long.
            ticket("t6", "mid", "2024-05-20T09:00", "2024-05-20T10:00", ""),
        ],
    }, end_reasons=SETTINGS)
    yield made
    made.close()


def test_figures_in_support_hours(company: Company) -> None:
    found = company.support.figures(start="2024-05-31", end="2024-06-30", as_of=AS_OF)
    [row] = found.rows
    assert (row.opened, row.solved, row.accounts, row.unanswered) == (4, 3, 2, 1)
    assert row.tickets_per_account == 2
    # Answered after 1, 2 and 4 hours; the fourth has waited 16 hours and waits on.
    assert (row.first_response_median, row.first_response_p90) == (2, None)
    assert row.response_why == "too few of them have come that far"
    # Solved after 3, 8 (1 on Friday, 7 on Monday) and 8 (Monday's; Tuesday begins at 9:00).
    assert row.solution_median == 8
    # Of three solved, t1 and t3 had one contact, and t3 was opened again within seven days.
    assert (row.fcr, row.reopen_rate) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert found.hours.startswith("09:00-17:00 monday")


def test_first_contact_is_the_metric(company: Company) -> None:
    shown = company.show("fcr", grain="month", start="2024-06", end="2024-06", as_of="2024-07-01")
    [row] = company.support.figures(start="2024-06", end="2024-06", as_of="2024-07-01").rows
    assert [one["value"] for one in shown.rows] == [row.fcr] == [pytest.approx(1 / 3)]


@pytest.mark.parametrize(("part", "names"), [
    # t4 is in no other part; t2 was opened in the range, t5 and t6 before it.
    ("opened", ["t2", "t1", "t3", "t4"]), ("solved", ["t2", "t1", "t3"]),
    ("first_contact", ["t1"]), ("reopened", ["t3"]), ("unanswered", ["t4"]),
])
def test_every_number_of_tickets_opens_into_them(
    company: Company, part: str, names: list[str]
) -> None:
    asked = {"start": "2024-05-31", "end": "2024-06-30", "as_of": AS_OF}
    [row] = company.support.figures(**asked).rows
    found = company.support.tickets(part=part, **asked).rows
    assert [one.ticket_id for one in found] == names
    assert getattr(row, part) == len(names)
    # Of one channel as well: they sum to the whole.
    split = {one.segment["channel"]: getattr(one, part)
             for one in company.support.figures(by="channel", **asked).rows}
    assert split == {
        channel: len(company.support.tickets(
            part=part, where=f"channel={channel}", **asked).rows)
        for channel in ("chat", "mail")
    }
    assert sum(split.values()) == len(names)


def test_tickets_that_tell_no_contacts_have_no_rate(tmp_path: Path) -> None:
    rows = {"accounts": "account_id\nbig", "tickets": [
        ticket("t1", "big", "2024-06-03T09:00", "", "2024-06-04T09:00", agent_contacts=1),
        ticket("t2", "big", "2024-06-03T09:00", "", "2024-06-04T09:00", agent_contacts=2)]}
    company = build(tmp_path / "project", rows, conventions={"fcr": "customer_replies"})
    [row] = company.support.figures(start="2024-06", end="2024-06", as_of="2024-07-01").rows
    assert (row.solved, row.fcr, row.reopen_rate) == (2, None, 0)
    assert row.fcr_why == (
        "no solved ticket says how many messages the customer wrote (customer_contacts)")
    [shown] = company.show("fcr", grain="month", start="2024-06", end="2024-06",
                           as_of="2024-07-01").rows
    assert (shown["value"], shown["why"]) == (
        None, "division by zero: tickets solved that tell their contacts is 0")
    company.close()


def test_figures_by_channel(company: Company) -> None:
    rows = company.support.figures(by="channel", start="2024-06", as_of=AS_OF).rows
    assert [(row.segment["channel"], row.opened, row.solved) for row in rows] == [
        ("chat", 2, 2), ("mail", 1, 1),
    ]


def test_the_backlog_by_age(company: Company) -> None:
    found = company.support.backlog(as_of=AS_OF)
    assert (found.tickets, found.unanswered) == (4, 2)
    # t4 since 6 June, t3 again since 5 June, t6 since 20 May, t5 since 2 May.
    assert {row.band: (row.tickets, row.unanswered, row.mrr) for row in found.rows} == {
        "under 1 day": (0, 0, 0), "1-2 days": (2, 1, 990), "3-6 days": (0, 0, 0),
        "7-29 days": (1, 0, 90), "30 days or more": (1, 1, 0),
    }
    listed = company.support.tickets(band="1-2 days", as_of=AS_OF).rows
    assert [(one.ticket_id, one.days) for one in listed] == [("t3", 2), ("t4", 1)]


def test_the_largest_who_wait_come_first(company: Company) -> None:
    found = company.support.largest(as_of=AS_OF)
    # Of mid the ticket that was opened again is two days old: only the old one makes it wait.
    assert [(row.account_id, row.mrr, row.open_tickets, row.unanswered, row.oldest_days)
            for row in found.rows] == [("big", 900, 1, 1, 1), ("mid", 90, 1, 0, 18)]
    assert (found.rows[0].waiting_hours, found.rows[0].topic) == (16, "billing")
    assert [row.account_id for row in company.support.largest(limit=1, as_of=AS_OF).rows] == [
        "big"]
    assert [row.open_tickets for row in company.support.largest(days=0, as_of=AS_OF).rows] == [
        1, 2]


def test_what_follows_first_contact_is_tested(tmp_path_factory: pytest.TempPathFactory) -> None:
    accounts = [f"a{number:02}" for number in range(60)]
    company = build(tmp_path_factory.mktemp("after") / "project", {
        "accounts": [{"account_id": one} for one in accounts],
        "subscriptions": [
            # Of the 30 that were helped at first contact one leaves, of the others 15.
            {"subscription_id": one, "account_id": one, "amount": 10, "starts_at": "2023-01-01",
             "ends_at": "2024-02-15" if one == "a00" or "a30" <= one < "a45" else ""}
            for one in accounts
        ],
        "tickets": [
            ticket(f"t{one}", one, "2024-01-10", "2024-01-10", "2024-01-11",
                   agent_contacts=1 if one < "a30" else 4) for one in accounts
        ],
        "answers": [
            # One that comes late is not about it.
            {"answer_id": f"c{one}", "survey": "s", "kind": "csat", "account_id": one,
             "answered_at": "2024-03-01" if one == "a59" else "2024-01-12",
             "score": 5 if one < "a30" else 2} for one in accounts
        ],
    })
    found = company.support.after(start="2024-01", end="2024-03", as_of="2024-06-01")
    csat, churn = found.rows
    assert (csat.first_contact, csat.first_size, csat.others, csat.others_size) == (1, 30, 0, 29)
    assert (churn.first_contact, churn.others) == (pytest.approx(1 / 30), 0.5)
    assert csat.is_significant
    assert churn.is_significant
    # Ninety days after 11 January are not over on the last of March.
    early = company.support.after(start="2024-01", end="2024-03", as_of="2024-04-01").rows[1]
    assert (early.first_size, early.first_contact) == (0, None)
    company.close()


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("start", "end", "hours"), [
    # Within a day, over a night, over a weekend, before the doors open, and none.
    ("2024-06-03T10:00", "2024-06-03T12:30", 2.5),
    ("2024-06-03T16:00", "2024-06-04T10:00", 2),
    ("2024-06-07T16:30", "2024-06-10T09:30", 1),
    ("2024-06-03T03:00", "2024-06-03T08:59", 0),
    ("2024-06-05T10:00", "2024-06-05T09:00", 0),
    # 6 June is a holiday.
    ("2024-06-05T16:00", "2024-06-07T10:00", 2),
])
def test_support_hours_by_hand(start: str, end: str, hours: float) -> None:
    own = Support(hours="09:00-17:00", timezone="Europe/Berlin", holidays=("2024-06-06",),
                  days=("monday", "tuesday", "wednesday", "thursday", "friday"))
    first, last = (dt.datetime.fromisoformat(one).replace(tzinfo=BERLIN) for one in (start, end))
    assert own.worked(first, last, ZoneInfo("UTC")) == dt.timedelta(hours=hours)


def test_a_day_on_which_clocks_change_has_its_own_length() -> None:
    own = Support(days=("sunday",), timezone="Europe/Berlin")
    first = dt.datetime(2024, 3, 31, tzinfo=BERLIN).astimezone(dt.UTC)
    assert own.worked(first, first + dt.timedelta(days=2), BERLIN) == dt.timedelta(hours=23)


@pytest.mark.parametrize(("text", "says"), [
    ('hours = "17:00-09:00"', "is no span of a day"), ('hours = "9-17"', "is no span of a day"),
    ('days = ["monay"]', "Did you mean 'monday'"), ('timezone = "Berlin"', "is no time zone"),
    ('holidays = ["25.12."]', "takes days such as 2024-12-25"), ('hour = "x"', "hour"),
])
def test_a_wrong_section_is_said(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse(f'[company]\nname = "A"\n[support]\n{text}\n')


def test_without_a_section_every_hour_counts() -> None:
    own = parse('[company]\nname = "A"\n')[SUPPORT]
    first = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
    assert own.worked(first, first + dt.timedelta(days=3), BERLIN) == dt.timedelta(days=3)
