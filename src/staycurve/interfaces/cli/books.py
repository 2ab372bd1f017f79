"""Commands that keep the books: undo, close, restatements, adjust."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staycurve.errors import UsageError
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.opening import company_of, fresh_company_of
from staycurve.interfaces.cli.options import AsOf, Output
from staycurve.interfaces.cli.output import Format, print_data, print_table

if TYPE_CHECKING:
    from staycurve.workspace import Company


@app.command()
def undo(
    context: typer.Context,
    load: Annotated[
        int | None,
        typer.Argument(help="Its number in: staycurve loads. Without it, the last command's."),
    ] = None,
    restate: Annotated[
        bool, typer.Option("--restate", help="Even if a closed month rests on it.")
    ] = False,
) -> None:
    """Take a load back: what it brought goes, what it replaced comes back."""
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
    """Lock a month: later changes to it are listed as restatements."""
    if (month is None) != listed:
        raise UsageError(
            "close takes a month, or --list.",
            hint="Write: staycurve close 2024-12   or: staycurve close --list",
        )
    with fresh_company_of(context) as company:
        if month is None:
            _list(company, output)
            return
        closed = company.books.close(month, as_of=as_of)
    if not print_data({"rows": [_row(closed)]}, output):
        typer.echo(f"Closed {closed.month:%Y-%m} as of {closed.as_of}, at move {closed.seq}.")
        typer.echo("What changes it later: staycurve restatements")


def _row(closed: Any) -> dict[str, Any]:
    return {
        "month": f"{closed.month:%Y-%m}", "closed_at": closed.closed_at, "as_of": closed.as_of,
        "seq": closed.seq,
    }


def _list(company: Company, output: Format) -> None:
    months = company.books.closed()
    restated = {one["month"]: one for one in company.books.restatements()}
    rows = [
        _row(closed) | {
            "figures_changed": len(restated.get(f"{closed.month:%Y-%m}", {}).get("figures", ())),
            "accounts_changed": len(restated.get(f"{closed.month:%Y-%m}", {}).get("accounts", ())),
        }
        for closed in months
    ]
    if print_data({"rows": rows}, output):
        return
    columns = list(rows[0]) if rows else ["month"]
    print_table("Closed months", columns, [[str(v) for v in row.values()] for row in rows])
    if restated:
        typer.echo("Account by account, with the causes: staycurve restatements")


@app.command()
def restatements(context: typer.Context, output: Output = Format.table) -> None:
    """Closed months whose figures changed since: account by account, and what caused it."""
    with fresh_company_of(context) as company:
        found = company.books.restatements()
    if not print_data({"rows": found}, output, rows=_flat(found)):
        _print(found)


def _flat(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "month": one["month"], "account_id": account["account_id"], "metric": metric,
            **change, "causes": "; ".join(_said(cause) for cause in account["causes"]),
        }
        for one in found
        for account in one["accounts"]
        for metric, change in account["changes"].items()
    ]


def _print(found: Sequence[dict[str, Any]]) -> None:
    if not found:
        typer.echo("No closed month has changed.")
    for one in found:
        typer.echo(f"{one['month']}, closed at {one['closed_at']}, as of {one['as_of']}")
        print_table(
            "Figures",
            ["metric", "closed", "now"],
            [[f["metric"], _number(f["closed"]), _number(f["now"])] for f in one["figures"]],
        )
        print_table(
            "Accounts",
            ["account", "metric", "closed", "now", "difference", "cause"],
            [
                [
                    account["account_id"], metric, _number(change["closed"]),
                    _number(change["now"]), _number(change["difference"]),
                    "; ".join(_said(cause) for cause in account["causes"]),
                ]
                for account in one["accounts"]
                for metric, change in account["changes"].items()
            ],
        )
        for text in one["conventions"]:
            typer.echo(f"staycurve.toml changed: {text}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.6g}"


def _said(cause: dict[str, Any]) -> str:
    more = cause["count"] - len(cause["rows"])
    rows = "; ".join(cause["rows"][:3])
    hidden = more + max(0, len(cause["rows"]) - 3)
    return (
        f"load {cause['load']} ({cause['kind']} {cause['file']}): {cause['table']} {rows}"
        + (f" and {hidden} more" if hidden else "")
    )


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
            rows = [vars(one) for one in company.books.adjustments()]
        else:
            pairs = dict(_pair(part) for given in key or () for part in given.split(","))
            load = company.books.adjust(
                table, key=pairs, values=dict(_pair(given) for given in values or ()),
                author=author, reason=reason,
            )
            rows = [vars(one) for one in company.books.adjustments() if one.load == load]
    if print_data({"rows": rows}, output):
        return
    if table is not None:
        typer.echo(f"Adjusted 1 row of {table}, as load {rows[0]['load']}.")
        typer.echo(f"To take it back: staycurve undo {rows[0]['load']}")
    else:
        columns = list(rows[0]) if rows else ["load"]
        print_table("Adjustments", columns, [[str(v) for v in row.values()] for row in rows])


def _pair(text: str) -> tuple[str, str]:
    column, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"'{text}' is not COLUMN=VALUE.", hint="Write: --set end_reason=fraud")
    return column.strip(), value.strip()
