"""Acquisition of one company: channels, how far their leads come, and referrals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staycurve.errors import UsageError
from staycurve.insights.acquisition import acquisition_report, lead_funnel, referrals
from staycurve.insights.acquisition.acquisition_report import METRICS, OWN, ChannelReport
from staycurve.insights.acquisition.lead_funnel import CHANNEL, LeadFunnel, LeadQuestion
from staycurve.insights.acquisition.referrals import Referrals
from staycurve.insights.lifecycle.lifecycle import Reading, Row
from staycurve.metrics.catalogue import METRICS as CATALOGUE
from staycurve.metrics.context import Context
from staycurve.metrics.query import Query, parse_filters, plan
from staycurve.money import MICRO
from staycurve.period import Period, parse_period, periods_between
from staycurve.workspace.ranges import periods_of

if TYPE_CHECKING:
    from staycurve.workspace.company import Company

AGES = (3, 12)
"""Months after the activation month at which channels and referrals are compared."""

SHOWN = 12
"""Periods without a range."""


@dataclass(frozen=True)
class Acquisition:
    """How one company wins customers.

    Every reading takes `as_of`, an instant after which no facts are seen.
    """

    company: Company

    def channels(
        self,
        *,
        grain: str = "month",
        start: str | None = None,
        end: str | None = None,
        where: str = "",
        as_of: str | None = None,
    ) -> ChannelReport:
        """What every channel brought in each period, and what it cost; see `ChannelReport`.

        `where` takes channels alone. `.accounts(period=, channel=, metric=)` lists what is behind
        a metric of the catalogue.
        """
        filters = parse_filters(where)
        acquisition_report.check_channel(filters)
        asked = LeadQuestion(
            self.company.config, self.company.as_of(as_of), (CHANNEL,), filters
        )
        periods = self._periods(asked, grain, start, end)
        first, last = str(periods[0].start), str(periods[-1].start)
        shown = {
            by: self.company.show(*METRICS, grain=grain, start=first, end=last, by=by, where=where,
                                  as_of=as_of)
            for by in (CHANNEL, "")
        }
        counts_sql = acquisition_report.counts_statement(asked, periods)
        spend_sql = acquisition_report.spend_statement(asked, periods, grain)
        with self.company.seeing(asked.as_of) as engine:
            counts: dict[tuple[str, str | None], dict[str, int]] = {
                (str(row[0]), row[1]): dict(
                    zip([name for name in OWN if name != "spend"],
                        _in_order(row[2:]), strict=True)
                )
                for row in engine.rows(counts_sql)
            }
            spent = {(str(row[0]), row[1]): int(row[2]) for row in engine.rows(spend_sql)}
            has_leads = engine.value("SELECT COUNT(*) FROM leads") > 0
        whole: dict[tuple[str, str | None], int] = {}
        for (period, _), amount in spent.items():
            whole[period, None] = whole.get((period, None), 0) + amount
        loose = sum(amount for (_, channel), amount in spent.items() if channel is None)
        # The rows stand beside what their rates are made of: no list of small ones is needed.
        notes = list(shown[CHANNEL].notes)
        if loose:
            text = f"{loose / MICRO:,.2f} {self.company.config.company.currency}"
            notes.append(acquisition_report.UNASSIGNED.format(amount=text))

        def accounts(
            metric: str = "new_customers", period: str | None = None, channel: str | None = None
        ) -> list[Row]:
            words = f"{CHANNEL}={channel or ''}" if channel is not None else where
            named = period or str(periods[-1].start)
            return self.company.accounts(
                metric, period=named, grain=grain, where=words, as_of=as_of
            ).rows

        return ChannelReport(
            as_of=asked.as_of.at.isoformat(),
            currency=self.company.config.company.currency,
            rows=acquisition_report.report_rows(
                shown[CHANNEL].rows, counts, spent, is_total=False, has_leads=has_leads
            ),
            notes=tuple(notes),
            sql=";\n\n".join((shown[CHANNEL].sql, counts_sql, spend_sql)),
            totals=acquisition_report.report_rows(
                shown[""].rows, acquisition_report.summed(counts), whole, is_total=True,
                has_leads=has_leads,
            ),
            columns=_columns(),
            _open=accounts,
        )

    def funnel(
        self,
        *,
        grain: str = "month",
        start: str | None = None,
        end: str | None = None,
        by: str | Sequence[str] = (),
        where: str = "",
        horizon: int = lead_funnel.HORIZON,
        together: bool = False,
        as_of: str | None = None,
    ) -> LeadFunnel:
        """How far the leads of each period came within a horizon; see `LeadFunnel`.

        Parameters
        ----------
        by, where
            `channel`, or what leads carry beside the declared columns.
        horizon : int
            Days that a lead is given; younger leads are in neither part.
        together : bool
            All cohorts of the range as one.
        """
        if horizon < 1:
            raise UsageError("A horizon is a number of days from 1.", hint="Such as 90.")
        asked = self._leads(by, where, as_of)
        periods = self._periods(asked, grain, start, end)
        sql = lead_funnel.funnel_statement(asked, months=periods, horizon=horizon)
        with self.company.seeing(asked.as_of) as engine:
            rows = lead_funnel.funnel_rows(
                asked, engine.rows(sql), horizon=horizon, is_whole=together
            )

        def leads(cohort: str | None = None, step: str | None = None, **segment: Any) -> list[Row]:
            span = Period("range", periods[0].start, periods[-1].end)
            if cohort is not None:
                span = parse_period(cohort, self.company.config.company.fiscal_year_start)
            words = [where, *(f"{dim}={value or ''}" for dim, value in segment.items())]
            return self._lead_rows(
                self._leads((), ",".join(filter(None, words)), as_of), span, horizon, step
            )

        return LeadFunnel(
            as_of=asked.as_of.at.isoformat(),
            currency=self.company.config.company.currency,
            rows=rows,
            why=None if rows else "no leads lie in the range and filters",
            sql=sql,
            horizon_days=horizon,
            _open=leads,
        )

    def leads(
        self,
        *,
        cohort: str,
        step: str | None = None,
        where: str = "",
        horizon: int = lead_funnel.HORIZON,
        as_of: str | None = None,
    ) -> list[Row]:
        """The leads of a cohort; with `step` those old enough that reached it in time.

        Rows: lead_id, account_id, the day of each step, is_mature.
        """
        span = parse_period(cohort, self.company.config.company.fiscal_year_start)
        return self._lead_rows(self._leads((), where, as_of), span, horizon, step)

    def quality(self, *, as_of: str | None = None) -> Reading:
        """How the accounts of each channel fare: activation, retention, what they pay.

        Rows: channel, activation (of all sign-ups whose window has passed), retention (at 3 and
        12 months, of the accounts of closed cohorts), customers, mrr, arpa at the last day.
        """
        seen = self.company.as_of(as_of)
        activated, sql = self._activation(as_of)
        kept = self.company.cohorts.retention(ages=AGES, per="all", by=CHANNEL, as_of=as_of)
        retained = {
            (point.segment[CHANNEL], point.age): (point.kept.count, point.kept.size)
            for point in kept.points
        }
        names = ("customers", "mrr", "arpa")
        last = str(seen.last_day)
        shown = self.company.show(
            *names, grain="day", start=last, end=last, by=CHANNEL, as_of=as_of
        )
        values: dict[str | None, dict[str, float | None]] = {}
        for row in shown.rows:
            values.setdefault(row["segment"][CHANNEL], {})[row["metric"]] = row["value"]

        def accounts(channel: str | None = None, metric: str = "customers") -> list[Row]:
            words = "" if channel is None else f"{CHANNEL}={channel}"
            return self.company.accounts(
                metric, period=last, grain="day", where=words, as_of=as_of
            ).rows

        return Reading(
            as_of=seen.at.isoformat(),
            currency=self.company.config.company.currency,
            rows=acquisition_report.quality_rows(activated, retained, values, ages=AGES),
            notes=(acquisition_report.NO_CAUSE,),
            sql=";\n\n".join((sql, kept.sql, shown.sql)),
            _open=accounts,
        )

    def _activation(self, as_of: str | None) -> tuple[dict[str | None, tuple[int, int]], str]:
        """Channel → (activated, accounts whose window has passed) over all sign-ups."""
        seen = self.company.as_of(as_of)
        first = self.company.first_day(("activation_rate",))
        if first is None or first > seen.last_day:
            return {}, ""
        months = tuple(periods_between(first, seen.last_day, "month"))
        made = plan(
            Query(("activation_rate",), "month", months, seen, (CHANNEL,)),
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

    def referrals(self, *, as_of: str | None = None) -> Referrals:
        """Who brought whom, what the referred are worth, and how they stay; see `Referrals`.

        `.accounts(referrer=)` lists the referred accounts.
        """
        seen = self.company.as_of(as_of)
        context = Context(self.company.config, "month", (), seen)
        sql = referrals.accounts_statement(context, self._closed_months(as_of))
        with self.company.seeing(seen) as engine:
            answer = engine.rows(sql)
            accounts = int(engine.value(referrals.count_statement(context)))
        kept = self.company.cohorts.retention(
            ages=AGES, per="all", by="referred_by", as_of=as_of
        )
        referred = {row[0] for row in answer}
        rows = referrals.rows_of(answer)
        counts: dict[tuple[bool, int], tuple[int, int]] = {}
        for point in kept.points:
            key = (point.segment["referred_by"] is not None, point.age)
            got, size = counts.get(key, (0, 0))
            counts[key] = (got + point.kept.count, size + point.kept.size)

        def behind(referrer: str | None = None) -> list[Row]:
            return [
                referrals.account_shown(row) for row in answer if referrer in (None, row[2])
            ]

        return Referrals(
            as_of=seen.at.isoformat(),
            currency=self.company.config.company.currency,
            rows=rows,
            notes=(referrals.ASSOCIATION,) if referred else (),
            why=None if referred else referrals.NOBODY_REFERRED,
            sql=sql,
            summary=referrals.summary_of(rows, accounts),
            retention=referrals.retention_rows(counts),
            _open=behind,
        )

    def referred(
        self, referrer: str | None = None, *, as_of: str | None = None
    ) -> list[Row]:
        """The referred accounts, or those that one account brought.

        Rows: account_id, name, referred_by, created_on, first_paid_on, mrr, lifetime_mrr.
        """
        seen = self.company.as_of(as_of)
        context = Context(self.company.config, "month", (), seen)
        sql = referrals.accounts_statement(
            context, self._closed_months(as_of), referrer=referrer
        )
        with self.company.seeing(seen) as engine:
            return [referrals.account_shown(row) for row in engine.rows(sql)]

    def _closed_months(self, as_of: str | None) -> list[Period]:
        seen = self.company.as_of(as_of)
        first = self.company.first_day(("mrr",))
        if first is None or first > seen.last_day:
            return []
        months = periods_between(first, seen.last_day, "month")
        return [month for month in months if not seen.is_open(month)]

    def _leads(
        self, by: str | Sequence[str], where: str, as_of: str | None
    ) -> LeadQuestion:
        dims = tuple(d for d in by.split(",") if d) if isinstance(by, str) else tuple(by)
        asked = LeadQuestion(
            self.company.config, self.company.as_of(as_of), dims, parse_filters(where)
        )
        if any(dim != CHANNEL for dim in (*dims, *(f.dim for f in asked.filters))):
            with self.company.reading() as engine:
                keys = engine.json_keys("leads", "attributes")
            lead_funnel.check(asked, keys)
        return asked

    def _lead_rows(
        self, asked: LeadQuestion, span: Period, horizon: int, step: str | None
    ) -> list[Row]:
        lead_funnel.check_step(step)
        sql = lead_funnel.leads_statement(asked, span, horizon=horizon, step=step)
        with self.company.seeing(asked.as_of) as engine:
            return [lead_funnel.lead_shown(row) for row in engine.rows(sql)]

    def _periods(
        self, asked: LeadQuestion, grain: str, start: str | None, end: str | None
    ) -> list[Period]:
        fiscal = self.company.config.company.fiscal_year_start
        return periods_of(asked.as_of, grain, start, end, shown=SHOWN, fiscal=fiscal)


def _in_order(counts: Iterable[Any]) -> list[int]:
    return [int(count) for count in counts]


def _columns() -> list[Row]:
    """What each column of the channel report is."""
    return [
        *({"name": name, "label": CATALOGUE[name].label, "about": CATALOGUE[name].about,
           "unit": CATALOGUE[name].unit.value, "better": CATALOGUE[name].better}
          for name in METRICS),
        *({"name": name, "about": about, "unit": "money" if name == "spend" else "count"}
          for name, about in OWN.items()),
    ]
