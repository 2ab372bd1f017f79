"""Exports of other tools: known by their headers, loaded as their documentation says."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from staycurve.errors import LoadError
from staycurve.interfaces.cli.app import app
from staycurve.sources.exports import fitting, mapping_named, ready_exports
from staycurve.sources.mapping import Recognise, parse_mapping
from staycurve.sources.options import ReadOptions
from staycurve.sources.recognising import headers_of
from tests.sources.company import Company, counts
from tests.sources.samples_of_exports import SAMPLES, Sample

FOLDER = files("staycurve.sources.exports")
FILES = sorted(one.name for one in FOLDER.iterdir() if one.name.endswith(".toml"))


@pytest.mark.parametrize("sample", SAMPLES, ids=[one.name for one in SAMPLES])
def test_an_export_is_known_by_its_headers_and_loads(company: Company, sample: Sample) -> None:
    for name, text in sample.before.items():
        company.load(name, text, known=ready_exports())
    export = next(one for one in ready_exports() if one.name == sample.name)
    path = company.write(sample.file, sample.text)
    reports = company.load_all([path], known=ready_exports())
    assert [counts(report) for report in reports] == sample.counts
    assert reports[0].notes[0] == f"looks like {export.title}: --map {sample.name}"
    assert company.rows(export.table, sample.columns) == sample.rows


def test_every_ready_mapping_has_a_sample() -> None:
    loading = [one.name for one in ready_exports() if not one.unused]
    assert loading == sorted(one.name for one in SAMPLES)


@pytest.mark.parametrize(("name", "headers", "reason"), [
    ("chartmogul-plans", "Name,Interval unit,Interval count,External ID", "and no price"),
    ("chartmogul-cancellations", "Customer external ID,Subscription external ID,Cancelled at,x",
     "ends when the last period that was billed does"),
])
def test_an_export_of_which_nothing_is_loaded_says_why(
    company: Company, name: str, headers: str, reason: str
) -> None:
    path = company.write("export.csv", f"{headers}\na,b,c,d\n")
    with pytest.raises(LoadError) as caught:
        company.load_all([path], known=ready_exports())
    assert caught.value.message.startswith(f"export.csv is a ChartMogul {name[11:]} export, of")
    assert reason in caught.value.message
    with pytest.raises(LoadError, match="of which nothing is loaded"):
        mapping_named(name)


@pytest.mark.parametrize("name", FILES)
def test_a_ready_mapping_says_what_it_is_and_where_its_names_come_from(name: str) -> None:
    raw = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert raw["about"]
    assert raw["recognise"]["all"]
    told = raw["export"]
    assert told["tool"]
    assert all(address.startswith("https://") for address in told["source"])
    assert told["source"]
    assert isinstance(told["is_verified"], bool)
    assert told["verified"].endswith(".")
    if not told["is_verified"]:
        assert "could not be seen" in told["verified"] or "was not" in told["verified"]


def test_no_file_of_one_export_is_taken_for_another(tmp_path: Path) -> None:
    for sample in SAMPLES:
        path = tmp_path / sample.file
        path.write_text(sample.text, encoding="utf-8")
        found = fitting(headers_of(path, ReadOptions()), ready_exports())
        assert [one.name for one in found] == [sample.name]


def test_a_file_that_is_two_exports_is_refused_with_both_named(company: Company) -> None:
    text = (
        "subscriptions.id,subscriptions.plan_id,subscriptions.status,invoices.id,"
        "invoices.customer_id,invoices.status,invoices.total\n1,p,active,2,c,paid,3\n"
    )
    with pytest.raises(LoadError) as caught:
        company.load("both.csv", text, known=ready_exports())
    assert caught.value.message == (
        "both.csv looks like more than one known export: chargebee-invoices, "
        "chargebee-subscriptions."
    )
    assert caught.value.hint.startswith("Say which: --map chargebee-invoices")


def test_a_file_of_ours_is_never_taken_for_an_export(company: Company) -> None:
    text = (
        "event,occurred_at,properties,uuid,distinct_id,timestamp\n"
        "opened,2024-01-01,{},x,y,2030-01-01\n"
    )
    report = company.load("events.csv", text, known=ready_exports())
    assert counts(report) == (1, 0, 0)
    assert not any("looks like" in note for note in report.notes)
    assert company.rows("events", "event, strftime(occurred_at, '%Y')") == [("opened", "2024")]


def test_a_stated_table_or_mapping_goes_before_the_headers(company: Company) -> None:
    text = "Record ID,Company name,Create Date\n1,Acme,2024-01-01\n"
    report = company.load(
        "x.csv", text, mapping='table = "leads"\n[columns]\n"Record ID" = "lead_id"\n'
        '"Create Date" = "created_at"\n', known=ready_exports(),
    )
    assert report.table == "leads"
    assert not any("looks like" in note for note in report.notes)


def test_columns_that_an_export_leaves_out_are_passed_over(company: Company) -> None:
    text = "Record ID,Deal Name,Create Date,Close Date\n1,Acme,2024-01-01,2024-02-01\n"
    company.load("deals.csv", text, known=ready_exports())
    # Nothing says that it is won: the day on which it closes is no day on which it was won.
    assert company.rows("leads", "lead_id, won_at, lost_at") == [("1", None, None)]


def test_a_column_that_counts_in_some_rows_alone(company: Company) -> None:
    company.load(
        "payments.csv",
        "payment_id,account_id,Amount,When,Status\n1,a,5,2024-01-01,PAID \n2,a,5,2024-01-02,open\n",
        mapping='[columns]\nWhen = "paid_at"\n[when.paid_at]\ncolumn = "Status"\nis = ["paid"]\n',
    )
    assert company.rows("payments", "payment_id, strftime(paid_at, '%d')") == [
        ("1", "01"), ("2", None),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[when.paid_at]\ncolumn = "x"\n', "lacks 'is'"),
        ('[when.paid_at]\nis = ["x"]\n', "lacks 'column'"),
        ('[when.paid_at]\ncolumn = "x"\nis = "y"\n', "is a list of texts"),
        ('[recognise]\nall = "x"\n', "is a list of texts"),
        ('[recognise]\nevery = ["x"]\n', "Unknown key 'every'"),
    ],
)
def test_slips_in_the_new_sections_are_named(text: str, words: str) -> None:
    with pytest.raises(LoadError) as caught:
        parse_mapping(text, "m.toml")
    assert words in caught.value.message


def test_headers_are_compared_without_case_and_blanks() -> None:
    known = Recognise(all=("Id", "Name"), any=("A", "B"), none=("C",))
    assert known.fits([" id", "NAME ", "b"])
    assert not known.fits(["id", "name"])
    assert not known.fits(["id", "name", "a", "c"])
    assert not Recognise().fits(["id"])


def test_a_path_goes_before_a_name(tmp_path: Path) -> None:
    path = tmp_path / "stripe-payments"
    path.write_text('table = "accounts"\n')
    assert mapping_named(str(path)).main.table == "accounts"
    assert mapping_named("stripe-payments").main.table == "payments"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(LoadError) as caught:
        mapping_named("strip-subscriptions")
    assert "Did you mean 'stripe-subscriptions'?" in caught.value.message
    assert "staycurve maps" in caught.value.hint


def test_the_command_line_loads_an_export_and_its_mrr_is_that_of_the_file(tmp_path: Path) -> None:
    """2 × 50 a month from January; 1200 a year, after the trial, from February until May."""
    stripe = next(one for one in SAMPLES if one.name == "stripe-subscriptions")
    file = tmp_path / "export.csv"
    file.write_text(stripe.text, encoding="utf-8")
    project = ["--project", str(tmp_path / "company")]
    run = CliRunner()
    assert run.invoke(app, [*project, "init"]).exit_code == 0
    loaded = run.invoke(app, [*project, "load", str(file)])
    assert "looks like a Stripe subscriptions export: --map stripe-subscriptions" in loaded.stdout
    shown = run.invoke(
        app, [*project, "show", "mrr", "--from", "2024-01", "--to", "2024-05", "--format", "json"]
    )
    values = {row["period"]: row["value"] for row in json.loads(shown.stdout)["rows"]}
    assert values == {
        "2024-01-01": 100.0, "2024-02-01": 200.0, "2024-03-01": 200.0, "2024-04-01": 200.0,
        "2024-05-01": 100.0,
    }


def test_maps_lists_what_is_known_and_what_was_verified(tmp_path: Path) -> None:
    project = ["--project", str(tmp_path / "company")]
    run = CliRunner()
    run.invoke(app, [*project, "init"])
    rows = json.loads(run.invoke(app, [*project, "maps", "--format", "json"]).stdout)["rows"]
    assert [row["name"] for row in rows] == [one.name for one in ready_exports()]
    stripe = next(row for row in rows if row["name"] == "stripe-payments")
    assert (stripe["table"], stripe["is_verified"]) == ("payments", True)
    assert stripe["source"][0].startswith("https://")
