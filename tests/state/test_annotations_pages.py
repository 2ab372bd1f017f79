"""Annotations: a rule with a number on the chart, the list below it, and where they come from."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.metrics import charts
from staycurve.metrics.base import Unit
from staycurve.metrics.chart_notes import Note, notes, numbered
from staycurve.metrics.charts import Frame, Point, Series
from staycurve.period import parse_period
from staycurve.workspace import Company
from tests.state.served import FROM_HERE, client_of, served

MONTHS = [parse_period(f"2024-0{month}") for month in (1, 2, 3)]


@dataclass(frozen=True)
class Dated:
    day: dt.date
    text: str


DAYS = [
    Dated(dt.date(2024, 3, 31), "d"), Dated(dt.date(2024, 2, 29), "c"),
    Dated(dt.date(2024, 2, 1), "b"), Dated(dt.date(2023, 12, 31), "a"),
    Dated(dt.date(2024, 4, 1), "e"),
]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = served(tmp_path_factory.mktemp("annotated"))
    yield made
    made.close()


@pytest.fixture
def client(company: Company) -> Iterator[TestClient]:
    yield client_of(company)
    for one in company.state.annotations():
        company.state.delete_annotation(one.id)


def rules(drawn: str) -> list[str]:
    """The numbers on the rules of every drawing."""
    return re.findall(r'aria-roledescription="text mark"[^>]*>([^<]*)</text>', drawn)


def panel(client: TestClient, address: str, name: str) -> Any:
    panels = client.get(address).json()["panels"]
    return next(one for one in panels if one["name"] == name)


def test_notes_are_numbered_by_day_within_the_periods() -> None:
    listed = numbered(DAYS, MONTHS)
    assert [(n, str(p.start), one.text) for n, p, one in listed] == [
        (1, "2024-02-01", "b"), (2, "2024-02-01", "c"), (3, "2024-03-01", "d"),
    ]
    assert notes(listed) == (
        Note("2024-02-01", "1, 2", "1: 2024-02-01, b; 2: 2024-02-29, c"),
        Note("2024-03-01", "3", "3: 2024-03-31, d"),
    )
    seen = numbered(DAYS, MONTHS, last_day=dt.date(2024, 2, 28))
    assert [one.text for _, _, one in seen] == ["b"]


@pytest.mark.parametrize("kind", ["line", "bars", "layers", "movements"])
def test_every_kind_of_chart_draws_them(kind: str) -> None:
    noted = (Note("2024-02-01", "1, 2", "1: a <b>"), Note("2025-01-01", "3", "outside"))
    labels = {"2024-01-01": "Jan", "2024-02-01": "Feb"}
    points = [
        Point("2024-01-01", "new_mrr", 5.0, "five"), Point("2024-02-01", "new_mrr", 7.0, "seven")
    ]
    series = [Series("new_mrr", "New", "#0072B2")]
    draw = getattr(charts, kind)
    bare = charts.svg(draw(points, series, Frame(300, 120, Unit.MONEY, labels)),
                      label="x", name="m")
    frame = Frame(300, 120, Unit.MONEY, labels, notes=noted)
    drawn = charts.svg(draw(points, series, frame), label="x", name="m")
    assert rules(bare) == []
    assert rules(drawn) == ["1, 2"]
    assert 'aria-label="1: a &lt;b&gt;"' in drawn
    # The rule stands in the middle of the second of two bands of 300 pixels.
    (place,) = re.findall(r'notes_marks"[^>]*><line transform="translate\(([0-9.]+),', drawn)
    assert float(place) == pytest.approx(225, abs=3)
    assert "style=" not in drawn


def test_a_note_stands_on_the_chart_and_below_it(client: TestClient, company: Company) -> None:
    for address in ("/", "/metrics/mrr"):
        assert rules(client.get(address).text) == []
    company.state.annotate("2024-02-14", "Price <change>", author="Ana")
    company.state.annotate("2024-03-01", "Only customers", metric="customers")
    company.state.annotate("2024-03-09", "About MRR", metric="mrr")
    html = client.get("/metrics/mrr").text
    # Wide and narrow.
    assert rules(html) == ["1", "2"] * 2
    assert '<li value="1"><span class="quiet">14 Feb 2024</span> Price &lt;change&gt;' in html
    assert "Only customers" not in html
    assert rules(client.get("/metrics/customers").text) == ["1", "2"] * 2
    # What moved MRR, and its layers.
    assert rules(client.get("/").text) == ["1", "2"] * 4
    found = panel(client, "/metrics/mrr.json", "values")["annotations"]
    assert [(one["day"], one["text"], one["author"], one["metric"]) for one in found] == [
        ("2024-02-14", "Price <change>", "Ana", None), ("2024-03-09", "About MRR", "", "mrr"),
    ]


def test_a_drawing_in_memory_is_drawn_anew(client: TestClient, company: Company) -> None:
    made = company.state.annotate("2024-02-14", "First")
    assert rules(client.get("/metrics/arpa").text) == ["1"] * 2
    company.state.annotate("2024-01-14", "Before it")
    assert rules(client.get("/metrics/arpa").text) == ["1", "2"] * 2
    company.state.delete_annotation(made.id)
    html = client.get("/metrics/arpa").text
    assert rules(html) == ["1"] * 2
    assert "Before it" in html


def test_what_lies_after_the_as_of_or_outside_the_range_is_not_shown(
    client: TestClient, company: Company
) -> None:
    company.state.annotate("2024-02-14", "Early")
    company.state.annotate("2024-03-20", "Late")
    for query, shown in (
        ("", ["Early", "Late"]), ("?as_of=2024-03-15", ["Early"]), ("?from=2024-03", ["Late"]),
        ("?to=2024-01", []), ("?grain=week", ["Early", "Late"]), ("?grain=year", ["Early", "Late"]),
    ):
        found = panel(client, f"/metrics/mrr.json{query}", "values")["annotations"]
        assert [one["text"] for one in found] == shown, query


def test_a_note_is_added_from_the_chart_and_leads_back(
    client: TestClient, company: Company
) -> None:
    data = {"do": "add", "day": "2024-02-14", "text": "Outage", "metric": "mrr",
            "author": "Ana", "back": "/metrics/mrr?from=2024-02"}
    sent = client.post("/annotations", data=data, headers=FROM_HERE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/metrics/mrr?from=2024-02")
    (made,) = company.state.annotations()
    assert (made.text, made.metric, made.author) == ("Outage", "mrr", "Ana")
    html = client.get("/annotations").text
    assert "Outage" in html
    assert "Yes, delete this note" in html
    data = {"do": "delete", "id": str(made.id)}
    sent = client.post("/annotations", data=data, headers=FROM_HERE)
    assert sent.headers["location"] == "/annotations?done=deleted"
    assert company.state.annotations() == ()


@pytest.mark.parametrize(
    "back", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "", "x",
             "/\t/elsewhere.example", "/\n/elsewhere.example"],
)
def test_a_form_never_leads_elsewhere(client: TestClient, back: str) -> None:
    data = {"do": "add", "day": "2024-02-14", "text": "x", "back": back}
    sent = client.post("/annotations", data=data, headers=FROM_HERE)
    assert sent.headers["location"] == "/annotations?done=added"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"day": "tomorrow"}, "&#39;tomorrow&#39; is not a day."),
        ({"text": " "}, "The text is empty."),
        ({"text": "x" * 501}, "501 letters"),
        ({"metric": "mmr"}, "Did you mean &#39;mrr&#39;?"),
    ],
)
def test_what_is_wrong_stands_beside_what_was_typed(
    client: TestClient, company: Company, change: dict[str, str], said: str
) -> None:
    data = {"do": "add", "day": "2024-02-14", "text": "Kept", "author": "Ana"} | change
    sent = client.post("/annotations", data=data, headers=FROM_HERE)
    assert sent.status_code in (404, 422)
    assert said in sent.text
    assert 'name="author" value="Ana"' in sent.text
    assert company.state.annotations() == ()


def test_a_result_shows_them_when_asked(client: TestClient, company: Company) -> None:
    company.state.annotate("2024-02-14", "Price change")
    result = company.show("mrr")
    bare = charts.svg(result.chart(), label="x", name="m")
    noted = charts.svg(result.chart(company.state.annotations("mrr")), label="x", name="m")
    assert (rules(bare), rules(noted)) == ([], ["1"])
    assert 'aria-label="1: 2024-02-14, Price change"' in noted
