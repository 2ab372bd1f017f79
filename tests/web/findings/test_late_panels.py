"""Panels that htmx loads late: each answer takes the place of its panel, errors too."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient


def late(panel: str) -> dict[str, str]:
    """What htmx sends when a page asks for one of its panels."""
    return {"hx-request": "true", "hx-target": panel, "accept": "text/html"}


def test_a_late_panel_comes_alone(findings: TestClient) -> None:
    text = findings.get("/usage?panel=funnel", headers=late("funnel")).text
    assert text.count('id="funnel"') == 1
    assert "<main" not in text
    assert "<html" not in text


@pytest.mark.parametrize("path", [
    "/usage?panel=funnel&step1=signed_up&step2=invited&window=soon",
    "/usage?panel=funnel&window=soon",
])
def test_an_error_in_a_late_panel_takes_the_place_of_the_panel_alone(
    findings: TestClient, path: str
) -> None:
    answer = findings.get(path, headers=late("funnel"))
    assert 400 <= answer.status_code < 500
    assert answer.text.startswith('<section class="panel" id="funnel"')
    assert "data-error=" in answer.text
    assert "<main" not in answer.text
    assert "<title" not in answer.text
    assert "<html" not in answer.text


def test_an_error_of_the_main_part_brings_one_main(findings: TestClient) -> None:
    answer = findings.get("/usage?whose=nobody", headers=late("main"))
    assert answer.status_code >= 400
    assert answer.text.count("<main") == 1
    assert "<html" not in answer.text


def test_an_error_of_a_page_is_a_page(findings: TestClient) -> None:
    answer = findings.get("/usage?panel=funnel&window=soon", headers={"accept": "text/html"})
    assert answer.text.count("<main") == 1
    assert answer.text.startswith("<!doctype html>")


def test_what_a_panel_is_called_is_escaped(findings: TestClient) -> None:
    name = '"><script>alert(1)</script>'
    answer = findings.get(
        "/usage", params={"panel": name}, headers={**late(name), "accept": "text/html"}
    )
    assert answer.status_code >= 400
    assert "<script>alert" not in answer.text


def test_a_metric_that_nothing_cuts_says_so(findings: TestClient) -> None:
    for metric in ("mau", "lead_rate", "cac"):
        answer = findings.get(f"/metrics/{metric}?panel=segments&from=2024-01&to=2024-03")
        assert answer.status_code == 200, metric
        assert 'id="segments"' in answer.text, metric
