"""Every number of the overview is the one that show gives, and opens into rows that make it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.web import numbers
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.workspace import Company
from tests.web.reading import Link, links


def opened(client: TestClient, href: str) -> dict[str, Any]:
    """The one panel of the list behind a number."""
    address, _, query = href.partition("?")
    answer = client.get(f"{address}.json?{query}")
    assert answer.status_code == 200, href
    panel: dict[str, Any] = answer.json()["panels"][0]
    return panel


def made_of(panel: dict[str, Any]) -> float | None:
    """What the rows sum or divide to."""
    rows = panel["rows"]
    if "numerator" in panel["total"]:
        below = sum(row["denominator"] for row in rows)
        return sum(row["numerator"] for row in rows) / below if below else None
    return float(sum(row["value"] for row in rows))


def number_links(html: str) -> list[Link]:
    """Links in cards and tables; those of the drawings are read from the drawings."""
    return [
        x for x in links(html)
        if x.href.startswith("/accounts") and x.text and "marks" not in x.inside
    ]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("", ""),
        ("?grain=quarter", ""),
        ("?where=plan=Basic", "plan=Basic"),
        ("?country=DE", "country=DE"),
        ("?as_of=2024-03-20", ""),
    ],
)
def test_json_twin_has_the_values_of_show(
    client: TestClient, company: Company, query: str, where: str
) -> None:
    page = client.get(f"/index.json{query}").json()
    compared = 0
    for panel in page["panels"]:
        if panel["name"] not in ("figures", "movements"):
            continue
        for row in panel["rows"]:
            shown = company.show(
                row["metric"], grain=row["grain"], start=row["period"], end=row["period"],
                where=where, as_of=page["as_of"],
            ).rows[0]
            assert row["value"] == pytest.approx(shown["value"]), row
            assert row["open"] == shown["open"]
            compared += 1
    assert compared > 10
    assert page["currency"] == "USD"
    assert page["timezone"] == "UTC"


def test_figures_by_hand(client: TestClient) -> None:
    page = client.get("/.json").json()
    rows = {row["metric"]: row for row in page["panels"][0]["rows"]}
    assert {name: row["period"] for name, row in rows.items()} == dict.fromkeys(
        ("mrr", "net_new_mrr", "customers", "nrr", "customer_churn_rate", "arpa"), "2024-03-01"
    )
    assert rows["mrr"]["value"] == 210
    assert rows["mrr"]["before"] == 230
    assert rows["mrr"]["tone"] == "bad"
    assert rows["net_new_mrr"]["value"] == -20
    assert rows["customers"]["value"] == 2
    assert rows["nrr"]["value"] == pytest.approx(210 / 230)
    assert rows["customer_churn_rate"]["value"] == 0.5
    # One of two customers left: chance explains that.
    assert rows["customer_churn_rate"]["tone"] == "neutral"
    assert rows["arpa"]["value"] == 105


@pytest.mark.parametrize("query", ["", "?grain=quarter", "?industry=Health, Care&plan=Basic"])
def test_every_number_opens_into_rows_that_make_it(client: TestClient, query: str) -> None:
    html = client.get(f"/{query}").text
    found = [x for x in number_links(html) if "grid" not in x.inside]
    assert len(found) > 15
    for link in found:
        panel = opened(client, link.href)
        value = made_of(panel)
        unit, metric = METRICS[panel["metric"]].unit, panel["metric"]
        assert panel["total"]["value"] == (None if value is None else pytest.approx(value)), metric
        assert (link.title or link.text) == numbers.full(panel["total"]["value"], unit, "USD")
        if link.title:
            assert link.text == numbers.compact(panel["total"]["value"], unit)


@pytest.mark.parametrize("value", ["customers", "net_mrr"])
def test_every_cohort_cell_opens_into_its_accounts(client: TestClient, value: str) -> None:
    query = urlencode({"cohort_value": value, "cohort_as": "count"})
    found = [x for x in number_links(client.get(f"/?{query}").text) if "grid" in x.inside]
    assert len(found) > 5
    unit = Unit.COUNT if value == "customers" else Unit.MONEY
    for link in found:
        shown = numbers.full if "size" in link.inside else numbers.compact
        own = Unit.COUNT if "size" in link.inside else unit
        assert link.text == shown(made_of(opened(client, link.href)), own), link.href


def test_marks_of_the_charts_open_into_their_rows(client: TestClient) -> None:
    drawings = re.findall(r"<svg role=\"group\".*?</svg>", client.get("/").text, re.S)
    marks = [
        mark for drawing in drawings for mark in
        re.findall(r'<a tabindex="-1" href="([^"]*)"><path aria-label="([^"]*)"', drawing)
    ]
    assert marks
    for href, label in marks:
        panel = opened(client, href.replace("&amp;", "&"))
        amount = numbers.full(abs(panel["total"]["value"]), Unit.MONEY, "USD")
        assert f"{amount} USD" in label


def test_layers_sum_to_the_whole(client: TestClient, company: Company) -> None:
    page = client.get("/.json").json()
    layers = next(p for p in page["panels"] if p["name"] == "layers")["rows"]
    rows = company.show("mrr").rows
    assert rows
    for row in rows:
        parts = [x["value"] for x in layers if x["period"] == row["period"]]
        assert sum(parts) == pytest.approx(row["value"])


EMPTY = {"nps", "csat", "fcr", "crc", "clv_margin", "nrr_12m"}
"""Nothing is loaded that they could be computed from, or nothing old enough."""


def test_every_metric_label_leads_to_its_definition(client: TestClient) -> None:
    html = client.get("/").text
    named = {x.href.split("?")[0] for x in links(html) if x.href.startswith("/metrics/")}
    assert {"/metrics/mrr", "/metrics/nrr", "/metrics/churned_mrr"} <= named
    for address in sorted(named):
        page = client.get(address)
        assert page.status_code == 200
        assert "Worked example" in page.text
        is_empty = 'class="empty' in page.text
        assert is_empty == (address.rpartition("/")[2] in EMPTY)
        assert is_empty or "<summary>SQL</summary>" in page.text


def test_an_open_period_is_marked_and_its_rates_are_empty(client: TestClient) -> None:
    html = client.get("/").text
    assert 'Apr 2024 <span class="to-date">to date</span>' in html
    rates = client.get("/metrics/nrr").text
    assert '<abbr title="the period is still open">–</abbr>' in rates


def test_plan_filter_shows_what_crosses_its_border(client: TestClient) -> None:
    plain = client.get("/").text
    cut = client.get("/?plan=Basic").text
    assert "Leaving the segment" not in plain
    assert "Leaving the segment" in cut
    leaving = next(
        x for x in number_links(cut) if "metric=leaving_mrr&period=2024-04" in x.href
    )
    assert leaving.text == "60.00"


def test_a_value_with_a_comma_can_be_chosen(client: TestClient) -> None:
    page = client.get("/.json", params={"industry": "Health, Care"}).json()
    rows = {row["metric"]: row["value"] for row in page["panels"][0]["rows"]}
    assert rows["mrr"] == 60
    assert page["where"] == [
        {"dimension": "industry", "values": ["Health, Care"], "is_negated": False}
    ]


def test_cells_of_a_cut_cohort_open_to_rows_of_their_own(client: TestClient) -> None:
    html = client.get("/?plan=Basic&cohort_as=count").text
    assert "The filter applies on the day on which an account first paid" in html
    cells = [x for x in number_links(html) if "grid" in x.inside and "age=" in x.href]
    assert cells
    for cell in cells:
        listed = client.get(cell.href.replace("/accounts?", "/accounts.json?")).json()
        (panel,) = listed["panels"]
        assert panel["total"]["value"] == int(cell.text)
        assert sum(row["value"] for row in panel["rows"]) == int(cell.text)


def test_cells_of_gross_mrr_open_to_rows_that_sum_to_them(client: TestClient) -> None:
    html = client.get("/?cohort_value=gross_mrr&cohort_as=count").text
    grid = client.get("/.json?cohort_value=gross_mrr&cohort_as=count").json()["panels"]
    numbers = {
        (row["cohort"][:7], row["age"]): row["value"]
        for panel in grid
        if panel.get("value") == "gross_mrr"
        for row in panel["rows"]
    }
    cells = [x for x in number_links(html) if "cohort_value=gross_mrr" in x.href]
    assert cells
    for cell in cells:
        month, age = re.search(r"cohort_month=([\d-]+)&age=(\d+)", cell.href).groups()
        (panel,) = client.get(cell.href.replace("/accounts?", "/accounts.json?")).json()["panels"]
        assert sum(row["value"] for row in panel["rows"]) == numbers[month, int(age)]


def test_cohorts_flag_small_ones_and_leave_the_future_blank(client: TestClient) -> None:
    html = client.get("/").text
    grid = html[html.index('<table class="grid">') : html.index("</table>", html.index('"grid"'))]
    assert grid.count('<tr class="small">') == 2
    assert '<td class="s10"><a' in grid
    assert 'class="future"' in grid
    # April has not closed: its cells are blank, not 0%.
    assert grid.count("<td></td>") == 2
    assert "0%" not in re.sub(r"100%|50%", "", grid)


def test_table_stands_under_every_chart(client: TestClient) -> None:
    for address in ("/", "/metrics/mrr"):
        html = client.get(address).text
        assert html.count('class="chart wide"') == html.count("<summary>Table</summary>") > 0
