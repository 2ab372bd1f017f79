"""Cohorts: accounts by the month in which they first paid, followed month by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.metrics.context import Context, Filter
from staycurve.metrics.dimensions import (
    COHORT,
    FIRSTS_SQL,
    ITEM_TRAITS,
    MOVEMENT_COHORT,
    MOVING,
    order_sql,
)
from staycurve.metrics.mrr_relations import standing_rows
from staycurve.metrics.mrr_totals import payer_totals, value_edges, value_totals
from staycurve.metrics.points import points_sql
from staycurve.metrics.query import STILL_OPEN, known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.period import AsOf, Period
from staycurve.tables.engine import FAR, month_number, quoted
from staycurve.tables.mrr_movements import rate_join, value_sql

VALUES = {
    "customers": N_("accounts that pay at the close of the month; at age 0 all of the cohort"),
    "net_mrr": N_("their MRR at the close of the month; at age 0 their new MRR"),
    "gross_mrr": N_("the least MRR of each account so far: losses without later gains"),
}
HOWS = {
    "count": N_("the number itself"),
    "share": N_("the number ÷ the cohort's number at age 0"),
    "change": N_("the number ÷ the number a month earlier, less 1"),
}
SMALL = 20
"""Cohorts with fewer accounts are flagged: one account moves their rate by five points or more."""


@dataclass(frozen=True)
class CohortQuery:
    """What is asked of the matrix.

    Attributes
    ----------
    value : str
        A key of VALUES.
    how : str
        A key of HOWS.
    months : tuple of Period
        From the first paid month to as-of's, in order.
    """

    value: str
    how: str
    months: tuple[Period, ...]
    as_of: AsOf
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()


def is_additive(query: CohortQuery) -> bool:
    """Whether the sizes of the segments sum to the whole: not where accounts start with several."""
    return not any(dim in ITEM_TRAITS for dim in query.by)


def check(query: CohortQuery, attributes: Sequence[str]) -> None:
    """Raise where a dimension or a value is not known."""
    if query.value not in VALUES:
        raise UnknownNameError("cohort value", query.value, VALUES)
    if query.how not in HOWS:
        raise UnknownNameError("way to show a cohort", query.how, HOWS)
    known = known_dims(RELATIONS["closing"], attributes)
    for dim in (*query.by, *(f.dim for f in query.filters)):
        if dim not in known:
            raise UnknownNameError("dimension", dim, known)


def statement(query: CohortQuery, config: Config) -> str:
    """SQL of rows (cohort_on, seg…, age, size, number), money in micro-units."""
    dims = (*query.by, *(f.dim for f in query.filters))
    is_still = not any(dim in ITEM_TRAITS or dim in MOVING for dim in dims)
    if not is_still or config.convention("netting") == "month":
        return _from_accounts(query, config)
    return (_from_falls if query.value == "gross_mrr" else _from_changes)(query, config)


def _from_changes(query: CohortQuery, config: Config) -> str:
    """The matrix from what changed: nothing is followed account by account."""
    # The cohort itself may be what is asked for: each dimension has one column.
    dims = tuple(dict.fromkeys((*query.by, *(f.dim for f in query.filters), COHORT)))
    whole = Context(
        config, "month", query.months, query.as_of, dims, len(dims) - 1, query.filters
    )
    cohort = f"CAST({whole.seg(COHORT)} || '-01' AS DATE)"
    segs = "".join(f", seg{place}" for place in range(len(query.by)))
    keys = dict.fromkeys((*(f"seg{place}" for place in range(len(query.by))), whole.seg(COHORT)))
    count = query.value == "customers"
    rows = payer_totals if count else value_totals
    segments, joins = whole.segments(account="v.account_id", own=MOVEMENT_COHORT)
    order = "".join(f"{order_sql(dim, f's.seg{n}')}, " for n, dim in enumerate(query.by))
    edges = "" if count else f"value_edges AS ({value_edges(whole)}),\n"
    return f"""WITH periods AS ({points_sql(whole)}),
