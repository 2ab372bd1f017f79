"""Mapping files: their columns and values become ours, and every slip is named."""

import re
from pathlib import Path

import pytest

from staycurve.errors import LoadError
from staycurve.sources.mapping import parse_mapping
from staycurve.sources.options import ReadOptions
from tests.sources.company import Company, counts, utc

BILLING = """
    ID,Customer,From,To,Price,State,Cycle,Internal
    s1,acme,2024-01-01,NULL,10,live,M,x
    s2,bolt,2024-02-01,2024-03-01,120,TEST,Y,y
    s3,core,2024-02-01,NULL,5,,M,z
    """
MAP = """
    table = "subscriptions"
    [columns]
    ID = "subscription_id"
    Customer = "account_id"
    From = "starts_at"
    To = "ends_at"
    Price = "amount"
    State = "status"
    Cycle = "interval"
    Internal = ""
    [values.status]
    live = "active"
    test = "trialing"
    [values.interval]
    M = "month"
    Y = "year"
    [values.ends_at]
    NULL = ""
    [defaults]
    currency = "EUR"
    status = "paused"
    """


def test_columns_values_and_defaults(company: Company) -> None:
    report = company.load("billing.csv", BILLING, mapping=MAP)
    assert counts(report) == (3, 0, 0)
    assert report.notes == ()
    assert company.rows(
        "subscriptions", "subscription_id, account_id, ends_at, interval, status, currency"
    ) == [
        ("s1", "acme", None, "month", "active", "EUR"),
        ("s2", "bolt", utc("2024-03-01"), "year", "trialing", "EUR"),
        ("s3", "core", None, "month", "paused", "EUR"),
    ]


def test_a_complaint_shows_the_value_as_the_file_has_it(company: Company) -> None:
    text = BILLING.replace("10,live", "10,Kaputt")
    company.load("billing.csv", text, mapping=MAP)
    assert company.complaints() == [
        "billing.csv:2 status Kaputt is not one of trialing, active, past_due, unpaid, paused, "
        "canceled, incomplete, incomplete_expired"
    ]


def test_one_column_may_feed_two_and_two_may_feed_one(company: Company) -> None:
    company.load(
        "accounts.csv",
        "id,company,trade name\na1,Acme Inc,\na2,Bolt Inc,Bolt\n",
        mapping="""
        [columns]
        id = ["account_id", "parent_id"]
        "trade name" = "name"
        company = "name"
        """,
    )
    assert company.rows("accounts", "account_id, parent_id, name, attributes") == [
        ("a1", "a1", "Acme Inc", None), ("a2", "a2", "Bolt", None),
    ]


USAGE = """
    subscription_id,feature,day,times
    s1,export,2024-01-01,3
    s1,export,2024-01-01,3
    s2,export,2024-01-01,3
    s9,export,2024-01-01,1
    ,export,2024-01-01,1
    """
USAGE_MAP = """
    table = "events"
    [columns]
    feature = "event"
    day = "occurred_at"
    [lookup.account_id]
    from = "subscriptions"
    by = "subscription_id"
    """


def test_an_account_is_found_through_another_table(company: Company) -> None:
    company.load("billing.csv", BILLING, mapping=MAP)
    report = company.load("usage.csv", USAGE, mapping=USAGE_MAP)
    assert counts(report) == (4, 0, 1)
    assert company.rows("events", "account_id, event, properties") == [
        ("acme", "export", '{"subscription_id":"s1","times":"3"}'),
        ("acme", "export", '{"subscription_id":"s1","times":"3"}'),
        ("bolt", "export", '{"subscription_id":"s2","times":"3"}'),
        (None, "export", '{"times":"1"}'),
    ]
    assert company.complaints() == [
        "usage.csv:5 account_id s9 is not the subscription_id of any row of subscriptions that "
        "was loaded"
    ]


def test_a_key_of_named_columns_has_no_occurrence_number(company: Company) -> None:
    company.load("billing.csv", BILLING, mapping=MAP)
    mapping = USAGE_MAP + '\n[key]\nfrom = ["subscription_id", "feature", "day"]\n'
    report = company.load("usage.csv", USAGE.replace("s9", "s3"), mapping=mapping)
    assert counts(report) == (4, 1, 0)


