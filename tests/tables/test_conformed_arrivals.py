"""Rows on their way into the lake: keys, waiting, overlaps, and what a refresh has to look at."""

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from staycurve.money import MICRO
from tests.sources.company import Company, counts, utc


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


SPANS = """
    subscription_id,item_id,account_id,starts_at,ends_at,amount,currency
    s1,,a1,2024-01-01,2024-02-01,10,
    s1,,a1,2024-02-01,,20,
    s1,seats,a1,2024-01-01,,5,
    s2,,a2,2024-01-01,2023-01-01,1,
    s3,,a3,2024-01-01,,1,KWD
    """


def test_the_same_file_twice_changes_nothing(company: Company) -> None:
    seen = "subscription_id, item_id, account_id, starts_at, ends_at, amount, _line"
    first = company.load("subscriptions.csv", SPANS)
    held, aside = company.rows("subscriptions", seen), company.rejects()
    assert counts(first) == (3, 0, 2)
    assert counts(company.load("subscriptions.csv")) == (0, 3, 2)
    assert company.rows("subscriptions", seen) == held
    assert company.rejects() == aside


def test_a_copy_of_a_file_adds_no_rejects(company: Company) -> None:
    company.load("one/subscriptions.csv", SPANS)
    company.load("two/subscriptions.csv", SPANS)
    assert len(company.rejects()) == 2


def test_two_files_of_one_name_keep_their_rejects_apart(company: Company) -> None:
    company.load("jan/users.csv", "user_id,account_id\n,a1\nu1,a1\n")
    company.load("feb/users.csv", "user_id,account_id\n,a2\nu2,a1\n")
    aside = company.rejects("state, account_id")
    assert aside.count(("set aside", "a1")) == 1
    assert aside.count(("set aside", "a2")) == 1


def test_a_mended_row_takes_its_complaint_away(company: Company) -> None:
    company.load("subscriptions.csv", SPANS)
    company.load("fixed_subscriptions.csv", """
        subscription_id,account_id,starts_at,ends_at,amount
        s2,a2,2024-01-01,2025-01-01,1
        """)
    assert [row[0] for row in company.rejects("state")] == ["waiting"]


def test_the_last_line_of_a_key_wins_and_the_earlier_ones_count_as_replaced(
    company: Company,
) -> None:
    report = company.load("accounts.csv", "account_id,name\na,One\nb,Two\na,Three\na,Four\n")
    assert counts(report) == (2, 2, 0)
    assert report.notes == ("rows replaced by a later line with the same key: 2",)
    assert company.rows("accounts", "account_id, name, _line") == [
        ("a", "Four", 5), ("b", "Two", 3),
    ]


def test_a_newer_row_replaces_the_older_one_whole(company: Company) -> None:
    company.load("accounts.csv", "account_id,name,country\na,One,US\n")
    assert counts(company.load("accounts.csv", "account_id,name\na,Two\n")) == (0, 1, 0)
    assert company.rows("accounts", "account_id, name, country, _load") == [("a", "Two", None, 2)]


def test_an_empty_item_is_a_key_of_its_own(company: Company) -> None:
    company.load("subscriptions.csv", SPANS)
    seen = "item_id, starts_at, amount"
    assert company.rows("subscriptions", seen, "subscription_id = 's1'") == [
        ("seats", utc("2024-01-01"), 5_000_000),
        (None, utc("2024-01-01"), 10_000_000),
        (None, utc("2024-02-01"), 20_000_000),
    ]


def test_rows_without_ids_get_derived_ones_and_none_is_lost(company: Company) -> None:
    events = """
        account_id,event,occurred_at
        ,login,2024-01-01
        ,login,2024-01-01
        ,login,2024-01-02
        """
    assert counts(company.load("events.csv", events)) == (3, 0, 0)
    assert counts(company.load("other-events.csv", events)) == (0, 3, 0)
    # The same rows with their columns in another order are the same rows.
    again = "event,occurred_at,account_id\nlogin,2024-01-01,\n"
    assert counts(company.load("events.csv", again)) == (0, 1, 0)
    assert len({row[0] for row in company.rows("events", "event_id")}) == 3


