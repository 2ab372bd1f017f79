"""Acquisition of one company: channels, how far their leads come, and referrals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.errors import UsageError
from staycurve.insights.acquisition import acquisition_report, acquisition_rows, lead_funnel
from staycurve.insights.acquisition.acquisition_report import METRICS, OWN, ChannelReport
from staycurve.insights.acquisition.lead_funnel import CHANNEL, LeadFunnel, LeadQuestion
from staycurve.insights.acquisition.reading import Row
from staycurve.insights.shared.account_facts import Opened
from staycurve.insights.shared.ranges import periods_of
from staycurve.metrics.catalogue import METRICS as CATALOGUE
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.query import filters_of
from staycurve.money import MICRO
from staycurve.period import Period, parse_period
from staycurve.workspace.acquisition_worth import Worth

SHOWN = 12
"""Periods without a range."""


@dataclass(frozen=True)
class Acquisition(Worth):
    """How one company wins customers, and what becomes of them.

    Every reading takes `where`, such as 'channel=ads', and `as_of`, an instant after which no facts
    are seen.
    """

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
        filters = filters_of(where)
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
            why=None if rows else lead_funnel.NO_LEADS,
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

    def reach(
        self,
        period: str,
        *,
        kind: str = "visits",
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Opened:
        """The rows of reach behind `visits`, `social_engagements` or `mentions` in a period.

        Rows: day, channel, count. `where` takes channels alone.
        """
        acquisition_rows.check_kind(kind)
        asked, span = self._in_channels(where, as_of), self._span(period)
        sql = acquisition_rows.reach_statement(asked, span, kind)
        with self.company.seeing(asked.as_of) as engine:
            return acquisition_rows.reached(asked, kind, engine.rows(sql), sql)

    def spend(
        self, period: str, *, where: str | Sequence[Filter] = "", as_of: str | None = None
    ) -> Opened:
        """The rows of acquisition cost in a period, in the company's currency.

        Rows: period, channel, kind, amount. `where` takes channels alone.
        """
        asked, span = self._in_channels(where, as_of), self._span(period)
        sql = acquisition_rows.spend_statement(asked, span)
        with self.company.seeing(asked.as_of) as engine:
            return acquisition_rows.spent(asked, span, engine.rows(sql), sql)

    def _in_channels(
        self, where: str | Sequence[Filter], as_of: str | None
    ) -> LeadQuestion:
        filters = filters_of(where)
        acquisition_report.check_channel(filters)
        return LeadQuestion(self.company.config, self.company.as_of(as_of), (), filters)

    def _span(self, period: str) -> Period:
        return parse_period(period, self.company.config.company.fiscal_year_start)

    def _leads(
        self, by: str | Sequence[str], where: str, as_of: str | None
    ) -> LeadQuestion:
        dims = dims_of(by)
        asked = LeadQuestion(
            self.company.config, self.company.as_of(as_of), dims, filters_of(where)
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
