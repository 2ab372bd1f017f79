"""How long customers stay, counted by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from staycurve.errors import UnknownNameError, UsageError
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build

LIVES = {"subscriptions": """
    subscription_id account_id plan starts_at  ends_at    amount
    s1              acme       Pro  2024-01-10 2024-02-10 100
    s2              bolt       Pro  2024-01-10 2024-03-10 50
    s3              crux       Max  2024-01-10 2024-03-10 30
    s4              crux       Max  2024-05-01 -          30
    s5              dune       Max  2024-01-10 -          10
    s6              elms       Max  2024-05-20 -          20"""}
"""As of 10 May 24:00: acme left in month 1, bolt and crux in month 2, dune is seen for four months.
elms has not begun. As of 1 June elms is there, and seen for no whole month."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("lives") / "p", LIVES) as made:
        yield made


def run(company: Company, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(
        app, ["--project", str(company.folder), "value", *words, "--format", "json"]
    )
    if done.exception:
        raise done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_curve_by_hand(company: Company) -> None:
    found = run(company, "lifetime", "--as-of", "2024-06-01")
    assert [
        (row["month"], row["at_risk"], row["left"], round(row["survival"], 6))
        for row in found["rows"]
    ] == [(1, 4, 1, 0.75), (2, 3, 2, 0.25), (3, 1, 0, 0.25), (4, 1, 0, 0.25)]
    assert set(found["rows"][0]) == {
        "segment", "month", "at_risk", "left", "survival", "low", "high",
    }
    (whole,) = found["segments"]
    assert (whole["accounts"], whole["median"], whole["horizon"]) == (5, 2, 4)
    assert whole["restricted_mean"] == pytest.approx(1 + 0.75 + 0.25 + 0.25)
    assert whole["projected_mean"] is None
    assert "10 accounts" in whole["projected_mean_why"]
    assert "logrank" not in found


def test_a_horizon_beyond_what_was_seen_is_empty_and_says_why(company: Company) -> None:
    (near,) = company.value.lifetime(horizon=2, as_of="2024-06-01").segments
    assert near.restricted_mean == pytest.approx(1.75)
    (far,) = company.value.lifetime(horizon=5, as_of="2024-06-01").segments
    assert far.restricted_mean is None
    assert far.restricted_mean_why == "nobody was followed for 5 months, only for 4"


def test_segments_have_their_own_curves_and_a_test(company: Company) -> None:
    found = run(company, "lifetime", "--by", "plan", "--as-of", "2024-06-01")
    pro, max_ = found["segments"][1], found["segments"][0]
    assert (max_["segment"], pro["segment"]) == ({"plan": "Max"}, {"plan": "Pro"})
    assert (pro["median"], pro["horizon"], max_["horizon"]) == (1, 2, 4)
    # Nobody of Pro is left, so its curve is known as far as one asks.
    assert company.value.lifetime(
        by="plan", horizon=4, as_of="2024-06-01"
    ).segments[1].restricted_mean == pytest.approx(1.5)
    # Month 1: 1 of 4 leaves, expected of Pro 2/4; month 2: 2 of 3, expected 2·1/3. Variances
    # (2·2/16)·1·(3/3) and 2·(1·2/9)·(1/2). Observed of Pro: 2.
    expected, variance = 1 / 2 + 2 / 3, 1 / 4 + 2 / 9
    assert found["logrank"]["statistic"] == pytest.approx((2 - expected) ** 2 / variance)
    assert 0 < found["logrank"]["p_value"] < 1
    assert any("--horizon 2" in note for note in found["notes"])


def test_months_are_those_of_the_riskiest_months(company: Company) -> None:
    for as_of in ("2024-06-01", "2024-03-10T12:00:00Z", "2024-02-01"):
        own = company.value.lifetime(as_of=as_of).rows
        theirs = company.cohorts.riskiest_months(as_of=as_of).rows
        assert [(m.month, m.at_risk, m.left) for m in own] == [
            (m.month, m.at_risk, m.left) for m in theirs
        ]


def test_a_tenure_of_so_many_months_is_left_in_that_month(tmp_path: Path) -> None:
    # How a table of (tenure, has left) becomes spans: all end or are seen on one day.
    seen, rows = dt.date(2024, 3, 15), []
    for place, (tenure, has_left) in enumerate([(1, True), (2, False), (3, True), (0, False)]):
        start = {0: seen, 1: dt.date(2024, 2, 15), 2: dt.date(2024, 1, 15),
                 3: dt.date(2023, 12, 15)}[tenure]
        rows.append({
            "subscription_id": f"s{place}", "account_id": f"a{place}", "amount": 10,
            "starts_at": start, "ends_at": seen if has_left else "",
        })
    with build(tmp_path / "p", {"subscriptions": rows}) as company:
        found = company.value.lifetime().rows
    assert [(m.month, m.at_risk, m.left) for m in found] == [(1, 3, 1), (2, 2, 0), (3, 1, 1)]


def test_nothing_to_read_says_why(company: Company) -> None:
    before = company.value.lifetime(as_of="2023-01-01")
    assert before.rows == before.segments == ()
    assert before.why
    young = company.value.lifetime(as_of="2024-01-20")
    assert young.rows == ()
    assert young.why == "no account has a whole month behind it yet"
    assert young.segments[0].restricted_mean is None
    assert young.segments[0].restricted_mean_why


def test_what_is_unknown_is_refused(company: Company) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'plan'"):
        company.value.lifetime(by="plam")
    with pytest.raises(UsageError, match="no value of 'horizon'"):
        company.value.lifetime(horizon=0)
    with pytest.raises(UsageError, match="Did you mean 'horizon'"):
        company.value.lifetime(horizons=3)
