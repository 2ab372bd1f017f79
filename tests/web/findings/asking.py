"""What a page of findings says, asked for as JSON, and what its numbers open to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi.testclient import TestClient

from tests.web.reading import links

Row = dict[str, Any]


def twin(client: TestClient, path: str) -> Row:
    """The JSON of a page."""
    address, _, query = path.partition("?")
    answer = client.get(f"{address}.json" + (f"?{query}" if query else ""))
    assert answer.status_code == 200, (path, answer.text)
    found: Row = answer.json()
    return found


def panel(client: TestClient, path: str, name: str) -> Row:
    """One panel of a page."""
    panels: list[Row] = twin(client, path)["panels"]
    return next(one for one in panels if one["name"] == name)


def opened(client: TestClient, href: str) -> Row:
    """The rows that a number opens to, with their total."""
    found: Row = twin(client, href)["panels"][0]
    assert "why" not in found, (href, found)
    return found


def same(rows: Iterable[Mapping[str, Any]], expected: Iterable[Mapping[str, Any]]) -> bool:
    """Whether rows are those of Python, but for the addresses that they open to."""
    return [
        {key: value for key, value in row.items() if not key.endswith("_at")} for row in rows
    ] == [dict(row) for row in expected]


def follow_every_kind(client: TestClient, path: str) -> int:
    """Open a link of each kind that a page has, late panels included; how many there were."""
    pages = [path]
    joint = "&" if "?" in path else "?"
    pages += [
        f"{path}{joint}panel={one['name']}" for one in twin(client, path)["panels"]
    ]
    kinds: dict[tuple[Any, ...], str] = {}
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, (page, answer.text)
        for link in links(answer.text):
            if link.href.startswith("/") and not link.href.startswith("/static"):
                parts = urlsplit(link.href)
                options = dict(parse_qsl(parts.query))
                kind = (
                    parts.path, *sorted(options), options.get("part"), options.get("reading"),
                    options.get("metric"),
                )
                kinds.setdefault(kind, link.href)
    for href in kinds.values():
        answer = client.get(href)
        assert answer.status_code == 200, (href, answer.text[:500])
    return len(kinds)


def says_what_is_wrong(client: TestClient, path: str) -> str:
    """The message of an address that cannot be read."""
    answer = client.get(path, headers={"accept": "application/json"})
    assert 400 <= answer.status_code < 500, (path, answer.status_code)
    error = answer.json()["error"]
    assert error["hint"]
    return str(error["message"])
