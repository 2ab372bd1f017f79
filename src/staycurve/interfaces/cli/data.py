"""Commands that bring data in and say what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.doubts import doubts_beside, say_doubts
from staycurve.interfaces.cli.opening import clock, company_of, folder_of, fresh_company_of
from staycurve.interfaces.cli.options import (
    Dates,
    Decimal,
    Delimiter,
    Encoding,
    Output,
    Thousands,
)
from staycurve.interfaces.cli.output import Format, print_data


@app.command()
def init(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="The company's name.")] = "Company",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    timezone: Annotated[str, typer.Option(help="IANA name.")] = "UTC",
) -> None:
    """Make a project: staycurve.toml, the lake and the state database."""
    from staycurve.workspace import Company

    path = Company.create(folder_of(context), name=name, currency=currency, timezone=timezone)
    typer.echo(f"Made {path}")
    is_whole = (folder_of(context) / "state.db").exists()
    typer.echo(
        "Next: staycurve load subscriptions.csv" if is_whole
        else "Its lake holds tables, but there is no state.db. Next: staycurve recover"
    )


@app.command()
def load(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Files, or directories of files.")
    ],
    table: Annotated[str | None, typer.Option(help="The table, if no file name says it.")] = None,
    mapping: Annotated[
        str | None,
        typer.Option(
            "--map", metavar="FILE|NAME",
            help="A mapping file (TOML), or the name of a known mapping: see maps.",
        ),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option(
            "--replace", help="The file is its source's complete export: remove rows that it lacks."
        ),
    ] = False,
    allow_empty: Annotated[
        bool,
        typer.Option("--allow-empty", help="With --replace: a file without rows removes them all."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and count, change nothing.")
    ] = False,
    encoding: Encoding = None, decimal: Decimal = None, thousands: Thousands = None,
    dates: Dates = None, delimiter: Delimiter = None,
) -> None:
    """Load CSV, NDJSON or Parquet files (also .gz) into the conformed tables."""
    from staycurve.interfaces.cli.progress import bar
    from staycurve.sources.exports import known_exports, mapping_named
    from staycurve.sources.files import load_files
    from staycurve.sources.options import ReadOptions

    with company_of(context) as company:
        _ = company.snapshot
        options = ReadOptions(
            encoding=encoding, decimal=decimal, thousands=thousands, dates=dates,
            delimiter=delimiter,
        )
        with bar() as progress:
            reports = load_files(
                company.lake, company.config, paths, table=table,
                mapping=mapping_named(mapping, company.folder) if mapping else None,
                options=options, known=known_exports(company.folder),
                is_dry_run=dry_run, is_complete=complete, may_be_empty=allow_empty, now=clock(),
                progress=progress,
            )
            if not dry_run and company.is_due():
                progress(0, 0, "refreshing")
                company.refresh()
        doubtful = doubts_beside(company, reports, is_dry_run=dry_run)
    for report in reports:
        if report.error:
            typer.echo(f"{report.file}: {report.error.message}", err=True)
            typer.echo(f"  {report.error.hint}", err=True)
            for line in getattr(report.error, "details", ()):
                typer.echo(f"  {line}", err=True)
            continue
        typer.echo(
            f"{report.file} → {report.table}: accepted {report.accepted}, "
            f"replaced {report.replaced}, rejected {report.rejected}"
            + ("" if report.removed is None else f", removed {report.removed}")
        )
        for note in report.notes:
            typer.echo(f"  {note}")
    say_doubts(doubtful)
    if any(report.rejected for report in reports) and not dry_run:
        typer.echo("What was rejected, and why: staycurve rejects", err=True)
    if dry_run:
        typer.echo("Dry run: nothing was changed.", err=True)


@app.command()
def refresh(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Compute everything.")] = False,
) -> None:
    """Bring derived tables up to date, incrementally by default."""
    with company_of(context) as company:
        if company.events.is_there:
            company.events.drain()
        company.surveys.desk.drain()
        report = company.refresh(is_full=full)
    if report.is_full:
        typer.echo(f"Computed all of {report.accounts} customers: {report.reason}.")
    else:
        typer.echo(f"Computed {report.accounts} customers that changed.")


@app.command()
def recover(
    context: typer.Context,
    yes: Annotated[
        bool, typer.Option("--yes", help="Go ahead even if something is lost.")
    ] = False,
) -> None:
    """Rebuild a lost or damaged state.db or lake; whatever it replaces is kept next to it."""
    with company_of(context) as company:
        found = company.recover(is_agreed=yes)
    plan = found.plan
    if not plan.wrong:
        typer.echo("Nothing to do: the state database and every table are whole.")
        return
    for title, lines in (
        ("Found", plan.wrong), ("Comes back", plan.saved), ("Is lost", plan.lost),
        ("Kept aside", found.kept),
    ):
        if lines:
            typer.echo(f"{title}:")
            for line in lines:
                typer.echo(f"  {line}")
    if not found.is_done:
        typer.echo("Nothing was changed. To go on: staycurve recover --yes", err=True)
        raise typer.Exit(1)
    typer.echo("Recovered.")


@app.command()
def doctor(context: typer.Context, output: Output = Format.table) -> None:
    """Self-check: what is missing, what contradicts itself, which conventions are in force."""
    from staycurve.insights.examination.doctor import examine

    with fresh_company_of(context) as company:
        with company.reading() as engine:
            findings = examine(
                company.config, company.lake, company.snapshot, engine, company.as_of()
            )
        doubtful = company.doubts()
    rows = [finding.as_dict() for finding in findings] + [doubt.as_dict() for doubt in doubtful]
    if print_data({"rows": rows}, output):
        return
    for finding in findings:
        typer.echo(f"{finding.mark} {finding.text}")
        if finding.hint:
            typer.echo(f"    {finding.hint}")
    for doubt in doubtful:
        typer.echo(f"! {doubt.text}")
        typer.echo(f"    {doubt.option}")
