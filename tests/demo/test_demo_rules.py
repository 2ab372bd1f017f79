"""The files keep the rules of the conformed tables, checked on what was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from staycurve.demo import Truth

Ask = Callable[[str], list[tuple[Any, ...]]]

COLUMNS = {
    "accounts": "account_id name created_at industry country employees channel owner currency"
    " referred_by parent_id",
    "users": "user_id account_id email name role is_champion created_at left_at bounced_at",
    "subscriptions": "subscription_id item_id starts_at account_id plan product kind interval"
    " interval_count quantity unit_amount amount discount_percent discount_amount"
    " discount_recurring currency status ends_at card_on_file cancel_requested_at end_reason"
    " term_months renews_at",
    "payments": "payment_id account_id subscription_id invoice_id amount currency paid_at"
    " failed_at failure_reason refunded_amount",
    "events": "event_id account_id user_id event occurred_at received_at properties",
    "leads": "lead_id created_at channel industry qualified_at demo_at trial_at won_at lost_at"
    " lost_reason account_id",
    "reach": "day channel kind count",
    "spend": "month purpose kind channel amount currency",
    "tickets": "ticket_id account_id user_id opened_at first_response_at solved_at reopened_at"
    " agent_contacts customer_contacts solved_by channel priority topic",
    "answers": "answer_id survey kind account_id user_id touchpoint asked_at answered_at score"
    " scale_max question comment",
    "invitations": "invitation_id survey account_id user_id asked_at",
    "fx_rates": "day currency rate",
}
KEYS = {
    "accounts": "account_id",
    "users": "user_id",
    "subscriptions": "subscription_id, coalesce(item_id, ''), starts_at",
    "payments": "payment_id",
    "events": "event_id",
    "leads": "lead_id",
    "reach": "day, channel, kind",
    "spend": "month, purpose, kind, coalesce(channel, '')",
    "tickets": "ticket_id",
    "answers": "answer_id",
    "invitations": "invitation_id",
    "fx_rates": "day, currency",
}
REQUIRED = {
    "accounts": "account_id",
    "users": "user_id account_id",
    "subscriptions": "subscription_id starts_at account_id",
    "payments": "payment_id account_id",
    "events": "event_id event occurred_at",
    "leads": "lead_id created_at",
    "reach": "day channel kind count",
    "spend": "month purpose kind amount",
    "tickets": "ticket_id account_id opened_at",
    "answers": "answer_id survey kind answered_at",
    "invitations": "invitation_id survey asked_at",
    "fx_rates": "day currency rate",
}
WORDS = {
    ("subscriptions", "kind"): {"base", "addon", "metered"},
    ("subscriptions", "interval"): {"month", "year", "week", "quarter"},
    ("subscriptions", "status"): {"trialing", "active", "past_due", "unpaid", "paused"},
    ("subscriptions", "currency"): {"USD", "EUR", "GBP", "JPY"},
    ("subscriptions", "plan"): {
        "Free", "Starter", "Team", "Business", "Enterprise", "Insights",
    },
    ("reach", "kind"): {"visits", "social_engagements", "mentions"},
    ("spend", "purpose"): {"acquisition", "retention", "delivery"},
    ("answers", "kind"): {"nps", "csat", "ces", "open", "profile"},
}  # fmt: skip


@pytest.mark.parametrize("table", COLUMNS)
def test_columns_are_those_of_the_conformed_table(table: str, company: tuple[Path, Truth]) -> None:
    file = pq.read_schema(company[0] / f"{table}.parquet")
    assert file.names == COLUMNS[table].split()
    for field in file:
        if field.name.endswith("_at"):
            assert str(field.type) == "timestamp[us, tz=UTC]"
        if field.name in ("amount", "unit_amount", "discount_amount", "refunded_amount"):
            assert str(field.type) == "decimal128(18, 6)"


@pytest.mark.parametrize("table", KEYS)
def test_keys_are_unique(table: str, ask: Ask) -> None:
    assert (
        ask(f"select {KEYS[table]} from {table} group by {KEYS[table]} having count(*) > 1") == []
    )


@pytest.mark.parametrize("table", REQUIRED)
def test_required_columns_are_filled(table: str, ask: Ask) -> None:
    empty = " or ".join(f"{c} is null" for c in REQUIRED[table].split())
    assert ask(f"select count(*) from {table} where {empty}") == [(0,)]


@pytest.mark.parametrize(("table", "column"), WORDS)
def test_words_are_the_known_ones_and_all_occur(table: str, column: str, ask: Ask) -> None:
    assert {w for (w,) in ask(f"select distinct {column} from {table}")} == WORDS[table, column]


def test_spans_of_one_item_do_not_overlap(ask: Ask) -> None:
    assert (
        ask("""
        select * from (
            select ends_at, lead(starts_at) over (
                partition by subscription_id, item_id order by starts_at) as next_starts_at
            from subscriptions)
        where next_starts_at is not null and (ends_at is null or next_starts_at < ends_at)
    """)
        == []
    )


def test_spans_end_after_they_start(ask: Ask) -> None:
    assert ask("select count(*) from subscriptions where ends_at <= starts_at") == [(0,)]
    assert ask("""
        select count(*) from subscriptions
        where cancel_requested_at < starts_at or cancel_requested_at > ends_at
           or renews_at < starts_at
    """) == [(0,)]


def test_item_id_is_empty_only_where_a_subscription_has_one_item(ask: Ask) -> None:
    assert (
        ask("""
        select subscription_id from subscriptions group by 1
        having count(*) <> count(item_id) and count(item_id) > 0
    """)
        == []
    )
    assert ask("select count(*) > 0 from subscriptions where item_id = 'priority-support'") == [
        (True,)
    ]


def test_a_subscription_belongs_to_one_account_in_its_currency(ask: Ask) -> None:
    assert (
        ask("""
        select subscription_id from subscriptions group by 1
        having count(distinct account_id) > 1 or count(distinct currency) > 1
    """)
        == []
    )


def test_numbers_are_not_negative(ask: Ask) -> None:
    assert ask("""
        select count(*) from subscriptions where quantity < 1 or unit_amount < 0 or amount < 0
            or discount_percent not between 0 and 100 or discount_amount < 0
    """) == [(0,)]
    assert ask("select count(*) from payments where amount <= 0 or refunded_amount > amount") == [
        (0,)
    ]
    assert ask("select min(amount) >= 0 from spend") == [(True,)]
    assert ask("select min(count) >= 0 from reach") == [(True,)]


@pytest.mark.parametrize(
    "table", ["users", "subscriptions", "payments", "events", "tickets", "answers", "invitations"]
)
def test_accounts_exist(table: str, ask: Ask) -> None:
    assert ask(
        f"select count(*) from {table} t anti join accounts a on t.account_id = a.account_id"
    ) == [(0,)]


@pytest.mark.parametrize(
    ("table", "at"), [("events", "occurred_at"), ("tickets", "opened_at"), ("answers", "asked_at")]
)
def test_users_act_for_their_own_account_while_they_are_there(
    table: str, at: str, ask: Ask
) -> None:
    assert ask(f"""
        select count(*) from {table} t left join users u on t.user_id = u.user_id
        where t.user_id is not null and (u.user_id is null or u.account_id <> t.account_id
            or u.created_at > t.{at} or u.left_at <= t.{at})
    """) == [(0,)]


def test_parents_and_referrals_point_at_earlier_accounts(ask: Ask) -> None:
    for column in ("parent_id", "referred_by"):
        found = ask(f"""
            select count(*), count(*) filter (where p.created_at <= a.created_at
                and p.account_id <> a.account_id)
            from accounts a left join accounts p on p.account_id = a.{column}
            where a.{column} is not null
        """)[0]
        assert found[0] == found[1] > 0
    assert ask("""
        select count(*) from accounts a join accounts p on a.parent_id = p.account_id
        where p.parent_id is not null
    """) == [(0,)]


def test_nothing_is_observed_outside_the_four_years(company: tuple[Path, Truth], ask: Ask) -> None:
    for table, columns in COLUMNS.items():
        for column in columns.split():
            if not column.endswith("_at") or column == "renews_at":
                continue
            early, late = ask(f"""
                select coalesce(min({column}) < timestamptz '2022-01-01 05:00:00+00', false),
                       coalesce(max({column}) >= timestamptz '2026-01-01 05:00:00+00', false)
                from {table}
            """)[0]
            assert (early, late) == (False, False), f"{table}.{column}"
    assert ask("select max(day)::varchar, min(day)::varchar from reach") == [
        ("2025-12-31", "2022-01-01")
    ]
    assert ask("select count(distinct month) from spend") == [(48,)]


def test_order_of_instants(ask: Ask) -> None:
    for table, earlier, later in [
        ("tickets", "opened_at", "first_response_at"),
        ("tickets", "first_response_at", "solved_at"),
        ("tickets", "solved_at", "reopened_at"),
        ("answers", "asked_at", "answered_at"),
        ("events", "occurred_at", "received_at"),
        ("leads", "created_at", "qualified_at"),
        ("leads", "created_at", "trial_at"),
        ("leads", "qualified_at", "demo_at"),
        ("leads", "trial_at", "won_at"),
        ("leads", "created_at", "lost_at"),
        ("users", "created_at", "left_at"),
    ]:
        assert ask(f"select count(*) from {table} where {later} < {earlier}") == [(0,)], later


def test_every_answer_was_invited(ask: Ask) -> None:
    assert ask("""
        select count(*) from answers a anti join invitations i on a.survey = i.survey
            and a.account_id = i.account_id and a.asked_at = i.asked_at
    """) == [(0,)]


def test_scores_stay_on_their_scale(ask: Ask) -> None:
    rows = ask("""
        select kind, min(score), max(score), max(scale_max) from answers group by kind order by kind
    """)
    lowest = {"nps": 0, "csat": 1, "ces": 1}
    assert {*lowest} <= {row[0] for row in rows}
    for kind, low, high, scale_max in rows:
        if kind in lowest:
            assert lowest[kind] <= low <= high <= scale_max
        else:
            assert (low, high, scale_max) == (None, None, None)


def test_every_currency_has_a_rate_from_the_first_day_on(ask: Ask) -> None:
    assert ask("""
        select currency, min(day)::varchar, count(*) >= 48 from fx_rates group by 1 order by 1
    """) == [("EUR", "2022-01-01", True), ("GBP", "2022-01-01", True), ("JPY", "2022-01-01", True)]


def test_metered_items_have_one_amount_a_month(ask: Ask) -> None:
    longest, equal = ask("""
        select max(date_diff('day', starts_at, coalesce(ends_at, starts_at))),
               bool_and(quantity * unit_amount > 0)
        from subscriptions where kind = 'metered' and status = 'active'
    """)[0]
    # A pause or a late payment may keep the last amount standing for a while.
    assert longest <= 75
    assert equal


def test_every_kind_of_story_is_told(ask: Ask) -> None:
    for story in (
        "select count(*) from subscriptions where status = 'trialing' and card_on_file",
        "select count(*) from subscriptions where status = 'trialing' and not card_on_file",
        "select count(*) from subscriptions where discount_percent = 100",
        "select count(*) from subscriptions where discount_recurring = false",
        "select count(*) from subscriptions where discount_percent > 0"
        " and discount_recurring is null",
        "select count(*) from subscriptions where discount_amount > 0",
        "select count(*) from subscriptions where cancel_requested_at is not null"
        " and ends_at is null",
        "select count(*) from subscriptions s join subscriptions t on t.starts_at = s.ends_at"
        " and t.subscription_id = s.subscription_id where s.cancel_requested_at is not null",
        "select count(*) from subscriptions where amount is not null and unit_amount is null",
        "select count(*) from subscriptions where product = 'Insights'",
        "select count(*) from payments where refunded_amount > 0",
        "select count(*) from payments where failed_at is not null",
        "select count(*) from users where is_champion and left_at is not null",
        "select count(*) from accounts where contains(name, 'test ')",
        "select count(*) from answers where kind = 'open' and comment is not null",
        "select count(*) from subscriptions where end_reason = 'company closed'",
        "select count(*) from (select account_id from paying group by 1"
        " having count(distinct subscription_id) > 1)",
    ):
        assert ask(story)[0][0] > 0, story
