"""What all pages of findings have in common: shape, twins, empty states and addresses."""

from __future__ import annotations

import csv
import io
import re

import pytest
from fastapi.testclient import TestClient

from tests.web.findings.asking import twin

PAGES = {
    "/cohorts": ["choose", "figures", "retention", "fared", "risk", "history", "cohorts"],
    "/usage": ["choose", "figures", "active", "trends", "days", "lifecycle", "retention", "power",
               "sessions", "funnel", "paths"],
    "/features": ["choose", "figures", "report", "statuses", "limits", "stay", "breadth"],
    "/activation": ["choose", "figures", "curve", "months", "checklist", "later"],
    "/trials": ["choose", "figures", "cohorts", "cards", "times", "used", "left"],
    "/lifecycle": ["choose", "figures", "stages", "flow", "times", "stuck", "indicators", "rules"],
    "/acquisition": ["choose", "figures", "channels", "funnel", "quality", "referrals"],
}


@pytest.mark.parametrize("path", PAGES)
def test_it_has_its_panels_and_at_most_six_figures(findings: TestClient, path: str) -> None:
    page = twin(findings, path)
    assert [one["name"] for one in page["panels"]] == PAGES[path]
    figures = next(one for one in page["panels"] if one["name"] == "figures")["rows"]
    assert 1 <= len(figures) <= 6
    html = findings.get(path).text
    assert html.count("<h1") == 1
    assert 'aria-current="page"' in html
    for part in ("style=", "<script>", "onclick"):
        assert part not in html


@pytest.mark.parametrize("path", PAGES)
def test_every_chart_has_a_unit_and_a_table_under_it(findings: TestClient, path: str) -> None:
    charts = [
        section for name in PAGES[path]
        for section in re.split(r"<section ", findings.get(f"{path}?panel={name}").text)[1:]
        if 'class="chart wide"' in section
    ]
    # The report of features stands in tables alone.
    assert bool(charts) == (path != "/features")
    for section in charts:
        assert 'class="unit"' in section
        assert "<table" in section
        assert section.index('class="chart wide"') < section.index("<table")


@pytest.mark.parametrize("path", PAGES)
def test_its_sheet_has_a_row_for_each_row_of_its_twin(findings: TestClient, path: str) -> None:
    counted = 0
    for one in twin(findings, path)["panels"]:
        answer = findings.get(f"{path}?format=csv&panel={one['name']}")
        assert answer.headers["content-type"].startswith("text/csv")
        assert f"-{one['name']}.csv" in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == len(one["rows"]), one["name"]
        counted += len(rows)
    assert counted


@pytest.mark.parametrize("path", PAGES)
def test_before_anything_is_loaded_it_says_so(nothing: TestClient, path: str) -> None:
    assert 'data-empty="nothing_connected"' in nothing.get(path).text
    assert twin(nothing, path)["empty"] == "nothing_connected"


@pytest.mark.parametrize("path", ["/usage", "/features"])
def test_without_events_it_names_the_file_to_load(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert "staycurve load events.csv" in page.text


@pytest.mark.parametrize("path", PAGES)
def test_a_company_of_subscriptions_alone_can_open_it(client: TestClient, path: str) -> None:
    page = twin(client, path)
    if path in ("/usage", "/features"):
        # They speak of events alone, and say once what is missing.
        assert (page["empty"], page["panels"]) == ("nothing_connected", [])
        assert page["needs"] == ["events"]
        return
    panels = page["panels"]
    assert panels
    for one in panels:
        assert client.get(f"{path}?panel={one['name']}").status_code == 200


@pytest.mark.parametrize("path", ["/cohorts", "/features", "/lifecycle", "/trials"])
def test_a_segment_without_accounts_leads_back(findings: TestClient, path: str) -> None:
    text = findings.get(f"{path}?where=industry=Health,industry=EdTech&panel=figures").text
    assert 'data-empty="nothing_matches"' in text
    assert "Remove every filter" in text


@pytest.mark.parametrize("path", PAGES)
def test_the_whole_state_is_in_the_address(findings: TestClient, path: str) -> None:
    at = "2024-06-30T00:00:00+00:00"
    page = findings.get(path, params={"as_of": at}).text
    assert "29 Jun 2024" in page or "30 Jun 2024" in page
    # Whatever is chosen next keeps the instant.
    assert 'name="as_of"' in page
