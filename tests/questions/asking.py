"""Ask an address for many dimensions in few requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.testclient import TestClient

REFUSED = (404, 422)


def ask(
    client: TestClient, path: str, least: Mapping[str, Any], dims: Sequence[str],
    filters: Mapping[str, str], *, name: str,
) -> int:
    """How many of the dimensions the address answers; whatever is refused is asked by halves."""
    listed = dims if name == "by" else [filters[dim] for dim in dims]
    answer = client.get(path, params={**least, name: ",".join(listed)})
    assert answer.status_code in (200, *REFUSED), (str(answer.url), answer.text[:300])
    if answer.status_code == 200:
        return len(dims)
    error = answer.json()["error"]
    assert error["message"], str(answer.url)
    if len(dims) == 1:
        return 0
    half = len(dims) // 2
    return sum(
        ask(client, path, least, part, filters, name=name) for part in (dims[:half], dims[half:])
    )
