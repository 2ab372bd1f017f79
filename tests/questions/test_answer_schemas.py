"""What /api/openapi.json says of each insight is what the insight answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter, ValidationError

from staycurve.insights.base import Insight
from staycurve.insights.catalogue import INSIGHTS
from staycurve.interfaces.api.answer_models import Models
from staycurve.interfaces.api.asking import address_of
from tests.questions.whole_company import GIVEN

ALL = dict(INSIGHTS.items())
MODELS = Models(list(ALL.values()))
NAMES = list(ALL)


def least(insight: Insight[Any, Any]) -> dict[str, Any]:
    """The parameters that it cannot do without."""
    return {one.outward: GIVEN[one.outward] for one in insight.arguments if one.is_required}


@pytest.mark.parametrize("name", NAMES)
def test_each_answer_fits_its_schema_and_has_no_key_besides(asker: TestClient, name: str) -> None:
    insight = ALL[name]
    model = TypeAdapter(MODELS.of(insight))
    given = least(insight)
    plain = asker.get(address_of(insight), params=given)
    assert plain.status_code == 200, plain.text
    model.validate_json(plain.content, strict=True, extra="forbid")
    if insight.takes("by"):
        # Not everything can be split by everything.
        split = [
            asker.get(address_of(insight), params=given | {"by": dim})
            for dim in ("plan", "industry", "channel")
        ]
        answered = [one for one in split if one.status_code == 200]
        assert answered, split[0].text
        for one in answered:
            model.validate_json(one.content, strict=True, extra="forbid")


def test_a_key_too_many_is_found_at_any_depth() -> None:
    model = TypeAdapter(MODELS.model(ALL["cohorts riskiest"].answers[0]))
    answer = {
        "as_of": "now", "end_class": None, "alpha": 0.01, "returned": 0, "rows": [],
        "named": [{"segment": {}, "month": 1}],
    }
    model.validate_python(answer, extra="forbid")
    answer["named"] = [{"segment": {}, "month": 1, "more": 2}]
    with pytest.raises(ValidationError, match=r"named\.0\.more"):
        model.validate_python(answer, extra="forbid")


@pytest.fixture(scope="module")
def document(asker: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = asker.get("/api/openapi.json").json()
    return found


def schemas_in(document: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of an address's answer, with where it stands."""
    content = document["paths"][path]["get"]["responses"]["200"]["content"]
    waiting: list[tuple[str, Any]] = [("answer", content["application/json"]["schema"])]
    seen = set()
    while waiting:
        place, schema = waiting.pop()
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in seen:
                continue
            seen.add(name)
            waiting.append((name, document["components"]["schemas"][name]))
            continue
        yield place, schema
        waiting += [(f"{place}.{key}", one) for key, one in schema.get("properties", {}).items()]
        waiting += [(place, one) for one in schema.get("anyOf", [])]
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                waiting.append((f"{place}.{key}", schema[key]))


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_is_free_form(document: dict[str, Any], name: str) -> None:
    found = list(schemas_in(document, address_of(ALL[name])))
    assert len(found) > 2
    for place, schema in found:
        assert schema.get("type") or schema.get("anyOf") or schema.get("enum"), place
        if schema.get("type") == "object":
            is_map = isinstance(schema.get("additionalProperties"), dict)
            assert schema.get("properties") or is_map, place
        if schema.get("type") == "array":
            assert schema.get("items") or schema.get("prefixItems"), place


@pytest.mark.parametrize("name", NAMES)
def test_each_insight_is_described(document: dict[str, Any], name: str) -> None:
    insight = ALL[name]
    found = document["paths"][address_of(insight)]["get"]
    assert found["operationId"] == name.replace(" ", "_")
    assert found["tags"] == [insight.theme or name]
    assert found["summary"] == insight.question != ""
    parameters = {one["name"]: one for one in found["parameters"]}
    assert set(parameters) == {*(one.outward for one in insight.arguments), "format"}
    assert {key for key, one in parameters.items() if one["required"]} == set(least(insight))
    for key, one in parameters.items():
        assert one["description"], key


def test_each_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [
        operation["operationId"]
        for methods in document["paths"].values() for operation in methods.values()
    ]
    assert len(names) > 40
    assert len(names) == len(set(names))
