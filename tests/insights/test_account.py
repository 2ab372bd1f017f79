"""One account whole: facts, timeline, users and features, worked out by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import UnknownNameError, UsageError
from staycurve.workspace import Company
from tests.company import build
from tests.insights.account_company import AS_OF, SETTINGS, TABLES


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("account")
    made = build(folder / "project", TABLES, end_reasons=SETTINGS)
    yield made
    made.close()


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def test_facts_are_those_of_the_day(company: Company) -> None:
    found = company.account.facts(account="acme", as_of=AS_OF)
    assert (found.name, found.owner, found.status, found.plan) == (
        "Acme Inc", "Ada", "paying", "Pro"
    )
    # 150 of the plan, 30 of the add-on, 20 of the account that is billed with it.
    assert found.mrr == 200
    # The add-on's cancellation was requested in May.
    assert (found.committed_mrr, found.is_cancel_requested) == (170, True)
    assert found.renews_on == day("2024-09-01")
    assert (found.first_paid_on, found.paying_since) == (day("2024-01-05"), day("2024-01-05"))
    assert found.tenure_days == 148
    assert (found.last_active_on, found.active_days) == (day("2024-06-01"), 3)
    assert (found.tickets, found.open_tickets) == (3, 2)
    assert found.created_on == day("2023-12-20")
    assert found.attributes == {"region": "North"}
    [score] = found.scores
    assert (score.kind, score.score, score.scale_max, score.answers) == ("nps", 9, 10, 2)
    [limit] = found.limits
    # Two uses on the first day of June, of four.
    assert (limit.feature, limit.uses, limit.allowance, limit.utilisation) == ("report", 2, 4, .5)
    assert [(one.subscription_id, one.mrr, one.cancel_requested_on) for one in found.rows] == [
        ("s1", 150, None), ("s2", 30, day("2024-05-02")), ("s3", 20, None),
    ]


def test_the_mrr_is_that_of_the_metric(company: Company) -> None:
    for account, at in (("acme", AS_OF), ("acme", "2024-02-15"), ("bolt", AS_OF)):
        own = company.show(
            "mrr", where=f"account_id={account}", grain="day", as_of=at
        ).rows
        shown = company.account.facts(account=account, as_of=at).mrr
        assert own[-1]["value"] == shown


def test_the_mrr_is_worth_what_it_is_on_the_day(tmp_path: Path) -> None:
    company = build(tmp_path / "p", {
        "subscriptions": [{"subscription_id": "s", "account_id": "e", "amount": 100,
                           "currency": "EUR", "starts_at": "2024-01-05"}],
        "fx_rates": [{"day": "2024-01-01", "currency": "EUR", "rate": 1.1},
                     {"day": "2024-05-01", "currency": "EUR", "rate": 1.25}],
    })
    assert company.account.facts(account="e", as_of=AS_OF).mrr == 125
    company.close()


def test_an_earlier_day_knows_nothing_of_later_ones(company: Company) -> None:
    found = company.account.facts(account="acme", as_of="2024-02-16")
    assert (found.plan, found.mrr, found.is_cancel_requested) == ("Basic", 130, False)
    assert (found.tickets, found.open_tickets) == (1, 0)
    assert found.scores[0].score == 6
    assert found.last_active_on is None


def test_a_churned_account_keeps_its_last_plan(company: Company) -> None:
    found = company.account.facts(account="bolt", as_of=AS_OF)
    assert (found.status, found.mrr, found.plan) == ("churned", 0, "Basic")
    assert (found.churned_on, found.end_class) == (day("2024-03-15"), "voluntary")
    # From 20 January to 15 March 2024.
    assert found.tenure_days == 55
    assert found.renews_on is None
    assert found.unknown["renews_on"] == "it has no subscription in force"
    assert found.unknown["scores"] == "it has answered no survey"


def test_what_is_not_known_says_so_and_is_never_zero(company: Company, tmp_path: Path) -> None:
    dune = company.account.facts(account="dune", as_of=AS_OF)
    assert (dune.status, dune.plan, dune.tenure_days) == ("never_paid", None, None)
    assert dune.unknown["tenure_days"] == "it has never paid"
    assert dune.unknown["last_active_on"] == "it has not used the product yet"
    # Tickets are loaded, and none is its own: that is known.
    assert (dune.tickets, dune.open_tickets) == (0, 0)
    bare = build(tmp_path / "bare", {"subscriptions": TABLES["subscriptions"]})
    found = bare.account.facts(account="bolt", as_of=AS_OF)
    assert (found.tickets, found.open_tickets, found.active_days) == (None, None, None)
    assert found.unknown["open_tickets"] == "no tickets are loaded"
    assert found.unknown["active_days"] == "no events are loaded"
    assert found.unknown["scores"] == "no survey answers are loaded"
    people = bare.account.users(account="bolt", as_of=AS_OF)
    assert (people.rows, people.active) == ((), None)
    bare.close()


def test_an_account_billed_with_another_shows_the_whole_customer(company: Company) -> None:
    found = company.account.facts(account="acme-eu", as_of=AS_OF)
    assert (found.name, found.customer_id, found.mrr) == ("Acme Europe", "acme", 200)
    assert found.notes == (
        "acme-eu is billed with acme: MRR, usage and stages are those of acme, the whole customer.",
    )


def test_an_excluded_account_has_no_mrr_to_show(tmp_path: Path) -> None:
    company = build(tmp_path / "p", TABLES, company='exclude = ["name~bolt"]')
    found = company.account.facts(account="bolt", as_of="2024-02-01")
    assert (found.is_excluded, found.mrr) == (True, None)
    assert found.unknown["mrr"] == "it is excluded from every metric"
    company.close()


def told(company: Company, **asked: Any) -> list[tuple[str, str, str | None]]:
    found = company.account.timeline(account="acme", as_of=AS_OF, **asked)
    return [(str(one.day), one.what, one.detail) for one in found.rows]


def test_plans_are_told_as_they_changed(company: Company) -> None:
    assert told(company, kind=["plan"]) == [
        ("2024-05-02", "cancel_requested", "Extra"),
        ("2024-04-01", "started", "Basic"),
        ("2024-03-10", "changed", "Basic → Pro"),
        ("2024-02-01", "started", "Extra"),
        ("2024-01-05", "started", "Basic"),
    ]


def test_a_span_that_only_splits_another_is_no_event(company: Company) -> None:
    rows = company.account.timeline(account="bolt", kind=["plan"], as_of=AS_OF).rows
    assert [(str(one.day), one.what, one.detail, one.end_class) for one in rows] == [
        ("2024-03-15", "ended", "Basic: too expensive", "voluntary"),
        ("2024-01-20", "started", "Basic", None),
    ]


def test_movements_sum_to_the_mrr(company: Company) -> None:
    rows = company.account.timeline(account="acme", kind=["movement"], as_of=AS_OF).rows
    assert [(str(one.day), one.what, one.amount, one.mrr) for one in rows] == [
        ("2024-04-01", "expansion", 20, 200), ("2024-03-10", "expansion", 50, 180),
        ("2024-02-01", "expansion", 30, 130), ("2024-01-05", "new", 100, 100),
    ]


def test_payments_tickets_answers_and_leads(company: Company) -> None:
    rows = company.account.timeline(account="acme", kind=["payment"], as_of=AS_OF).rows
    assert [(str(one.day), one.what, one.amount, one.detail) for one in rows] == [
        ("2024-02-08", "refunded", -25, None), ("2024-02-08", "paid", 100, None),
        ("2024-02-05", "failed", 100, "card declined"), ("2024-01-05", "paid", 100, None),
    ]
    assert told(company, kind=["ticket"]) == [
        ("2024-05-20", "opened", None), ("2024-05-05", "reopened", None),
        ("2024-05-02", "solved", None), ("2024-05-01", "opened", None),
        ("2024-02-02", "solved", "billing"), ("2024-02-01", "opened", "billing"),
    ]
    assert told(company, kind=["answer", "lead"]) == [
        ("2024-04-01", "nps", "Works <b>well</b>"), ("2024-02-01", "nps", "q1"),
        ("2024-01-05", "won", None), ("2023-12-20", "signed_up", None),
        ("2023-12-01", "created", "ads"),
    ]


def test_a_range_and_a_limit_say_what_they_leave_out(company: Company) -> None:
    assert {row[0][:7] for row in told(company, start="2024-02", end="2024-02")} == {"2024-02"}
    asked = {"account": "acme", "as_of": AS_OF, "kind": ["ticket"]}
    found = company.account.timeline(**asked, limit=2)
    assert ([one.id for one in found.rows], found.more) == (["t2", "t3"], 4)
    # What kinds there are does not hang on the kinds that are shown.
    counted = {one.kind: one.events for one in found.kinds}
    assert (counted["ticket"], counted["payment"], counted["movement"]) == (6, 4, 4)
    with pytest.raises(UsageError, match="is empty"):
        company.account.timeline(account="acme", start="2024-03", end="2024-02", as_of=AS_OF)
    with pytest.raises(UnknownNameError, match="Did you mean 'ticket'"):
        company.account.timeline(account="acme", kind=["tickets"], as_of=AS_OF)


def test_users_stand_champions_first_with_their_last_activity(company: Company) -> None:
    found = company.account.users(account="acme", as_of=AS_OF)
    assert [
        (one.user_id, one.name, str(one.last_active_on), one.active_days) for one in found.rows
    ] == [
        # The 28 days begin on 5 May: the board on 4 May is not among them.
        ("u2", "Max", "2024-05-10", 1), ("u1", "Una", "2024-06-01", 2),
        ("guest", None, "2024-03-01", 0), ("u3", "Ivo", "None", 0),
    ]
    assert found.active == 2


def test_an_unknown_id_is_told_with_those_near_it(company: Company) -> None:
    for ask in (company.account.facts, company.account.timeline, company.account.users,
                company.account.features):
        with pytest.raises(UnknownNameError) as caught:
            ask(account="acmee")
        assert caught.value.message == "Unknown account 'acmee'. Did you mean 'acme'?"
        assert "acme (Acme Inc)" in caught.value.hint
    with pytest.raises(UnknownNameError) as caught:
        company.account.facts(account="x" * 10_000)
    assert len(caught.value.message) < 120


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """22 accounts on Basic, three on Pro. Of x1 to x21, 14 use the report, seven of them twice."""
    names = ["own", *(f"x{n}" for n in range(1, 22)), "p1", "p2", "p3"]
    uses = [("own", "board", "2024-05-22")]
    for number in range(1, 15):
        uses.append((f"x{number}", "report", "2024-05-20"))
        if number <= 7:
            uses.append((f"x{number}", "report", "2024-05-21"))
    made = build(tmp_path_factory.mktemp("peers") / "project", {
        "accounts": [{"account_id": name, "employees": 20} for name in names],
        "subscriptions": [
            {"subscription_id": name, "account_id": name, "amount": 10, "starts_at": "2024-01-01",
             "plan": "Pro" if name.startswith("p") else "Basic"} for name in names
        ],
        "events": [
            {"event_id": f"e{number}", "account_id": account, "event": event,
             "occurred_at": f"{on}T10:00:00"}
            for number, (account, event, on) in enumerate(uses)
        ],
    })
    yield made
    made.close()


def test_similar_accounts_are_those_of_its_plan_and_size_without_itself(peers: Company) -> None:
    found = peers.account.features(account="own", as_of=AS_OF)
    assert (found.basis, found.similar, found.plan, found.size) == (
        "plan_and_size", 21, "Basic", "10-49 employees"
    )
    report, board = found.rows
    assert (report.feature, report.days, report.last_used_on) == ("report", 0, None)
    assert (report.similar, report.similar_share, report.similar_days) == (14, 14 / 21, 1.5)
    assert (board.feature, board.days, board.similar, board.similar_share) == ("board", 1, 0, 0)
    assert board.similar_days is None
    other = peers.account.features(account="x1", as_of=AS_OF)
    assert (other.similar, other.rows[0].days) == (21, 2)
    # Without x1 itself 13 accounts used it, on 21 − 2 days.
    assert (other.rows[0].similar, other.rows[0].similar_days) == (13, 19 / 13)


def test_few_similar_accounts_widen_the_circle_and_say_so(peers: Company) -> None:
    found = peers.account.features(account="p1", as_of=AS_OF)
    assert (found.basis, found.similar) == ("all", 24)
    assert found.rows[0].similar_share == 14 / 24
