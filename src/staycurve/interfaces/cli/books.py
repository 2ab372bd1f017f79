"""Commands that keep the books: undo, close, adjust."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.errors import UsageError
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.opening import company_of, fresh_company_of
from staycurve.interfaces.cli.options import AsOf, Output
from staycurve.interfaces.cli.output import Format, print_data


@app.command()
def undo(
    context: typer.Context,
    load: Annotated[
        int | None,
        typer.Argument(help="Its number in: staycurve loads. Without it, the last command's."),
    ] = None,
    restate: Annotated[
        bool, typer.Option("--restate", help="Even if a closed month depends on it.")
    ] = False,
) -> None:
    """Undo a load: what it added is removed, what it replaced comes back."""
    with company_of(context) as company:
        reports = company.books.undo(load, is_restating=restate)
    for report in reports:
        typer.echo(
            f"load {report.load}, {report.file} → {report.table}: removed {report.removed}, "
            f"restored {report.restored}, kept {report.kept}"
        )
        if report.kept:
            typer.echo("  kept: rows of the same keys that a later load brought or changed")


@app.command()
def close(
    context: typer.Context,
    month: Annotated[str | None, typer.Argument(help="Such as 2024-12.")] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="The closed months, and what changed since.")
    ] = False,
    as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Close a month: later changes to its figures are listed as restatements."""
    if (month is None) != listed:
        raise UsageError(
            "close takes a month, or --list.",
            hint="Write: staycurve close 2024-12   or: staycurve close --list",
        )
    with fresh_company_of(context) as company:
        if month is None:
            from staycurve.interfaces.cli.answering import print_answer

            print_answer(company.books.closed(), output)
            return
        closed = company.books.close(month, as_of=as_of)
    row = {
        "month": f"{closed.month:%Y-%m}", "closed_at": closed.closed_at, "as_of": closed.as_of,
        "seq": closed.seq,
    }
    if not print_data({"rows": [row]}, output):
        typer.echo(f"Closed {closed.month:%Y-%m} as of {closed.as_of}, at move {closed.seq}.")
        typer.echo("What changes it later: staycurve restatements")


@app.command()
def adjust(
    context: typer.Context,
    table: Annotated[str | None, typer.Argument(help="Such as subscriptions.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="COLUMN=VALUE,…", help="Which row; may be repeated."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COLUMN=VALUE", help="What it should be; may be repeated."),
    ] = None,
    author: Annotated[str, typer.Option(help="Who decided it.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    listed: Annotated[
        bool, typer.Option("--list", help="Every adjustment, with its state.")
    ] = False,
    output: Output = Format.table,
) -> None:
    """Correct one row by hand, audited; it stays when its file is loaded again."""
    if listed == (table is not None):
        raise UsageError(
            "adjust takes a table and a row, or --list.",
            hint="Write: staycurve adjust subscriptions --key subscription_id=s1,"
            "starts_at=2024-01-01 --set end_reason=\"payment failed\" --author A --reason R",
        )
    with company_of(context) as company:
        if table is None:
            from staycurve.interfaces.cli.answering import print_answer

            print_answer(company.books.adjustments(), output)
            return
        pairs = dict(_pair(part) for given in key or () for part in given.split(","))
        load = company.books.adjust(
            table, key=pairs, values=dict(_pair(given) for given in values or ()),
            author=author, reason=reason,
        )
        made = company.books.adjustments().rows
        rows = [one.as_dict() for one in made if one.load == load]
    if not print_data({"rows": rows}, output):
        typer.echo(f"Adjusted 1 row of {table}, as load {load}.")
        typer.echo(f"To take it back: staycurve undo {load}")


def _pair(text: str) -> tuple[str, str]:
    column, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"'{text}' is not COLUMN=VALUE.", hint="Write: --set end_reason=fraud")
    return column.strip(), value.strip()
