"""Trends: how often something is done, by how many, and what its properties come to, over time.

Times count every event that counts, also one that names no user; users and accounts count each
once a period. A percentile lies between the two nearest values, in proportion. What is no number in
a property is none, and neither is what lies beyond a million millions. A ratio divides the same
measure of two events. A cumulative value runs from the start of the range, and users and accounts
count in it once.

References
----------
PostHog, trends: https://posthog.com/docs/product-analytics/trends/overview
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    Answer,
    AsOfField,
    Hidden,
    Key,
    Opens,
    PeriodField,
    Row,
    Said,
    Segment,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, By, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage.trend_members import Doers, doers
from staycurve.insights.usage.trends_sql import (
    COUNTED,
    MEASURES,
    PER,
    TrendQuestion,
    check,
    statement,
)
from staycurve.insights.usage.usage_asking import (
    Event,
    has_events,
    not_done,
    periods_of,
    question_of,
    seeing,
)
from staycurve.insights.usage.usage_question import (
    NO_EVENTS,
    doing,
)
from staycurve.insights.usage.usage_tops import Values, with_tops
from staycurve.metrics.base import Unit
from staycurve.metrics.dimensions import PROPERTY
from staycurve.metrics.query import STILL_OPEN
from staycurve.metrics.segment_values import check_property
from staycurve.period import Period

NOT_DONE = N_("division by zero: it was not done")
NO_NUMBER = N_("the property was no number in any of them")

_ASKED = {
    **{name: name for name in ("event", "measure", "per", "first", "last", "values")},
    "of_property": "key",
}
BEHIND = Opens("usage trends", {**_ASKED, "members": "cell"})
ALL_BEHIND = Opens("usage trends", _ASKED, {"members": "all"})


@dataclass(frozen=True)
class Point(Row):
    """One period."""

    period: PeriodField
    segment: Segment
    value: Annotated[
        float | None, col(N_("Value"), Unit.RATIO, unit_from="unit", opens=BEHIND)
    ]
    times: Annotated[int, col(N_("Times"), Unit.COUNT, opens=BEHIND)]
    before: Annotated[
        float | None,
        col(N_("Before"), Unit.RATIO, N_("In the range of as many periods right before."),
            unit_from="unit", is_omitted=True),
    ]
    change: Annotated[
        float | None,
        col(N_("Change"), Unit.RATIO, unit_from="unit", is_omitted=True),
    ]
    open: Annotated[bool, Key(N_("Whether the period is not over."))]
    unit: Annotated[str, Key(N_("Of the value."))]
    why: WhyField = None

    @property
    def cell(self) -> str:
        """As `members` names it."""
        return str(self.period)


@dataclass(frozen=True)
class Sum(Row):
    """The whole range at once: who did it in several periods counts once."""

    segment: Segment
    value: Annotated[float | None, col(N_("Value"), Unit.RATIO, unit_from="unit", opens=ALL_BEHIND)]
    times: Annotated[int, col(N_("Times"), Unit.COUNT, opens=ALL_BEHIND)]
    before: Annotated[
        float | None,
        col(N_("Before"), Unit.RATIO, N_("In the range of as many periods right before."),
            unit_from="unit", is_omitted=True),
    ]
    unit: Annotated[str, Key(N_("Of the value."))]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Trend(Answer):
    """A measure of events by period."""

    as_of: AsOfField
    doing: Annotated[str, Key(N_("What is done."))]
    over: Annotated[str | None, Key(N_("What it is divided by."), is_omitted=True)]
    measure: Annotated[str, Key(N_("What is measured."))]
    of: Annotated[str | None, Key(N_("The property."), name="property", is_omitted=True)]
    percentile: Annotated[int | None, Key(N_("Which percentile."), is_omitted=True)]
    cumulative: Annotated[bool, Key(N_("Whether values run from the start of the range."))]
    per: Annotated[str, Key(N_("The length of a period."))]
    unit: Annotated[str, Key(N_("Of the value."))]
    additive: AdditiveField = None
    why: WhyField = None
    rows: Annotated[tuple[Point, ...], Table(N_("By period"))]
    totals: Annotated[tuple[Sum, ...], Table(N_("The whole range"))]
    event: Annotated[str, Hidden()] = ""
    key: Annotated[str | None, Hidden()] = None
    first: Annotated[str | None, Hidden()] = None
    last: Annotated[str | None, Hidden()] = None
    values: Annotated[int | None, Hidden()] = None
    behind: Annotated[Callable[..., Doers] | None, Hidden()] = None

    def title(self) -> Said:
        values: dict[str, Any] = {
            "doing": self.doing, "measure": Said(MEASURES[self.measure]), "as_of": self.as_of,
            "over": self.over or "",
        }
        if self.over:
            return Said(
                N_("%(doing)s ÷ %(over)s: %(measure)s, as of %(as_of)s"), values
            )
        return Said(N_("%(doing)s: %(measure)s, as of %(as_of)s"), values)

    def said(self) -> tuple[Said, ...]:
        if self.cumulative:
            return (Said(N_("Values run from the start of the range.")),)
        return ()

    def users(self, period: str | None, **segment: str | None) -> Doers:
        """Who did it in a period, or in any of the range; how often, and what it came to."""
        assert self.behind is not None
        return self.behind(period, segment)


@insight("usage trends", comes_from="/usage#trends", needs="events")
def trends(
    company: Reader, *,
    event: Event = "",
    measure: Annotated[str, Param(N_("What is measured."), choices=tuple(MEASURES))] = "count",
    of_property: Annotated[
        str | None,
        Param(N_("The property that is measured."), name="property", metavar="NAME",
              examples="amount"),
    ] = None,
    percentile: Annotated[
        int, Param(N_("Which percentile; 50 is the median."), least=0, most=100)
    ] = 50,
    over: Annotated[
        str | None,
        Param(N_("The event that it is divided by."), metavar="EVENT",
              examples="signed_up or feature:Reports"),
    ] = None,
    cumulative: Annotated[
        bool, Param(N_("Add up from the start of the range."))
    ] = False,
    compare: Annotated[
        bool, Param(N_("Beside it the range of as many periods right before."))
    ] = False,
    per: Annotated[str, Param(N_("The length of a period."), choices=PER)] = "month",
    first: From = None, last: To = None,
    members: Annotated[
        str | None,
        Param(N_("Who did it in a period, without a split: 2024-01; or all."), metavar="PERIOD"),
    ] = None,
    by: By = "", where: Where = "", values: Values = None, as_of: AsOfText = None,
) -> Trend | Doers:
    """How often is something done, by how many, and what do its properties come to?

    A dimension 'property:NAME' is that of each event, and so is a trait of its user.
    """
    use = question_of(
        company, "account" if measure == "accounts" else "user", by, where, as_of
    )
    config = use.config
    asked = TrendQuestion(
        use, doing(event, config), periods_of(company, use, per, first, last), measure,
        doing(over, config) if over else None, (of_property or "").removeprefix(PROPERTY),
        percentile, cumulative,
    )
    check(asked)
    use = with_tops(company, use, asked.doings, *asked.days, values)
    asked = replace(asked, use=use)
    _check_property(company, asked)
    if members:
        return doers(company, asked, None if members == "all" else members, {})
    sql = statement(asked)
    earlier = replace(asked, periods=_before(asked)) if compare else None
    with seeing(company, use, asked.doings if has_events(company) else ()) as engine:
        found = [
            engine.rows(statement(one, is_whole=is_whole)) if one else []
            for one in (asked, earlier) for is_whole in (False, True)
        ]
    is_loaded = bool(found[0]) or has_events(company)
    return replace(
        of_answer(asked, *found, has_before=compare, has_events=is_loaded),
        sql=sql, event=event, first=first, last=last, values=values,
        notes=not_done(company, use, asked.doings),
        behind=lambda period, segment: doers(company, asked, period, segment),
    )


def _check_property(company: Reader, asked: TrendQuestion) -> None:
    if asked.key:
        with company.reading() as engine:
            check_property(asked.key, engine)


def _before(asked: TrendQuestion) -> tuple[Period, ...]:
    """As many periods right before those asked for."""
    fiscal = asked.use.config.company.fiscal_year_start
    found = [asked.periods[0]]
    for _ in asked.periods:
        found.append(found[-1].previous(fiscal))
    return tuple(reversed(found[1:]))


Numbers = dict[tuple[Any, ...], dict[int, tuple[int, float | None, float | None]]]


def of_answer(
    asked: TrendQuestion, answer: Iterable[Sequence[Any]], whole: Iterable[Sequence[Any]],
    earlier: Iterable[Sequence[Any]] = (), earlier_whole: Iterable[Sequence[Any]] = (), *,
    has_before: bool = False, has_events: bool = True,
) -> Trend:
    """What the answers of `statement` say: of the range and its whole, and of those before."""
    now, total, then, then_total = (
        _by_segment(asked, rows) for rows in (answer, whole, earlier, earlier_whole)
    )
    segments = list(dict.fromkeys([*now, *then]))
    if not segments and not asked.use.by and has_events:
        segments = [()]
    unit = _unit(asked).value
    points: list[Point] = []
    sums: list[Sum] = []
    for values in segments:
        segment = asked.use.segment(values)
        ours = _values(asked, now.get(values, {}))
        theirs = _values(asked, then.get(values, {})) if has_before else None
        for place, period in enumerate(asked.periods):
            if period.start > asked.use.as_of.last_day:
                break
            points.append(_point(asked, segment, period, ours[place],
                                 theirs[place] if theirs else None, unit))
        times, value, why = _value(asked, total.get(values, {}).get(0))
        before = _value(asked, then_total.get(values, {}).get(0))[1] if has_before else None
        sums.append(Sum(segment, value, times, before, unit, why))
    return Trend(
        as_of=asked.use.as_of.at.isoformat(), doing=asked.doing.label,
        over=asked.over.label if asked.over else None, measure=asked.measure,
        of=asked.key or None, key=asked.key or None,
        percentile=asked.percent if asked.measure == "percentile" else None,
        cumulative=asked.is_cumulative, per=asked.periods[0].grain, unit=unit,
        additive=None if _is_additive(asked) else False, why=None if has_events else NO_EVENTS,
        rows=tuple(points), totals=tuple(sums),
    )


def _is_additive(asked: TrendQuestion) -> bool:
    if asked.measure in ("count", "sum") and not asked.over:
        return asked.use.is_additive
    return asked.measure in ("users", "accounts") and asked.use.is_additive_by_act


def _unit(asked: TrendQuestion) -> Unit:
    return Unit.COUNT if asked.measure in COUNTED[:3] and not asked.over else Unit.RATIO


def _by_segment(asked: TrendQuestion, answer: Iterable[Sequence[Any]]) -> Numbers:
    found: Numbers = {}
    for place, *rest in answer:
        *values, times, numerator, denominator = rest
        found.setdefault(tuple(values), {})[place] = (times, numerator, denominator)
    return found


def _values(
    asked: TrendQuestion, own: Mapping[int, tuple[int, float | None, float | None]]
) -> list[tuple[int, float | None, str | None]]:
    """(times, value, why it is empty) of each period."""
    found = []
    sums: tuple[int, float, float] = (0, 0.0, 0.0)
    for place in range(len(asked.periods)):
        one = own.get(place)
        if asked.is_cumulative:
            times, numerator, denominator = one or (0, None, None)
            sums = (sums[0] + times, sums[1] + (numerator or 0), sums[2] + (denominator or 0))
            found.append((times, *_value(asked, sums)[1:]))
        else:
            found.append(_value(asked, one))
    return found


def _value(
    asked: TrendQuestion, one: tuple[int, float | None, float | None] | None
) -> tuple[int, float | None, str | None]:
    times, numerator, denominator = one or (0, None, None)
    if asked.over or asked.measure == "mean":
        if not denominator:
            return times, None, NO_NUMBER if times and not asked.over else NOT_DONE
        return times, (numerator or 0) / denominator, None
    if asked.measure in COUNTED:
        value = numerator or 0
        return times, int(value) if _unit(asked) is Unit.COUNT else value, None
    if numerator is None:
        return times, None, NO_NUMBER if times else NOT_DONE
    return times, numerator, None


def _point(
    asked: TrendQuestion, segment: dict[str, str | None], period: Period,
    ours: tuple[int, float | None, str | None],
    theirs: tuple[int, float | None, str | None] | None, unit: str,
) -> Point:
    times, value, why = ours
    is_open = asked.use.as_of.is_open(period)
    if is_open and asked.over:
        # The two need not come at the same pace: a ratio to date is none.
        value, why = None, STILL_OPEN
    before = theirs[1] if theirs else None
    is_known = value is not None and before is not None and not is_open
    return Point(
        period.start, segment, value, times, before,
        value - before if is_known and value is not None and before is not None else None,
        is_open, unit, why,
    )
