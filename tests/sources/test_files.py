"""Files of every kind and in every state of decay."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from staycurve.errors import LoadError, UnknownNameError, UsageError
from staycurve.sources.files import table_of
from staycurve.sources.options import ReadOptions
from tests.sources.company import Company, counts, utc

ONE = "subscription_id,account_id,starts_at,amount\ns1,acme,2024-01-01,10\n"
STORED = [("s1", "acme", utc("2024-01-01"), 10_000_000)]
SEEN = "subscription_id, account_id, starts_at, amount"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("subscriptions.csv", ONE.encode()),
        ("no_last_line_end-subscriptions.csv", ONE.strip().encode()),
        ("windows subscriptions.csv", ONE.replace("\n", "\r\n").encode()),
        ("old_mac_subscriptions.csv", ONE.replace("\n", "\r").encode()),
        ("subscriptions-2024.csv.gz", gzip.compress(ONE.encode(), mtime=0)),
        ("subscriptions.tsv", ONE.replace(",", "\t").encode()),
        ("semicolon.subscriptions.csv", ONE.replace(",", ";").encode()),
        ("bom_subscriptions.csv", b"\xef\xbb\xbf" + ONE.encode()),
        ("utf16_subscriptions.csv", ONE.encode("utf-16")),
        ("[x]* ünï subscriptions.csv", ONE.encode()),
        ("headers_subscriptions.csv",
         b" Subscription ID ,Account-Id,STARTS_AT,Amount\ns1,acme,2024-01-01,10\n"),
        ("blanks_subscriptions.csv",
         b"subscription_id,account_id,starts_at,amount\n  s1 ,\tacme, 2024-01-01 , 10 \n"),
        ("trailing_subscriptions.csv",
         b"subscription_id,account_id,starts_at,amount\ns1,acme,2024-01-01,10,,\n"),
        ("subscriptions.ndjson",
         b'{"subscription_id": "s1", "account_id": "acme", "starts_at": "2024-01-01",'
         b' "amount": 10}'),
        ("subscriptions.jsonl.gz", gzip.compress(
            b'\n{"subscription_id": "s1", "account_id": "acme", "amount": 10.0,'
            b' "starts_at": "2024-01-01T00:00:00Z"}\n', mtime=0)),
        ("subscriptions.json",
         b'[\n {"subscription_id": "s1", "account_id": "acme",\n'
         b'  "starts_at": "2024-01-01", "amount": 1e1}\n]'),
    ],
)
def test_the_same_row_comes_out_of_every_kind_of_file(
    company: Company, name: str, content: bytes
) -> None:
    assert counts(company.load(name, content)) == (1, 0, 0)
    assert company.rows("subscriptions", SEEN) == STORED


def test_parquet_keeps_its_types(company: Company) -> None:
    table = pa.table(
        {
            "event": ["login", "login"],
            "occurred_at": pa.array([utc("2024-01-01T12:30:00"), None], pa.timestamp("us", "UTC")),
            "properties": [{"feature": "export", "seats": 3}, None],
            "is_big": [True, None],
        }
    )
    path = company.folder / "events.parquet"
    pq.write_table(table, path)
    assert counts(company.load("events.parquet")) == (1, 0, 1)
    ((event, at, properties),) = company.rows("events", "event, occurred_at, properties")
    assert (event, at) == ("login", utc("2024-01-01T12:30:00"))
    assert json.loads(properties) == {"feature": "export", "seats": 3, "is_big": "true"}
    assert company.complaints() == ["events.parquet:2 occurred_at is missing"]


def test_lines_are_true_with_quoted_newlines_and_blank_lines(company: Company) -> None:
    report = company.load("accounts.csv", """
        account_id,name,employees

        a1,"Acme
        Ltd",3
        a2,Bolt,many

        a3,"Say ""hi"", all",-1
        a4,Core,4
        """)
    assert counts(report) == (2, 0, 2)
    assert company.rows("accounts", "account_id, name, _line") == [
        ("a1", "Acme\nLtd", 3), ("a4", "Core", 8),
    ]
    assert company.complaints() == [
        "accounts.csv:5 employees many is not a whole number",
        "accounts.csv:7 employees -1 is negative",
    ]


def test_a_half_written_last_line_is_set_aside(company: Company) -> None:
    assert counts(company.load("accounts.csv", "account_id,name,country\na1,Acme,US\na2,Bo")) == (
        1, 0, 1,
    )
    assert company.complaints() == ["accounts.csv:3 a2,Bo has 2 fields where the header has 3"]


def test_an_open_quote_costs_its_own_line_only(company: Company) -> None:
    report = company.load("accounts.csv", """
        account_id,name
        a1,"Acme
        a2,Bolt
        a3,"Core, Inc."
        a4,Dot
        """)
    assert counts(report) == (3, 0, 1)
    assert [row[0] for row in company.rows("accounts", "account_id")] == ["a2", "a3", "a4"]
    assert company.complaints() == ['accounts.csv:2 a1,"Acme has a quote that is never closed']


def test_a_stray_field_costs_its_own_line_only(company: Company) -> None:
    report = company.load("accounts.csv", "account_id,name\na1,Acme, Inc\na2,Bolt\na3\n")
    assert counts(report) == (1, 0, 2)
    assert company.complaints() == [
        "accounts.csv:2 a1,Acme, Inc has 3 fields where the header has 2",
        "accounts.csv:4 a3 has 1 field where the header has 2",
    ]


def test_a_bad_line_of_json_is_set_aside(company: Company) -> None:
    report = company.load("accounts.ndjson", """
        {"account_id": "a1", "plan": "Pro", "tags": ["x", 1.50]}
        {"account_id": "a2"
        7

        {"account_id": "a3", "seats": 12345678901234567890.10}
        """)
    assert counts(report) == (2, 0, 2)
    assert company.rows("accounts", "account_id, attributes, _line") == [
        ("a1", '{"plan":"Pro","tags":"[\\"x\\", 1.5]"}', 1),
        ("a3", '{"seats":"12345678901234567890.10"}', 5),
    ]
    assert [row[:3] for row in company.rejects("line, rule, value")][1] == (
        3, "is not a JSON object", "7",
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("accounts.csv", b"", "accounts.csv is empty"),
        ("accounts.csv", b"\n\n", "accounts.csv is empty"),
        ("accounts.csv.gz", gzip.compress(b"account_id,name\n" * 999, mtime=0)[:-9],
         "not a whole gzip file"),
        ("accounts.csv.gz", b"account_id,name\na1,Acme\n", "not a whole gzip file"),
        ("accounts.parquet", b"PAR1 and then nothing", "not a whole Parquet file"),
        ("accounts.csv", "account_id,name\na1,Café\n".encode("latin-1"),
         "is not written in this encoding: it holds the byte 0xe9"),
        ("accounts.csv", b"account_id,name,name\na1,x,y\n", "more than one column called name"),
        ("accounts.ods", b"PK", "is of no kind that can be loaded"),
        ("accounts.json", b'[{"account_id": "a1"}, {"acc', "not a whole JSON array"),
        ("accounts.json", b'[{"account_id": "a1"}', "not a whole JSON array"),
        ("accounts.json", b"[1]", "accounts.json:1 is not a JSON object"),
        ("accounts.ndjson", b"\n", "holds no rows"),
        ("customers.csv", b"account_id\na1\n", "customers.csv does not name a table"),
        ("accounts_and_users.csv", b"account_id\na1\n",
         "names more than one table: accounts, users"),
        ("acounts.csv", b"account_id\na1\n", "Did you mean 'accounts'"),
        ("subscriptions.csv", b"id,customer,start date\n1,2,2024-01-01\n",
         "lacks what subscriptions requires: subscription_id, account_id, starts_at. "
         "It has: id, customer, start date."),
        ("accounts.csv", b"account_id,created_at\na1,soon\na2,never\n",
         "None of the 2 rows of accounts.csv could be loaded. The first: "
         "accounts.csv:2 created_at soon is not an instant"),
    ],
)
def test_a_file_of_which_nothing_can_be_loaded(
    company: Company, name: str, content: bytes, words: str
) -> None:
    company.write(name, content)
    with pytest.raises(LoadError) as caught:
        company.load(name)
    assert words in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_status == 2
    assert company.lake.pointer.latest().seq == 0
    assert list((company.project / ".tmp").glob("*")) == []


def test_missing_files_and_empty_directories(company: Company) -> None:
    with pytest.raises(LoadError, match="is not there"):
        company.load("accounts.csv")
    (company.folder / "nothing").mkdir()
    with pytest.raises(LoadError, match="holds no file that can be loaded"):
        company.load("nothing")


def test_the_hint_shows_the_mapping_to_write(company: Company) -> None:
    with pytest.raises(LoadError) as caught:
        company.load("accounts.csv", "accountid,name\n1,2\n")
    assert '[columns] "accountid" = "account_id"' in caught.value.hint


def test_the_table_is_a_word_of_the_files_name() -> None:
    assert table_of("ravenstack_subscriptions.csv") == "subscriptions"
    assert table_of("fx_rates_2024.csv.gz") == "fx_rates"
    assert table_of("2024-01 Events (1).ndjson") == "events"
    with pytest.raises(LoadError, match="does not name a table"):
        table_of("eventsource.csv")


def test_an_unknown_table_is_named_with_the_nearest(company: Company) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'subscriptions'"):
        company.load("x.csv", "a,b\n1,2\n", table="subscription")


def test_latin_1_by_option(company: Company) -> None:
    content = "account_id,name\na1,Café\n".encode("latin-1")
    company.load("accounts.csv", content, options=ReadOptions(encoding="latin-1"))
    assert company.rows("accounts", "name") == [("Café",)]


def test_decimal_commas_and_thousands_by_option(company: Company) -> None:
    text = """
        subscription_id;account_id;starts_at;amount
        s1;a;01.02.2024;1.234,50
        s2;a;2.1.2024;0,1
        """
    options = ReadOptions(decimal=",", thousands=".", dates="dmy")
    assert counts(company.load("subscriptions.csv", text, options=options)) == (2, 0, 0)
    assert company.rows("subscriptions", "starts_on, amount") == [
        (utc("2024-01-02").date(), 100_000), (utc("2024-02-01").date(), 1_234_500_000),
    ]


def test_american_and_spreadsheet_dates_by_option(company: Company) -> None:
    company.load(
        "accounts.csv", "account_id,created_at\na1,12/31/2024\na2,1/2/2024 3:04\n",
        options=ReadOptions(dates="mdy"),
    )
    # 45657 is 2024-12-31, and .25 of a day is six hours.
    company.load(
        "more accounts.csv", "account_id,created_at\na3,45657\na4,45657.25\n",
        options=ReadOptions(dates="spreadsheet"),
    )
    assert company.rows("accounts", "account_id, created_at") == [
        ("a1", utc("2024-12-31")), ("a2", utc("2024-01-02T03:04:00")),
        ("a3", utc("2024-12-31")), ("a4", utc("2024-12-31T06:00:00")),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"encoding": "utf-99"}, {"delimiter": "ab"}, {"decimal": "'"}, {"thousands": "."},
        {"dates": "ymd"},
    ],
)
def test_wrong_options_are_named(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        ReadOptions(**wrong)


def test_a_header_alone_is_an_empty_export(company: Company) -> None:
    assert counts(company.load("accounts.csv", "account_id,name\n")) == (0, 0, 0)


def test_a_directory_means_its_files_and_a_bad_one_leaves_the_others(company: Company) -> None:
    company.write("in/users.csv", "user_id,account_id\nu1,a1\n")
    company.write("in/accounts.csv", "account_id\na1\n")
    company.write("in/tickets.csv", "id\n1\n")
    company.write("in/notes.md", "none of ours")
    reports = company.load_all([company.folder / "in"])
    assert [(r.file, *counts(r)) for r in reports] == [
        ("accounts.csv", 1, 0, 0), ("users.csv", 1, 0, 0), ("tickets.csv", 0, 0, 0),
    ]
    assert "lacks what tickets requires" in str(reports[2].error)
    assert [load.file for load in company.lake.pointer.loads()] == ["accounts.csv", "users.csv"]


def test_a_dry_run_counts_and_changes_nothing(company: Company) -> None:
    assert counts(company.load("subscriptions.csv", ONE, is_dry_run=True)) == (1, 0, 0)
    assert company.lake.pointer.latest().seq == 0
    assert company.lake.pointer.loads() == []


def test_a_dry_run_on_a_filled_lake_leaves_it_whole(company: Company) -> None:
    company.load("subscriptions.csv", ONE)
    more = ONE.replace("s1", "s2")
    assert counts(company.load("more subscriptions.csv", more, is_dry_run=True)) == (1, 0, 0)
    assert company.rows("subscriptions", SEEN) == STORED
    assert counts(company.load("more subscriptions.csv")) == (1, 0, 0)
    assert [row[0] for row in company.rows("subscriptions", "subscription_id")] == ["s1", "s2"]


def test_what_killed_loads_left_is_removed(company: Company) -> None:
    old = company.project / ".tmp" / "spill-999999999-abcdef-staged"
    old.mkdir(parents=True)
    (old / "raw.parquet").write_bytes(b"x")
    company.load("accounts.csv", "account_id\na1\n")
    assert not old.exists()


def test_another_time_zone_or_currency_is_refused(company: Company) -> None:
    company.load("accounts.csv", "account_id\na1\n")
    other = Company(company.folder / "other", '[company]\ntimezone = "Asia/Tokyo"')
    other.lake = company.lake
    with pytest.raises(LoadError, match=r"timezone is Asia/Tokyo .* under UTC"):
        other.load("accounts.csv", "account_id\na1\n")


def test_progress_reaches_the_end(company: Company) -> None:
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int, text: str) -> None:
        assert text
        seen.append((done, total))

    company.load("subscriptions.csv", ONE, progress=progress)
    assert seen[0] == (0, len(ONE))
    assert seen[-1] == (len(ONE), len(ONE))
