"""Commands about mappings: those that are known, and one proposed for a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staycurve.errors import LoadError
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.doubts import say_doubts
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import (
    Dates,
    Decimal,
    Delimiter,
    Encoding,
    Output,
    Thousands,
)
from staycurve.interfaces.cli.output import Format, money, print_data, print_table

if TYPE_CHECKING:
    from staycurve.workspace.trying import Trial


@app.command()
def maps(context: typer.Context, output: Output = Format.table) -> None:
    """The known mappings: by name, and by the headers of a file."""
    from staycurve.sources.exports import known_exports

    with company_of(context) as company:
        rows = [one.as_dict() for one in known_exports(company.folder)]
    if print_data({"rows": rows}, output, rows=[_flat(row) for row in rows]):
        return
    print_table(
        "Known mappings", ["name", "table", "what it is", "headers verified"],
        [
            [row["name"], ", ".join(row["tables"]), row["about"], _verified(row)]
            for row in rows
        ],
    )
    typer.echo("Their sources, and what could not be verified: staycurve maps --format json")


def _verified(row: dict[str, Any]) -> str:
    if row["unused"]:
        return "nothing is loaded"
    if row["is_own"]:
        return "own"
    return "yes" if row["is_verified"] else "no"


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"tables": " ".join(row["tables"]), "source": " ".join(row["source"])}


@app.command("map")
def propose_map(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to look at.")],
    table: Annotated[str | None, typer.Option(help="The table that it should feed.")] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--map", metavar="FILE|NAME", help="Look at it under this mapping."),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Save the mapping here, and in the project."),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Take the option that fixes most rows, if one does.")
    ] = False,
    encoding: Encoding = None, decimal: Decimal = None, thousands: Thousands = None,
    dates: Dates = None, delimiter: Delimiter = None,
    output: Output = Format.table,
) -> None:
    """Propose a mapping for a file; nothing is loaded."""
    from staycurve.sources.exports import mapping_named
    from staycurve.sources.keeping import keep
    from staycurve.sources.options import ReadOptions
    from staycurve.workspace.trying import try_file

    options = ReadOptions(
        encoding=encoding, decimal=decimal, thousands=thousands, dates=dates, delimiter=delimiter
    )
    with company_of(context) as company:
        _ = company.snapshot
        given = mapping_named(mapping, company.folder) if mapping else None
        trial = try_file(company, file, table=table, options=options, mapping=given)
        best = trial.proposal.best_fix if fix else None
        if best is not None:
            trial = try_file(
                company, file, table=table, options=best.options.over(options), mapping=given
            )
        kept = None
        if write is not None:
            if trial.proposal.missing:
                raise _unfinished(trial)
            kept = keep(company.folder, write, trial.proposal.toml)
    answer = trial.as_dict() | {"written": None if kept is None else str(kept[0])}
    if not print_data(answer, output, rows=answer["columns"]):
        _say(trial)
    if kept is not None:
        typer.echo(
            f"Written to {kept[0]}, and kept as {kept[1]}: a file with these headers needs no "
            "--map from now on.",
            err=True,
        )


def _unfinished(trial: Trial) -> LoadError:
    proposal = trial.proposal
    return LoadError(
        f"{proposal.file} has no column that can be {', '.join(proposal.missing)}, which "
        f"{proposal.table} requires. Nothing was written.",
        hint="Say which table it feeds (--table), or write a mapping by hand.",
    )


def _say(trial: Trial) -> None:
    proposal = trial.proposal
    if proposal.export:
        typer.echo(
            f"{proposal.file} looks like {proposal.export.title}: --map {proposal.export.name}"
        )
        if proposal.export.unsure:
            typer.echo(f"  to be checked: {proposal.export.unsure}")
    else:
        typer.echo(f"{proposal.file} → {proposal.table}")
    print_table(
        "Columns", ["column", "feeds", "values"],
        [
            [one.theirs, one.ours or "–", " | ".join(one.samples)] for one in proposal.columns
        ],
        are_numbers=(False, False, False),
    )
    if proposal.missing:
        typer.echo(
            f"No column can be {', '.join(proposal.missing)}, which {proposal.table} requires."
        )
        return
    for report in trial.reports:
        if report.error is None:
            typer.echo(
                f"{report.table}: {report.accepted + report.replaced:,} would be accepted, "
                f"{report.rejected:,} rejected"
            )
        else:
            typer.echo(f"{report.error.message}")
    for one in proposal.diagnoses:
        for line in one.lines:
            typer.echo(f"  {line}")
        if one.refusal:
            typer.echo(f"  {one.refusal.hint}")
    if trial.mrr:
        print_table(
            f"MRR of this file alone, {trial.currency}", ["month", "mrr"],
            [
                [str(row["period"]) + ("*" if row["open"] else ""), money(row["value"])]
                for row in trial.mrr
            ],
        )
    elif trial.why:
        typer.echo(trial.why)
    say_doubts(trial.doubts)
