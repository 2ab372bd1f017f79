"""The page of known exports: what each is, where its column names come from, what is not sure."""

from __future__ import annotations

from docs.generating.markdown import made, table
from staycurve.sources.exports import Export, ready_exports


def exports_page() -> str:
    """Every ready mapping, under its tool."""
    every = ready_exports()
    rows = [
        [f"[`{one.name}`](#{one.name})", one.about, _tables(one),
         "yes" if one.is_verified else "**no**"]
        for one in every
    ]
    parts = [
        "Files of other tools that `staycurve load` knows by their headers, or takes with "
        "`--map NAME`. *Verified* says whether the headers were seen in the tool's documentation "
        "or in public readers of the export; where they were not, look at the proposal first: "
        "`staycurve map FILE`. [How to load one](../how-to/load-exports.md).",
        table(["name", "file", "tables", "verified"], rows),
    ]
    for one in every:
        parts += [
            f"### {one.name}", f"{one.about}.", one.verified,
            f"To be checked: {one.unsure}" if one.unsure else "",
            f"**Nothing of it is loaded.** {one.unused}" if one.unused else "",
            "Known by: " + ", ".join(f"`{header}`" for header in one.recognise.all)
            + (
                "; and one of " + ", ".join(f"`{header}`" for header in one.recognise.any)
                if one.recognise.any else ""
            ) + ".",
            "Source: " + ", ".join(f"<{address}>" for address in one.source),
        ]
    return made("Known exports", *parts)


def _tables(one: Export) -> str:
    tables = dict.fromkeys([one.table, *(feed.table or "" for feed in one.mapping.also)])
    return ", ".join(f"[`{name}`](tables.md#{name})" for name in tables)
