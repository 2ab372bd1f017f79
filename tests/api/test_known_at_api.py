"""known_at over HTTP answers from what was loaded by then, as the command line does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.insights.catalogue import INSIGHTS
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.api.asking import address_of
from tests.books.keeping import Bookkeeper

HEAD = "subscription_id account_id starts_at ends_at amount\n"
THEN = "2026-01-01T01:30:00Z"
BY_HAND = [
    "/api/v1/metrics/mrr?from=2024-01&to=2024-03",
    "/api/v1/metrics/mrr/accounts?period=2024-03",
    "/api/v1/cohorts?value=net_mrr&as=count",
]
ASKED = [
    *BY_HAND,
    *(address_of(one) for _name, one in INSIGHTS.items()
      if one.has_history and not any(own.is_required for own in one.arguments)),
]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bookkeeper]:
    made = Bookkeeper(tmp_path_factory.mktemp("known"))
    made.load(subscriptions=f"{HEAD} s1 acme 2024-01-01 2024-06-01 10")
    yield made
    made.company.close()


@pytest.fixture(scope="module")
def client(books: Bookkeeper) -> TestClient:
    return TestClient(create_app(books.company), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def before(books: Bookkeeper, client: TestClient) -> dict[str, object]:
    """What each address answered before the second load."""
    found = {address: client.get(address).json() for address in ASKED}
    books.load(subscriptions=f"{HEAD} s2 bolt 2024-01-01 2024-09-01 20")
    return found


@pytest.mark.parametrize("address", ASKED)
def test_a_later_load_does_not_change_what_was_known(
    client: TestClient, before: dict[str, object], address: str
) -> None:
    with_instant = f"{address}{'&' if '?' in address else '?'}known_at={THEN}"
    answer = client.get(with_instant)
    assert answer.status_code == 200, answer.text
    assert answer.json() == before[address]
    early = client.get(with_instant.replace(THEN, "2025-12-31")).json()["error"]
    assert early["message"].startswith("Nothing had been loaded by")


def test_now_it_is_another_answer(client: TestClient, before: dict[str, object]) -> None:
    for address in BY_HAND:
        assert client.get(address).json() != before[address]
    (old,) = before[BY_HAND[1]]["rows"]  # type: ignore[index]
    assert old == {
        "account_id": "acme", "value": 10, "name": None, "plan": None, "owner": None
    }
    rows = client.get(f"{BY_HAND[1]}&known_at=").json()["rows"]
    assert {row["account_id"]: row["value"] for row in rows} == {"acme": 10, "bolt": 20}
