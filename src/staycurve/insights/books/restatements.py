"""The books as they are asked for: closed months, what changed them, and what was set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    Answer,
    Key,
    Kind,
    Row,
    Said,
    Table,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.books.closing import closed_months
from staycurve.insights.books.restating import RestatedFigure, Restatement, restatement
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.tables.adjustments import adjustments as adjustments_of

STATES = {"in force": N_("in force"), "replaced": N_("replaced"), "undone": N_("undone")}


@dataclass(frozen=True)
class Closed(Row):
    """One closed month, and how much of it changed since."""

    month: Annotated[str, col(N_("Month"))]
    closed_at: Annotated[str, col(N_("Closed at"))]
    as_of: Annotated[str, col(N_("As of"), about=N_("Its closing ignored data after this time."))]
    seq: Annotated[
        int, col(N_("Move"), Unit.COUNT, N_("The move of the pointer whose rows it was made of."))
    ]
    figures_changed: Annotated[int, col(N_("Figures changed"), Unit.COUNT)]
    accounts_changed: Annotated[int, col(N_("Accounts changed"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class ClosedMonths(Answer):
    """Every closed month, the earliest first."""

    rows: Annotated[tuple[Closed, ...], Table(N_("Closed months"))]

    def said(self) -> tuple[Said, ...]:
        if any(row.figures_changed or row.accounts_changed for row in self.rows):
            return (Said(N_("Account by account, with the causes: staycurve restatements")),)
        return ()


@dataclass(frozen=True)
class ChangeLine(Row):
    """One value of one account of a closed month, as a line."""

    month: Annotated[str, col(N_("Month"), Kind.MONTH)]
    account_id: AccountField
    metric: Annotated[str, col(N_("Metric"))]
    closed: Annotated[float, col(N_("Closed"), Unit.MONEY)]
    now: Annotated[float, col(N_("Now"), Unit.MONEY)]
    difference: Annotated[float, col(N_("Difference"), Unit.MONEY)]
    causes: Annotated[str, col(N_("Cause"))]


@dataclass(frozen=True, kw_only=True)
class Restatements(Answer):
    """Closed months whose figures are others now, the earliest first."""

    rows: Annotated[tuple[Restatement, ...], Key(N_("One row per month."))]
    figures: Annotated[tuple[RestatedFigure, ...], Table(N_("Figures"), is_view=True)]
    accounts: Annotated[
        tuple[ChangeLine, ...], Table(N_("Accounts"), is_main=True, is_view=True)
    ]

    def title(self) -> Said:
        return Said(N_("What changed in closed months"))

    def said(self) -> tuple[Said, ...]:
        if not self.rows:
            return (Said(N_("No closed month has changed.")),)
        found = []
        for one in self.rows:
            month = (one.month, Kind.TEXT)
            found.append(Said(N_("%(month)s, closed at %(closed_at)s, as of %(as_of)s"), {
                "month": month, "closed_at": (one.closed_at, Kind.TEXT),
                "as_of": (one.as_of, Kind.TEXT),
            }))
            found += [
                Said(N_("%(month)s: staycurve.toml changed: %(convention)s"), {
                    "month": month, "convention": (text, Kind.TEXT),
                })
                for text in one.conventions
            ]
        return tuple(found)


@dataclass(frozen=True)
class AdjustmentRow(Row):
    """One column of one row that was set by hand."""

    load: Annotated[int, col(N_("Load"), Unit.COUNT)]
    made_at: Annotated[str, col(N_("Made at"))]
    table: Annotated[str, col(N_("Table"))]
    key: Annotated[str, col(N_("Row"), about=N_("The row's key, as it was given."))]
    column: Annotated[str, col(N_("Column"))]
    value: Annotated[str, col(N_("Value"), about=N_("As it was given; empty for no value."))]
    author: Annotated[str, col(N_("Author"))]
    reason: Annotated[str, col(N_("Reason"))]
    state: Annotated[str, col(N_("State"), named_by=STATES)]


@dataclass(frozen=True, kw_only=True)
class Adjustments(Answer):
    """Every adjustment, the earliest first."""

    rows: Annotated[tuple[AdjustmentRow, ...], Table(N_("Adjustments"))]


@dataclass(frozen=True, kw_only=True)
class BooksFound(Answer):
    """The closed months, what changed them since, and what was set by hand."""

    rows: Annotated[tuple[Closed, ...], Table(N_("Closed months"))]
    restatements: Annotated[tuple[Restatement, ...], Key(N_("One row per changed month."))]
    adjustments: Annotated[tuple[AdjustmentRow, ...], Table(N_("Adjustments"))]


@insight("closed", page="/books", has_history=False)
def closed(company: Reader) -> ClosedMonths:
    """Which months are closed, and how much of each changed since?"""
    found = []
    for month in closed_months(company):
        now = restatement(company, month)
        found.append(Closed(
            f"{month.month:%Y-%m}", month.closed_at, month.as_of, month.seq,
            len(now.figures) if now else 0, len(now.accounts) if now else 0,
        ))
    return ClosedMonths(rows=tuple(found))


@insight("restatements", page="/books", has_history=False)
def restatements(company: Reader) -> Restatements:
    """Which figures of closed months changed since, in which accounts, and by what?

    Of MRR and its movements the difference is exact, account by account; of other figures the
    loads are named that changed rows which they are made of.
    """
    found = restated_months(company)
    return Restatements(
        rows=found,
        figures=tuple(figure for one in found for figure in one.figures),
        accounts=tuple(line for one in found for line in lines_of(one)),
    )


@insight("adjustments", page="/books", needs="", has_history=False)
def adjustments(company: Reader) -> Adjustments:
    """What was set by hand, by whom, and why?"""
    with company.reading() as engine:
        found = adjustments_of(company.lake, company.snapshot, engine)
    return Adjustments(rows=tuple(AdjustmentRow(**vars(one)) for one in found))


@insight("books", has_history=False)
def books(company: Reader) -> BooksFound:
    """Why did last month's number change?

    The closed months, what changed them since and why, and what was set by hand.
    """
    return BooksFound(
        rows=closed(company).rows,
        restatements=restated_months(company),
        adjustments=adjustments(company).rows,
    )


def restated_months(company: Reader) -> tuple[Restatement, ...]:
    """Closed months whose figures are others now."""
    found = (restatement(company, month) for month in closed_months(company))
    return tuple(one for one in found if one is not None)


def lines_of(one: Restatement) -> Sequence[ChangeLine]:
    """What changed in a closed month, a line for each account and metric."""
    return [
        ChangeLine(
            one.month, account.account_id, metric, change.closed, change.now, change.difference,
            "; ".join(cause.told() for cause in account.causes),
        )
        for account in one.accounts
        for metric, change in account.changes.items()
    ]