def test_a_subscription_or_payment_of_an_unknown_account_makes_a_bare_one(company: Company) -> None:
    company.load("accounts.csv", "account_id,name\na1,Acme\n")
    company.load("subscriptions.csv", SPANS)
    company.load("payments.csv", "payment_id,account_id,amount\np,a9,1\n")
    assert company.rows("accounts", "account_id, name, created_at, attributes, _line") == [
        ("a1", "Acme", None, None, 2), ("a3", None, None, None, None),
        ("a9", None, None, None, None),
    ]
    # The first row of a bare account is new, not a replacement.
    report = company.load("accounts.csv", "account_id,name\na1,Acme\na3,Core\n")
    assert counts(report) == (1, 1, 0)


def test_rows_of_an_unknown_account_wait_and_join_by_themselves(company: Company) -> None:
    company.load("users.csv", "user_id,account_id,name\nu1,a1,Ann\nu2,a2,Bob\n")
    company.load("events.csv", """
        event_id,account_id,user_id,event,occurred_at,properties
        e1,a1,nobody,login,2024-01-01T10:00:00.5Z,"{""x"": ""ü""}"
        e2,,u1,login,2024-01-01,
        """)
    assert company.rows("users") == []
    assert [row[0] for row in company.rows("events", "event_id")] == ["e2"]
    assert company.rejects('"table", value, rule, state, account_id') == [
        ("events", "a1", "waits: there is no such account yet", "waiting", "a1"),
        ("users", "a1", "waits: there is no such account yet", "waiting", "a1"),
        ("users", "a2", "waits: there is no such account yet", "waiting", "a2"),
    ]
    # The bare account of a payment is enough.
    report = company.load("payments.csv", "payment_id,account_id,amount\np,a1,1\n")
    assert report.notes == (
        "rows of users that waited and joined now: 1",
        "rows of events that waited and joined now: 1",
    )
    assert company.rows("users", "user_id, name, _load, _line") == [("u1", "Ann", 1, 2)]
    assert company.rows("events", "event_id, occurred_at, properties") == [
        ("e1", utc("2024-01-01T10:00:00.500000"), '{"x": "ü"}'), ("e2", utc("2024-01-01"), None),
    ]
    company.load("accounts.csv", "account_id\na2\n")
    assert company.rejects() == []
    assert len(company.rows("users")) == 2


def test_a_newer_row_replaces_the_one_that_waits(company: Company) -> None:
    company.load("users.csv", "user_id,account_id,name\nu1,a1,Ann\n")
    company.load("users2 users.csv", "user_id,account_id,name\nu1,a1,Anna\n")
    assert len(company.rejects()) == 1
    company.load("accounts.csv", "account_id\na1\n")
    assert company.rows("users", "name") == [("Anna",)]


LARGE = (
    ("subscriptions.csv", """
        subscription_id,account_id,starts_at,interval,amount,currency
        s1,a1,2024-01-01,month,9000000000,KWD
        s2,a2,2024-01-01,month,9000000000,KWD
        s3,a3,2024-02-01,month,8000000000,KWD
        """),
    ("fx_rates.csv", "day,currency,rate\n2024-01-01,KWD,3.25\n2024-01-02,KWD,12\n"),
    ("spend.csv", "month,purpose,kind,amount,currency\n2024-01,delivery,staff,8400000000,KWD\n"),
)
"""At 12 the largest are 108 and 100.8 thousand million; a hundred are taken."""


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_an_amount_beyond_what_is_taken_at_the_highest_rate_waits(
    company: Company, order: tuple[int, ...]
) -> None:
    for place in order:
        company.load(*LARGE[place])
    rule = (
        "waits: by the highest known rate it is beyond 100,000,000,000 USD, the most that is taken"
    )
    assert sorted(company.rejects('"table", line, value, rule, state')) == [
        ("spend", 2, "8400000000", rule, "waiting"),
        ("subscriptions", 2, "9000000000", rule, "waiting"),
        ("subscriptions", 3, "9000000000", rule, "waiting"),
    ]
    assert company.rows("subscriptions", "amount") == [(8_000_000_000 * MICRO,)]
    company.load("fx_rates.csv", "day,currency,rate\n2024-01-02,KWD,11\n")
    assert company.rejects() == []
    assert (len(company.rows("subscriptions")), len(company.rows("spend"))) == (3, 1)


