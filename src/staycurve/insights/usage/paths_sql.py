"""What paths are asked for, and their SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.usage.usage_acts import acts_sql, session_sql
from staycurve.insights.usage.usage_question import Doing, UseQuestion
from staycurve.insights.usage.usage_segments import Cut, cut, listed_sql, order_of
from staycurve.metrics.told_use import tell_sql
from staycurve.tables.engine import quoted

WAYS = {"after": N_("what is done next"), "before": N_("what was done before")}
REPEATS = {"keep": N_("every one counts"), "drop": N_("a run of one thing counts once")}
SESSION = "session"
SESSION_START = N_("start of a session")
MOST = 10
"""The longest path: longer ones are each other's exceptions, and no two are alike."""


@dataclass(frozen=True)
class PathsQuestion:
    """What paths are asked for.

    Attributes
    ----------
    anchor : Doing
        What they begin with, or end with; any activity stands for the start of a session.
    size : int
        How many things follow it.
    window : int, optional
        Seconds from the anchor, or of silence that ends a session; None within the session that
        events name.
    end : Doing, optional
        What paths lead to: those alone that get there, up to it.
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
    end: Doing | None = None

    @property
    def is_from_start(self) -> bool:
        """Whether paths begin with a session, its first event their first thing."""
        return self.anchor.is_any

    @property
    def begins(self) -> str:
        """What they begin with, as answers name it."""
        return SESSION_START if self.is_from_start else self.anchor.label

    @property
    def steps(self) -> tuple[str, ...]:
        """The columns of a path."""
        return tuple(f"s{i}" for i in range(1, self.size + 1))


def check(asked: PathsQuestion) -> None:
    """Raise for paths that cannot be asked."""
    for kind, given, known in (("way", asked.way, WAYS), ("repeats", asked.repeats, REPEATS)):
        if given not in known:
            raise UnknownNameError(kind, given, known)
    if not 1 <= asked.size <= MOST:
        raise UsageError(f"A path takes 1 to {MOST} things.", hint="Write for size: 3")
    if asked.listed < 1:
        raise UsageError("At least one path is listed.", hint="Write for listed: 20")
    if asked.way == "before" and (asked.is_from_start or asked.end):
        raise UsageError(
            "What was done before is asked of an event, and leads to it.",
            hint="Write: staycurve usage paths signed_up --way before",
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


def statement(asked: PathsQuestion) -> str:
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
    asked: PathsQuestion, path: Sequence[str] | None, but: Sequence[Sequence[str]] = ()
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


def _is_path(asked: PathsQuestion, path: Sequence[str]) -> str:
    return " AND ".join(
        f"{step} = {quoted(path[i])}" if i < len(path) else f"{step} IS NULL"
        for i, step in enumerate(asked.steps)
    )


def _joined(parts: Iterable[str]) -> str:
    return ",\n".join(parts)


def _cut(asked: PathsQuestion) -> tuple[list[str], Cut]:
    """Up to one row an occurrence: entity, account_id, start_on, event_id, done_at, s1…"""
    columns = ("entity", "account_id", "start_on", "event_id", "done_at", *asked.steps)
    own = {dim: f"b.own{place}" for place, dim in enumerate(asked.use.told)}
    return _paths(asked), cut(asked.use, "paths", columns, day="b.start_on", own=own)


def _paths(asked: PathsQuestion) -> list[str]:
    use = asked.use
    # Whatever a session begins with, it is the first thing of its path.
    anchor = "TRUE" if asked.is_from_start else asked.anchor.test(use.config)
    # A session may begin a day before the range, or end a day after.
    reach = dt.timedelta(seconds=asked.window if asked.window is not None else 0, days=1)
    columns = "e.occurred_at AS done_at, e.occurred_on AS day, e.event_id, e.event"
    if not asked.is_from_start:
        columns += f", CASE WHEN {anchor} THEN 1 ELSE 0 END AS is_anchor"
    columns += "".join(
        f", CASE WHEN {anchor} THEN {tell_sql(dim)} END AS own{place}"
        for place, dim in enumerate(use.told)
    )
    if asked.end:
        columns += f", CASE WHEN {asked.end.test(use.config)} THEN 1 ELSE 0 END AS is_end"
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
    if asked.is_from_start:
        ctes += _sessions(asked, order)
        own = "entity, session"
        order = f"PARTITION BY {own} ORDER BY done_at, event_id"
    else:
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
    # A session's first event is its path's first thing.
    since = 1 if asked.is_from_start else 0
    moved = "".join(
        f", {move}(event, {i - since}) OVER ({order}) AS e{i}"
        f", {move}(done_at, {i - since}) OVER ({order}) AS t{i}"
        + (f", {move}(is_end, {i - since}) OVER ({order}) AS x{i}" if asked.end else "")
        for i in range(1, asked.size + 1)
    )
    told = "".join(f", own{place}" for place in range(len(use.told)))
    steps = ", ".join(f"{_within(asked, i)} AS s{i}" for i in range(1, asked.size + 1))
    if asked.end:
        is_in += f" AND ({' OR '.join(_ends(asked, i) for i in range(1, asked.size + 1))})"
    ctes.append(f"""paths AS (
    SELECT entity, account_id, day AS start_on, event_id, done_at{told}, {steps}
    FROM (SELECT d.*{moved} FROM {rows} d) l
    WHERE {is_in}
)""")
    return ctes


def _sessions(asked: PathsQuestion, order: str) -> list[str]:
    """The relation near: all that is done, each with its session and whether it begins it."""
    if asked.window is None:
        first = "row_number() OVER (PARTITION BY entity, session ORDER BY done_at, event_id)"
        return [f"""near AS (
    SELECT n.*, CASE WHEN place = 1 THEN 1 ELSE 0 END AS is_anchor
    FROM (SELECT d.*, {first} AS place FROM done d) n
)"""]
    begins = (
        "CASE WHEN before_at IS NULL "
        f"OR done_at > before_at + INTERVAL {asked.window} SECOND THEN 1 ELSE 0 END"
    )
    return [f"""near AS (
    SELECT n.*, SUM(is_anchor) OVER ({order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
               AS session
    FROM (
        SELECT b.*, {begins} AS is_anchor
        FROM (SELECT d.*, lag(done_at) OVER ({order}) AS before_at FROM done d) b
    ) n
)"""]


def _ends(asked: PathsQuestion, i: int) -> str:
    """SQL that is true where the end is the i-th thing of a path, in time."""
    return f"(x{i} = 1 AND {_timely(asked, i)} IS NOT NULL)"


def _within(asked: PathsQuestion, i: int) -> str:
    """SQL of the i-th thing of a path; NULL after its end, and out of time."""
    thing = _timely(asked, i)
    if asked.end and i > 1:
        over = " OR ".join(f"x{j} = 1" for j in range(1, i))
        return f"CASE WHEN {over} THEN NULL ELSE {thing} END"
    return thing


def _timely(asked: PathsQuestion, i: int) -> str:
    if asked.window is None or asked.is_from_start:
        return f"e{i}"
    if asked.way == "after":
        return f"CASE WHEN t{i} <= done_at + INTERVAL {asked.window} SECOND THEN e{i} END"
    return f"CASE WHEN t{i} >= done_at - INTERVAL {asked.window} SECOND THEN e{i} END"
