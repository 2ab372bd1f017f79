"""Trends of events: by hand, and against a plain reading of random events."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import StaycurveError, UnknownNameError, UsageError
from staycurve.insights.usage.trends import trends
from staycurve.workspace import Company
from tests.company import build
from tests.insights.usage_company import Event, at_random, company_of, local

ORDERS = """
e1 acme ann bought 2024-01-05 {"amount": 10, "plan": "Pro"}
e2 acme ann bought 2024-01-20 {"amount": "20.5", "plan": "Pro"}
e3 acme ben bought 2024-01-31 {"amount": 40, "plan": "Team"}
e4 bolt cid bought 2024-03-02 {"amount": 5, "plan": "Team"}
e5 bolt -   bought 2024-03-03 {"amount": "none"}
e6 bolt cid viewed 2024-01-06 {}
e7 bolt cid viewed 2024-03-01 {}
e8 acme ann viewed 2024-03-01 {}
e9 acme ben viewed 2024-03-08 {}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    rows = []
    for line in ORDERS.strip().splitlines():
        number, account, user, event, day, properties = line.split(maxsplit=5)
        rows.append({
            "event_id": number, "account_id": account, "user_id": user.strip("-"), "event": event,
            "occurred_at": f"{day}T12:00:00Z", "properties": properties,
        })
    tables: dict[str, Any] = {"accounts": "account_id country\nacme DE\nbolt US", "events": rows}
    with build(tmp_path_factory.mktemp("trends") / "p", tables) as made:
        yield made


RANGE = {"first": "2024-01", "last": "2024-03", "as_of": "2024-04-01"}


@pytest.mark.parametrize(
    ("asked", "by_month", "whole"),
    [
        ({}, [3, 0, 2], 5),
        ({"measure": "users"}, [2, 0, 1], 3),
        ({"measure": "accounts"}, [1, 0, 1], 2),
        ({"measure": "sum", "of_property": "amount"}, [70.5, 0, 5], 75.5),
        ({"measure": "mean", "of_property": "amount"}, [23.5, None, 5], 18.875),
        ({"measure": "least", "of_property": "amount"}, [10, None, 5], 5),
        ({"measure": "most", "of_property": "amount"}, [40, None, 5], 40),
        ({"measure": "percentile", "of_property": "amount"}, [20.5, None, 5], 15.25),
        # Of 10, 20.5 and 40 the place is 0.9 × 2: 20.5 + 0.8 × 19.5.
        ({"measure": "percentile", "of_property": "property:amount", "percentile": 90},
         [36.1, None, 5], 34.15),
        ({"over": "viewed"}, [3, None, 2 / 3], 1.25),
        ({"over": "viewed", "measure": "users"}, [2, None, 1 / 3], 1),
        ({"cumulative": True}, [3, 3, 5], 5),
        ({"cumulative": True, "measure": "users"}, [2, 2, 3], 3),
        ({"cumulative": True, "measure": "accounts"}, [1, 1, 2], 2),
        ({"cumulative": True, "measure": "mean", "of_property": "amount"},
         [23.5, 23.5, 18.875], 18.875),
        ({"cumulative": True, "over": "viewed"}, [3, 3, 1.25], 1.25),
        ({"where": "property:plan=Pro"}, [2, 0, 0], 2),
        ({"where": "country=US"}, [0, 0, 2], 2),
        ({"where": "property:amount>=20"}, [2, 0, 0], 2),
    ],
)
def test_a_measure_by_month(
    shop: Company, asked: dict[str, Any], by_month: Sequence[float | None], whole: float
) -> None:
    found = shop.usage.trends(event="bought", **asked, **RANGE)
    assert [row.value for row in found.rows] == pytest.approx(list(by_month), nan_ok=False)
    assert [row.value for row in found.totals] == pytest.approx([whole])
    for row in found.rows:
        assert (row.value is None) == bool(row.why)


def test_times_stand_beside_every_measure_and_open_into_who(shop: Company) -> None:
    found = shop.usage.trends(event="bought", measure="sum", of_property="amount", **RANGE)
    assert [row.times for row in found.rows] == [3, 0, 2]
    january = found.users("2024-01")
    assert [(row.user_id, row.account_id, row.times, row.amount) for row in january.rows] == [
        ("ann", "acme", 2, 30.5), ("ben", "acme", 1, 40.0)]
    march = found.users("2024-03")
    assert [(row.user_id, row.account_id, row.times, row.amount) for row in march.rows] == [
        ("cid", "bolt", 1, 5.0), (None, "bolt", 1, None)]
    assert (march.total.times, march.total.people, march.total.amount) == (2, 1, 5.0)
    whole = shop.usage.trends(event="bought", members="all", **RANGE)
    assert whole.total.times == 5


