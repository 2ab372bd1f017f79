"""Which stage an account is in from day to day: small cases, by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from staycurve.workspace import Company
from tests import company as companies

ACTIVATION = '[activation]\nevents = ["setup"]\n'


def build(folder: Path, tables: dict[str, Any], *, toml: str = "", **settings: Any) -> Company:
    made = companies.create(folder, **settings)
    path = folder / "staycurve.toml"
    path.write_text(path.read_text(encoding="utf-8") + toml, encoding="utf-8")
    made.close()
    made = Company(folder, clock=lambda: companies.NOW)
    companies.load(made, tables)
    return made


def visits(company: Company, account: str, *, as_of: str | None = None) -> list[tuple[str, ...]]:
    return [
        (row.stage, str(row.starts_on), str(row.ends_on or "now"))
        for row in company.lifecycle.history(account=account, as_of=as_of).rows
    ]


def daily(account: str, first: str, days: int, *, event: str = "view", every: int = 1) -> str:
    start = dt.date.fromisoformat(first)
    return "\n".join(
        f"{account}-{event}-{day} {account} {event} {day}"
        for day in (start + dt.timedelta(days=n) for n in range(0, days, every))
    )


EVENTS = "event_id account_id event occurred_at\n"


def test_a_way_through_every_stage(tmp_path: Path) -> None:
    company = build(
        tmp_path,
        {
            "accounts": "account_id created_at\nacme 2024-03-01\nbeta 2024-01-01",
            "leads": """
                lead_id created_at qualified_at account_id
                l1      2024-03-01 2024-03-04   acme""",
            "subscriptions": """
                subscription_id account_id starts_at  ends_at    amount
                s1              acme       2024-04-01 2024-08-01 100
                s1              acme       2024-08-01 2024-12-01 150""",
            # beta's events open the window of use long before acme is known.
            "events": EVENTS + daily("beta", "2024-01-01", 1) + "\n"
            + daily("acme", "2024-04-10", 1, event="setup") + "\n"
            + daily("acme", "2024-05-01", 3) + "\n"
            + daily("acme", "2024-05-16", 220, every=13),
        },
        toml=ACTIVATION,
    )
    with company:
        assert visits(company, "acme", as_of="2025-06-01") == [
            ("awareness", "2024-03-01", "2024-03-04"),
            ("consideration", "2024-03-04", "2024-04-01"),  # qualified
            ("purchase", "2024-04-01", "2024-04-10"),  # pays, no first value yet
            ("activation", "2024-04-10", "2024-05-03"),  # first value
            ("adoption", "2024-05-03", "2024-06-30"),  # 4 active days: 04-10, 05-01, 02, 03
            ("retention", "2024-06-30", "2024-08-01"),  # 90 days after 04-01
            ("expansion", "2024-08-01", "2024-10-30"),  # 100 → 150, for 90 days
            ("retention", "2024-10-30", "2024-12-01"),
            ("lapsed", "2024-12-01", "now"),  # paid before, though it is still used
        ]


def test_windows_that_run_out_change_the_stage_without_any_event(tmp_path: Path) -> None:
    company = build(
        tmp_path,
        {
            "accounts": "account_id created_at\nacme 2024-03-01\nbeta 2024-01-01",
            "subscriptions": """
                subscription_id account_id starts_at  ends_at amount
                s1              acme       2024-03-01 -       100
                s2              beta       2024-09-01 -       100""",
            "events": EVENTS + daily("beta", "2024-01-01", 1) + "\n"
            + daily("acme", "2024-03-01", 4),
        },
    )
    with company:
        # Active on 03-01 to 03-04. On 03-30 the window (03-03 …) holds 2 days, on 03-31 it holds 1:
        # the habit is lost. Retention would begin 90 days in, on 05-30.
        assert visits(company, "acme", as_of="2024-09-01") == [
            ("activation", "2024-03-01", "2024-03-04"),
            ("adoption", "2024-03-04", "2024-03-31"),
            ("activation", "2024-03-31", "now"),
        ]
        # beta's one active day leaves the window; 90 days after sign-up it is not recent either.
        assert visits(company, "beta", as_of="2024-09-01") == [
            ("consideration", "2024-01-01", "2024-01-29"),
            ("awareness", "2024-01-29", "2024-03-31"),
            ("lapsed", "2024-03-31", "now"),
        ]


def test_a_habit_is_kept_with_fewer_days_than_form_it(tmp_path: Path) -> None:
    """4 days form it, 2 keep it; with one number for both it would break on 2024-03-31."""
    company = build(
        tmp_path,
        {
            "accounts": "account_id created_at\nacme 2024-03-01\nbeta 2024-01-01",
            "subscriptions": "subscription_id account_id starts_at amount\ns1 acme 2024-03-01 100",
            "events": EVENTS + daily("beta", "2024-01-01", 1) + "\n"
            + daily("acme", "2024-03-01", 4) + "\n" + daily("acme", "2024-03-14", 60, every=14),
        },
    )
    with company:
        # Every 14 days: each window of 28 days holds 2 of them, to 05-09 + 14 days, when only the
        # last is left.
        assert visits(company, "acme", as_of="2024-05-30")[1:] == [
            ("adoption", "2024-03-04", "2024-05-23"), ("activation", "2024-05-23", "now"),
        ]


def test_a_returner_begins_anew_and_every_visit_is_kept(tmp_path: Path) -> None:
    company = build(
        tmp_path,
        {
            "accounts": "account_id created_at\nacme 2024-01-01",
            "subscriptions": """
                subscription_id account_id starts_at  ends_at    amount
                s1              acme       2024-01-01 2024-03-01 100
                s2              acme       2024-06-01 -          100""",
        },
    )
    with company:
        found = company.lifecycle.history(account="acme", as_of="2024-10-01").rows
        assert [(r.stage, str(r.starts_on), r.visit, r.days) for r in found] == [
            ("purchase", "2024-01-01", 1, 60),
            ("lapsed", "2024-03-01", 1, 92),
            ("purchase", "2024-06-01", 2, 90),
            ("retention", "2024-08-30", 1, 32),  # 90 days after the return
        ]
        assert found[-1].ends_on is None
        assert "its use is not known" in found[-1].reason


def test_a_trial_is_considered_until_30_days_after_it_or_until_it_is_given_up(
    tmp_path: Path,
) -> None:
    company = build(
        tmp_path,
        {
            "accounts": """
                account_id created_at
                quiet      2024-01-01
                given      2024-01-01
                early      2024-01-01
                endless    2024-01-01
                buyer      2024-01-01""",
            "leads": """
                lead_id created_at lost_at    account_id
                l1      2024-01-01 2024-01-20 given
                l2      2024-01-01 2024-01-05 early
                l3      2024-01-01 2024-01-05 endless""",
            "subscriptions": """
                subscription_id account_id starts_at  ends_at    status   amount
                s1              quiet      2024-01-01 2024-01-15 trialing 50
                s2              given      2024-01-01 2024-01-15 trialing 50
                s3              early      2024-01-01 2024-01-15 trialing 50
                s5              endless    2024-01-01 -          trialing 50
                s4              buyer      2024-01-01 2024-01-15 trialing 50
                s4              buyer      2024-01-15 2024-01-25 active   50""",
        },
    )
    with company:
        at = "2024-06-01"
        assert visits(company, "quiet", as_of=at) == [
            ("consideration", "2024-01-01", "2024-02-14"),  # 01-15 and 30 days
            ("awareness", "2024-02-14", "2024-03-31"),  # signed up less than 90 days ago
            ("lapsed", "2024-03-31", "now"),
        ]
        assert visits(company, "given", as_of=at) == [
            ("consideration", "2024-01-01", "2024-01-20"), ("lapsed", "2024-01-20", "now"),
        ]
        # A trial that still runs is not over because its lead was given up.
        assert visits(company, "early", as_of=at) == [
            ("consideration", "2024-01-01", "2024-01-15"), ("lapsed", "2024-01-15", "now"),
        ]
        assert visits(company, "endless", as_of=at) == [("consideration", "2024-01-01", "now")]
        # Whoever paid and left has lapsed: the trial is no longer being decided.
        assert visits(company, "buyer", as_of=at) == [
            ("consideration", "2024-01-01", "2024-01-15"),
            ("purchase", "2024-01-15", "2024-01-25"),
            ("lapsed", "2024-01-25", "now"),
        ]


def test_contraction_outweighs_expansion(tmp_path: Path) -> None:
    company = build(
        tmp_path,
        {
            "accounts": "account_id created_at\nacme 2024-01-01",
            "subscriptions": """
                subscription_id account_id starts_at  ends_at    amount
                s1              acme       2024-01-01 2024-02-01 100
                s1              acme       2024-02-01 2024-03-01 130
                s1              acme       2024-03-01 2024-03-11 90
                s1              acme       2024-03-11 -          105""",
        },
    )
    with company:
        assert visits(company, "acme", as_of="2024-08-01") == [
            ("purchase", "2024-01-01", "2024-02-01"),
            ("expansion", "2024-02-01", "2024-03-01"),  # +30
            ("purchase", "2024-03-01", "2024-03-11"),  # +30 −40 = −10
            ("expansion", "2024-03-11", "2024-05-01"),  # +30 −40 +15 = +5
            # 90 days after 02-01 the +30 is forgotten: −25 …
            ("retention", "2024-05-01", "2024-05-30"),
            # … and 90 days after 03-01 the −40 is: +15 until 06-09.
            ("expansion", "2024-05-30", "2024-06-09"),
            ("retention", "2024-06-09", "now"),
        ]


def test_before_use_is_known_stages_come_from_payments(tmp_path: Path) -> None:
    company = build(
        tmp_path,
        {
            "accounts": "account_id created_at\nacme 2024-01-01",
            "subscriptions": "subscription_id account_id starts_at amount\ns1 acme 2024-01-01 100",
            "events": EVENTS + daily("acme", "2024-07-01", 4) + "\n"
            + daily("acme", "2024-07-17", 60, every=13),
        },
    )
    with company:
        assert visits(company, "acme", as_of="2024-08-20") == [
            ("purchase", "2024-01-01", "2024-03-31"),
            # Habit and tenure hold from 07-04 on, so there is no break when use becomes known.
            ("retention", "2024-03-31", "now"),
        ]
        assert company.lifecycle.stages(as_of="2024-08-20").notes == (
            "Usage is known from 2024-07-28 on; before that, stages come only from payments.",
        )


def test_billing_accounts_of_one_customer_share_a_life_and_internal_ones_have_none(
    tmp_path: Path,
) -> None:
    company = build(
        tmp_path,
        {
            "accounts": """
                account_id name  created_at parent_id
                acme       Acme  2024-02-01 -
                branch     Acme2 2024-01-10 acme
                ours       test  2024-01-01 -""",
            "subscriptions": """
                subscription_id account_id starts_at  amount
                s1              branch     2024-03-01 100
                s2              ours       2024-03-01 100""",
        },
        company='exclude = ["name~test"]',
    )
    with company:
        assert visits(company, "acme", as_of="2024-03-10") == [
            ("awareness", "2024-01-10", "2024-03-01"), ("purchase", "2024-03-01", "now"),
        ]
        assert visits(company, "branch", as_of="2024-03-10") == []
        assert visits(company, "ours", as_of="2024-03-10") == []


def test_own_rules_in_their_own_order(tmp_path: Path) -> None:
    company = build(
        tmp_path,
        {
            "accounts": "account_id created_at\nacme 2024-01-01",
            "subscriptions": "subscription_id account_id starts_at amount\ns1 acme 2024-02-01 100",
        },
        toml="""
