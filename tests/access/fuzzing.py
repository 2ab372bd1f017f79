"""Requests drawn from the OpenAPI document: fitting, nearly fitting and hostile ones."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

MARK = "\"'><x-mark onload=x>"
"""What no page may repeat as it is: it would end an attribute and begin an element."""
TEXTS = (
    "", "mrr", "acme", "report", "nps", "2024-01", "2024-02-03", "plan", "u-zelda", "1", "0", "-1",
    MARK, "%", "\0", "a\0b", "\ud800", "\u202e", "é" * 300, "x" * 6000, "../../etc/passwd",
    "{{7*7}}", "';DROP TABLE x;--", "a@b.example", "=1+1", "\r\nSet-Cookie: a=b", "NaN", "1e309",
    "9" * 400, "٣", "true", "null", "[]", "🦔",
)
BODIES = (
    b"", b"null", b"[", b"[]", b"{}", b'"x"', b"\xff\xfe", b"[" * 20_000, b'{"a":1,"a":2}',
    b"NaN", b"1e999", b'{"id":' + b"9" * 5000 + b"}", b" " * 31_000,
)
NUMBERS = (0, 1, 2, -1, 7, 2**31 - 1, 2**31, 2**63, -(2**70), 10**400, 0.5)


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the document declares it."""

    method: str
    path: str
    told: dict[str, Any]
    document: dict[str, Any] = field(repr=False)

    @property
    def parameters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.told.get("parameters", [])
        return found

    def schema_of(self, status: int) -> dict[str, Any] | None:
        """The schema of an answer's JSON; None where none is declared."""
        responses = self.told["responses"]
        own = responses.get(str(status)) or responses.get("default") or {}
        found: dict[str, Any] | None = (
            own.get("content", {}).get("application/json", {}).get("schema")
        )
        return found

    def body_schema(self) -> dict[str, Any] | None:
        content = self.told.get("requestBody", {}).get("content", {})
        found: dict[str, Any] | None = content.get("application/json", {}).get("schema")
        return found


def operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation, by address."""
    found = [
        Operation(method.upper(), path, told, document)
        for path, methods in sorted(document["paths"].items())
        for method, told in sorted(methods.items())
    ]
    assert len(found) > 100
    return found


@dataclass(frozen=True)
class Drawn:
    """One request."""

    method: str
    address: str
    body: bytes | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.body is None else {"Content-Type": "application/json"}


def drawn(operation: Operation, source: random.Random) -> Drawn:
    """A request of an operation: half of the values fit, half may be anything."""
    path = operation.path
    pairs = []
    for one in operation.parameters:
        schema = one.get("schema", {})
        if one["in"] == "path":
            value = str(_value(schema, operation.document, source))
            placed = quote(value.encode("utf-8", "surrogatepass"), safe="")
            path = path.replace(f"{{{one['name']}}}", placed or "x")
        elif one.get("required") or source.random() < 0.3:
            value = str(_value(schema, operation.document, source))
            pairs.append((one["name"], value))
    if source.random() < 0.1:
        pairs.append((source.choice(("unheard_of", MARK, "")), MARK))
    query = "&".join(
        f"{quote(name, safe='')}={quote(value.encode('utf-8', 'surrogatepass'), safe='')}"
        for name, value in pairs
    )
    body = None
    schema = operation.body_schema()
    if operation.method != "GET":
        is_raw = schema is None or source.random() < 0.3
        body = source.choice(BODIES) if is_raw else json.dumps(
            _value(schema, operation.document, source)
        ).encode()
    return Drawn(operation.method, path + (f"?{query}" if query else ""), body)


def _value(schema: Any, document: dict[str, Any], source: random.Random, depth: int = 0) -> Any:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if source.random() < 0.08:
        return source.choice((None, True, [], {}, *TEXTS, *NUMBERS))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _value(source.choice(schema[several]), document, source, depth + 1)
    if "enum" in schema and source.random() < 0.8:
        return source.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object" and depth < 5:
        own = {
            name: _value(one, document, source, depth + 1)
            for name, one in schema.get("properties", {}).items()
            if name in schema.get("required", ()) or source.random() < 0.5
        }
        return own | ({"unheard_of": 1} if source.random() < 0.05 else {})
    if kind == "array" and depth < 5:
        return [
            _value(schema.get("items", {}), document, source, depth + 1)
            for _ in range(source.choice((0, 1, 3)))
        ]
    if kind in ("integer", "number"):
        return source.choice(NUMBERS)
    if kind == "boolean":
        return source.choice((True, False, "true", "x"))
    return source.choice(TEXTS)


def faults_in(told: Any, operation: Operation) -> Iterator[str]:
    """In what an answer's JSON differs from its schema; one answer is checked to its end."""
    from jsonschema import Draft202012Validator

    schema = operation.schema_of(told.status_code)
    if schema is None:
        yield f"{told.status_code} is not declared"
        return
    whole = {**schema, "components": operation.document["components"]}
    for error in Draft202012Validator(whole).iter_errors(told.json()):
        yield f"{told.status_code} {'.'.join(map(str, error.path))}: {error.message[:200]}"
