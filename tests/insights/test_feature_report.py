"""The feature report: by hand, against a brute force over raw rows, and with 10,000 names."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.insights.features.feature_row import Feature
from staycurve.insights.usage.usage_windows import masks, months_back
from staycurve.workspace import Company
from tests.company import build, create, load

Rows = list[dict[str, Any]]
ZONE = ZoneInfo("America/New_York")

HAND = {
    "accounts": """
        account_id created_at industry
        acme       2024-01-01 Toys
        bolt       2024-01-01 Toys
        crux       2024-03-01 Food
        dune       2024-01-01 Food""",
    "subscriptions": """
        subscription_id account_id starts_at  ends_at    status   amount
        s1              acme       2024-01-01 -          active   100
        s2              bolt       2024-01-01 -          active   50
        s3              crux       2024-03-20 2024-04-03 trialing 0
        s4              dune       2024-01-01 2024-02-01 active   80""",
    # The last 28 days of March begin on the 4th, the 28 before on 5 February.
    "events": """
        event_id account_id user_id event  occurred_at properties
        e1       acme       ann     view   2024-03-01  {"errors":1,"secs":30}
        e2       acme       bob     view   2024-03-02  {"errors":0,"secs":10}
        e3       acme       ann     export 2024-03-03  -
        e4       bolt       cid     view   2024-03-05  -
        e5       crux       dan     view   2024-03-21  -
        e6       crux       dan     export 2024-03-22  -
        e7       acme       ann     export 2024-02-10  -
        e8       bolt       cid     export 2024-02-11  -
        e9       bolt       cid     export 2024-02-12  -
        e10      dune       eve     view   2024-01-15  -
        e11      acme       ann     view   2023-12-20  -
        e12      acme       -       export 2024-03-30  -""",
}


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("hand") / "p"
    settings = '[usage]\nerrors = "errors"\nseconds = "secs"\n'
    with build(folder, HAND, end_reasons=settings) as company:
        yield company


def row_of(rows: Sequence[Feature], feature: str) -> Feature:
    return next(row for row in rows if row.feature == feature)


def test_a_month_by_hand(hand: Company) -> None:
    found = hand.features.report(period="2024-03", as_of="2024-04-01", spans=0)
    assert found.active_accounts == 3
    assert dict(found.statuses) == {"paying": 2, "trial": 1, "other": 0}
    view, export = row_of(found.rows, "view"), row_of(found.rows, "export")
    assert (view.accounts, view.adoption.value, view.users) == (3, 1.0, 4)
    assert (view.uses, view.depth) == (4, 4 / 3)
    # acme (an export without a user among them) and crux
    assert (export.accounts, export.users, export.uses) == (2, 2, 3)
    assert export.paying.value == 1 / 2
    assert export.trial.value == 1.0
    assert export.other.value is None
    assert export.other.why
    # Used from 5 February to 3 March by acme and bolt; again by acme alone.
    assert (export.repeat.size, export.repeat.count) == (2, 1)
    # acme's two views say 1 error and 40 seconds; the others say nothing.
    assert (view.errors, view.error_rate) == (1, 1 / 2)
    assert (view.seconds, view.seconds_per_use) == (40, 20.0)
    assert (export.errors, export.error_rate) == (None, None)
    # In February acme and bolt were active, both exported, nobody viewed.
    assert view.change == 1.0
    assert export.change == pytest.approx(2 / 3 - 1)
    # In December acme alone was active: a view, no export.
    assert (view.change_3m, export.change_3m) == (0.0, pytest.approx(2 / 3))
    assert [(one.features, one.accounts) for one in found.breadth.rows] == [(1, 1), (2, 2)]
    assert found.breadth.mean == 5 / 3
    assert {row.rank for row in found.rows} == {""}
    assert view.rank_why == "fewer than 30 active accounts"


def test_every_number_opens(hand: Company) -> None:
    found = hand.features.report(period="2024-03", as_of="2024-04-01", spans=0)
    march = {"period": "2024-03", "as_of": "2024-04-01"}
    assert found.rows
    for row in found.rows:
        name = row.feature
        using = hand.features.accounts(feature=name, **march)
        assert (using.total["count"], using.total["uses"], using.total["users"]) == (
            row.accounts, row.uses, row.users
        )
        users = hand.features.users(feature=name, **march)
        assert users.total == {"users": row.users, "uses": row.uses}
        for part, key in (("before", "size"), ("again", "count")):
            opened = hand.features.accounts(feature=name, part=part, **march)
            assert opened.total["count"] == getattr(row.repeat, key)
        for status in ("paying", "trial", "other"):
            using = hand.features.accounts(feature=name, part=f"using_{status}", **march)
            every = hand.features.accounts(part=status, **march)
            own = getattr(row, status)
            assert (using.total["count"], every.total["count"]) == (own.count, own.size)
    active = hand.features.accounts(part="active", **march).rows
    assert {row.account_id: row.features for row in active} == {
        "acme": 2, "bolt": 1, "crux": 2
    }


def test_adoption_is_the_metric(hand: Company) -> None:
    found = hand.features.adoption(months=4, as_of="2024-04-01")
    shown = hand.show(
        "feature_adoption", by="feature", start="2023-12", end="2024-03", as_of="2024-04-01"
    )
    theirs = {
        (row["segment"]["feature"], row["period"]): row["value"] for row in shown.rows
    }
    for row in found.rows:
        assert row.value == pytest.approx(theirs[row.feature, str(row.period)])
    active = hand.show("active_accounts", start="2024-03", end="2024-03", as_of="2024-04-01")
    assert active.rows[0]["value"] == 3
    assert hand.features.accounts(
        feature="export", period="2024-02", as_of="2024-04-01"
    ).total["count"] == 2


def test_a_segment_and_an_open_month(hand: Company) -> None:
    toys = hand.features.report(period="2024-03", as_of="2024-04-01", where="industry=Toys")
    assert toys.active_accounts == 2
    assert row_of(toys.rows, "export").adoption.value == 1 / 2
    half = hand.features.report(period="2024-03", as_of="2024-03-04")
    assert half.period.is_open
    view = row_of(half.rows, "view")
    assert (view.accounts, view.uses) == (1, 2)
    assert (view.adoption.value, view.depth, view.change) == (None, None, None)
    assert view.adoption.why == "the period is still open"
    assert half.retention.why == "the period is still open"


def test_adoption_in_a_moving_segment_is_the_metric(hand: Company) -> None:
    asked = {"where": "mrr_band=50-199", "as_of": "2024-04-01"}
    found = hand.features.adoption(months=3, **asked)
    shown = hand.show("feature_adoption", by="feature", start="2024-01", end="2024-03", **asked)
    theirs = {(r["segment"]["feature"], r["period"]): r["value"] for r in shown.rows}
    ours = {
        (r.feature, str(r.period)): r.value for r in found.rows if r.value is not None
    }
    assert ours
    assert all(theirs[key] == pytest.approx(value) for key, value in ours.items() if key in theirs)
    # dune paid 80 at the close of January, and was active then.
    assert hand.features.accounts(feature="view", period="2024-01", **asked).total["count"] == 1


def test_facts_after_an_instant_are_not_seen(hand: Company) -> None:
    # 28 days that end within a day: the day is not seen whole, so the window ends before it.
    found = hand.features.report(period="28d", as_of="2024-03-02T12:00:00Z", spans=0)
    assert (str(found.period.start), str(found.period.close)) == ("2024-02-03", "2024-03-01")
    assert row_of(found.rows, "view").uses == 1
    morning = hand.features.report(period="2024-03", as_of="2024-03-02T00:00:01Z", spans=0)
    assert row_of(morning.rows, "view").uses == 2


def test_a_quarter_counts_accounts_once(hand: Company) -> None:
    found = hand.features.report(period="2024-Q1", as_of="2024-04-01", spans=0)
    export = row_of(found.rows, "export")
    assert (found.active_accounts, export.accounts, export.uses) == (4, 3, 6)
    assert export.change_3m is None
    # What was done before December is not known, so there is no quarter to compare with.
    assert export.change is None
    assert export.change_why


def test_what_is_not_known_is_refused(hand: Company) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'export'"):
        hand.features.accounts(feature="exprt")
    with pytest.raises(UnknownNameError, match="part"):
        hand.features.accounts(feature="export", part="usign")
    with pytest.raises(UsageError, match="one feature"):
        hand.features.accounts(part="using")
    with pytest.raises(UnknownNameError, match="dimension"):
        hand.features.report(where="industri=Toys")
    with pytest.raises(UsageError, match="begins after"):
        hand.features.report(period="2031-01")
    with pytest.raises(UsageError, match="no value of 'top'"):
        hand.features.report(top=0)
    with pytest.raises(NotAnsweredError, match="does not reach back"):
        hand.features.accounts(feature="view", part="kept", months=12, as_of="2024-04-01")


def test_nothing_loaded_says_so(tmp_path: Path) -> None:
    with create(tmp_path / "p") as empty:
        empty.refresh()
        found = empty.features.report()
        assert (found.rows, found.why) == ((), "no events are loaded")
        assert empty.features.adoption().rows == ()


def test_months_back_keeps_a_close_a_close() -> None:
    assert months_back(dt.date(2024, 6, 30), 4) == dt.date(2024, 2, 29)
    assert months_back(dt.date(2024, 2, 29), 1) == dt.date(2024, 1, 31)
    assert months_back(dt.date(2024, 5, 30), 3) == dt.date(2024, 2, 29)
    assert masks(dt.date(2024, 1, 31), dt.date(2024, 2, 3)) == [
        (dt.date(2024, 1, 1), 1 << 30), (dt.date(2024, 2, 1), 0b11),
    ]


# A brute force over random rows, with nothing of ours but the rules of the report.

NAMES = ("view", "edit", "share", "ping", "idle")
ACTIVE = ("view", "edit", "share")


def drawn(seed: int) -> dict[str, Rows]:
    pick = random.Random(seed)
    start = dt.datetime(2024, 1, 1, 5, tzinfo=dt.UTC)
    accounts = [f"a{number:02}" for number in range(60)]
    spans, events = [], []
    for account in accounts:
        at = dt.date(2024, 1, 1) + dt.timedelta(days=pick.randrange(120))
        if pick.random() < 0.5:
            until = at + dt.timedelta(days=14)
            spans.append({"subscription_id": f"s{account}", "account_id": account,
                          "starts_at": at, "ends_at": until, "status": "trialing", "amount": 10})
            at = until
            if pick.random() < 0.3:
                continue
        stops = at + dt.timedelta(days=pick.randrange(20, 200)) if pick.random() < 0.5 else None
        spans.append({"subscription_id": f"s{account}", "account_id": account, "starts_at": at,
                      "ends_at": stops, "status": "active", "amount": pick.choice((0, 10, 99))})
    for number in range(900):
        account = pick.choice(accounts)
        at = start + dt.timedelta(minutes=pick.randrange(60 * 24 * 182))
        events.append({
            "event_id": f"e{number}", "account_id": account,
            "user_id": pick.choice((f"{account}-1", f"{account}-2", "")),
            "event": pick.choice(NAMES), "occurred_at": at.isoformat(),
            "properties": f'{{"n": {pick.randrange(1, 5)}, "bad": {pick.randrange(2)}}}'
            if pick.random() < 0.5 else "",
        })
    return {
        "accounts": [{"account_id": a, "employees": pick.choice((5, 80, ""))} for a in accounts],
        "subscriptions": spans, "events": events,
    }


class Naive:
    """The report's rules, row by row."""

    def __init__(self, tables: dict[str, Rows]) -> None:
        self.spans = tables["subscriptions"]
        self.events = []
        for event in tables["events"]:
            if event["event"] == "ping":
                continue
            day = dt.datetime.fromisoformat(event["occurred_at"]).astimezone(ZONE).date()
            says = event["properties"]
            uses = int(says.split(": ")[1].split(",")[0]) if says else 1
            errors = int(says.rstrip("}").split(": ")[2]) if says else None
            self.events.append(
                (event["account_id"], event["user_id"], event["event"], day, uses, errors)
            )

    def active(self, first: dt.date, last: dt.date) -> set[str]:
        return {e[0] for e in self.events if e[2] in ACTIVE and first <= e[3] <= last}

    def using(self, feature: str, first: dt.date, last: dt.date) -> list[tuple[Any, ...]]:
        return [e for e in self.events if e[2] == feature and first <= e[3] <= last]

    def pays(self, account: str, day: dt.date) -> bool:
        return any(
            s["account_id"] == account and s["status"] == "active" and s["amount"] > 0
            and s["starts_at"] <= day and (s["ends_at"] is None or s["ends_at"] > day)
            for s in self.spans
        )

    def tries(self, account: str, first: dt.date, last: dt.date) -> bool:
        return any(
            s["account_id"] == account and s["status"] == "trialing"
            and s["starts_at"] <= last and s["ends_at"] > first for s in self.spans
        )


