"""Retention of use: of those who started in a period, who was back k periods later.

A cohort is everybody whose start lies in one local day, week or month: the first ever (`first`),
or any of them (`every`), so that somebody may be in several cohorts. Period 0 is the cohort's own:
its count is the cohort's size. Back in period k is whoever did the returning thing *on* it, or on
it or any later one (`after`). With `back_times`, back is who did it that often in a period; with
`start_times`, the first start is the last of that many times, and every start a period with that
many. Calendar windows are the local periods themselves; rolling ones are
24 hours, 7 days or 30 days long and begin with everybody's own start, the first of the period.

References
----------
The same switches, by other names, in PostHog: https://posthog.com/docs/product-analytics/retention
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from staycurve.errors import NotAnsweredError
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
from staycurve.insights.usage import (
    members as people,
    usage_retention_sql as sqls,
    usage_segments as segments,
)
from staycurve.insights.usage.members import ALL, Members, Person, number
from staycurve.insights.usage.usage_asking import (
    SHOWN,
    Whose,
    has_events,
    narrowed,
    never_so,
    periods_of,
    place_of,
    question_of,
    seeing,
)
from staycurve.insights.usage.usage_question import NO_EVENTS, SMALL, WHOSE, UseQuestion, doing
from staycurve.insights.usage.usage_retention_asked import (
    PER,
    RETURNS,
    STARTS,
    WINDOWS,
    RetentionQuestion,
    check,
)
from staycurve.insights.usage.usage_segments import shares
from staycurve.insights.usage.usage_tops import Values, with_tops
from staycurve.metrics.base import Unit
from staycurve.metrics.benchmark import Benchmark
from staycurve.metrics.query import STILL_OPEN

NOBODY = N_("nobody started in this period")
REPEATED = N_(
    "Somebody may start in several periods; the intervals of all cohorts together take them for "
    "different people, and are too narrow."
)
ELITE_SAID = N_(
    "Eight weeks on, %(share)s were back (%(low)s to %(high)s). Benchmark: above %(elite)s "
    "(%(source)s, %(year)s, second-hand)."
)
LATER = N_("Who is not back yet may still come: shares of young cohorts can rise.")

ELITE = Benchmark(
    source=N_("Mixpanel, Product Benchmarks: elite among SaaS products"),
    at_least=0.35, level="leading", year=2017, is_second_hand=True, grain="week",
)
ELITE_AFTER = 8
"""Weeks after which it was stated; no other week is compared with it."""

_TWICE: dict[tuple[Path, int | None], bool] = {}
"""(project, version of user_months) → whether some user has rows in several accounts."""

AS_ASKED = {
    "start": "start_at", "back": "back_at",
    **{name: name for name in ("per", "starts", "returns", "windows", "first", "last", "ages",
                               "whose", "values", "start_times", "back_times")},
}
"""Parameter → the field of an answer that says what was asked for."""

BEHIND = Opens("usage retention", {**AS_ASKED, "members": "cell"})
BACK = Opens("usage retention", {**AS_ASKED, "members": "cell"}, {"is_back": True})


@dataclass(frozen=True)
class Cell(Row):
    """A cohort in one period after its start."""

    cohort: Annotated[dt.date, col(N_("Began"), Kind.DAY, N_("The first day of its period."))]
    segment: Segment
    age: Annotated[int, col(N_("Period"), Unit.COUNT, N_("After the start; 0 is the cohort's."))]
    size: Annotated[int, col(N_("Size"), Unit.COUNT)]
    returned: Annotated[int, Key(N_("Who of them was back."))]
    value: Annotated[
        float | None,
        col(N_("Came back"), Unit.PERCENT, N_("Returned, of the size."), opens=BACK,
            ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    open: Annotated[bool, Key(N_("Whether what is not seen yet can change it."))]
    is_small: Annotated[bool, Key(N_("Whether the cohort is too small to read much into."))]
    why: WhyField = None

    @property
    def cell(self) -> str:
        """As `members` names it."""
        return f"{self.cohort}:{self.age}"


@dataclass(frozen=True)
class Age(Row):
    """All cohorts together whose cell of this age has closed."""

    segment: Segment
    age: Annotated[int, col(N_("Period"), Unit.COUNT)]
    cohorts: Annotated[int, col(N_("Cohorts"), Unit.COUNT)]
    size: Annotated[int, col(N_("Size"), Unit.COUNT, opens=BEHIND)]
    returned: Annotated[int, col(N_("Back"), Unit.COUNT, opens=BACK)]
    value: Annotated[
        float | None,
        col(N_("Came back"), Unit.PERCENT, opens=BACK, ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    is_small: Annotated[bool, Key(N_("Whether they are too few to read much into."))]

    @property
    def cell(self) -> str:
        """As `members` names it."""
        return f"{ALL}:{self.age}"


@dataclass(frozen=True)
class Returner(Person):
    """Somebody of a cohort."""

    cohort: Annotated[
        dt.date | None,
        col(N_("Began"), Kind.DAY, N_("Where all cohorts are asked for."), is_omitted=True),
    ]
    is_counted: Annotated[bool, col(N_("Back"), Kind.FLAG)]


@dataclass(frozen=True, kw_only=True)
class Returners(Members):
    """Who is behind a cell: the cohort, and who of it was back."""

    cohort: Annotated[str | None, Key(N_("Its first day; empty for all that have closed."))]
    age: Annotated[int, Key(N_("The period after the start."))]
    is_open: Annotated[bool, Key(N_("Whether what is not seen yet can change it."))]
    rows: Annotated[tuple[Returner, ...], Table(N_("Who is behind it"), is_list=True)]

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "age": (self.age, Unit.COUNT), "whose": Said(WHOSE[self.whose]), "as_of": self.as_of,
        }
        if self.cohort is None:
            return Said(
                N_("All %(whose)s who began, in period %(age)s, as of %(as_of)s"), values
            )
        values["start"] = (self.cohort, Kind.DAY)
        return Said(
            N_("The %(whose)s who began on %(start)s, in period %(age)s, as of %(as_of)s"), values
        )


@dataclass(frozen=True, kw_only=True)
class UseRetention(Answer):
    """Who was back, by cohort and period since."""

    as_of: AsOfField
    whose: WhoseField
    per: Annotated[str, Key(N_("day, week or month."))]
    start: Annotated[str, Key(N_("What begins."))]
    back: Annotated[str, Key(N_("What counts as being back."))]
    starts: Annotated[str, Key(N_("first or every."))]
    returns: Annotated[str, Key(N_("on or after."))]
    windows: Annotated[str, Key(N_("calendar or rolling."))]
    start_times: Annotated[
        int | None, Key(N_("How often it is done to be a start."), is_omitted=True)
    ] = None
    back_times: Annotated[
        int | None, Key(N_("How often it is done in a period to be back."), is_omitted=True)
    ] = None
    unit: Annotated[str, Key(N_("Of `value`."))] = "percent"
    additive: AdditiveField = None
    why: WhyField = None
    # Always there, unlike those of most answers.
    notes: Annotated[tuple[str, ...], Key(N_("Caveats."))] = ()
    rows: Annotated[tuple[Cell, ...], Table(N_("Who came back"), across=("age", "value"))]
    totals: Annotated[tuple[Age, ...], Table(N_("All cohorts together"))]
    start_at: Annotated[str, Hidden()] = ""
    back_at: Annotated[str | None, Hidden()] = None
    first: Annotated[str | None, Hidden()] = None
    last: Annotated[str | None, Hidden()] = None
    ages: Annotated[int | None, Hidden()] = None
    values: Annotated[int | None, Hidden()] = None
    behind: Annotated[Callable[..., Returners] | None, Hidden()] = None

    def title(self) -> Said:
        return Said(
            N_("Retention: %(start)s, back with %(back)s, %(whose)s, as of %(as_of)s"),
            {"start": self.start, "back": self.back, "whose": Said(WHOSE[self.whose]),
             "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        """How the eighth week stands to a benchmark that was stated for it."""
        if (self.per, self.whose, self.starts) != ("week", "user", "first"):
            return ()
        return tuple(
            Said(ELITE_SAID, {
                "share": (row.value, Unit.PERCENT), "low": (row.low, Unit.PERCENT),
                "high": (row.high, Unit.PERCENT), "elite": (ELITE.at_least, Unit.PERCENT),
                "source": Said(ELITE.source), "year": str(ELITE.year),
            })
            for row in self.totals
            if row.age == ELITE_AFTER and row.value is not None and not row.segment
        )

    def users(self, cohort: str | None, age: int, **segment: str | None) -> Returners:
        """Who is behind a cell: the cohort, and who of it was back.

        Parameters
        ----------
        cohort : str, optional
            The first day of its period; None for all whose cell has closed, as in `totals`.
        **segment
            Dimension → value, where the answer is split.
        """
        assert self.behind is not None
        return self.behind(cohort, age, segment)


Act = Param(
    N_("What begins; any activity without it."), metavar="EVENT",
    examples="report_viewed, feature:Reports or plan_chosen[plan=Pro|Team]",
)


@insight("usage retention", comes_from="/usage#retention", needs="events")
def retention(
    company: Reader, *,
    per: Annotated[str, Param(N_("The length of a period."), choices=tuple(PER))] = "month",
    start: Annotated[str, Act] = "",
    back: Annotated[
        str | None,
        Param(N_("What counts as back, as what begins; empty is any activity."), metavar="EVENT",
              can_be_empty=True),
    ] = None,
    start_times: Annotated[
        int, Param(N_("How often it is done to be a start."), least=1, most=1000)
    ] = 1,
    back_times: Annotated[
        int, Param(N_("How often it is done in a period to be back."), least=1, most=1000)
    ] = 1,
    starts: Annotated[
        str, Param(N_("The first ever, or every start."), choices=tuple(STARTS))
    ] = "first",
    returns: Annotated[
        str, Param(N_("Back on a period, or on it or after."), choices=tuple(RETURNS))
    ] = "on",
    windows: Annotated[
        str, Param(N_("Of the calendar, or rolling from each start."), choices=tuple(WINDOWS))
    ] = "calendar",
    first: From = None, last: To = None,
    ages: Annotated[int | None, Param(N_("Number of periods."), least=0, most=60)] = None,
    members: Annotated[
        str | None,
        Param(N_("Who is behind a cell, without a split: 2024-01:3, or all:3."),
              metavar="COHORT:AGE"),
    ] = None,
    is_back: Annotated[bool, Param(N_("Of members, only those who came back."))] = False,
    whose: Whose = "user", by: By = "", where: Where = "", values: Values = None,
    as_of: AsOfText = None,
) -> UseRetention | Returners:
    """Who is back k days, weeks or months after starting?

    What begins and what is back is an event, with properties where they matter, or a feature.
    By 'property:NAME', the events of each value are looked at by themselves.
    """
    use = question_of(company, whose, by, where, as_of)
    cohorts = periods_of(company, use, per, first, last) if per in SHOWN else ()
    begun = doing(start, use.config)
    asked = RetentionQuestion(
        use, begun, begun if back is None else doing(back, use.config), per, cohorts,
        max(len(cohorts) - 1, 0) if ages is None else ages, starts, returns, windows,
        start_times, back_times,
    )
    check(asked)
    asked = replace(asked, use=with_tops(
        company, use, (asked.start,), cohorts[0].start, cohorts[-1].end - dt.timedelta(days=1),
        values,
    ))
    if members:
        cohort, _, age = members.partition(":")
        found = returners(
            company, asked, None if cohort == ALL else cohort,
            number(age, "2024-01:3 or all:3"), {},
        )
        if not is_back:
            return found
        return replace(found, rows=tuple(row for row in found.rows if row.is_counted))
    can_count = asked.is_counted and _has_users_once(company, use)
    with seeing(company, asked.use, (asked.start, asked.back)) as engine:
        if can_count:
            sql = sqls.counted_statement(asked)
            answer = sqls.as_counted(asked, engine.rows(sql))
        else:
            sql = sqls.statement(asked)
            answer = engine.rows(sql)
        is_loaded = bool(answer) or has_events(company)
    shown = of_answer(asked, answer, sql=sql, has_events=is_loaded)
    return replace(
        shown, notes=(*shown.notes, *never_so(company, asked.use, (asked.start, asked.back))),
        start_at=start, back_at=back, first=first, last=last, ages=ages, values=values,
        behind=lambda cohort, age, segment: returners(company, asked, cohort, age, segment),
    )


def returners(
    company: Reader, asked: RetentionQuestion, cohort: str | None, age: int,
    segment: Mapping[str, str | None],
) -> Returners:
    """Who is behind a cell; see `UseRetention.users`."""
    if cohort is None:
        places = closed(asked, age)
    else:
        place = place_of(asked.cohorts, cohort)
        has_it = 0 <= age <= asked.ages and asked.has_begun(place, age)
        places = [place] if has_it else []
    if not places:
        raise NotAnsweredError(
            f"Cohort {cohort} has no period {age} yet." if cohort
            else f"No cohort has closed its period {age} yet.",
            hint="Choose one of the cells.",
        )
    use = narrowed(asked.use, segment)
    sql = sqls.members_statement(replace(asked, use=use), places, age)
    with seeing(company, use) as engine:
        answer = engine.rows(sql)
    rows = [
        Returner(*people.ids(use, entity, customer), None if cohort else start, is_counted)
        for entity, customer, start, is_counted in answer
    ]
    return Returners(
        **people.told(use, rows, are_counted=[row.is_counted for row in rows]),
        cohort=None if cohort is None else str(asked.cohorts[places[0]].start), age=age,
        is_open=cohort is not None and asked.is_open(places[0], age), sql=sql,
    )


def _has_users_once(company: Reader, use: UseQuestion) -> bool:
    if use.whose == "account":
        return True
    key = (company.folder, company.snapshot.tables.get("user_months"))
    if key not in _TWICE:
        # RetentionQuestion once a version, of all that is loaded: it takes longer than the answer.
        with company.reading() as engine:
            _TWICE[key] = bool(engine.value(sqls.twice_statement()))
    return not _TWICE[key]


def of_answer(
    asked: RetentionQuestion, answer: Iterable[Sequence[Any]], *, sql: str = "",
    has_events: bool = True,
) -> UseRetention:
    """What the answer of `statement` says, cell by cell."""
    found = segments.by_segment(asked.use, answer, has_events=has_events)
    rows = _with_shares([
        row for values, own in found.items() for row in _cells(asked, values, own)
    ])
    notes = [
        *([REPEATED] if asked.starts == "every" else []),
        *([LATER] if asked.returns == "after" else []),
    ]
    return UseRetention(
        as_of=asked.use.as_of.at.isoformat(), whose=asked.use.whose, per=asked.per,
        start=asked.start.label, back=asked.back.label, starts=asked.starts,
        returns=asked.returns, windows=asked.windows,
        start_times=asked.start_times if asked.start_times > 1 else None,
        back_times=asked.back_times if asked.back_times > 1 else None, rows=tuple(rows),
        totals=tuple(_totals(rows)), additive=None if asked.use.is_additive_by_act else False,
        notes=tuple(notes), sql=sql, why=None if has_events else NO_EVENTS,
    )


def closed(asked: RetentionQuestion, age: int) -> list[int]:
    """The places of the cohorts whose cell of that age has closed."""
    return [
        place for place in range(len(asked.cohorts))
        if 0 <= age <= asked.ages and asked.has_begun(place, age) and not asked.is_open(place, age)
    ]


def _cells(
    asked: RetentionQuestion, values: tuple[Any, ...], own: dict[dt.date, Sequence[int]]
) -> Iterable[Cell]:
    nobody = [0] * (asked.ages + 1)
    segment = asked.use.segment(values)
    for place, period in enumerate(asked.cohorts):
        numbers = own.get(period.start, nobody)
        for age in range(asked.ages + 1):
            if not asked.has_begun(place, age):
                break
            yield Cell(
                period.start, segment, age, numbers[0], numbers[age], None, None, None,
                asked.is_open(place, age), numbers[0] < SMALL,
            )


def _with_shares(rows: Sequence[Cell]) -> list[Cell]:
    found = shares([row.returned for row in rows], [row.size for row in rows])
    return [
        replace(row, why=STILL_OPEN) if row.open
        else replace(row, why=NOBODY) if value is None
        else replace(row, value=value, low=low, high=high)
        for row, (value, low, high) in zip(rows, found, strict=True)
    ]


def _totals(rows: Sequence[Cell]) -> list[Age]:
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for row in rows:
        if row.value is not None:
            groups.setdefault((*row.segment.values(), row.age), []).append(row)
    sizes = [sum(row.size for row in own) for own in groups.values()]
    back = [sum(row.returned for row in own) for own in groups.values()]
    return [
        Age(own[0].segment, own[0].age, len(own), size, returned, value, low, high, size < SMALL)
        for own, size, returned, (value, low, high) in zip(
            groups.values(), sizes, back, shares(back, sizes), strict=True
        )
    ]
