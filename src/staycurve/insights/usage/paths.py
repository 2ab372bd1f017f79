"""Paths: the most common things that are done next after an event, or before it.

Every occurrence of the event in the range begins a path of the next k things that the same user, or
anybody of the same account, does within a window of it; with `within="session"`, in the same
session. What counts as nothing under [usage] is not in it. With `repeats="drop"` a run of one thing
counts once, by its first. A path that is shorter than k ended within the window.

Without an event every session that begins in the range begins a path, and its first event is the
first thing in it: a session is what events name as one, or what follows each other within the time
between. With an end those paths alone count that get there within k things, up to it.

The paths listed are the most common ones; the others are counted together, so that all of them sum
to the occurrences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from staycurve.insights.usage import members as people, paths_sql as sqls
from staycurve.insights.usage.members import ALL, Members, Person, number
from staycurve.insights.usage.paths_sql import MOST, REPEATS, SESSION, WAYS, PathsQuestion, check
from staycurve.insights.usage.usage_asking import (
    Whose,
    days_of,
    has_events,
    narrowed,
    never_so,
    question_of,
    seeing,
)
from staycurve.insights.usage.usage_question import NO_EVENTS, SMALL, WHOSE, doing, seconds_of
from staycurve.insights.usage.usage_segments import shares
from staycurve.insights.usage.usage_tops import Values, with_tops
from staycurve.metrics.base import Unit

NOBODY = N_("it was not done in the range")
OTHERS = "others"

_ASKED = {
    name: name
    for name in ("size", "way", "within", "first", "last", "listed", "repeats", "whose", "end",
                 "values")
} | {"anchor": "asked_of"}
WHO = Opens("usage paths", {**_ASKED, "members": "place"})
"""A row of a segment opens in it: there it stands by the place that it has in it."""
EVERYBODY = Opens("usage paths", _ASKED, {"members": ALL})


@dataclass(frozen=True)
class Path(Row):
    """One path, or all of a segment that are not listed."""

    n: Annotated[int, col(N_("N"), Unit.COUNT, N_("As `members` names it."))]
    segment: Segment
    path: Annotated[
        tuple[str, ...],
        col(N_("Then"), Kind.TEXT,
            N_("What is done, the nearest to the anchor first; shorter where the time ended."),
            shown_as="told"),
    ]
    count: Annotated[int, col(N_("Times"), Unit.COUNT, opens=WHO)]
    people: Annotated[
        int | None, col(N_("By how many"), Unit.COUNT, N_("Empty of all other paths."))
    ]
    is_other: Annotated[bool, Key(N_("Whether it stands for all that are not listed."))]
    paths: Annotated[
        int | None, Key(N_("How many paths stand in it."), is_omitted=True)
    ]
    value: Annotated[
        float | None,
        col(N_("Share of all times"), Unit.PERCENT, ends=("low", "high"), opens=WHO),
    ]
    low: LowField
    high: HighField
    is_small: Annotated[bool, Key(N_("Whether there are too few to read much into it."))]
    place: Annotated[str, Hidden()]

    @property
    def told(self) -> Said:
        """What is done, in one text."""
        if self.is_other:
            return Said(N_("(%(paths)s others)"), {"paths": (self.paths, Unit.COUNT)})
        return Said(" → ".join(self.path) or N_("(nothing)"))


@dataclass(frozen=True)
class Times(Row):
    """How often the anchor was done."""

    segment: Segment
    count: Annotated[int, col(N_("Times"), Unit.COUNT)]


@dataclass(frozen=True)
class Link(Row):
    """How often one thing leads to another in the paths listed."""

    segment: Segment
    position: int
    before: Annotated[str, Key(N_("What is done."), name="from")]
    then: Annotated[str, Key(N_("What it leads to."), name="to")]
    count: int


@dataclass(frozen=True)
class Occurrence(Person):
    """One occurrence of a path."""

    done_at: Annotated[str, col(N_("On"), Kind.DAY, N_("The instant of the anchor."))]
    event_id: Annotated[str, Key(N_("The anchor's event."))]


@dataclass(frozen=True, kw_only=True)
class OnPath(Members):
    """Whose path it was, one row an occurrence."""

    anchor: Annotated[str, Key(N_("What paths begin with."))]
    way: Annotated[str, Key(N_("after or before."))]
    path: Annotated[tuple[str, ...] | None, Key(N_("Empty for every path, or all others."))]
    rows: Annotated[tuple[Occurrence, ...], Table(N_("Who is behind it"), is_list=True)]
    are_others: Annotated[bool, Hidden()] = False

    def title(self) -> Said:
        steps = " → ".join(self.path or ()) or N_("nothing within the time")
        if self.path is None:
            steps = N_("all other paths") if self.are_others else N_("anything")
        values: dict[str, str | Value | Said] = {
            "anchor": self.anchor, "steps": Said(steps), "whose": Said(WHOSE[self.whose]),
            "as_of": self.as_of,
        }
        if self.way == "before":
            return Said(N_("Before %(anchor)s: %(steps)s; %(whose)s, as of %(as_of)s"), values)
        return Said(N_("After %(anchor)s: %(steps)s; %(whose)s, as of %(as_of)s"), values)


@dataclass(frozen=True, kw_only=True)
class Paths(Answer):
    """The most common paths; the last row of a segment may be all others."""

    as_of: AsOfField
    whose: WhoseField
    anchor: Annotated[str, Key(N_("What paths begin with."))]
    way: Annotated[str, Key(N_("after or before."))]
    size: Annotated[int, Key(N_("How many things follow."))]
    within: Annotated[str, Key(N_("The time between, or session."))]
    first: Annotated[str, Key(N_("The first day on which the anchor lies."), name="from")]
    last: Annotated[str, Key(N_("The last day, included."), name="to")]
    repeats: Annotated[str, Key(N_("keep or drop."))]
    end: Annotated[str | None, Key(N_("What paths lead to."), is_omitted=True)] = None
    unit: Annotated[str, Key(N_("Of `count`."))] = "count"
    additive: AdditiveField = None
    why: WhyField = None
    rows: Annotated[tuple[Path, ...], Table(N_("Paths"))]
    totals: Annotated[tuple[Times, ...], Table(N_("All together"))]
    links: Annotated[tuple[Link, ...], Key(N_("By segment and position."))]
    listed: Annotated[int, Hidden()] = 20
    values: Annotated[int | None, Hidden()] = None
    asked_of: Annotated[str, Hidden()] = ""
    behind: Annotated[Callable[..., OnPath] | None, Hidden()] = None

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "anchor": self.anchor, "within": self.within, "first": self.first, "last": self.last,
            "as_of": self.as_of,
        }
        if self.end:
            values["end"] = self.end
            return Said(N_("From %(anchor)s to %(end)s, within %(within)s, %(first)s to %(last)s, "
                           "as of %(as_of)s"), values)
        if self.way == "before":
            return Said(N_("Before %(anchor)s, within %(within)s, %(first)s to %(last)s, "
                           "as of %(as_of)s"), values)
        return Said(N_("After %(anchor)s, within %(within)s, %(first)s to %(last)s, "
                       "as of %(as_of)s"), values)

    def users(self, path: Sequence[str] | None, **segment: str | None) -> OnPath:
        """Whose path it was, one row an occurrence; None is every path."""
        assert self.behind is not None
        return self.behind(path, (), segment)

    def other_users(self, **segment: str | None) -> OnPath:
        """Whose path is none of those listed, one row an occurrence."""
        assert self.behind is not None
        listed = [
            row.path for row in self.rows if not row.is_other and row.segment == segment
        ]
        return self.behind(None, listed, segment)


@insight("usage paths", comes_from="/usage#paths", needs="events")
def paths(
    company: Reader, *,
    anchor: Annotated[
        str,
        Param(N_("What paths begin with; without it the start of a session."), metavar="EVENT",
              is_argument=True),
    ] = "",
    end: Annotated[
        str | None,
        Param(N_("What paths lead to: those alone that get there."), metavar="EVENT",
              examples="plan_chosen or feature:Reports"),
    ] = None,
    size: Annotated[
        int, Param(N_("How many things follow."), least=1, most=MOST, formerly=("next",))
    ] = 3,
    way: Annotated[
        str, Param(N_("What is done next, or was done before."), choices=tuple(WAYS))
    ] = "after",
    within: Annotated[
        str, Param(N_("The time between, or session."), examples="30m, 24h or session")
    ] = "",
    first: From = None, last: To = None,
    listed: Annotated[
        int, Param(N_("How many paths are listed."), least=1, most=1000, formerly=("top",))
    ] = 20,
    repeats: Annotated[
        str, Param(N_("Whether a run of one thing counts once."), choices=tuple(REPEATS))
    ] = "keep",
    members: Annotated[
        str | None, Param(N_("Whose path N was; or all, or others."), metavar="N")
    ] = None,
    whose: Whose = "user", by: By = "", where: Where = "", values: Values = None,
    as_of: AsOfText = None,
) -> Paths | OnPath:
    """What is done after an event, or before it?

    Without a time between, things lie in one session where the configuration names it, else
    within 30 minutes. Without a range the event lies in the last 90 days that are seen. A dimension
    'property:NAME' is that of the event, and so is a trait of users where accounts are counted.
    """
    use = question_of(company, whose, by, where, as_of)
    begin, until = days_of(company, use, first, last)
    usual = SESSION if use.config.behaviour.usage.session else "30m"
    within = within or usual
    window = None if within == SESSION else seconds_of(within)
    asked = PathsQuestion(
        use, doing(anchor, use.config), size, way, window, begin, until, listed, repeats,
        doing(end, use.config) if end else None,
    )
    check(asked)
    use = with_tops(company, use, (asked.anchor,), begin, until, values)
    asked = replace(asked, use=use)
    if members == ALL:
        return on_path(company, asked, None, (), {})
    sql = sqls.statement(asked)
    named = (asked.anchor, asked.end) if asked.end else (asked.anchor,)
    with seeing(company, use, named) as engine:
        answer = engine.rows(sql)
    found = replace(
        of_answer(asked, answer, within=within, sql=sql, has_events=has_events(company)),
        values=values, asked_of=anchor, notes=never_so(company, use, named),
        behind=lambda path, but, segment: on_path(company, asked, path, but, segment),
    )
    return _opened(found, members) if members else found


def _opened(found: Paths, members: str) -> OnPath:
    """Whose path it was: '1' is the first that is listed, 'others' all that are not."""
    if members == OTHERS:
        return found.other_users()
    place = number(members, "1, all or others")
    if not 1 <= place <= len(found.rows):
        raise NotAnsweredError(
            f"The answer has no path {place}.",
            hint=f"It lists {len(found.rows)} from 1; or all, or others.",
        )
    row = found.rows[place - 1]
    if row.is_other:
        return found.other_users(**row.segment)
    return found.users(row.path, **row.segment)


def on_path(
    company: Reader, asked: PathsQuestion, path: Sequence[str] | None, but: Sequence[Sequence[str]],
    segment: Mapping[str, str | None],
) -> OnPath:
    """Whose path it was; `but` are paths that are left out."""
    use = narrowed(asked.use, segment)
    sql = sqls.members_statement(replace(asked, use=use), path, but)
    with seeing(company, use) as engine:
        answer = engine.rows(sql)
    rows = [
        Occurrence(*people.ids(use, entity, customer), f"{done_at.isoformat()}+00:00", event_id)
        for entity, customer, done_at, event_id in answer
    ]
    return OnPath(
        **people.told(use, rows), anchor=asked.begins, way=asked.way,
        path=None if path is None else tuple(path), are_others=bool(but), sql=sql,
    )


def of_answer(
    asked: PathsQuestion, answer: Iterable[Sequence[Any]], *, within: str, sql: str = "",
    has_events: bool = True,
) -> Paths:
    """What the answer of `statement` says, path by path."""
    places = len(asked.use.by)
    rows: list[Path] = []
    totals: dict[tuple[Any, ...], int] = {}
    for line in answer:
        values = tuple(line[:places])
        place, *steps, occurrences, whom, many = line[places:]
        is_other = place > asked.listed
        rows.append(Path(
            len(rows) + 1, asked.use.segment(values),
            tuple(step for step in steps if step is not None),
            occurrences, None if is_other else whom, is_other, many if is_other else None,
            None, None, None, False, OTHERS if is_other else str(place),
        ))
        totals[values] = totals.get(values, 0) + occurrences
    sizes = [totals[tuple(row.segment.values())] for row in rows]
    rows = [
        replace(row, value=value, low=low, high=high, is_small=size < SMALL)
        for row, size, (value, low, high) in zip(
            rows, sizes, shares([row.count for row in rows], sizes), strict=True
        )
    ]
    return Paths(
        as_of=asked.use.as_of.at.isoformat(), whose=asked.use.whose, anchor=asked.begins,
        end=asked.end.label if asked.end else None,
        way=asked.way, size=asked.size, within=within, first=str(asked.first),
        last=str(asked.last), repeats=asked.repeats, rows=tuple(rows),
        totals=tuple(Times(asked.use.segment(own), count) for own, count in totals.items()),
        links=tuple(_links(asked.begins, rows)), listed=asked.listed,
        additive=None if asked.use.is_additive else False, sql=sql,
        why=None if rows else NOBODY if has_events else NO_EVENTS,
    )


def _links(anchor: str, rows: Iterable[Path]) -> list[Link]:
    found: dict[tuple[Any, ...], Link] = {}
    for row in rows:
        before = anchor
        for position, step in enumerate(() if row.is_other else row.path, 1):
            key = (*row.segment.values(), position, before, step)
            own = found.get(key) or Link(row.segment, position, before, step, 0)
            found[key] = replace(own, count=own.count + row.count)
            before = step
    return list(found.values())
