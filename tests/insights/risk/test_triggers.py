"""Triggers: counted by hand on a few accounts, and told apart from chance on more."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from staycurve.errors import ConfigError, UnknownNameError
from staycurve.workspace import Company
from tests.company import build
from tests.insights.risk.leaving import AS_OF

SUBSCRIPTIONS = """
subscription_id account_id plan amount starts_at  ends_at
s1              acme       Pro  100    2024-01-10 2024-04-20
s2              bolt       Pro  100    2024-01-10 -
s3              dune       Pro  100    2024-01-10 -
"""
TICKETS = """
ticket_id account_id opened_at  solved_at
t1        acme       2024-02-10 -
t2        bolt       2024-03-01 2024-03-20
"""


def test_a_trigger_counts_the_ends_of_months_on_which_it_stood(tmp_path: Path) -> None:
    company = build(tmp_path / "c", {"subscriptions": SUBSCRIPTIONS, "tickets": TICKETS})
    # Horizon 30 days as of 1 May: judged at the ends of January, February and March.
    answer = company.risk.triggers(horizon=30, as_of="2024-05-01")
    assert (answer.first_day, answer.last_day) == ("2024-01-31", "2024-03-31")
    row = {row.trigger: row for row in answer.rows}["ticket_unanswered"]
    # No ticket before 10 February: January is unknown. Known: three accounts on two days.
    assert row.known == 6
    # acme's is open for a week on 29 February and 31 March; bolt's was solved by then.
    assert (row.fired, row.left_after) == (2, 1)
    assert (row.precision, row.recall) == (0.5, 1.0)
    assert row.base_rate == pytest.approx(1 / 6)
    assert row.lift == pytest.approx(3)
    # 31 March to 20 April.
    assert row.median_lead_days == 20
    assert row.p_value is None
    assert row.why.startswith("it stood on fewer than 10 accounts")
    # One plan, one band of tenure: 1 of 2 against 0 of 4, which is no ratio.
    assert row.lift_alike is None
    other = {row.trigger: row for row in answer.rows}["nps_low"]
    assert (other.known, other.precision) == (0, None)
    assert other.why == "nothing that it rests on is loaded"


def test_what_goes_before_churn_is_named_and_what_does_not_is_not(leaving: Company) -> None:
    answer = leaving.risk.triggers(as_of=AS_OF)
    rows = {row.trigger: row for row in answer.rows}
    assert rows["engagement_gap"].is_significant
    assert rows["engagement_gap"].lift > 2
    assert not rows["ticket_unanswered"].is_significant
    assert rows["ticket_unanswered"].why
    assert answer.rows[0].is_significant


def test_who_stands_under_a_trigger_and_since_when(tmp_path: Path) -> None:
    company = build(tmp_path / "c", {"subscriptions": SUBSCRIPTIONS, "tickets": TICKETS})
    answer = company.risk.fired(as_of="2024-03-13")
    found = {(row.account_id, row.trigger): row for row in answer.rows}
    # Seen on Tuesdays back from 12 March: on 20 February it had been open for ten days.
    assert found["acme", "ticket_unanswered"].since == dt.date(2024, 2, 20)
    assert found["acme", "ticket_unanswered"].evidence == "Tickets open for a week or longer: 1"
    assert found["bolt", "ticket_unanswered"].since == dt.date(2024, 3, 12)
    assert ("dune", "ticket_unanswered") not in found
    assert company.risk.fired(as_of="2024-04-25", trigger="nps_low").rows == ()
    with pytest.raises(UnknownNameError):
        company.risk.fired(trigger="nps_lo")


def test_thresholds_are_the_companys_own(tmp_path: Path) -> None:
    company = build(
        tmp_path / "c", {"subscriptions": SUBSCRIPTIONS, "tickets": TICKETS},
        end_reasons="[risk.triggers]\nold_tickets = 2",
    )
    assert company.risk.fired(as_of="2024-03-13", trigger="ticket_unanswered").rows == ()
    with pytest.raises(ConfigError, match="Did you mean 'old_tickets'"):
        build(tmp_path / "d", {"subscriptions": SUBSCRIPTIONS},
              end_reasons="[risk.triggers]\nold_ticket = 2")
