"""Print who is behind a number of use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from staycurve.errors import UsageError
from staycurve.interfaces.cli.output import SHOWN, Format, print_data, print_table, say_rest

if TYPE_CHECKING:
    from staycurve.insights.usage.usage_segments import Members


def print_members(found: Members, output: Format) -> None:
    """One row a user or account; of many the first, and a line that says so."""
    if print_data(found.to_json(), output, rows=found.rows):
        return
    columns = list(found.rows[0]) if found.rows else ["account_id"]
    print_table(
        f"{len(found.rows):,} behind it, as of {found.as_of}",
        columns,
        [[_text(row[name]) for name in columns] for row in found.rows[:SHOWN]],
    )
    say_rest(found.rows)


def step_named(*, members: int | None, dropped: int | None, pending: int | None) -> str | None:
    """The one step that is asked about, such as '2:dropped'; None where none is.

    Raises
    ------
    UsageError
        If several are.
    """
    given = [
        f"{step}{part}"
        for step, part in ((members, ""), (dropped, ":dropped"), (pending, ":pending"))
        if step is not None
    ]
    if len(given) > 1:
        raise UsageError(
            "--members, --dropped and --pending go one at a time.", hint="Choose one of them."
        )
    return given[0] if given else None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
