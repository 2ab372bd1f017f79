"""Writing maps: a mapping as the TOML that states it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from staycurve.sources.mapping import Feed, Mapping


def mapping_text(mapping: Mapping, *, table: str, headers: Sequence[str], about: str = "") -> str:
    """TOML that `parse_mapping` reads as the same mapping, known by these headers.

    Parameters
    ----------
    table : str
        The table that it feeds, where the mapping leaves that to the file's name.
    headers : sequence of str
        Of the file that it was made for: a file that has all of them is known by them.
    """
    lines = [f"# {about}"] if about else []
    lines += [f"table = {_value(table)}"]
    if mapping.main.only_if:
        lines.append(f"only_if = {_value(mapping.main.only_if)}")
    lines += ["", "[recognise]", f"all = {_value(list(headers))}"]
    options = {
        one.name: getattr(mapping.options, one.name) for one in fields(mapping.options)
        if getattr(mapping.options, one.name) is not None
    }
    if options:
        lines += ["", "[options]", *(f"{key} = {_value(value)}" for key, value in options.items())]
    lines += _feed(mapping.main.within(headers), "")
    for feed in mapping.also:
        lines += ["", "[[also]]", f"table = {_value(feed.table)}"]
        if feed.only_if:
            lines.append(f"only_if = {_value(feed.only_if)}")
        lines += _feed(feed, "also.")
    return "\n".join(lines) + "\n"


def _feed(feed: Feed, under: str) -> list[str]:
    lines = _section(
        f"{under}columns",
        ((theirs, _targets(ours)) for theirs, ours in feed.columns.items()),
    )
    for ours, pairs in feed.values.items():
        lines += _section(f"{under}values.{ours}", pairs.items())
    lines += _section(f"{under}defaults", feed.defaults.items())
    for ours, one in feed.lookups.items():
        pairs = {"from": one.table, "by": one.by, "column": one.column}
        lines += _section(f"{under}lookup.{ours}", pairs.items())
    for ours, when in feed.when.items():
        lines += _section(
            f"{under}when.{ours}", {"column": when.column, "is": list(when.values)}.items()
        )
    if feed.key_from:
        lines += _section(f"{under}key", {"from": list(feed.key_from)}.items())
    return lines


def _targets(ours: tuple[str, ...]) -> str | list[str]:
    if not ours:
        return ""
    return ours[0] if len(ours) == 1 else list(ours)


def _section(title: str, pairs: Iterable[tuple[str, Any]]) -> list[str]:
    listed = [f"{_key(key)} = {_value(value)}" for key, value in pairs]
    return ["", f"[{title}]", *listed] if listed else []


def _key(text: str) -> str:
    is_bare = text.isascii() and bool(text) and text.replace("_", "a").replace("-", "a").isalnum()
    return text if is_bare else _value(text)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    # A JSON text is a TOML basic string, but for the sign of deletion.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