@pytest.mark.parametrize("seed", range(2))
def test_a_month_is_what_a_brute_force_finds(seed: int, tmp_path: Path) -> None:
    tables = drawn(seed)
    settings = (
        f'[usage]\nactive = {list(ACTIVE)}\nignored = ["ping"]\ncount = "n"\nerrors = "bad"\n'
        .replace("'", '"')
    )
    company = create(tmp_path / "p", timezone="America/New_York", end_reasons=settings)
    with company:
        load(company, tables)
        found = company.features.report(period="2024-05", as_of="2024-07-01", months=1, spans=2)
        opened = {
            (name, part): company.features.accounts(
                feature=name, part=part, period="2024-05", as_of="2024-07-01", months=1, spans=2
            ).total["count"]
            for name in ("view", "edit") for part in ("followed", "kept", "others", "others_kept")
        }
    naive = Naive(tables)
    first, last = dt.date(2024, 5, 1), dt.date(2024, 5, 31)
    active = naive.active(first, last)
    standing = {
        a: "paying" if naive.pays(a, last) else "trial" if naive.tries(a, first, last) else "other"
        for a in active
    }
    assert found.active_accounts == len(active)
    middle, start = dt.date(2024, 5, 4), dt.date(2024, 4, 6)
    breadth: dict[str, set[str]] = defaultdict(set)
    for row in found.rows:
        name = row.feature
        events = [e for e in naive.using(name, first, last) if e[0] in active]
        accounts = {e[0] for e in events}
        assert row.accounts == len(accounts), name
        assert row.adoption.value == len(accounts) / len(active)
        assert row.uses == sum(e[4] for e in events)
        assert row.users == len({(e[0], e[1]) for e in events if e[1]})
        for status in ("paying", "trial", "other"):
            of = [a for a in active if standing[a] == status]
            assert getattr(row, status).size == len(of)
            assert getattr(row, status).count == len(accounts & set(of))
        known = [e[5] for e in events if e[5] is not None]
        assert row.errors == (sum(known) if known else None)
        for account in accounts:
            breadth[account].add(name)
        before = {e[0] for e in naive.using(name, start, middle - dt.timedelta(days=1))}
        again = {e[0] for e in naive.using(name, middle, last)}
        assert (row.repeat.size, row.repeat.count) == (len(before), len(before & again))
        april = naive.active(dt.date(2024, 4, 1), dt.date(2024, 4, 30))
        used = {e[0] for e in naive.using(name, dt.date(2024, 4, 1), dt.date(2024, 4, 30))} & april
        assert row.change == pytest.approx(len(accounts) / len(active) - len(used) / len(april))
        sides = [0, 0, 0, 0]
        for base, close in ((dt.date(2024, 4, 30), last),
                            (dt.date(2024, 3, 31), dt.date(2024, 4, 30))):
            users = {e[0] for e in naive.using(name, base - dt.timedelta(days=27), base)}
            for account in {s["account_id"] for s in naive.spans}:
                if naive.pays(account, base):
                    side = 0 if account in users else 2
                    sides[side] += 1
                    sides[side + 1] += naive.pays(account, close)
        kept = row.retention
        assert sides == [kept.users.size, kept.users.count, kept.others.size,
                         kept.others.count]
        for place, part in enumerate(("followed", "kept", "others", "others_kept")):
            assert opened.get((name, part), sides[place]) == sides[place]
    assert "ping" not in {row.feature for row in found.rows}
    counts = defaultdict(int)
    for names in breadth.values():
        counts[len(names)] += 1
    assert {one.features: one.accounts for one in found.breadth.rows} == dict(counts)


