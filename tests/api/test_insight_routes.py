"""Every insight has an address, made from what it declares."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company

REPORT = "/api/v1/weather/report"


@pytest.fixture(scope="module")
def asker(company: Company, made_up: None) -> TestClient:
    return TestClient(create_app(company), raise_server_exceptions=False)


def test_texts_are_read_as_what_they_are(asker: TestClient) -> None:
    given = {
        "place": "here", "hours": "3", "share": "0.25", "is_wet": "true", "sky": "grey",
        "age": ["2", "0"], "from": "2024-01", "where": "plan=Pro",
    }
    answer = asker.get(REPORT, params=given).json()
    assert answer["asked"] == [
        "'here'", "3", "0.25", "True", "'grey'", "(2, 0)", "'2024-01'", "'plan=Pro'"
    ]


def test_the_answer_is_the_fields_of_its_type(asker: TestClient) -> None:
    answer = asker.get(REPORT, params={"place": "here"}).json()
    assert list(answer) == ["as_of", "asked", "rows"]
    assert answer["rows"] == [{
        "segment": {"plan": None}, "from": 7, "day": "2024-01-31", "sky": "grey", "text": "=1+1",
        "wind": {"speed": 2.5, "gust": None}, "counts": {"drops": 3},
    }]


def test_an_empty_value_gives_nothing(asker: TestClient) -> None:
    empty = "hours=&share=&is_wet=&sky=&age=&from=&where=&as_of=&known_at=&format="
    plain = asker.get(f"{REPORT}?place=here")
    assert asker.get(f"{REPORT}?place=here&{empty}").json() == plain.json()
    assert asker.get(f"{REPORT}?place=").json()["error"]["message"] == "'place' is missing."


@pytest.mark.parametrize("address", ["/api/v1/weather/old", REPORT])
def test_aliases_and_head(asker: TestClient, address: str) -> None:
    answer = asker.get(address, params={"place": "here"})
    assert answer.status_code == 200
    assert answer.json()["rows"]
    head = asker.head(address, params={"place": "here"})
    assert (head.status_code, head.content) == (200, b"")
    assert asker.post(address).status_code == 405


def test_an_insight_of_one_word_and_of_several_answers(asker: TestClient) -> None:
    assert asker.get("/api/v1/weather").json() == {
        "as_of": "now", "asked": [], "rows": [], "why": "nobody looked"
    }
    assert asker.get("/api/v1/weather?is_monthly=1").json() == {"month": 3}


@pytest.mark.parametrize(("asked", "code", "message"), [
    ("", "wrong_usage", "'place' is missing."),
    ("place=a&hours=x", "wrong_usage", "'x' is no value of 'hours'."),
    ("place=a&hours=0", "wrong_usage", "'0' is no value of 'hours'."),
    ("place=a&hours=25", "wrong_usage", "'25' is no value of 'hours'."),
    ("place=a&hours=1&hours=2", "wrong_usage", "'hours' is given 2 times."),
    ("place=a&share=half", "wrong_usage", "'half' is no value of 'share'."),
    ("place=a&is_wet=maybe", "wrong_usage", "'maybe' is no value of 'is_wet'."),
    ("place=a&sky=gray", "unknown_sky", "Unknown sky 'gray'. Did you mean 'grey'?"),
    ("place=a&age=1&age=-1", "wrong_usage", "'-1' is no value of 'age'."),
    ("place=a&age=", "", ""),
    ("place=a&hous=3", "wrong_usage", "Unknown parameter 'hous'. Did you mean 'hours'?"),
    ("place=a&hous=", "wrong_usage", "Unknown parameter 'hous'. Did you mean 'hours'?"),
    ("place=a&wet=true", "wrong_usage", "Unknown parameter 'wet'. Did you mean 'is_wet'?"),
    ("place=a&start=2024", "wrong_usage", "Unknown parameter 'start'."),
    ("place=a&format=xml", "unknown_format", "Unknown format 'xml'."),
    ("place=a&known_at=2031-01-01", "not_answered",
     "2031-01-01T00:00:00+00:00 has not come yet: nobody knows what will be known then."),
    ("place=a&as_of=soon", "wrong_usage", ""),
])
def test_errors_have_the_one_shape(
    asker: TestClient, asked: str, code: str, message: str
) -> None:
    answer = asker.get(f"{REPORT}?{asked}")
    if not code:
        assert answer.status_code == 200
        return
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"].startswith(message)
    assert error["hint"]
    assert set(answer.json()) == {"error"}


def test_a_long_text_is_refused(asker: TestClient) -> None:
    error = asker.get(REPORT, params={"place": "x" * 2001}).json()["error"]
    assert error["hint"] == "It has at most 2,000 characters."


def test_csv_has_a_line_for_each_main_row_and_runs_no_formula(asker: TestClient) -> None:
    answer = asker.get(f"{REPORT}?place=a&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="weather-report.csv"'
    (line,) = csv.DictReader(io.StringIO(answer.text))
    assert line == {
        "from": "7", "day": "2024-01-31", "sky": "grey", "text": "'=1+1", "wind_speed": "2.5",
        "wind_gust": "", "drops": "3", "plan": "",
    }
    without = asker.get("/api/v1/weather?format=csv").text
    assert without.splitlines() == ["segment,from,day,sky,text,wind,counts,why"]


def operation(asker: TestClient, path: str) -> dict[str, Any]:
    found: dict[str, Any] = asker.get("/api/openapi.json").json()["paths"][path]["get"]
    return found


def test_the_schema_says_what_may_be_asked(asker: TestClient) -> None:
    found = operation(asker, REPORT)
    assert found["operationId"] == "weather_report"
    assert found["tags"] == ["weather"]
    assert found["summary"] == "What was the weather like?"
    assert found["description"] == "It is only as good as who looked up."
    schemas = {one["name"]: one["schema"] for one in found["parameters"]}
    assert schemas == {
        "place": {"type": "string", "maxLength": 2000},
        "hours": {"type": "integer", "minimum": 1, "maximum": 24, "default": 24},
        "share": {"type": "number", "default": 0.5},
        "is_wet": {"type": "boolean", "default": False},
        "sky": {"type": "string", "enum": ["clear", "grey"]},
        "age": {"type": "array", "items": {"type": "integer", "minimum": 0}, "default": [1, 12]},
        "from": {"type": "string", "maxLength": 2000},
        "where": {"type": "string", "maxLength": 2000},
        "as_of": {"type": "string", "maxLength": 2000},
        "known_at": {"type": "string", "maxLength": 2000},
        "format": {"type": "string", "enum": ["json", "csv"], "default": "json"},
    }
    assert [one["name"] for one in found["parameters"] if one["required"]] == ["place"]
    assert all(one["description"] for one in found["parameters"])
    now = operation(asker, "/api/v1/weather")["parameters"]
    assert [one["name"] for one in now] == ["is_monthly", "format"]


def test_the_schema_says_what_comes_back(asker: TestClient) -> None:
    schemas = asker.get("/api/openapi.json").json()["components"]["schemas"]
    hour = schemas["Hour"]
    assert list(hour["properties"]) == [
        "segment", "from", "day", "sky", "text", "wind", "counts", "why"
    ]
    assert hour["required"] == ["segment", "from", "day", "sky", "text", "wind", "counts"]
    assert hour["properties"]["from"]["description"] == "The hour."
    assert hour["properties"]["text"]["title"] == "What was seen"
    assert hour["properties"]["day"]["format"] == "date"
    assert hour["properties"]["sky"]["enum"] == ["clear", "grey"]
    assert hour["properties"]["wind"] == {
        "anyOf": [{"$ref": "#/components/schemas/Wind"}, {"type": "null"}],
    }
    assert hour["properties"]["counts"]["additionalProperties"] == {"type": "integer"}
    assert hour["properties"]["why"]["type"] == "string"
    whole = operation(asker, "/api/v1/weather")["responses"]["200"]["content"]
    assert [one["$ref"].rpartition("/")[2] for one in whole["application/json"]["schema"]["anyOf"]
            ] == ["Weather", "WeatherMonth"]
    # A type of that name is in cohorts too: each has its theme before it.
    assert "CohortsMonth" in schemas
    assert "Month" not in schemas