def test_a_currency_without_any_rate_waits_for_one(company: Company) -> None:
    company.load("subscriptions.csv", SPANS)
    company.load("spend.csv", """
        month,purpose,kind,amount,currency
        2024-01,delivery,hosting,5,KWD
        2024-01,delivery,staff,5,EUR
        """)
    assert company.rejects('"table", line, value, rule, state')[::2] == [
        ("spend", 2, "KWD", "waits: there is no exchange rate for it yet", "waiting"),
        ("subscriptions", 6, "KWD", "waits: there is no exchange rate for it yet", "waiting"),
    ]
    company.forget_stale()
    report = company.load("fx_rates.csv", "day,currency,rate\n2024-01-01,KWD,3.25\n")
    assert report.notes == (
        "rows of subscriptions that waited and joined now: 1",
        "rows of spend that waited and joined now: 1",
    )
    assert company.rows("subscriptions", "account_id, amount", "currency = 'KWD'") == [
        ("a3", 1_000_000)
    ]
    assert len(company.rows("spend")) == 2
    assert company.stale() == {"a3"}


def test_of_two_overlapping_spans_the_later_starting_one_is_set_aside(company: Company) -> None:
    head = "subscription_id,account_id,starts_at,ends_at,amount\n"
    rows = {
        "long": "s,a,2024-01-01,2024-12-01,1\n",
        "inside": "s,a,2024-03-01,2024-04-01,2\n",
        "beyond": "s,a,2024-11-01,,3\n",
        "zero": "s,a,2024-05-01,2024-05-01,4\n",
        "next": "s,a,2024-12-01,,5\n",
    }
    report = company.load("subscriptions.csv", head + "".join(rows.values()))
    assert counts(report) == (3, 0, 2)
    kept = [(1_000_000,), (4_000_000,), (5_000_000,)]
    assert company.rows("subscriptions", "amount") == kept
    assert company.complaints() == [
        "subscriptions.csv:3 starts_at 2024-03-01T00:00:00Z overlaps the same item's span that "
        "starts at 2024-01-01T00:00:00Z",
        "subscriptions.csv:4 starts_at 2024-11-01T00:00:00Z overlaps the same item's span that "
        "starts at 2024-01-01T00:00:00Z",
    ]
    # One row a file, in another order: the same in the end.
    other = Company(company.folder / "other")
    for name in ("next", "beyond", "zero", "inside", "long"):
        other.load(f"{name}-subscriptions.csv", head + rows[name])
    assert other.rows("subscriptions", "amount") == kept
    assert sorted(row[0] for row in other.rejects("rule")) == sorted(
        row[0] for row in company.rejects("rule")
    )


def test_a_span_that_gets_room_joins_again(company: Company) -> None:
    head = "subscription_id,account_id,starts_at,ends_at,amount\n"
    company.load("subscriptions.csv", head + "s,a,2024-01-01,,1\ns,b,2024-03-01,,2\n")
    company.forget_stale()
    report = company.load("more-subscriptions.csv", head + "s,a,2024-01-01,2024-02-01,1\n")
    assert counts(report) == (0, 1, 0)
    assert report.notes == (
        "spans set aside before that overlap nothing any more, joined: 1",
    )
    assert company.rows("subscriptions", "amount, _load, _line") == [
        (1_000_000, 2, 2), (2_000_000, 1, 3),
    ]
    assert company.rejects() == []
    assert company.stale() == {"a", "b"}


def test_a_span_loaded_before_gives_way_to_an_earlier_one(company: Company) -> None:
    head = "subscription_id,account_id,starts_at,ends_at,amount\n"
    company.load("subscriptions.csv", head + "s,a,2024-03-01,,2\n")
    company.forget_stale()
    report = company.load("more-subscriptions.csv", head + "s,b,2024-01-01,,1\n")
    assert counts(report) == (1, 0, 0)
    assert company.rows("subscriptions", "amount") == [(1_000_000,)]
    assert company.rejects("file, line, state, account_id") == [
        ("subscriptions.csv", 2, "overlap", "a")
    ]
    assert company.stale() == {"a", "b"}


def test_loads_mark_the_accounts_that_they_touch(company: Company) -> None:
    company.load("accounts.csv", "account_id,parent_id\na1,p1\na2,\n")
    assert company.stale() == {"a1", "p1", "a2"}
    company.forget_stale()
    company.load("accounts.csv", "account_id,parent_id\na1,p2\n")
    assert company.stale() == {"a1", "p1", "p2"}
    head = "subscription_id,account_id,starts_at,amount\n"
    company.load("subscriptions.csv", head + "s,a1,2024-01-01,1\n")
    company.forget_stale()
    # The subscription moves to another account: both change.
    company.load("subscriptions.csv", head + "s,a2,2024-01-01,1\n")
    assert company.stale() == {"a1", "a2"}
    company.forget_stale()
    company.load("tickets.csv", "ticket_id,account_id,opened_at\nt,a1,2024-01-01\n")
    assert company.stale() == set()


