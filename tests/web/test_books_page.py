"""The page /books: what changed in a closed month, by which load, and sums that hold."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.insights.books import restating
from staycurve.interfaces.api.app import create_app
from tests.books.keeping import Bookkeeper
from tests.web.reading import links

HTML = {"Accept": "text/html"}
HEAD = "subscription_id account_id starts_at ends_at amount"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bookkeeper]:
    """January and February closed, then changed by a load, an adjustment, and a load undone.

    Loads: 1 the first file, 2 a late span, 3 an adjustment, 4 taken back by 5.
    """
    books = Bookkeeper(tmp_path_factory.mktemp("books"))
    books.load(subscriptions=f"""{HEAD}
        s1 acme 2024-01-01 - 100
        s2 bolt 2024-01-05 - 60
        s3 crux 2024-02-03 - 40
        s4 dune 2024-03-02 - 30""")
    books.company.books.close("2024-01")
    books.company.books.close("2024-02")
    books.load(subscriptions=f"""{HEAD}
        s5 acme 2024-02-10 - 25
        s6 echo 2024-02-12 - 7.5""")
    books.company.books.adjust(
        "subscriptions", key={"subscription_id": "s2", "starts_at": "2024-01-05"},
        values={"amount": "55"}, author="Ana", reason="Letter of <3 March>",
    )
    books.load(subscriptions=f"{HEAD}\n s9 fern 2024-01-20 - 1000")
    books.undo()
    yield books
    books.company.close()


@pytest.fixture
def client(kept: Bookkeeper) -> TestClient:
    return TestClient(create_app(kept.company), raise_server_exceptions=False)


def panels(client: TestClient, query: str = "") -> dict[str, dict[str, Any]]:
    answer = client.get(f"/books.json{query}")
    assert answer.status_code == 200, answer.text
    return {panel["name"]: panel for panel in answer.json()["panels"]}


def test_a_restated_figure_by_hand(client: TestClient) -> None:
    # February: 200 was closed. Then acme + 25, echo + 7.5, bolt − 5.
    found = panels(client)["restated"]
    assert found["month"] == "2024-02"
    mrr = next(row for row in found["figures"] if row["metric"] == "mrr")
    assert (mrr["closed"], mrr["now"], mrr["difference"]) == (200, 227.5, 27.5)
    assert mrr["reasons"] == [
        {"loads": [2], "difference": 32.5, "accounts": 2},
        {"loads": [3], "difference": -5, "accounts": 1},
    ]


def test_the_parts_of_every_cause_sum_to_the_difference(client: TestClient) -> None:
    for month in ("2024-01", "2024-02"):
        figures = panels(client, f"?month={month}")["restated"]["figures"]
        assert figures
        for figure in figures:
            parts = [reason["difference"] for reason in figure["reasons"]]
            if None not in parts:
                assert sum(parts) == pytest.approx(figure["difference"], abs=1e-9)


def test_a_figure_that_no_account_has_names_the_loads_behind_it(client: TestClient) -> None:
    figures = {row["metric"]: row for row in panels(client)["restated"]["figures"]}
    assert figures["customers"]["difference"] == 1
    # The load that was taken back, and the one that took it back, changed nothing.
    assert figures["customers"]["reasons"] == [
        {"loads": [2, 3], "difference": None, "accounts": 0}
    ]


def test_the_page_says_who_changed_what_and_why(client: TestClient) -> None:
    html = client.get("/books").text
    assert "load 2, subscriptions.csv" in html
    assert "adjustment 3 by Ana" in html
    assert "Letter of &lt;3 March&gt;" in html
    assert "<3 March>" not in html
    assert "subscriptions added s5, 2024-02-10" in html
    assert "undone by load 5" in html
    assert "staycurve close 2024-03" in html


def test_the_first_page_is_that_of_the_last_month(client: TestClient) -> None:
    html = client.get("/books").text
    assert '<option value="2024-02" selected>' in html
    january = client.get("/books?month=2024-01").text
    assert '<option value="2024-01" selected>' in january
    assert "adjustment 3 by Ana" in january
    assert "load 2, subscriptions.csv</a>: " not in january


def test_every_difference_opens_into_the_accounts_that_make_it(client: TestClient) -> None:
    html = client.get("/books").text
    found = [x for x in links(html) if "metric=" in x.href and x.href.endswith("#changed")
             and x.text[:1] in "+−"]
    assert len(found) > 4
    for link in found:
        panel = panels(client, "?" + link.href.partition("?")[2].partition("#")[0])["changed"]
        assert sum(row["difference"] for row in panel["rows"]) == panel["total"]
        shown = float(link.text.replace("−", "-").replace(",", ""))
        assert panel["total"] == pytest.approx(shown)
        page = client.get(link.href.partition("#")[0]).text
        assert f"data-sum>{link.text}<" in page


def test_both_values_open_as_of_the_closing(client: TestClient) -> None:
    closed, now = (
        link for link in links(client.get("/books").text)
        if "metric=mrr&period=2024-02" in link.href and link.href.startswith("/accounts")
    )
    assert (closed.text, now.text) == ("200.00", "227.50")
    for link in (closed, now):
        assert "as_of=2024-03-03" in link.href
        page = client.get(link.href).text
        assert f"data-total>{link.text}<" in page
    # The closed one is read from what was loaded then.
    assert "With the data as it was loaded at" in client.get(closed.href).text
    assert "With the data as it was loaded at" not in page


def test_every_closed_month_is_listed_with_what_changed(client: TestClient) -> None:
    html = client.get("/books").text
    assert 'id="months"' in html
    (late,) = re.findall(r'hx-get="([^"]*)" hx-target="#months"', html)
    asked = {"HX-Request": "true", "HX-Target": "months"}
    part = client.get(late.replace("&amp;", "&"), headers=asked).text
    assert part.index(">Feb 2024<") < part.index(">Jan 2024<")
    assert [row["accounts_changed"] for row in panels(client)["months"]["rows"]] == [1, 3]


def test_loads_and_adjustments_are_those_of_the_commands(client: TestClient) -> None:
    found = panels(client)
    loads = found["loads"]["rows"]
    assert [(row["load"], row["kind"], row["accepted"]) for row in loads] == [
        (1, "load", 4), (2, "load", 2), (3, "adjust", 0), (4, "load", 1), (5, "undo", 0)
    ]
    assert loads[3]["undone_by"] == 5
    (adjusted,) = found["adjustments"]["rows"]
    assert (adjusted["author"], adjusted["reason"]) == ("Ana", "Letter of <3 March>")
    assert (adjusted["column"], adjusted["value"], adjusted["state"]) == (
        "amount", "55", "in force"
    )


def test_older_loads_have_addresses(client: TestClient) -> None:
    html = client.get("/books?loads_to=2").text
    assert 'id="load-2"' in html
    assert 'id="load-3"' not in html


def test_csv_names_the_causes(client: TestClient) -> None:
    def sheet(panel: str) -> list[dict[str, str]]:
        text = client.get(f"/books?format=csv&panel={panel}").text
        return list(csv.DictReader(io.StringIO(text)))

    (mrr,) = [r for r in sheet("restated") if r["metric"] == "mrr"]
    assert mrr["because"] == "load 2, subscriptions.csv; adjustment 3 by Ana"
    for panel in ("changed", "months", "loads", "adjustments"):
        assert sheet(panel), panel


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("month=2024-05", 422, "Unknown closed month"),
        ("month=<script>alert(1)</script>", 422, "Unknown closed month"),
        ("metric=nrr", 422, "Unknown changed figure"),
        ("page=x", 422, "is not a page"),
        ("where=plan=Pro", 422, "cannot be cut by plan"),
    ],
)
def test_what_is_not_closed_is_an_error_in_words(
    client: TestClient, query: str, status: int, said: str
) -> None:
    answer = client.get(f"/books?{query}", headers=HTML)
    assert answer.status_code == status
    assert said in answer.text
    assert "<script>alert" not in answer.text


def test_what_was_found_is_kept_until_something_is_loaded(
    kept: Bookkeeper, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counting(company: Any, closed: Any) -> Any:
        asked.append(f"{closed.month:%Y-%m}")
        return None

    monkeypatch.setattr(restating, "restated", counting)
    kept.company._found.clear()
    client.get("/books.json?page=1")
    client.get("/books?page=1&metric=")
    assert sorted(asked) == ["2024-01", "2024-02"]
    kept.company._found.clear()


# States in which there is little to say.


def test_nothing_connected(tmp_path: Path) -> None:
    books = Bookkeeper(tmp_path)
    client = TestClient(create_app(books.company))
    html = client.get("/books").text
    assert 'data-empty="nothing_connected"' in html
    assert "Nothing was loaded yet." in html
    assert client.get("/books.json").status_code == 200
    books.company.close()


def test_nothing_closed_yet(tmp_path: Path) -> None:
    books = Bookkeeper(tmp_path)
    books.load(subscriptions=f"{HEAD}\n s1 acme 2024-01-01 - 100\n s2 bolt 2024-03-05 - 5")
    client = TestClient(create_app(books.company))
    html = client.get("/books").text
    assert 'data-empty="nothing_closed"' in html
    assert "staycurve close 2024-02" in html
    assert "load 1" not in html
    assert 'id="load-1"' in html
    books.company.close()


def test_what_waits_to_be_computed_is_said(tmp_path: Path) -> None:
    books = Bookkeeper(tmp_path)
    books.load(subscriptions=f"{HEAD}\n s1 acme 2024-01-01 2024-02-05 100")
    books.company.books.close("2024-01")
    refresh = books.company.refresh
    books.company.refresh = lambda **_: None  # type: ignore[method-assign,assignment,return-value]
    books.load(subscriptions=f"{HEAD}\n s2 bolt 2024-01-01 - 10")
    client = TestClient(create_app(books.company))
    assert 'data-empty="still_computing"' in client.get("/books").text
    refresh()
    assert "data-sum>+10.00<" in client.get("/books").text
    books.company.close()


def test_a_month_that_stayed_the_same_says_so(tmp_path: Path) -> None:
    books = Bookkeeper(tmp_path)
    books.load(subscriptions=f"{HEAD}\n s1 acme 2024-01-01 - 100\n s2 bolt 2024-02-01 - 50")
    books.company.books.close("2024-01")
    client = TestClient(create_app(books.company))
    assert "Nothing has changed in Jan 2024 since it was closed." in client.get("/books").text
    # One account's gain is another's loss: the figure stays, and yet the month is another one.
    books.load(subscriptions=f"{HEAD}\n s1 acme 2024-01-01 - 90\n s3 acme 2024-01-01 - 15")
    books.load(subscriptions=f"{HEAD}\n s4 crux 2024-01-01 - 1\n s3 acme 2024-01-01 - 9")
    html = client.get("/books?metric=mrr").text
    assert "data-sum>0.00<" in html
    books.company.close()


def test_changed_conventions_are_named(tmp_path: Path) -> None:
    books = Bookkeeper(tmp_path)
    books.load(subscriptions=f"""{HEAD} kind
        s1 acme 2024-01-01 - 100 base
        s2 bolt 2024-01-01 - 20  metered
        s3 bolt 2024-02-09 - 5   base""")
    books.company.books.close("2024-01")
    toml = books.company.folder / "staycurve.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace("[conventions]", '[conventions]\nusage = "exclude"'), "utf-8")
    again = books.copy(tmp_path / "again")
    again.company.refresh()
    client = TestClient(create_app(again.company))
    html = client.get("/books").text
    assert "usage: include, now exclude" in html
    assert "changed conventions" in html
    figures = panels(client)["restated"]["figures"]
    (mrr,) = [figure for figure in figures if figure["metric"] == "mrr"]
    assert mrr["reasons"] == [{"loads": [], "difference": -20, "accounts": 1}]
    again.company.close()
    books.company.close()
