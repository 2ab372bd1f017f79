"""Channels, lead cohorts and referrals: small companies, by hand, and against the catalogue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.insights.acquisition.acquisition_report import METRICS
from staycurve.workspace import Company
from tests.company import build

TABLES = {
    "accounts": """
        account_id name created_at channel referred_by
        acme       Acme 2024-01-02 ads     -
        bolt       Bolt 2024-01-03 ads     acme
        crux       Crux 2024-01-05 search  acme
        dune       Dune 2024-02-01 search  nobody
        echo       Echo 2024-02-01 ads     -""",
    "leads": """
        lead_id created_at qualified_at demo_at trial_at won_at lost_at channel account_id region
        l1 2024-01-01 2024-01-02 2024-01-05 - 2024-01-10 - ads acme EU
        l2 2024-01-02 - - 2024-01-03 2024-01-17 - ads bolt US
        l3 2024-01-03 2024-01-04 - - - 2024-01-20 ads - EU
        l4 2024-01-04 - - - - - search - US
        l5 2024-01-05 2024-01-30 2024-02-20 - - - search crux EU
        l6 2024-02-25 2024-02-26 - - - - ads echo EU""",
    "subscriptions": """
        subscription_id account_id starts_at  ends_at    status   amount
        s1              acme       2024-01-12 2024-03-01 active   100
        s2              bolt       2024-01-03 2024-01-17 trialing 50
        s2              bolt       2024-01-17 -          active   50
        s3              crux       2024-02-10 -          active   30
        s4              dune       2024-02-10 -          active   10""",
    "reach": """
        day        channel kind               count
        2024-01-01 ads     visits             60
        2024-01-02 search  visits             40
        2024-01-02 search  mentions           3
        2024-02-02 ads     visits             10""",
    "spend": """
        month   purpose     kind    channel amount
        2024-01 acquisition ads     ads     300
        2024-01 acquisition staff   -       100
        2024-01 retention   loyalty -       999""",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("channels"), TABLES) as made:
        yield made


def test_a_channel_in_a_month_by_hand(company: Company) -> None:
    found = company.acquisition.channels(start="2024-01", end="2024-01", as_of="2024-03-01")
    ads, search = (r for r in found.rows if r.channel in ("ads", "search"))
    assert {name: ads.of(name) for name in ("visits", "leads", "qualified", "demo_requests",
                                         "lead_trials", "trial_starts", "won", "lost")} == {
        "visits": 60, "leads": 3, "qualified": 2, "demo_requests": 1, "lead_trials": 1,
        "trial_starts": 1, "won": 2, "lost": 1,
    }
    assert ads.lead_rate == pytest.approx(3 / 60)
    assert (ads.new_customers, ads.new_mrr, ads.spend, ads.cac) == (2, 150, 300, 150)
    assert (search.mentions, search.leads, search.new_customers) == (3, 2, 0)
    assert search.spend is None
    assert search.why["spend"] == "no acquisition cost is loaded for this period"
    assert found.notes == ("100.00 USD of acquisition cost in the range names no channel.",)
    whole = found.totals[0]
    assert (whole.visits, whole.leads, whole.spend, whole.cac) == (100, 5, 400, 200)
    own = company.accounts("new_customers", period="2024-01", where="channel=ads",
                           as_of="2024-03-01")
    assert [row["account_id"] for row in own.rows] == ["acme", "bolt"]


def test_every_column_of_the_catalogue_equals_show(company: Company) -> None:
    found = company.acquisition.channels(start="2024-01", end="2024-02", as_of="2024-03-01")
    assert {column.name for column in found.columns} >= set(METRICS)
    for by, rows in (("channel", found.rows), ("", found.totals)):
        shown = company.show(*METRICS, by=by, start="2024-01", end="2024-02", as_of="2024-03-01")
        for row in shown.rows:
            own = [
                r for r in rows
                if (str(r.period), getattr(r, "channel", None))
                == (row["period"], row["segment"].get("channel"))
            ]
            if own:
                assert own[0].of(row["metric"]) == row["value"], row
            else:
                assert row["segment"] == {"channel": None}
                assert not row["value"]
        for row in rows:
            if row.lead_rate is not None:
                assert row.leads / row.visits == pytest.approx(row.lead_rate)


def test_a_lead_too_young_for_the_horizon_is_in_neither_part(company: Company) -> None:
    # As of 03-01 a lead from 01-31 or earlier is 30 days old; l6 is 5.
    found = company.acquisition.funnel(start="2024-01", end="2024-02", horizon=30,
                                       as_of="2024-03-01")
    january = {r.step: r for r in found.rows if str(r.cohort) == "2024-01-01"}
    assert {step: (r.mature, r.reached) for step, r in january.items()} == {
        "qualified": (5, 3),  # l1, l3, l5
        "demo": (5, 1),  # l1; l5 asked after 46 days
        "trial": (5, 1),  # l2
        "tried": (5, 2),
        "won": (5, 2),
        "paying": (5, 2),  # acme on day 11, bolt on day 15; crux paid on day 36
    }
    # Of the qualified (l1, l3, l5) one tried; of those who tried (l1, l2) both agreed.
    assert january["tried"].from_previous == pytest.approx(1 / 3)
    assert january["won"].from_previous == 1
    assert january["qualified"].value == 0.6
    assert january["qualified"].is_small
    february = [r for r in found.rows if str(r.cohort) == "2024-02-01"]
    assert {(r.leads, r.mature, r.value, r.why) for r in february} == {
        (1, 0, None, "no lead of this cohort is 30 days old yet"),
    }
    behind = company.acquisition.leads(cohort="2024-01", step="paying", horizon=30,
                                       as_of="2024-03-01")
    assert [(r.lead_id, r.account_id, str(r.paying_on)) for r in behind.rows] == [
        ("l1", "acme", "2024-01-12"), ("l2", "bolt", "2024-01-17"),
    ]


def test_the_horizon_ends_on_the_same_day_for_the_lead_and_the_as_of(company: Company) -> None:
    def mature(as_of: str) -> int:
        rows = company.acquisition.funnel(start="2024-01", end="2024-01", where="region=EU",
                                          horizon=30, as_of=as_of).rows
        return int(rows[0].mature)

    # l1 is from 01-01: its 30 days end with 01-30, seen whole once 01-31 begins.
    assert [mature(f"2024-01-{day}") for day in (30, 31)] == [0, 1]
    assert mature("2024-01-30T23:00:00Z") == 0


def test_leads_are_cut_by_what_they_carry(company: Company) -> None:
    found = company.acquisition.funnel(
        start="2024-01", end="2024-01", by="region", is_together=True, horizon=30,
        as_of="2024-03-01",
    )
    assert {(r.segment["region"], r.leads) for r in found.rows} == {("EU", 3), ("US", 2)}
    with pytest.raises(UnknownNameError, match="regoin"):
        company.acquisition.funnel(by="regoin")
    with pytest.raises(UnknownNameError, match="step"):
        company.acquisition.leads(cohort="2024-01", step="paid")
    with pytest.raises(UsageError):
        company.acquisition.funnel(horizon=0)
    with pytest.raises(NotAnsweredError, match="Channels cannot be restricted by country"):
        company.acquisition.channels(where="country=US")


def test_who_brought_whom_and_what_they_are_worth(company: Company) -> None:
    found = company.acquisition.referrals(as_of="2024-03-01")
    # Closed months: January and February. bolt 50 + 50; crux 0 + 30; dune 0 + 10.
    assert found.as_dict()["rows"] == [
        {"account_id": "acme", "name": "Acme", "is_known": True, "referred": 2, "ever_paid": 2,
         "paying": 2, "mrr": 80, "lifetime_mrr": 130, "plan": None, "owner": None},
        {"account_id": "nobody", "name": None, "is_known": False, "referred": 1, "ever_paid": 1,
         "paying": 1, "mrr": 10, "lifetime_mrr": 10, "plan": None, "owner": None},
    ]
    assert (found.summary.accounts, found.summary.referred, found.summary.share) == (
        5, 3, 0.6,
    )
    own = company.acquisition.referred(referrer="acme", as_of="2024-03-01").rows
    assert [r.account_id for r in own] == ["bolt", "crux"]
    sums = company.show("mrr", by="referred_by", start="2024-01", end="2024-02",
                        as_of="2024-03-01").rows
    for row in found.rows:
        assert row.lifetime_mrr == sum(
            r["value"] for r in sums if r["segment"]["referred_by"] == row.account_id
        )
    # On 01-31 crux and dune had not paid, and dune was not there.
    earlier = company.acquisition.referrals(as_of="2024-02-01")
    assert [(r.account_id, r.referred, r.paying) for r in earlier.rows] == [
        ("acme", 2, 1),
    ]


def test_retention_of_the_referred_stands_beside_the_others(tmp_path: Path) -> None:
    accounts, subscriptions = [], []
    for number in range(80):
        name, is_referred = f"a{number}", number < 40
        accounts.append({
            "account_id": name, "created_at": "2024-01-02", "referred_by": "a79" if is_referred
            else None,
        })
        # Of the referred 30 stay, of the others 20; who leaves does so in February.
        stays = number % 40 < (30 if is_referred else 20)
        subscriptions.append({
            "account_id": name, "subscription_id": name, "amount": 10, "starts_at": "2024-01-05",
            "ends_at": None if stays else "2024-02-10",
        })
    with build(tmp_path, {"accounts": accounts, "subscriptions": subscriptions}) as made:
        found = made.acquisition.referrals(as_of="2024-06-01")
    three = found.retention[0]
    assert (three.age, three.referred.retained, three.referred.size) == (3, 30, 40)
    assert (three.others.retained, three.others.size) == (20, 40)
    assert three.difference == 0.25
    assert three.difference_low < 0.25 < three.difference_high
    assert not three.is_small
    assert "not an effect" in found.notes[0]


def test_nobody_referred_says_so(tmp_path: Path) -> None:
    with build(tmp_path, {"accounts": "account_id created_at\nacme 2024-01-01"}) as made:
        found = made.acquisition.referrals()
        assert found.why == "no account names another in referred_by"
        assert found.rows == ()


def test_channels_fare_as_counted_account_by_account(tmp_path: Path) -> None:
    rng = Random(5)
    start = dt.date(2023, 1, 1)
    accounts: list[dict[str, Any]] = []
    subscriptions: list[dict[str, Any]] = []
    lives: dict[str, tuple[str, dt.date, dt.date | None]] = {}
    for number in range(120):
        channel = rng.choice(("ads", "search", "partner"))
        begins = start + dt.timedelta(days=rng.randrange(300))
        ends = begins + dt.timedelta(days=rng.randrange(20, 600)) if rng.random() < 0.6 else None
        lives[f"a{number}"] = (channel, begins, ends)
        accounts.append({"account_id": f"a{number}", "channel": channel, "created_at": begins})
        subscriptions.append({
            "account_id": f"a{number}", "subscription_id": f"s{number}", "amount": 10,
            "starts_at": begins, "ends_at": ends,
        })
    with build(tmp_path, {"accounts": accounts, "subscriptions": subscriptions}) as made:
        found = made.acquisition.quality(as_of="2024-03-01")
    for row in found.rows:
        for kept in row.retention:
            size = retained = 0
            for channel, begins, ends in lives.values():
                index = begins.year * 12 + begins.month + kept.age
                close = dt.date(index // 12, index % 12 + 1, 1) - dt.timedelta(days=1)
                if channel == row.channel and close < dt.date(2024, 3, 1):
                    size += 1
                    retained += ends is None or ends > close
            assert (kept.retained, kept.size) == (retained, size), (row.channel, kept)
        paying = sum(
            c == row.channel and (e is None or e > dt.date(2024, 2, 29))
            for c, _, e in lives.values()
        )
        assert row.customers == paying
        assert row.arpa == pytest.approx(10)


def test_random_leads_against_a_walk_over_the_raw_rows(tmp_path: Path) -> None:
    rng, start, day = Random(8), dt.date(2024, 1, 1), dt.timedelta(days=1)
    leads: list[dict[str, Any]] = []
    subscriptions: list[dict[str, Any]] = []
    paid: dict[str, dt.date] = {}
    for number in range(200):
        created = start + rng.randrange(120) * day
        lead: dict[str, Any] = {
            "lead_id": f"l{number}", "created_at": created, "channel": rng.choice(("ads", "web")),
        }
        for step in ("qualified_at", "demo_at", "trial_at", "won_at"):
            if rng.random() < 0.5:
                lead[step] = created + rng.randrange(60) * day
        if rng.random() < 0.6:
            account = lead["account_id"] = f"a{number}"
            # Some paid before they were a lead.
            paid[account] = created + rng.randrange(-10, 60) * day
            subscriptions.append({
                "subscription_id": account, "account_id": account, "amount": 10,
                "starts_at": paid[account],
            })
        leads.append(lead)
    as_of, horizon = dt.date(2024, 4, 20), 30
    with build(tmp_path, {"subscriptions": subscriptions, "leads": leads}) as made:
        found = made.acquisition.funnel(
            start="2024-01", end="2024-04", by="channel", horizon=horizon, as_of=str(as_of)
        )
    compared = 0
    for row in found.rows:
        own = [
            lead for lead in leads
            if lead["created_at"].replace(day=1) == row.cohort
            and lead["channel"] == row.segment["channel"] and lead["created_at"] < as_of
        ]
        mature = [lead for lead in own if lead["created_at"] + horizon * day <= as_of]

        def reached(lead: dict[str, Any], step: str) -> bool:
            if step == "tried":
                return reached(lead, "demo") or reached(lead, "trial")
            at = lead.get(f"{step}_at")
            if step == "paying":
                at = paid.get(lead.get("account_id", ""))
            created = lead["created_at"]
            return at is not None and created <= at < created + horizon * day

        assert (row.leads, row.mature) == (len(own), len(mature))
        assert row.reached == sum(reached(lead, row.step) for lead in mature)
        if row.previous and row.from_previous is not None:
            before = [lead for lead in mature if reached(lead, row.previous)]
            both = sum(reached(lead, row.step) for lead in before)
            assert row.from_previous == pytest.approx(both / len(before))
        compared += row.reached
    assert compared > 150
