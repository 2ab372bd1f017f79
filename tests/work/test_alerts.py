"""Alerts: on entry only, one an account and type, with an owner, and moved by legal steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from staycurve.actions.playbooks.opening import BackwardsError
from staycurve.errors import StaycurveError, UsageError
from staycurve.state.alerts import ConflictError
from staycurve.workspace import Company
from tests.company import load
from tests.work.conftest import RULE, made, playbook, rule


def by_account(company: Company, **asked: Any) -> dict[str, dict[str, Any]]:
    """The alerts by account."""
    return {one["account_id"]: one for one in company.work.alerts(**asked)}


def test_an_alert_opens_on_entry_only_with_owner_tasks_and_evidence(company: Company) -> None:
    playbook(company, RULE)
    (first,) = [r for r in company.work.run(as_of="2024-07-01").rows if r["playbook"] == "late"]
    # big paid, low paid after it failed; of mid the charge of 20 June is open.
    assert (first["opened"], first["matched"]) == (1, 1)
    (alert,) = company.work.alerts()
    assert (alert["account_id"], alert["owner"], alert["status"]) == ("mid", "Ana", "open")
    # As of 1 July, 00:00, the last day seen is 30 June: ten days; due two days later.
    assert alert["evidence"][0]["facts"]["payment_failing_days"] == 10
    assert (alert["opened_on"], alert["due_on"]) == ("2024-06-30", "2024-07-02")
    assert alert["rank"] == 300 * 0.5 * 0.5
    assert alert["reasons"] == ["paid", "lost"]
    tasks = company.work.tasks()
    assert [(one["title"], one["due_on"], one["owner"]) for one in tasks] == [
        ("Write", "2024-06-30", "Ana"), ("Call", "2024-07-03", "Ana"),
    ]
    assert tasks[0]["message"] == "Hello Mid\n\nOpen for 10 days. Ana"
    for as_of in ("2024-07-01", "2024-07-02"):
        (again,) = company.work.run(as_of=as_of).rows
        assert (again["opened"], again["entered"], again["merged"]) == (0, 0, 0)
    assert len(company.work.tasks()) == 2


def test_a_second_playbook_of_the_type_adds_evidence_not_an_alert(company: Company) -> None:
    playbook(company, RULE)
    company.work.run(as_of="2024-07-01")
    playbook(company, rule("mrr", "at_least = 300\nat_most = 300", more='reasons = ["ok"]'), "big")
    rows = {one["playbook"]: one for one in company.work.run(as_of="2024-07-02").rows}
    assert (rows["big"]["merged"], rows["big"]["opened"]) == (1, 0)
    (alert,) = company.work.alerts()
    assert [one["playbook"] for one in alert["evidence"]] == ["late", "big"]
    assert alert["reasons"] == ["paid", "lost", "ok"]
    # Another type is another alert.
    playbook(company, rule("mrr", "at_least = 300\nat_most = 300", "growth"), "grow")
    company.work.run(as_of="2024-07-03")
    assert [one["type"] for one in company.work.alerts(account="mid")] == ["risk", "growth"]


def test_an_alert_that_closes_by_itself_ends_when_its_account_leaves(company: Company) -> None:
    playbook(company, RULE)
    company.work.run(as_of="2024-07-01")
    load(company, {"payments": """
