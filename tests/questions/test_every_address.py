"""Every address that the server declares, by every dimension: an answer or a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.questions.asking import ask
from tests.questions.whole_company import GIVEN, bundles, filled


def operations(client: TestClient) -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    """Address, the least parameters, and the names of all, of each thing the API answers."""
    for path, methods in client.get("/api/openapi.json").json()["paths"].items():
        if "get" not in methods or "{alert}" in path:
            # No alert is open in this company; tests/work asks for one that is.
            continue
        declared = methods["get"].get("parameters", [])
        least = {
            one["name"]: GIVEN[one["name"]]
            for one in declared if one.get("required") and one["in"] == "query"
        }
        if path.endswith("/checklist/accounts"):
            least["step"] = "signed_up"
        if path.endswith("/features/accounts"):
            least["feature"] = GIVEN["feature"]
        yield filled(path), least, {one["name"] for one in declared if one["in"] == "query"}


def test_each_address_of_the_api_answers_with_the_least_it_needs(asker: TestClient) -> None:
    answers = {
        (path, str(least)): asker.get(path, params=least).status_code
        for path, least, _names in operations(asker)
    }
    assert len(answers) > 40
    assert {one for one, status in answers.items() if status != 200} == set()


@pytest.mark.parametrize("name", ["by", "where"])
def test_the_api_answers_every_dimension_or_says_why_not(
    asker: TestClient, filters: dict[str, str], name: str
) -> None:
    taking = [one for one in operations(asker) if name in one[2]]
    assert len(taking) > 10
    for path, least, _names in taking:
        answered = sum(
            ask(asker, path, least, dims, filters, name=name) for dims in bundles(list(filters))
        )
        assert answered, path
