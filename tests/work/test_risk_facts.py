"""Churn triggers and health as facts of rules: for one day, and for many days at once."""

from __future__ import annotations

import pytest

from staycurve.actions.rules.documents import RuleError
from staycurve.workspace import Company
from tests.work.conftest import playbook, rule

FAILING = 'title = "T"\ntype = "risk"\nevidence = ["triggers"]\n[[when]]\ntrigger = "{}"\n'


def test_a_trigger_opens_an_alert_and_is_its_evidence(company: Company) -> None:
    playbook(company, FAILING.format("payment_failing"))
    (row,) = company.work.run(as_of="2024-07-01").rows
    # The charge of 20 June is open; big paid, and low paid after it had failed.
    assert row["opened"] == 1
    (alert,) = company.work.alerts()
    assert alert["account_id"] == "mid"
    assert alert["evidence"][0]["facts"] == {
        "trigger.payment_failing": True, "triggers": "payment_failing",
    }


def test_history_looks_at_all_days_at_once_and_finds_what_each_day_finds(company: Company) -> None:
    playbook(company, FAILING.format("payment_failing"))
    (row,) = company.work.dry_run(as_of="2024-07-01", only="late", months=2).rows
    # Looked at every seven days up to 30 June: the charge had failed by the look of 23 June.
    assert row["history"]["accounts"] == [
        {"account_id": "low", "opened_on": "2024-06-23"},
        {"account_id": "mid", "opened_on": "2024-06-23"},
    ]


def test_a_trigger_that_does_not_exist_is_named_with_its_line(company: Company) -> None:
    playbook(company, FAILING.format("payment_fail"))
    with pytest.raises(RuleError, match=r"late.toml:5 .*Did you mean 'payment_failing'"):
        company.work.check()


def test_health_that_cannot_be_known_opens_nothing_and_says_why(company: Company) -> None:
    playbook(company, rule("health", "at_most = 40"))
    (row,) = company.work.run(as_of="2024-07-01").rows
    assert (row["matched"], row["opened"]) == (None, 0)
    assert row["why"].startswith("health is not known: ")
