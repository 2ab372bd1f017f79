"""A parameter that is none changes nothing, so every address of the API refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from tests.questions.test_every_address import operations
from tests.questions.whole_company import GIVEN


def paths(client: TestClient) -> Iterator[str]:
    """Every address that answers a question under /api/v1, aliases too."""
    for route in iter_route_contexts(cast(FastAPI, client.app).routes):
        path = route.path or ""
        if path.startswith("/api/v1/") and "GET" in (route.methods or ()):
            yield path.replace("{name}", str(GIVEN["name"]))


def test_no_address_takes_a_name_that_it_does_not_know(asker: TestClient) -> None:
    found = sorted(set(paths(asker)))
    assert len(found) > 40
    assert "/api/v1/cohorts/riskiest/accounts" in found
    for path in found:
        for value in ("1", ""):
            answer = asker.get(path, params={"unheard_of": value})
            assert answer.status_code == 422, path
            error = answer.json()["error"]
            assert error["code"] == "wrong_usage", path
            assert error["message"].startswith("Unknown parameter 'unheard_of'."), path
            assert error["hint"], path


def test_each_address_suggests_the_name_that_was_meant(asker: TestClient) -> None:
    asked = 0
    for path, _least, names in operations(asker):
        for name in names - {"name", "account_id"}:
            # What stands in the address itself is not misspelt, and short names resemble none.
            if len(name) < 4:
                continue
            wrong = name[:2] + name[3:]
            error = asker.get(path, params={wrong: "1"}).json()["error"]
            assert error["message"].startswith(f"Unknown parameter '{wrong}'. Did you mean '"), path
            asked += 1
    assert asked > 100


@pytest.mark.parametrize(("asked", "meant"), [
    ("cohorts/riskiest?class=paused", "end_class"),
    ("cohorts/riskiest/accounts?month=1&left=false", "is_at_risk"),
    ("metrics/mrr?form=2024", "from"),
])
def test_it_is_this_one(asker: TestClient, asked: str, meant: str) -> None:
    error = asker.get(f"/api/v1/{asked}").json()["error"]
    assert error["message"].endswith(f"Did you mean '{meant}'?")