# Ranks, confounding, and many names: one company of 300 accounts, its use written out by rule.


def ruled() -> dict[str, Rows]:
    pick = random.Random(3)
    accounts, spans, events = [], [], []
    for number in range(400):
        account = f"a{number:03}"
        is_large = number % 2 == 0
        accounts.append({"account_id": account, "employees": 500 if is_large else 5})
        stays = pick.random() < (0.97 if is_large else 0.6)
        spans.append({
            "subscription_id": f"s{number}", "account_id": account, "starts_at": "2024-01-01",
            "ends_at": "" if stays else "2024-05-10", "amount": 50, "plan": "Pro",
        })
        doing = [("view", 3), ("view", 5)]
        # Large accounts use it whether they stay or not, small ones hardly ever.
        if pick.random() < (0.9 if is_large else 0.05):
            doing += [("sso", 3), ("sso", 5)]
        if number % 3 == 0:
            doing += [("once", 3)] if number % 6 == 0 else [("once", 5)]
        if number < 8:
            doing.append(("rare", 5))
        for name, month in doing:
            events.append({
                "event_id": f"e{len(events)}", "account_id": account, "event": name,
                "occurred_at": f"2024-{month:02}-20",
                "properties": "",
            })
            if month == 3:
                events.append({**events[-1], "event_id": f"e{len(events)}",
                               "occurred_at": "2024-04-25"})
    events += [
        {"event_id": f"n{number}", "account_id": f"a{number % 400:03}",
         "event": f"name-{number:05}", "occurred_at": "2024-05-21", "properties": ""}
        for number in range(10_000)
    ]
    return {"accounts": accounts, "subscriptions": spans, "events": events}


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("ranked") / "p"
    with build(folder, ruled()) as company:
        yield company


