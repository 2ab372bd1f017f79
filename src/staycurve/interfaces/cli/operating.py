"""Commands that keep a project safe: backup and restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.opening import clock, company_of, folder_of


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
) -> None:
    """Write the whole project into one file, while it is served."""
    from staycurve.workspace.backups import back_up

    with company_of(context) as company:
        made = back_up(company, file)
    typer.echo(
        f"{file}: {len(made.files):,} files, {made.bytes:,} bytes, {made.rows:,} rows of app "
        f"state, at move {made.seq}."
    )
    if not made.has_lake:
        typer.echo(f"The tables at {made.lake} are not in it: copy them there.", err=True)
    typer.echo("It holds personal data as the project does: keep it where the project may be.")


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that staycurve backup wrote.")],
    state_url: Annotated[
        str,
        typer.Option(
            "--state-url", metavar="URL",
            help="Put app state there, as [state] url takes it: postgresql+psycopg://…",
        ),
    ] = "",
    forgotten: Annotated[
        Path | None,
        typer.Option(
            "--forgotten", metavar="FILE",
            help="A project's forgotten.json: whom it names is forgotten again. Without it "
            "the list beside the backup.",
        ),
    ] = None,
) -> None:
    """Make a project of a backup, in a directory that is empty or not there yet."""
    from staycurve.workspace.backups import restore as put_back

    folder = folder_of(context)
    found = put_back(file, folder, state_url=state_url, forgotten=forgotten, clock=clock)
    typer.echo(
        f"{folder}: {found.company} as of {found.made_at}, at move {found.seq}, with "
        f"{found.rows:,} rows of app state."
    )
    typer.echo(f"Next: staycurve --project {folder} doctor")
