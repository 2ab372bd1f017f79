"""CSV of pages: one panel a sheet, long or wide, money in its currency's digits."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from tests.company import build

SUBSCRIPTIONS = """
    account_id subscription_id starts_at  amount plan
    acme       s1              2024-01-05 100    Pro
    bolt       s2              2024-01-20 10     Team
    crux       s3              2024-02-03 1000   Pro
"""
# A year's plan of 100 is 8.333… a month.
YEARLY = "account_id subscription_id starts_at amount interval\nacme s1 2024-01-05 100 year"


def lines(client: TestClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_column_of_a_sheet_sums_to_the_whole_once(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"subscriptions": SUBSCRIPTIONS}) as company:
        client = TestClient(create_app(company))
        page = "/metrics/mrr?by=plan&as_of=2024-03-01&format=csv"
        whole = lines(client, page + "&panel=values")
        segments = lines(client, page + "&panel=segments")
        # January 110, February 1,110.
        assert [float(row["value"]) for row in whole] == [110, 1110]
        assert sum(float(row["value"]) for row in segments) == 110 + 1110
        # Without a name it is one panel all the same.
        assert lines(client, page) == whole


def test_a_wide_sheet_has_a_line_a_period_and_a_column_a_segment(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"subscriptions": SUBSCRIPTIONS}) as company:
        client = TestClient(create_app(company))
        page = "/metrics/mrr?by=plan&as_of=2024-03-01&format=csv&shape=wide"
        assert lines(client, page + "&panel=segments") == [
            {"period": "2024-01-01", "Pro": "100.0", "Team": "10.0"},
            {"period": "2024-02-01", "Pro": "1100.0", "Team": "10.0"},
        ]
        assert lines(client, page + "&panel=values")[1] == {"period": "2024-02-01", "mrr": "1110.0"}
        cohorts = lines(client, "/?as_of=2024-03-01&format=csv&shape=wide&panel=cohorts")
        assert [(row["cohort"][:7], row["size"], row["0"]) for row in cohorts] == [
            ("2024-01", "2", "1.0"), ("2024-02", "1", "1.0")
        ]
        html = client.get("/metrics/mrr?by=plan&as_of=2024-03-01&panel=segments").text
        assert "panel=segments&amp;format=csv&amp;shape=wide" in html


@pytest.mark.parametrize(
    ("currency", "shown", "exact"),
    # Micro-units, half to even: 8.333333.
    [("USD", "8.33", "8.333333"), ("JPY", "8", "8.333333"), ("KRW", "8", "8.333333"),
     ("KWD", "8.333", "8.333333")],
)
def test_money_has_the_digits_of_its_currency(
    tmp_path: Path, currency: str, shown: str, exact: str
) -> None:
    with build(tmp_path / "p", {"subscriptions": YEARLY}, currency=currency) as company:
        client = TestClient(create_app(company))
        page = "/metrics/mrr?as_of=2024-02-01&format=csv&panel=values"
        assert [row["value"] for row in lines(client, page)] == [shown]
        assert [row["value"] for row in lines(client, page + "&exact=true")] == [exact]
        # A rate is no money.
        rate = lines(client, "/metrics/nrr?as_of=2024-03-01&format=csv&panel=values")
        assert [row["value"] for row in rate][-1] == "1.0"


@pytest.mark.parametrize(
    ("query", "code"),
    [("/?panel=movement", "unknown_panel"), ("/?panel=movements&shape=tall", "unknown_shape"),
     ("/catalogue?shape=wide", "not_answered")],
)
def test_a_sheet_that_there_is_not_is_an_error(tmp_path: Path, query: str, code: str) -> None:
    with build(tmp_path / "p", {"subscriptions": SUBSCRIPTIONS}) as company:
        answer = TestClient(create_app(company)).get(f"{query}&format=csv")
        assert answer.json()["error"]["code"] == code
