"""The stage of every account on every day, against rules that are read out day by day.

The second reading walks the raw rows with plain Python, one account and one day after the other.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from staycurve.insights.lifecycle.visits import AccountVisit
from staycurve.workspace import Company
from tests import company as companies

START, END = dt.date(2024, 1, 1), dt.date(2024, 12, 31)
DAY = dt.timedelta(days=1)
FIRST_EVENT = dt.date(2024, 2, 20)
"""Events are loaded from here on; 27 days later the first whole window stands."""
EVENT_DAYS = [FIRST_EVENT + n * dt.timedelta(days=3) for n in range(45)]


@dataclass
class Life:
    """The raw facts of one account."""

    account: str
    created: dt.date | None = None
    leads: list[dict[str, dt.date]] = field(default_factory=list)
    trial: tuple[dt.date, dt.date] | None = None
    spans: list[tuple[dt.date, dt.date | None, int]] = field(default_factory=list)
    used: set[dt.date] = field(default_factory=set)
    setup: set[dt.date] = field(default_factory=set)


def lives(count: int, seed: int) -> list[Life]:
    rng = Random(seed)

    def some_day(first: dt.date = START, last: dt.date = END) -> dt.date:
        return first + rng.randrange(max(1, (last - first).days)) * DAY

    found = []
    for number in range(count):
        life = Life(f"a{number}")
        begin = some_day(last=dt.date(2024, 7, 1))
        if rng.random() < 0.8:
            life.created = begin
        for _ in range(rng.choice((0, 1, 1, 2))):
            at = some_day(first=begin, last=min(END, begin + 100 * DAY))
            lead = {"created": at}
            for name in ("qualified", "demo", "trial", "won", "lost"):
                if rng.random() < 0.35:
                    at = lead[name] = at + rng.randrange(20) * DAY
            life.leads.append(lead)
        if rng.random() < 0.5:
            at = begin + rng.randrange(20) * DAY
            life.trial = (at, at + 14 * DAY)
        at = (life.trial[1] if life.trial else begin) + rng.choice((0, 0, 5, 40)) * DAY
        while rng.random() < 0.75 and at < END:
            for _ in range(rng.choice((1, 2, 3))):
                until = at + rng.choice((10, 30, 60, 100, 150)) * DAY
                life.spans.append((at, until, rng.choice((50, 100, 100, 120))))
                at = until
            if rng.random() < 0.3:
                start, _, amount = life.spans[-1]
                life.spans[-1] = (start, None, amount)
                break
            at += rng.choice((0, 7, 60)) * DAY
        if life.created is None and not life.leads and not life.spans and life.trial is None:
            life.created = begin
        busy = rng.choice((0.0, 0.1, 0.25, 0.5))
        life.used = {day for day in EVENT_DAYS if day >= begin and rng.random() < busy}
        life.setup = {day for day in life.used if rng.random() < 0.15}
        found.append(life)
    found[0].used.add(FIRST_EVENT)
    return found


def tables(every: list[Life]) -> dict[str, Any]:
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("accounts", "leads", "subscriptions", "events")
    }
    for life in every:
        rows["accounts"].append({"account_id": life.account, "created_at": life.created})
        for number, lead in enumerate(life.leads):
            rows["leads"].append(
                {"lead_id": f"{life.account}-{number}", "account_id": life.account}
                | {f"{name}_at": day for name, day in lead.items()}
            )
        own = {"account_id": life.account, "subscription_id": f"s{life.account}"}
        if life.trial:
            rows["subscriptions"].append(own | {
                "subscription_id": f"t{life.account}", "status": "trialing", "amount": 50,
                "starts_at": life.trial[0], "ends_at": life.trial[1],
            })
        for starts, ends, amount in life.spans:
            rows["subscriptions"].append(own | {
                "status": "active", "amount": amount, "starts_at": starts, "ends_at": ends,
            })
        for day in life.used:
            event = "setup" if day in life.setup else "view"
            rows["events"].append({
                "event_id": f"{life.account}{day}", "account_id": life.account, "event": event,
                "occurred_at": day,
            })
    return dict(rows)


def mrr(life: Life, day: dt.date) -> int:
    return sum(a for s, e, a in life.spans if s <= day and (e is None or e > day))


def stages(life: Life) -> Iterator[tuple[dt.date, str]]:
    """(day, stage) from the account's first day on."""
    known = [d for d in (life.created, *(d for lead in life.leads for d in lead.values()))
             if d is not None]
    known += [life.trial[0]] if life.trial else []
    known += [s for s, _, _ in life.spans] + list(life.used)
    first = min(known)
    day, has_habit, had_habit = min(first, START), False, False
    while day <= END:
        held = sum(day - n * DAY in life.used for n in range(28))
        has_habit = held >= 4 or (has_habit and held >= 2)
        had_habit = had_habit or has_habit
        if day >= first:
            yield day, stage(life, day, first, held, has_habit, had_habit)
        day += DAY