first_days AS ({_first_days(config)}),
firsts AS (SELECT account_id, first_paid_on FROM first_days),
{whole.segment_ctes}opened AS (
    SELECT {cohort} AS cohort_on{segs}, COUNT(*) AS size,
           SUM({"CASE WHEN after > 0 THEN 1 ELSE 0 END" if count else "after"}) AS number
    FROM (
        SELECT v.after{segments}
        FROM first_days v
        {joins}
        WHERE v.first_paid_on <= DATE '{query.as_of.last_day}'
    ) listed WHERE {whole.where()} GROUP BY ALL
),
{edges}totals AS ({rows("periods", "close_on")(whole)}),
later AS (
    SELECT start_on, {", ".join(keys)}, SUM({"change" if count else "value"}) AS number
    FROM totals WHERE {whole.where()} GROUP BY ALL
),
cells AS (
    SELECT cohort_on{segs}, 0 AS age, number FROM opened
    UNION ALL
    SELECT {cohort} AS cohort_on{segs}, {_age("start_on", cohort)} AS age, number
    FROM later WHERE start_on > {cohort}
)
SELECT s.cohort_on{segs.replace("seg", "s.seg")}, c.age, CAST(s.size AS BIGINT) AS size,
       CAST(coalesce(c.number, 0) AS HUGEINT) AS number
FROM opened s
LEFT JOIN cells c ON c.cohort_on = s.cohort_on{_same_segments(len(query.by))}
ORDER BY {order}s.cohort_on, c.age"""


def _from_falls(query: CohortQuery, config: Config) -> str:
    """The matrix of gross MRR from where it falls: an account that stands still has no row.

    What it last changed to in a month is what it stands at when that month closes; in the month
    in which it first paid that holds for the next. An account with an item in another currency
    changes its value with the rate, and is followed month by month.
    """
    dims = tuple(dict.fromkeys((*query.by, *(f.dim for f in query.filters))))
    whole = Context(
        config, "month", query.months, query.as_of, dims, len(query.by), query.filters
    )
    segments, joins = whole.segments(account="v.account_id", own=MOVEMENT_COHORT)
    segs = "".join(f", seg{place}" for place in range(len(query.by)))
    order = "".join(f"{order_sql(dim, f's.seg{n}')}, " for n, dim in enumerate(query.by))
    own = quoted(config.company.currency)
    abroad = f"SELECT account_id FROM mrr_items WHERE currency <> {own}"
    walk = "PARTITION BY account_id ORDER BY falls_in ROWS BETWEEN UNBOUNDED PRECEDING AND"
    followed = _followed(query, config, only=abroad, first_days=_first_days(config))
    return f"""{followed},
abroad AS (
    SELECT cohort_on{segs}, age, SUM(lowest) AS number FROM lowered GROUP BY cohort_on{segs}, age
),
started AS (
    SELECT account_id, first_paid_on, after{segs},
           CAST(date_trunc('month', first_paid_on) AS DATE) AS cohort_on,
           CASE WHEN EXISTS (SELECT 1 FROM ({abroad}) f WHERE f.account_id = listed.account_id)
                THEN 1 ELSE 0 END AS is_abroad
    FROM (
        SELECT v.account_id, v.first_paid_on, v.after{segments}
        FROM first_days v
        {joins}
        WHERE v.first_paid_on <= DATE '{query.as_of.last_day}'
    ) listed WHERE {whole.where()}
),
turns AS (
    SELECT s.account_id, s.cohort_on{segs.replace("seg", "s.seg")}, s.after AS began, v.after,
           v.day, v.last_mark,
           greatest({month_number("v.day")}, {month_number("s.cohort_on")} + 1) AS falls_in
    FROM started s
    JOIN mrr_movements v ON v.account_id = s.account_id AND v.day >= s.first_paid_on
    WHERE s.is_abroad = 0
),
closed AS (
    SELECT *, lead(falls_in) OVER (PARTITION BY account_id ORDER BY day, last_mark) AS next_in
    FROM turns
),
lows AS (
    SELECT cohort_on{segs}, falls_in, began, MIN(after) OVER ({walk} CURRENT ROW) AS low,
           MIN(after) OVER ({walk} 1 PRECEDING) AS low_before
    FROM closed WHERE next_in IS NULL OR next_in > falls_in
),
falls AS (
    SELECT cohort_on{segs}, falls_in,
           SUM(least(began, low) - least(began, coalesce(low_before, began))) AS change
    FROM lows WHERE low < coalesce(low_before, began) GROUP BY cohort_on{segs}, falls_in
),
opened AS (
    SELECT cohort_on{segs}, COUNT(*) AS size,
           SUM(CASE WHEN is_abroad = 0 THEN after ELSE 0 END) AS number
    FROM started GROUP BY cohort_on{segs}
),
cells AS (
    SELECT cohort_on{segs}, age, SUM(number) AS number FROM (
        SELECT o.cohort_on{segs.replace("seg", "o.seg")},
               {_age("p.start_on", "o.cohort_on")} AS age, o.number
        FROM opened o JOIN periods p ON p.start_on >= o.cohort_on
        UNION ALL
        SELECT f.cohort_on{segs.replace("seg", "f.seg")},
               {_age("p.start_on", "f.cohort_on")} AS age, f.change
        FROM falls f JOIN periods p ON f.falls_in <= {month_number("p.start_on")}
        UNION ALL
        SELECT cohort_on{segs}, age, number FROM abroad
    ) every GROUP BY cohort_on{segs}, age
)
SELECT s.cohort_on{segs.replace("seg", "s.seg")}, c.age, CAST(s.size AS BIGINT) AS size,
       CAST(coalesce(c.number, 0) AS HUGEINT) AS number
