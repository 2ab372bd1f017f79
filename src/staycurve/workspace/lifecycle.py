"""The customer lifecycle of one company: stages, moves, time in stage, and who is stuck."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.insights.lifecycle import (
    lifecycle,
    stage_accounts,
    stage_indicators,
    stage_times,
)
from staycurve.insights.lifecycle.lifecycle import Reading, Row, Transitions
from staycurve.insights.lifecycle.lifecycle_spans import SPANS
from staycurve.insights.lifecycle.stage_times import StageTimes, Stuck
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.ranges import periods_of
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.query import filters_of
from staycurve.period import Period, align, parse_period, period_of
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    from staycurve.workspace.measured import MeasuredCompany

SHOWN_MONTHS = 12
"""Periods without a range: a year of months, and as many of any other grain."""

@dataclass(frozen=True)
class Lifecycle:
    """The lifecycle of one company's accounts.

    Every reading takes `where`, such as 'industry=EdTech', and `as_of`, an instant after which no
    facts are seen; some take `by`, dimensions to split by. What changes with time is read on the
    day that the number speaks of.
    """

    company: MeasuredCompany

    def rules(self) -> Row:
        """The rules in force in words, and the numbers in them with default and reason."""
        return lifecycle.rules_shown(self.company.config.lifecycle)

    def stages(
        self,
        *,
        grain: str = "month",
        start: str | None = None,
        end: str | None = None,
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Reading:
        """How many accounts, with how much MRR, are in each stage at the close of each period.

        Rows: period, open, segment, stage, label, accounts, share with low and high, mrr,
        is_small. Without a range the last twelve periods. `.accounts(stage=, period=)` lists them.
        """
        asked = self._question(by, where, as_of)
        periods = self._periods(asked, grain, start, end)
        sql = lifecycle.stages_statement(asked, periods)
        with self.company.seeing(asked.as_of) as engine:
            answer = engine.rows(sql)
            notes, why = self._notes(engine)
        rows = lifecycle.stages_rows(asked, answer, periods)

        def accounts(
            stage: str | None = None, period: str | None = None, **segment: str | None
        ) -> list[Row]:
            day = self._named(periods, period)
            return self._accounts(self._within(asked, segment), day, stage)

        return Reading(**self._head(asked), rows=rows, notes=notes, why=None if rows else why,
                       sql=sql, _open=accounts)

    def transitions(
        self,
        *,
        grain: str = "month",
        start: str | None = None,
        end: str | None = None,
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Transitions:
        """Moves from stage to stage in each period; see `Transitions`.

        `.accounts(before=, after=, period=)` lists who moved.
        """
        asked = self._question(by, where, as_of)
        periods = self._periods(asked, grain, start, end)
        sql = lifecycle.moves_statement(asked, periods)
        with self.company.seeing(asked.as_of) as engine:
            moves = engine.rows(sql)
            openings = engine.rows(lifecycle.openings_statement(asked, periods))
            notes, why = self._notes(engine)
        rows, stages = lifecycle.transitions_rows(asked, moves, openings, periods)

        def accounts(
            before: str | None = None,
            after: str | None = None,
            period: str | None = None,
            **segment: str | None,
        ) -> list[Row]:
            return self._movers(
                self._within(asked, segment), self._named(periods, period), before, after
            )

        return Transitions(**self._head(asked), rows=rows, notes=notes, why=None if rows else why,
                           sql=sql, _open=accounts, stages=stages)

    def times(
        self,
        *,
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> StageTimes:
        """Days that accounts stay in each stage: the median, those still in it censored.

        A segment that changes with time is read on a visit's first day. `.accounts(stage=)` lists
        the accounts that are in it now.
        """
        asked = self._question(by, where, as_of)
        sql = stage_times.times_statement(asked)
        with self.company.seeing(asked.as_of) as engine:
            answer = engine.rows(sql)
            notes, why = self._notes(engine)
        rows = stage_times.times_rows(asked, answer)

        def accounts(stage: str | None = None, **segment: str | None) -> list[Row]:
            return self._accounts(self._within(asked, segment), self._today(asked), stage)

        return StageTimes(**self._head(asked), rows=rows, notes=notes, why=None if rows else why,
                          sql=sql, _open=accounts)

    def stuck(
        self, *, where: str | Sequence[Filter] = "", as_of: str | None = None
    ) -> Stuck:
        """Accounts in their stage for longer than most who left it, with MRR and owner.

        What is long is measured over all accounts, whichever `where` lists.
        """
        asked = self._question((), where, as_of)
        everybody = Question(asked.config, asked.as_of)
        with self.company.seeing(asked.as_of) as engine:
            times = engine.rows(stage_times.times_statement(everybody))
            limits = stage_times.thresholds(everybody, times)
            rows: list[Row] = []
            sql = ""
            if any(one["threshold_days"] is not None for one in limits):
                sql = stage_times.stuck_statement(asked, self._today(asked), limits)
                rows = stage_times.stuck_rows(asked, engine.rows(sql))
            notes, why = self._notes(engine)
        percent = asked.config.lifecycle.stuck_percent

        def accounts(stage: str | None = None) -> list[Row]:
            lifecycle.check_stage(stage)
            return [row for row in rows if stage is None or row["stage"] == stage]

        return Stuck(**self._head(asked), rows=rows, notes=notes, why=why, sql=sql, _open=accounts,
                     thresholds=stage_times.with_stuck(limits, rows),
                     rule=stage_times.STUCK_RULE.format(percent=percent))

    def indicators(
        self,
        *,
        period: str | None = None,
        where: str = "",
        as_of: str | None = None,
    ) -> Reading:
        """Each stage's indicators: metrics of the catalogue in a month, and in the one before.

        Parameters
        ----------
        period : str, optional
            A month, quarter or year; without it the last month that has closed.
        where : str
            An indicator that a filter cannot cut is left empty, with the reason.
        """
        asked = self._question((), "", as_of)
        fiscal = self.company.config.company.fiscal_year_start
        if period:
            named = align(period, "month", is_last=True, fiscal_start=fiscal)
        else:
            named = asked.last_month
        first, last = f"{named.previous().start:%Y-%m}", f"{named.start:%Y-%m}"
        answer, sql = [], []
        for name in stage_indicators.NAMES:
            try:
                found = self.company.show(name, start=first, end=last, where=where, as_of=as_of)
            except NotAnsweredError as error:
                answer += stage_indicators.unanswered(name, first, last, error.message)
                continue
            answer += found.rows
            sql.append(found.sql)
        return Reading(**self._head(asked), rows=stage_indicators.rows(answer),
                       sql=";\n\n".join(sql))

    def accounts(
        self,
        stage: str | None = None,
        *,
        period: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> list[Row]:
        """The accounts in a stage, or in any, at the close of a period or as of now.

        Rows: account_id, name, owner, stage, label, since, days, visit, reason, mrr.
        """
        asked = self._question((), where, as_of)
        return self._accounts(asked, self._day(asked, period), stage)

    def movers(
        self,
        *,
        period: str,
        before: str | None = None,
        after: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> list[Row]:
        """The accounts that moved between stages in a period; `before` is '' for who became known.

        Rows: account_id, name, owner, day, from, to, days (in the stage before).
        """
        asked = self._question((), where, as_of)
        return self._movers(asked, self._day(asked, period), before, after)

    def visits(
        self,
        stage: str,
        *,
        has_ended: bool | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> list[Row]:
        """The visits behind `times`: every one of a stage, with what came after it.

        Rows: account_id, name, owner, starts_on, ends_on and to (None while it lasts), days.

        Parameters
        ----------
        has_ended : bool, optional
            Those that ended, or those that still run; both without it.
        """
        lifecycle.check_stage(stage)
        asked = self._question((), where, as_of)
        sql = stage_accounts.visits_statement(asked, stage, has_ended=has_ended)
        with self.company.seeing(asked.as_of) as engine:
            answer = engine.rows(sql)
        return [stage_accounts.stage_visit_shown(asked, row) for row in answer]

    def history(self, account: str, *, as_of: str | None = None) -> list[Row]:
        """Every visit of one account, in order.

        Rows: account_id, stage, label, starts_on, ends_on (None while it lasts), visit, days,
        reason.
        """
        asked = self._question((), "", as_of)
        with self.company.seeing(asked.as_of) as engine:
            is_known = engine.value(stage_accounts.known_statement(account)) > 0
            rows = engine.rows(stage_accounts.history_statement(asked, account))
        if not is_known:
            raise UnknownNameError(
                "account", account, (), hint="All of them: staycurve lifecycle accounts"
            )
        return [stage_accounts.visit_shown(asked, row) for row in rows]

    def _accounts(self, asked: Question, day: Period, stage: str | None) -> list[Row]:
        lifecycle.check_stage(stage)
        with self.company.seeing(asked.as_of) as engine:
            answer = engine.rows(stage_accounts.accounts_statement(asked, day, stage=stage))
        return [stage_accounts.account_shown(asked.config.lifecycle, row) for row in answer]

    def _movers(
        self, asked: Question, period: Period, before: str | None, after: str | None
    ) -> list[Row]:
        lifecycle.check_stage(before or None)
        lifecycle.check_stage(after)
        with self.company.seeing(asked.as_of) as engine:
            answer = engine.rows(
                stage_accounts.movers_statement(asked, period, before=before, after=after)
            )
        return [stage_accounts.mover_shown(row) for row in answer]

    def _question(
        self, by: str | Sequence[str], where: str | Sequence[Filter], as_of: str | None
    ) -> Question:
        dims = dims_of(by)
        filters = filters_of(where)
        asked = Question(self.company.config, self.company.as_of(as_of), dims, filters)
        lifecycle.check(asked, self.company.attributes())
        return asked

    def _within(self, asked: Question, segment: dict[str, str | None]) -> Question:
        """The same question for one segment of its answer."""
        for dim in segment:
            if dim not in asked.by:
                raise UnknownNameError("dimension", dim, asked.by)
        filters = [Filter(dim, (value,)) for dim, value in segment.items()]
        return Question(asked.config, asked.as_of, (), (*asked.filters, *filters))

    def _today(self, asked: Question) -> Period:
        return period_of(asked.as_of.last_day, "day")

    def _day(self, asked: Question, period: str | None) -> Period:
        if period is None:
            return self._today(asked)
        found = parse_period(period, self.company.config.company.fiscal_year_start)
        if found.start > asked.as_of.last_day:
            raise NotAnsweredError(
                f"{period} begins after the as-of.", hint="Ask for an earlier period."
            )
        return found

    def _named(self, periods: Sequence[Period], period: str | None) -> Period:
        if period is None:
            return periods[-1]
        found = [one for one in periods if str(one.start).startswith(period)]
        if len(found) != 1:
            raise UsageError(
                f"'{period}' is not one of the answer's periods.",
                hint=f"From {periods[0].start} to {periods[-1].start}.",
            )
        return found[0]

    def _periods(
        self, asked: Question, grain: str, start: str | None, end: str | None
    ) -> list[Period]:
        fiscal = self.company.config.company.fiscal_year_start
        return periods_of(asked.as_of, grain, start, end, shown=SHOWN_MONTHS, fiscal=fiscal)

    def _head(self, asked: Question) -> dict[str, Any]:
        return {
            "as_of": asked.as_of.at.isoformat(),
            "currency": self.company.config.company.currency,
        }

    def _notes(self, engine: AnyEngine) -> tuple[tuple[str, ...], str | None]:
        first_use: dt.date | None = engine.value("SELECT MIN(first_day) FROM account_months")
        is_empty = engine.value(f"SELECT COUNT(*) FROM {SPANS}") == 0
        notes = lifecycle.notes_of(first_use, self.company.config.lifecycle)
        return notes, lifecycle.NOBODY if is_empty else None
