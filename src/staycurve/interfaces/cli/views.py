"""Commands that keep saved views: list, save, rename, delete."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table

views = group("views", "Pages with their filters and range, kept under a name.")

Named = Annotated[str, typer.Argument(help="Its name, or its number in: staycurve views list.")]
By = Annotated[
    str, typer.Option("--by", metavar="WHO", help="Who does this. Default: the user's name.")
]


def user() -> str:
    """Who runs the command; empty where the system does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


@views.command("list")
def listed(context: typer.Context, output: Output = Format.table) -> None:
    """Every saved view, by name."""
    with company_of(context) as company:
        rows = [view.as_dict() for view in company.state.views()]
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("No view is saved yet: staycurve views save NAME ADDRESS")
        return
    print_table(
        "Saved views", ["id", "name", "address", "saved at", "by"],
        [[str(row["id"]), row["name"], row["url"], row["created_at"], row["created_by"]]
         for row in rows],
    )


@views.command()
def save(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What to call it.")],
    address: Annotated[
        str, typer.Argument(help="A page's address without the server: '/metrics/mrr'.")
    ],
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Save a page with its filters and range under a name."""
    from staycurve.interfaces.web.addresses import kept

    with company_of(context) as company:
        page, query = kept(company, address)
        view = company.state.save_view(name, page, query, by=by or user())
    if not print_data({"rows": [view.as_dict()]}, output):
        typer.echo(f"Saved {view.name}: {view.url}")


@views.command()
def rename(
    context: typer.Context,
    view: Named,
    name: Annotated[str, typer.Argument(help="What to call it from now on.")],
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Give a saved view another name."""
    with company_of(context) as company:
        found = company.state.view(view)
        made = company.state.rename_view(found.id, name, by=by or user())
    if not print_data({"rows": [made.as_dict()]}, output):
        typer.echo(f"Renamed {found.name} to {made.name}.")


@views.command()
def delete(
    context: typer.Context, view: Named, by: By = "", output: Output = Format.table
) -> None:
    """Delete a saved view."""
    with company_of(context) as company:
        gone = company.state.delete_view(company.state.view(view).id, by=by or user())
    if not print_data({"rows": [gone.as_dict()]}, output):
        typer.echo(f"Deleted {gone.name}: {gone.url}")
