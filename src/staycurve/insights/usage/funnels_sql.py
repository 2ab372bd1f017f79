"""Statements of funnels; what they answer is said in `funnels`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from staycurve.insights.usage import funnel_chains_sql
from staycurve.insights.usage.funnels_asked import UNORDERED, FunnelQuestion
from staycurve.insights.usage.usage_acts import acts_sql
from staycurve.insights.usage.usage_segments import Cut, cut, listed_sql, order_of
from staycurve.metrics.told_use import tell_sql


def statement(asked: FunnelQuestion) -> str:
    """SQL of rows (seg…, excluded, n1…, pending1…, mean2…, median2…, mean, median).

    `pending` counts who stopped after a step but is still within the window; means and medians
    are whole seconds from the step before, the last two from the first step to the last.
    """
    ctes, cutting = _cut(asked)
    count = len(asked.steps)
    parts = [_sum(f"b.t{i} IS NOT NULL", f"n{i}") for i in range(1, count + 1)]
    for i in range(1, count):
        parts.append(_sum(_pending(asked, i, "b."), f"pending{i}"))
    spans = [(str(i), i, i - 1) for i in range(2, count + 1)]
    for name, end, start in [*spans, ("_all", count, 1)]:
        # Where the earlier step is missing, so is the later one.
        passed = (
            f"CASE WHEN b.is_excluded = 0 THEN {_seconds(f'b.t{end}')} - {_seconds(f'b.t{start}')} "
            "END"
        )
        parts.append(f"CAST(AVG({passed}) AS DOUBLE) AS mean{name}")
        parts.append(f"CAST(MEDIAN({passed}) AS DOUBLE) AS median{name}")
    listed = ",\n       ".join(parts)
    segs = f"{cutting.segs[2:]}, " if cutting.segs else ""
    grouped = f"GROUP BY {cutting.segs[2:]}\nORDER BY {order_of(asked.use)}" if segs else ""
    return f"""WITH {_joined((*ctes, *cutting.ctes))}
SELECT {segs}{_sum("b.is_excluded = 1", "excluded")},
       {listed}
FROM {cutting.name} b
{grouped}"""


def times_statement(asked: FunnelQuestion, after: int, until: int) -> str:
    """SQL of one row: how many got from one step to another, and their least and most seconds."""
    with_, _segs = _times_cte(asked, after, until)
    return f"""{with_}
SELECT CAST(COUNT(*) AS BIGINT) AS people, CAST(MIN(seconds) AS BIGINT) AS least,
       CAST(MAX(seconds) AS BIGINT) AS most
FROM took"""


def bins_statement(
    asked: FunnelQuestion, after: int, until: int, *, least: int, width: int, bins: int
) -> str:
    """SQL of rows (seg…, bin, people): bins of `width` seconds from `least`, the last one open."""
    with_, segs = _times_cte(asked, after, until)
    own = f"least(CAST(floor((seconds - {least}) / {width}.0) AS BIGINT), {bins - 1})"
    lead = f"{segs[2:]}, " if segs else ""
    return f"""{with_}
