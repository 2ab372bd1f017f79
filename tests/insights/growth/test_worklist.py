"""The worklist: by money, without accounts at risk, and what is unknown stands last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from staycurve.workspace import Company
from tests.insights.growth.growing import AS_OF, tables


def test_the_order_is_that_of_probability_times_gain(growing: Company) -> None:
    found = growing.growth.worklist(as_of=AS_OF)
    chances = {row.account_id: row for row in growing.growth.expansion(as_of=AS_OF).rows}
    known = [row for row in found.rows if row.expected is not None]
    assert len(known) > 30
    for row in known:
        assert row.probability == chances[row.account_id].probability
        assert row.expected == pytest.approx(row.probability * row.gain)
        # 35.00 less 20.00 a seat: Basic to Pro is the one step that there is.
        assert (row.way, row.gain % 15) == ("plan", 0)
    assert [row.expected for row in known] == sorted((row.expected for row in known), reverse=True)
    unknown = found.rows[len(known):]
    assert unknown
    assert {row.plan for row in unknown} == {"Pro"}
    assert all(row.expected is None and row.why for row in unknown)
    assert found.unknown == len(unknown)
    assert found.expected == pytest.approx(sum(row.expected for row in known))
    assert "report: " in known[0].signals[0]


def test_a_short_list_says_how_many_it_leaves_out(growing: Company) -> None:
    found = growing.growth.worklist(as_of=AS_OF, most=3)
    every = growing.growth.worklist(as_of=AS_OF)
    assert found.rows == every.rows[:3]
    assert found.left_out == found.accounts - 3
    assert found.expected == every.expected


def test_who_is_leaving_is_left_out_or_shown_so(growing: Company) -> None:
    leaving = [row for row in tables()["subscriptions"] if row.get("cancel_requested_at")]
    asked = {row["account_id"] for row in leaving}
    assert len(asked) == 9
    found = growing.growth.worklist(as_of=AS_OF)
    assert found.at_risk == 9
    assert found.at_risk_mrr == sum(row["quantity"] * row["unit_amount"] for row in leaving)
    assert not asked & {row.account_id for row in found.rows}
    assert any("are left out" in one.text for one in found.said())
    shown = growing.growth.worklist(as_of=AS_OF, with_at_risk=True)
    rows = {row.account_id: row for row in shown.rows if row.account_id in asked}
    assert set(rows) == asked
    assert {row.risk for row in rows.values()} == {"at_risk"}
    # Nobody who is leaving has a probability of growing.
    assert all(row.probability is None and row.expected is None for row in rows.values())
    assert shown.accounts == found.accounts + 9
    assert shown.at_risk == 0


def test_one_account_is_said_as_one(growing: Company) -> None:
    found = growing.growth.worklist(as_of=AS_OF)
    one = replace(found, at_risk=1, at_risk_mrr=80.0, unknown=1)
    texts = [said.text for said in one.said()]
    assert [text.split(" ")[0:3] for text in texts] == [
        ["One", "account", "at"], ["For", "one", "account"],
    ]
    assert all("%(count)s accounts" in said.text for said in found.said())
