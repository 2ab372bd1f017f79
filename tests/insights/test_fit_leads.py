"""Lead scores: planted traits found, a track record on later leads, and a clear answer without."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from statsmodels.api import Logit, add_constant
from typer.testing import CliRunner

from staycurve.insights.statistics.logistic import auc, binned, brier, fitted
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build

FIRST = dt.date(2023, 1, 1)


def leads_of(size: int, seed: int = 3) -> list[dict[str, str]]:
    """Leads of three years: those of partners in EdTech are won far more often."""
    rng = random.Random(seed)
    rows = []
    for n in range(size):
        day = FIRST + dt.timedelta(days=n * 1000 // size)
        channel = rng.choice(("partner", "ads", "social"))
        industry = rng.choice(("EdTech", "Retail"))
        chance = 0.15 + 0.35 * (channel == "partner") + 0.3 * (industry == "EdTech")
        ends = str(day + dt.timedelta(days=20 if chance > 0.4 else 40))
        is_open = n >= size - 20
        won = rng.random() < chance
        rows.append({
            "lead_id": f"L{n:04d}", "created_at": str(day), "channel": channel,
            "industry": industry, "coin": rng.choice("ht"),
            "won_at": ends if won and not is_open else "",
            "lost_at": ends if not won and not is_open else "",
        })
    return rows


def project(folder: Path, leads: list[dict[str, str]]) -> Company:
    return build(folder, {
        "accounts": [{"account_id": "a"}],
        "subscriptions": [{"subscription_id": "s", "account_id": "a", "plan": "Pro",
                           "interval": "month", "starts_at": "2023-01-01", "amount": 10}],
        "leads": leads,
        "spend": [{"month": "2025-06", "purpose": "acquisition", "kind": "ads", "amount": 900,
                   "channel": "ads"}],
    })


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with project(tmp_path_factory.mktemp("leads") / "p", leads_of(600)) as made:
        yield made


def test_leads_are_scored_with_reasons_and_a_track_record(company: Company) -> None:
    done = CliRunner().invoke(app, [
        "--project", str(company.folder), "fit", "leads", "--as-of", "2026-01-01",
        "--format", "json",
    ])
    found = json.loads(done.stdout)
    rows = found["rows"]
    assert len(rows) == 20
    assert all(0 < row["score"] < 1 and row["reasons"] for row in rows)
    assert rows == sorted(rows, key=lambda row: (-row["score"], row["lead_id"]))
    assert rows[0]["channel"] == "partner"
    assert {one["reason"].split(":")[0] for one in rows[0]["reasons"][:2]} == {
        "channel", "industry"}
    assert found["auc"] > 0.65
    assert found["auc_low"] < found["auc"] < found["auc_high"]
    assert found["beats_baseline"] is True
    # Training leads were decided before the first test lead came.
    gap = dt.date.fromisoformat(found["tested_from"]) - dt.date.fromisoformat(
        found["trained_until"])
    assert gap.days == 90
    assert sum(row["leads"] for row in found["calibration"]) == found["tested"]
    low, *_middle, high = found["by_fit"]
    assert low["won"] < high["won"]
    assert low["days_to_close"] == 40.0
    assert low["cost_per_won"] is not None


def test_scores_know_nothing_of_what_comes_after(company: Company, tmp_path: Path) -> None:
    day = "2025-03-01"
    leads = [
        {key: "" if key in ("won_at", "lost_at") and value >= day else value
         for key, value in row.items()}
        for row in leads_of(600) if row["created_at"] < day
    ]
    assert len(leads) < 590
    known = company.fit.leads(as_of=day)
    assert len(known.rows) > 10
    assert known.auc is not None
    with project(tmp_path / "p", leads) as then:
        assert then.fit.leads(as_of=day).as_dict() == known.as_dict()


@pytest.mark.parametrize(("kept", "why"), [
    ("", "no lead was lost: nothing tells a lead that will be won from one that will not"),
    ("lost", "no lead was won: nothing tells a lead that will be won from one that will not"),
    ("both", "6 won and 6 lost leads whose 90 days have passed: a score takes 20 of each"),
])
def test_too_little_is_a_clear_answer(tmp_path: Path, kept: str, why: str) -> None:
    leads = []
    for n in range(12):
        is_won = {"": True, "lost": False, "both": n % 2 == 0}[kept]
        leads.append({
            "lead_id": f"L{n}", "created_at": "2025-01-01", "channel": "ads",
            "won_at": "2025-01-09" if is_won else "", "lost_at": "" if is_won else "2025-01-09",
        })
    leads.append({"lead_id": "open", "created_at": "2025-01-01", "channel": "ads"})
    with project(tmp_path / "p", leads) as made:
        found = made.fit.leads(as_of="2025-10-01")
    assert (found.why, found.auc, found.auc_why) == (why, None, why)
    assert [(row.lead_id, row.score, row.why) for row in found.rows] == [("open", None, why)]


def test_the_model_is_statsmodels_without_a_prior() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, (300, 2)).astype(float)
    y = rng.random(300) < 0.3 + 0.3 * x[:, 0]
    own = fitted(x, list(y), ridge=0.0)
    theirs = Logit(y, add_constant(x - x.mean(axis=0))).fit(disp=False).params
    assert (own.intercept, *own.coefficients) == pytest.approx(tuple(theirs), abs=1e-6)


def test_auc_brier_and_bins_by_hand() -> None:
    # Of the six pairs, four are in order and one ties.
    assert auc([0.9, 0.4, 0.4, 0.2, 0.5], [True, True, False, False, False]) == 4.5 / 6
    assert auc([0.1], [True]) is None
    assert brier([0.5, 1.0], [True, False]) == (0.25 + 1) / 2
    assert binned([0.1, 0.1, 0.1, 0.9], bins=2) == [[0, 1, 2], [3]]
    assert binned([0.1, 0.2, 0.2, 0.2, 0.3, 0.4], bins=3) == [[0, 1, 2, 3], [4], [5]]
