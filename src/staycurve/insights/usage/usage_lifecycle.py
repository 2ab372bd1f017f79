"""Lifecycle of use: new, returning, resurrecting and dormant users or accounts of each period.

| kind | active in the period | in the one before | earlier |
|---|---|---|---|
| new | for the first time ever | no | no |
| returning | yes | yes | |
| resurrecting | yes | no | yes |
| dormant | no | yes | |

new + returning + resurrecting are all who are active in the period; returning + dormant are all who
were in the one before. So active = active before + new + resurrecting − dormant, exactly.

References
----------
PostHog counts the same four, dormant below zero: https://posthog.com/docs/product-analytics/lifecycle
There a user is new in the period in which the person was created; here, first active.
"""

from __future__ import annotations

import datetime as dt
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
    Kind,
    Opens,
    PeriodField,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhoseField,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, By, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage import members as people, usage_segments as segments
from staycurve.insights.usage.members import Members, Person
from staycurve.insights.usage.usage_asking import (
    SHOWN,
    Event,
    Whose,
    fiscal_of,
    has_events,
    narrowed,
    never_so,
    periods_of,
    place_of,
    question_of,
    seeing,
)
from staycurve.insights.usage.usage_lifecycle_sql import (
    ACTIVE,
    KINDS,
    PARTS,
    LifecycleQuestion,
    check,
    check_kind,
    members_statement,
    statement,
)
from staycurve.insights.usage.usage_question import NO_EVENTS, WHOSE, doing
from staycurve.insights.usage.usage_tops import Values, with_tops
from staycurve.metrics.base import Unit
from staycurve.metrics.query import STILL_OPEN
from staycurve.period import Period

OPEN = N_("The last period is still open: who has gone dormant is not known yet.")
NO_DORMANT = N_("division by zero: nobody went dormant")


def opens(kind: str) -> Opens:
    """Who is behind the count of a kind."""
    asked = {name: name for name in ("per", "event", "first", "last", "whose", "values")}
    return Opens("usage lifecycle", {**asked, "members": f"who_{kind}"})


@dataclass(frozen=True)
class Kinds(Row):
    """The users or accounts of one period, by kind."""

    period: PeriodField
    segment: Segment
    new: Annotated[int, col(N_("New"), Unit.COUNT, KINDS["new"], opens=opens("new"))]
    returning: Annotated[
        int, col(N_("Returning"), Unit.COUNT, KINDS["returning"], opens=opens("returning"))
    ]
    resurrecting: Annotated[
        int,
        col(N_("Resurrecting"), Unit.COUNT, KINDS["resurrecting"], opens=opens("resurrecting")),
    ]
    dormant: Annotated[
        int | None,
        col(N_("Dormant"), Unit.COUNT, KINDS["dormant"], opens=opens("dormant")),
    ]
    active: Annotated[
        int,
        col(N_("Active"), Unit.COUNT, N_("New, returning and resurrecting."),
            opens=opens("active")),
    ]
    active_before: Annotated[
        int, col(N_("Active before"), Unit.COUNT, N_("In the period before."))
    ]
    change: Annotated[int | None, Key(N_("New and resurrecting, less dormant."))]
    quick_ratio: Annotated[
        float | None,
        col(N_("Quick ratio"), Unit.RATIO, N_("New and resurrecting, divided by dormant.")),
    ]
    open: Annotated[bool, Key(N_("Whether the period is not over."))]
    why: WhyField = None

    # As `members` names who is behind each.
    @property
    def who_new(self) -> str:
        """Those who are new."""
        return f"{self.period}:new"

    @property
    def who_returning(self) -> str:
        """Those who return."""
        return f"{self.period}:returning"

    @property
    def who_resurrecting(self) -> str:
        """Those who are back after a pause."""
        return f"{self.period}:resurrecting"

    @property
    def who_dormant(self) -> str:
        """Those who went dormant."""
        return f"{self.period}:dormant"

    @property
    def who_active(self) -> str:
        """All who are active."""
        return f"{self.period}:{ACTIVE}"


@dataclass(frozen=True, kw_only=True)
class OfKind(Members):
    """Who is new, returning, resurrecting, dormant or active in a period."""

    period: Annotated[str, Key(N_("Its first day."))]
    kind: Annotated[str, Key(N_("A kind, or active."))]

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "kind": Said(PARTS[self.kind]), "period": (self.period, Kind.DAY),
            "whose": Said(WHOSE[self.whose]), "as_of": self.as_of,
        }
        return Said(
            N_("%(kind)s: the %(whose)s of the period from %(period)s, as of %(as_of)s"), values
        )


