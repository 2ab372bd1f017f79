"""Paths: the most common things that are done next after an event, or before it.

Every occurrence of the event in the range begins a path of the next k things that the same user, or
anybody of the same account, does within a window of it; with `within="session"`, in the same
session. What counts as nothing under [usage] is not in it. With `repeats="drop"` a run of one thing
counts once, by its first. A path that is shorter than k ended within the window.

The paths listed are the most common ones; the others are counted together, so that all of them sum
to the occurrences.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.usage import usage_segments as segments
from staycurve.insights.usage.usage_acts import acts_sql, session_sql
from staycurve.insights.usage.usage_question import NO_EVENTS, SMALL, Doing, UseQuestion
from staycurve.insights.usage.usage_segments import (
    Cut,
    Members,
    Row,
    cut,
    listed_sql,
    order_of,
    shares,
)
from staycurve.tables.engine import quoted

WAYS = {"after": N_("what is done next"), "before": N_("what was done before")}
REPEATS = {"keep": N_("every one counts"), "drop": N_("a run of one thing counts once")}
SESSION = "session"
MOST = 10
"""The longest path: longer ones are each other's exceptions, and no two are alike."""
NOBODY = N_("it was not done in the range")


@dataclass(frozen=True)
class Asked:
    """What paths are asked for.

    Attributes
    ----------
    anchor : Doing
        What they begin with, or end with.
    size : int
        How many things follow it.
    window : int, optional
        Seconds; None within a session.
    first, last : date
        Local days, both included, in which the anchor lies.
    listed : int
        How many paths are listed.
    """

    use: UseQuestion
    anchor: Doing
    size: int
    way: str
    window: int | None
    first: dt.date
    last: dt.date
    listed: int = 20
    repeats: str = "keep"

    @property
    def steps(self) -> tuple[str, ...]:
        """The columns of a path."""
        return tuple(f"s{i}" for i in range(1, self.size + 1))


def check(asked: Asked) -> None:
    """Raise for paths that cannot be asked."""
    for kind, given, known in (("way", asked.way, WAYS), ("repeats", asked.repeats, REPEATS)):
        if given not in known:
            raise UnknownNameError(kind, given, known)
    if not 1 <= asked.size <= MOST:
        raise UsageError(f"A path takes 1 to {MOST} things.", hint="Write: --next 3")
    if asked.listed < 1:
        raise UsageError("At least one path is listed.", hint="Write: --top 20")
    if asked.anchor.is_any:
        raise UsageError(
            "Paths begin with an event.", hint="Write: staycurve usage paths signed_up"
        )
    if asked.window is None and not asked.use.config.behaviour.usage.session:
        raise NotAnsweredError(
            "Nothing says which session an event belongs to.",
            hint='Name its property in staycurve.toml: [usage] session = "session_id"',
        )
    if asked.first > asked.last:
        raise NotAnsweredError(
            f"The range from {asked.first} to {asked.last} is empty.",
            hint="--from must not lie after --to (or after the as-of).",
        )


def statement(asked: Asked) -> str:
    """SQL of rows (seg…, place, s1…, occurrences, people, paths).

    `place` is the rank of a path among its segment's, from 1; those past the last that is listed
    stand together in one row without steps.
    """
    ctes, cutting = _cut(asked)
    steps = ", ".join(asked.steps)
    lead = f"{cutting.segs[2:]}, " if cutting.segs else ""
    partition = f"PARTITION BY {cutting.segs[2:]} " if cutting.segs else ""
    shown = f"place <= {asked.listed}"
    listed = ", ".join(f"CASE WHEN {shown} THEN {step} END" for step in asked.steps)
    named = ", ".join(
        f"CASE WHEN {shown} THEN {step} END AS {step}" for step in asked.steps
    )
    place = f"CASE WHEN {shown} THEN place ELSE {asked.listed + 1} END"
    return f"""WITH {_joined((*ctes, *cutting.ctes))},
counted AS (
    SELECT {lead}{steps}, COUNT(*) AS occurrences, COUNT(DISTINCT entity) AS people
    FROM {cutting.name} GROUP BY {lead}{steps}
),
ranked AS (
    SELECT c.*, row_number() OVER ({partition}ORDER BY occurrences DESC,
               {", ".join(f"{step} NULLS LAST" for step in asked.steps)}) AS place
    FROM counted c
)
SELECT {lead}CAST({place} AS BIGINT) AS place, {named},
       CAST(SUM(occurrences) AS BIGINT) AS occurrences, CAST(MAX(people) AS BIGINT) AS people,
       CAST(COUNT(*) AS BIGINT) AS paths
FROM ranked
GROUP BY {lead}{place}, {listed}
ORDER BY {order_of(asked.use, "place")}"""