TICKETS = """
    ticket_id,account_id,opened_at,solved_at,stars,remark
    t1,acme,2024-01-01,2024-01-02,5,fine
    t2,acme,2024-01-01,2024-01-03,,
    t3,acme,2024-01-01,2024-01-03,9,
    """
ALSO = """
    [[also]]
    table = "answers"
    only_if = "stars"
    [also.columns]
    ticket_id = "answer_id"
    solved_at = "answered_at"
    stars = "score"
    [also.defaults]
    survey = "support"
    kind = "csat"
    """


def test_the_same_rows_may_feed_a_second_table(company: Company) -> None:
    company.load("accounts.csv", "account_id\nacme\n")
    reports = company.load_all([company.write("tickets.csv", TICKETS)], mapping=ALSO)
    assert [(r.table, *counts(r)) for r in reports] == [("tickets", 3, 0, 0), ("answers", 1, 0, 1)]
    assert reports[0].notes == ("columns not used: remark",)
    assert company.rows("answers", "answer_id, account_id, score, answered_at") == [
        ("t1", "acme", 5, utc("2024-01-02"))
    ]
    assert company.complaints() == ["tickets.csv:4 score 9 is not on the scale of csat"]


def test_options_of_the_mapping_give_way_to_stated_ones(company: Company) -> None:
    mapping = '[options]\ndelimiter = ";"\ndecimal = ","\ndates = "dmy"\n'
    text = "subscription_id;account_id;starts_at;amount\ns;a;1/2/2024;1,5\n"
    company.load("subscriptions.csv", text, mapping=mapping, options=ReadOptions(dates="mdy"))
    assert company.rows("subscriptions", "starts_at, amount") == [(utc("2024-01-02"), 1_500_000)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[colums]\n", "map.toml: Unknown key 'colums'. Did you mean 'columns'?"),
        ("columns = 3\n", "columns is a table of keys"),
        ("[columns\n", "is not valid TOML"),
        ('table = "subscription"\n', "Unknown table 'subscription'. Did you mean 'subscriptions'?"),
        ("[options]\nencodin = 'x'\n", "[options] Unknown key 'encodin'. Did you mean 'encoding'?"),
        ("[also]\n", "[also] is a list"),
        ("[[also]]\n", "[[also]] does not say which table"),
        ("[[also]]\ntable='answers'\noptions={}\n", "[[also]] Unknown key 'options'"),
        ("[lookup.account_id]\nfrom='subscriptions'\n", "[lookup.account_id] lacks 'by'"),
        ("[lookup.account_id]\nfrom='subs'\nby='x'\n", "Unknown table 'subs'"),
        ("[lookup.account_id]\nfrom='users'\nby='user'\n",
         "Unknown column of users 'user'. Did you mean 'user_id'?"),
        ("[key]\nfrom='id'\n", "[key] from is a list of texts"),
        ("[columns]\nID='subscripton_id'\n",
         "map.toml names the column 'subscripton_id', which subscriptions does not have. "
         "Did you mean 'subscription_id'?"),
        ("[columns]\nCostumer='account_id'\n",
         "map.toml names the column 'Costumer', which subscriptions.csv does not have. "
         "Did you mean 'Customer'?"),
        ("[defaults]\ncurency='EUR'\n", "which subscriptions does not have"),
        ("[values.plan]\na='b'\n", "[values.plan] has nothing to translate"),
        ("[key]\nfrom=['uid']\n", "names the column 'uid', which subscriptions.csv does not have"),
        ("only_if='uid'\n", "names the column 'uid'"),
    ],
)
def test_every_slip_is_named(company: Company, text: str, words: str) -> None:
    with pytest.raises(LoadError) as caught:
        company.load("subscriptions.csv", BILLING, mapping=text)
    assert words in caught.value.message
    assert caught.value.hint


def test_a_mapping_reads_dates_and_numbers_as_text() -> None:
    mapping = parse_mapping("[defaults]\nday = 2024-01-01\nrate = 1.5\nis_champion = true\n")
    assert dict(mapping.main.defaults) == {
        "day": "2024-01-01", "rate": "1.5", "is_champion": "true",
    }


def test_every_mapping_of_the_how_to_page_is_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "load-your-files.md"
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 8
    for block in blocks:
        assert parse_mapping(block).name == "the mapping"
