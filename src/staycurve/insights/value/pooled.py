"""The accounts behind a segment's pooled rate, or behind that of all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountOrNoneField,
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, From, Grain, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.value.change import MetricName
from staycurve.insights.value.compare import NO_PERIOD, pooled_sql, sides_of
from staycurve.insights.value.measured import planned
from staycurve.metrics import base
from staycurve.metrics.base import Formula, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.filters import filters_of

AboveField = Annotated[
    float, col(N_("Above the line"), Unit.RATIO, unit_from="above_unit", is_summed=True)
]
BelowField = Annotated[
    float, col(N_("Below the line"), Unit.RATIO, unit_from="below_unit", is_summed=True)
]


@dataclass(frozen=True, kw_only=True)
class Pool(AccountRow):
    """What one account adds above and below the line, over all periods."""

    account_id: AccountOrNoneField
    above: AboveField
    below: BelowField
    above_unit: Annotated[str, Hidden()]
    below_unit: Annotated[str, Hidden()]


@dataclass(frozen=True, kw_only=True)
class PoolTotal(Row):
    """What the rows come to."""

    above: Annotated[float, Key(N_("The sum above the line."))]
    below: Annotated[float, Key(N_("The sum below the line."))]
    value: Annotated[float | None, Key(N_("The one ÷ the other."))]


@dataclass(frozen=True, kw_only=True)
class Pooled(Answer):
    """The accounts behind a pooled rate, those with the most below the line first."""

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str, Key(N_("Its name."))]
    apart_from: Annotated[str | None, Key(N_("The segment that is left out."))]
    period_from: Annotated[str | None, Key(N_("The first period, by its first day."), name="from")]
    period_to: Annotated[str | None, Key(N_("The last period, by its first day."), name="to")]
    total: Annotated[PoolTotal, Key(N_("What the rows come to."))]
    why: WhyField = None
    rows: Annotated[tuple[Pool, ...], Table(N_("Accounts"), is_list=True)]

    def title(self) -> Said:
        values: dict[str, Any] = {
            "metric": Said(METRICS[self.metric].label), "from": (self.period_from, Kind.DAY),
            "to": (self.period_to, Kind.DAY), "apart": (self.apart_from or "", Kind.TEXT),
        }
        if self.apart_from:
            return Said(N_("%(metric)s, %(from)s to %(to)s, without %(apart)s: the accounts "
                           "behind it"), values)
        return Said(N_("%(metric)s, %(from)s to %(to)s: the accounts behind it"), values)


@insight("value pooled", comes_from="/metrics", needs="")
def pooled(
    company: Reader, *,
    metric: MetricName,
    start: From = None, end: To = None, grain: Grain = "month",
    apart_from: Annotated[
        str, Param(N_("A segment that is left out, as 'where' writes it: all others are listed."),
                   metavar="FILTER,…", has_commas=True)
    ] = "",
    where: Where = "", as_of: AsOfText = None,
) -> Pooled:
    """Which accounts are behind a segment's rate over a range, or behind that of all others?

    What each adds above and below the line over all periods that have closed; the sums divide to
    the number of `value compare`.
    """
    apart = filters_of(apart_from)
    company.check_filters(apart)
    named = company.query(
        metric, grain=grain, start=start, end=end, by=tuple(one.dim for one in apart), at=as_of
    )
    closed = tuple(one for one in named.periods if not named.as_of.is_open(one))
    # Whoever comes from a row of `value compare` brings its segment along as a filter.
    kept = tuple(one for one in filters_of(where) if one not in apart)
    asked = replace(named, periods=closed or named.periods[:1], filters=kept)
    made = planned(company, asked, is_by_account=True, is_ordered=False)
    sides = sides_of(metric, made)
    sql = pooled_sql(made)
    lines: list[Sequence[Any]] = []
    if closed:
        with company.seeing(asked.as_of) as engine:
            lines = [row for piece in engine.batches(sql) for row in piece]
    without = tuple(one.values[0] for one in apart)
    places, names = len(apart), [measure.name for measure in made.measures]
    found: dict[str | None, tuple[Fraction, Fraction]] = {}
    for line in lines:
        if apart and tuple(line[:places]) == without:
            continue
        values = dict(zip(names, line[places + 1:], strict=True))
        above, below = (base.evaluate(side, values) or Fraction(0) for side in sides)
        if below:
            own = found.get(line[places], (Fraction(0), Fraction(0)))
            found[line[places]] = own[0] + above, own[1] + below
    units = [_unit(side) for side in sides]
    rows = [
        Pool(account_id=account, above=float(above), below=float(below),
             above_unit=units[0].value, below_unit=units[1].value)
        for account, (above, below) in found.items()
    ]
    rows.sort(key=lambda row: (-abs(row.below), -abs(row.above), row.account_id or ""))
    tops = sum((above for above, _below in found.values()), Fraction(0))
    bottoms = sum((below for _above, below in found.values()), Fraction(0))
    return Pooled(
        as_of=asked.as_of.at.isoformat(), currency=company.config.company.currency,
        metric=metric, apart_from=apart_from or None,
        period_from=str(closed[0].start) if closed else None,
        period_to=str(closed[-1].start) if closed else None,
        total=PoolTotal(
            above=float(tops), below=float(bottoms),
            value=float(tops / bottoms) if bottoms else None,
        ),
        why=None if closed else NO_PERIOD, rows=tuple(rows), sql=sql,
    )


def _unit(side: Formula) -> Unit:
    return Unit.MONEY if any(one.is_money for one in side.measures()) else Unit.COUNT