@dataclass(frozen=True, kw_only=True)
class UseLifecycle(Answer):
    """New, returning, resurrecting and dormant, by period; dormant is not part of active."""

    as_of: AsOfField
    whose: WhoseField
    per: Annotated[str, Key(N_("The length of a period."))]
    doing: Annotated[str, Key(N_("What is activity."))]
    unit: Annotated[str, Key(N_("Of the numbers."))] = "count"
    kinds: Annotated[Mapping[str, str], Key(N_("Kind → what it means."))]
    additive: AdditiveField = None
    why: WhyField = None
    rows: Annotated[tuple[Kinds, ...], Table(N_("Usage lifecycle"))]
    event: Annotated[str, Hidden()] = ""
    first: Annotated[str | None, Hidden()] = None
    last: Annotated[str | None, Hidden()] = None
    values: Annotated[int | None, Hidden()] = None
    behind: Annotated[Callable[..., OfKind] | None, Hidden()] = None

    def title(self) -> Said:
        return Said(
            N_("Usage lifecycle: %(doing)s, %(whose)s, as of %(as_of)s"),
            {"doing": self.doing, "whose": Said(WHOSE[self.whose]), "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        if not any(row.open for row in self.rows):
            return ()
        return (Said(OPEN),)

    def users(self, period: str, kind: str, **segment: str | None) -> OfKind:
        """Who is behind a count.

        Parameters
        ----------
        period : str
            Its first day.
        kind : str
            A key of PARTS.
        **segment
            Dimension → value, where the answer is split.
        """
        assert self.behind is not None
        return self.behind(period, kind, segment)


@insight("usage lifecycle", comes_from="/usage#lifecycle", needs="events")
def lifecycle(
    company: Reader, *,
    per: Annotated[str, Param(N_("The length of a period."), choices=tuple(SHOWN))] = "month",
    event: Event = "",
    first: From = None, last: To = None,
    members: Annotated[
        str | None,
        Param(N_("Who is behind a count, without a split: 2024-01:dormant; or new, returning, "
                 "resurrecting, active."), metavar="PERIOD:KIND"),
    ] = None,
    whose: Whose = "user", by: By = "", where: Where = "", values: Values = None,
    as_of: AsOfText = None,
) -> UseLifecycle | OfKind:
    """Who is new, returning, resurrecting and dormant in each period?

    By 'property:NAME', the events of each value are looked at by themselves.
    """
    use = question_of(company, whose, by, where, as_of)
    asked = LifecycleQuestion(
        use, doing(event, use.config), periods_of(company, use, per, first, last),
        fiscal_of(company),
    )
    check(asked)
    asked = replace(asked, use=with_tops(
        company, use, (asked.doing,), asked.before.start,
        asked.periods[-1].end - dt.timedelta(days=1), values,
    ))
    if members:
        period, _, kind = members.partition(":")
        return of_kind(company, asked, period, kind, {})
    sql = statement(asked)
    with seeing(company, asked.use, (asked.doing,)) as engine:
        answer = engine.rows(sql)
        is_loaded = bool(answer) or has_events(company)
    return replace(
        of_answer(asked, answer, sql=sql, has_events=is_loaded),
        event=event, first=first, last=last, values=values,
        notes=never_so(company, asked.use, (asked.doing,)),
        behind=lambda period, kind, segment: of_kind(company, asked, period, kind, segment),
    )


def of_kind(
    company: Reader, asked: LifecycleQuestion, period: str, kind: str,
    segment: Mapping[str, str | None],
) -> OfKind:
    """Who is behind a count; see `UseLifecycle.users`."""
    check_kind(kind)
    place = place_of(asked.periods, period)
    use = narrowed(asked.use, segment)
    sql = members_statement(replace(asked, use=use), place, kind)
    with seeing(company, use) as engine:
        answer = engine.rows(sql)
    rows = [Person(*people.ids(use, entity, customer)) for entity, customer in answer]
    return OfKind(
        **people.told(use, rows), period=str(asked.periods[place].start), kind=kind, sql=sql
    )


def of_answer(
    asked: LifecycleQuestion, answer: Iterable[Sequence[Any]], *, sql: str = "",
    has_events: bool = True,
) -> UseLifecycle:
    """What the answer of `statement` says, period by period."""
    found = segments.by_segment(asked.use, answer, has_events=has_events)
    rows = [
        _row(asked, values, period, own.get(period.start, (0, 0, 0, 0)))
        for values, own in found.items()
        for period in asked.periods
        if period.start <= asked.use.as_of.last_day
    ]
    return UseLifecycle(
        as_of=asked.use.as_of.at.isoformat(), whose=asked.use.whose, per=asked.periods[0].grain,
        doing=asked.doing.label, kinds=KINDS, rows=tuple(rows),
        additive=None if asked.use.is_additive_by_act else False, sql=sql,
        why=None if has_events else NO_EVENTS,
    )


def _row(
    asked: LifecycleQuestion, values: tuple[Any, ...], period: Period, numbers: Sequence[int]
) -> Kinds:
    new, returning, resurrecting, dormant = numbers
    is_open = asked.use.as_of.is_open(period)
    is_known = not is_open and bool(dormant)
    return Kinds(
        period.start, asked.use.segment(values), new, returning, resurrecting,
        None if is_open else dormant, new + returning + resurrecting, returning + dormant,
        None if is_open else new + resurrecting - dormant,
        (new + resurrecting) / dormant if is_known else None, is_open,
        STILL_OPEN if is_open else None if dormant else NO_DORMANT,
    )