def stage(
    life: Life, day: dt.date, first: dt.date, held: int, has_habit: bool, had_habit: bool
) -> str:
    paid = [d for d in days_until(first, day) if mrr(life, d) > 0]
    pays = bool(paid) and paid[-1] == day
    began = {d for d in paid if mrr(life, d - DAY) == 0}
    lost = {lead["lost"] for lead in life.leads if lead.get("lost", END + DAY) <= day}
    if pays:
        since = max(began)
        growth = sum(
            mrr(life, d) - mrr(life, d - DAY)
            for d in days_until(max(since + DAY, day - 89 * DAY), day)
        )
        if growth > 0:
            return "expansion"
        if (day - since).days >= 90 and (has_habit or day < FIRST_EVENT + 27 * DAY):
            return "retention"
        if has_habit:
            return "adoption"
        first_value = any(d <= day for d in life.setup) or had_habit
        if first < FIRST_EVENT:
            first_value = first_value or any(d <= day for d in life.used)
        return "activation" if first_value else "purchase"
    if life.trial and life.trial[0] <= day and not any(d >= life.trial[0] for d in began):
        starts, ends = life.trial
        given_up = [d for d in lost if d >= starts]
        until = max(ends, min([ends + 30 * DAY, *given_up]))
        if day < until:
            return "consideration"
    over = began | lost

    def is_shown(days: list[dt.date]) -> bool:
        return any(
            d <= day < d + 90 * DAY and not any(d <= cut <= day for cut in over) for d in days
        )

    signs = ("qualified", "demo", "trial", "won")
    if is_shown([lead[name] for lead in life.leads for name in signs if name in lead]):
        return "consideration"
    if held and not paid:
        return "consideration"
    if paid:
        return "lapsed"
    came = [lead["created"] for lead in life.leads]
    if is_shown(came + ([life.created] if life.created else [])):
        return "awareness"
    return "lapsed"


def days_until(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + n * DAY for n in range((last - first).days + 1)]


def build_lives(folder: Path, *, count: int, seed: int) -> Company:
    """A company of random lives, loaded and refreshed."""
    made = companies.create(folder)
    path = folder / "staycurve.toml"
    path.write_text(path.read_text(encoding="utf-8") + '[activation]\nevents = ["setup"]\n')
    made.close()
    opened = Company(folder, clock=lambda: companies.NOW)
    companies.load(opened, tables(lives(count, seed)))
    return opened


COUNT, SEED = 32, 11
EVERY = lives(COUNT, SEED)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build_lives(tmp_path_factory.mktemp("lives"), count=COUNT, seed=SEED) as made:
        yield made


@pytest.fixture(scope="module")
def visits(company: Company) -> dict[str, tuple[AccountVisit, ...]]:
    return {
        life.account: company.lifecycle.history(account=life.account, as_of="2025-01-01").rows
        for life in EVERY
    }


def test_every_day_of_every_account_has_the_stage_that_the_rules_give(
    visits: dict[str, tuple[AccountVisit, ...]],
) -> None:
    compared, seen = 0, set()
    for life in EVERY:
        own = visits[life.account]
        for day, expected in stages(life):
            found = [
                v.stage for v in own
                if v.starts_on <= day and (v.ends_on is None or v.ends_on > day)
            ]
            assert found == [expected], (life, day)
            compared += 1
            seen.add(expected)
    assert compared > 6_000
    assert len(seen) == 8


def test_visits_touch_without_gap_or_overlap(visits: dict[str, tuple[AccountVisit, ...]]) -> None:
    assert visits
    for own in visits.values():
        for one, following in itertools.pairwise(own):
            assert one.ends_on == following.starts_on
            assert one.stage != following.stage
            assert one.days > 0
        assert own[-1].ends_on is None
        for stage_name in {v.stage for v in own}:
            numbers = [v.visit for v in own if v.stage == stage_name]
            assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("last", ["2024-03-17", "2024-05-31", "2024-08-09"])
def test_a_later_as_of_never_changes_an_earlier_day(
    company: Company, visits: dict[str, tuple[AccountVisit, ...]], last: str
) -> None:
    """Loaded facts that lie after the as-of change nothing before it, and a midday one neither."""
    next_day = dt.date.fromisoformat(last) + DAY
    then = {row.account_id: (row.stage, row.since)
            for row in company.lifecycle.accounts(as_of=str(next_day)).rows}
    midday = {row.account_id: (row.stage, row.since)
              for row in company.lifecycle.accounts(as_of=f"{last}T12:00:00").rows}
    expected = {
        account: (v.stage, v.starts_on)
        for account, own in visits.items()
        for v in own
        if v.starts_on < next_day and (v.ends_on is None or v.ends_on >= next_day)
    }
    assert then == expected
    # Every fact of these lives stands at the first moment of its day.
    assert midday == expected


