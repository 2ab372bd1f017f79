"""Commands about accounts of several sources that may be one: list, merge, apart, undo."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of, fresh_company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table
from staycurve.interfaces.cli.sources import sources
from staycurve.interfaces.cli.views import By, user

matches = group(
    "matches", "Accounts of different sources that may be one customer.", within=sources,
    says_itself=True,
)

Account = Annotated[str, typer.Argument(help="The account that counts for the other.")]
Other = Annotated[str, typer.Argument(help="The account that stays.")]
Why = Annotated[str, typer.Option(help="Why, for whoever looks later.")]


@matches.callback()
def every(context: typer.Context, output: Output = Format.table) -> None:
    """Pairs of accounts: open ones first, then merged ones and those kept apart."""
    if context.invoked_subcommand is None:
        _list(context, output)


@matches.command("list")
def listed(context: typer.Context, output: Output = Format.table) -> None:
    """Pairs of accounts: open ones first, then merged ones and those kept apart."""
    _list(context, output)


def _list(context: typer.Context, output: Format) -> None:
    with fresh_company_of(context) as company:
        rows = [one.as_dict() for one in company.matching.listed()]
        common = company.matching.common()
    if print_data({"rows": rows, "too_common": common}, output):
        return
    if common:
        typer.echo(
            f"{common} domains or e-mail addresses are shared by too many accounts and were not "
            "used.", err=True,
        )
    if not rows:
        typer.echo(
            "No pairs. A source is matched by the keys of its section, such as: "
            'match = ["id", "domain", "email"]'
        )
        return
    print_table(
        "Accounts that may be one",
        ["account", "name", "other", "other name", "by", "state", "decided by"],
        [
            [
                row["account_id"], row["name"] or "", row["other_id"], row["other_name"] or "",
                ", ".join(f"{one['key']} {one['value']}" for one in row["by"]),
                row["state"], row["decided_by"],
            ]
            for row in rows
        ],
    )


@matches.command()
def merge(
    context: typer.Context, account: Account, other: Other, reason: Why = "", by: By = "",
) -> None:
    """Let an account count for another, everywhere; the past is counted anew."""
    with company_of(context) as company:
        company.matching.merge(account, other, author=by or user(), reason=reason)
    typer.echo(f"{account} counts for {other}. To take it back: "
               f"staycurve sources matches undo {account} {other}")


@matches.command()
def apart(
    context: typer.Context, account: Account, other: Other, reason: Why = "", by: By = "",
) -> None:
    """Keep two accounts apart, whatever they share."""
    with company_of(context) as company:
        company.matching.apart(account, other, author=by or user(), reason=reason)
    typer.echo(f"{account} and {other} are kept apart.")


@matches.command()
def undo(context: typer.Context, account: Account, other: Other, by: By = "") -> None:
    """Take a decision about two accounts back; a pair merged by an id is kept apart."""
    with company_of(context) as company:
        company.matching.undo(account, other, author=by or user())
    typer.echo(f"What was decided about {account} and {other} was taken back.")