payment_id account_id subscription_id invoice_id amount paid_at    failed_at
p2         mid        s2              i2         300    2024-07-03 2024-06-20
"""})
    (row,) = company.work.run(as_of="2024-07-05").rows
    assert (row["left"], row["closed"]) == (1, 1)
    (alert,) = company.work.alerts(has_resolved=True)
    assert (alert["reason"], alert["resolved_by"]) == ("condition_passed", "staycurve")
    assert alert["acted_at"] is None
    assert company.work.tasks() == []


def test_only_its_own_reasons_resolve_an_alert_and_only_once(company: Company) -> None:
    playbook(company, RULE)
    company.work.run(as_of="2024-07-01")
    (alert,) = company.work.alerts()
    with pytest.raises(UsageError, match="no reason of alert") as told:
        company.work.resolve(alert["id"], reason="helped", by="Ana")
    assert told.value.hint == "One of: paid, lost"
    with pytest.raises(UsageError, match="Who resolves it is empty"):
        company.work.resolve(alert["id"], reason="paid", by=" ")
    with pytest.raises(ConflictError, match="has changed since you read it"):
        company.work.resolve(alert["id"], reason="paid", by="Ana", version=99)
    company.work.resolve(alert["id"], reason="paid", by="Ana", version=alert["version"])
    with pytest.raises(ConflictError, match="was resolved already: paid, by Ana") as late:
        company.work.resolve(alert["id"], reason="lost", by="Ben", version=alert["version"])
    assert late.value.exit_status == 1
    whole = company.work.alert(alert["id"])
    assert [one["what"] for one in whole["history"]] == ["opened", "resolved"]
    assert {one["status"] for one in whole["tasks"]} == {"dropped"}
    record = company.work.record("late")
    assert record["reasons"] == [{"reason": "paid", "alerts": 1}]
    assert (record["opened"], record["resolved"], record["open"]) == (1, 1, 0)


def test_what_was_resolved_lately_opens_no_new_alert(company: Company) -> None:
    playbook(company, rule("mrr", "at_least = 250\nleave_below = 250",
                           more="again_after_days = 3650"))
    company.work.run(as_of="2024-07-01")
    (big, mid) = company.work.alerts()
    company.work.resolve(mid["id"], reason="helped", by="Ana")
    # Out of the rule, and in again.
    load(company, {"subscriptions": """
