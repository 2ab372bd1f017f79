"""The pages of the insights, one a theme, and their index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docs.generating.markdown import code, made, source_of, table
from staycurve.insights.base import Insight
from staycurve.insights.catalogue import INSIGHTS, THEMES
from staycurve.insights.describe import described
from staycurve.interfaces.cli.asking import help_of
from staycurve.interfaces.cli.options import option_of


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _insight_part(insight: Insight[Any, Any]) -> str:
    found = described(insight)
    addresses = [found["address"], *found["aliases"]]
    parts = [f"## {insight.name}", insight.question, insight.about, table(["", ""], [
        ["command", f"`{found['command']}`"], ["address", code(addresses)],
        ["page", f"`{found['page']}`"], ["Python", f"`{found['python']}`"],
        ["declared in", f"`{source_of(insight.function.__module__)}`"],
    ])]
    if insight.arguments:
        parts.append(table(["parameter", "option", "what it means"], [
            [f"`{one.outward}`" + ("\\*" if one.is_required else ""), f"`{option_of(one)}`",
             help_of(one)] for one in insight.arguments
        ]))
    parts.append(table(["key", "label", "unit", "what it is"], [
        [f"`{line['key']}`", line["label"], line["unit"], line["about"]]
        for line in found["fields"]
    ]))
    return "\n\n".join(part for part in parts if part)


def themes() -> dict[str, list[Insight[Any, Any]]]:
    """Theme → its insights."""
    found: dict[str, list[Insight[Any, Any]]] = {}
    for _name, insight in sorted(INSIGHTS.items()):
        word = insight.name.partition(" ")[0]
        # Those of one word that begin no theme are about the books.
        found.setdefault(word if word in THEMES else "books", []).append(insight)
    return found


def insights_index() -> str:
    """The list of every insight, by theme."""
    parts = [
        "Every question that `staycurve insights` lists. Each is one declaration: its parameters "
        "have the same names on the command line (with `-` for `_`), in addresses and in Python, "
        "and its keys are those of JSON everywhere.",
    ]
    for theme, insights in themes().items():
        parts += [f"## {theme.capitalize()}", THEMES.get(theme, ""), table(
            ["insight", "question"],
            [[f"[`{one.name}`]({theme}.md#{_anchor(one.name)})", one.question]
             for one in insights],
        )]
    return made("Insights", *parts)


def insights_page(theme: str, insights: Sequence[Insight[Any, Any]]) -> str:
    """The insights of one theme with their parameters and keys."""
    note = ("What is marked with * is required. `rows[].` stands before the keys of each of "
            "several rows, and a name with a dot before those of one object.")
    return made(theme.capitalize(), THEMES.get(theme, ""), note, *map(_insight_part, insights))
