"""Chains of a funnel that nothing splits: the same as `funnels_sql` finds, with less to walk.

Most who start never do the second step after it: one look at what everybody did tells who they are.
Of the others each level lays chains and the events of the next step in one order. What follows a
chain at once is its next step, and the later ones add nothing: they come from the same start.

Where no event can be two of the steps, their order at one instant matters to those alone who took
two steps in a row at one. First all are walked as if the earlier step came first, without the
events' ids, which are long to read and to sort by. Who took two steps at once is then walked again,
with the ids of what was done at such instants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from staycurve.config import Config
from staycurve.insights.usage.funnels_asked import FunnelQuestion
from staycurve.insights.usage.usage_question import Doing


@dataclass(frozen=True)
class _Walk:
    """How events are put in order.

    Attributes
    ----------
    mark : str
        What its relations are called by, behind their names.
    keys : tuple of str
        The columns that order somebody's events.
    steps, is_next : str
        What orders those of one key: rows of `lined` for the second step, then a chain and what may
        follow it.
    """

    mark: str
    keys: tuple[str, ...]
    steps: str = ""
    # An event that can be both steps comes first as the next one: it does not follow itself.
    is_next: str = ", is_next DESC"


_BY_TIME = _Walk("", ("done_at",), ", steps", ", is_next")
_BY_PLACE = _Walk("", ("pos",))
_AGAIN = _Walk("_again", ("done_at", "nth"))


def is_for(asked: FunnelQuestion) -> bool:
    """Whether it is such a funnel: the deepest chains in any distance, without exclusions."""
    return (
        asked.order == "any" and asked.entry == "deepest" and not asked.exclusions
        and len(asked.steps) > 1 and not asked.use.dims
    )


def chains(asked: FunnelQuestion, acts: str, acts_with_ids: str) -> list[str]:
    """Up to `chains`: (entity, t1…, is_excluded), one row for everybody who started.

    Parameters
    ----------
    acts : str
        SQL of rows (entity, done_at, steps), as `funnels_sql` makes them.
    acts_with_ids : str
        The same with event_id.
    """
    if not are_apart(asked):
        return [
            f"acts AS ({acts_with_ids})", _known(), _lined(asked, ", row_number() OVER ("
            "PARTITION BY a.entity ORDER BY a.done_at, a.event_id) AS pos"),
            *_levels(asked, _BY_PLACE), *_best(asked, is_again=False), _all(asked),
        ]
    return [
        f"acts AS ({acts})", _known(), _lined(asked), *_levels(asked, _BY_TIME),
        *_tied(asked, acts_with_ids), *_levels(asked, _AGAIN), *_best(asked, is_again=True),
        _all(asked),
    ]


def are_apart(asked: FunnelQuestion) -> bool:
    """Whether no event can be two of the steps, as their names tell."""
    config = asked.use.config
    named = [_events(step, config) for step in asked.steps]
    return all(
        one is not None and other is not None and not one & other
        for one, other in combinations(named, 2)
    )


def _events(one: Doing, config: Config) -> frozenset[str] | None:
    """The events that can be it; None where their names do not tell."""
    if one.parts:
        parts = [_events(part, config) for part in one.parts]
        known = [part for part in parts if part is not None]
        return frozenset().union(*known) if len(known) == len(parts) else None
    if one.event:
        return frozenset((one.event,))
    return None


def _known() -> str:
    """Everybody who started: when first, and when the second step was done last."""
    return f"""known AS (
    SELECT entity, MIN(CASE WHEN {_is(1)} THEN done_at END) AS first_at,
           MAX(CASE WHEN {_is(2)} THEN done_at END) AS last_at
    FROM acts GROUP BY entity
    HAVING MIN(CASE WHEN {_is(1)} THEN done_at END) IS NOT NULL
)"""


def _lined(asked: FunnelQuestion, placed: str = "") -> str:
    """The events that can be part of a chain of two steps or more, and what `placed` adds."""
    # A start after the last second step, and what was done before the first start, lead nowhere.
    later = " + ".join(str(1 << place) for place in range(1, len(asked.steps)))
    return f"""lined AS (
    SELECT a.entity, a.done_at, a.steps{placed}
    FROM acts a JOIN known k ON k.entity = a.entity
    WHERE k.last_at >= k.first_at AND a.done_at >= k.first_at
      AND (a.done_at <= k.last_at OR (a.steps & ({later})) <> 0)
)"""


def _levels(asked: FunnelQuestion, walk: _Walk) -> Iterator[str]:
    """Chains of two steps, of three, and so on: (entity, key, t1…), each from another start.

    The start is the latest that the chain can have, which leaves the most time: what it cannot
    reach no other start can. Each step is the earliest after the one before.
    """
    mark, keys = walk.mark, ", ".join(walk.keys)
    own = _listed(*(f"l.{key}" for key in walk.keys), "l.done_at")
    columns = _listed("entity", *walk.keys, "done_at")
    over = f"OVER (PARTITION BY entity ORDER BY {keys}{walk.steps})"
    yield f"""level2{mark} AS (
    SELECT l.entity, {own}, l.t1, l.done_at AS t2
    FROM (
        SELECT {columns}, steps, lag(done_at) {over} AS t1, lag(steps) {over} AS before
        FROM lined{mark} WHERE {_is(1)} OR {_is(2)}
    ) l
    WHERE {_is(2, "l")} AND (l.before & 1) <> 0 AND l.done_at <= {_end(asked, "l.t1")}
)"""
    over = f"OVER (PARTITION BY entity ORDER BY {keys}{walk.is_next})"
    for step in range(3, len(asked.steps) + 1):
        times = [f"t{place}" for place in range(1, step)]
        before = f"level{step - 1}{mark}"
        led = ", ".join(f"lag({time}) {over} AS {time}" for time in times)
        none = ", ".join(f"NULL AS {time}" for time in times)
        yield f"""level{step}{mark} AS (
    SELECT l.entity, {own}, {_listed(*(f"l.{time}" for time in times))}, l.done_at AS t{step}
    FROM (
        SELECT {columns}, is_next, {led}
        FROM (
            SELECT {columns}, 0 AS is_next, {_listed(*times)} FROM {before}
            UNION ALL
            SELECT {columns}, 1 AS is_next, {none} FROM lined{mark}
            WHERE {_is(step)} AND entity IN (SELECT entity FROM {before})
        ) both_steps
    ) l
    WHERE l.is_next = 1 AND l.done_at <= {_end(asked, "l.t1")}
)"""


def _tied(asked: FunnelQuestion, acts_with_ids: str) -> Iterator[str]:
    """Who took a step at the instant of the one before, and `lined` in their order of ids."""
    yield "tied AS (\n    " + "\n    UNION ".join(
        f"SELECT entity FROM level{step} WHERE t{step} = t{step - 1}"
        for step in range(2, len(asked.steps) + 1)
    ) + "\n)"
    # Events of one step at one instant are as good as each other.
    yield """instants AS (
    SELECT entity, done_at FROM lined WHERE entity IN (SELECT entity FROM tied)
    GROUP BY entity, done_at HAVING MIN(steps) <> MAX(steps)
)"""
    yield f"""lined_again AS (
    SELECT l.entity, l.done_at, l.steps, CAST(0 AS BIGINT) AS nth
    FROM lined l
    WHERE l.entity IN (SELECT entity FROM tied) AND NOT EXISTS (
        SELECT 1 FROM instants i WHERE i.entity = l.entity AND i.done_at = l.done_at)
    UNION ALL
    SELECT a.entity, a.done_at, a.steps,
           row_number() OVER (PARTITION BY a.entity, a.done_at ORDER BY a.event_id) AS nth
    FROM ({acts_with_ids}) a JOIN instants i ON i.entity = a.entity AND i.done_at = a.done_at
)"""


def _best(asked: FunnelQuestion, *, is_again: bool) -> Iterator[str]:
    """Of everybody the first chain of each length; all its instants are the smallest."""
    for step in range(2, len(asked.steps) + 1):
        times = [f"t{place}" for place in range(1, step + 1)]
        rows = f"level{step}"
        if is_again:
            listed = _listed("entity", *times)
            rows = (
                f"(\n        SELECT {listed} FROM {rows} "
                "WHERE NOT EXISTS (SELECT 1 FROM tied t "
                f"WHERE t.entity = {rows}.entity)\n        UNION ALL "
                f"SELECT {listed} FROM level{step}_again\n    ) l"
            )
        least = ", ".join(f"MIN({time}) AS {time}" for time in times)
        yield f"best{step} AS (\n    SELECT entity, {least} FROM {rows} GROUP BY entity\n)"


def _all(asked: FunnelQuestion) -> str:
    """Of everybody the deepest; who has none has the first start."""
    count = len(asked.steps)
    first = [f"b{step}.t1" for step in range(count, 1, -1)]
    times = f"coalesce({', '.join(first)}, k.first_at) AS t1"
    for place in range(2, count + 1):
        found = [f"b{step}.t{place}" for step in range(count, place - 1, -1)]
        times += f", {f'coalesce({_listed(*found)})' if found[1:] else found[0]} AS t{place}"
    joins = "".join(
        f"\n    LEFT JOIN best{step} b{step} ON b{step}.entity = k.entity"
        for step in range(2, count + 1)
    )
    return f"""chains AS (
    SELECT k.entity, {times}, 0 AS is_excluded
    FROM known k{joins}
)"""


def _listed(*columns: str) -> str:
    return ", ".join(dict.fromkeys(columns))


def _is(step: int, alias: str = "") -> str:
    """SQL that is true for a row that can be a step, from 1."""
    return f"({alias + '.' if alias else ''}steps & {1 << step - 1}) <> 0"


def _end(asked: FunnelQuestion, start: str) -> str:
    return f"{start} + INTERVAL {asked.window} SECOND"
