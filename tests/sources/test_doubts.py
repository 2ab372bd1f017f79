"""What a file probably means otherwise than it says is named, with rows, MRR and the option."""

from __future__ import annotations

from pathlib import Path

import pytest

from staycurve.sources.files import load_files
from staycurve.sources.mapping import read_mapping
from staycurve.tables.undo import undo
from staycurve.workspace import Company
from tests.company import NOW, build, create

HEAD = "subscription_id,account_id,plan,interval,amount,starts_at"


def loaded(company: Company, text: str, mapping: str = "") -> list[tuple[str, int, float]]:
    path = company.folder / "subscriptions.csv"
    path.write_text(text)
    (company.folder / "own.toml").write_text(mapping)
    load_files(
        company.lake, company.config, [path], now=NOW,
        mapping=read_mapping(company.folder / "own.toml") if mapping else None,
    )
    company.refresh()
    return [(doubt.check, doubt.count, doubt.mrr) for doubt in company.doubts()]


def test_what_a_file_probably_means_otherwise_is_named(tmp_path: Path) -> None:
    with build(tmp_path / "project", {"subscriptions": """
        subscription_id account_id plan interval amount starts_at  ends_at    status
        s1              a          Pro  month    99     2023-01-01 2023-01-31 active
        s1              a          Pro  month    99     2023-02-01 2023-02-28 active
        s2              B          Pro  month    149    2023-06-01 -          past_due
        s3              b          pro  year     1200   2023-06-01 -          active
        s4              c          Max  month    10     2023-06-01 2023-06-20 past_due
    """}) as ours:
        found = [(doubt.check, doubt.count, doubt.mrr) for doubt in ours.doubts()]
    # Of the year's 1,200 a month is 100. Nineteen days past due are within a month and the grace.
    assert found == [
        ("late_from_the_start", 1, 149.0), ("ends_before_next", 1, 99.0),
        ("ids_alike", 2, 249.0), ("plans_alike", 4, 447.0),
    ]


def test_rows_without_an_interval_are_perhaps_sold_once(tmp_path: Path) -> None:
    with create(tmp_path / "project") as company:
        # A year's 120 is 10 a month; what has no interval counts as monthly, 500.25.
        assert loaded(company, f"{HEAD}\ns1,a,Pro,year,120,2024-01-01\n"
                               "s2,b,Setup,,500.25,2024-01-01\n") == [
            ("interval_unsaid", 1, 500.25)
        ]
        assert company.show("mrr", start="2024-02", end="2024-02").rows[0]["value"] == 510.25


def test_without_the_column_a_month_is_meant(tmp_path: Path) -> None:
    with create(tmp_path / "project") as company:
        text = "subscription_id,account_id,amount,starts_at\ns1,a,10.50,2024-01-01\n"
        assert loaded(company, text) == []


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["9900", "14900", "2900", "9900", "4950"], [("whole_amounts", 5, 42550.0)]),
        (["99.00", "149.00", "29.00", "99.00", "49.50"], []),
        (["99", "149", "29", "99", "49"], []),
        (["9900", "14900", "2900", "9900", "49.50"], []),
        (["9900", "14900", "2900", "9900"], []),
    ],
)
def test_prices_that_all_are_large_whole_numbers_are_perhaps_minor_units(
    amounts: list[str], expected: list[tuple[str, int, float]], tmp_path: Path
) -> None:
    rows = "".join(
        f"s{n},a{n},Plan {n},month,{amount},2024-01-0{n + 1}\n" for n, amount in enumerate(amounts)
    )
    with create(tmp_path / "project") as company:
        assert loaded(company, f"{HEAD}\n{rows}") == expected
        mapping = '[options]\namounts = "minor"\n'
        assert loaded(company, f"{HEAD}\n{rows}", mapping) == []


def test_a_hundred_times_another_price_of_the_plan(tmp_path: Path) -> None:
    with create(tmp_path / "project") as company:
        # Ten seats at 990 are 99 a seat each, and no doubt.
        text = (
            "subscription_id,account_id,plan,interval,quantity,amount,starts_at\n"
            "s1,a,Pro,month,1,99,2024-01-01\ns2,b,Pro,month,1,9900,2024-01-01\n"
            "s3,c,Pro,month,100,9900,2024-01-01\ns4,d,Max,month,1,9900.50,2024-01-01\n"
        )
        assert loaded(company, text) == [("hundredfold_of_plan", 1, 9900.0)]


def test_a_hundred_times_what_the_account_pays(tmp_path: Path) -> None:
    tables = {
        "payments": "payment_id account_id amount paid_at\np1 a 99 2024-01-02\np2 b 99 2024-01-02",
        "subscriptions": "subscription_id account_id amount starts_at\n"
                         "s1 a 9900 2024-01-01\ns2 b 99 2024-01-01",
    }
    with build(tmp_path / "project", tables) as company:
        assert [(d.check, d.count, d.mrr) for d in company.doubts()] == [
            ("hundredfold_of_payments", 1, 9900.0)
        ]


def test_another_order_fits_every_date(tmp_path: Path) -> None:
    text = f"{HEAD}\ns1,a,Pro,month,9.50,01/02/2024\ns2,b,Pro,month,9.50,01/25/2024\n"
    with create(tmp_path / "project") as company:
        assert loaded(company, text, '[options]\ndates = "dmy"\n') == [("dates_starts_at", 2, 0.0)]
        said = company.doubts()[0]
        assert "1 of 2" in said.text
        assert "--dates mdy" in said.option
        assert loaded(company, text, '[options]\ndates = "mdy"\n') == []


@pytest.mark.parametrize(
    ("zone", "value", "expected"),
    [
        ("Asia/Seoul", "2024-01-31 16:00:00", [("utc_starts_at", 1, 0.0)]),
        ("Asia/Seoul", "2024-01-31T16:00:00Z", []),
        ("Asia/Seoul", "2024-01-31", []),
        ("UTC", "2024-01-31 16:00:00", []),
    ],
)
def test_a_header_that_speaks_of_utc(
    zone: str, value: str, expected: list[tuple[str, int, float]], tmp_path: Path
) -> None:
    text = f"subscription_id,account_id,amount,Started At UTC\ns1,a,9.50,{value}\n"
    columns = '[columns]\n"Started At UTC" = "starts_at"\n'
    with create(tmp_path / "project", timezone=zone) as company:
        assert loaded(company, text, columns) == expected
        assert loaded(company, text, f'[options]\ntimezone = "UTC"\n{columns}') == []


def test_a_doubt_goes_with_its_load(tmp_path: Path) -> None:
    with create(tmp_path / "project") as company:
        text = f"{HEAD}\ns1,a,Pro,,9.50,2024-01-01\n"
        assert loaded(company, text) == [("interval_unsaid", 1, 9.5)]
        undo(company.lake, company.config, None, now=NOW)
        company.refresh()
        assert company.doubts() == ()


def test_years_that_cost_no_more_than_months_are_perhaps_months_prices(tmp_path: Path) -> None:
    """Five years at 7 are 5 × 7 / 12 = 2.92 a month; at 70 a year nothing is odd."""
    months = "".join(f"m{n},m{n},Pro,month,10,2024-01-01\n" for n in range(5))
    for price, found in ((7, [("years_at_month_prices", 5, 2.92)]), (70, [])):
        years = "".join(f"y{n},y{n},Pro,year,{price},2024-01-01\n" for n in range(5))
        with create(tmp_path / f"at-{price}") as company:
            assert loaded(company, f"{HEAD}\n{months}{years}") == found
