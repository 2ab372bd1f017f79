"""The command that compares with another tool: reconcile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from staycurve.errors import UsageError
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import AsOf, KnownAt, Output
from staycurve.interfaces.cli.output import Format, print_csv


@app.command()
def reconcile(
    context: typer.Context,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="PROFILE", help="Another tool's rules, such as stripe."),
    ] = None,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="P", help="Default: the last month that has closed."),
    ] = None,
    metric: Annotated[str, typer.Option(help="A name from: staycurve metrics")] = "mrr",
    figures: Annotated[
        Path | None,
        typer.Option("--figures", metavar="FILE", help="CSV of theirs: month,metric,value."),
    ] = None,
    switches: Annotated[
        bool, typer.Option("--switches", help="What every convention would change.")
    ] = False,
    as_of: AsOf = None, known_at: KnownAt = None, output: Output = Format.table,
) -> None:
    """Where a number differs from another tool's, by rule and account."""
    if switches and (figures or against):
        raise UsageError(
            "--switches goes without --figures and --against.", hint="Ask for one at a time."
        )
    if figures and (period or known_at):
        other = "--period" if period else "--known-at"
        raise UsageError(
            f"--figures goes without {other}.",
            hint="The file names the month of each figure."
            if period else "Figures are compared with what is known now.",
        )
    if not (switches or figures or against):
        raise UsageError(
            "Nothing to compare with.",
            hint="Add --against stripe, --figures FILE or --switches; "
            "profiles: staycurve, chartmogul, stripe, baremetrics, recurly, mrr-playbook",
        )
    from staycurve.insights.answers import Answer
    from staycurve.insights.books.figures import figures_found
    from staycurve.insights.books.figures_read import read_figures
    from staycurve.insights.books.reconcile import reconcile as comparing
    from staycurve.insights.books.switches import switches as effects
    from staycurve.interfaces.cli.answering import print_answer

    asked = {"period": period, "as_of": as_of, "known_at": known_at}
    found: Answer
    lines: list[dict[str, object]] = []
    with fresh_company_of(context) as company:
        if switches:
            found = effects.ask(company, **asked)
        elif figures:
            seen = company.as_of(as_of)
            given = read_figures(figures, seen)
            found = figures_found(company, given, seen, against, name=figures.name)
            lines = found.lines()
        else:
            found = comparing.ask(company, against=against, metric=metric, **asked)
    if lines and output is Format.csv:
        print_csv(lines)
        return
    print_answer(found, output)