def test_openings_and_moves_make_the_closings(company: Company) -> None:
    for grain, start in (("month", "2024-01"), ("week", "2024-06-03")):
        moves = company.lifecycle.transitions(grain=grain, start=start, end="2024-12-31",
                                              as_of="2025-01-01")
        standing = company.lifecycle.stages(grain=grain, start=start, end="2024-12-31",
                                            as_of="2025-01-01")
        closing = {(r.period, r.stage): r.accounts for r in standing.rows}
        assert moves.stages
        assert moves.matrix()
        for row in moves.stages:
            assert row.opening + row.entered - row.left == row.closing
            assert row.closing == closing.get((row.period, row.stage), 0)
        for before, cells in moves.matrix().items():
            assert before not in cells


def test_mrr_by_lifecycle_sums_to_mrr_and_moves_are_no_churn(company: Company) -> None:
    names = ("opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr",
             "churned_mrr", "entering_mrr", "leaving_mrr", "mrr")
    cut = company.show(*names, by="lifecycle", start="2024-01", end="2024-12", as_of="2025-01-01")
    whole = company.show(*names, start="2024-01", end="2024-12", as_of="2025-01-01")
    found: dict[tuple[str, str | None], dict[str, float]] = {}
    for row in cut.rows:
        key = (row["period"], row["segment"]["lifecycle"])
        found.setdefault(key, {})[row["metric"]] = row["value"]
    assert found
    for (_, stage_name), v in found.items():
        opening_and_flows = (
            v["opening_mrr"] + v["new_mrr"] + v["reactivation_mrr"] + v["expansion_mrr"]
            - v["contraction_mrr"] - v["churned_mrr"] + v["entering_mrr"] - v["leaving_mrr"]
        )
        assert opening_and_flows == pytest.approx(v["mrr"])
        if stage_name in ("awareness", "consideration", "lapsed"):
            assert v["churned_mrr"] == v["entering_mrr"] == v["mrr"] == 0
    assert whole.rows
    for row in whole.rows:
        if row["metric"] in ("entering_mrr", "leaving_mrr"):
            continue
        parts = [v[row["metric"]] for (period, _), v in found.items() if period == row["period"]]
        assert sum(parts) == pytest.approx(row["value"]), row


def test_metrics_of_the_accounts_now_in_a_stage(company: Company) -> None:
    now = "2024-10-01"
    names = ("mrr", "nrr", "churned_mrr", "entering_mrr", "leaving_mrr", "customers")
    asked = {"start": "2024-04", "end": "2024-09", "as_of": now}
    stages: dict[str, list[str]] = {}
    for row in company.lifecycle.accounts(as_of=now).rows:
        stages.setdefault(row.stage, []).append(row.account_id)
    assert len(stages) > 3
    cut = company.show(*names, by="lifecycle_now", **asked).rows
    seen = {row["segment"]["lifecycle_now"] for row in cut}
    assert seen <= {*stages, None}
    for stage_name in seen - {None}:
        ids = "|".join(stages[stage_name])
        own = company.show(*names, where=f"account_id={ids}", **asked).rows
        there = [row for row in cut if row["segment"]["lifecycle_now"] == stage_name]
        assert [(r["metric"], r["period"], r["value"]) for r in there] == [
            (r["metric"], r["period"], r["value"]) for r in own
        ]
        alone = company.show(*names, where=f"lifecycle_now={stage_name}", **asked).rows
        assert [r["value"] for r in alone] == [r["value"] for r in own]
    # Who they are does not change while they are followed back.
    assert not any(r["value"] for r in cut if r["metric"] in ("entering_mrr", "leaving_mrr"))
    counted = company.cohort(by="lifecycle_now", as_of=now)["rows"]
    everybody = company.cohort(as_of=now)["rows"]
    sizes = [sum(r["size"] for r in rows if r["age"] == 0) for rows in (counted, everybody)]
    assert sizes[0] == sizes[1] > 0


def test_the_stages_hold_the_mrr_of_the_metric(company: Company) -> None:
    standing = company.lifecycle.stages(start="2024-03", end="2024-12", as_of="2025-01-01")
    shown = company.show("mrr", "customers", start="2024-03", end="2024-12", as_of="2025-01-01")
    assert len(shown.rows) == 2 * 10
    for row in shown.rows:
        own = [r for r in standing.rows if str(r.period) == row["period"]]
        if row["metric"] == "mrr":
            assert sum(r.mrr for r in own) == pytest.approx(row["value"])
        else:
            paying = ("purchase", "activation", "adoption", "retention", "expansion")
            assert sum(r.accounts for r in own if r.stage in paying) == row["value"]
