"""Books: what closes a month, changes the past, or takes a load back, for one company."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.errors import NotAnsweredError
from staycurve.insights.books import closing
from staycurve.tables import adjustments, books, undo
from staycurve.workspace.themes import Theme

if TYPE_CHECKING:
    from staycurve.workspace.measured import MeasuredCompany


@dataclass(frozen=True)
class Books(Theme):
    """The books of one company: what writes them, beside the insights that read them."""

    company: MeasuredCompany
    name: str = ""

    def undo(self, load: int | None = None, *, is_restating: bool = False) -> list[undo.UndoReport]:
        """Take a load back, or the last command's, and refresh; see `staycurve.tables.undo`."""
        with self.company.lock:
            _ = self.company.snapshot
            found = undo.undo(
                self.company.lake,
                self.company.config,
                load,
                now=self.company.clock(),
                is_restating=is_restating,
            )
            self.company.refresh()
        return found

    def close(self, month: str, *, as_of: str | None = None) -> books.ClosedMonth:
        """Lock a month: keep every metric's value and every account's movements as they are now.

        Parameters
        ----------
        month : str
            Such as 2024-12; the one after the last closed month.

        Raises
        ------
        NotAnsweredError
            If the month is open, closed already, out of order, or without data.
        """
        period = closing.month_named(month)
        with self.company.lock:
            if self.company.is_due():
                self.company.refresh()
            with self.company.lake.writing() as writing:
                if self.company.is_due():
                    raise NotAnsweredError(
                        "Something was loaded at this very moment.", hint="Close it again."
                    )
                seen = self.company.as_of(as_of)
                before = closing.closed_months(self.company)
                closing.check(period, seen, before, self.company.first_day(("mrr",)))
                closed = books.ClosedMonth(
                    period.start,
                    period.end,
                    self.company.clock().astimezone(dt.UTC).isoformat(),
                    seen.at.isoformat(),
                    writing.start.seq,
                    books.conventions_of(self.company.config),
                )
                figures = closing.figures(self.company, period, seen)
                accounts = closing.account_figures(self.company, period, seen)
                with self.company.reading() as engine:
                    books.write(writing, engine, closed, figures, accounts)
                writing.commit(now=self.company.clock())
        return closed

    def adjust(
        self,
        table: str,
        *,
        key: Mapping[str, str],
        values: Mapping[str, str],
        author: str,
        reason: str,
    ) -> int:
        """Set columns of one row by hand; the number of its load. See `tables.adjustments`."""
        with self.company.lock:
            _ = self.company.snapshot
            load = adjustments.adjust(
                self.company.lake,
                self.company.config,
                table,
                key=key,
                values=values,
                author=author,
                reason=reason,
                now=self.company.clock(),
            )
            self.company.refresh()
        return load
