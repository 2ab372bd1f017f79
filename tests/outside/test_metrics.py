"""A metric that another package declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from docs import generate
from staycurve.errors import UnknownNameError
from staycurve.interfaces.api.app import create_app
from staycurve.metrics.catalogue import METRICS
from tests.company import build
from tests.outside import installed

ANSWERS = {
    "accounts": "account_id\nacme",
    "answers": """
    answer_id survey kind account_id user_id answered_at score scale_max
    a1        q1     nps  acme       ann     2024-02-01  10    10
    a2        q1     nps  acme       bob     2024-02-03  9     10
    a3        q1     nps  acme       cid     2024-02-03  2     10
    a4        q1     nps  acme       dee     2024-02-03  10    10""",
}


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "site").mkdir()
    with installed(tmp_path / "site", METRICS):
        yield


@pytest.mark.usefixtures("outside")
def test_it_is_shown_and_served(tmp_path: Path) -> None:
    with build(tmp_path / "project", ANSWERS) as company:
        asked = {"start": "2024-02", "end": "2024-02", "as_of": "2024-03-01"}
        assert [row["value"] for row in company.show("delight", **asked).rows] == [0.5]
        with TestClient(create_app(company)) as client:
            answer = client.get("/api/v1/metrics/delight?from=2024-02&to=2024-02&as_of=2024-03-01")
            listed = client.get("/api/v1/metrics").json()["rows"]
    assert [row["value"] for row in answer.json()["rows"]] == [0.5]
    assert [row["label"] for row in listed if row["name"] == "delight"] == ["Delight"]


@pytest.mark.usefixtures("outside")
def test_the_reference_has_a_page_for_it() -> None:
    page = generate.pages()[generate.REFERENCE / "metrics" / "delight.md"]
    assert page.startswith("# Delight\n")
    assert "Share of NPS answers that are a 10." in page
    assert "| 2024-02 | 0.5 |" in page


def test_without_the_package_it_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="Unknown metric 'delight'"):
        METRICS["delight"]