FROM opened s
LEFT JOIN cells c ON c.cohort_on = s.cohort_on{_same_segments(len(query.by))}
ORDER BY {order}s.cohort_on, c.age"""


def _first_days(config: Config) -> str:
    """SQL of the first day on which each account paid, and what it paid at that day's close."""
    kept = "account_id, first_paid_on, after"
    if config.convention("netting") == "day":
        return f"SELECT {kept} FROM mrr_movements WHERE day = first_paid_on"
    # Within a day an account may start, leave and start again: the last of it counts.
    return f"""SELECT {kept} FROM (
        SELECT *, row_number() OVER (PARTITION BY account_id
                   ORDER BY CASE WHEN after > 0 THEN 0 ELSE 1 END, last_mark DESC) AS place
        FROM mrr_movements WHERE day = first_paid_on
    ) days WHERE place = 1"""


_NUMBERS = {"customers": "is_paying", "net_mrr": "value", "gross_mrr": "lowest"}


def cell_statement(query: CohortQuery, config: Config, *, cohort: Period, age: int) -> str:
    """SQL of rows (account_id, number) behind one cell, money in micro-units."""
    return f"""{_followed(query, config)}
SELECT account_id, CAST({_NUMBERS[query.value]} AS HUGEINT) AS number
FROM lowered
WHERE cohort_on = DATE '{cohort.start}' AND age = {age} AND {_NUMBERS[query.value]} <> 0
ORDER BY account_id"""


def _from_accounts(query: CohortQuery, config: Config) -> str:
    """The matrix account by account and month by month."""
    segs = "".join(f", seg{place}" for place in range(len(query.by)))
    order = "".join(f"{order_sql(dim, f's.seg{n}')}, " for n, dim in enumerate(query.by))
    return f"""{_followed(query, config)},
sizes AS (SELECT cohort_on{segs}, COUNT(*) AS size FROM members GROUP BY cohort_on{segs}),
cells AS (
    SELECT cohort_on{segs}, age, CAST(SUM({_NUMBERS[query.value]}) AS HUGEINT) AS number
    FROM lowered GROUP BY cohort_on{segs}, age
)
SELECT s.cohort_on{segs.replace("seg", "s.seg")}, c.age, CAST(s.size AS BIGINT) AS size,
       coalesce(c.number, 0) AS number
FROM sizes s
LEFT JOIN cells c ON c.cohort_on = s.cohort_on{_same_segments(len(query.by))}
ORDER BY {order}s.cohort_on, c.age"""


