"""Cohorts read for their meaning: what the matrix says, with intervals and tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.insights.cohorts import (
    cohort_churn,
    cohort_retention,
    cohort_standing,
    history_share,
    riskiest_months,
)
from staycurve.insights.cohorts.cohort_churn import Churn
from staycurve.insights.cohorts.cohort_members import Question, check
from staycurve.insights.cohorts.cohort_retention import ANNUAL, SECOND_MONTH, Retention
from staycurve.insights.cohorts.cohort_standing import Fared
from staycurve.insights.cohorts.first_month import is_first_month
from staycurve.insights.cohorts.history_share import HistoryShare
from staycurve.insights.cohorts.riskiest_months import AtRisk, RiskiestMonths
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.query import filters_of
from staycurve.period import align
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    from staycurve.workspace.measured import MeasuredCompany


@dataclass(frozen=True)
class CohortReading:
    """The cohorts of one company.

    Every reading takes `by`, dimensions to split by; `where`, such as 'industry=EdTech'; and
    `as_of`, an instant after which no facts are seen. Beside the dimensions of `show` there are
    `first_month_active_days` and `first_month_used:FEATURE`.
    """

    company: MeasuredCompany

    def history(
        self,
        *,
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> HistoryShare:
        """Share from history by quarter, year over year, with a forecast for the open quarter."""
        asked = self._question(by, where, as_of)
        with self._seeing(asked) as engine:
            self._check(asked, engine)
            first = _first_paid_on(engine, asked)
            if first is None:
                return history_share.nothing_read(asked)
            periods = history_share.quarters(asked, first)
            sql = history_share.statement(asked, periods)
            return history_share.history_share(asked, engine.rows(sql), periods, sql=sql)

    def churn(
        self,
        *,
        over: str = "activation",
        per: str = "month",
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Churn:
        """Sales churn against customer churn by cohort, and which of the four cases holds.

        Parameters
        ----------
        over : str
            activation, or 12m for the twelve months before the last closed month's end.
        per : str
            month, quarter, year or all: the activation months that one row takes together.
        """
        cohort_churn.check(over, per)
        asked = self._question(by, where, as_of)
        with self._seeing(asked) as engine:
            self._check(asked, engine)
            first = _first_paid_on(engine, asked)
            ages = range(cohort_retention.months_to(asked, first) + 1) if first else []
            cells = cohort_retention.cells(asked, first, ages) if first else []
            if not cells:
                return cohort_churn.nothing_read(
                    asked, over=over, per=per, has_paid=first is not None
                )
            whole = asked.undivided()
            if over == "activation":
                beside = engine.rows(cohort_retention.statement(whole, cells))
                usual = cohort_churn.usual_since_activation(beside)
            else:
                beside = engine.rows(cohort_standing.statement(whole, over))
                usual = cohort_churn.usual_in_a_year(beside)
            sql = cohort_standing.statement(asked, over)
            answer = engine.rows(sql)
        return cohort_churn.churn(
            asked, answer, usual, over=over, per=per, cohorts=len({row[0] for row in beside}),
            sql=sql,
        )

    def churn_accounts(
        self,
        *,
        over: str = "activation",
        cohort: str | None = None,
        group: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> list[Fared]:
        """The accounts behind `churn`, those who lost the most MRR first.

        Parameters
        ----------
        cohort : str, optional
            The activation month, such as 2024-01.
        group : str, optional
            left, shrank, stayed or grew.
        """
        cohort_churn.check(over, "month")
        cohort_standing.check_group(group)
        asked = self._question((), where, as_of)
        start = align(cohort, "month", is_last=False).start if cohort else None
        with self._seeing(asked) as engine:
            self._check(asked, engine)
            sql = cohort_standing.accounts_statement(asked, over, cohort=start, group=group)
            return cohort_standing.accounts(engine.rows(sql))

    def riskiest_months(
        self,
        *,
        end_class: str | None = None,
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> RiskiestMonths:
        """The hazard of leaving by subscription month, and the months above it beyond chance.

        Parameters
        ----------
        end_class : str, optional
            Count those alone who left as voluntary, involuntary, paused or unknown.
        """
        riskiest_months.check_class(end_class)
        asked = self._question(by, where, as_of)
        sql = riskiest_months.statement(asked)
        with self._seeing(asked) as engine:
            self._check(asked, engine)
            answer = engine.rows(sql)
        return riskiest_months.riskiest(asked, answer, end_class=end_class, sql=sql)

    def riskiest_accounts(
        self,
        *,
        month: int,
        is_leaver: bool = True,
        end_class: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> list[AtRisk]:
        """The accounts behind a month of `riskiest_months`, those with the most MRR first.

        Parameters
        ----------
        month : int
            The subscription month, from 1.
        is_leaver : bool
            Those who left in it; otherwise all who were at risk in it.
        end_class : str, optional
            Of those who left: voluntary, involuntary, paused or unknown ends alone.
        """
        riskiest_months.check_class(end_class)
        riskiest_months.check_month(month)
        asked = self._question((), where, as_of)
        sql = riskiest_months.accounts_statement(
            asked, month=month, is_leaver=is_leaver, end_class=end_class
        )
        with self._seeing(asked) as engine:
            self._check(asked, engine)
            return riskiest_months.accounts(engine.rows(sql))

    def retention(
        self,
        *,
        ages: Sequence[int] = (SECOND_MONTH, ANNUAL),
        per: str = "month",
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Retention:
        """Second-month and annual retention as trends over cohorts, and trait against trait.

        Parameters
        ----------
        ages : sequence of int
            Months after the activation month.
        per : str
            month, quarter, year or all: the activation months that one row takes together.
        """
        ages = tuple(dict.fromkeys(ages))
        cohort_retention.check(ages, per)
        asked = self._question(by, where, as_of)
        with self._seeing(asked) as engine:
            self._check(asked, engine)
            first = _first_paid_on(engine, asked)
            cells = cohort_retention.cells(asked, first, ages) if first else []
            if not cells:
                return cohort_retention.nothing_read(
                    asked, ages=ages, per=per, has_paid=first is not None
                )
            sql = cohort_retention.statement(asked, cells)
            answer = engine.rows(sql)
        return cohort_retention.retention(asked, answer, ages=ages, per=per, sql=sql)

    def _question(
        self, by: str | Sequence[str], where: str | Sequence[Filter], as_of: str | None
    ) -> Question:
        dims = dims_of(by)
        filters = filters_of(where)
        return Question(self.company.config, self.company.as_of(as_of), dims, filters)

    def _check(self, asked: Question, engine: AnyEngine) -> None:
        features: list[str] = []
        if any(is_first_month(dim) for dim in asked.dims):
            rows = engine.rows("SELECT DISTINCT feature FROM usage_days ORDER BY feature")
            features = [row[0] for row in rows]
        check(asked, self.company.attributes(), features)

    @contextmanager
    def _seeing(self, asked: Question) -> Iterator[AnyEngine]:
        with self.company.seeing(asked.as_of) as engine:
            yield engine


def _first_paid_on(engine: AnyEngine, asked: Question) -> dt.date | None:
    """The first paid day of all, as far as is seen."""
    found: dt.date | None = engine.value("SELECT MIN(first_paid_on) FROM mrr_movements")
    return found if found is not None and found <= asked.as_of.last_day else None
