"""Commands that run: demo and serve."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.opening import clock, company_of, folder_of

HostOption = Annotated[str, typer.Option(help="The address to listen on.")]
AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host", metavar="NAME",
        help="Another Host name to answer to, such as behind a proxy; repeatable. "
        "STAYCURVE_HOSTS takes a list.",
    ),
]
class LogFormat(StrEnum):
    """What `--log-format` takes."""

    text = "text"
    json = "json"


LogOption = Annotated[
    LogFormat,
    typer.Option(
        "--log-format", envvar="STAYCURVE_LOG_FORMAT",
        help="How the server logs: lines for people, or one JSON object a line.",
    ),
]
PortOption = Annotated[int, typer.Option(help="The port to listen on.")]


@app.command()
def serve(
    context: typer.Context,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8765,
    allow_host: AllowOption = None,
    log_format: LogOption = LogFormat.text,
) -> None:
    """Serve the pages and the API."""
    from staycurve.interfaces import logs
    from staycurve.interfaces.web.server import check_people, serve as run

    if log_format is LogFormat.json:
        logs.install()
    with company_of(context) as company:
        check_people(company, host)
        if company.is_due():
            typer.echo("Refreshing …", err=True)
        run(company, host, port, names=allow_host or ())


@app.command()
def demo(
    context: typer.Context,
    accounts: Annotated[int, typer.Option(help="How many accounts.")] = 4000,
    seed: Annotated[int, typer.Option(help="Random seed of the example company.")] = 7,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Build it only.")] = False,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8765,
    allow_host: AllowOption = None,
) -> None:
    """Build the example company in the project directory, refresh, and serve it."""
    _build(folder_of(context), accounts, seed)
    if not no_serve:
        serve(context, host, port, allow_host)


def _build(folder: Path, accounts: int, seed: int) -> None:
    from staycurve import config
    from staycurve.demo import PROJECT_TOML, write_company
    from staycurve.errors import ProjectError
    from staycurve.sources.files import load_files
    from staycurve.workspace import Company

    mark = f"# example company: {accounts} accounts, seed {seed}\n"
    path = folder / config.FILE_NAME
    if path.exists():
        if not path.read_text(encoding="utf-8").startswith("# example company"):
            raise ProjectError(
                f"{folder} is a project already, and not the example company.",
                hint="Build it elsewhere: staycurve --project DIR demo",
            )
        with Company(folder, clock=clock) as company:
            if path.read_text(encoding="utf-8").startswith(mark) and company.loads():
                typer.echo(f"{folder} holds it already.", err=True)
                return
    else:
        Company.create(folder, name="Example", currency="USD", timezone="UTC")
        path.write_text(mark + PROJECT_TOML, encoding="utf-8")
    with tempfile.TemporaryDirectory() as made, Company(folder, clock=clock) as company:
        if company.loads():
            raise ProjectError(
                f"{folder} holds another example company.",
                hint="Remove that directory, or name another: staycurve --project DIR demo",
            )
        typer.echo(f"Making {accounts} accounts …", err=True)
        write_company(Path(made), accounts=accounts, seed=seed)
        typer.echo("Loading …", err=True)
        files = sorted(Path(made).glob("*.parquet"))
        load_files(company.lake, company.config, files, now=clock())
        typer.echo("Refreshing …", err=True)
        company.refresh()
