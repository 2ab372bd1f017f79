"""Doubts: what may be wrong with what was loaded, said beside the counts of a load or a sync."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import typer

from staycurve.sources.port import FileReport
from staycurve.tables.doubts import Doubt
from staycurve.workspace import Company

BILLED = {"accounts", "subscriptions", "payments", "plans", "invoice_lines"}
"""Tables whose rows may throw a doubt on those of another, or take it away."""


def doubts_beside(
    company: Company, reports: Iterable[FileReport], *, is_dry_run: bool
) -> Sequence[Doubt]:
    """Of all that is loaded now, if these loads can have changed it; else what each load said."""
    loaded = [report for report in reports if report.error is None]
    if not is_dry_run and {report.table for report in loaded} & BILLED:
        return company.doubts()
    return [doubt for report in loaded for doubt in report.doubts]


def say_doubts(doubts: Iterable[Doubt]) -> None:
    """Each with the option that settles it, on standard error."""
    for doubt in doubts:
        typer.echo(f"! {doubt.text}\n    If so: {doubt.option}", err=True)