def test_the_range_before_stands_beside(shop: Company) -> None:
    found = shop.usage.trends(
        event="bought", compare=True, first="2024-03", last="2024-04", as_of="2024-04-15")
    # March beside January; April is open beside February.
    assert [(r.value, r.before, r.change, r.open) for r in found.rows] == [
        (2, 3, -1, False), (0, 0, None, True)]
    assert [(row.value, row.before) for row in found.totals] == [(2, 3)]
    alone = shop.usage.trends(event="bought", first="2024-03", last="2024-03", as_of="2024-04-01")
    assert "before" not in alone.rows[0].as_dict()


def test_an_open_period_has_no_ratio(shop: Company) -> None:
    found = shop.usage.trends(
        event="bought", over="viewed", first="2024-03", last="2024-03", as_of="2024-03-20")
    assert [(row.value, row.times, row.open) for row in found.rows] == [(None, 2, True)]
    assert found.rows[0].why


def test_by_a_property_the_first_values_and_the_others(shop: Company) -> None:
    found = shop.usage.trends(event="bought", by="property:plan", **RANGE)
    assert {row.segment["property:plan"]: row.value for row in found.totals} == {
        None: 1, "Pro": 2, "Team": 2}
    assert found.additive is None
    users = shop.usage.trends(event="bought", measure="users", by="property:plan", **RANGE)
    assert users.additive is False
    few = shop.usage.trends(event="bought", by="property:plan", values=1, **RANGE)
    assert {row.segment["property:plan"]: row.value for row in few.totals} == {
        None: 1, "Team": 2, "(other)": 2}
    others = few.users(None, **{"property:plan": "(other)"})
    assert [(row.user_id, row.times) for row in others.rows] == [("ann", 2)]


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"measure": "sum"}, UsageError, "'sum' is that of a property"),
        ({"of_property": "amount"}, UsageError, "'count' takes no property"),
        ({"measure": "mean", "of_property": "amount", "over": "viewed"}, UsageError, "no ratio"),
        ({"measure": "most", "of_property": "amount", "cumulative": True}, UsageError, "add up"),
        ({"measure": "sum", "of_property": "amout"}, UnknownNameError, "mean 'amount'"),
        ({"measure": "median"}, UnknownNameError, "measure"),
        ({"event": "bougt"}, UnknownNameError, "mean 'bought'"),
    ],
)
def test_what_cannot_be_asked_is_said(
    shop: Company, asked: dict[str, Any], error: type[StaycurveError], said: str
) -> None:
    with pytest.raises(error, match=said):
        trends.ask(shop, **{"event": "bought", **RANGE, **asked})


def naive(
    events: Sequence[Event], name: str, measure: str, start: dt.date, end: dt.date
) -> float | None:
    """A plain reading: what the events of one period say."""
    own = [e for e in events if e.name == name and start <= local(e, "Europe/Berlin") < end]
    numbers = sorted(float(e.number % 17) for e in own)
    if measure == "count":
        return len(own)
    if measure == "users":
        return len({e.user for e in own if e.user})
    if measure == "accounts":
        homes = {f"u{n:02d}": f"acc{n % 4}" for n in range(12)}
        return len({e.account or homes.get(e.user) for e in own} - {None})
    if measure == "sum":
        return sum(numbers)
    if not numbers:
        return None
    if measure == "mean":
        return statistics.fmean(numbers)
    if measure == "percentile":
        place = 0.75 * (len(numbers) - 1)
        low = int(place)
        high = min(low + 1, len(numbers) - 1)
        return numbers[low] + (place - low) * (numbers[high] - numbers[low])
    return numbers[0] if measure == "least" else numbers[-1]


@pytest.mark.parametrize("per", ["day", "week", "month"])
def test_random_events_say_what_a_plain_reading_says(tmp_path: Path, per: str) -> None:
    events = [e for e in at_random(31, count=300) if e.user or e.account]
    numbered = [
        Event(e.number, e.account, e.user, e.name, e.at, str(e.number % 17)) for e in events
    ]
    users = "user_id account_id\n" + "\n".join(f"u{n:02d} acc{n % 4}" for n in range(12))
    with company_of(tmp_path / "p", numbered, users=users, timezone="Europe/Berlin") as company:
        for measure in ("count", "users", "accounts", "sum", "mean", "percentile", "least", "most"):
            is_of = measure not in ("count", "users", "accounts")
            found = company.usage.trends(
                event="b", measure=measure, of_property="platform" if is_of else None,
                percentile=75, per=per, first="2024-01-15", last="2024-03-10", as_of="2024-04-01",
            )
            ends = [row.period for row in found.rows[1:]]
            length: Callable[[dt.date], dt.date] = {
                "day": lambda d: d + dt.timedelta(days=1),
                "week": lambda d: d + dt.timedelta(days=7),
                "month": lambda d: (d + dt.timedelta(days=32)).replace(day=1),
            }[per]
            assert found.rows
            for row, end in zip(found.rows, [*ends, length(found.rows[-1].period)], strict=True):
                assert row.value == pytest.approx(
                    naive(numbered, "b", measure, row.period, end)), (measure, row.period)
