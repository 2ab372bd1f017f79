"""Every conformed table: its shape, and what its checks let through."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from staycurve.tables.base import STORED
from staycurve.tables.conformed import CONFORMED
from tests.sources.company import Company, counts, utc


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture
def in_new_york(tmp_path: Path) -> Company:
    return Company(tmp_path, '[company]\ntimezone = "America/New_York"')


def test_the_tables_are_those_that_are_promised() -> None:
    assert sorted(CONFORMED) == [
        "accounts", "answers", "events", "fx_rates", "identities", "invitations",
        "invoice_lines", "leads", "payments", "plans", "reach", "spend", "subscriptions",
        "tickets", "traits", "users",
    ]


@pytest.mark.parametrize("table", CONFORMED.values(), ids=lambda table: table.name)
def test_every_table_is_whole(table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert all(column.kind in STORED and column.about for column in table.columns)
    assert {check.column for check in table.checks} <= set(names)
    for column in table.columns:
        assert {ours for _, ours in column.spellings} <= set(column.choices)
        if column.name.endswith("_at"):
            assert column.kind == "instant"


SPAN = {"subscription_id": "s", "account_id": "a", "starts_at": "2024-01-01", "amount": "10"}
RATE = {"day": "2024-01-01", "currency": "EUR", "rate": "1.1"}
REACH = {"day": "2024-01-01", "channel": "web", "kind": "visits", "count": "3"}
SPEND = {"month": "2024-01", "purpose": "acquisition", "kind": "ads", "amount": "5"}
ANSWER = {"survey": "q1", "kind": "nps", "answered_at": "2024-01-01", "score": "9"}
LEAD = {"lead_id": "l", "created_at": "2024-01-01"}
PAYMENT = {"payment_id": "p", "account_id": "a", "amount": "10"}
ACCOUNT = {"account_id": "a"}
EVENT = {"event": "login", "occurred_at": "2024-01-01"}


BROKEN: list[tuple[str, dict[str, str], str]] = [
    ("subscriptions", SPAN | {"ends_at": "2023-12-31"},
     "ends_at 2023-12-31 is before starts_at 2024-01-01"),
    ("subscriptions", SPAN | {"amount": "-1"}, "amount -1 is negative"),
    ("subscriptions", SPAN | {"amount": ""},
     "amount is missing, and so is quantity × unit_amount"),
    ("subscriptions", SPAN | {"amount": "1,000"}, "amount 1,000 is not an amount of money"),
    ("subscriptions", SPAN | {"amount": "10 USD"}, "amount 10 USD is not an amount of money"),
    ("subscriptions", SPAN | {"amount": "NaN"}, "amount NaN is not an amount of money"),
    ("subscriptions", SPAN | {"amount": "inf"}, "amount inf is not an amount of money"),
    ("subscriptions", SPAN | {"amount": "1_000"}, "amount 1_000 is not an amount of money"),
    ("subscriptions", SPAN | {"amount": "1e12"},
     "amount 1e12 is beyond 100,000,000,000, the most that is taken"),
    ("subscriptions", SPAN | {"quantity": "-2"}, "quantity -2 is negative"),
    ("subscriptions", SPAN | {"quantity": "two"}, "quantity two is not a number"),
    ("subscriptions", SPAN | {"unit_amount": "-2"}, "unit_amount -2 is negative"),
    ("subscriptions", SPAN | {"interval": "fortnight"},
     "interval fortnight is not one of month, year, week, day, quarter"),
    ("subscriptions", SPAN | {"interval_count": "0"}, "interval_count 0 is below 1"),
    ("subscriptions", SPAN | {"interval_count": "1.5"},
     "interval_count 1.5 is not a whole number"),
    ("subscriptions", SPAN | {"status": "gone"},
     "status gone is not one of trialing, active, past_due, unpaid, paused, "
     "canceled, incomplete, incomplete_expired"),
    ("subscriptions", SPAN | {"status": "Cancelled"},
     "ends_at is missing: nobody knows when this canceled span ended"),
    ("subscriptions", SPAN | {"kind": "gift"}, "kind gift is not one of base, addon, metered"),
    ("subscriptions", SPAN | {"currency": "USX"},
     "currency USX is not an ISO 4217 currency code"),
    ("subscriptions", SPAN | {"discount_percent": "101"},
     "discount_percent 101 is not between 0 and 100"),
    ("subscriptions", SPAN | {"discount_amount": "-0.01"}, "discount_amount -0.01 is negative"),
    ("subscriptions", SPAN | {"discount_recurring": "maybe"},
     "discount_recurring maybe is neither true nor false"),
    ("subscriptions", SPAN | {"term_months": "-1"}, "term_months -1 is negative"),
    ("subscriptions", SPAN | {"account_id": " "}, "account_id is missing"),
    *(
        ("subscriptions", SPAN | {"starts_at": bad},
         f"starts_at {bad} is not an instant; write ISO 8601, such as 2024-03-01 or "
         "2024-03-01T12:00:00Z")
        for bad in ("2024-02-30", "infinity", "epoch", "01/02/2024", "2024",
                    "2024-01-01T25:00", "2024-01-01 10:00 PST", "2024-01-01T00:00:00+99:00")
    ),
    *(
        ("subscriptions", SPAN | {"starts_at": far},
         f"starts_at {far} lies outside the years 1900 to 2199")
        for far in ("0024-01-01", "2999-01-01", "9999-12-31")
    ),
    ("accounts", ACCOUNT | {"employees": "-5"}, "employees -5 is negative"),
    ("accounts", ACCOUNT | {"currency": "dollars"},
     "currency dollars is not an ISO 4217 currency code"),
    ("payments", PAYMENT | {"amount": "-10"}, "amount -10 is negative"),
    ("payments", PAYMENT | {"refunded_amount": "10.01"},
     "refunded_amount 10.01 is more than amount 10"),
    ("events", EVENT | {"properties": "[1]"}, "properties [1] is not a JSON object"),
    ("events", EVENT | {"properties": "{"}, "properties { is not a JSON object"),
    ("events", EVENT | {"event": ""}, "event is missing"),
    ("leads", LEAD | {"won_at": "soon"},
     "won_at soon is not an instant; write ISO 8601, such as 2024-03-01 or "
     "2024-03-01T12:00:00Z"),
    ("reach", REACH | {"kind": "likes"},
     "kind likes is not one of visits, social_engagements, mentions"),
    ("reach", REACH | {"count": ""}, "count is missing"),
    ("reach", REACH | {"count": "-1"}, "count -1 is negative"),
    ("reach", REACH | {"day": "January"}, "day January is not a day; write it as 2024-03-01"),
    ("spend", SPEND | {"month": "2024-13"}, "month 2024-13 is not a month; write it as 2024-03"),
    ("spend", SPEND | {"purpose": "fun"},
     "purpose fun is not one of acquisition, retention, delivery"),
    ("spend", SPEND | {"amount": ""}, "amount is missing"),
    ("spend", SPEND | {"amount": "-5"}, "amount -5 is negative"),
    ("answers", ANSWER | {"score": "11"}, "score 11 is not on the scale of nps"),
    ("answers", ANSWER | {"score": "-1"}, "score -1 is not on the scale of nps"),
    ("answers", ANSWER | {"score": "8.5"}, "score 8.5 is not a whole number"),
    ("answers", ANSWER | {"score": ""}, "score is missing: nps is a score"),
    ("answers", ANSWER | {"scale_max": "5"}, "scale_max 5 is not 10: nps is asked 0 to 10"),
    ("answers", ANSWER | {"kind": "csat", "score": "0"}, "score 0 is not on the scale of csat"),
    ("answers", ANSWER | {"kind": "csat", "score": "6"}, "score 6 is not on the scale of csat"),
    ("answers", ANSWER | {"kind": "stars"},
     "kind stars is not one of nps, csat, ces, open, profile"),
    ("answers", ANSWER | {"asked_at": "2024-01-02"},
     "answered_at 2024-01-01 is before asked_at 2024-01-02"),
    ("invitations", {"survey": "q1", "asked_at": ""}, "asked_at is missing"),
    ("fx_rates", RATE | {"rate": "0"}, "rate 0 is not above 0"),
    ("fx_rates", RATE | {"rate": ""}, "rate is missing"),
    ("fx_rates", RATE | {"currency": "EURO"}, "currency EURO is not an ISO 4217 currency code"),
]
GOOD = {
    "subscriptions": SPAN, "accounts": ACCOUNT, "payments": PAYMENT, "events": EVENT,
    "leads": LEAD, "reach": REACH, "spend": SPEND, "answers": ANSWER, "fx_rates": RATE,
    "invitations": {"survey": "q1", "asked_at": "2024-01-01"},
}


@pytest.mark.parametrize("table", GOOD)
def test_rows_that_break_a_rule_are_set_aside_with_its_words(company: Company, table: str) -> None:
    broken = [(row, words) for of, row, words in BROKEN if of == table]
    lines = [json.dumps(row) for row in (GOOD[table], *(row for row, _ in broken))]
    report = company.load(f"{table}.ndjson", "\n".join(lines))
    assert counts(report) == (1, 0, len(broken))
    assert company.complaints() == [
        f"{table}.ndjson:{line} {words}" for line, (_, words) in enumerate(broken, 2)
    ]


@pytest.mark.parametrize(
    ("table", "head", "row", "complaint"),
    [
        ("users", "user_id,account_id,created_at,left_at", "u2,a,2024-02-01,2024-01-01",
         "left_at 2024-01-01 is before created_at 2024-02-01"),
        ("users", "user_id,account_id,is_champion,left_at", "u2,a,2,",
         "is_champion 2 is neither true nor false"),
        ("tickets", "ticket_id,account_id,opened_at,solved_at", "t2,a,2024-02-01,2024-01-01",
         "solved_at 2024-01-01 is before opened_at 2024-02-01"),
        ("tickets", "ticket_id,account_id,opened_at,agent_contacts", "t2,a,2024-02-01,-1",
         "agent_contacts -1 is negative"),
        ("tickets", "ticket_id,account_id,opened_at,first_response_at",
         "t2,a,2024-02-01,2024-01-31",
         "first_response_at 2024-01-31 is before opened_at 2024-02-01"),
        ("tickets", "ticket_id,account_id,opened_at,reopened_at", "t2,a,2024-02-01,2024-01-31",
         "reopened_at 2024-01-31 is before opened_at 2024-02-01"),
    ],
)
def test_people_and_tickets_are_checked_too(
    company: Company, table: str, head: str, row: str, complaint: str
) -> None:
    company.load("accounts.csv", "account_id\na\n")
    good = "x1,a,2024-01-01," if table == "tickets" else "x1,a,,"
    assert counts(company.load(f"{table}.csv", f"{head}\n{good}\n{row}\n")) == (1, 0, 1)
    assert company.complaints() == [f"{table}.csv:3 {complaint}"]


def test_amounts_are_exact_to_the_micro_unit_half_to_even(company: Company) -> None:
    company.load("subscriptions.csv", """
        subscription_id,account_id,starts_at,amount,quantity,unit_amount,status
        a,x,2024-01-01,0.1,,,
        b,x,2024-01-01,0.0000005,,,
        c,x,2024-01-01,0.0000015,,,
        d,x,2024-01-01,0.0000025,,,
        e,x,2024-01-01,0.00000250000001,,,
        f,x,2024-01-01,9999999999.999999,,,
        g,x,2024-01-01,,3,0.333333,
        h,x,2024-01-01,,2.5,0.000001,
        i,x,2024-01-01,,1.5,0.000001,
        j,x,2024-01-01,,,7,
        k,x,2024-01-01,,4,,trial
        l,x,2024-01-01,5,4,9,
        m,x,2024-01-01,0.30000000000000004,,,
        """)
    assert company.rows("subscriptions", "subscription_id, amount") == [
        ("a", 100_000),
        ("b", 0),  # halves go to the even neighbour
        ("c", 2),
        ("d", 2),
        ("e", 3),
        ("f", 9_999_999_999_999_999),
        ("g", 999_999),
        ("h", 2),
        ("i", 2),
        ("j", 7_000_000),
        ("k", 0),
        ("l", 5_000_000),
        ("m", 300_000),
    ]


def test_instants_are_utc_with_the_companys_day_beside_them(in_new_york: Company) -> None:
    in_new_york.load("accounts.csv", """
        account_id,created_at
        a,2024-01-01
        b,2024-07-01
        c,2024-01-01T03:00:00Z
        d,2024-01-01 3:00
        e,2024-01-01T00:00:00.123456+05:30
        f,2024-01-01T00:00:00+0530
        g,2024-1-5
        h,2024-01-01T10:00Z
        i,2024-01-01 10:00:00 +0000
        j,2024-01-01 10:00:00 UTC
        """)
    assert in_new_york.rows("accounts", "account_id, created_at, created_on") == [
        ("a", utc("2024-01-01T05:00:00"), date(2024, 1, 1)),
        ("b", utc("2024-07-01T04:00:00"), date(2024, 7, 1)),
        ("c", utc("2024-01-01T03:00:00"), date(2023, 12, 31)),
        ("d", utc("2024-01-01T08:00:00"), date(2024, 1, 1)),
        ("e", utc("2023-12-31T18:30:00.123456"), date(2023, 12, 31)),
        ("f", utc("2023-12-31T18:30:00"), date(2023, 12, 31)),
        ("g", utc("2024-01-05T05:00:00"), date(2024, 1, 5)),
        ("h", utc("2024-01-01T10:00:00"), date(2024, 1, 1)),
        ("i", utc("2024-01-01T10:00:00"), date(2024, 1, 1)),
        ("j", utc("2024-01-01T10:00:00"), date(2024, 1, 1)),
    ]


def test_months_and_days_are_local(in_new_york: Company) -> None:
    in_new_york.load("spend.csv", """
        month,purpose,kind,amount
        2024-02,acquisition,ads,1
        2024-03-17,Retention,staff,2
        """)
    in_new_york.load("fx_rates.csv", "day,currency,rate\n2024-01-01T03:00:00Z,eur,1.000000000001\n")
    assert in_new_york.rows("spend", "month, purpose, channel, amount, currency") == [
        (date(2024, 2, 1), "acquisition", None, 1_000_000, "USD"),
        (date(2024, 3, 1), "retention", None, 2_000_000, "USD"),
    ]
    assert in_new_york.rows("fx_rates", "day, currency, rate") == [
        (date(2023, 12, 31), "EUR", 1_000_000_000_001)
    ]


def test_defaults_and_spellings(company: Company) -> None:
    company.load("subscriptions.csv", """
        subscription_id,account_id,starts_at,ends_at,amount,interval,status,kind,currency
        a,x,2024-01-01,,1,,,,
        b,x,2024-01-01,2024-02-01,1,Annually,CANCELLED,add-on,eur
        c,x,2024-01-01,9999-12-31,1,quarterly,Past Due,Metered,
        """)
    assert company.rows(
        "subscriptions",
        "subscription_id, interval, interval_count, quantity, status, kind, currency, "
        "discount_recurring, ends_at",
    ) == [
        ("a", "month", 1, Decimal(1), "active", "base", "USD", True, None),
        ("b", "year", 1, Decimal(1), "canceled", "addon", "EUR", True, utc("2024-02-01")),
        ("c", "quarter", 1, Decimal(1), "past_due", "metered", "USD", True, None),
    ]


def test_scales_have_defaults_and_open_answers_need_no_score(company: Company) -> None:
    company.load("answers.csv", """
        answer_id,survey,kind,answered_at,score,scale_max,comment
        a,q,NPS,2024-01-01,0,,
        b,q,csat,2024-01-01,5,,
        c,q,csat,2024-01-01,10,10,
        d,q,ces,2024-01-01,7,,
        e,q,open,2024-01-01,,,Good
        """)
    assert company.rows("answers", "answer_id, score, scale_max") == [
        ("a", 0, 10), ("b", 5, 5), ("c", 10, 10), ("d", 7, 7), ("e", None, None),
    ]


def test_other_columns_are_kept_where_one_can_segment_by_them(company: Company) -> None:
    company.load("accounts.csv", 'account_id,Tier,"it\'s ""odd"""\na,gold,1\nb,,\n')
    company.load("events.csv", """
        event,occurred_at,properties,seats
        login,2024-01-01,"{""a"": 1}",3
        logout,2024-01-01,,
        """)
    report = company.load("payments.csv", "payment_id,account_id,amount,memo\np,a,1,x\n")
    assert company.rows("accounts", "account_id, attributes") == [
        ("a", '{"Tier":"gold","it\'s \\"odd\\"":"1"}'), ("b", None),
    ]
    assert company.rows("events", "event, properties") == [
        ("login", '{"a":1,"seats":"3"}'), ("logout", None),
    ]
    assert report.notes == ("columns not used: memo",)
