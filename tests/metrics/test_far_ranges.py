"""A range may be written as far as anybody likes: it is clipped to the data, or refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.errors import UsageError
from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import build

SPANS = """
    subscription_id account_id starts_at  ends_at    amount
    s1              a          2024-01-05 -          10
    s2              b          2024-03-07 2024-03-20 30
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("far") / "p"
    with build(folder, {"subscriptions": SPANS}) as made:
        yield made


@pytest.mark.parametrize("start", ["0001-01-01", "0001", "1899", "0999-Q4"])
@pytest.mark.parametrize("end", ["9999-12-31", "2200", "9999-Q4"])
def test_a_range_beyond_all_years_is_that_of_the_data(
    company: Company, start: str, end: str
) -> None:
    found = company.show("mrr", start=start, end=end)
    assert [(row["period"], row["value"]) for row in found.rows] == [
        ("2024-01-01", 10), ("2024-02-01", 10), ("2024-03-01", 10),
    ]


def test_more_periods_than_anybody_reads_are_refused_with_the_next_grain(
    company: Company
) -> None:
    with pytest.raises(UsageError, match="more than the 5,000") as caught:
        company.show("mrr", grain="day", start="1950")
    assert "--grain week" in caught.value.hint


@pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59+14:00",
                                "0001-01-01T00:00:00+14:00"])
def test_an_instant_beyond_all_years_is_refused(company: Company, at: str) -> None:
    with pytest.raises(UsageError, match="outside the years"):
        company.show("mrr", as_of=at)


@pytest.mark.parametrize("address", ["/", "/metrics/mrr", "/cohorts", "/usage", "/lifecycle",
                                     "/api/v1/metrics/mrr", "/api/v1/usage/activity"])
@pytest.mark.parametrize("query", ["as_of=0001-01-01", "as_of=9999-12-31", "from=0001-01-01",
                                   "to=9999-12-31", "from=9999", "to=0001", "grain=day&from=1900"])
def test_no_address_with_a_far_range_is_a_fault(
    company: Company, address: str, query: str
) -> None:
    client = TestClient(create_app(company), raise_server_exceptions=False)
    assert client.get(f"{address}?{query}").status_code in (200, 422)