def _followed(
    query: CohortQuery, config: Config, *, only: str = "", first_days: str = ""
) -> str:
    """Each account of a cohort at each age, as `lowered`.

    What changes with time, such as the plan, is taken as it was on the account's first paid day;
    the account is then followed whole, whatever it changes to.

    Parameters
    ----------
    only : str
        SQL of the accounts that are followed, where not all are.
    first_days : str
        SQL of the accounts' first paid days, as `first_days`, where the rest of the statement
        needs them, too.
    """
    dims = tuple(dict.fromkeys((*query.by, *(f.dim for f in query.filters))))
    context = Context(
        config, "month", query.months, query.as_of, dims, len(query.by), query.filters
    )
    segments, joins = context.segments(
        account="f.account_id",
        own={trait: f'i."{trait}"' for trait in ITEM_TRAITS},
        day="f.first_paid_on",
    )
    if context.traits:
        joins = f"""JOIN mrr_items i ON i.account_id = f.account_id AND i.amount > 0
             AND i.starts_on <= f.first_paid_on
             AND coalesce(i.ends_on, {FAR}) > f.first_paid_on
        {joins}"""
    segs = "".join(f", seg{place}" for place in range(len(query.by)))
    bare = Context(config, "month", query.months, query.as_of)
    firsts = "SELECT account_id, first_paid_on FROM first_days" if first_days else FIRSTS_SQL
    known = f"first_days AS ({first_days}),\n" if first_days else ""
    return f"""WITH {known}periods AS ({points_sql(bare)}),
firsts AS ({firsts}),
{context.segment_ctes}members AS (
    SELECT DISTINCT account_id, first_paid_on, cohort_on{segs} FROM (
        SELECT f.account_id, f.first_paid_on,
               CAST(date_trunc('month', f.first_paid_on) AS DATE) AS cohort_on{segments}
        FROM firsts f
        {joins}
        WHERE f.first_paid_on <= DATE '{query.as_of.last_day}'
              {f"AND f.account_id IN ({only})" if only else ""}
    ) listed WHERE {context.where()}
),
starts AS (
    SELECT m.account_id, m.cohort_on{segs}, 0 AS age, 1 AS is_paying,
           SUM({value_sql(config, item="i", rate="x")}) AS value
    FROM members m
    JOIN mrr_items i ON i.account_id = m.account_id AND i.starts_on <= m.first_paid_on
         AND coalesce(i.ends_on, {FAR}) > m.first_paid_on
    {rate_join(item="i", day="m.first_paid_on", rate="x")}
    GROUP BY m.account_id, m.cohort_on{segs}
),
closes AS (
    SELECT * FROM ({standing_rows("periods", is_counting=True)(bare)}) c
    {f"WHERE c.account_id IN ({only})" if only else ""}
),
later AS (
    SELECT m.account_id, m.cohort_on{segs}, {_age("c.start_on", "m.cohort_on")} AS age,
           MAX(c.is_paying) AS is_paying, SUM(c.value) AS value
    FROM members m
    JOIN closes c ON c.account_id = m.account_id AND c.start_on > m.cohort_on
    GROUP BY m.account_id, m.cohort_on{segs}, c.start_on
),
followed AS (SELECT * FROM starts UNION ALL SELECT * FROM later WHERE is_paying = 1),
lowered AS (
    SELECT *,
           CASE WHEN row_number() OVER (PARTITION BY account_id{segs} ORDER BY age) = age + 1
                THEN MIN(value) OVER (PARTITION BY account_id{segs} ORDER BY age
                     ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
                ELSE 0 END AS lowest
    FROM followed
)"""


def _age(later: str, cohort: str) -> str:
    return f"({month_number(later)}) - ({month_number(cohort)})"


def _same_segments(count: int) -> str:
    return "".join(
        f" AND c.seg{place} IS NOT DISTINCT FROM s.seg{place}" for place in range(count)
    )


def matrix(query: CohortQuery, answer: Sequence[Sequence[object]]) -> list[dict[str, object]]:
    """The rows of the matrix, one a cohort and age, from the statement's answer.

    A cell whose month has not closed is empty; one after everybody left is 0.
    """
    places = len(query.by)
    found: dict[tuple[object, ...], dict[int, int]] = {}
    sizes: dict[tuple[object, ...], int] = {}
    for row in answer:
        # A row is (cohort_on, seg…, age, size, number).
        key = (*row[1 : 1 + places], row[0])
        age, size, number = row[1 + places :]
        sizes[key] = int(str(size))
        if age is not None:
            found.setdefault(key, {})[int(str(age))] = int(str(number))
    scale = 1 if query.value == "customers" else 1_000_000
    rows: list[dict[str, object]] = []
    for key, size in sizes.items():
        cohort = key[-1]
        segment = dict(zip(query.by, key[:-1], strict=True))
        rows += _row_of_cells(query, cohort, segment, size, found.get(key, {}), scale)
    return rows


def _row_of_cells(
    query: CohortQuery,
    cohort: object,
    segment: Mapping[str, object],
    size: int,
    numbers: Mapping[int, int],
    scale: int,
) -> list[dict[str, object]]:
    rows = []
    first = next(i for i, m in enumerate(query.months) if m.start == cohort)
    previous: int | None = None
    for age, month in enumerate(query.months[first:]):
        row: dict[str, object] = {
            "cohort": str(cohort),
            "age": age,
            "size": size,
            "segment": dict(segment),
            "is_small": size < SMALL,
        }
        number = numbers.get(age, 0)
        if query.as_of.is_open(month):
            row |= {"value": None, "why": STILL_OPEN}
        elif query.how == "count":
            row["value"] = number if scale == 1 else number / scale
        else:
            divisor = numbers.get(0, 0) if query.how == "share" else previous
            row |= _quotient(number, divisor, minus=0 if query.how == "share" else 1)
        previous = number
        rows.append(row)
    return rows


def _quotient(number: int, divisor: int | None, *, minus: int) -> dict[str, object]:
    if divisor is None:
        return {"value": None, "why": N_("there is no month before")}
    if divisor == 0:
        return {"value": None, "why": N_("division by zero: nothing to compare with")}
    return {"value": number / divisor - minus}

