"""The trial report: conversion as the metric counts it, use meanwhile, and who left later."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.workspace import Company
from tests.company import build

Rows = list[dict[str, Any]]

HAND = {
    "accounts": "account_id channel\nacme ads\nbolt ads\ncrux web\ndune web\neden web",
    # acme pays at once and leaves on the day on which two months are full; bolt pays 5 days after
    # its trial and leaves for failed payments; crux pays too late; eden's trial still runs.
    "subscriptions": """
        subscription_id account_id starts_at  ends_at    status   amount card_on_file end_reason
        s1              acme       2024-01-01 2024-01-15 trialing 0      true         -
        s1              acme       2024-01-15 2024-03-15 active   100    -            too_expensive
        s2              bolt       2024-01-10 2024-01-24 trialing 0      false        -
        s2              bolt       2024-01-29 2024-06-10 active   50     -            payment_failed
        s3              crux       2024-01-05 2024-01-19 trialing 0      false        -
        s3              crux       2024-03-01 -          active   50     -            -
        s4              dune       2024-02-01 2024-02-15 trialing 0      -            -
        s4              dune       2024-02-15 -          active   70     -            -
        s5              eden       2024-06-20 2024-07-04 trialing 0      true         -""",
    "events": """
        event_id account_id event  occurred_at
        e1       acme       invite 2024-01-02
        e2       acme       export 2024-01-15
        e3       bolt       export 2024-01-20
        e4       crux       export 2024-01-06
        e5       crux       invite 2024-02-20
        e6       dune       invite 2024-02-01""",
}
REASONS = '[end_reasons]\nvoluntary = ["too expensive"]\ninvoluntary = ["payment failed"]\n'


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("hand") / "p", HAND, end_reasons=REASONS) as company:
        yield company


def test_conversion_by_hand(hand: Company) -> None:
    found = hand.trials.report(as_of="2024-07-01")
    assert [(r.month, r.trials, r.mature, r.converted) for r in found.rows] == [
        ("2024-01", 3, 3, 2), ("2024-02", 1, 1, 1), ("2024-06", 1, 0, 0)
    ]
    assert found.rows[2].rate.why == "no trial has ended yet"
    kinds = {c: (one.trials, one.rate.size, one.rate.count) for c, one in found.cards.items()}
    assert kinds == {"with": (2, 1, 1), "without": (2, 2, 1), "unknown": (1, 1, 1)}
    assert found.card_difference.difference is not None
    assert found.card_difference.difference == 0.5
    assert found.card_difference.p_value is None
    assert days_of(found, "with") == {14: 1}
    assert days_of(found, "without") == {19: 1}


def days_of(found: Any, card: str) -> dict[int, int]:
    return {one.days: one.accounts for one in found.time_to_convert[card].rows}


def test_use_counts_while_the_trial_runs(hand: Company) -> None:
    used = {one.feature: one for one in hand.trials.report(as_of="2024-07-01").used.rows}
    # acme's export is of the day on which it paid; crux's invite came after its trial.
    invite, export = used["invite"], used["export"]
    assert (invite.converted.count, invite.converted.size) == (2, 3)
    assert (invite.not_converted.count, invite.not_converted.size) == (0, 1)
    assert (export.converted.count, export.not_converted.count) == (1, 1)
    names = [row.account_id for row in hand.trials.accounts(
        part="used", feature="export", as_of="2024-07-01").rows]
    assert names == ["bolt", "crux"]
    converted = hand.trials.accounts(part="converted", feature="export", as_of="2024-07-01").rows
    assert [row.account_id for row in converted] == ["bolt"]


def test_leaving_by_hand(hand: Company) -> None:
    found = hand.trials.report(as_of="2024-07-01")
    left = {(one.card, one.months): one for one in found.left.rows}
    # Seen whole to 30 June: acme was paid for 5 full months since, bolt 5, dune 4; none 6.
    assert [(left["all", m].left.count, left["all", m].left.size) for m in (1, 3, 6, 12)] == [
        (0, 3), (1, 3), (0, 0), (0, 0)
    ]
    assert left["all", 6].left.why == "nobody has been followed that long"
    assert left["all", 3].by_class["voluntary"].count == 1
    assert left["all", 3].by_class["involuntary"].count == 0
    gone = hand.trials.accounts(part="left", as_of="2024-07-01").rows
    assert {row.account_id: (row.months, row.end_class) for row in gone} == {
        "acme": (2, "voluntary"), "bolt": (5, "involuntary")
    }
    within = hand.trials.accounts(part="left", within=3, as_of="2024-07-01").rows
    assert [row.account_id for row in within] == ["acme"]


def test_an_earlier_as_of_sees_less(hand: Company) -> None:
    found = hand.trials.report(as_of="2024-01-20")
    assert (found.whole[0].trials, found.whole[0].rate.size, found.whole[0].rate.count) == (3, 2, 1)
    assert found.left.rows[0].left.size == 0


def test_segments_and_the_card(hand: Company) -> None:
    found = hand.trials.report(by="channel", as_of="2024-07-01")
    assert [(one.segment["channel"], one.trials) for one in found.whole] == [("ads", 2), ("web", 3)]
    card = hand.trials.report(where="card_on_file=true", as_of="2024-07-01")
    assert card.whole[0].trials == 2
    mature = hand.trials.accounts(
        part="mature", card="without", cohort="2024-01", as_of="2024-07-01"
    )
    assert [row.account_id for row in mature.rows] == ["bolt", "crux"]


def test_what_is_not_known_is_refused(hand: Company, tmp_path: Path) -> None:
    with pytest.raises(NotAnsweredError, match="cannot be cut by plan"):
        hand.trials.report(by="plan")
    with pytest.raises(UnknownNameError, match="part"):
        hand.trials.accounts(part="started_")
    with pytest.raises(UnknownNameError, match="card"):
        hand.trials.accounts(part="started", card="gold")
    with pytest.raises(UsageError, match="one feature"):
        hand.trials.accounts(part="used")
    with pytest.raises(UsageError, match="number of months"):
        hand.trials.accounts(part="started", within=3)
    with build(tmp_path / "p", {"accounts": "account_id\nacme"}) as company:
        found = company.trials.report()
        assert (found.rows, found.why) == ((), "no trial has started, as far as is known")


# A brute force over random trials.


def drawn(seed: int) -> dict[str, Rows]:
    pick = random.Random(seed)
    spans, events = [], []
    for number in range(120):
        account = f"a{number:03}"
        starts = dt.date(2024, 1, 1) + dt.timedelta(pick.randrange(150))
        ends = starts + dt.timedelta(pick.choice((7, 14, 30)))
        one = {"subscription_id": f"s{number}", "account_id": account, "amount": 0,
               "card_on_file": pick.choice(("true", "false"))}
        spans.append({**one, "starts_at": starts, "ends_at": ends, "status": "trialing"})
        if pick.random() < 0.6:
            paid = ends + dt.timedelta(pick.choice((0, 0, 0, 10, 30, 31)))
            leaves = paid + dt.timedelta(pick.randrange(10, 200)) if pick.random() < 0.6 else None
            spans.append({**one, "amount": 10, "card_on_file": "", "starts_at": paid,
                          "ends_at": leaves, "status": "active",
                          "end_reason": pick.choice(("too expensive", "payment failed", "?"))
                          if leaves else ""})
        for name in ("view", "edit", "share"):
            for _ in range(pick.randrange(3)):
                on = starts + dt.timedelta(pick.randrange(40))
                events.append({"event_id": f"e{len(events)}", "account_id": account,
                               "event": name, "occurred_at": on})
    return {"subscriptions": spans, "events": events}


def full_months(start: dt.date, end: dt.date) -> int:
    months = 0
    while True:
        index = start.year * 12 + start.month - 1 + months + 1
        following = dt.date((index + 1) // 12, (index + 1) % 12 + 1, 1)
        last = (following - dt.timedelta(days=1)).day
        if dt.date(index // 12, index % 12 + 1, min(start.day, last)) > end:
            return months
        months += 1


@pytest.mark.parametrize("seed", range(2))
def test_the_report_is_what_a_brute_force_finds(seed: int, tmp_path: Path) -> None:
    tables = drawn(seed)
    last = dt.date(2024, 8, 31)
    with build(tmp_path / "p", tables, end_reasons=REASONS) as company:
        found = company.trials.report(as_of="2024-09-01")
        shown = company.show(
            "trial_conversion_rate", "trial_starts", start="2024-01", end="2024-08",
            as_of="2024-09-01",
        )
    trials = [s for s in tables["subscriptions"] if s["status"] == "trialing"]
    lives: dict[str, dict[str, Any]] = {}
    for trial in trials:
        paid = next((s for s in tables["subscriptions"] if s["status"] == "active"
                     and s["account_id"] == trial["account_id"]), None)
        converts = (
            paid is not None and paid["starts_at"] <= trial["ends_at"] + dt.timedelta(days=30)
            and paid["starts_at"] <= last and trial["ends_at"] <= last
        )
        lives[trial["account_id"]] = {"trial": trial, "paid": paid, "converts": converts}
    for row in found.rows:
        own = [v for v in lives.values() if str(v["trial"]["starts_at"])[:7] == row.month]
        assert row.trials == len(own)
        assert row.mature == sum(v["trial"]["ends_at"] <= last for v in own)
        assert row.converted == sum(v["converts"] for v in own)
    theirs = {(r["metric"], r["period"]): r["value"] for r in shown.rows}
    for row in found.rows:
        assert row.rate.value == theirs["trial_conversion_rate", str(row.cohort)]
        assert row.trials == theirs["trial_starts", str(row.cohort)]
    for one in found.used.rows:
        name = one.feature
        sides = [0, 0]
        for account, life in lives.items():
            until = life["trial"]["ends_at"]
            if life["paid"] is not None:
                until = min(until, life["paid"]["starts_at"])
            if life["trial"]["ends_at"] <= last and any(
                e["account_id"] == account and e["event"] == name
                and life["trial"]["starts_at"] <= e["occurred_at"] < until
                for e in tables["events"]
            ):
                sides[0 if life["converts"] else 1] += 1
        assert sides == [one.converted.count, one.not_converted.count]
    classes = {"too expensive": "voluntary", "payment failed": "involuntary", "?": "unknown"}
    cards = {"true": "with", "false": "without"}
    for one in found.left.rows:
        own = [
            v for v in lives.values()
            if v["converts"] and full_months(v["paid"]["starts_at"], last) >= one.months
            and one.card in ("all", cards[v["trial"]["card_on_file"]])
        ]
        gone = []
        for life in own:
            ends = life["paid"]["ends_at"]
            if ends is not None and ends <= last:
                begun = full_months(life["paid"]["starts_at"], ends - dt.timedelta(days=1)) + 1
                if begun <= one.months:
                    gone.append(classes[life["paid"]["end_reason"]])
        assert (one.left.size, one.left.count) == (len(own), len(gone))
        for name, part in one.by_class.items():
            assert part.count == gone.count(name)
