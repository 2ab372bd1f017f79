"""Pages over HTTP: twins, escaping, parts, caching and empty states."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.web.pages import PAGES
from staycurve.sources.files import load_files
from staycurve.workspace import Company
from tests.company import NOW, create, load, write_csv
from tests.web.reading import links

HTML = {"Accept": "text/html"}
ADDRESSES = ["/", "/accounts?metric=nrr&period=2024-03", "/metrics/arpa", "/catalogue",
             "/reconcile?against=stripe", "/books"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_has_twins(client: TestClient, address: str) -> None:
    path, _, query = address.partition("?")
    twin = client.get(f"{path}.json?{query}")
    assert twin.headers["content-type"] == "application/json"
    mark = "&" if query else "?"
    assert client.get(f"{address}{mark}format=json").json() == twin.json()
    sheet = client.get(f"{address}{mark}format=csv")
    assert sheet.headers["content-type"].startswith("text/csv")
    assert list(csv.DictReader(io.StringIO(sheet.text))) or path == "/metrics/arpa"
    html = client.get(address).text
    named = {x.text: x.href for x in links(html) if x.text in ("JSON", "CSV")}
    assert client.get(named["JSON"]).json() == twin.json()


def test_twins_are_pages_of_the_registry() -> None:
    assert {page.address for _, page in PAGES.items()} >= {
        "/", "/accounts", "/metrics/{name}", "/catalogue", "/reconcile", "/books"
    }


def test_csv_has_the_numbers_of_the_twin(client: TestClient) -> None:
    text = client.get("/?format=csv&panel=movements").text
    mrr = [r for r in csv.DictReader(io.StringIO(text)) if r["metric"] == "mrr"]
    assert [float(r["value"]) for r in mrr] == [140, 230, 210, 260]


def test_a_name_is_never_markup(client: TestClient) -> None:
    html = client.get("/accounts?metric=churned_mrr&period=2024-03").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html


@pytest.mark.parametrize(
    "query",
    [
        "?where=industry=<script>alert(1)</script>",
        '?industry="><script>alert(1)</script>',
        "?as_of=<script>alert(1)</script>",
        "?grain=<script>alert(1)</script>",
        "?cohort_value=<script>alert(1)</script>",
        "?from=2024-01&to=<script>alert(1)</script>",
    ],
)
def test_an_address_is_never_markup(client: TestClient, query: str) -> None:
    html = client.get(f"/{query}", headers=HTML).text
    assert "<script>alert" not in html
    assert "alert(1)" in html


def test_a_cell_is_never_a_formula(tmp_path: Path) -> None:
    company = create(tmp_path / "project")
    load(company, {"subscriptions": """
        subscription_id account_id starts_at  amount
        s1              =1+1       2024-01-05 100"""})
    client = TestClient(create_app(company))
    sheet = client.get("/accounts?metric=mrr&period=2024-01&format=csv").text
    assert "'=1+1" in sheet
    company.close()


def test_pages_carry_no_styles_and_no_scripts_of_their_own(client: TestClient) -> None:
    for address in ADDRESSES:
        html = client.get(address).text
        assert not re.search(r"<[^>]+\sstyle=|<style|\son\w+=|javascript:", html)
        assert re.findall(r"<script[^>]*>", html) == [
            x for x in re.findall(r"<script[^>]*>", html) if 'src="/static/' in x
        ]
        assert "http://" not in html.replace("http://www.w3.org", "")


def test_htmx_gets_the_main_part_and_the_plain_address(client: TestClient) -> None:
    asked = {"HX-Request": "true"}
    query = "/?from=2024-02-01&to=2024-03-01&plan=&industry=EdTech&country="
    part = client.get(query, headers=asked)
    assert part.text.startswith("<title>")
    assert "<html" not in part.text
    assert '<main id="main"' in part.text
    assert part.headers["vary"].startswith("HX-Request")
    assert part.headers["hx-push-url"] == "/?from=2024-02-01&to=2024-03-01&where=industry=EdTech"
    whole = client.get(query)
    assert "<html" in whole.text
    back = client.get(query, headers=asked | {"HX-History-Restore-Request": "true"})
    assert back.text == whole.text


def test_state_stays_in_the_address(client: TestClient) -> None:
    html = client.get("/?grain=quarter&where=country=DE&cohort_as=count").text
    by_text = {x.text: x.href for x in links(html)}
    assert by_text["Net MRR"] == (
        "/?grain=quarter&cohort_as=count&cohort_value=net_mrr&where=country=DE"
    )
    assert by_text["Months"] == "/?cohort_as=count&where=country=DE"
    assert by_text["×"] == "/?grain=quarter&cohort_as=count"
    assert '<option value="DE" selected>' in html
    assert "metric=mrr&amp;period=2024-Q1&amp;where=country=DE" in html


def test_a_page_is_made_once_a_snapshot(tmp_path: Path) -> None:
    company = create(tmp_path / "project")
    rows = """
        subscription_id account_id starts_at  amount
        s1              acme       2024-01-05 100"""
    load(company, {"subscriptions": rows})
    client = TestClient(create_app(company))
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    load(company, {"subscriptions": rows.replace("100", "125")})
    after = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert after.status_code == 200
    assert "125.00" in after.text
    company.close()


def test_nothing_connected(tmp_path: Path) -> None:
    company = create(tmp_path / "project")
    client = TestClient(create_app(company))
    for address in ("/", "/accounts", "/metrics/mrr"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert 'data-empty="nothing_connected"' in answer.text
        assert "staycurve load subscriptions.csv" in answer.text
    assert client.get("/.json").json()["empty"] == "nothing_connected"
    assert client.get("/catalogue").text.count("<code>mrr</code>") == 1
    company.close()


def test_still_computing(tmp_path: Path) -> None:
    company = create(tmp_path / "project")
    path = write_csv(
        tmp_path / "subscriptions.csv",
        [{"subscription_id": "s1", "account_id": "acme", "starts_at": "2024-01-05",
          "amount": "100"}],
    )
    load_files(company.lake, company.config, [path], now=NOW)
    client = TestClient(create_app(company))
    assert 'data-empty="still_computing"' in client.get("/").text
    company.refresh()
    assert "data-empty" not in client.get("/").text
    company.close()


def test_nothing_matches_is_not_zero(client: TestClient) -> None:
    # Each value occurs, and nobody has both.
    html = client.get("/?where=industry=EdTech,account_id=dune").text
    assert 'data-empty="nothing_matches"' in html
    assert 'class="card"' not in html
    assert 'href="/">Remove every filter' in html


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/?where=colour=red", "unknown_dimension"),
        ("/?from=2030", "not_answered"),
        ("/?cohort_value=x", "unknown_cohort_value"),
        ("/accounts?period=2050-01", "wrong_usage"),
        ("/accounts?period=soon", "wrong_usage"),
        ("/accounts?metric=mrr&page=x", "wrong_usage"),
    ],
)
def test_what_cannot_be_shown_is_an_error(client: TestClient, address: str, code: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == code


def test_a_panel_that_cannot_be_cut_leaves_the_page_standing(client: TestClient) -> None:
    page = client.get("/metrics/trial_conversion_rate.json?where=plan=Pro")
    assert page.status_code == 200
    definition, values, *_others = page.json()["panels"]
    assert definition["label"] == "Trial conversion rate"
    assert "cannot be cut by plan" in values["why"]


def test_not_permitted(company: Company) -> None:
    app = create_app(company)

    def closed(request: Request) -> Response:
        raise HTTPException(403)

    app.add_route("/closed", closed)
    client = TestClient(app)
    answer = client.get("/closed", headers=HTML)
    assert answer.status_code == 403
    assert 'data-empty="not_permitted"' in answer.text
    assert client.get("/closed").json()["error"]["code"] == "not_permitted"


def test_people_get_a_page_for_an_error_and_programs_the_shape(client: TestClient) -> None:
    page = client.get("/metrics/nnr", headers=HTML)
    assert page.status_code == 404
    assert "Did you mean &#39;nrr&#39;?" in page.text
    part = client.get("/?as_of=soon", headers={"HX-Request": "true"})
    assert part.status_code == 422
    assert part.text.startswith("<title>")
    assert client.get("/metrics/nnr.json", headers=HTML).json()["error"]["code"] == "unknown_metric"
    assert client.get("/api/v1/x", headers=HTML).json()["error"]["code"] == "not_found"


def test_accounts_are_listed_in_pages_with_the_whole_total(tmp_path: Path) -> None:
    company = create(tmp_path / "project")
    load(company, {"subscriptions": [
        {"subscription_id": f"s{n}", "account_id": f"a{n:03}", "starts_at": "2024-01-01",
         "amount": n}
        for n in range(1, 251)
    ]})
    client = TestClient(create_app(company))
    html = client.get("/accounts?metric=mrr&period=2024-01&page=3").text
    assert html.count('<tr><th scope="row"><a class="to" href="/accounts/a') == 50
    assert "Total of 250 rows" in html
    assert ">31,375.00</td>" in html
    assert "Page 3 of 3" in html
    company.close()


def test_static_files_never_change_under_their_address(client: TestClient) -> None:
    html = client.get("/").text
    files = re.findall(r'(?:src|href)="(/static/[^"]*)"', html)
    assert len(files) == 5
    for file in files:
        answer = client.get(file)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert "?v=" in file