def test_a_rate_marks_the_accounts_that_are_charged_in_its_currency(company: Company) -> None:
    company.load("subscriptions.csv", """
        subscription_id,account_id,starts_at,amount,currency
        s1,a1,2024-01-01,1,EUR
        s2,a2,2024-01-01,1,
        """)
    company.forget_stale()
    company.load("fx_rates.csv", "day,currency,rate\n2024-01-01,EUR,1.1\n")
    assert company.stale() == {"a1"}


def test_loads_are_recorded_with_their_counts(company: Company) -> None:
    company.load("subscriptions.csv", SPANS)
    (load,) = company.lake.pointer.loads()
    assert (load.load, load.table, load.accepted, load.replaced, load.rejected) == (
        1, "subscriptions", 3, 0, 2,
    )
    assert load.details["waiting"] == 1
    assert len(load.details["sha256"]) == 64


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["subscriptions", "users", "events", "fx_rates"]),
        st.sampled_from(["a1", "a2", "a3"]),
        st.integers(1, 6),
        st.integers(-1, 4),
        st.sampled_from(["USD", "KWD"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: (row[0], row[1] if row[0] != "fx_rates" else "", row[2]),
)
HEADS = {
    "subscriptions": "subscription_id,account_id,starts_at,ends_at,amount,currency",
    "users": "user_id,account_id",
    "events": "account_id,event,occurred_at",
    "fx_rates": "day,currency,rate",
}


def _line(row: tuple[str, str, int, int, str]) -> str:
    table, account, month, length, currency = row
    if table == "subscriptions":
        end = f"2024-{month + length:02}-01" if length < 4 else ""
        return f"s-{account},{account},2024-{month:02}-01,{end},{month},{currency}"
    if table == "users":
        return f"u-{account}-{month},{account if month % 2 else 'a9'}"
    if table == "events":
        return f"{account},login,2024-{month:02}-01"
    return f"2024-{month:02}-01,KWD,{month}"


def _outcome(folder: Path, batches: list[list[tuple[str, str, int, int, str]]]) -> object:
    company = Company(folder)
    for number, batch in enumerate(batches):
        paths = []
        for table in HEADS:
            lines = [_line(row) for row in batch if row[0] == table]
            # One good row keeps a file of bad rows alone from being refused as a whole.
            ballast = {
                "subscriptions": f"z{number},z,2024-01-01,,1,USD",
                "users": f"z{number},",
                "events": f",z{number},2024-01-01",
                "fx_rates": f"2023-01-{number + 1:02},GBP,1",
            }[table]
            if lines:
                text = "\n".join([HEADS[table], *lines, ballast]) + "\n"
                paths.append(company.write(f"{number}/{table}.csv", text))
        if paths:
            company.load_all(paths)
    held = {
        "accounts": company.rows("accounts", "account_id", "account_id <> 'z'"),
        "subscriptions": company.rows(
            "subscriptions", "* EXCLUDE (_load, _line)", "account_id <> 'z'"
        ),
        "users": company.rows("users", "user_id, account_id"),
        "events": company.rows("events", "event_id, account_id", "account_id IS NOT NULL"),
        "fx_rates": company.rows("fx_rates", "day, currency, rate", "currency <> 'GBP'"),
    }
    aside = sorted(company.rejects('"table", "column", value, rule, state, account_id'), key=str)
    return held, [row for row in aside if row[0] != "users" or row[1] != "account_id" or row[2]]


@settings(
    max_examples=6, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=ROWS, data=st.data())
def test_the_order_of_loading_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, int, int, str]],
    data: st.DataObject,
) -> None:
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    folder = tmp_path_factory.mktemp("order")
    at_once = _outcome(folder / "at-once", [rows])
    assert _outcome(folder / "shuffled", [shuffled]) == at_once
    assert _outcome(folder / "halves", [shuffled[:cut], shuffled[cut:]]) == at_once
    assert _outcome(folder / "twice", [rows, shuffled]) == at_once