SELECT {lead}CAST({own} AS BIGINT) AS bin, CAST(COUNT(*) AS BIGINT) AS people
FROM took
GROUP BY {lead}{own}
ORDER BY {order_of(asked.use, "bin")}"""


def _times_cte(asked: FunnelQuestion, after: int, until: int) -> tuple[str, str]:
    """WITH up to took (seg…, seconds): whole seconds of who got from one step to another."""
    ctes, cutting = _cut(asked)
    lead = f"{cutting.segs[2:]}, " if cutting.segs else ""
    took = f"""took AS (
    SELECT {lead}{_seconds(f"b.t{until}")} - {_seconds(f"b.t{after}")} AS seconds
    FROM {cutting.name} b WHERE b.is_excluded = 0 AND b.t{until} IS NOT NULL
)"""
    return f"WITH {_joined((*ctes, *cutting.ctes, took))}", cutting.segs


def members_statement(asked: FunnelQuestion, step: int, part: str) -> str:
    """SQL of rows (entity, customer, t1…) of one part of those around a step.

    Parameters
    ----------
    asked : FunnelQuestion
        Without `by`.
    step : int
        From 1; from 2 for those that dropped, to the last but one for those still in time.
    part : str
        took, dropped (took the one before and not this one) or pending (took it, and has not gone
        on, but may).
    """
    ctes, cutting = _cut(asked, is_listed=True)
    test = {
        "took": f"t{step} IS NOT NULL",
        "dropped": f"t{step - 1} IS NOT NULL AND t{step} IS NULL",
        "pending": _pending(asked, step, ""),
    }[part]
    times = _times(asked)
    named = (
        f"named AS (SELECT DISTINCT entity, account_id, {times} FROM {cutting.name} "
        f"WHERE is_excluded = 0 AND {test})"
    )
    columns = "".join(f", b.t{i}" for i in range(1, len(asked.steps) + 1))
    return (
        f"WITH {_joined((*ctes, *cutting.ctes, named))}\n"
        + listed_sql(asked.use, "named", columns, "t1")
    )


def _joined(parts: Iterable[str]) -> str:
    return ",\n".join(parts)


def _sum(test: str, name: str) -> str:
    if name != "excluded":
        test = f"b.is_excluded = 0 AND {test}"
    return f"CAST(coalesce(SUM(CASE WHEN {test} THEN 1 ELSE 0 END), 0) AS BIGINT) AS {name}"


def _pending(asked: FunnelQuestion, step: int, alias: str) -> str:
    """SQL that is true for who took a step and is still within the window of the next."""
    return (
        f"{alias}t{step} IS NOT NULL AND {alias}t{step + 1} IS NULL "
        f"AND {_end(asked, f'{alias}t1')} >= {asked.use.seen_sql}"
    )


def _seconds(instant: str) -> str:
    return f"CAST(floor(epoch({instant})) AS BIGINT)"


def _times(asked: FunnelQuestion, alias: str = "") -> str:
    return ", ".join(f"{alias}t{i}" for i in range(1, len(asked.steps) + 1))


def _end(asked: FunnelQuestion, start: str = "b.t1") -> str:
    """SQL of the last instant at which a chain may still go on."""
    return f"{start} + INTERVAL {asked.window} SECOND"


def _cut(asked: FunnelQuestion, *, is_listed: bool = False) -> tuple[list[str], Cut]:
    """Up to one row of (entity, is_excluded, t1…) for everybody who started, in its segments.

    Whose account it is, and what the first event was, is read where it is needed alone.
    """
    if funnel_chains_sql.is_for(asked) and not is_listed:
        acts = _acts(asked, has_ids=False)
        return funnel_chains_sql.chains(asked, acts, _acts(asked)), Cut((), "chains")
    if not (asked.use.dims or is_listed):
        return [*_done(asked), *_chains(asked)], Cut((), "chains")
    own = asked.own
    owned = "".join(f", d.own{place}" for place in range(len(own)))
    ctes = [*_done(asked, has_accounts=True), *_chains(asked), f"""placed AS (
    SELECT c.*, f.account_id, f.start_on{"".join(f", f.{one[2:]}" for one in own.values())}
    FROM chains c
    LEFT JOIN (
        SELECT d.entity, d.pos, d.account_id, d.day AS start_on{owned} FROM done d
        WHERE {_begins(asked)}
    ) f ON f.entity = c.entity AND f.pos = c.p1
)"""]
    columns = ["entity", "account_id", "start_on", "is_excluded", *_times(asked).split(", ")]
    return ctes, cut(asked.use, "placed", columns, day="b.start_on", own=own)


def _done(asked: FunnelQuestion, *, has_accounts: bool = False) -> list[str]:
    """The relation done: (entity, done_at, pos, steps, outs, …).

    `pos` counts what somebody did in its order, by time and then by the event's id. Bits of `steps`
    say which steps an event can be, the first only within the range; those of `outs` which
    exclusions it falls under.
    """
    place = "row_number() OVER (PARTITION BY a.entity ORDER BY a.done_at, a.event_id)"
    sql = _acts(asked, has_accounts=has_accounts)
    return [f"done AS (SELECT a.*, {place} AS pos FROM ({sql}) a)"]


def _acts(asked: FunnelQuestion, *, has_accounts: bool = False, has_ids: bool = True) -> str:
    """Rows of `done` without their places."""
    use = asked.use
    tests = [step.test(use.config) for step in asked.steps]
    outs = [one.doing.test(use.config) for one in asked.exclusions]
    last = asked.last + dt.timedelta(seconds=asked.window, days=1)
    begins = f"{tests[0]} AND e.occurred_on <= DATE '{asked.last}'"
    any_step = tests[0]
    columns = [*(["e.event_id"] if has_ids else []), "e.occurred_at AS done_at"]
    if asked.order == UNORDERED:
        any_step = f"({' OR '.join(dict.fromkeys(tests))})"
        columns += [f"{_bits(tests)} AS steps", (
            f"CASE WHEN {any_step} AND e.occurred_on <= DATE '{asked.last}' THEN 1 ELSE 0 END "
            "AS begins"
        )]
    else:
        columns.append(f"{_bits([begins, *tests[1:]])} AS steps")
    if outs:
        columns.append(f"{_bits(outs)} AS outs")
    if has_accounts:
        columns.append("e.occurred_on AS day")
        columns += [
            f"CASE WHEN {any_step} THEN {tell_sql(dim)} END AS own{place}"
            for place, dim in enumerate(asked.own)
        ]
    either = f"({' OR '.join(dict.fromkeys((*tests, *outs)))})"
    if asked.order == "strict":
        # Everything that is done counts, as what may come between.
        either = "1 = 1"
    return acts_sql(
        use, columns=", ".join(columns), has_accounts=has_accounts,
        where=(
            f"{either} AND e.occurred_on >= DATE '{asked.first}' "
            f"AND e.occurred_on <= DATE '{min(last, use.as_of.last_day)}'"
        ),
    )


def _bits(tests: Iterable[str]) -> str:
    return " + ".join(
        f"CASE WHEN {test} THEN {1 << place} ELSE 0 END" for place, test in enumerate(tests)
    )


def _is(step: int, alias: str = "d") -> str:
    """SQL that is true for a row of `done` that can be a step, from 1."""
    return f"({alias}.steps & {1 << step - 1}) <> 0"


def _begins(asked: FunnelQuestion) -> str:
    """SQL that is true for a row `d` of `done` with which a chain can begin."""
    return "d.begins = 1" if asked.order == UNORDERED else _is(1)


def _chains(asked: FunnelQuestion) -> list[str]:
    """Up to `chains`: (entity, p1, t1…, is_excluded), one row for everybody who started."""
    if asked.order == UNORDERED:
        if asked.entry == "first" or not asked.exclusions:
            return [*_gathered(asked), _excluded(asked, "chains")]
        return [*_gathered(asked), _excluded(asked, "tried"), _best(asked, "tried")]
    if asked.order == "strict":
        return [*_led(asked), _best(asked, "led")]
    if asked.entry == "first":
        starts = (
            "SELECT d.entity, MIN(d.done_at) AS t1, MIN(d.pos) AS p1 FROM done d "
            f"WHERE {_is(1)} GROUP BY d.entity"
        )
        return [f"starts AS ({starts})", *_followed(asked), _excluded(asked, "chains")]
    if not asked.exclusions:
        return [*_levels(asked), *_followed(asked), _excluded(asked, "chains")]
    starts = f"SELECT d.entity, d.done_at AS t1, d.pos AS p1 FROM done d WHERE {_is(1)}"
    return [
        f"starts AS ({starts})", *_followed(asked), _excluded(asked, "tried"), _best(asked, "tried")
    ]


def _levels(asked: FunnelQuestion) -> list[str]:
    """Up to `starts`: (entity, t1, p1), of everybody the start whose chain gets furthest.

    Rows of level 2 are second steps, with the latest start of a chain that they can belong to;
    rows of level 3 third steps, and so on. The latest start leaves the most time, so what it
    cannot reach no other start can. Each level looks at those alone who got to the one before.
    """
    ctes = [
        "level1 AS (SELECT d.entity, d.pos, d.done_at, d.done_at AS t1, d.pos AS p1 "
        f"FROM done d WHERE {_is(1)})"
    ]
    count = len(asked.steps)
    for i in range(2, count + 1):
        # An event that can be both steps comes first as the next one: it does not follow itself.
        window = (
            "OVER (PARTITION BY entity ORDER BY pos, is_next DESC "
            "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
        )
        ctes.append(f"""level{i} AS (
    SELECT entity, pos, done_at, t1, p1 FROM (
        SELECT entity, pos, done_at, is_next, MAX(begun_at) {window} AS t1,
               MAX(begun) {window} AS p1
        FROM (
            SELECT entity, pos, done_at, t1 AS begun_at, p1 AS begun, 0 AS is_next FROM level{i - 1}
            UNION ALL
            SELECT d.entity, d.pos, d.done_at, NULL AS begun_at, NULL AS begun, 1 AS is_next
            FROM done d WHERE {_is(i)} AND d.entity IN (SELECT entity FROM level{i - 1})
        ) lined
    ) passed WHERE is_next = 1 AND done_at <= {_end(asked, "t1")}
)""")
    # Starts grow with time: the smallest is that of the chain that got there first.
    deepest = [f"l{i}" for i in range(count, 0, -1)]
    joins = "".join(
        f"\n    LEFT JOIN (SELECT entity, MIN(t1) AS t1, MIN(p1) AS p1 FROM level{i} "
        f"GROUP BY entity) l{i} ON l{i}.entity = l1.entity"
        for i in range(2, count + 1)
    )
    ctes.append(f"""starts AS (
    SELECT l1.entity, coalesce({", ".join(f"{one}.t1" for one in deepest)}) AS t1,
           coalesce({", ".join(f"{one}.p1" for one in deepest)}) AS p1
    FROM (SELECT entity, MIN(t1) AS t1, MIN(p1) AS p1 FROM level1 GROUP BY entity) l1{joins}
)""")
    return ctes


def _followed(asked: FunnelQuestion) -> list[str]:
    """Up to `followed`: each start of `starts` with its next steps, each as early as it can be.

    Positions grow with time, so the earliest of both are one event's.
    """
    ctes, before = [], "starts"
    for i in range(2, len(asked.steps) + 1):
        kept = ", ".join(f"c.t{j}" for j in range(1, i))
        own = f"t{i}s" if i < len(asked.steps) else "followed"
        ctes.append(f"""{own} AS (
    SELECT c.entity, c.p1, {kept}, MIN(d.done_at) AS t{i}, MIN(d.pos) AS p{i}
    FROM {before} c
    LEFT JOIN done d ON d.entity = c.entity AND {_is(i)} AND d.pos > c.p{i - 1}
         AND d.done_at <= {_end(asked, "c.t1")}
    GROUP BY c.entity, c.p1, {kept}
)""")
        before = own
    return ctes


def _excluded(asked: FunnelQuestion, name: str) -> str:
    """The relation `name`: `followed`, with whether something that is excluded came between."""
    if not asked.exclusions:
        return f"{name} AS (SELECT f.*, 0 AS is_excluded FROM followed f)"
    tests = [
        f"((d.outs & {1 << place}) <> 0 AND d.done_at > c.t{one.after} "
        f"AND (d.done_at < c.t{one.until} OR (c.t{one.until} IS NULL "
        f"AND d.done_at <= {_end(asked, 'c.t1')})))"
        for place, one in enumerate(asked.exclusions)
    ]
    return f"""{name} AS (
    SELECT c.entity, c.p1, {_times(asked, "c.")},
           MAX(CASE WHEN {" OR ".join(tests)} THEN 1 ELSE 0 END) AS is_excluded
    FROM followed c
    LEFT JOIN done d ON d.entity = c.entity AND d.outs <> 0 AND d.done_at > c.t1
         AND d.done_at <= {_end(asked, "c.t1")}
    GROUP BY c.entity, c.p1, {_times(asked, "c.")}
)"""


def _gathered(asked: FunnelQuestion) -> list[str]:
    """Up to `followed`: each start with the instants of the steps done from it on, as they came.

    An event is each different step that it can be; a step that is asked for twice takes two.
    """
    steps = asked.steps
    count = len(steps)
    order = "PARTITION BY entity ORDER BY pos"
    leads, nexts = "", ""
    for i in range(1, count + 1):
        copy = steps[: i - 1].count(steps[i - 1])
        at = "done_at"
        if copy:
            at = f"at{i}"
            leads += (
                f", lead(done_at, {copy}) OVER (PARTITION BY entity, "
                f"CASE WHEN {_is(i, 'd')} THEN 1 ELSE 0 END ORDER BY pos) AS at{i}"
            )
        # What comes later is not earlier: the first that follows is the earliest.
        nexts += (
            f", MIN(CASE WHEN {_is(i, 'l')} THEN {at} END) OVER ({order} "
            f"ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next{i}"
        )
    within = ", ".join(
        f"CASE WHEN next{i} <= {_end(asked, 'done_at')} THEN next{i} END AS s{i}"
        for i in range(1, count + 1)
    )
    ctes = [f"""begun AS (
    SELECT entity, pos AS p1, {within}
    FROM (SELECT entity, pos, done_at, begins{nexts} FROM (
        SELECT d.*{leads} FROM done d) l) n
    WHERE begins = 1
)"""]
    rows = "begun"
    depth = " + ".join(f"CASE WHEN s{i} IS NULL THEN 0 ELSE 1 END" for i in range(1, count + 1))
    last = ", ".join(f"s{i}" for i in range(1, count + 1))
    if asked.entry == "first" or not asked.exclusions:
        best = "p1" if asked.entry == "first" else f"{depth} DESC, greatest({last}), p1 DESC"
        ctes.append(f"""kept AS (
    SELECT * FROM (
        SELECT b.*, row_number() OVER (PARTITION BY entity ORDER BY {best}) AS place FROM begun b
    ) ranked WHERE place = 1
)""")
        rows = "kept"
    each = "\n    UNION ALL ".join(
        f"SELECT entity, p1, {i} AS step, s{i} AS came_at FROM {rows} WHERE s{i} IS NOT NULL"
        for i in range(1, count + 1)
    )
    times = ", ".join(
        f"MAX(CASE WHEN place = {i} THEN came_at END) AS t{i}" for i in range(1, count + 1)
    )
    return [*ctes, f"""followed AS (
    SELECT entity, p1, {times} FROM (
        SELECT u.*, row_number() OVER (PARTITION BY entity, p1 ORDER BY came_at, step) AS place
        FROM ({each}) u
    ) ordered GROUP BY entity, p1
)"""]


def _led(asked: FunnelQuestion) -> list[str]:
    """The relation led: each start with the events that come right after it, while they fit."""
    count = len(asked.steps)
    window = "(PARTITION BY entity ORDER BY pos)"
    leads = "".join(
        f", lead(done_at, {i - 1}) OVER {window} AS at{i}, "
        f"lead(steps, {i - 1}) OVER {window} AS is{i}"
        for i in range(2, count + 1)
    )
    chained = ""
    for i in range(2, count + 1):
        fits = " AND ".join(f"(l.is{j} & {1 << j - 1}) <> 0" for j in range(2, i + 1))
        chained += (
            f",\n           CASE WHEN {fits} AND l.at{i} <= {_end(asked, 'l.done_at')} "
            f"THEN l.at{i} END AS t{i}"
        )
    first = ""
    if asked.entry == "first":
        begins = f"CASE WHEN {_is(1, 'a')} THEN pos END"
        leads += f", MIN({begins}) OVER (PARTITION BY entity) AS begun"
        first = " AND l.pos = l.begun"
    return [f"""led AS (
    SELECT l.entity, l.pos AS p1, l.done_at AS t1{chained}, 0 AS is_excluded
    FROM (SELECT entity, pos, done_at, steps{leads} FROM done a) l
    WHERE {_is(1, "l")}{first}
)"""]


def _best(asked: FunnelQuestion, rows: str) -> str:
    """The relation chains: of everybody the chain that counts.

    One that nothing excluded interrupts, before all; the deepest; that got there first; from its
    latest start.
    """
    count = len(asked.steps)
    cases = " ".join(f"WHEN t{i} IS NOT NULL THEN {i}" for i in range(count, 0, -1))
    deepest = ", ".join(f"t{i}" for i in range(count, 0, -1))
    return f"""chains AS (
    SELECT entity, p1, {_times(asked)}, is_excluded
    FROM (
        SELECT r.*, row_number() OVER (PARTITION BY entity ORDER BY is_excluded,
                   CASE {cases} END DESC, coalesce({deepest}), t1 DESC, p1 DESC) AS place
        FROM {rows} r
    ) ranked WHERE place = 1
)"""


