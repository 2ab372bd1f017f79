"""Funnels in any order, by the period of their start, and how long they take."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import UsageError
from staycurve.insights.usage.funnels import funnel
from tests.insights.usage_company import Event, at_random, company_of

RANGE = {"first": "2024-01", "last": "2024-03", "as_of": "2024-06-01"}


def naive_unordered(
    events: Sequence[Event], steps: Sequence[str], window: dt.timedelta, first: dt.date,
    last: dt.date, excluded: str = "",
) -> dict[str, tuple[int, bool]]:
    """User → (steps done, excluded): of all its starts the best that nothing excluded voids."""
    found: dict[str, tuple[int, bool]] = {}
    for user in sorted({e.user for e in events if e.user}):
        own = sorted((e for e in events if e.user == user), key=lambda e: (e.at, e.number))
        best: tuple[int, bool] | None = None
        for place, start in enumerate(own):
            if start.name not in steps or not first <= start.at.date() <= last:
                continue
            after = [e for e in own[place:] if e.at <= start.at + window]
            times = []
            for name in set(steps):
                done = [e.at for e in after if e.name == name]
                times += done[: steps.count(name)]
            times.sort()
            end = times[-1] if len(times) == len(steps) else None
            void = any(
                e.name == excluded and e.at > start.at
                and (e.at < end if end else e.at <= start.at + window)
                for e in own
            )
            one = (len(times), void)
            if best is None or (not one[1], one[0]) > (not best[1], best[0]):
                best = one
        if best:
            found[user] = best
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("steps", "excluded"), [(("a", "b", "c"), ""), (("b", "a", "a"), ""), (("a", "b"), "d")]
)
def test_any_order_is_what_a_plain_reading_finds(
    tmp_path: Path, seed: int, steps: tuple[str, ...], excluded: str
) -> None:
    events = at_random(seed, count=300)
    window = dt.timedelta(days=3)
    with company_of(tmp_path / "p", events) as company:
        found = company.usage.funnel(
            steps=steps, window="3d", order="unordered", exclude=[excluded] if excluded else (),
            **RANGE,
        )
        naive = naive_unordered(
            events, steps, window, dt.date(2024, 1, 1), dt.date(2024, 3, 31), excluded)
        kept = [depth for depth, void in naive.values() if not void]
        assert [row.count for row in found.rows] == [
            sum(depth >= step for depth in kept) for step in range(1, len(steps) + 1)]
        assert found.totals[0].excluded == len(naive) - len(kept)
        assert found.rows[-1].count
        for row in found.rows:
            assert found.users(row.step).total.value == row.count


def test_unordered_by_hand(tmp_path: Path) -> None:
    # ann does all three backwards; ben two of them, the third a day too late; cid one.
    rows = """account user event occurred_at platform
    acme ann c 2024-02-01T00:00:00 web
    acme ann b 2024-02-02T00:00:00 ios
    acme ann a 2024-02-03T00:00:00 ios
    acme ben b 2024-02-01T00:00:00 ios
    acme ben a 2024-02-05T00:00:00 web
    acme ben c 2024-02-09T00:00:00 web
    acme cid a 2024-02-01T00:00:00 web"""
    asked = {"steps": ["a", "b", "c"], "window": "7d", **RANGE}
    with company_of(tmp_path / "p", rows) as company:
        found = company.usage.funnel(order="unordered", **asked)
        assert [row.count for row in found.rows] == [3, 2, 1]
        assert [row.doing for row in found.rows] == ["1 of 3", "2 of 3", "3 of 3"]
        assert (found.rows[1].median_seconds, found.rows[2].median_seconds) == (
            (1 + 4) / 2 * 86400, 86400)
        # Ben gets two steps far from b and from a: from b he got there first.
        split = company.usage.funnel(order="unordered", by="property:platform", **asked)
        assert {(r.segment["property:platform"], r.step): r.count for r in split.rows} == {
            ("ios", 1): 1, ("ios", 2): 1, ("ios", 3): 0,
            ("web", 1): 2, ("web", 2): 1, ("web", 3): 1}
        ordered = company.usage.funnel(order="any", **asked)
        assert [row.count for row in ordered.rows] == [3, 0, 0]
        first = company.usage.funnel(order="unordered", entry="first", **asked)
        assert [row.count for row in first.rows] == [3, 2, 1]
        with pytest.raises(UsageError, match="no first step"):
            company.usage.funnel(order="unordered", exclude=["b@1-2"], **asked)


def test_by_week_everybody_counts_in_each_in_which_they_began(tmp_path: Path) -> None:
    events = at_random(3, count=300)
    asked: dict[str, Any] = {"steps": ["a", "b"], "window": "2d", "as_of": "2024-03-24"}
    with company_of(tmp_path / "p", events) as company:
        found = company.usage.funnel(first="2024-01-17", last="2024-03-20", per="week", **asked)
        assert [row.period for row in found.over_time] == [
            dt.date(2024, 1, 15) + dt.timedelta(weeks=n) for n in range(10)]
        for row in found.over_time:
            begins = max(row.period, dt.date(2024, 1, 17))
            ends = min(row.period + dt.timedelta(days=6), dt.date(2024, 3, 20))
            naive = naive_ordered(events, dt.timedelta(days=2), begins, ends)
            assert (row.started, row.converted) == (len(naive), sum(naive.values())), row.period
            assert (row.began, row.until) == (str(begins), str(ends))
        assert sum(row.started for row in found.over_time) > found.totals[0].started
        # The window of the 20th ends on the 22nd, which is seen.
        assert not any(row.open for row in found.over_time)
        last = found.over_time[3]
        behind = funnel.ask(company, first=last.began, last=last.until, members=last.all, **asked)
        assert behind.total.value == last.converted
        later = company.usage.funnel(
            first="2024-03-18", last="2024-03-23", per="day", steps=["a", "b"], window="2d",
            as_of="2024-03-24")
        assert [row.open for row in later.over_time] == [False] * 4 + [True] * 2
        split = company.usage.funnel(
            first="2024-01-17", last="2024-03-20", per="week", by="property:platform",
            **asked)
        # Every week of every segment is there, also where nobody began, and opens into its own.
        assert [(row.period, row.segment["property:platform"]) for row in split.over_time] == [
            (row.period, name) for row in found.over_time for name in ("mobile", "web")]
        for name in ("mobile", "web"):
            alone = company.usage.funnel(
                first="2024-01-17", last="2024-03-20", per="week",
                where=f"property:platform={name}", **asked)
            assert [(row.started, row.converted, row.value) for row in split.over_time
                    if row.segment["property:platform"] == name] == [
                (row.started, row.converted, row.value) for row in alone.over_time]
        assert any(not row.started for row in split.over_time)
        assert "over_time" not in company.usage.funnel(**asked).as_dict()


def naive_ordered(
    events: Sequence[Event], window: dt.timedelta, first: dt.date, last: dt.date
) -> dict[str, bool]:
    """User → whether some a of the days is followed by a b in time."""
    found: dict[str, bool] = {}
    for start, then in itertools.product(events, [None, *events]):
        if start.name == "a" and start.user and first <= start.at.date() <= last:
            found.setdefault(start.user, False)
            if (
                then and then.user == start.user and then.name == "b"
                and (start.at, start.number) < (then.at, then.number)
                and then.at <= start.at + window
            ):
                found[start.user] = True
    return found


def test_time_to_convert_by_hand(tmp_path: Path) -> None:
    # 60, 120, 300 and 660 seconds: of four the cube root is 2 bins, 300 seconds wide.
    rows = "account user event occurred_at\n" + "\n".join(
        f"acme u{n} a 2024-02-01T00:00:00\nacme u{n} b 2024-02-01T00:{minutes:02d}:00"
        for n, minutes in enumerate((1, 2, 5, 11))
    )
    asked: dict[str, Any] = {"steps": ["a", "b"], "window": "1d", **RANGE}
    with company_of(tmp_path / "p", rows) as company:
        def shown(**given: Any) -> list[tuple[int, int, int, float | None]]:
            found = company.usage.funnel(**asked, **given)
            return [
                (b.low_seconds, b.high_seconds, b.count, b.value) for b in found.time_to_convert
            ]

        assert shown(bins=0) == [(60, 360, 3, 0.75), (360, 660, 1, 0.25)]
        assert shown(bins=3, between="1-2") == [
            (60, 260, 2, 0.5), (260, 460, 1, 0.25), (460, 660, 1, 0.25)]
        assert shown() == []
        assert shown(bins=0, where="account_id=acme") == shown(bins=0)
        with pytest.raises(UsageError, match="does not lie between"):
            shown(bins=0, between="2-2")
        split = company.usage.funnel(bins=1, by="account_id", **asked)
        assert [(b.segment, b.count) for b in split.time_to_convert] == [
            ({"account_id": "acme"}, 4)]
