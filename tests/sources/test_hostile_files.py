"""No row and no file stops a project: each is rejected by itself, in words, and the rest loads."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from staycurve.errors import LoadError, StaycurveError, UsageError
from staycurve.interfaces.cli.app import app
from staycurve.sources.files import FileReport, load_files
from staycurve.sources.options import ReadOptions
from staycurve.workspace import Company
from tests.company import NOW, create

HEAD = "subscription_id,account_id,starts_at,interval,amount"
GOOD = "s1,a,2024-01-01,month,10"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with create(tmp_path / "p") as made:
        yield made


def take(company: Company, path: Path, **options: str) -> FileReport:
    found = load_files(
        company.lake, company.config, [path], table="subscriptions",
        options=ReadOptions(**options), now=NOW,
    )
    company.refresh()
    return found[0]


def write(company: Company, text: str | bytes, name: str = "subscriptions.csv") -> Path:
    path = company.folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mrr(company: Company) -> float | None:
    rows = company.show("mrr", start="2024-01", end="2024-01", as_of="2024-02-01").rows
    assert len(rows) == 1
    found: float | None = rows[0]["value"]
    return found


def rules(company: Company) -> list[tuple[int, str, str]]:
    return [(row["line"], row["column"], row["rule"]) for row in company.rejects()]


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ("bad,b,2024-01-01,day,999999999999", "amount", "beyond 100,000,000,000,"),
        ("bad,b,2024-01-01,day,9999999999", "amount", "beyond 10,000,000,000 a month"),
        ("bad,b,2024-01-01,month,1e30", "amount", "beyond 100,000,000,000,"),
        ("bad,b,2024-01-01,month,1234567890123456789012345678901234567890", "amount", "beyond"),
    ],
)
def test_an_amount_that_no_sum_could_hold_is_rejected_alone(
    company: Company, row: str, column: str, words: str
) -> None:
    report = take(company, write(company, f"{HEAD}\n{GOOD}\n{row}\n"))
    assert (report.accepted, report.rejected) == (1, 1)
    assert [(line, own) for line, own, _ in rules(company)] == [(3, column)]
    assert words in rules(company)[0][2]
    assert mrr(company) == 10


def test_a_thousand_accounts_at_the_bound_still_add_up(company: Company) -> None:
    rows = [f"s{n},a{n},2024-01-01,month,10000000000" for n in range(1000)]
    report = take(company, write(company, "\n".join([HEAD, *rows])))
    assert report.accepted == 1000
    assert mrr(company) == 10_000_000_000 * 1000
    shown = company.show("arr", "nrr", "new_mrr", start="2024-01", end="2024-01")
    assert next(row["value"] for row in shown.rows) == 12 * 10_000_000_000 * 1000


def test_a_thousand_items_of_one_account_at_the_bound_do_not_stop_a_project(
    company: Company,
) -> None:
    rows = [f"x{n},big,2024-01-01,month,10000000000" for n in range(1000)]
    report = take(company, write(company, "\n".join([HEAD, GOOD, *rows])))
    assert (report.accepted, report.rejected) == (1, 1000)
    assert {(column, "beyond 1,000,000,000,000" in rule) for _, column, rule in rules(company)} == {
        ("amount", True)
    }
    assert mrr(company) == 10
    # With what is there already they are too much as well; what weighs nothing loads.
    few = [f"t{n},c,2024-01-01,month,10000000000" for n in range(60)]
    assert take(company, write(company, "\n".join([HEAD, *few]))).accepted == 60
    more = [f"u{n},c,2024-01-01,month,10000000000" for n in range(60)]
    report = take(company, write(company, "\n".join([HEAD, *more, "v,c,2024-01-01,month,5"])))
    assert (report.accepted, report.rejected) == (1, 60)
    assert mrr(company) == pytest.approx(10 + 600_000_000_000 + 5, abs=0.005)


def test_quantity_times_unit_amount_names_its_bound(company: Company) -> None:
    head = "subscription_id,account_id,starts_at,quantity,unit_amount"
    text = f"{head}\ns1,a,2024-01-01,1000000,1000000\ns2,b,2024-01-01,2,5\n"
    report = take(company, write(company, text))
    assert (report.accepted, report.rejected) == (1, 1)
    (line, column, rule), = rules(company)
    assert (line, column) == (2, "unit_amount")
    assert "times quantity 1000000" in rule.replace(",", "").replace(".000000", "")
    assert mrr(company) == 10


def test_a_whole_number_beyond_a_billion_is_rejected(company: Company) -> None:
    path = write(company, "day,channel,kind,count\n2024-01-01,web,visits,99999999999\n"
                 "2024-01-02,web,visits,1000000000\n", "reach.csv")
    report, = load_files(company.lake, company.config, [path], now=NOW)
    assert (report.accepted, report.rejected) == (1, 1)
    assert "beyond 1,000,000,000" in rules(company)[0][2]


def test_an_events_number_beyond_all_measure_counts_as_none(tmp_path: Path) -> None:
    with create(tmp_path / "p") as company:
        path = company.folder / "staycurve.toml"
        path.write_text(path.read_text() + '\n[usage]\ncount = "n"\n')
        company = Company(company.folder, clock=lambda: NOW)
        take(company, write(company, f"{HEAD}\n{GOOD}\n"))
        events = "event_id,account_id,user_id,event,occurred_at,n\n" + "".join(
            f"e{place},a,u,view,2024-01-0{place + 1},{n}\n"
            for place, n in enumerate(("1e300", "inf", "nan", "3", "99999999999999999999"))
        )
        load_files(company.lake, company.config, [write(company, events, "events.csv")], now=NOW)
        company.refresh()
        with company.reading() as engine:
            uses = [row[0] for row in engine.rows("SELECT uses FROM usage_days ORDER BY day")]
        assert uses == [1, 1, 1, 3, 1]


@pytest.mark.parametrize("place", ["value", "key"])
@pytest.mark.parametrize("is_array", [False, True])
def test_a_lone_surrogate_costs_its_own_row(
    company: Company, place: str, is_array: bool
) -> None:
    good = '{"subscription_id":"s1","account_id":"a","starts_at":"2024-01-01","amount":10}'
    bad = good.replace('"s1"', '"a\\ud800"') if place == "value" else good.replace(
        "{", '{"\\ud800":1,'
    )
    text = f"[{good},\n{bad}]" if is_array else f"{good}\n{bad}\n"
    name = "subscriptions.json" if is_array else "subscriptions.ndjson"
    report = take(company, write(company, text, name))
    assert (report.accepted, report.rejected) == (1, 1)
    assert rules(company)[0][0] == 2
    assert "surrogate" in rules(company)[0][2]
    assert mrr(company) == 10


def test_a_whole_surrogate_pair_is_a_letter(company: Company) -> None:
    text = (
        '{"subscription_id":"\\ud83d\\ude00","account_id":"a","starts_at":"2024-01-01",'
        '"amount":1}'
    )
    assert take(company, write(company, text, "subscriptions.ndjson")).accepted == 1


@pytest.mark.parametrize("name", ["subscriptions.csv", "subscriptions.ndjson"])
def test_one_bad_byte_costs_its_line(company: Company, name: str) -> None:
    if name.endswith("csv"):
        text = f"{HEAD}\n{GOOD}\ns2,\xff,2024-01-01,month,5\n".encode("latin-1")
        line = 3
    else:
        row = {"subscription_id": "s1", "account_id": "a", "starts_at": "2024-01-01", "amount": 10}
        text = json.dumps(row).encode() + b'\n{"subscription_id":"\xff"}\n'
        line = 2
    report = take(company, write(company, text, name))
    assert (report.accepted, report.rejected) == (1, 1)
    assert rules(company)[0][0] == line
    assert "0xff" in rules(company)[0][2]
    assert mrr(company) == 10


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"a,b\n1,2\n"), "packed with gzip"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"%PDF-1.7 ...", "PDF"),
        (f"{HEAD}\n{GOOD}\n".encode("utf-16-le"), "--encoding utf-16-le"),
        (f"{HEAD}\n{GOOD}\n".encode("utf-16-be"), "--encoding utf-16-be"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel workbook"),
    ],
    ids=["gzip", "html", "pdf", "utf-16-le", "utf-16-be", "xls"],
)
def test_what_is_no_csv_is_said_as_what_it_is(
    company: Company, content: bytes, words: str
) -> None:
    with pytest.raises(LoadError) as caught:
        take(company, write(company, content))
    assert words in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("name", "inside", "words"),
    [("subscriptions.csv", "xl/workbook.xml", "Excel workbook"),
     ("subscriptions.csv", "subscriptions.csv", "zip archive"),
     ("subscriptions.zip", "subscriptions.csv", "zip archive")],
)
def test_a_zip_is_said_by_what_it_holds(
    company: Company, name: str, inside: str, words: str
) -> None:
    path = company.folder / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(inside, "x")
    with pytest.raises(LoadError, match=words):
        take(company, path)


def test_a_parquet_file_named_csv_and_a_cut_off_one(company: Company) -> None:
    path = company.folder / "subscriptions.csv"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(LoadError, match="is a Parquet file"):
        take(company, path)
    cut = write(company, path.read_bytes()[:40], "subscriptions.parquet")
    with pytest.raises(LoadError, match="not a whole Parquet file"):
        take(company, cut)


@pytest.mark.parametrize(
    ("end", "options"),
    [
        ("9999-12-31", {}), ("9999-12-31T23:59:59", {}), ("9999-12-31 00:00:00+00:00", {}),
        ("9999-12-31T23:59:59.999999Z", {}), ("infinity", {}), ("Infinity", {}),
        ("31/12/9999", {"dates": "dmy"}), ("12/31/9999", {"dates": "mdy"}),
        ("2958465", {"dates": "spreadsheet"}), ("2958465.99999", {"dates": "spreadsheet"}),
    ],
)
def test_the_last_day_of_9999_is_never(
    company: Company, end: str, options: dict[str, str]
) -> None:
    start = {"dmy": "01/01/2024", "mdy": "01/01/2024", "spreadsheet": "45292"}.get(
        options.get("dates", ""), "2024-01-01"
    )
    text = f"{HEAD},ends_at\ns1,a,{start},month,10,{end}\n"
    report = take(company, write(company, text), **options)
    assert (report.accepted, report.rejected) == (1, 0)
    with company.reading() as engine:
        assert engine.rows("SELECT ends_at FROM subscriptions") == [(None,)]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("2999-01-01", "outside the years 1900 to 2199"),
        ("0024-01-01", "outside the years 1900 to 2199"),
        ("9999-12-31", "outside the years"),
        ("2024-01-01T00:00:00+99:00", "is not an instant"),
        ("2024-01-01T00:00:00+15:00", "is not an instant"),
        ("2024-13-01", "is not an instant"),
    ],
)
def test_a_far_day_is_far_and_no_offset_is_none(
    company: Company, start: str, words: str
) -> None:
    report = take(company, write(company, f"{HEAD}\n{GOOD}\ns2,b,{start},month,10\n"))
    assert (report.accepted, report.rejected) == (1, 1)
    assert words in rules(company)[0][2]


def test_an_empty_complete_export_removes_nothing_unless_asked(company: Company) -> None:
    path = write(company, f"{HEAD}\n{GOOD}\n")
    take(company, path)
    path.write_text(f"{HEAD}\n")

    def run(*words: str) -> Result:
        return CliRunner().invoke(
            app, ["--project", str(company.folder), "load", str(path), "--replace", *words]
        )

    refused = run()
    assert isinstance(refused.exception, LoadError)
    assert "--allow-empty" in refused.exception.hint
    assert mrr(company) == 10
    assert run("--allow-empty").exit_code == 0
    assert company.lake.rows(company.snapshot, "subscriptions") == 0


@pytest.mark.parametrize("end", ["", '"'])
def test_a_quote_over_twenty_megabytes_is_named_by_its_line(company: Company, end: str) -> None:
    row = f'"s2{"x" * 20_000_000}{end},b,2024-01-01,month,5'
    text = f"{HEAD}\n{GOOD}\n{row}\ns3,c,2024-01-01,month,7\n"
    report = take(company, write(company, text))
    assert (report.accepted, report.rejected) == (2, 1)
    assert rules(company)[0][0] == 3
    assert "more than 1,048,576 characters" in rules(company)[0][2]
    assert mrr(company) == 17


def test_an_object_over_the_bound_is_rejected_alone(company: Company) -> None:
    row = {"subscription_id": "s1", "account_id": "a", "starts_at": "2024-01-01", "amount": 10}
    long = json.dumps(row | {"subscription_id": "s2", "plan": "x" * 2_000_000})
    report = take(company, write(company, f"{json.dumps(row)}\n{long}\n", "subscriptions.ndjson"))
    assert (report.accepted, report.rejected) == (1, 1)
    assert "more than 1,048,576 characters" in rules(company)[0][2]


def test_rows_too_wide_for_the_memory_leave_the_other_files(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from staycurve.errors import MemoryLimitError
    from staycurve.tables import arrivals

    store = arrivals.store

    def full(engine: object, sql: str, target: Path) -> None:
        if "x_extras" in sql:
            raise MemoryLimitError("full")
        store(engine, sql, target)  # type: ignore[arg-type]

    monkeypatch.setattr(arrivals, "store", full)
    wide = write(company, "account_id,c\na,1\n", "accounts.csv")
    good = write(company, f"{HEAD}\n{GOOD}\n")
    reports = load_files(company.lake, company.config, [wide, good], now=NOW)
    company.refresh()
    assert [bool(report.error) for report in reports] == [True, False]
    assert "too wide" in str(reports[0].error)
    assert mrr(company) == 10


@pytest.mark.parametrize("encoding", ["rot13", "hex", "base64", "nonsense", "undefined"])
def test_a_codec_that_is_no_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(UsageError, match="Unknown encoding"):
        ReadOptions(encoding=encoding)


@pytest.mark.parametrize("name", ["subscriptions\n.csv", "sub\\scriptions subscriptions.csv",
                                  "[subscriptions]*.csv", "subscriptions%20.csv"])
def test_a_path_with_odd_signs_loads(company: Company, name: str) -> None:
    assert take(company, write(company, f"{HEAD}\n{GOOD}\n", name)).accepted == 1


def test_a_file_that_fails_leaves_the_others(company: Company) -> None:
    good = write(company, f"{HEAD}\n{GOOD}\n")
    bad = write(company, gzip.compress(b"x"), "accounts.csv")
    folder = company.folder / "users.csv"
    folder.mkdir()
    (folder / "users.csv").write_text("user_id,account_id\nu,a\n")
    reports = load_files(
        company.lake, company.config, [bad, good, company.folder / "gone.csv"], now=NOW
    )
    company.refresh()
    assert sorted(bool(report.error) for report in reports) == [False, True, True]
    assert all(isinstance(r.error, StaycurveError) for r in reports if r.error)
    assert mrr(company) == 10


def test_columns_by_the_thousand_load_in_proportion(company: Company) -> None:
    names = [f"c{n}" for n in range(4000)]
    path = write(company, "account_id," + ",".join(names) + "\na," + ",".join(["1"] * 4000) + "\n",
                 "accounts.csv")
    report, = load_files(company.lake, company.config, [path], now=NOW)
    assert report.accepted == 1
