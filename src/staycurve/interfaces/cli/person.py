"""Commands about one person's data: export, forget."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.errors import UsageError
from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_json
from staycurve.interfaces.cli.views import By, user

person = group("person", "What is held of one person: export it, or forget them.")

Id = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="A user's id, an address, another id of theirs, or their account."
    ),
]


@person.command()
def export(context: typer.Context, id: Id) -> None:
    """Print everything held of a person as one JSON object, by table and file."""
    with company_of(context) as company:
        print_json(company.personal.export(id, by=user()))


@person.command()
def forget(
    context: typer.Context,
    id: Id,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without it only what is held is told.")
    ] = False,
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Put a random key in a person's place wherever they are told of; figures stay."""
    with company_of(context) as company:
        if not yes:
            held = company.personal.held(id)
            typer.echo(f"Held of {id}:", err=True)
            for kind, counts in held.counts().items():
                for name, count in counts.items():
                    typer.echo(f"  {kind} {name}: {count}", err=True)
            raise UsageError(
                "Nothing was changed: forgetting cannot be undone.",
                hint=f"To do it: staycurve person forget '{id}' --yes",
            )
        done = company.personal.forget(id, by=by or user())
    if print_data({"rows": [done.as_dict()], **done.as_dict()}, output):
        return
    if not done.is_new:
        typer.echo(f"Forgotten on {done.forgotten_at[:10]} already, as {done.key}.")
        return
    rows = sum(done.tables.values())
    typer.echo(
        f"Forgotten, as {done.key}: {rows:,} rows in {done.rewritten:,} files of the lake, "
        f"{sum(done.state.values()):,} of app state, {len(done.files):,} other files."
    )
    for path in done.left:
        typer.echo(f"Still in {path}: it is not staycurve's to write.", err=True)
    for path in done.backups:
        typer.echo(f"Still in the backup {path}: restoring it forgets them again.", err=True)


@person.command()
def expire(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only.")] = False,
    output: Output = Format.table,
) -> None:
    """Blank what rows say of people for longer than [retention] of staycurve.toml allows."""
    with company_of(context) as company:
        found = company.personal.expire(is_dry_run=dry_run)
    rows = [{"table": table, "rows": count} for table, count in found.items()]
    if print_data({"rows": rows, "is_dry_run": dry_run}, output, columns=("table", "rows")):
        return
    for table, count in found.items():
        typer.echo(f"{table}: {count:,} rows {'would be' if dry_run else 'were'} blanked")
    if not found:
        typer.echo("Nothing is older than [retention] allows.")
