"""What a mapping's [options] say about a file."""

from __future__ import annotations

import pytest

from staycurve.errors import LoadError, UsageError
from staycurve.sources.mapping import parse_mapping
from staycurve.sources.options import ReadOptions
from tests.sources.company import Company, counts, utc


def options(text: str) -> str:
    return f"[options]\n{text}\n"


def loaded(company: Company, text: str, mapping: str, name: str = "subscriptions.csv") -> None:
    report = company.load(name, text, mapping=mapping)
    assert (report.error, report.rejected) == (None, 0)


@pytest.mark.parametrize(("written", "ends"), [
    ("2024-01-31", "2024-02-01"),
    ("2024-01-31T00:00:00Z", "2024-02-01"),
    ("2024-01-31 23:59:59", "2024-02-01"),
    ("2024-01-31T23:59:59.999Z", "2024-02-01"),
    ("2024-01-31T12:30:00Z", "2024-01-31T12:30:01"),
    ("2024/02/29", "2024-03-01"),
])
def test_inclusive_ends_are_the_last_day_or_second(
    written: str, ends: str, company: Company
) -> None:
    row = f"subscription_id,account_id,starts_at,ends_at,amount\ns,a,2024-01-01,{written},9\n"
    loaded(company, row, options('ends = "inclusive"'))
    assert company.rows("subscriptions", "ends_at") == [(utc(ends),)]


def test_inclusive_ends_are_days_of_the_company_and_never_stays_never(company: Company) -> None:
    loaded(company, """
        subscription_id,account_id,starts_at,ends_at,amount
        s,a,2024-01-01,9999-12-31,9
        t,a,2024-01-01,2024-01-01,9
    """.replace("        ", ""), options('ends = "inclusive"'))
    assert company.rows("subscriptions", "subscription_id, ends_at") == [
        ("s", None), ("t", utc("2024-01-02"))
    ]


