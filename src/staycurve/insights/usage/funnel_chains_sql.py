"""Chains of a funnel that nothing splits: the same as `funnels_sql` finds, with less to walk.

Most who start never do the second step after it. One look at what everybody did tells who they are;
of the others alone the events are put in their order, once, and walked.
"""

from __future__ import annotations

from staycurve.insights.usage.funnels_asked import FunnelQuestion

_ORDER = "PARTITION BY a.entity ORDER BY a.done_at, a.event_id"


def is_for(asked: FunnelQuestion) -> bool:
    """Whether it is such a funnel: the deepest chains in any distance, without exclusions."""
    return (
        asked.order == "any" and asked.entry == "deepest" and not asked.exclusions
        and len(asked.steps) > 1 and not asked.use.dims
    )


def chains(asked: FunnelQuestion, acts: str) -> list[str]:
    """Up to `chains`: (entity, t1…, is_excluded), one row for everybody who started.

    Parameters
    ----------
    acts : str
        SQL of rows (entity, event_id, done_at, steps), as `funnels_sql` makes them.
    """
    count = len(asked.steps)
    # A start after the last second step, and what was done before the first start, lead nowhere.
    later = " + ".join(str(1 << place) for place in range(1, count))
    return [
        f"acts AS ({acts})",
        f"""known AS (
    SELECT entity, MIN(CASE WHEN {_is(1)} THEN done_at END) AS first_at,
           MAX(CASE WHEN {_is(2)} THEN done_at END) AS last_at
    FROM acts GROUP BY entity
    HAVING MIN(CASE WHEN {_is(1)} THEN done_at END) IS NOT NULL
)""",
        f"""lined AS (
    SELECT a.entity, a.done_at, a.steps,
           row_number() OVER ({_ORDER}) AS pos,
           COUNT(CASE WHEN {_is(1, "a")} THEN 1 END) OVER (
               {_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS starts,
           MAX(CASE WHEN {_is(1, "a")} THEN a.done_at END) OVER (
               {_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS begun_at
    FROM acts a JOIN known k ON k.entity = a.entity
    WHERE k.last_at >= k.first_at AND a.done_at >= k.first_at
      AND (a.done_at <= k.last_at OR (a.steps & ({later})) <> 0)
)""",
        f"""level2 AS (
    SELECT entity, pos, done_at, begun_at AS t1, {_nth("l")} AS n1
    FROM lined l WHERE {_is(2, "l")} AND done_at <= {_end(asked, "begun_at")}
)""",
        *(_level(asked, step) for step in range(3, count + 1)),
        _starts(count),
        *(_follow(asked, step) for step in range(2, count + 1)),
        _all(count),
    ]


def _is(step: int, alias: str = "") -> str:
    """SQL that is true for a row that can be a step, from 1."""
    return f"({alias + '.' if alias else ''}steps & {1 << step - 1}) <> 0"


def _nth(alias: str) -> str:
    """SQL of which of somebody's starts was the last before a row; none does follow itself."""
    return f"{alias}.starts - CASE WHEN {_is(1, alias)} THEN 1 ELSE 0 END"


def _end(asked: FunnelQuestion, start: str) -> str:
    return f"{start} + INTERVAL {asked.window} SECOND"


def _level(asked: FunnelQuestion, step: int) -> str:
    """Rows that can be a step, with the latest start of a chain that they can belong to."""
    # An event that can be both steps comes first as the next one: it does not follow itself.
    window = (
        "OVER (PARTITION BY entity ORDER BY pos, is_next DESC "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    )
    return f"""level{step} AS (
    SELECT entity, pos, done_at, t1, n1 FROM (
        SELECT entity, pos, done_at, is_next, MAX(begun_at) {window} AS t1,
               MAX(begun) {window} AS n1
        FROM (
            SELECT entity, pos, done_at, t1 AS begun_at, n1 AS begun, 0 AS is_next
            FROM level{step - 1}
            UNION ALL
            SELECT d.entity, d.pos, d.done_at, NULL AS begun_at, NULL AS begun, 1 AS is_next
            FROM lined d WHERE {_is(step, "d")} AND d.entity IN (SELECT entity FROM level{step - 1})
        ) both_steps
    ) passed WHERE is_next = 1 AND done_at <= {_end(asked, "t1")}
)"""


def _starts(count: int) -> str:
    """Of everybody who got to the second step, the start whose chain gets furthest first."""
    deepest = [f"l{step}" for step in range(count, 1, -1)]
    joins = "".join(
        f"\n    LEFT JOIN (SELECT entity, MIN(t1) AS t1, MIN(n1) AS n1 FROM level{step} "
        f"GROUP BY entity) l{step} ON l{step}.entity = l2.entity"
        for step in range(3, count + 1)
    )
    return f"""begun AS (
    SELECT l2.entity, coalesce({", ".join(f"{one}.t1" for one in deepest)}) AS t1,
           coalesce({", ".join(f"{one}.n1" for one in deepest)}) AS n1
    FROM (SELECT entity, MIN(t1) AS t1, MIN(n1) AS n1 FROM level2 GROUP BY entity) l2{joins}
)"""


def _follow(asked: FunnelQuestion, step: int) -> str:
    """Each start with its next step, as early as it can be after the one before."""
    kept = ", ".join(f"c.t{place}" for place in range(1, step))
    before, is_after = f"t{step - 1}s", f"d.pos > c.p{step - 1}"
    if step == 2:
        before, is_after = "begun", f"{_nth('d')} >= c.n1"
    return f"""t{step}s AS (
    SELECT c.entity, {kept}, MIN(d.done_at) AS t{step}, MIN(d.pos) AS p{step}
    FROM {before} c
    LEFT JOIN lined d ON d.entity = c.entity AND {_is(step, "d")} AND {is_after}
         AND d.done_at <= {_end(asked, "c.t1")}
    GROUP BY c.entity, {kept}{"" if step == 2 else f", c.p{step - 1}"}
)"""


def _all(count: int) -> str:
    """Beside them, everybody whose first start nothing follows in time."""
    times = ", ".join(f"f.t{place}" for place in range(2, count + 1))
    return f"""chains AS (
    SELECT k.entity, coalesce(f.t1, k.first_at) AS t1, {times}, 0 AS is_excluded
    FROM known k LEFT JOIN t{count}s f ON f.entity = k.entity
)"""
