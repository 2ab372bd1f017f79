"""The pace of goals, worked out by hand, and what a new goal may say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from staycurve.actions.goals import last_closed, paced, plan_of
from staycurve.errors import NotAnsweredError, StaycurveError, UnknownNameError, UsageError
from staycurve.period import as_of
from staycurve.state.records import Goal
from staycurve.workspace import Company
from tests.company import build, load

SET = dt.datetime(2024, 2, 3, tzinfo=dt.UTC)


def goal(**changes: object) -> Goal:
    """NRR from 90% in January 2024 to 95% in June: one point a month."""
    given: dict[str, object] = {
        "id": 1, "metric": "nrr", "target": 0.95, "until_on": dt.date(2024, 6, 30),
        "owner": "Ana", "source": "subscriptions", "start_on": dt.date(2024, 1, 31),
        "start_value": 0.9, "started_at": SET,
    } | changes
    return Goal(**given)  # type: ignore[arg-type]


FALLING = {"metric": "customer_churn_rate", "start_value": 0.06, "target": 0.03,
           "until_on": dt.date(2024, 4, 30)}
"""A point a month, downwards."""


@pytest.mark.parametrize(
    ("changes", "value", "closed", "expected", "status", "needed", "left"),
    [
        # Two of five months: 90% + 2 points.
        ({}, 0.92, "2024-03-31", 0.92, "on_track", 0.01, 3),
        ({}, 0.91, "2024-03-31", 0.92, "behind", 0.04 / 3, 3),
        ({}, 0.9, "2024-01-31", 0.9, "on_track", 0.01, 5),
        ({}, 0.89, "2024-05-31", 0.94, "behind", 0.06, 1),
        ({}, 0.96, "2024-03-31", 0.92, "reached", None, 3),
        ({}, 0.95, "2024-06-30", 0.95, "reached", None, 0),
        ({}, 0.9499, "2024-06-30", 0.95, "missed", None, 0),
        # Half a year late it is still June that is judged.
        ({}, 0.94, "2024-12-31", 0.95, "missed", None, 0),
        (FALLING, 0.05, "2024-02-29", 0.05, "on_track", -0.01, 2),
        (FALLING, 0.055, "2024-02-29", 0.05, "behind", -0.0125, 2),
        (FALLING, 0.02, "2024-03-31", 0.04, "reached", None, 1),
        (FALLING, 0.031, "2024-04-30", 0.03, "missed", None, 0),
    ],
)
def test_the_pace_against_the_plan(
    changes: dict[str, object], value: float, closed: str, expected: float, status: str,
    needed: float | None, left: int,
) -> None:
    found = paced(goal(**changes), value, dt.date.fromisoformat(closed))
    assert found.expected == pytest.approx(expected, abs=1e-12)
    assert (found.status, found.months_left) == (status, left)
    assert found.needed == (None if needed is None else pytest.approx(needed, abs=1e-12))
    assert found.is_due == (left == 0)


def test_an_unknown_value_is_neither_behind_nor_zero() -> None:
    found = paced(goal(), None, dt.date(2024, 3, 31), why="no data")
    assert (found.status, found.value, found.needed) == ("unknown", None, None)
    assert found.why == "no data"
    due = paced(goal(), None, dt.date(2024, 7, 31), why="no data")
    assert (due.status, due.is_due) == ("unknown", True)
    early = paced(goal(), 0.9, dt.date(2023, 12, 31))
    assert (early.status, early.expected, early.is_due) == ("unknown", None, False)


def test_the_plan_ends_at_the_target() -> None:
    months = plan_of(goal(target=0.93, until_on=dt.date(2024, 4, 30)))
    assert [str(day) for day, _ in months] == [
        "2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01",
    ]
    assert [value for _, value in months] == pytest.approx([0.9, 0.91, 0.92, 0.93])
    assert months[-1][1] == 0.93


def test_only_a_month_that_has_closed_is_judged() -> None:
    for instant, start in (("2024-03-01", "2024-02-01"), ("2024-03-31T23:00", "2024-02-01")):
        at = dt.datetime.fromisoformat(instant).replace(tzinfo=dt.UTC)
        seen = as_of(at, dt.UTC)  # type: ignore[arg-type]
        assert str(last_closed(seen).start) == start


ROWS = """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2024-01-01 -          300
    s2              bolt       2024-01-01 2024-03-10 100
    s3              crux       2024-04-05 -          100"""
"""At the close of March 300 are left of 400; April is open, and has 400."""


@pytest.fixture
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("goals") / "p", {"subscriptions": ROWS}) as made:
        yield made


def test_a_goal_starts_from_the_last_month_that_has_closed(company: Company) -> None:
    made = company.goals.add("mrr", "500", until="2024-05", owner="Ana", by="Bo")
    assert (made.goal.start_value, made.goal.start_on) == (300, dt.date(2024, 3, 31))
    assert (made.goal.until_on, made.goal.source) == (dt.date(2024, 5, 31), "subscriptions")
    assert (made.value, made.expected, made.needed) == (300, 300, 100)
    nrr = company.goals.add("nrr", 0.9, until="2024-Q2", owner="Ana")
    # Of 400 in March 300 are left.
    assert (nrr.goal.start_value, nrr.goal.until_on) == (0.75, dt.date(2024, 6, 30))
    assert [one.goal.metric for one in company.goals.active()] == ["mrr", "nrr"]
    (entry, *_) = company.state.audit()
    assert entry.what == "goal.added"
    seen = company.as_of("2024-05-01")
    (mrr, rate) = company.goals.active(seen)
    # A month on: 300 + 100, and 400 are there; 0.75 + 0.05, and 300 of 300 are left.
    assert (mrr.value, mrr.expected, mrr.status, mrr.needed) == (400, 400, "on_track", 100)
    assert (rate.value, rate.expected, rate.status) == (1, pytest.approx(0.8), "reached")


@pytest.mark.parametrize(
    ("metric", "target", "until", "kind", "message"),
    [
        ("nnr", "95%", "2024-06", UnknownNameError, "Unknown metric 'nnr'. Did you mean 'nrr'?"),
        ("mrr", "95%", "2024-06", UsageError, "'95%' is a percentage, and mrr is counted"),
        ("mrr", "lots", "2024-06", UsageError, "'lots' is not a value of mrr"),
        ("nrr", "95", "2024-06", UsageError, "'95' of nrr could be 95% or 9500%."),
        ("mrr", "500", "2024-03", UsageError, "'2024-03' has passed: 2024-03 is the last month"),
        ("mrr", "500", "2020", UsageError, "'2020' has passed"),
        ("mrr", "500", "2124", UsageError, "months away"),
        ("mrr", "500", "soon", UsageError, "'soon'"),
        ("mrr", "200", "2024-06", UsageError, "so the target of 200 is reached already."),
        ("customer_churn_rate", "60%", "2024-06", UsageError, "was 50% in 2024-03"),
        ("nps", "40", "2024-06", NotAnsweredError, "nps is empty in 2024-03"),
        ("wau", "40", "2024-06", UsageError, "wau is not known by month"),
    ],
)
def test_what_a_goal_may_not_say(
    company: Company, metric: str, target: str, until: str, kind: type[StaycurveError],
    message: str,
) -> None:
    with pytest.raises(kind) as error:
        company.goals.add(metric, target, until=until, owner="Ana")
    assert message in error.value.message
    assert error.value.hint
    assert company.goals.active() == ()


def test_an_owner_is_needed(company: Company) -> None:
    with pytest.raises(UsageError, match="The owner is empty"):
        company.goals.add("mrr", "500", until="2024-06", owner=" ")


def test_a_third_goal_asks_which_to_drop(company: Company) -> None:
    first = company.goals.add("mrr", "500", until="2024-06", owner="Ana").goal.id
    second = company.goals.add("customers", "9", until="2024-06", owner="Ana").goal.id
    with pytest.raises(UsageError) as error:
        company.goals.add("arpa", "999", until="2024-06", owner="Ana")
    assert error.value.message == (
        f"Two goals are active: {first} (mrr) or {second} (customers). Which one is to be dropped?"
    )
    assert error.value.exit_status == 1
    third = company.goals.add("arpa", "999", until="2024-06", owner="Ana", drop=first).goal.id
    assert [one.goal.id for one in company.goals.active()] == [second, third]
    (*_, dropped) = company.goals.every()
    assert (dropped.goal.id, dropped.status) == (first, "dropped")
    with pytest.raises(UsageError, match="has ended already"):
        company.goals.drop(first)


def test_a_goal_past_its_month_is_reviewed_and_kept(company: Company) -> None:
    made = company.goals.add("mrr", "500", until="2024-04", owner="Ana").goal
    with pytest.raises(UsageError, match="that month has not closed"):
        company.goals.review(made.id, outcome="reached")
    # An account that starts in May lets April close at 400.
    load(company, {"subscriptions": ROWS + "\n    s4 dune 2024-05-02 - 1"})
    (due,) = company.goals.active()
    assert (due.value, due.status, due.is_due) == (400, "missed", True)
    with pytest.raises(UsageError, match="By the numbers the goal was missed, not reached"):
        company.goals.review(made.id, outcome="reached")
    kept = company.goals.review(made.id, note="Two deals slipped", by="Ana")
    assert (kept.status, kept.note, kept.end_value) == ("missed", "Two deals slipped", 400)
    assert company.goals.active() == ()
    (past,) = company.goals.every()
    assert (past.status, past.value, past.is_due) == ("missed", 400, False)
    (entry, *_) = company.state.audit(most=1)
    assert (entry.what, entry.who, entry.detail["note"]) == (
        "goal.reviewed", "Ana", "Two deals slipped",
    )
