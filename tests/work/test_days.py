"""Days of work are the company's local ones, whatever its clocks do."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from staycurve.errors import UsageError
from staycurve.workspace import Company
from tests.company import build
from tests.work.conftest import playbook, rule
from tests.work.test_channels import Clock, utc

SUBSCRIPTIONS = """
subscription_id account_id plan starts_at            ends_at amount
s1              one        Pro  2026-08-01           -       100
s2              two        Pro  2026-09-26T13:00:00Z -       50
"""


def test_opened_due_and_snoozed_are_local_days(tmp_path: Path) -> None:
    build(
        tmp_path / "p", {"subscriptions": SUBSCRIPTIONS}, timezone="Pacific/Auckland"
    ).close()
    clock = Clock()
    # 02:30 in Auckland on 27 September 2026, the night in which clocks go from 02:00 to 03:00,
    # were it not skipped: it is 03:30 there, and still the 26th in UTC.
    clock.now = utc("2026-09-26T14:30")
    with Company(tmp_path / "p", clock=clock) as company:
        playbook(company, rule("mrr", "at_least = 100", more="""act_within_days = 1
[[tasks]]
title = "Call"
due_in_days = 190
"""))
        company.work.run()
        (alert,) = company.work.alerts()
        assert (alert["opened_on"], alert["due_on"]) == ("2026-09-27", "2026-09-28")
        # 190 days later; clocks go back on the way, on 4 April 2027.
        (task,) = company.work.tasks()
        assert dt.date.fromisoformat(task["due_on"]) == dt.date(2026, 9, 27) + dt.timedelta(190)
        with pytest.raises(UsageError, match="2026-09-27 is no day to snooze until"):
            company.work.snooze(alert["id"], until="2026-09-27", reason="away", by="Ana")
        company.work.snooze(alert["id"], until="2026-09-28", reason="away", by="Ana")
        company.work.run()
        assert company.work.alerts()[0]["status"] == "snoozed"
        # 23:59 there is the same day; a minute later it is the next, with nothing loaded since.
        clock.now = utc("2026-09-27T10:59")
        company.work.run()
        assert company.work.alerts()[0]["status"] == "snoozed"
        clock.now = utc("2026-09-27T11:00")
        company.work.run()
        (alert,) = company.work.alerts()
        assert (alert["status"], alert["snoozed_until"]) == ("open", None)


def test_alerts_are_handed_on_by_the_clock_while_data_lag(tmp_path: Path) -> None:
    build(
        tmp_path / "p", {"subscriptions": SUBSCRIPTIONS}, timezone="Pacific/Auckland"
    ).close()
    clock = Clock()
    # 11:00 on 1 October there, four days after the last day of data.
    clock.now = utc("2026-09-30T22:00")
    with Company(tmp_path / "p", clock=clock) as company:
        playbook(company, rule("mrr", "at_least = 100", more="""act_within_days = 2
escalate_to = "Head"
"""))
        company.work.run()
        (alert,) = company.work.alerts()
        # Its owner has two days from today, however old the data are.
        assert (alert["opened_on"], alert["due_on"]) == ("2026-09-27", "2026-10-03")
        assert (alert["owner"] == "Head", alert["escalated_at"]) == (False, None)
        # 23:59 on the last day there, and a minute later; nothing was loaded since.
        clock.now = utc("2026-10-03T10:59")
        company.work.run()
        assert company.work.alerts()[0]["escalated_at"] is None
        clock.now = utc("2026-10-03T11:00")
        company.work.run()
        (alert,) = company.work.alerts()
        assert alert["owner"] == "Head"
        assert dt.datetime.fromisoformat(alert["escalated_at"]) == clock.now
