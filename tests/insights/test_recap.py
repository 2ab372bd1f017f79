"""The value recap: usage and its growth, what others keep, tickets and goals, by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.actions.mails.documents import text_of
from staycurve.actions.mails.recap_letter import letter_of
from staycurve.errors import UsageError
from staycurve.insights.account import recap
from staycurve.insights.account.facts import NOT_COUNTED
from staycurve.insights.account.recap_similar import TOO_FEW
from staycurve.insights.account.recap_usage import BEGAN, NO_USE_KNOWN
from staycurve.workspace import Company
from tests.company import build

SEEN = "2024-07-01"
OTHERS = [f"o{number}" for number in range(6)]


def event(number: int, account: str, feature: str, day: str, user: str = "") -> dict[str, Any]:
    return {"event_id": f"{account}-{feature}-{day}-{number}", "account_id": account,
            "user_id": user, "event": feature, "occurred_at": f"{day}T09:00:00"}


def used(account: str, feature: str, *days: str, user: str = "") -> list[dict[str, Any]]:
    return [event(place, account, feature, day, user) for place, day in enumerate(days)]


EVENTS = [
    # In the first quarter on two days, by one person; in the second on three, by two.
    *used("acme", "report", "2024-01-10", "2024-03-31", user="u1"),
    *used("acme", "report", "2024-04-01", "2024-05-10", "2024-05-10", user="u1"),
    *used("acme", "board", "2024-06-30", user="u2"),
    *used("acme", "board", "2024-07-01", user="u3"),
    *(one for other in OTHERS for one in used(other, "report", "2024-01-01")),
    # Five of six used sharing in May and June; all six exporting in May, two of them in June.
    *(one for other in OTHERS[:5]
      for one in used(other, "share", "2024-05-20", "2024-06-20")),
    *(one for other in OTHERS for one in used(other, "export", "2024-05-20")),
    *(one for other in OTHERS[:2] for one in used(other, "export", "2024-06-20")),
    *used("late", "report", "2024-05-02", user="u9"),
]
TABLES: dict[str, Any] = {
    "accounts": [
        {"account_id": one, "name": one.title(), "created_at": "2023-12-01", "employees": 20,
         "owner": "Ada"} for one in ("acme", *OTHERS)
    ] + [{"account_id": "late", "name": "Late", "created_at": "2024-05-01", "employees": 20},
         {"account_id": "mute", "name": "Mute", "created_at": "2023-12-01", "employees": 20}],
    "subscriptions": [
        {"subscription_id": f"s-{one}", "account_id": one, "plan": "Pro", "amount": 100,
         "starts_at": "2023-12-05"} for one in ("acme", "mute", *OTHERS)
    ],
    "tickets": [
        {"ticket_id": "t1", "account_id": "acme", "opened_at": "2024-03-30",
         "solved_at": "2024-04-02"},
        {"ticket_id": "t2", "account_id": "acme", "opened_at": "2024-05-01",
         "solved_at": "2024-05-02"},
        {"ticket_id": "t3", "account_id": "acme", "opened_at": "2024-05-01",
         "solved_at": "2024-05-02", "reopened_at": "2024-05-03"},
        {"ticket_id": "t4", "account_id": "acme", "opened_at": "2024-06-30"},
        {"ticket_id": "t5", "account_id": "acme", "opened_at": "2024-07-01"},
        {"ticket_id": "t6", "account_id": "mute", "opened_at": "2024-01-01",
         "solved_at": "2024-01-02"},
    ],
    "events": EVENTS,
}
LIMITS = '[[limits]]\nfeature = "board"\nplan = "Pro"\nallowance = 4\n'


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = build(tmp_path_factory.mktemp("recap") / "project", TABLES, end_reasons=LIMITS)
    with made:
        yield made


def test_usage_and_its_growth_over_the_last_quarter_that_is_over(company: Company) -> None:
    found = company.account.recap(account="acme", as_of=SEEN)
    assert (found.period, found.first_day, found.last_day, found.is_open) == (
        "2024-Q2", dt.date(2024, 4, 1), dt.date(2024, 6, 30), False
    )
    assert (found.active_users, found.active_days) == (2, 3)
    assert (found.active_users_before, found.active_days_before) == (1, 2)
    assert [
        (one.feature, one.days, one.days_before, one.uses, one.uses_before, one.is_new)
        for one in found.rows
    ] == [("report", 2, 2, 3, 2, False), ("board", 1, 0, 1, 0, True)]
    assert (found.why, found.unknown) == (None, {"goals": recap.NO_PLAN})


def test_what_similar_customers_keep_and_it_has_not_tried(company: Company) -> None:
    found = company.account.recap(account="acme", as_of=SEEN)
    # Sharing: five of the seven others use it, all of whom did before. Two of six kept exporting.
    (only,) = found.untried
    assert (only.feature, only.used_share, only.kept_share) == ("share", 5 / 7, 1.0)
    assert found.similar == "all"


def test_tickets_and_limits(company: Company) -> None:
    found = company.account.recap(account="acme", as_of=SEEN)
    # t1 and t2 were solved in it, t3 was opened again and t4 waits.
    assert (found.tickets_opened, found.tickets_solved, found.tickets_open) == (3, 2, 2)
    [limit] = found.limits
    # Once in July, of four.
    assert (limit.feature, limit.uses, limit.allowance, limit.utilisation) == ("board", 1, 4, .25)


def test_goals_are_those_that_were_reached_in_the_period(company: Company) -> None:
    work = company.work
    reached = work.add_milestone("o0", "All trained", due_on="2024-05-01", owner="Ada")
    work.add_milestone("o0", "Second team", due_on="2024-09-01", owner="Ada")
    work.reach_milestone(reached["id"], by="Ada")
    # It was reached when the clock said so, in November 2026: in that quarter and in no other.
    found = company.account.recap(account="o0", as_of=SEEN)
    assert found.goals == ()
    assert "goals" not in found.unknown
    later = company.account.recap(account="o0", period="2026-Q4", as_of="2026-11-23")
    assert [(one.title, one.due_on, one.reached_on) for one in later.goals] == [
        ("All trained", dt.date(2024, 5, 1), dt.date(2026, 11, 22))
    ]


def test_a_period_that_goes_on_is_compared_with_as_many_days(company: Company) -> None:
    found = company.account.recap(account="acme", period="2024-Q2", as_of="2024-04-11")
    # Ten days of April beside ten of January, of which the tenth had a use.
    assert (found.is_open, found.last_day) == (True, dt.date(2024, 4, 10))
    assert (found.active_days, found.active_days_before) == (1, 1)
    earlier = company.account.recap(account="acme", period="2024-Q2", as_of="2024-04-10")
    assert (earlier.active_days, earlier.active_days_before) == (1, 0)


def test_what_came_too_late_for_the_period_before_is_compared_with_nothing(
    company: Company,
) -> None:
    found = company.account.recap(account="late", as_of=SEEN)
    assert (found.active_days, found.active_days_before) == (1, None)
    assert (found.rows[0].uses, found.rows[0].uses_before) == (1, None)
    assert found.unknown["before"] == BEGAN
    # Nobody knows what was used before the first event of all.
    found = company.account.recap(account="acme", period="2024-Q1", as_of=SEEN)
    assert (found.active_days_before, found.unknown["before"]) == (None, NO_USE_KNOWN)


def test_an_account_without_usage_says_so(company: Company) -> None:
    found = company.account.recap(account="mute", as_of=SEEN)
    assert (found.rows, found.why, found.active_days) == ((), recap.NO_USE, 0)
    # It has not tried what the others keep either.
    assert [one.feature for one in found.untried] == ["share"]


def test_an_account_that_no_metric_counts_is_not_said_to_use_nothing(tmp_path: Path) -> None:
    with build(tmp_path / "p", TABLES, company='exclude = ["account_id~acme"]') as company:
        found = company.account.recap(account="acme", as_of=SEEN)
        assert (found.active_days, found.rows, found.why) == (None, (), NOT_COUNTED)
        assert {found.unknown[key] for key in ("usage", "untried", "limits")} == {NOT_COUNTED}
        said = text_of(letter_of(found, company="We"))
        assert "We have no usage data for you." in said
        assert "did not use" not in said


def test_what_is_not_loaded_is_said_and_is_no_zero(tmp_path: Path) -> None:
    with build(tmp_path / "p", {
        "accounts": TABLES["accounts"], "subscriptions": TABLES["subscriptions"],
    }) as company:
        found = company.account.recap(account="acme", as_of=SEEN).as_dict()
        bare = {key: value for key, value in found.items() if isinstance(value, int)}
        assert bare == {"is_open": False}
        assert set(found["unknown"]) == {
            "usage", "before", "untried", "limits", "tickets", "goals"
        }


def test_of_few_similar_customers_nothing_is_told(tmp_path: Path) -> None:
    few = {"acme", *OTHERS[:4]}
    with build(tmp_path / "p", {
        name: [one for one in rows if one["account_id"] in few] for name, rows in TABLES.items()
    }) as company:
        found = company.account.recap(account="acme", as_of=SEEN)
        assert (found.untried, found.unknown["untried"]) == ((), TOO_FEW)


@pytest.mark.parametrize("period", ["2024-06-01", "2024-Q4", "nonsense"])
def test_periods_that_cannot_be_told_of_are_refused(company: Company, period: str) -> None:
    with pytest.raises(UsageError):
        company.account.recap(account="acme", period=period, as_of=SEEN)


def test_nothing_that_is_ours_alone_stands_in_it(company: Company) -> None:
    told = json.dumps(company.account.recap(account="acme", as_of=SEEN).as_dict()).lower()
    assert "acme" in told
    assert "ada" not in told
    for word in ("health", "risk", "owner", "mrr", "churn", "probability", "price", "100"):
        assert word not in told, word