def test_ranks_follow_their_rule(ranked: Company) -> None:
    found = ranked.features.report(period="2024-05", as_of="2024-06-15", top=5, months=1, spans=1)
    rows = {row.feature: row for row in found.rows}
    assert rows["view"].rank == "works"
    assert rows["once"].rank == "needs work"
    assert rows["once"].reasons == (
        "fewer than half of its accounts came back to it within 28 days",
    )
    assert rows["rare"].rank == "unused"
    assert [row.rank for row in found.rows] == ["works", "works", "needs work", "unused",
                                                   "unused"]
    kept = rows["sso"].retention
    assert kept.verdict == "confounded"
    assert kept.p_value is not None
    assert kept.p_value < 0.01
    assert kept.differing == ("size",)
    within = kept.among_comparable
    assert within.difference_low < 0 < within.difference_high
    assert abs(within.difference) < 0.5 * kept.difference


def test_a_segment_is_read_before_it_is_known_who_stayed(ranked: Company) -> None:
    # Read at the span's end, the plan would leave out everybody who left.
    found = ranked.features.report(
        period="2024-05", as_of="2024-06-15", top=1, months=1, spans=1, where="plan=Pro"
    )
    everybody = ranked.features.report(
        period="2024-05", as_of="2024-06-15", top=1, months=1, spans=1
    )
    kept, whole = found.rows[0].retention, everybody.rows[0].retention
    assert kept.users == whole.users
    assert kept.others == whole.others
    assert whole.users.count < whole.users.size