subscription_id account_id plan starts_at  ends_at    interval amount
s2              mid        Pro  2024-01-01 2024-07-05 month    300
s2              mid        Pro  2024-07-05 2024-07-10 month    100
s2              mid        Pro  2024-07-10 -          month    300
"""})
    assert company.work.run(as_of="2024-07-07").rows[0]["left"] == 1
    (row,) = company.work.run(as_of="2024-07-12").rows
    assert (row["entered"], row["suppressed"], row["opened"]) == (1, 1, 0)
    assert [one["id"] for one in company.work.alerts()] == [big["id"]]


def test_a_snoozed_alert_suppresses_new_ones_and_wakes(company: Company) -> None:
    playbook(company, RULE)
    company.work.run(as_of="2024-07-01")
    (alert,) = company.work.alerts()
    with pytest.raises(UsageError, match="is no day to snooze until"):
        company.work.snooze(alert["id"], until="2024-07-10", reason="holiday", by="Ana")
    with pytest.raises(UsageError, match="The reason is empty"):
        company.work.snooze(alert["id"], until="2026-12-01", reason="", by="Ana")
    # The clock of the tests stands in November 2026.
    company.work.snooze(alert["id"], until="2026-12-01", reason="holiday", by="Ana")
    playbook(company, rule("mrr", "at_least = 300\nat_most = 300"), "big")
    rows = {one["playbook"]: one for one in company.work.run(as_of="2024-07-02").rows}
    assert (rows["big"]["merged"], rows["big"]["opened"]) == (1, 0)
    (found,) = company.work.alerts()
    assert (found["status"], found["snooze_reason"]) == ("snoozed", "holiday")


def test_nothing_runs_backwards(company: Company) -> None:
    playbook(company, RULE)
    company.work.run(as_of="2024-07-10")
    with pytest.raises(BackwardsError, match="have been run as of 2024-07-10"):
        company.work.run(as_of="2024-07-01")


def test_a_rule_over_two_fifths_is_refused_until_confirmed(company: Company) -> None:
    playbook(company, rule("mrr", "at_least = 40"))
    found = company.work.run(as_of="2024-07-01")
    # Six of seven pay.
    assert "would alert 6 of 7 accounts (86%)" in found.rows[0]["refused"]
    assert company.work.alerts() == []
    (row,) = company.work.run(as_of="2024-07-01", confirm=["late"]).rows
    assert (row["opened"], row["refused"]) == (6, None)


def test_no_storm_a_person_gets_so_many_a_day(tmp_path: Path) -> None:
    with made(tmp_path / "p", playbooks="per_person_a_day = 1") as company:
        playbook(company, rule("mrr", "at_least = 40", more="is_confirmed = true\ncloses = true"))
        company.work.run(as_of="2024-07-01")
        # Ana has big and mid, the others belong to nobody: the larger of each goes first.
        assert set(by_account(company, status="open")) == {"big", "low"}
        assert set(by_account(company, status="waiting")) == {"mid", "new", "idle", "calm"}
        assert {one["account_id"] for one in company.work.tasks()} == set()
        company.work.run(as_of="2024-07-01")
        assert len(by_account(company, status="open")) == 2
        company.work.run(as_of="2024-07-02")
        assert set(by_account(company, status="open")) == {"big", "low", "mid", "new"}
        assert by_account(company)["mid"]["opened_on"] == "2024-07-01"


def test_every_account_has_one_owner(tmp_path: Path) -> None:
    extra = (
        '[ownership]\ndefault = "Team"\ngone = ["Carl"]\n'
        'rules = [{where = "country=US", owner = "Uma"}]\n'
    )
    with made(tmp_path / "p", extra=extra) as company:
        rows = company.work.owners()
        found = {(one["owner"], one["why"]): one["accounts"] for one in rows}
        # Carl is gone: his account in France falls to the team, with idle and calm.
        assert found == {("Ana", "own"): 2, ("Uma", "rule"): 2, ("Team", "default"): 3}
        assert sum(one["mrr"] for one in rows) == 1000 + 300 + 100 + 100 + 50 + 40


def test_escalation_happens_once(company: Company) -> None:
    playbook(company, RULE.replace('closes = true', 'escalate_to = "Head"'))
    company.work.run(as_of="2024-07-01")
    company.work.run(as_of="2024-07-02")
    assert company.work.alerts()[0]["owner"] == "Ana"
    company.work.run(as_of="2024-07-04")
    company.work.run(as_of="2024-07-05")
    (alert,) = company.work.alerts()
    assert alert["owner"] == "Head"
    what = [one["what"] for one in company.work.alert(alert["id"])["history"]]
    assert what == ["opened", "assigned", "escalated"]


def test_a_playbook_whose_data_is_missing_says_so(company: Company) -> None:
    playbook(company, rule("open_tickets", "at_least = 1"))
    (row,) = company.work.run(as_of="2024-07-01").rows
    assert row["matched"] is None
    assert row["why"] == "no tickets are loaded, and open_tickets rests on them"


def test_an_overdue_milestone_is_a_fact(company: Company) -> None:
    company.work.add_milestone("big", "Rolled out", due_on="2024-06-15", owner="Ana")
    kept = company.work.add_milestone("mid", "Trained", due_on="2024-06-15", owner="Ana")
    with pytest.raises(StaycurveError, match="Unknown account 'bigg'"):
        company.work.add_milestone("bigg", "x", due_on="2024-06-15", owner="Ana")
    company.work.reach_milestone(kept["id"], by="Ana")
    with pytest.raises(ConflictError):
        company.work.reach_milestone(kept["id"], by="Ben")
    playbook(company, rule("overdue_milestones", "at_least = 1", "goal"))
    company.work.run()
    assert set(by_account(company)) == {"big"}


def test_a_dry_run_keeps_nothing_and_counts_by_hand(company: Company) -> None:
    # Looked at every seven days up to 30 June: on 23 June mid had failed for three days.
    playbook(company, RULE)
    (row,) = company.work.dry_run(as_of="2024-07-01").rows
    assert row["would_open"] == 1
    past = row["history"]
    assert past["accounts"] == [
        {"account_id": "low", "opened_on": "2024-06-23"},
        {"account_id": "mid", "opened_on": "2024-06-23"},
    ]
    assert (past["judged"], past["precision"]) == (0, None)
    assert company.work.alerts() == []
    # By November both outcomes are known: nobody left within 60 days.
    (later,) = company.work.dry_run(as_of="2024-11-01").rows
    assert (later["history"]["judged"], later["history"]["came"]) == (2, 0)


def test_precision_and_base_rate_by_hand(company: Company) -> None:
    # gone pays 100 and leaves on 15 May; low and new pay 100 and stay. Entered on the first look
    # after 1 January: 7 January (low, gone) and 23 June (new), which is not 60 days old by then.
    playbook(company, rule("mrr", "at_least = 100\nat_most = 100",
                           more='[outcome]\nof = "churned"\nwithin_days = 150'))
    (row,) = company.work.dry_run(as_of="2024-07-01").rows
    past = row["history"]
    assert [(one["account_id"], one["opened_on"]) for one in past["accounts"]] == [
        ("gone", "2024-01-07"), ("low", "2024-01-07"), ("new", "2024-06-23"),
    ]
    # 7 January + 150 days is 5 June: judged. One of the two left by then.
    assert (past["judged"], past["came"], past["precision"]) == (2, 1, 0.5)
    # Looks whose 150 days are over by 30 June: 7, 14, 21, 28 January; six pay, one leaves.
    assert past["base_rate"] == pytest.approx(1 / 6)
