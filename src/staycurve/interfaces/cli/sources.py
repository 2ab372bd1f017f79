"""Commands about outside systems: what there is, and bringing it in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from staycurve.insights.answers import Kind
from staycurve.interfaces import wording
from staycurve.interfaces.cli.app import app, group
from staycurve.interfaces.cli.doubts import doubts_beside, say_doubts
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table
from staycurve.sources.syncing import StreamReport

SHOWN = 20
"""Ids that a line of a certificate shows."""
COUNTS = ("accepted", "replaced", "rejected")


sources = group(
    "sources", "Configured sources, how far each has come, and every available kind.",
    says_itself=True,
)


@sources.callback()
def listed(context: typer.Context, output: Output = Format.table) -> None:
    """Configured sources, how far each has come, and every available kind."""
    from staycurve.interfaces.api.sources import sources_answer

    if context.invoked_subcommand is not None:
        return
    with company_of(context) as company:
        answer = sources_answer(company)
    if print_data(answer, output):
        return
    if answer["rows"]:
        print_table(
            "Configured",
            ["source", "kind", "tables", *COUNTS, "cursor", "last run", "lag", "last error"],
            [_state_cells(row) for row in answer["rows"]],
        )
    else:
        typer.echo("No source is configured.")
    print_table(
        "Kinds", ["kind", "what it is", "streams"],
        [
            [one["kind"], one["about"], ", ".join(s["stream"] for s in one["streams"])]
            for one in answer["kinds"]
        ],
    )


@sources.command()
def certificate(context: typer.Context, output: Output = Format.table) -> None:
    """What differs between what a source listed and what is here."""
    with company_of(context) as company:
        rows = company.sources.certificate()
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("No source was listed whole yet: staycurve sync --full")
        return
    print_table(
        "Certificate",
        ["source", "object", "listed", "at source", "in the lake", "with rows", "announced",
         "complete"],
        [
            [
                row["source"], row["object"], row["listed_at"] or "never",
                *(_count(row[name]) for name in ("at_source", "in_lake", "conformed", "announced")),
                "yes" if row["is_complete"] else "no",
            ]
            for row in rows
        ],
    )
    for row in rows:
        for name, count in row["counts"].items():
            if count:
                more = f", and {count - SHOWN:,} more" if count > SHOWN else ""
                typer.echo(f"{row['source']} {row['object']}, {name.replace('_', ' ')}: "
                           f"{', '.join(row[name][:SHOWN])}{more}")


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _state_cells(row: dict[str, Any]) -> list[str]:
    kept = f" ({row['kept']:,} kept)" if row["kept"] else ""
    return [
        f"{row['source']}/{row['stream']}", row["kind"],
        ", ".join(row["tables"]) or "each file's", *(f"{row[name]:,}" for name in COUNTS),
        "never" if row["cursor"] is None else f"{row['cursor']}{kept}",
        row["last_run_at"] or "never", wording.text(row["lag_seconds"], Kind.LENGTH),
        row["last_error"] or "",
    ]


@app.command()
def sync(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME…]", help="Sources of staycurve.toml; all without one."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Read again what changed from this instant on, such as 2024-01-01."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and count, change nothing.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, from the beginning.")
    ] = False,
    reparse: Annotated[
        bool,
        typer.Option("--reparse", help="Contact no system; derive rows from kept objects."),
    ] = False,
) -> None:
    """Load what is new from configured sources and the event inbox; a failure stops no other."""
    from staycurve.interfaces.cli.progress import bar
    from staycurve.workspace.imports import ImportDesk

    with company_of(context) as company, bar() as progress:
        reports = company.sources.sync(
            *(names or ()), since=since, is_full=full, is_dry_run=dry_run, is_reparse=reparse,
            progress=progress,
        )
        events = None
        if not dry_run and not names:
            ImportDesk(company).drain()
            if company.events.is_there:
                progress(0, 0, "events over HTTP")
                events = company.events.drain()
        if not dry_run and company.is_due():
            progress(0, 0, "refreshing")
            company.refresh()
        taken = [one for report in reports for one in report.reports]
        doubtful = doubts_beside(company, taken, is_dry_run=dry_run)
    if events is not None:
        counts = ", ".join(f"{name} {events.count(name)}" for name in COUNTS)
        typer.echo(f"events over HTTP: {counts}")
        for number, why in events.failed:
            typer.echo(f"  request {number} cannot be loaded and is kept: {why}", err=True)
    elif not reports:
        typer.echo('No source is configured. Write, for example: [sources.exports] kind = "files"')
    for report in reports:
        _say(report)
    say_doubts(doubtful)
    is_rejected = events is not None and events.count("rejected") > 0
    if (is_rejected or any(report.count("rejected") for report in reports)) and not dry_run:
        typer.echo("What was rejected, and why: staycurve rejects", err=True)
    if dry_run:
        typer.echo("Dry run: nothing was changed.", err=True)
    if any(report.errors for report in reports):
        raise typer.Exit(1)


def _say(report: StreamReport) -> None:
    by_table: dict[str, dict[str, int]] = {}
    for one in report.reports:
        if one.error is None:
            counts = by_table.setdefault(one.table, dict.fromkeys((*COUNTS, "removed"), 0))
            for name in counts:
                counts[name] += getattr(one, name) or 0
    for table, counts in by_table.items():
        removed = f", removed {counts['removed']}" if counts["removed"] else ""
        listed = ", ".join(f"{name} {counts[name]}" for name in COUNTS)
        typer.echo(f"{report.label} → {table}: {listed}{removed}")
    for note in dict.fromkeys(note for one in report.reports for note in one.notes):
        typer.echo(f"  {note}")
    for note in report.notes:
        typer.echo(f"{report.label}: {note}")
    if not by_table and not report.errors and not report.notes:
        typer.echo(f"{report.label}: nothing new")
    for error in report.errors:
        typer.echo(f"{report.label}: {error.message}", err=True)
        if error.hint:
            typer.echo(f"  {error.hint}", err=True)
