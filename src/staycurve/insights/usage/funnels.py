"""Funnels: how many get from step to step, in time, and where the others stop.

What somebody does has one order: by time, and at one instant by the event's id, the smaller first.
Every occurrence of the first step in the range opens a chain. Each next step is its earliest one
after the step before, within the window from the chain's first step, its end included; a step that
repeats an event is another event. Each user or account counts once, by the chain that gets furthest
(`entry="deepest"`): of chains that get as far, the one that got there first, from its latest start.
With `entry="first"` only the first start in the range counts.

With `order="strict"` nothing else that counts may come between two steps. With
`order="unordered"` any step opens a chain, and the others may follow in any order; step 2 is then
whatever was done second.

Who does something excluded between the instants of two steps of that chain (or until the window
ends, where the later one is not reached) is left out of every step and counted as excluded; a chain
that nothing excluded interrupts is preferred to any that is interrupted.

References
----------
ClickHouse, windowFunnel:
https://clickhouse.com/docs/sql-reference/aggregate-functions/parametric-functions#windowfunnel
PostHog, funnels: https://posthog.com/docs/product-analytics/funnels
docs/explanation/flows.md says where they count otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    Answer,
    AsOfField,
    Hidden,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
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
from staycurve.insights.shared.saying import of_segment
from staycurve.insights.usage import funnels_sql as sqls
from staycurve.insights.usage.funnel_members import (
    DROPPED,
    PENDING,
    TOOK,
    OfStep,
    of_step,
    part_of,
)
from staycurve.insights.usage.funnel_times import (
    PER,
    Begun,
    Bin,
    begun_over_time,
    bins_of,
    periods_within,
)
from staycurve.insights.usage.funnels_asked import ENTRIES, ORDERS, FunnelQuestion, check, exclusion
from staycurve.insights.usage.members import number
from staycurve.insights.usage.usage_asking import (
    Whose,
    days_of,
    has_events,
    not_done,
    question_of,
    seeing,
)
from staycurve.insights.usage.usage_question import NO_EVENTS, SMALL, WHOSE, doing, seconds_of
from staycurve.insights.usage.usage_segments import shares
from staycurve.insights.usage.usage_tops import Values, with_tops
from staycurve.metrics.base import Unit

NOBODY = N_("nobody took the first step in the range")
STILL_IN_TIME = N_(
    "Some who have not gone on are still within the window: shares can rise. They are counted as "
    "pending."
)

_ASKED = {name: name for name in ("steps", "window", "order", "entry", "whose", "values")} | {
    "exclude": "exclusions", "first": "first", "last": "last",
}


def opens(part: str) -> Opens:
    """Who took a step (members), did not (dropped), or may still go on (pending)."""
    return Opens("usage funnel", {**_ASKED, part: f"who_{part}"})


@dataclass(frozen=True)
class StepShare(Row):
    """A share with its 95% interval."""

    value: Annotated[
        float | None, col(N_("Of the one before"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Step(Row):
    """One step of a funnel."""

    segment: Segment
    step: Annotated[int, col(N_("Step"), Unit.COUNT, N_("From 1."))]
    doing: Annotated[str, col(N_("What is done"))]
    count: Annotated[int, col(N_("Took it"), Unit.COUNT, opens=opens("members"))]
    dropped: Annotated[
        int | None,
        col(N_("Did not"), Unit.COUNT, N_("Of those who took the step before."),
            opens=opens("dropped")),
    ]
    pending: Annotated[
        int,
        col(N_("Still in time"), Unit.COUNT,
            N_("Of those who took it and have not gone on: the window has not passed yet."),
            opens=opens("pending")),
    ]
    value: Annotated[
        float | None,
        col(N_("Of the first"), Unit.PERCENT, ends=("low", "high"), opens=opens("members")),
    ]
    low: LowField
    high: HighField
    from_previous: Annotated[StepShare | None, col(N_("Of the one before"))]
    mean_seconds: Annotated[float | None, Key(N_("From the step before."))]
    median_seconds: Annotated[
        float | None,
        col(N_("Median time"), Kind.LENGTH, N_("From the step before."), opens=opens("members")),
    ]
    is_small: Annotated[bool, Key(N_("Whether too few started to read much into it."))]
    why: WhyField = None

    @property
    def who_members(self) -> str:
        """Those who took it, as `members` names them."""
        return str(self.step)

    @property
    def who_dropped(self) -> int | None:
        """The step that they did not take."""
        return self.step if self.step > 1 else None

    @property
    def who_pending(self) -> int:
        """The step that they took last."""
        return self.step


@dataclass(frozen=True)
class Whole(Row):
    """A funnel from its first step to its last."""

    segment: Segment
    started: Annotated[int, col(N_("Started"), Unit.COUNT)]
    converted: Annotated[int, col(N_("Went through"), Unit.COUNT)]
    excluded: Annotated[
        int, col(N_("Left out"), Unit.COUNT, N_("They did what is excluded."))
    ]
    pending: Annotated[
        int, col(N_("Still in time"), Unit.COUNT, N_("They may still go on to the next step."))
    ]
    value: Annotated[
        float | None, col(N_("Went through, of all"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    mean_seconds: Annotated[float | None, Key(N_("From the first step to the last."))]
    median_seconds: Annotated[
        float | None, col(N_("Median time"), Kind.LENGTH, N_("From the first step to the last."))
    ]
    is_small: Annotated[bool, Key(N_("Whether too few started to read much into it."))]


@dataclass(frozen=True, kw_only=True)
class Funnel(Answer):
    """How many took each step, and how long they needed."""

    as_of: AsOfField
    whose: WhoseField
    first: Annotated[str, Key(N_("The first day on which the first step lies."), name="from")]
    last: Annotated[str, Key(N_("The last day, included."), name="to")]
    window_seconds: Annotated[int, Key(N_("From the first step to the last."))]
    order: Annotated[str, Key(N_("any, strict or unordered."))]
    entry: Annotated[str, Key(N_("deepest or first."))]
    per: Annotated[str | None, Key(N_("day, week or month."), is_omitted=True)] = None
    steps: Annotated[tuple[str, ...], Key(N_("What is done, in order."))]
    exclusions: Annotated[tuple[str, ...], Key(N_("What is excluded, between which steps."))]
    unit: Annotated[str, Key(N_("Of `value`."))] = "percent"
    additive: AdditiveField = None
    why: WhyField = None
    # Always there, unlike those of most answers.
    notes: Annotated[tuple[str, ...], Key(N_("Caveats."))] = ()
    rows: Annotated[tuple[Step, ...], Table(N_("Funnel"))]
    totals: Annotated[tuple[Whole, ...], Table(N_("From the first step to the last"))]
    over_time: Annotated[
        tuple[Begun, ...], Table(N_("By the period of the start"), is_omitted=True)
    ] = ()
    time_to_convert: Annotated[
        tuple[Bin, ...], Table(N_("Time to convert"), is_omitted=True)
    ] = ()
    window: Annotated[str, Hidden()] = ""
    values: Annotated[int | None, Hidden()] = None
    behind: Annotated[Callable[..., OfStep] | None, Hidden()] = None

    def title(self) -> Said:
        return Said(
            N_("Funnel within %(window)s, %(whose)s who began %(first)s to %(last)s, "
               "as of %(as_of)s"),
            {"window": self.window, "whose": Said(WHOSE[self.whose]), "first": self.first,
             "last": self.last, "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        found = []
        for total in self.totals:
            values: dict[str, str | Value | Said] = {
                "excluded": (total.excluded, Unit.COUNT), "pending": (total.pending, Unit.COUNT),
                "segment": of_segment(total.segment),
            }
            if total.excluded:
                found.append(Said(
                    N_("%(excluded)s are left out%(segment)s: they did what is excluded."), values
                ))
            if total.pending:
                found.append(Said(N_("%(pending)s are still in time%(segment)s."), values))
        return tuple(found)

    def users(self, step: int, *, dropped: bool = False, **segment: str | None) -> OfStep:
        """Who took a step; with `dropped`, who took the one before and not this one.

        Parameters
        ----------
        step : int
            From 1; from 2 with `dropped`.
        **segment
            Dimension → value, where the answer is split.
        """
        assert self.behind is not None
        return self.behind(step, DROPPED if dropped else TOOK, segment)

    def pending(self, step: int, **segment: str | None) -> OfStep:
        """Who took a step and has not gone on, but is still within the window.

        Parameters
        ----------
        step : int
            From 1 to the last but one.
        """
        assert self.behind is not None
        return self.behind(step, PENDING, segment)


@insight("usage funnel", comes_from="/usage#funnel", needs="events")
def funnel(
    company: Reader, *,
    steps: Annotated[
        Sequence[str],
        Param(N_("What is done, in order."), metavar="EVENT…", is_argument=True,
              formerly=("step",)),
    ],
    window: Annotated[
        str, Param(N_("From the first step to the last."), examples="30m, 24h or 14d")
    ] = "14d",
    order: Annotated[
        str, Param(N_("Whether other things may come between."), choices=tuple(ORDERS))
    ] = "any",
    entry: Annotated[
        str, Param(N_("The chain that gets furthest, or that of the first start."),
                   choices=tuple(ENTRIES)),
    ] = "deepest",
    exclude: Annotated[
        Sequence[str],
        Param(N_("Not to be done between all steps, or two of them."), metavar="EVENT[@I-J]",
              has_commas=True),
    ] = (),
    first: From = None, last: To = None,
    per: Annotated[
        str | None, Param(N_("Also by the period of the start."), choices=PER)
    ] = None,
    bins: Annotated[
        int | None,
        Param(N_("Also how long they took, in so many bins; 0 is as many as their number "
                 "calls for."), least=0, most=100),
    ] = None,
    between: Annotated[
        str | None,
        Param(N_("Between which steps the time is taken, of bins; first and last without it."),
              metavar="I-J", examples="1-2"),
    ] = None,
    members: Annotated[
        str | None,
        Param(N_("Who took a step, without a split: 2; 2:dropped did not, 1:pending may still."),
              metavar="STEP"),
    ] = None,
    dropped: Annotated[
        int | None,
        Param(N_("Who took the step before and not this one."), metavar="STEP"),
    ] = None,
    pending: Annotated[
        int | None, Param(N_("Who took it last, and is still in time."), metavar="STEP")
    ] = None,
    whose: Whose = "user", by: By = "", where: Where = "", values: Values = None,
    as_of: AsOfText = None,
) -> Funnel | OfStep:
    """How many get from step to step, how long does it take, and who drops off?

    A step is an event, with properties where they matter, or a feature. Without a range the first
    one lies in the last 90 days that are seen. A dimension 'property:NAME' is that of the first
    step's event, and so is a trait of users where accounts are counted.
    """
    part = part_of(members, dropped, pending)
    use = question_of(company, whose, by, where, as_of)
    begin, end = days_of(company, use, first, last)
    asked = FunnelQuestion(
        use, tuple(doing(step, use.config) for step in steps), seconds_of(window), begin, end,
        order, entry,
        tuple(exclusion(one, len(steps), use.config) for one in exclude),
    )
    check(asked)
    use = with_tops(company, use, asked.steps[:1], begin, end, values)
    asked = replace(asked, use=use)
    if part is not None:
        return of_step(company, asked, *part, {})
    sql = sqls.statement(asked)
    named = (*asked.steps, *(one.doing for one in asked.exclusions))
    spans = periods_within(company, per, begin, end) if per else ()
    steps_between = _between(between, len(steps))
    with seeing(company, use) as engine:
        answer = engine.rows(sql)
        begun = begun_over_time(engine, asked, spans)
        binned = () if bins is None else bins_of(engine, asked, *steps_between, bins)
    notes = not_done(company, use, named)
    return replace(
        of_answer(asked, answer, sql=sql, has_events=has_events(company), notes=notes),
        window=window, values=values, per=per, over_time=tuple(begun),
        time_to_convert=tuple(binned),
        behind=lambda step, part, segment: of_step(company, asked, step, part, segment),
    )


def _between(text: str | None, steps: int) -> tuple[int, int]:
    """The two steps that '1-2' names; the first and the last without it."""
    if not text:
        return 1, steps
    low, _, high = text.partition("-")
    hint = f"1-{steps}"
    after, until = number(low, hint), number(high, hint)
    if not 1 <= after < until <= steps:
        raise UsageError(
            f"'{text}' does not lie between two of {steps} steps.", hint=f"Write: {hint}",
            parameter="between",
        )
    return after, until


def of_answer(
    asked: FunnelQuestion, answer: Iterable[Sequence[Any]], *, sql: str = "",
    has_events: bool = True, notes: Sequence[str] = (),
) -> Funnel:
    """What the answer of `statement` says, step by step.

    Nobody who took a step is a known answer, 0, unless no event is loaded at all.
    """
    places, count = len(asked.use.by), len(asked.steps)
    rows: list[Step] = []
    totals: list[Whole] = []
    for line in answer:
        excluded, *numbers = line[places:]
        if numbers[0] or excluded or (has_events and not places):
            segment = asked.use.segment(line[:places])
            rows += _steps(asked, segment, numbers)
            totals.append(_whole(segment, numbers, excluded, count))
    is_somebody = any(total.started or total.excluded for total in totals)
    why = None if is_somebody else NOBODY
    return Funnel(
        as_of=asked.use.as_of.at.isoformat(), whose=asked.use.whose, first=str(asked.first),
        last=str(asked.last), window_seconds=asked.window, order=asked.order, entry=asked.entry,
        steps=tuple(step.label for step in asked.steps),
        exclusions=tuple(f"{one.doing.label}@{one.after}-{one.until}" for one in asked.exclusions),
        rows=tuple(rows), totals=tuple(totals),
        additive=None if asked.use.is_additive else False,
        notes=(*notes, *((STILL_IN_TIME,) if any(total.pending for total in totals) else ())),
        sql=sql,
        why=why if has_events else NO_EVENTS,
    )


def _steps(
    asked: FunnelQuestion, segment: Mapping[str, str | None], numbers: Sequence[Any]
) -> Iterable[Step]:
    """A segment's steps, from the counts, those still in time, and the times of the answer."""
    count = len(asked.steps)
    counts, pending, times = numbers[:count], numbers[count:2 * count - 1], numbers[2 * count - 1:]
    whole = shares(counts, [counts[0]] * count)
    since = shares(counts, [counts[0], *counts[:-1]])
    for i in range(count):
        yield Step(
            segment, i + 1, asked.labels[i], counts[i],
            counts[i - 1] - counts[i] if i else None, pending[i] if i < count - 1 else 0,
            *whole[i], StepShare(*since[i]) if i else None,
            times[2 * i - 2] if i else None, times[2 * i - 1] if i else None,
            counts[0] < SMALL, NOBODY if whole[i][0] is None else None,
        )


def _whole(
    segment: Mapping[str, str | None], numbers: Sequence[Any], excluded: int, count: int
) -> Whole:
    started, converted = numbers[0], numbers[count - 1]
    (of_all,) = shares([converted], [started])
    return Whole(
        segment, started, converted, excluded, sum(numbers[count:2 * count - 1]), *of_all,
        numbers[-2], numbers[-1], started < SMALL,
    )
