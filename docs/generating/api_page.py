"""The page of the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docs.generating.markdown import code, made, table
from staycurve.interfaces.api.app import declared


def api_page() -> str:
    """Every address of the HTTP interface that answers, with what it takes and gives."""
    document = declared().openapi()
    schemas = document["components"]["schemas"]
    parts = [
        "What `GET` answers under `/api/v1`; [how to use it](../how-to/use-the-api.md). The same "
        "for programs, with what changes something, is at `/api/openapi.json`. A parameter marked "
        "with * is required; a key marked with ? is left out where it is empty.",
    ]
    themes: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        asked = methods["get"]
        # Of what is written by hand the summary is the function's name.
        said = [asked["summary"]] if asked["summary"].endswith(("?", ".")) else []
        part = [f"### {path}", *said, asked.get("description", "")]
        rows = [
            [f"`{one['name']}`" + ("\\*" if one["required"] else ""), _taken(one["schema"]),
             one.get("description", "")]
            for one in asked.get("parameters", [])
        ]
        if rows:
            part.append(table(["parameter", "takes", ""], rows))
        answer = asked["responses"]["200"]["content"]["application/json"]["schema"]
        part.append(table(["key", "holds", ""], list(_keys(answer, schemas))))
        themes.setdefault(asked["tags"][0], []).append("\n\n".join(filter(None, part)))
    for theme, found in themes.items():
        parts += [f"## {theme.capitalize()}", *found]
    return made("HTTP API", *parts)


def _kinds(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas of which a value fits one."""
    if "anyOf" not in schema:
        return [schema]
    return [kind for one in schema["anyOf"] for kind in _kinds(one)]


def _taken(schema: Mapping[str, Any]) -> str:
    words = []
    for one in _kinds(schema):
        if "enum" in one:
            words.append(code(one["enum"]))
        elif "items" in one:
            words.append(f"list of {_taken(one['items'])}")
        elif "$ref" in one:
            words.append("object")
        elif isinstance(one.get("additionalProperties"), dict):
            words.append(f"key → {_taken(one['additionalProperties'])}")
        else:
            words.append({"string": "text", "null": "null", "boolean": "true or false",
                          "integer": "whole number"}.get(one.get("type", ""), one.get("type", "")))
            words[-1] = "day" if one.get("format") == "date" else words[-1]
    return " or ".join(dict.fromkeys(words))


def _keys(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], before: str = "", above: str = ""
) -> Iterator[list[str]]:
    """Rows of every key of an answer; those of an object inside follow the key that holds it."""
    for one in _kinds(schema):
        if "items" in one:
            yield from _keys(one["items"], schemas, before, above)
        name = one.get("$ref", "").rpartition("/")[2]
        if not name or name in above.split():
            continue
        required = schemas[name].get("required", [])
        for key, own in schemas[name].get("properties", {}).items():
            shown = f"`{before}{key}`" + ("" if key in required else "?")
            yield [shown, _taken(own), own.get("description", "")]
            yield from _keys(own, schemas, f"{before}{key}.", f"{above} {name}")
