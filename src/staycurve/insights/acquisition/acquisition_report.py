"""Acquisition by channel: what each one brought, how its leads fared, and what it cost.

Reach, leads and spend carry a channel of their own; trials, customers and what they pay go by the
channel of their account. Where a lead and its account name different channels, each counts where
it stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.acquisition.leads import (
    CHANNEL,
    LeadQuestion,
    periods_sql,
    seen_sql,
)
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    OpenField,
    Opens,
    PeriodField,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.params import AsOfText, From, Grain, To
from staycurve.insights.shared.ranges import range_of
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS as CATALOGUE
from staycurve.metrics.context import Context, Filter
from staycurve.metrics.filters import filters_of
from staycurve.metrics.relations import RELATIONS
from staycurve.money import MICRO
from staycurve.period import Period

METRICS = (
    "visits", "social_engagements", "mentions", "lead_rate", "demo_requests", "trial_starts",
    "trial_conversion_rate", "new_customers", "new_mrr", "cac",
)
"""Columns of the report that the catalogue defines; they equal what `show` says."""

OWN: Mapping[str, str] = {
    "leads": N_("Leads created in the period."),
    "qualified": N_("Leads found worth pursuing in the period."),
    "lead_trials": N_("Leads whose trial began in the period."),
    "won": N_("Leads won in the period."),
    "lost": N_("Leads given up in the period."),
    "spend": N_("Acquisition cost of the period's months that names the channel."),
}
"""Columns that the report counts itself."""

NO_SPEND = N_("no acquisition cost is loaded for this period")
NO_LEADS = N_("no leads are loaded")
UNASSIGNED = N_("{amount} of acquisition cost in the range names no channel.")
EMPTY = N_("An empty rate has no denominator in that period, or the period is still open.")

Channels = Annotated[
    str | Sequence[Filter],
    Param(N_("Only by channel: visits and spend have no other attribute."), metavar="FILTER,…",
          examples="channel=ads|organic"),
]


def _count(label: str, **given: Any) -> Any:
    return col(label, Unit.COUNT, why="", **given)


@dataclass(frozen=True, kw_only=True)
class Brought(Row):
    """What all channels brought in a period; `why` says why a column is empty."""

    period: PeriodField
    open: OpenField
    visits: Annotated[
        float | None,
        _count(N_("Visits"), opens=Opens("acquisition reach", {"period": "period_name"})),
    ]
    social_engagements: Annotated[
        float | None,
        _count(N_("Social"), opens=Opens("acquisition reach", {"period": "period_name"},
                                         {"kind": "social_engagements"})),
    ]
    mentions: Annotated[
        float | None,
        _count(N_("Mentions"), opens=Opens("acquisition reach", {"period": "period_name"},
                                           {"kind": "mentions"})),
    ]
    leads: Annotated[
        int | None,
        _count(N_("Leads"), opens=Opens("acquisition leads", {"cohort": "period_name"})),
    ]
    lead_rate: Annotated[float | None, col(N_("Lead rate"), Unit.PERCENT, why="")]
    qualified: Annotated[int | None, _count(N_("Qualified"))]
    demo_requests: Annotated[float | None, _count(N_("Demos"))]
    trial_starts: Annotated[float | None, _count(N_("Trials"))]
    trial_conversion_rate: Annotated[float | None, Key(CATALOGUE["trial_conversion_rate"].about)]
    lead_trials: Annotated[int | None, Key(OWN["lead_trials"])]
    won: Annotated[int | None, _count(N_("Won"))]
    lost: Annotated[int | None, Key(OWN["lost"])]
    new_customers: Annotated[float | None, _count(N_("New customers"))]
    new_mrr: Annotated[float | None, col(N_("New MRR"), Unit.MONEY, why="")]
    spend: Annotated[
        float | None,
        col(N_("Spend"), Unit.MONEY, why="",
            opens=Opens("acquisition spend", {"period": "period_name"})),
    ]
    cac: Annotated[float | None, col(N_("CAC"), Unit.MONEY, why="")]
    why: Annotated[
        Mapping[str, str], Key(N_("Column → why it is empty."), is_in_csv=False)
    ]
    period_name: Annotated[str, Hidden()] = ""

    def of(self, name: str) -> float | None:
        """The value of a column."""
        found: float | None = getattr(self, name)
        return found


@dataclass(frozen=True, kw_only=True)
class ChannelRow(Brought):
    """What one channel brought in a period."""

    channel: Annotated[str | None, Key(N_("Empty where none is known."))]

    @property
    def segment(self) -> dict[str, str | None]:
        """The channel, as what its numbers open to is restricted by it."""
        return {CHANNEL: self.channel}


@dataclass(frozen=True)
class ColumnAbout(Row):
    """What a column of the report is."""

    name: str
    about: str
    unit: str
    label: Annotated[str, Key(is_omitted=True)] = ""
    better: Annotated[str, Key(N_("Which way is better."), is_omitted=True)] = ""


@dataclass(frozen=True, kw_only=True)
class ChannelReport(Answer):
    """What every channel brought in each period."""

    as_of: AsOfField
    currency: CurrencyField
    why: WhyField = None
    rows: Annotated[tuple[ChannelRow, ...], Table(N_("Channels"))]
    columns: Annotated[tuple[ColumnAbout, ...], Key(N_("What each column is."))]
    totals: Annotated[tuple[Brought, ...], Table(N_("All channels together"))]

    def title(self) -> Said:
        return Said(
            N_("Channels, as of %(as_of)s, %(currency)s"),
            {"as_of": self.as_of, "currency": self.currency},
        )

    def said(self) -> tuple[Said, ...]:
        return (Said(EMPTY),)


@insight("acquisition channels", comes_from="/acquisition#channels")
def channels(
    company: Reader, *, grain: Grain = "month", start: From = None, end: To = None,
    where: Channels = "", as_of: AsOfText = None,
) -> ChannelReport:
    """What did every channel bring in in each period, and what did it cost?

    Columns that the catalogue defines equal what `show` says. Without a range the last twelve
    periods.
    """
    asked = in_channels(company, where, as_of, by=(CHANNEL,))
    periods = range_of(asked, grain, start, end)
    first, last = str(periods[0].start), str(periods[-1].start)
    query = company.query(*METRICS, grain=grain, start=first, end=last, at=as_of)
    query = replace(query, filters=asked.filters)
    shown = company.answer(replace(query, by=(CHANNEL,)))
    shown_whole = company.answer(query)
    counts_sql = counts_statement(asked, periods)
    spend_sql = spend_statement(asked, periods, grain)
    with company.seeing(asked.as_of) as engine:
        counts: dict[Place, dict[str, int]] = {
            (str(row[0]), row[1]): dict(
                zip([name for name in OWN if name != "spend"], map(int, row[2:]), strict=True)
            )
            for row in engine.rows(counts_sql)
        }
        spent = {(str(row[0]), row[1]): int(row[2]) for row in engine.rows(spend_sql)}
        has_leads = engine.value("SELECT COUNT(*) FROM leads") > 0
    whole: dict[Place, int] = {}
    for (period, _), amount in spent.items():
        whole[period, None] = whole.get((period, None), 0) + amount
    loose = sum(amount for (_, channel), amount in spent.items() if channel is None)
    # The rows stand beside what their rates are made of: no list of small ones is needed.
    notes = list(shown.notes)
    currency = asked.config.company.currency
    if loose:
        notes.append(UNASSIGNED.format(amount=f"{loose / MICRO:,.2f} {currency}"))
    fiscal = asked.config.company.fiscal_year_start
    names = {str(period.start): period.name(fiscal) for period in periods}
    by_channel = report_rows(shown.rows, counts, spent, is_total=False, has_leads=has_leads)
    totals = report_rows(
        shown_whole.rows, summed(counts), whole, is_total=True, has_leads=has_leads
    )
    return ChannelReport(
        as_of=asked.as_of.at.isoformat(),
        currency=currency,
        rows=tuple(ChannelRow(**_typed(row, names)) for row in by_channel),
        columns=_columns(),
        totals=tuple(Brought(**_typed(row, names)) for row in totals),
        notes=tuple(notes),
        sql=";\n\n".join((shown.sql, counts_sql, spend_sql)),
    )


def _typed(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    period = row["period"]
    return {
        **row, "period": dt.date.fromisoformat(period), "period_name": names.get(period, ""),
    }


def _columns() -> tuple[ColumnAbout, ...]:
    return (
        *(ColumnAbout(name, CATALOGUE[name].about, CATALOGUE[name].unit.value,
                      CATALOGUE[name].label, CATALOGUE[name].better) for name in METRICS),
        *(ColumnAbout(name, about, "money" if name == "spend" else "count")
          for name, about in OWN.items()),
    )


def in_channels(
    company: Reader,
    where: str | Sequence[Filter],
    as_of: str | None,
    *,
    by: tuple[str, ...] = (),
) -> LeadQuestion:
    """A question that can be restricted by channels alone."""
    filters = filters_of(where)
    check_channel(filters)
    return LeadQuestion(company.config, company.as_of(as_of), by, filters)


def check_channel(filters: Iterable[Filter]) -> None:
    """Raise for a filter that reach, leads, spend and accounts do not have in common."""
    for one in filters:
        if one.dim != CHANNEL:
            raise NotAnsweredError(
                f"Channels cannot be restricted by {one.dim}: visits and spend do not carry it.",
                hint="Restrict them by channel, such as --where 'channel=ads|organic'; ask `show` "
                "for one metric.",
                dimension=one.dim,
            )


def counts_statement(question: LeadQuestion, periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, seg…, leads, qualified, lead_trials, won, lost), by their own days."""
    columns = {"leads": "created_on", "qualified": "qualified_on", "lead_trials": "trial_on",
               "won": "won_on", "lost": "lost_on"}
    segs = segs_of(question)
    every = "\n    UNION ALL ".join(
        f"SELECT {day} AS day, '{name}' AS step{segs} FROM seen WHERE {day} IS NOT NULL"
        for name, day in columns.items()
    )
    sums = ", ".join(
        f"CAST(SUM(CASE WHEN step = '{name}' THEN 1 ELSE 0 END) AS BIGINT) AS {name}"
        for name in columns
    )
    return f"""WITH periods AS ({periods_sql(question, periods)}),
seen AS ({seen_sql(question)}),
happened AS (
    {every}
)
SELECT p.start_on{segs}, {sums}
FROM happened h
JOIN periods p ON h.day >= p.start_on AND h.day <= p.close_on
GROUP BY p.start_on{segs}
ORDER BY p.start_on{segs}"""


