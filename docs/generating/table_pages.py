"""The pages of the tables and of the sources that fill them."""

from __future__ import annotations

from typing import Any

from docs.generating.markdown import code, made, table
from staycurve.sections import fields_of, takes_of
from staycurve.sources.base import SOURCES, Source
from staycurve.sources.mapping import Feed
from staycurve.tables.base import Column, Table
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.views import DERIVED, USAGE


def _column_row(column: Column) -> list[str]:
    about = column.about
    if column.choices:
        about += f" One of {code(column.choices)}."
    if column.spellings:
        about += " Also read: " + ", ".join(f"`{a}` as `{b}`" for a, b in column.spellings) + "."
    if column.default is not None:
        about += f" Default `{column.default}`."
    return [f"`{column.name}`" + ("\\*" if column.is_required else ""), column.kind, about]


def _table_part(found: Table) -> str:
    parts = [f"### {found.name}", found.about,
             f"One row is {found.grain}. Key: {code(found.key)}."]
    notes = []
    if found.derived_key:
        notes.append(f"Where the file has no `{found.derived_key}`, one is derived from the whole "
                     "row and its occurrence number in the file.")
    if found.extra_column:
        notes.append(f"Any other column is kept, in `{found.extra_column}`.")
    if found.makes_accounts:
        notes.append("A row of an unknown account creates a bare account.")
    elif found.refers_to_account:
        notes.append("A row of an unknown account waits, and joins when the account is loaded.")
    parts += [" ".join(notes),
              table(["column", "kind", "what it holds"], [_column_row(c) for c in found.columns])]
    if found.checks:
        rules = [f"- `{c.column}` {c.rule.replace('{', '`').replace('}', '`')}"
                 for c in found.checks]
        parts += ["A row is rejected when:", "\n".join(rules)]
    return "\n\n".join(part for part in parts if part)


def tables_page() -> str:
    """The conformed and the derived tables."""
    intro = (
        "Every source ends in these tables, and every metric reads only these and what is derived "
        "from them. Columns with * are required. Instants are ISO 8601; a date alone means the "
        "start of that day in the company's time zone. Money is a decimal in major units, with "
        "its `currency` beside it."
    )
    parts = [intro, "## Conformed tables", *(_table_part(found) for found in CONFORMED.values()),
             "## Derived tables",
             "Computed by `staycurve refresh`, account by account. Nobody loads them."]
    for derived in (*DERIVED.values(), *USAGE.values()):
        parts += [
            f"### {derived.name}",
            f"{derived.about} One row is {derived.grain}. Computed from {code(derived.reads)}.",
            table(["column", "type"], [[f"`{c}`", kind] for c, kind in derived.columns]),
        ]
    return made("Tables", *parts)


def _source_part(source: Source[Any]) -> str:
    keys = [["`kind`", f"`{source.name}`"]]
    keys += [
        [f"`{key}`", takes.words if (takes := takes_of(kind)) else ""]
        for key, kind in fields_of(source.settings).items()
    ]
    streams = [
        [f"`{stream.name}`", stream.about,
         ", ".join(f"[{name}](tables.md#{name})" for name in stream.tables) or "each file's",
         code(stream.key), stream.cursor]
        for stream in source.streams
    ]
    return "\n\n".join([
        f"## {source.name}", f"{source.title}. {source.about}", f"```toml\n{source.example}\n```",
        table(["key", "takes"], keys),
        table(["stream", "what it is", "fills", "key", "goes on from"], streams),
        *(_feed_part(stream.name, feed) for stream in source.streams for feed in stream.feeds),
    ])


def _feed_part(stream: str, feed: Feed) -> str:
    rows = [[f"`{theirs}`", code(ours)] for theirs, ours in feed.columns.items() if ours]
    about = f"How a row of `{stream}` becomes one of `{feed.table}`:"
    return about + "\n\n" + table(["field", "column"], rows)


def sources_page() -> str:
    """Every kind of source with its keys, its streams and their fields."""
    intro = (
        "Outside systems whose rows `staycurve sync` brings in, each as a section "
        "`[sources.NAME]` of staycurve.toml. `staycurve sources` lists how far each has come. "
        "[Packages can add kinds](../how-to/extend.md)."
    )
    return made("Sources", intro, *(_source_part(source) for _, source in SOURCES.items()))
