"""Probabilities of upgrades: what was planted is found first, and the future is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from staycurve.insights.growth.upgrades import expansions_sql
from staycurve.insights.risk import learned as learning
from staycurve.insights.risk.frames import frame, joined, moment_of
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
    # Reports that were run, as they are and as a share of what the plan allows: one cause.
    assert found.rows[0].reasons[0].reason.startswith(("Share of its limit used", "Uses"))
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
    assert drivers.said()[0].text == "Too few accounts were upgraded to test any sign or trait."
    assert all(row.why and not row.is_significant for row in drivers.rows)


def test_a_large_company_learns_of_upgrades_from_the_draw_that_churn_is_learned_from(
    growing: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "KEPT", 0)
    monkeypatch.setattr(learning, "PER_DAY", 40)
    seen = growing.as_of(AS_OF)
    with growing.seeing(seen) as engine:
        moment = moment_of(engine, seen, 90)
        whole = frame(growing, engine, moment.past, 90, expansions_sql)
        churn = joined(learning.learned(growing, engine, moment, 90))

        def never(*_given: object) -> None:
            raise AssertionError("features were read again")

        monkeypatch.setattr(learning, "frames", never)
        drawn = joined(learning.learned(growing, engine, moment, 90, expansions_sql))
    assert drawn is not None
    assert churn is not None
    assert list(zip(drawn.account_ids, drawn.days, strict=True)) == list(
        zip(churn.account_ids, churn.days, strict=True)
    )
    assert 0 < len(drawn) < len(whole)
    # Each drawn row is the row of the whole frame, with the first upgrade that follows it.
    places = {
        one: place
        for place, one in enumerate(zip(whole.account_ids, whole.days, strict=True))
    }
    own = whole.where(np.array([
        places[one] for one in zip(drawn.account_ids, drawn.days, strict=True)
    ]))
    assert np.array_equal(drawn.left_on, own.left_on, equal_nan=True)
    assert 0 < drawn.has_left.sum() < len(drawn)
    assert churn.has_left.sum() != drawn.has_left.sum()
    for name, values in own.values.items():
        assert np.array_equal(drawn.values[name], values, equal_nan=True), name


def test_nothing_is_learned_from_what_no_longer_comes_in(
    growing: Company, tmp_path: Path
) -> None:
    given = tables()
    # Everybody answered once, and nobody has for a year.
    given["answers"] = [
        {"answer_id": f"n{place}", "survey": "nps", "kind": "nps",
         "account_id": row["account_id"], "answered_at": "2023-08-20", "score": place % 11}
        for place, row in enumerate(given["accounts"])
    ]
    company = build(tmp_path / "c", given, end_reasons=SETTINGS)
    found = company.growth.expansion(as_of=AS_OF)
    assert "NPS score" in found.without
    assert any("Known of no account any more" in one.text for one in found.said())
    plain = growing.growth.expansion(as_of=AS_OF)
    assert plain.without == ()
    assert len(found.rows) > 50
    assert [(row.account_id, row.probability) for row in found.rows] == [
        (row.account_id, row.probability) for row in plain.rows
    ]