def test_inclusive_ends_follow_the_clock_change(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("berlin")
    company = Company(folder, '[company]\ntimezone = "Europe/Berlin"')
    # 31 March 2024 has 23 hours there; it ends at 22:00 UTC.
    row = "subscription_id,account_id,starts_at,ends_at,amount\ns,a,2024-01-01,2024-03-31,9\n"
    loaded(company, row, options('ends = "inclusive"'))
    assert company.rows("subscriptions", "ends_at, ends_on") == [
        (utc("2024-03-31T22:00:00"), utc("2024-04-01").date())
    ]


@pytest.mark.parametrize(("amount", "currency", "micro"), [
    ("14900", "USD", 149_000_000),
    ("14900", "", 149_000_000),
    ("14900", "jpy", 14_900_000_000),
    ("14900", "KWD", 14_900_000),
    ("1", "USD", 10_000),
    ("0.5", "USD", 5_000),
    ("0.00005", "USD", 0),
    ("0.00015", "USD", 2),
    ("0.00025", "USD", 2),
])
def test_minor_units_are_those_of_the_currency(
    amount: str, currency: str, micro: int, company: Company
) -> None:
    company.load("fx_rates.csv", "day,currency,rate\n2024-01-01,JPY,0.01\n2024-01-01,KWD,3\n")
    row = f"s,a,2024-01-01,{amount},{currency}\n"
    loaded(company, f"subscription_id,account_id,starts_at,amount,currency\n{row}",
           options('amounts = "minor"'))
    assert company.rows("subscriptions", "amount") == [(micro,)]


SEOUL = '[company]\ntimezone = "Asia/Seoul"'


@pytest.mark.parametrize(("header", "mapping", "written", "starts"), [
    ("starts_at", 'timezone = "UTC"', "2024-01-31 16:00:00", "2024-01-31T16:00:00"),
    ("starts_at", 'timezone = "Europe/Berlin"', "2024-07-31 16:00", "2024-07-31T14:00:00"),
    # An offset says it by itself, and a day alone is the company's.
    ("starts_at", 'timezone = "UTC"', "2024-01-31T16:00:00+09:00", "2024-01-31T07:00:00"),
    ("starts_at", 'timezone = "UTC"', "2024-01-31", "2024-01-30T15:00:00"),
    ("Starts at (UTC)", "", "2024-01-31 16:00:00", "2024-01-31T16:00:00"),
    ("starts_at", "", "2024-01-31 16:00:00", "2024-01-31T07:00:00"),
])
def test_instants_without_an_offset_are_in_the_files_time_zone(
    header: str, mapping: str, written: str, starts: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    company = Company(tmp_path_factory.mktemp("seoul"), SEOUL)
    row = f"subscription_id,account_id,{header},amount\ns,a,{written},9\n"
    loaded(company, row, options(mapping))
    assert company.rows("subscriptions", "starts_at") == [(utc(starts),)]


@pytest.mark.parametrize(("written", "starts"), [
    ("1704412800", "2024-01-05"), ("1704412800000", "2024-01-05"),
    ("1704412800.25", "2024-01-05T00:00:00.250000"), ("2024-01-05", "2024-01-05"),
    ("0", "1970-01-01"),
])
def test_epochs_are_seconds_or_by_their_size_milliseconds(
    written: str, starts: str, company: Company
) -> None:
    row = f"subscription_id,account_id,starts_at,amount,ends_at\ns,a,{written},9,253402300799\n"
    loaded(company, row, options('dates = "epoch"'))
    assert company.rows("subscriptions", "starts_at, ends_at") == [(utc(starts), None)]


def test_iso_days_may_be_written_with_slashes(company: Company) -> None:
    row = "subscription_id,account_id,starts_at,amount\ns,a,2025/07/30,9\nt,a,2025/7/31 10:00,9\n"
    loaded(company, row, "")
    assert company.rows("subscriptions", "starts_at") == [
        (utc("2025-07-30"),), (utc("2025-07-31T10:00:00"),)
    ]


def test_days_of_the_other_orders_are_not_taken_for_iso(company: Company) -> None:
    report = company.load(
        "subscriptions.csv",
        "subscription_id,account_id,starts_at,amount\ns,a,30/07/2025,9\nt,a,2025-07-30,9\n",
    )
    assert counts(report) == (1, 0, 1)


def test_texts_that_mean_no_value_are_none(company: Company) -> None:
    loaded(company, """
        subscription_id,account_id,starts_at,ends_at,amount,plan
        s,a,2024-01-01,NULL,9,N/A
        t,a,2024-01-01,-,8,\\N
        u,a,2024-01-01,NaT,7,null
    """.replace("        ", ""), options(r'empty = ["NULL", "N/A", "\\N", "NaT", "-"]'))
    assert company.rows("subscriptions", "subscription_id, ends_at, plan") == [
        ("s", None, None), ("t", None, None), ("u", None, "null")
    ]


def test_texts_that_mean_no_value_are_no_attributes(company: Company) -> None:
    loaded(company, "account_id,name,tier\na,NULL,NULL\nb,Bolt,gold\n",
           options('empty = ["NULL"]'), name="accounts.csv")
    assert company.rows("accounts", "account_id, name, attributes") == [
        ("a", None, None), ("b", "Bolt", '{"tier":"gold"}')
    ]


@pytest.mark.parametrize(("text", "said"), [
    ('ends = "last"', "ends is exclusive or inclusive, not 'last'."),
    ('amounts = "cents"', "amounts is major or minor, not 'cents'."),
    ('timezone = "Mars/Base"', "Unknown time zone 'Mars/Base'."),
    ('empty = "NULL"', "the mapping: [options] empty is a list of texts."),
])
def test_an_option_that_cannot_be_followed_is_said(text: str, said: str) -> None:
    with pytest.raises((UsageError, LoadError)) as caught:
        parse_mapping(options(text))
    assert caught.value.message == said
    assert caught.value.hint


HISTORY = "subscription_id,account_id,starts_at,ends_at,amount,updated_at"


@pytest.mark.parametrize(("older", "newer"), [
    ("2024-01-01", "2024-03-10"), ("9", "10"), ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00.5Z"),
    ("", "2024-01-01"), ("v1", "v2"),
])
@pytest.mark.parametrize("is_newest_first", [True, False])
def test_the_largest_value_of_order_by_wins(
    older: str, newer: str, is_newest_first: bool, company: Company
) -> None:
    rows = [f"s,a,2024-01-01,2024-03-10,99,{newer}", f"s,a,2024-01-01,,99,{older}"]
    listed = rows if is_newest_first else rows[::-1]
    text = "\n".join([HISTORY, *listed, f"t,a,2024-01-01,,x,{older}", ""])
    report = company.load("subscriptions.csv", text, mapping=options('order_by = "updated_at"'))
    assert (counts(report), report.notes) == (
        (1, 1, 1), ("rows replaced by a later line with the same key: 1",)
    )
    line = 2 if is_newest_first else 3
    assert company.rows("subscriptions", "ends_at, _line") == [(utc("2024-03-10"), line)]
    # The lines of the file stay what they are.
    assert company.rejects("line, value") == [(4, "x")]


def test_of_equal_values_of_order_by_the_later_line_wins(company: Company) -> None:
    loaded(company, f"{HISTORY}\ns,a,2024-01-01,,1,5\ns,a,2024-01-01,,2,5\n",
           options('order_by = "updated_at"'))
    assert company.rows("subscriptions", "amount") == [(2_000_000,)]


def test_a_column_that_is_not_there_cannot_order(company: Company) -> None:
    with pytest.raises(LoadError, match="the column 'updatd_at', which"):
        company.load("subscriptions.csv", f"{HISTORY}\ns,a,2024-01-01,,1,5\n",
                     mapping=options('order_by = "updatd_at"'))


@pytest.mark.parametrize(("dates", "written", "starts"), [
    ("mdy", "12/25/24 8:18 PM", "2024-12-25T20:18:00"),
    ("mdy", "12/25/2024 12:05:09 am", "2024-12-25T00:05:09"),
    ("mdy", "1/3/25", "2025-01-03"),
    ("mdy", "2/14/25 0:00", "2025-02-14"),
    ("dmy", "25.12.24 12:00 PM", "2024-12-25T12:00:00"),
    ("dmy", "31-12-69", "1969-12-31"),
    ("dmy", "31-12-68", "2068-12-31"),
    ("iso", "2024-12-25 11:59 PM", "2024-12-25T23:59:00"),
    ("iso", "2024-12-25T1:00pm", "2024-12-25T13:00:00"),
])
def test_short_years_and_halves_of_the_day_are_read(
    dates: str, written: str, starts: str, company: Company
) -> None:
    row = f"subscription_id,account_id,starts_at,amount\ns,a,{written},9\n"
    loaded(company, row, options(f'dates = "{dates}"'))
    assert company.rows("subscriptions", "starts_at") == [(utc(starts),)]


@pytest.mark.parametrize("written", ["2024-12-25 13:00 PM", "2024-12-25 0:30 AM", "24-12-25"])
def test_what_is_no_hour_of_a_half_day_is_rejected(written: str, company: Company) -> None:
    rows = f"s,a,{written},9\nt,a,2024-01-01,9\n"
    report = company.load("subscriptions.csv",
                          f"subscription_id,account_id,starts_at,amount\n{rows}")
    assert counts(report) == (1, 0, 1)


@pytest.mark.parametrize(("amount", "micro"), [
    ("$99.00", 99_000_000), ("-$0", 0), ("99 $", 99_000_000), ("$1,299.00", 1_299_000_000),
])
def test_one_currency_sign_may_stand_beside_amounts(
    amount: str, micro: int, company: Company
) -> None:
    row = f'subscription_id,account_id,starts_at,amount\ns,a,2024-01-01,"{amount}"\n'
    loaded(company, row, options('thousands = ","'))
    assert company.rows("subscriptions", "amount") == [(micro,)]


@pytest.mark.parametrize(("amount", "micro"), [
    ("1,234,567.50", 1_234_567_500_000), ("1,00,000", 100_000_000_000), ("1234.5", 1_234_500_000),
])
def test_signs_of_thousands_stand_between_groups(
    amount: str, micro: int, company: Company
) -> None:
    row = f'subscription_id,account_id,starts_at,amount\ns,a,2024-01-01,"{amount}"\n'
    loaded(company, row, options('thousands = ","'))
    assert company.rows("subscriptions", "amount") == [(micro,)]


@pytest.mark.parametrize("amount", ["99,00", "12,34", "1,,000", "1,000,", ",100", "1,000.0,0"])
def test_a_sign_of_thousands_elsewhere_is_rejected(amount: str, company: Company) -> None:
    report = company.load(
        "subscriptions.csv",
        f'subscription_id,account_id,starts_at,amount\ns,a,2024-01-01,"{amount}"\n'
        "t,b,2024-01-01,5\n",
        options=ReadOptions(thousands=","),
    )
    assert counts(report) == (1, 0, 1)


def test_signs_of_several_currencies_or_of_another_are_rejected(company: Company) -> None:
    head = "subscription_id,account_id,starts_at,amount,currency\n"
    company.load("subscriptions.csv", head + "s,a,2024-01-01,$9,\nt,a,2024-01-01,€9,\n"
                 "u,a,2024-01-01,9,\n")
    assert company.rows("subscriptions", "subscription_id") == [("u",)]
    report = company.load("more_subscriptions.csv", head + "v,a,2024-01-01,€9,USD\n"
                          "w,a,2024-01-01,8,\n")
    assert counts(report) == (1, 0, 1)


@pytest.mark.parametrize(("written", "starts"), [
    ("5 Jan 2024", "2024-01-05"), ("05-Jan-24", "2024-01-05"), ("Jan 5, 2024", "2024-01-05"),
    ("September 5th, 1999", "1999-09-05"), ("Fri, 05 Jan 2024 10:30:00 GMT", "2024-01-05T10:30:00"),
    ("Jan 5, 2024, 8:18 PM", "2024-01-05T20:18:00"),
])
@pytest.mark.parametrize("order", ["iso", "dmy", "mdy"])
def test_months_may_be_named(written: str, starts: str, order: str, company: Company) -> None:
    row = f'subscription_id,account_id,starts_at,amount\ns,a,"{written}",9\n'
    loaded(company, row, options(f'dates = "{order}"'))
    assert company.rows("subscriptions", "starts_at") == [(utc(starts),)]


@pytest.mark.parametrize(("first", "second", "starts"), [
    ("03/04/2024", "25/04/2024", "2024-04-03"), ("03/04/2024", "04/25/2024", "2024-03-04"),
    ("2024-04-03", "2024/04/04", "2024-04-03"), ("45385", "45386", "2024-04-03"),
    ("1712102400", "1712102401", "2024-04-03"), ("05/05/2024", "05/05/2024", "2024-05-05"),
])
def test_auto_takes_the_one_order_that_fits_every_row(
    first: str, second: str, starts: str, company: Company
) -> None:
    loaded(company, f"subscription_id,account_id,starts_at,amount\ns,a,{first},9\nt,b,{second},9\n",
           options('dates = "auto"'))
    assert company.rows("subscriptions", "starts_at", "subscription_id = 's'") == [(utc(starts),)]


def test_auto_refuses_what_has_two_readings_or_none(company: Company) -> None:
    head = "subscription_id,account_id,starts_at,amount\n"
    with pytest.raises(LoadError, match="03/04/2024 is 2024-04-03 as dmy, and 2024-03-04 as mdy"):
        company.load("subscriptions.csv", head + "s,a,03/04/2024,9\n",
                     mapping=options('dates = "auto"'))
    with pytest.raises(LoadError, match="dmy fits 1, mdy fits 1"):
        company.load("subscriptions.csv", head + "s,a,25/04/2024,9\nt,a,04/25/2024,9\n",
                     mapping=options('dates = "auto"'))


@pytest.mark.parametrize(("ids", "accounts"), [
    ("exact", [("ACME  Inc",), ("Acme Inc",), ("acme inc",)]),
    ("trim", [("ACME Inc",), ("Acme Inc",), ("acme inc",)]), ("casefold", [("acme inc",)]),
])
def test_ids_may_be_read_without_regard_to_blanks_and_case(
    ids: str, accounts: list[tuple[str]], company: Company
) -> None:
    loaded(company, "subscription_id,account_id,starts_at,amount\n1,ACME  Inc,2024-01-01,1\n"
           "2,Acme Inc,2024-01-01,1\n3,acme inc ,2024-01-01,1\n", options(f'ids = "{ids}"'))
    assert company.rows("accounts", "account_id") == accounts


def test_an_id_that_a_spreadsheet_shortened_is_rejected(company: Company) -> None:
    report = company.load("subscriptions.csv", "subscription_id,account_id,starts_at,amount\n"
                          "1,1.23E+10,2024-01-01,1\n2,E+10,2024-01-01,1\n")
    assert counts(report) == (1, 0, 1)
    assert "1.23E+10 was shortened by a spreadsheet" in company.complaints()[0]
