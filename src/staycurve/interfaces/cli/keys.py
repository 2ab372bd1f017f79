"""Commands that keep keys with which programs send: create, list, revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table
from staycurve.interfaces.cli.views import By, user

keys = group("keys", "Keys with which programs send events.")


@keys.command()
def create(
    context: typer.Context,
    scope: Annotated[
        str,
        typer.Option(
            "--scope", metavar="SCOPE",
            help="What the key allows: ingest, chartmogul, or a role: viewer, analyst, "
            "operator, admin.",
        ),
    ] = "ingest",
    name: Annotated[str, typer.Option("--name", help="What will use the key.")] = "",
    by: By = "",
) -> None:
    """Create a key and print it once; it is not stored."""
    with company_of(context) as company:
        made, text = company.state.create_key(scope, name=name, by=by or user())
    typer.echo(text)
    typer.echo(
        f"Key {made.id} is shown this once. To revoke it: staycurve keys revoke {made.id}",
        err=True,
    )


@keys.command("list")
def listed(context: typer.Context, output: Output = Format.table) -> None:
    """Every key, by its first characters, with its last use."""
    with company_of(context) as company:
        rows = [key.as_dict() for key in company.state.known_keys()]
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("No key yet: staycurve keys create --scope ingest")
        return
    print_table(
        "Keys", ["id", "key", "scope", "name", "created at", "by", "last used at", "revoked at"],
        [[str(row["id"]), f"{row['prefix']}_…", row["scope"], row["name"], row["created_at"],
          row["created_by"], row["last_used_at"] or "never", row["revoked_at"] or ""]
         for row in rows],
    )


@keys.command()
def revoke(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="Its number or first characters in: keys list.")],
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Revoke a key: it is refused from now on."""
    with company_of(context) as company:
        gone = company.state.revoke_key(key, by=by or user())
    if not print_data({"rows": [gone.as_dict()]}, output):
        typer.echo(f"Revoked key {gone.id}: {gone.prefix}_…")