def test_ten_thousand_names_are_counted_and_named(ranked: Company) -> None:
    found = ranked.features.report(period="2024-05", as_of="2024-06-15", top=4, spans=0)
    rest = found.rest
    assert (len(found.rows), rest.features, rest.most_accounts, rest.uses) == (
        4, 10_000, 1, 10_000
    )
    assert rest.names[0] == "name-00000"
    one = ranked.features.report(
        period="2024-05", as_of="2024-06-15", features=["name-09999"], spans=0
    )
    assert [(row.feature, row.accounts) for row in one.rows] == [("name-09999", 1)]
    assert one.rest.features == 0
    adoption = ranked.features.adoption(months=3, as_of="2024-06-15", top=4)
    assert (adoption.rest.features, len(adoption.rest.names)) == (10_000, 10_000)


def test_errors_and_steps_change_the_judgement(tmp_path: Path) -> None:
    events = [
        {"event_id": f"{name}{number}{day}", "account_id": f"a{number}", "event": name,
         "occurred_at": day,
         "properties": f'{{"bad": {int(number % 10 == 0 and name == "save")}}}'}
        for name in ("save", "sign") for number in range(40) for day in ("2024-02-20", "2024-03-20")
    ]
    settings = '[usage]\nerrors = "bad"\n[activation]\nchecklist = ["sign"]\n'
    tables = {"accounts": [{"account_id": f"a{n}"} for n in range(40)], "events": events}
    with build(tmp_path / "p", tables, end_reasons=settings) as company:
        found = company.features.report(period="2024-03", as_of="2024-04-01", spans=0)
    rows = {row.feature: row for row in found.rows}
    assert rows["save"].reasons == ("over 5% of its uses fail",)
    assert rows["sign"].rank == "step"
