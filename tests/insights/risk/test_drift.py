"""What changed since the models learned: features that shifted, and those that are gone."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from staycurve.insights.risk.drift import lost, shifted
from staycurve.workspace import Company
from tests.company import build
from tests.insights.risk.leaving import tables
from tests.insights.risk.test_models import drawn

AS_OF = "2024-07-01"


def test_a_feature_that_is_distributed_otherwise_is_named() -> None:
    past, now = drawn(1), drawn(2)
    assert shifted(now, past) == ()
    values = {**now.values, "days_inactive": now.values["days_inactive"] + 12}
    assert shifted(replace(now, values=values), past) == ("days_inactive",)
    gone = {**now.values, "nps_score": np.full(len(now), np.nan, dtype=np.float32)}
    assert shifted(replace(now, values=gone), past) == ("nps_score",)


def test_the_index_of_stability_is_what_it_is_by_hand() -> None:
    past, now = drawn(1), drawn(2)
    # One half each, then 80 and 20 of 100: (0.8 - 0.5) ln 1.6 + (0.2 - 0.5) ln 0.4 = 0.4159.
    half = np.array([0, 1] * 750, dtype=np.float32)
    few = now.where(np.arange(100))
    many = {name: past.values[name] for name in past.values}
    for share, is_named in ((0.80, True), (0.62, False)):
        index = (share - 0.5) * math.log(share / 0.5) + (0.5 - share) * math.log((1 - share) / 0.5)
        assert (index > 0.25) == is_named
        own = (np.arange(100) >= round(100 * share)).astype(np.float32)
        found = shifted(
            replace(few, values={**few.values, "items": own}),
            replace(past, values={**many, "items": half}),
        )
        assert ("items" in found) == is_named


def test_what_nobody_is_known_of_any_more_is_lost() -> None:
    past, now = drawn(1), drawn(2)
    silent = np.full(len(now), np.nan, dtype=np.float32)
    gone = replace(now, values={**now.values, "nps_score": silent, "pulse": silent})
    never = replace(past, values={**past.values, "pulse": silent})
    assert lost(gone, [never]) == ("nps_score",)
    assert lost(now, [past]) == ()
    assert lost(now.where(np.arange(0)), [past]) == ()


@pytest.fixture(scope="module")
def unheard(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The leaving accounts, of whom many answered once in early 2023 and nobody since."""
    given: dict[str, Any] = tables()
    given["answers"] = [
        {"answer_id": f"n{place}", "survey": "nps", "kind": "nps",
         "account_id": row["account_id"], "answered_at": "2023-03-01", "score": place % 11}
        for place, row in enumerate(given["subscriptions"])
    ]
    return build(tmp_path_factory.mktemp("unheard") / "c", given)


def test_a_model_does_without_what_no_longer_comes_in(
    unheard: Company, leaving: Company
) -> None:
    found = unheard.risk.scores(as_of=AS_OF)
    assert "NPS score" in found.without
    assert found.form is not None
    # Nothing else is known of these accounts: what is shown is what it would be without answers.
    plain = leaving.risk.scores(as_of=AS_OF)
    assert [(row.account_id, row.probability) for row in found.rows] == [
        (row.account_id, row.probability) for row in plain.rows
    ]
    assert plain.without == ()
    assert unheard.risk.backtest(as_of=AS_OF).without == found.without
    told = [one.text for one in found.said()]
    assert any("does without" in text for text in told)


def test_a_feed_that_stops_makes_nobody_healthy(tmp_path: Path) -> None:
    given = tables()
    given["events"] = [row for row in given["events"] if row["occurred_at"] < "2024-04-01"]
    found = build(tmp_path / "c", given).risk.scores(as_of=AS_OF)
    assert "Days since last activity" in found.shifted
    assert found.rows
    assert not [row for row in found.rows if row.band == "healthy"]
    assert any("may be off" in one.text for one in found.said())
