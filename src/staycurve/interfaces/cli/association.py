"""Who stays, among those who did something and the others, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from staycurve.interfaces.cli.output import Row, gap_between, percent, points, print_table


def print_associations(title: str, given: Sequence[tuple[str, Row | None]]) -> None:
    """Who stays, among those who did something and the others."""
    rows = [(name, one) for name, one in given if one is not None]
    if not rows:
        return
    print_table(
        f"{title}: those who did it, beside the others (an association, not a cause)",
        ["", "did", "stayed", "others", "stayed", "difference", "95% interval", "comparable",
         "verdict", "what else differs"],
        [
            [name, f"{one['users']['size']:,}", percent(one["users"]["value"]),
             f"{one['others']['size']:,}", percent(one["others"]["value"]),
             points(one["difference"], unit=""), gap_between(one, unit=""),
             points((one["among_comparable"] or {}).get("difference"), unit=""), one["verdict"],
             ", ".join(c["name"] for c in one["confounders"] if c["differs"])]
            for name, one in rows
        ],
    )
