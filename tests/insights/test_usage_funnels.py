"""Funnels: hand-computed cases, and a naive search over random events."""

from __future__ import annotations

import datetime as dt
import random
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.insights.usage.funnels import Funnel
from staycurve.workspace import Company
from tests.insights.unlabelled import unlabelled
from tests.insights.usage_company import Event, at_random, company_of


def counts(found: Funnel) -> list[int]:
    return [row["count"] for row in found.as_dict()["rows"]]


STEPS = """
account user event occurred_at platform
acme ann visit 2024-03-01T10:00:00 web
acme ann order 2024-03-01T10:10:00 web
acme ann pay 2024-03-01T10:40:00 web
acme bob visit 2024-03-01T10:00:00 mobile
acme bob other 2024-03-01T10:05:00 mobile
acme bob order 2024-03-01T10:30:00 mobile
bolt cid visit 2024-03-01T10:00:00 web
bolt cid pay 2024-03-01T11:00:00 web
bolt dee order 2024-03-01T10:00:00 web
bolt eve visit 2024-03-01T08:00:00 web
bolt eve order 2024-03-01T20:00:00 web
bolt eve pay 2024-03-01T21:00:00 web
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return company_of(
        tmp_path_factory.mktemp("shop"), STEPS, accounts="account_id country\nacme DE\nbolt FR"
    )


def asked(company: Company, *steps: str, **how: Any) -> Funnel:
    how = {"window": "2h", "first": "2024-03-01", "last": "2024-03-01", "as_of": "2024-04-01"} | how
    return company.usage.funnel(steps=steps or ("visit", "order", "pay"), **how)


def test_steps_shares_and_times_by_hand(shop: Company) -> None:
    found = asked(shop)
    # Four visit; Ann and Bob order within two hours; Ann pays. Eve orders after twelve hours.
    assert counts(found) == [4, 2, 1]
    assert [row["value"] for row in found.as_dict()["rows"]] == [1.0, 0.5, 0.25]
    assert [row["dropped"] for row in found.as_dict()["rows"]] == [None, 2, 1]
    assert found.as_dict()["rows"][2]["from_previous"]["value"] == 0.5
    # Ten and thirty minutes to the order, thirty more to the payment.
    assert found.rows[1].mean_seconds == found.rows[1].median_seconds == 20 * 60
    assert found.as_dict()["rows"][2]["median_seconds"] == 30 * 60
    assert found.as_dict()["totals"][0]["median_seconds"] == 40 * 60
    assert all(row["is_small"] for row in found.as_dict()["rows"])
    assert counts(asked(shop, window="1d")) == [4, 3, 2]


def test_the_end_of_the_window_is_within_it(shop: Company) -> None:
    assert counts(asked(shop, window="40m")) == [4, 2, 1]
    assert counts(asked(shop, window="2399s")) == [4, 2, 0]


def test_accounts_take_steps_together(shop: Company) -> None:
    # Acme: Ann alone gets through. Bolt: Cid visits, Dee orders at the same instant, Cid pays.
    assert counts(asked(shop, whose="account")) == [2, 2, 2]


def test_strict_order_allows_nothing_between(shop: Company) -> None:
    assert counts(asked(shop, order="strict")) == [4, 1, 1]


def test_excluded_between_two_steps_leaves_the_funnel(shop: Company) -> None:
    found = asked(shop, exclude=["other@1-2"])
    assert counts(found) == [3, 1, 1]
    assert found.as_dict()["totals"][0]["excluded"] == 1
    later = asked(shop, exclude=["other@2-3"])
    assert (counts(later), later.as_dict()["totals"][0]["excluded"]) == ([4, 2, 1], 0)


def test_segments_by_account_and_by_the_first_event(shop: Company) -> None:
    found = asked(shop, by="country")
    assert {(r["segment"]["country"], r["step"]): r["count"] for r in found.as_dict()["rows"]} == {
        ("DE", 1): 2, ("DE", 2): 2, ("DE", 3): 1, ("FR", 1): 2, ("FR", 2): 0, ("FR", 3): 0,
    }
    by_platform = asked(shop, by="property:platform,country", where="country=DE")
    assert {(r.segment["property:platform"], r.step): r.count for r in by_platform.rows} \
        == {("mobile", 1): 1, ("mobile", 2): 1, ("mobile", 3): 0,
            ("web", 1): 1, ("web", 2): 1, ("web", 3): 1}
    (dropped,) = by_platform.users(
        3, dropped=True, **{"property:platform": "mobile", "country": "DE"}
    ).as_dict()["rows"]
    assert unlabelled([dropped])[0] == {
        "user_id": "bob", "account_id": "acme", "step1_at": "2024-03-01T10:00:00+00:00",
        "step2_at": "2024-03-01T10:30:00+00:00", "step3_at": None,
    }


def test_every_count_opens(shop: Company) -> None:
    found = asked(shop)
    for step, count in enumerate(counts(found), 1):
        assert found.users(step).as_dict()["total"] == {"value": count}
    assert [row.user_id for row in found.users(2, dropped=True).rows] == ["eve", "cid"]
    assert found.users(2, dropped=True).as_dict()["accounts"] == [
        {"account_id": "bolt", "value": 2}
    ]


def test_who_is_still_in_time_is_pending(shop: Company) -> None:
    found = asked(shop, as_of="2024-03-01T10:35:00+00:00")
    # Ann ordered, Bob and Cid are 35 minutes in; Eve's two hours are over.
    assert counts(found) == [4, 2, 0]
    assert [row["pending"] for row in found.as_dict()["rows"]] == [1, 2, 0]
    assert found.notes


def test_the_deepest_chain_counts_or_the_first(tmp_path: Path) -> None:
    company = company_of(tmp_path, """
    account user event occurred_at
    acme ann visit 2024-03-01T06:00:00
    acme ann visit 2024-03-01T10:00:00
    acme ann visit 2024-03-01T10:05:00
    acme ann order 2024-03-01T10:10:00
    acme ann pay 2024-03-01T10:20:00
    acme ann pay 2024-03-01T10:30:00
    """)
    found = asked(company)
    assert counts(found) == [1, 1, 1]
    # The chain that got there first, from its latest start.
    assert found.users(3).as_dict()["rows"][0]["step1_at"] == "2024-03-01T10:05:00+00:00"
    assert found.users(3).as_dict()["rows"][0]["step3_at"] == "2024-03-01T10:20:00+00:00"
    assert counts(asked(company, entry="first")) == [1, 0, 0]


def test_the_same_event_twice_needs_two_events(tmp_path: Path) -> None:
    company = company_of(tmp_path, """
    account user event occurred_at
    acme ann visit 2024-03-01T10:00:00
    acme ann visit 2024-03-01T10:00:00
    acme ann order 2024-03-01T10:00:00
    acme bob visit 2024-03-01T10:00:00
    acme bob visit 2024-03-01T10:00:01
    """)
    # Ann's second visit is another event at the same instant.
    assert counts(asked(company, "visit", "visit")) == [2, 2]
    assert counts(asked(company, "visit", "visit", "visit")) == [2, 2, 0]
    # Of acts at one instant the one with the smaller id comes first: Ann orders last.
    assert counts(asked(company, "visit", "order")) == [2, 1]
    assert counts(asked(company, "visit", "visit", "order")) == [2, 2, 1]
    assert counts(asked(company, "order", "visit")) == [1, 0]
    # Any activity may be the same event again, but it is another one.
    assert counts(asked(company, "", "", "", "")) == [2, 2, 1, 0]


def test_one_event_is_one_step_of_a_feature_and_an_event(tmp_path: Path) -> None:
    company = company_of(tmp_path, """
    account user event occurred_at
    acme ann visit 2024-03-01T10:00:00
    acme bob visit 2024-03-01T10:00:00
    acme bob visit 2024-03-01T10:00:00
    """)
    assert counts(asked(company, "visit", "feature:visit")) == [2, 1]


def test_an_exclusion_counts_strictly_between_two_instants(tmp_path: Path) -> None:
    company = company_of(tmp_path, """
    account user event occurred_at
    acme ann visit 2024-03-01T10:00:00
    acme ann other 2024-03-01T10:00:00
    acme ann other 2024-03-01T10:10:00
    acme ann order 2024-03-01T10:10:00
    acme bob visit 2024-03-01T10:00:00
    acme bob other 2024-03-01T10:09:59
    acme bob order 2024-03-01T10:10:00
    acme cid visit 2024-03-01T10:00:00
    acme cid other 2024-03-01T10:10:00
    """)
    found = asked(company, "visit", "order", exclude=["other@1-2"])
    # Ann's are at the instants of the steps, Bob's between them; Cid never orders, so what he
    # does while his window runs counts.
    assert (counts(found), found.totals[0].excluded) == ([1, 1], 2)
    # A step at which it might end is not between itself and the one before.
    own = asked(company, "visit", "order", exclude=["order@1-2"])
    assert (counts(own), own.totals[0].excluded) == ([3, 2], 0)


def test_a_step_that_nobody_has_done_yet_is_zero_with_a_note(shop: Company) -> None:
    found = asked(shop, "visit", "ordr", "refund")
    assert counts(found) == [4, 0, 0]
    assert [row.value for row in found.rows] == [1.0, 0.0, 0.0]
    assert found.notes == (
        "Nobody has done the event 'ordr' yet. Did you mean 'order'?",
        "Nobody has done the event 'refund' yet.",
    )
    excluded = asked(shop, exclude=["othr@1-2"])
    assert (counts(excluded), excluded.totals[0].excluded) == ([4, 2, 1], 0)
    assert excluded.notes == ("Nobody has done the event 'othr' yet. Did you mean 'other'?",)
    first = asked(shop, "feature:vist", "order")
    assert (counts(first), first.why) == ([0, 0], "nobody took the first step in the range")
    assert first.notes == ("Nobody has done the feature 'vist' yet. Did you mean 'visit'?",)
    assert [row.value for row in first.rows] == [None, None]


def test_events_of_no_account_are_events(tmp_path: Path) -> None:
    company = company_of(tmp_path, """
    account user event occurred_at
    - ann visit 2024-03-01T10:00:00
    - ann order 2024-03-01T10:10:00
    """)
    assert counts(asked(company, "visit", "order")) == [1, 1]
    found = asked(company, "visit", "ordr")
    assert counts(found) == [1, 0]
    assert found.notes == ("Nobody has done the event 'ordr' yet. Did you mean 'order'?",)
    with pytest.raises(UnknownNameError, match="Did you mean 'order'"):
        company.usage.lifecycle(event="ordr")


def test_without_any_event_nothing_is_known(tmp_path: Path) -> None:
    company = company_of(tmp_path, [], accounts="account_id\nacme")
    found = asked(company, "visit", "order")
    assert (found.rows, found.why, found.notes) == ((), "no events are loaded", ())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("entry", ["deepest", "first"])
def test_strict_order_never_converts_more_than_loose(
    tmp_path_factory: pytest.TempPathFactory, seed: int, entry: str
) -> None:
    """On events of which most share their instant with others."""
    made = random.Random(seed)
    start = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
    events = [
        Event(number, f"acc{number % 2}", f"u{made.randrange(8)}", made.choice("abc"),
              start + dt.timedelta(minutes=made.randrange(6)))
        for number in made.sample(range(90), 90)
    ]
    company = company_of(tmp_path_factory.mktemp("ties"), events)
    different = 0
    for steps in ("a b", "b a", "a a", "a b a", "a b c", "c c b", "a a a a"):
        for whose in ("user", "account"):
            loose, strict = (
                counts(asked(company, *steps.split(), order=order, entry=entry, whose=whose))
                for order in ("any", "strict")
            )
            assert all(s <= n for s, n in zip(strict, loose, strict=True)), (steps, whose)
            assert strict[0] == loose[0] > 0
            different += strict != loose
    assert different


def test_a_step_may_ask_for_properties(shop: Company) -> None:
    assert counts(asked(shop, "visit[platform=mobile]", "order")) == [1, 1]
    assert counts(asked(shop, "visit[platform!=mobile]", "order")) == [3, 1]
    assert counts(asked(shop, "visit", "")) == [4, 3]


def test_an_event_without_an_account_is_its_users(tmp_path: Path) -> None:
    company = company_of(tmp_path, """
    account user event occurred_at
    acme ann visit 2024-03-01T10:00:00
    - ben order 2024-03-01T10:10:00
    - cid visit 2024-03-01T10:00:00
    sub dan pay 2024-03-01T10:20:00
    """, accounts="account_id parent_id\nacme -\nsub acme", users="user_id account_id\nben sub")
    # Ben belongs to Sub, which is Acme's; nobody knows whose Cid is.
    assert counts(asked(company, whose="account")) == [1, 1, 1]
    assert counts(asked(company)) == [2, 0, 0]


def is_step(event: Event, step: str) -> bool:
    """Whether an event is one of the letters of a step, and of its platform: 'bc', 'b/web'."""
    names, _, platform = step.partition("/")
    return event.name in names and platform in ("", event.platform)


def chain(
    own: list[Event], begin: Event, steps: list[str], window: dt.timedelta
) -> list[Event]:
    """The chain from one event on; `own` is in order, by time and then by id."""
    taken = [begin]
    for step in steps[1:]:
        after = [
            e for e in own
            if is_step(e, step) and e.at <= begin.at + window
            and (e.at, e.number) > (taken[-1].at, taken[-1].number)
        ]
        if not after:
            break
        taken.append(after[0])
    return taken


def naive(
    events: list[Event], steps: list[str], window: dt.timedelta, *, first: dt.date, last: dt.date,
    entry: str, exclude: str, after: int, until: int, whose: str,
) -> tuple[list[int], int, list[list[dt.datetime]]]:
    """Counts by step, how many are excluded, and the chain of each who is counted."""
    found: dict[str, list[Event]] = {}
    for event in events:
        who = event.user if whose == "user" else event.account
        if who:
            found.setdefault(who, []).append(event)
    chosen, excluded = [], 0
    for own in found.values():
        own.sort(key=lambda e: (e.at, e.number))
        starts = [e for e in own if is_step(e, steps[0]) and first <= e.at.date() <= last]
        tried = []
        for start in starts[:1] if entry == "first" else starts:
            taken = chain(own, start, steps, window)
            times = [e.at for e in taken]
            is_out = False
            if exclude and len(times) >= after:
                is_out = any(
                    e.name == exclude and times[after - 1] < e.at and (
                        e.at < times[until - 1] if len(times) >= until
                        else e.at <= start.at + window
                    )
                    for e in own
                )
            rank = (-start.at.timestamp(), -start.number)
            end = (taken[-1].at, taken[-1].number)
            tried.append((is_out, -len(times), end, rank, times))
        if not tried:
            continue
        is_out, *_, times = min(tried)
        excluded += is_out
        if not is_out:
            chosen.append(times)
    reached = [sum(len(times) > place for times in chosen) for place in range(len(steps))]
    return reached, excluded, chosen


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, list[Event]]:
    events = at_random(3, count=700, people=40, length=40)
    return company_of(tmp_path_factory.mktemp("crowd"), events), events


@pytest.mark.parametrize("entry", ["deepest", "first"])
@pytest.mark.parametrize(
    ("steps", "exclude", "whose"),
    [
        ("a b c", "", "user"), ("a b c d", "", "account"), ("a a b", "", "user"),
        ("a b a b", "", "user"), ("b c d", "a@1-2", "user"), ("c a d", "b@2-3", "user"),
        ("d c b a", "", "user"), ("a b c", "d@1-3", "account"),
    ],
)
@pytest.mark.parametrize("days", [1, 6])
def test_as_a_naive_search_finds(
    crowd: tuple[Company, list[Event]], entry: str, steps: str, exclude: str, whose: str, days: int
) -> None:
    company, events = crowd
    name, _, between = exclude.partition("@")
    after, until = (int(part) for part in (between or "1-2").split("-"))
    first, last = dt.date(2024, 1, 12), dt.date(2024, 2, 5)
    reached, excluded, chosen = naive(
        events, steps.split(), dt.timedelta(days=days), first=first, last=last, entry=entry,
        exclude=name, after=after, until=until, whose=whose,
    )
    found = asked(
        company, *steps.split(), window=f"{days}d", first=str(first), last=str(last), entry=entry,
        exclude=[exclude] if exclude else [], whose=whose,
    )
    assert (counts(found), found.as_dict()["totals"][0]["excluded"]) == (reached, excluded)
    passed = [(t[-1] - t[0]).total_seconds() for t in chosen if len(t) == len(steps.split())]
    if passed:
        assert found.totals[0].mean_seconds == pytest.approx(sum(passed) / len(passed))


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, list[Event]]:
    """Everybody does everything at three instants of a day."""
    events = [
        replace(event, at=event.at.replace(hour=event.at.hour // 8, minute=0))
        for event in at_random(8, count=900, people=60, length=25)
    ]
    return company_of(
        tmp_path_factory.mktemp("crowded"), events,
        settings='[usage.actions]\nboth = ["b", "c"]\nothers = ["c", "d"]\n',
    ), events


@pytest.mark.parametrize(
    ("steps", "read_as", "are_apart"),
    [
        ("a b c d", "a b c d", True), ("c a b", "c a b", True), ("b a", "b a", True),
        ("d b a c", "d b a c", True), ("a others b", "a cd b", True),
        ("a both others", "a bc cd", False), ("both both a", "bc bc a", False),
        ("a feature:b c", "a b c", False), ("a b[platform=web] b", "a b/web b", False),
    ],
)
@pytest.mark.parametrize("whose", ["user", "account"])
def test_what_happens_at_one_instant_as_a_naive_search_finds(
    crowded: tuple[Company, list[Event]], steps: str, read_as: str, are_apart: bool, whose: str
) -> None:
    company, events = crowded
    first, last = dt.date(2024, 1, 12), dt.date(2024, 1, 30)
    reached, _, chosen = naive(
        events, read_as.split(), dt.timedelta(days=2), first=first, last=last, entry="deepest",
        exclude="", after=1, until=2, whose=whose,
    )
    found = asked(
        company, *steps.split(), window="2d", first=str(first), last=str(last), whose=whose
    )
    # Names tell whether one event can be two of the steps; either way all is counted alike.
    assert (" tied AS " in f" {found.sql}".replace("\n", " ")) == are_apart
    assert counts(found) == reached
    assert reached[-1] > 0
    for place, row in enumerate(found.rows):
        took = [
            (times[place] - times[place - 1]).total_seconds()
            for times in chosen if len(times) > place > 0
        ]
        assert row.mean_seconds == (pytest.approx(statistics.mean(took)) if took else None)
        assert row.median_seconds == (statistics.median(took) if took else None)
        # Who is listed is found in another way, event by event in the order of their ids.
        assert found.users(row.step).total.value == row.count


def test_the_order_of_ids_at_one_instant_by_hand(tmp_path: Path) -> None:
    company = company_of(tmp_path, """
    account user event occurred_at
    acme ann visit 2024-03-01T10:00:00
    acme ann order 2024-03-01T10:00:00
    acme bob order 2024-03-01T10:00:00
    acme bob visit 2024-03-01T10:00:00
    acme bob order 2024-03-01T10:30:00
    acme cid visit 2024-03-01T10:00:00
    acme cid pay 2024-03-01T10:05:00
    acme cid order 2024-03-01T10:05:00
    acme dee visit 2024-03-01T10:00:00
    acme dee order 2024-03-01T10:20:00
    acme dee visit 2024-03-01T10:20:00
    acme dee pay 2024-03-01T10:20:00
    acme eve order 2024-03-01T10:00:00
    acme eve visit 2024-03-01T10:00:00
    acme fay visit 2024-03-01T10:00:00
    acme fay order 2024-03-01T10:40:00
    """)
    # Eve's order comes before her visit, and so does Cid's payment before his order.
    found = asked(company)
    assert counts(found) == [6, 5, 1]
    # Ann at once, Bob after 30 minutes, Cid after 5, Dee after 20 (her second visit came after the
    # order), Fay after 40; Dee pays at once.
    assert found.rows[1].mean_seconds == (0 + 30 + 5 + 20 + 40) * 60 / 5
    assert found.rows[1].median_seconds == 20 * 60
    assert found.rows[2].mean_seconds == 0
    assert found.totals[0].mean_seconds == 20 * 60


def test_strict_order_as_a_naive_search_finds(crowd: tuple[Company, list[Event]]) -> None:
    company, events = crowd
    steps, window = ["a", "b", "a"], dt.timedelta(days=6)
    first, last = dt.date(2024, 1, 12), dt.date(2024, 2, 5)
    reached = [0, 0, 0]
    for user in {e.user for e in events if e.user}:
        own = sorted((e for e in events if e.user == user), key=lambda e: (e.at, e.number))
        depths = [0]
        for place, event in enumerate(own):
            if event.name == "a" and first <= event.at.date() <= last:
                depth = 1
                while (
                    depth < 3 and place + depth < len(own)
                    and own[place + depth].name == steps[depth]
                    and own[place + depth].at <= event.at + window
                ):
                    depth += 1
                depths.append(depth)
        reached = [n + (max(depths) > i) for i, n in enumerate(reached)]
    found = asked(
        company, *steps, window="6d", first=str(first), last=str(last), order="strict"
    )
    assert counts(found) == reached


def test_what_cannot_be_asked_says_so(shop: Company) -> None:
    with pytest.raises(UsageError, match="takes 2 to 20 steps"):
        asked(shop, "visit")
    with pytest.raises(UsageError, match="length of time"):
        asked(shop, window="soon")
    with pytest.raises(UnknownNameError, match="order 'loose'"):
        asked(shop, order="loose")
    with pytest.raises(UsageError, match="nothing to exclude"):
        asked(shop, order="strict", exclude=["other"])
    with pytest.raises(UsageError, match="does not lie between"):
        asked(shop, exclude=["other@2-2"])
    with pytest.raises(NotAnsweredError, match="empty"):
        asked(shop, first="2024-03-02", last="2024-03-01")
    with pytest.raises(NotAnsweredError, match="no step 1"):
        asked(shop).users(1, dropped=True)
    nobody = asked(shop, first="2024-02-01", last="2024-02-02")
    assert (counts(nobody), nobody.why) == ([0, 0, 0], "nobody took the first step in the range")
    assert [row.value for row in nobody.rows] == [None, None, None]
    assert asked(shop, first="2024-02-01", last="2024-02-02", by="country").rows == ()