[lifecycle]
tenure_days = 10
[[lifecycle.rules]]
stage = "retention"
when = ["tenured"]
[[lifecycle.rules]]
stage = "awareness"
when = ["not paying"]
[[lifecycle.rules]]
stage = "purchase"
""",
    )
    with company:
        assert visits(company, "acme", as_of="2024-03-01") == [
            ("awareness", "2024-01-01", "2024-02-01"),
            ("purchase", "2024-02-01", "2024-02-11"),
            ("retention", "2024-02-11", "now"),
        ]


def test_an_instant_inside_a_day_sees_only_what_came_before_it(tmp_path: Path) -> None:
    company = build(
        tmp_path,
        {
            "accounts": "account_id created_at\nacme 2024-01-01\nlate 2024-01-05T15:00:00Z",
            "leads": """
                lead_id created_at qualified_at         account_id
                l1      2024-01-01 2024-01-05T15:00:00Z acme""",
        },
    )
    with company:
        noon, evening = "2024-01-05T12:00:00Z", "2024-01-05T18:00:00Z"
        assert visits(company, "acme", as_of=noon) == [("awareness", "2024-01-01", "now")]
        assert visits(company, "late", as_of=noon) == []
        assert visits(company, "acme", as_of=evening)[-1] == ("consideration", "2024-01-05", "now")
        assert visits(company, "late", as_of=evening) == [("awareness", "2024-01-05", "now")]


def test_local_days_count(tmp_path: Path) -> None:
    company = build(
        tmp_path,
        {"accounts": "account_id created_at\nacme 2024-01-02T03:00:00Z"},
        timezone="America/New_York",
    )
    with company:
        assert visits(company, "acme", as_of="2024-02-01") == [("awareness", "2024-01-01", "now")]


def test_an_account_without_any_date_has_no_life(tmp_path: Path) -> None:
    company = build(tmp_path, {"accounts": "account_id name\nacme Acme"})
    with company:
        assert visits(company, "acme") == []
        assert company.lifecycle.stages().why == "no account is known yet, as of this instant"