def spend_statement(
    question: LeadQuestion, periods: Sequence[Period], grain: str
) -> str:
    """SQL of rows (start_on, channel, amount): acquisition cost as `cac` values it, by month."""
    return f"""WITH periods AS ({periods_sql(question, periods)})
SELECT start_on, seg0 AS channel, CAST(SUM(amount) AS HUGEINT) AS amount
FROM ({spent_sql(question, periods, grain)}) spent
GROUP BY start_on, seg0
ORDER BY start_on, seg0"""


def spent_sql(question: LeadQuestion, periods: Sequence[Period], grain: str) -> str:
    """SQL of every row of acquisition cost, to follow `periods`: start_on, seg0, kind, amount."""
    context = Context(
        question.config, grain, tuple(periods), question.as_of, (CHANNEL,), 1, question.filters
    )
    return f"""SELECT start_on, seg0, kind, amount
    FROM ({RELATIONS["spend"].rows(context)}) every
    WHERE purpose = 'acquisition' AND {context.where()}"""


Place = tuple[str, str | None]
"""The first day of a period, and a channel."""


def report_rows(
    shown: Sequence[Mapping[str, Any]],
    counts: Mapping[Place, Mapping[str, int]],
    spent: Mapping[Place, int],
    *,
    is_total: bool,
    has_leads: bool,
) -> list[dict[str, Any]]:
    """One row a period and channel: the catalogue's values beside what the report counts.

    Parameters
    ----------
    shown : sequence of dict
        Rows of `show` for METRICS.
    counts, spent : mapping
        (period, channel) → what the statements answered, channel None where unknown; for totals
        summed under (period, None).
    """
    found: dict[Place, dict[str, Any]] = {}
    for row in shown:
        key = (row["period"], None if is_total else row["segment"][CHANNEL])
        own = found.setdefault(key, {
            "period": row["period"], "open": row["open"],
            **({} if is_total else {CHANNEL: key[1]}), "why": {},
        })
        own[row["metric"]] = row["value"]
        if row.get("why"):
            own["why"][row["metric"]] = row["why"]
    opened = {key[0]: row["open"] for key, row in found.items()}
    for key in (*counts, *spent):
        if key[0] in opened:
            found.setdefault(key, {
                "period": key[0], "open": opened[key[0]],
                **({} if is_total else {CHANNEL: key[1]}),
                **dict.fromkeys(METRICS), "why": {},
            })
    for key, row in found.items():
        for name in OWN:
            if name == "spend":
                amount = spent.get(key)
                row[name] = None if amount is None else amount / MICRO
                if amount is None:
                    row["why"][name] = NO_SPEND
            else:
                row[name] = counts.get(key, {}).get(name, 0) if has_leads else None
                if not has_leads:
                    row["why"][name] = NO_LEADS
    # Costs that are none of acquisition name no channel; they make no row of their own.
    numbers = (*METRICS, *OWN)
    return [
        found[key]
        for key in sorted(found, key=lambda key: (key[0], key[1] or ""))
        if is_total or key[1] is not None or any(found[key][name] for name in numbers)
    ]


def summed(counts: Mapping[Place, Mapping[str, int]]) -> dict[Place, dict[str, int]]:
    """The counts of all channels together, under (period, None)."""
    found: dict[Place, dict[str, int]] = {}
    for (period, _), own in counts.items():
        into = found.setdefault((period, None), {})
        for name, count in own.items():
            into[name] = into.get(name, 0) + count
    return found
