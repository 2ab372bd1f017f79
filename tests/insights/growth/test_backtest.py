"""The worklist's track record in money: by hand, beside what was sold, and blind to the future."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from staycurve.insights.growth.looks import Looks, looks_of, sums_of
from staycurve.insights.growth.scoring import track_of
from staycurve.insights.risk.frames import moment_of
from staycurve.insights.risk.track import Lacking
from staycurve.workspace import Company
from tests.company import build
from tests.insights.growth.growing import AS_OF, SETTINGS, tables
from tests.insights.growth.test_expansion import until


def test_sums_by_hand() -> None:
    nan = float("nan")
    looks = Looks(
        (dt.date(2024, 1, 31),), np.array([*"abcdefghijkl"], dtype=object),
        np.full(12, np.datetime64("2024-01-31")),
        np.array([0.5] * 10 + [nan, 0.5]), np.array([10.0 * n for n in range(1, 11)] + [90, nan]),
        np.array([0.0] * 8 + [80, 140, 30, 7]),
    )
    found = sums_of(looks)
    # Ten rows are known, and each is a tenth; the last two have no expected gain.
    assert found.whole.rows == 10
    assert found.whole.expected == pytest.approx(0.5 * 550)
    assert (found.whole.followed, found.whole.upgraded) == (220, 2)
    assert found.whole.upgrades == pytest.approx(5)
    assert found.ratio == pytest.approx(220 / 275)
    assert found.low < found.ratio < found.high
    assert [one.expected for one in found.tenths] == [5.0 * n for n in range(1, 11)]
    assert [one.followed for one in found.tenths] == [0.0] * 8 + [80, 140]
    # An account that is drawn twice brings its money twice; without it there is none.
    assert found.tenths[9].low == 0
    assert found.tenths[9].high >= 280
    assert sums_of(looks) == found


def test_what_followed_is_what_was_sold(growing: Company) -> None:
    found = growing.growth.backtest(as_of=AS_OF)
    expansion = growing.growth.expansion(as_of=AS_OF)
    assert found.shown == expansion.shown == "points"
    assert found.looks[-1] == expansion.tested_until
    assert all((later - day).days >= 90 for day, later in zip(
        found.looks, found.looks[1:], strict=False
    ))
    sold = {}
    for row in tables()["subscriptions"]:
        for day in found.looks:
            until_on = day + dt.timedelta(days=90)
            if row["plan"] == "Pro" and str(day) < row["starts_at"] <= str(until_on):
                sold[row["account_id"], day] = row["quantity"] * (35 - 20)
    assert len(sold) >= 10
    assert found.followed + found.unknown_followed == pytest.approx(sum(sold.values()))
    assert found.upgraded == len(sold)
    # The one step that there is costs 15.00 more a seat, on whichever day: gain and gained agree.
    assert found.gain == pytest.approx(found.gained)
    assert sum(row.rows for row in found.rows) == found.accounts
    assert sum(row.expected for row in found.rows) == pytest.approx(found.expected)
    assert sum(row.followed for row in found.rows) == pytest.approx(found.followed)
    assert found.ratio == pytest.approx(found.followed / found.expected)
    assert found.ratio_low < found.ratio < found.ratio_high
    # Whoever reaches the limit is expected to move up, and does.
    assert found.rows[-1].followed > 3 * found.rows[0].followed
    verdict = found.said()[1].text
    assert ("too much" in verdict) == (found.ratio_high < 1)
    assert ("too little" in verdict) == (found.ratio_low > 1)


def test_what_is_expected_knows_nothing_of_what_comes_after(
    growing: Company, tmp_path: Path
) -> None:
    last = growing.growth.backtest(as_of=AS_OF).looks[-1]
    blind = until(tables(), str(last + dt.timedelta(days=1)))
    # Everybody does the same afterwards: a feature that nobody is known by today would be left out.
    blind["events"] += [
        {"event_id": f"{row['account_id']}-{day}", "account_id": row["account_id"],
         "user_id": f"u-{row['account_id']}", "event": "report", "occurred_at": f"{day}T09:00:00"}
        for row in blind["accounts"]
        for day in (last + dt.timedelta(days=9 * step) for step in range(1, 11))
    ]
    then = build(tmp_path / "then", blind, end_reasons=SETTINGS)
    one, other = (_looks(each) for each in (growing, then))
    assert one.days == other.days
    # Those that asked to leave later pay on the day in both: the rows are the same.
    assert list(one.account_ids) == list(other.account_ids)
    known = ~np.isnan(one.expected)
    assert known.sum() > 50
    np.testing.assert_array_equal(one.expected, other.expected)
    on_last = one.on == np.datetime64(last)
    assert one.followed[on_last].sum() > 0
    assert other.followed[on_last].sum() == 0


def _looks(company: Company) -> Looks:
    seen = company.as_of(AS_OF)
    with company.seeing(seen) as engine:
        track = track_of(company, engine, moment_of(engine, seen, 90), 90)
        assert not isinstance(track, Lacking)
        return looks_of(company, engine, seen, track, "points")


def test_too_little_says_what_is_missing(tmp_path: Path) -> None:
    small = build(tmp_path / "small", tables(12), end_reasons=SETTINGS)
    found = small.growth.backtest(as_of=AS_OF)
    assert found.why == small.growth.expansion(as_of=AS_OF).why
    assert (found.expected, found.ratio, found.rows, found.said()) == (None, None, (), ())