def members_statement(
    asked: Asked, path: Sequence[str] | None, but: Sequence[Sequence[str]] = ()
) -> str:
    """SQL of rows (entity, customer, done_at) of one path; `asked` without `by`.

    Parameters
    ----------
    path : sequence of str, optional
        None is every path.
    but : sequence of sequence of str
        Paths that are left out.
    """
    ctes, cutting = _cut(asked)
    tests = ["1 = 1" if path is None else _is_path(asked, path)]
    tests += [f"CASE WHEN {_is_path(asked, one)} THEN 0 ELSE 1 END = 1" for one in but]
    named = (
        f"named AS (SELECT DISTINCT entity, account_id, event_id, done_at FROM {cutting.name} "
        f"WHERE {' AND '.join(tests)})"
    )
    return (
        f"WITH {_joined((*ctes, *cutting.ctes, named))}\n"
        + listed_sql(asked.use, "named", ", b.done_at, b.event_id", "done_at, event_id")
    )


def _is_path(asked: Asked, path: Sequence[str]) -> str:
    return " AND ".join(
        f"{step} = {quoted(path[i])}" if i < len(path) else f"{step} IS NULL"
        for i, step in enumerate(asked.steps)
    )


def _joined(parts: Iterable[str]) -> str:
    return ",\n".join(parts)


def _cut(asked: Asked) -> tuple[list[str], Cut]:
    """Up to one row an occurrence: entity, account_id, start_on, event_id, done_at, s1…"""
    columns = ("entity", "account_id", "start_on", "event_id", "done_at", *asked.steps)
    return _paths(asked), cut(asked.use, "paths", columns, day="b.start_on")


def _paths(asked: Asked) -> list[str]:
    use = asked.use
    anchor = asked.anchor.test(use.config)
    # A session may begin a day before the range, or end a day after.
    reach = dt.timedelta(seconds=asked.window if asked.window is not None else 0, days=1)
    columns = (
        "e.occurred_at AS done_at, e.occurred_on AS day, e.event_id, e.event, "
        f"CASE WHEN {anchor} THEN 1 ELSE 0 END AS is_anchor"
    )
    own = "entity"
    where = (
        f"e.occurred_on >= DATE '{asked.first - reach}' "
        f"AND e.occurred_on <= DATE '{min(asked.last + reach, use.as_of.last_day)}'"
    )
    if asked.window is None:
        columns += f", {session_sql(use.config)} AS session"
        own = "entity, session"
        where += f" AND {session_sql(use.config)} IS NOT NULL"
    order = f"PARTITION BY {own} ORDER BY done_at, event_id"
    ctes = [f"done AS ({acts_sql(use, columns=columns, where=where)})"]
    rows = "done"
    is_in = (
        f"is_anchor = 1 AND day >= DATE '{asked.first}' AND day <= DATE '{asked.last}'"
    )
    # Most people never do it: what they do need not be put in order.
    ctes.append(f"""near AS (
    SELECT d.* FROM done d
    JOIN (SELECT DISTINCT entity FROM done WHERE {is_in}) a ON a.entity = d.entity
)""")
    rows = "near"
    if asked.repeats == "drop":
        ctes.append(f"""runs AS (
    SELECT * FROM (SELECT d.*, lag(event) OVER ({order}) AS event_before FROM near d) r
    WHERE event_before IS NULL OR event_before <> event
)""")
        rows = "runs"
    move = "lead" if asked.way == "after" else "lag"
    moved = "".join(
        f", {move}(event, {i}) OVER ({order}) AS e{i}, {move}(done_at, {i}) OVER ({order}) AS t{i}"
        for i in range(1, asked.size + 1)
    )
    steps = ", ".join(f"{_within(asked, i)} AS s{i}" for i in range(1, asked.size + 1))
    ctes.append(f"""paths AS (
    SELECT entity, account_id, day AS start_on, event_id, done_at, {steps}
    FROM (SELECT d.*{moved} FROM {rows} d) l
    WHERE {is_in}
)""")
    return ctes


def _within(asked: Asked, i: int) -> str:
    if asked.window is None:
        return f"e{i}"
    if asked.way == "after":
        return f"CASE WHEN t{i} <= done_at + INTERVAL {asked.window} SECOND THEN e{i} END"
    return f"CASE WHEN t{i} >= done_at - INTERVAL {asked.window} SECOND THEN e{i} END"


