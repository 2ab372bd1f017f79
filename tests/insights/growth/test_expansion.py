"""Probabilities of upgrades: what was planted is found first, and the future is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from staycurve.insights.risk.kept_table import kept_days
from staycurve.workspace import Company
from tests.company import build
from tests.insights.growth.growing import AS_OF, SETTINGS, tables

EARLIER = "2024-07-01"


def until(given: dict[str, Any], later: str) -> dict[str, Any]:
    """The same rows without any fact from an instant on."""
    firsts = {"subscriptions": "starts_at", "events": "occurred_at"}
    found = {
        name: [
            {key: "" if key in ("ends_at", "cancel_requested_at") and str(value) >= later else value
             for key, value in row.items()}
            for row in rows if name not in firsts or str(row[firsts[name]]) < later
        ]
        for name, rows in given.items()
    }
    assert len(found["events"]) < len(given["events"])
    assert len(found["subscriptions"]) < len(given["subscriptions"])
    return found


def test_the_planted_cause_comes_first_and_beats_the_baseline(growing: Company) -> None:
    found = growing.growth.expansion(as_of=AS_OF)
    assert (found.shown, found.beats_baseline) == ("points", True)
    assert found.difference_low > 0
    assert found.auc > found.baseline.auc
    assert found.lift_top_decile > 3
    assert found.rows[0].reasons[0].reason.startswith("Share of its limit used")
    assert [one.form for one in found.models] == ["points", "boosting", "baseline"]
    assert sum(one.rows for one in found.reliability) == found.tested
    assert "Better than the baseline" in found.said()[0].text
    drivers = growing.growth.drivers(as_of=AS_OF)
    first = drivers.rows[0]
    assert (first.driver, first.is_significant) == ("limit_near", True)
    assert first.low > 5
    # What was drawn by lot says nothing, and says so.
    traits = [row for row in drivers.rows if row.driver.startswith(("industry", "country"))]
    assert len(traits) == 5
    assert not any(row.is_significant for row in traits)
    assert all(row.why for row in traits)


def test_probabilities_know_nothing_of_what_comes_after(growing: Company, tmp_path: Path) -> None:
    then = build(tmp_path / "then", until(tables(), EARLIER), end_reasons=SETTINGS)
    known = growing.growth.expansion(as_of=EARLIER)
    assert known.shown is not None
    assert len(known.rows) > 50
    assert then.growth.expansion(as_of=EARLIER).as_dict() == known.as_dict()
    # The one company has kept its features and the other one has not: both say the same.
    assert kept_days(growing)
    assert not kept_days(then)
    for ask in ("drivers", "signals", "worklist"):
        one, other = (getattr(each.growth, ask)(as_of=EARLIER) for each in (growing, then))
        assert one.rows
        assert one.as_dict() == other.as_dict()


def test_upgrades_by_lot_leave_the_baseline(tmp_path: Path) -> None:
    company = build(tmp_path / "c", tables(is_random=True), end_reasons=SETTINGS)
    found = company.growth.expansion(as_of=AS_OF)
    assert (found.shown, found.beats_baseline) == ("baseline", False)
    assert found.said()[0].text.startswith("Not better than the plain baseline")
    assert found.rows
    assert all("limit" not in one.reason for row in found.rows for one in row.reasons)
    assert company.growth.worklist(as_of=AS_OF).said()[0].text.startswith("The model does not beat")


TRIALS = """
subscription_id account_id plan amount status   starts_at  ends_at
s1              a          Pro  100    trialing 2024-01-10 2024-02-10
"""


def test_too_little_to_learn_from_says_what_is_missing(tmp_path: Path) -> None:
    small = build(tmp_path / "small", tables(12), end_reasons=SETTINGS)
    found = small.growth.expansion(as_of=AS_OF)
    assert "were upgraded in the days to learn from" in found.why
    assert "months, at this pace" in found.why
    assert found.auc is None
    assert len(found.rows) == 12
    assert all(row.probability is None and row.why for row in found.rows)
    work = small.growth.worklist(as_of=AS_OF)
    assert work.lacking == found.why
    assert all(row.expected is None for row in work.rows)
    assert "by possible gain alone" in work.said()[0].text
    trials = build(tmp_path / "trials", {"subscriptions": TRIALS})
    for ask in ("expansion", "worklist", "signals"):
        answer = getattr(trials.growth, ask)(as_of=AS_OF)
        assert (answer.why, answer.rows) == ("no account pays", ())
    assert trials.growth.drivers(as_of=AS_OF).why
    assert trials.growth.next(as_of=AS_OF).why


def test_a_company_without_upgrades_says_so(tmp_path: Path) -> None:
    rows = [
        {"subscription_id": f"s{place}", "account_id": f"a{place}", "plan": "Team", "amount": 50,
         "starts_at": "2023-01-05"} for place in range(40)
    ]
    company = build(tmp_path / "c", {"subscriptions": rows})
    found = company.growth.expansion(as_of=AS_OF)
    assert "no account was upgraded" in found.why
    drivers = company.growth.drivers(as_of=AS_OF)
    assert drivers.tested == 0
    assert drivers.said()[0].values["tested"][0] == 0
    assert all(row.why and not row.is_significant for row in drivers.rows)
