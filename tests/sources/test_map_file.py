"""A mapping proposed for a file, errors that say what would fix them, and kept mappings."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from staycurve.errors import LoadError
from staycurve.interfaces.cli.app import app
from staycurve.sources.guessing import by_header
from staycurve.sources.mapping import parse_mapping
from staycurve.sources.options import ReadOptions
from staycurve.sources.writing_maps import mapping_text
from staycurve.tables.subscriptions import SUBSCRIPTIONS
from staycurve.workspace.trying import settings_alone
from tests.sources.company import Company, counts

GERMAN = """
    Abo;Customer Description;Customer;Amount;Start Date;End Date;Note
    s1;A long text about Acme;acme;1.234,50;31/01/2024;;x
    s2;A long text about Bolt;bolt;99,00;28/02/2024;NULL;y
    s3;Another;core;10,00;15/03/2024;;z
    """


def ran(tmp_path: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["--project", str(tmp_path / "company"), *words])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    ran(tmp_path, "init")
    return tmp_path


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")
    return str(path)


def test_columns_are_guessed_by_headers_and_by_what_their_values_can_be(project: Path) -> None:
    text = GERMAN.replace("Abo", "Subscription ID")
    file = written(project, "billing.csv", text)
    found = json.loads(ran(project, "map", file, "--format", "json").stdout)
    assert {one["column"]: one["feeds"] for one in found["columns"]} == {
        "Subscription ID": "subscription_id", "Customer Description": None,
        "Customer": "account_id", "Amount": "amount", "Start Date": "starts_at",
        "End Date": "ends_at", "Note": None,
    }
    assert found["table"] == "subscriptions"
    assert found["columns"][3]["samples"] == ["1.234,50", "99,00", "10,00"]
    assert (found["rows"], found["accepted"]) == (3, 0)
    assert [(one["column"], one["rows"]) for one in found["rules"]] == [("amount", 3)]
    assert found["rules"][0]["examples"][0] == {"line": 2, "value": "1.234,50"}
    # The only way in which all of it can be read: 99,00 with a sign of thousands would be 9900.
    assert [(one["toml"], one["rows"]) for one in found["options"]] == [
        ('dates = "dmy", decimal = ",", thousands = ".", empty = ["NULL"]', 3)
    ]


def test_the_only_option_that_fixes_most_rows_is_taken_and_kept(project: Path) -> None:
    """1,234.50 + 99 + 10, read as the file means them, is 1,343.50 in March."""
    file = written(project, "billing.csv", GERMAN.replace("Abo", "Subscription ID"))
    kept = ran(project, "map", file, "--fix", "--write", str(project / "billing.toml"))
    assert kept.exit_code == 0
    loaded = ran(project, "load", file)
    assert "accepted 3, replaced 0, rejected 0" in loaded.stdout
    shown = ran(project, "show", "mrr", "--from", "2024-03", "--to", "2024-03", "--format", "json")
    assert json.loads(shown.stdout)["rows"][0]["value"] == 1343.5


def test_a_header_that_reads_like_an_id_is_none_where_its_values_are_prices(project: Path) -> None:
    file = written(project, "subscriptions.csv", "sub,customer,start\n1.50,9.99,2024-01-01\n")
    found = json.loads(ran(project, "map", file, "--format", "json").stdout)
    assert [one["feeds"] for one in found["columns"]] == [None, None, "starts_at"]
    assert found["missing"] == ["subscription_id", "account_id"]
    refused = ran(project, "map", file, "--write", str(project / "m.toml"))
    assert refused.exit_code != 0
    assert not (project / "m.toml").exists()


def test_a_kept_mapping_is_found_again_by_the_headers(project: Path) -> None:
    text = (
        "Nr,Kunde,Wert,Start\n" "s1,acme,100,2024-01-01\n"
    )
    mapping = project / "kunden.toml"
    mapping.write_text(
        'table = "subscriptions"\n[columns]\nNr = "subscription_id"\nKunde = "account_id"\n'
        'Wert = "amount"\nStart = "starts_at"\n'
    )
    file = written(project, "daten.csv", text)
    assert ran(project, "load", file).exit_code != 0
    kept = ran(project, "map", file, "--map", str(mapping), "--write", str(project / "own.toml"))
    assert kept.exit_code == 0
    assert (project / "own.toml").read_text() == (
        project / "company" / "mappings" / "own.toml"
    ).read_text()
    loaded = ran(project, "load", file)
    assert "accepted 1, replaced 0, rejected 0" in loaded.stdout
    assert "--map own" in loaded.stdout
    shown = ran(project, "show", "mrr", "--from", "2024-01", "--to", "2024-01", "--format", "json")
    assert json.loads(shown.stdout)["rows"][0]["value"] == 100.0


def test_a_proposal_loads_nothing_and_shows_the_mrr_of_the_file_alone(project: Path) -> None:
    own = written(
        project, "subscriptions.csv",
        "subscription_id,account_id,amount,starts_at\ns9,zeta,7,2024-01-01\n",
    )
    ran(project, "load", own)
    file = written(
        project, "more_subscriptions.csv",
        "subscription_id,account_id,amount,starts_at\ns1,acme,100,2024-01-01\ns2,b,-1,2024-01-01\n"
        "s3,core,10,2024-03-01\n",
    )
    found = json.loads(ran(project, "map", file, "--format", "json").stdout)
    assert found["loads"] == [
        {"table": "subscriptions", "accepted": 2, "replaced": 0, "rejected": 1}
    ]
    assert [row["value"] for row in found["mrr"]] == [100.0, 100.0, 110.0]
    assert found["rules"] == [
        {"column": "amount", "rule": "is negative", "rows": 1,
         "examples": [{"line": 3, "value": "-1"}]},
    ]
    tables = json.loads(ran(project, "loads", "--format", "json").stdout)["rows"]
    assert len(tables) == 1


def test_a_file_that_is_refused_whole_says_what_would_fix_it(company: Company) -> None:
    text = GERMAN.replace("Abo", "subscription_id").replace("Customer;", "account_id;").replace(
        "Start Date", "starts_at").replace("End Date", "ends_at")
    with pytest.raises(LoadError) as caught:
        company.load("subscriptions.csv", text)
    assert caught.value.message.startswith("None of the 3 rows of subscriptions.csv could be")
    assert caught.value.hint == (
        'dates = "dmy", decimal = ",", thousands = ".", empty = ["NULL"] (in a mapping, below '
        "[options]) would fix 3 of 3 rows."
    )
    assert caught.value.details[0] == (
        "3 × amount is not an amount of money   (line 2: 1.234,50, line 3: 99,00, line 4: 10,00)"
    )
    report = company.load(
        "subscriptions.csv", text,
        options=ReadOptions(dates="dmy", decimal=",", thousands=".", empty=("NULL",)),
    )
    assert counts(report) == (3, 0, 0)


def test_two_options_that_fit_alike_are_both_named(company: Company) -> None:
    with pytest.raises(LoadError) as caught:
        company.load(
            "subscriptions.csv",
            "subscription_id,account_id,amount,starts_at\ns1,a,5,01/02/2024\ns2,b,5,03/04/2024\n",
        )
    said = [line for line in caught.value.details if "would fix" in line]
    assert said == [
        "--dates dmy would fix 2 of 2 rows", "--dates mdy would fix 2 of 2 rows",
    ]


def test_a_written_mapping_is_read_as_the_same() -> None:
    text = """
        table = "payments"
        only_if = "Sub"
        [recognise]
        all = ["Id", "When", "State", "Sub", "no \\"quotes\\""]
        [options]
        timezone = "UTC"
        empty = ["NULL", "\\\\N"]
        [columns]
        Id = ["payment_id", "invoice_id"]
        When = "paid_at"
        Sub = "subscription_id"
        "no \\"quotes\\"" = ""
        [values.currency]
        euro = "EUR"
        [defaults]
        currency = "EUR"
        [lookup.account_id]
        from = "subscriptions"
        by = "subscription_id"
        column = "Sub"
        [when.paid_at]
        column = "State"
        is = ["paid"]
        [[also]]
        table = "leads"
        [also.columns]
        Id = "lead_id"
        [also.key]
        from = ["Id"]
        """
    mapping = parse_mapping(text, "m")
    headers = ["Id", "When", "State", "Sub", 'no "quotes"', "currency"]
    again = mapping_text(mapping, table="payments", headers=headers)
    read = parse_mapping(again, "m")
    assert read.main == mapping.main
    assert read.also == mapping.also
    assert read.options == mapping.options
    assert tomllib.loads(again)["recognise"]["all"] == headers


def test_headers_mean_a_column_by_its_name_or_one_that_tools_use() -> None:
    column = {one.name: one for one in SUBSCRIPTIONS.columns}
    assert by_header(column["account_id"], "Account ID") == 1.0
    assert by_header(column["account_id"], "Customer ID") > 0.8
    assert by_header(column["subscription_id"], "Customer Description") == 0
    assert by_header(column["account_id"], "Amount") == 0


def test_a_temporary_company_has_the_settings_and_no_places() -> None:
    text = (
        'engine = "spark"\nlake = "s3://b/p"\n[company]\nname = "A"\n[state]\nurl = "x"\n'
        '[sources.crm]\nkind = "file"\n[conventions]\npast_due_grace = "7d"\n'
    )
    assert settings_alone(text) == (
        '[company]\nname = "A"\n[conventions]\npast_due_grace = "7d"\n'
    )


def test_a_workbook_is_read_where_its_library_is_there(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staycurve.sources.workbook.can_read", lambda: False)
    with pytest.raises(LoadError) as caught:
        company.load("accounts.xlsx", b"PK\x03\x04")
    assert "is an Excel workbook, and what reads one is not installed" in caught.value.message
    assert "save it as CSV" in caught.value.hint
    assert "staycurve[xlsx]" in caught.value.hint


def test_a_workbook_gives_the_rows_of_its_sheet(company: Company) -> None:
    pytest.importorskip("python_calamine")
    from tests.sources.workbooks import book

    path = company.folder / "subscriptions.xlsx"
    path.write_bytes(book([
        ["subscription_id", "account_id", "amount", "starts_at"],
        ["s1", "a1", 100.5, "2024-01-01"],
    ]))
    report = company.load_all([path])[0]
    assert counts(report) == (1, 0, 0)
    assert company.rows("subscriptions", "account_id, amount") == [("a1", 100_500_000)]


def mapped(project: Path, name: str, text: str) -> Any:
    return json.loads(ran(project, "map", written(project, name, text), "--format", "json").stdout)


def test_a_month_s_amount_stays_one_however_often_is_billed(project: Path) -> None:
    """87 a month, billed by the quarter, is no 29; the headers repeat what a row is."""
    found = mapped(project, "raw_subscriptions.csv", """
        subscription_id,school_id,subscription_start_date,subscription_end_date,monthly_revenue,cycle
        s1,x,2024-01-01,2024-03-01,87,Quarterly
        s2,y,2024-01-01,,100,Annual
        """)
    assert {one["column"]: one["feeds"] for one in found["columns"]} == {
        "subscription_id": "subscription_id", "school_id": "account_id",
        "subscription_start_date": "starts_at", "subscription_end_date": "ends_at",
        "monthly_revenue": "amount", "cycle": None,
    }
    assert [row["value"] for row in found["mrr"]] == [187, 187, 100]


def test_one_row_an_account_is_one_subscription_and_a_header_may_name_a_currency(
    project: Path,
) -> None:
    found = mapped(project, "subscriptions.csv", """
        customer_id,plan,amount_eur,signup_date,churn_date
        c1,Pro,50,2024-01-10,2024-02-10
        c2,Pro,60,2024-01-10,
        """)
    assert found["columns"][0]["feeds"] == "account_id, subscription_id"
    assert tomllib.loads(found["toml"])["defaults"] == {"currency": "EUR"}
    assert found["accepted"] == 2
    twice = mapped(project, "subscriptions.csv", """
        customer_id,plan,amount_eur,signup_date
        c1,Pro,50,2024-01-10
        c1,Pro,60,2024-02-10
        """)
    assert twice["missing"] == ["subscription_id"]


def test_bills_with_the_last_day_as_an_end_are_lines_and_doubtful(project: Path) -> None:
    """29 a month: January's 1 to 31 reads as a month, February's 27 days as 29 / 27 a day."""
    bills = """
        invoice_id,customer_id,sub_id,billing_start_date,billing_end_date,amount_usd
        i1,c1,s1,2023-01-01,2023-01-31,29
        i2,c1,s1,2023-02-01,2023-02-28,29
        i3,c1,s1,2023-03-01,2023-03-31,29
        """
    found = mapped(project, "seeds_invoices.csv", bills)
    assert found["table"] == "invoice_lines"
    assert [(one["check"], one["count"], one["mrr"]) for one in found["doubts"]] == [
        ("periods_end_before_next", 2, 58)
    ]
    assert found["mrr"][1]["value"] == round(29 / 27 * 365 / 12, 6)
    mapping = project / "own.toml"
    mapping.write_text(found["toml"] + '\n[options]\nends = "inclusive"\n')
    ran(project, "load", "--map", str(mapping), str(project / "seeds_invoices.csv"))
    shown = json.loads(ran(project, "show", "mrr", "--format", "json").stdout)
    assert [row["value"] for row in shown["rows"]] == [29, 29, 29]
    assert "probably inclusive" not in ran(project, "doctor").stdout


def test_a_file_without_prices_says_so_beside_its_mrr(project: Path) -> None:
    found = mapped(project, "subscriptions.csv", """
        sub_id,customer_id,plan_id,start_date,status
        1,c1,3,2024-01-01,non_renewing
        """)
    assert [row["value"] for row in found["mrr"]] == [0]
    assert [one["check"] for one in found["doubts"]] == ["plan_without_price"]


def test_plans_are_named_as_the_loaded_subscriptions_name_them(project: Path) -> None:
    plans = "plan_id,plan_name,monthly_price\n1,Basic,10\n2,Pro,50\n"
    assert [one["feeds"] for one in mapped(project, "plans.csv", plans)["columns"]] == [
        "plan", None, "unit_amount",
    ]
    file = written(
        project, "subscriptions.csv",
        "subscription_id,account_id,plan,starts_at\ns1,a,Pro,2024-01-01\n",
    )
    ran(project, "load", file)
    assert [one["feeds"] for one in mapped(project, "plans.csv", plans)["columns"]] == [
        None, "plan", "unit_amount",
    ]


def test_a_plan_that_is_called_after_its_interval_says_that_too(project: Path) -> None:
    """9.99 a month, and 95.88 a year is 7.99 a month."""
    found = mapped(project, "subscriptions.csv", """
        subscription_id,user_id,plan_type,plan_value,start_date
        s1,a,Monthly,9.99,2024-01-01
        s2,b,Annual,95.88,2024-01-01
        """)
    assert {one["column"]: one["feeds"] for one in found["columns"]} == {
        "subscription_id": "subscription_id", "user_id": "account_id",
        "plan_type": "plan, interval", "plan_value": "amount", "start_date": "starts_at",
    }
    assert [row["value"] for row in found["mrr"]] == [17.98]
