"""Schemathesis reads the OpenAPI document and asks each operation, as each role."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from staycurve.interfaces.access import is_open
from staycurve.permissions import ROLES
from staycurve.workspace import Company
from tests.access.conftest import browser

schemathesis = pytest.importorskip("schemathesis", reason="make test-fuzz installs it")

TIMES = int(os.environ.get("STAYCURVE_FUZZ", "1"))
PATIENCE = 60
"""Seconds after which a test fails rather than hangs."""
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance",
)


@pytest.mark.parametrize("role", ["", *ROLES])
def test_each_operation_does_what_the_document_says(
    app: object, company: Company, role: str
) -> None:
    from schemathesis.checks import CHECKS as KNOWN
    from schemathesis.generation import GenerationMode

    client = browser(app)
    key = {"Authorization": f"Bearer {company.state.create_key(role or 'viewer')[1]}"}
    schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json", headers=key).json())
    schema.app = app
    headers = key if role else {}
    checks = [KNOWN.get_one(name) for name in CHECKS]
    found: dict[str, str] = {}
    asked: set[str] = set()

    def ask(case: Any) -> None:
        answer = case.call(headers=headers, timeout=PATIENCE)
        asked.add(f"{case.method} {case.path}")
        if not role and not is_open(case.path) and answer.status_code != 401:
            found[f"{case.method} {case.path}"] = f"nobody got {answer.status_code}"
        try:
            case.validate_response(answer, checks=checks)
        except BaseExceptionGroup as several:
            for one in several.exceptions:
                told = f"{case.method} {case.path} {answer.status_code} {str(one)[:60]}"
                found.setdefault(told, f"{one}\n{case.as_curl_command()}"[:2000])

    drawing = settings(
        max_examples=5 * TIMES, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )
    for operation in schema.get_all_operations():
        own = operation.ok()
        for mode in GenerationMode:
            try:
                drawing(given(case=own.as_strategy(generation_mode=mode))(ask))()
            except Unsatisfiable:
                # An operation without parameters cannot be asked wrongly.
                continue
    assert len(asked) > 100
    assert found == {}