@dataclass(frozen=True)
class Paths:
    """The most common paths.

    Attributes
    ----------
    rows : list of dict
        One a segment and path, the most common first: path (list of str, the nearest to the anchor
        first), count of occurrences, people, value (of all occurrences) with low and high. The
        last row of a segment may be `is_other`: how many `paths` stand in it, without people.
    totals : list of dict
        One a segment: count of occurrences.
    """

    as_of: str
    whose: str
    anchor: str
    way: str
    size: int
    within: str
    first: str
    last: str
    repeats: str
    rows: list[Row]
    totals: list[Row]
    is_additive: bool = True
    sql: str = field(repr=False, default="")
    why: str | None = None
    _members: Callable[..., Members] | None = field(repr=False, compare=False, default=None)

    @property
    def links(self) -> list[Row]:
        """How often one thing leads to another in the paths listed, by segment and position."""
        found: dict[tuple[Any, ...], Row] = {}
        for row in self.rows:
            if row["is_other"]:
                continue
            before = self.anchor
            for position, step in enumerate(row["path"], 1):
                key = (*row["segment"].values(), position, before, step)
                own = found.setdefault(key, {
                    "segment": row["segment"], "position": position, "from": before, "to": step,
                    "count": 0,
                })
                own["count"] += row["count"]
                before = step
        return list(found.values())

    def users(self, path: Sequence[str] | None, **segment: str | None) -> Members:
        """Whose path it was, one row an occurrence; None is every path."""
        assert self._members is not None
        return self._members(path, (), segment)

    def other_users(self, **segment: str | None) -> Members:
        """Whose path is none of those listed, one row an occurrence."""
        assert self._members is not None
        listed = [
            row["path"] for row in self.rows
            if not row["is_other"] and row["segment"] == segment
        ]
        return self._members(None, listed, segment)

    def accounts(self, path: Sequence[str], **segment: str | None) -> list[Row]:
        """The accounts behind a count; they sum to it."""
        return self.users(path, **segment).accounts

    def to_json(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of, "whose": self.whose, "anchor": self.anchor, "way": self.way,
            "size": self.size, "within": self.within, "from": self.first, "to": self.last,
            "repeats": self.repeats, "unit": "count",
            **({} if self.is_additive else {"additive": False}),
            **({"why": self.why} if self.why else {}),
            "rows": self.rows, "totals": self.totals, "links": self.links,
        }


def paths(
    asked: Asked, answer: Iterable[Sequence[Any]], *, within: str, sql: str = "",
    members: Callable[..., Members] | None = None, has_events: bool = True,
) -> Paths:
    """What the answer of `statement` says, path by path."""
    places = len(asked.use.by)
    rows: list[Row] = []
    totals: dict[tuple[Any, ...], Row] = {}
    for line in answer:
        values = tuple(line[:places])
        place, *steps, occurrences, people, number = line[places:]
        is_other = place > asked.listed
        segment = asked.use.segment(values)
        rows.append({
            "segment": segment, "path": [step for step in steps if step is not None],
            "count": occurrences, "people": None if is_other else people,
            "is_other": is_other, **({"paths": number} if is_other else {}),
        })
        total = totals.setdefault(values, {"segment": segment, "count": 0})
        total["count"] += occurrences
    sizes = [totals[tuple(row["segment"].values())]["count"] for row in rows]
    for row, size, (value, low, high) in zip(
        rows, sizes, shares([row["count"] for row in rows], sizes), strict=True
    ):
        row |= {"value": value, "low": low, "high": high, "is_small": size < SMALL}
    return Paths(
        as_of=asked.use.as_of.at.isoformat(), whose=asked.use.whose, anchor=asked.anchor.label,
        way=asked.way, size=asked.size, within=within, first=str(asked.first),
        last=str(asked.last), repeats=asked.repeats, rows=rows, totals=list(totals.values()),
        is_additive=asked.use.is_additive, sql=sql,
        why=None if rows else NOBODY if has_events else NO_EVENTS, _members=members,
    )


def members_of(
    asked: Asked, answer: Iterable[Sequence[Any]], *, path: Sequence[str] | None, sql: str
) -> Members:
    """Whose path it was, from the answer of `members_statement`."""
    about = {
        "anchor": asked.anchor.label, "way": asked.way,
        "path": None if path is None else list(path),
    }
    found = segments.members(asked.use, answer, ("done_at", "event_id"), about=about, sql=sql)
    for row in found.rows:
        row["done_at"] = f"{row['done_at'].isoformat()}+00:00"
    return found
