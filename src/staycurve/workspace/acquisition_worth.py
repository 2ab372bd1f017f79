"""What becomes of the customers of one company that a channel or a customer brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.errors import UsageError
from staycurve.insights.acquisition import acquisition_report, referrals, stayed
from staycurve.insights.acquisition.lead_funnel import CHANNEL
from staycurve.insights.acquisition.reading import Reading, Row
from staycurve.insights.acquisition.referrals import Referrals
from staycurve.insights.cohorts import cohort_retention
from staycurve.insights.cohorts.cohort_retention import retention
from staycurve.insights.shared.account_facts import Opened, check_dims
from staycurve.insights.shared.members import Question
from staycurve.metrics.context import Filter
from staycurve.metrics.query import Query, filters_of, plan
from staycurve.period import Period, period_of, periods_between

if TYPE_CHECKING:
    from staycurve.workspace.measured import MeasuredCompany

AGES = (3, 12)
"""Months after the activation month at which channels and referrals are compared."""

REFERRED_BY = "referred_by"


@dataclass(frozen=True)
class Worth:
    """The customers of one company by where they came from.

    `where` takes what an account carries, such as 'industry=EdTech'. It takes no plan: an account
    that has signed up or was brought may have none.
    """

    company: MeasuredCompany

    def quality(
        self, *, where: str | Sequence[Filter] = "", as_of: str | None = None
    ) -> Reading:
        """How the accounts of each channel fare: activation, retention, what they pay.

        Rows: channel, activation (of all sign-ups whose window has passed), retention (at 3 and
        12 months, of the accounts of closed cohorts), customers, mrr, arpa at the last day.
        """
        asked = self._asked(where, as_of)
        seen = asked.as_of
        activated, sql = self._activation(asked)
        kept = retention(
            self.company, ages=AGES, per="all", by=CHANNEL, where=asked.filters, as_of=as_of
        )
        retained = {
            (point.segment[CHANNEL], point.age): (point.retained, point.size)
            for point in kept.rows
        }
        day = period_of(seen.last_day, "day")
        shown = self.company.answer(
            Query(("customers", "mrr", "arpa"), "day", (day,), seen, (CHANNEL,), asked.filters)
        )
        values: dict[str | None, dict[str, float | None]] = {}
        for row in shown.rows:
            values.setdefault(row["segment"][CHANNEL], {})[row["metric"]] = row["value"]

        def accounts(channel: str | None = None, metric: str = "customers") -> list[Row]:
            own = () if channel is None else (Filter(CHANNEL, (channel,)),)
            return self.company.account_rows(
                Query((metric,), "day", (day,), seen, (), (*asked.filters, *own))
            ).rows

        return Reading(
            as_of=seen.at.isoformat(),
            currency=self.company.config.company.currency,
            rows=acquisition_report.quality_rows(activated, retained, values, ages=AGES),
            notes=(acquisition_report.NO_CAUSE,),
            sql=";\n\n".join((sql, kept.sql, shown.sql)),
            _open=accounts,
        )

    def _activation(self, asked: Question) -> tuple[dict[str | None, tuple[int, int]], str]:
        """Channel → (activated, accounts whose window has passed) over all sign-ups."""
        seen = asked.as_of
        first = self.company.first_day(("activation_rate",))
        if first is None or first > seen.last_day:
            return {}, ""
        months = tuple(periods_between(first, seen.last_day, "month"))
        made = plan(
            Query(("activation_rate",), "month", months, seen, (CHANNEL,), asked.filters),
            self.company.config,
            attributes=self.company.attributes(),
        )
        names = [measure.name for measure in made.measures]
        found: dict[str | None, tuple[int, int]] = {}
        with self.company.seeing(seen) as engine:
            # Without any event nobody knows who reached first value; that is not nobody.
            is_known = engine.value("SELECT COUNT(*) FROM account_months") > 0
            for row in engine.rows(made.sql) if is_known else ():
                own = dict(zip(names, row[2:], strict=False))
                got, size = found.get(row[1], (0, 0))
                found[row[1]] = (
                    got + int(own["activated_in_window"] or 0),
                    size + int(own["mature_signups"] or 0),
                )
        return {channel: pair for channel, pair in found.items() if pair[1]}, made.sql

    def stayed(
        self, age: int, *, where: str | Sequence[Filter] = "", as_of: str | None = None
    ) -> Opened:
        """The accounts behind a retention of `quality` or `referrals`, all closed cohorts together.

        Rows: account_id, first_paid_on, close_on, is_kept; those that are kept ÷ all of them.

        Parameters
        ----------
        age : int
            Months after the activation month, from 1.
        where
            Such as 'channel=ads'; 'referred_by!=' are the referred, 'referred_by=' the others.
        """
        if age < 1:
            raise UsageError("An age is a number of months from 1 on.", hint="Such as 3 or 12.")
        asked = self._asked(where, as_of)
        with self.company.seeing(asked.as_of) as engine:
            first = engine.value("SELECT MIN(first_paid_on) FROM mrr_movements")
            is_known = first is not None and first <= asked.as_of.last_day
            cells = cohort_retention.cells(asked, first, (age,)) if is_known else []
            sql = stayed.statement(asked, cells) if cells else ""
            return stayed.stayed(asked, engine.rows(sql) if cells else (), sql=sql)

    def referrals(
        self, *, where: str | Sequence[Filter] = "", as_of: str | None = None
    ) -> Referrals:
        """Who brought whom, what the referred are worth, and how they stay; see `Referrals`.

        `where` chooses among the referred accounts. `.accounts(referrer=)` lists them.
        """
        asked = self._asked(where, as_of)
        sql = referrals.accounts_statement(asked, self._closed_months(asked))
        with self.company.seeing(asked.as_of) as engine:
            answer = engine.rows(sql)
            accounts = int(engine.value(referrals.count_statement(asked)))
        kept = retention(
            self.company, ages=AGES, per="all", by=REFERRED_BY, where=asked.filters, as_of=as_of
        )
        rows = referrals.rows_of(answer)
        counts: dict[tuple[bool, int], tuple[int, int]] = {}
        for point in kept.rows:
            key = (point.segment[REFERRED_BY] is not None, point.age)
            got, size = counts.get(key, (0, 0))
            counts[key] = (got + point.retained, size + point.size)

        def behind(referrer: str | None = None) -> list[Row]:
            return [
                referrals.account_shown(row) for row in answer if referrer in (None, row[2])
            ]

        return Referrals(
            as_of=asked.as_of.at.isoformat(),
            currency=self.company.config.company.currency,
            rows=rows,
            notes=(referrals.ASSOCIATION,) if answer else (),
            why=None if answer else referrals.NOBODY_REFERRED,
            sql=sql,
            summary=referrals.summary_of(rows, accounts),
            retention=referrals.retention_rows(counts),
            _open=behind,
        )

    def referred(
        self,
        referrer: str | None = None,
        *,
        state: str = "referred",
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> list[Row]:
        """The referred accounts, or those that one account brought.

        Rows: account_id, name, referred_by, created_on, first_paid_on, mrr, lifetime_mrr.

        Parameters
        ----------
        state : str
            referred, ever_paid or paying.
        """
        asked = self._asked(where, as_of)
        sql = referrals.accounts_statement(asked, self._closed_months(asked), referrer=referrer)
        with self.company.seeing(asked.as_of) as engine:
            rows = [referrals.account_shown(row) for row in engine.rows(sql)]
        return [row for row in rows if referrals.is_in(row, state)]

    def _closed_months(self, asked: Question) -> list[Period]:
        seen = asked.as_of
        first = self.company.first_day(("mrr",))
        if first is None or first > seen.last_day:
            return []
        months = periods_between(first, seen.last_day, "month")
        return [month for month in months if not seen.is_open(month)]

    def _asked(self, where: str | Sequence[Filter], as_of: str | None) -> Question:
        filters = filters_of(where)
        check_dims((), filters, self.company.attributes(), relation="signups")
        return Question(self.company.config, self.company.as_of(as_of), (), filters)
