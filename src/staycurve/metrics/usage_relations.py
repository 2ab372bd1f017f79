"""Relations over the usage tables: who was active in a period, with what, and since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from staycurve.metrics.context import Context
from staycurve.metrics.told_use import activations_sql, months_sql, told_dims, told_filters
from staycurve.period import Period, month_index, month_start
from staycurve.tables.standing import spans_sql

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class UsagePoint:
    """The days of one month that belong to a period, as bits."""

    start: dt.date
    month: dt.date
    bits: int
    close: dt.date


def points(context: Context, *, trailing: int = 0) -> list[UsagePoint]:
    """The months of each period that are seen, the days of the period in each as bits.

    Parameters
    ----------
    trailing : int
        Look at so many days up to each period's close instead of at the period.
    """
    found = []
    for period in context.periods:
        first, last = window(context, period, trailing=trailing)
        for index in range(month_index(first), month_index(last) + 1):
            month, after = month_start(index), month_start(index + 1)
            low, high = max(first, month), min(last, after - _DAY)
            bits = sum(1 << (day - 1) for day in range(low.day, high.day + 1))
            found.append(UsagePoint(period.start, month, bits, last))
    return found


def window(context: Context, period: Period, *, trailing: int = 0) -> tuple[dt.date, dt.date]:
    """First and last day of a period that are seen."""
    last = context.close_on(period)
    return (last - dt.timedelta(days=trailing - 1) if trailing else period.start), last


def points_sql(found: list[UsagePoint]) -> str:
    """Rows of (start_on, month_on, bits, close_on)."""
    rows = ", ".join(
        f"(DATE '{point.start}', DATE '{point.month}', CAST({point.bits} AS BIGINT), "
        f"DATE '{point.close}')"
        for point in found
    )
    return f"SELECT * FROM (VALUES {rows}) AS v(start_on, month_on, bits, close_on)"


def _is_whole(found: list[UsagePoint]) -> bool:
    """Whether every period is one point, so that no row is met twice."""
    return len({point.start for point in found}) == len(found)


def _picked(
    context: Context, table: str, columns: str, found: list[UsagePoint], own: dict[str, str],
    *, user: str = "",
) -> str:
    """Rows of a month table with days in a period, with its segments, in the asked ones."""
    told = told_dims(context, table)
    held = table
    if told:
        held = f"({months_sql(context, table, *_days_of(found))})"
        own = own | {dim: f"u.told{place}" for place, dim in enumerate(told)}
    segments, joins = context.segments(account="u.account_id", own=own, day="p.close_on", user=user)
    return f"""SELECT * FROM (
    SELECT u.account_id, p.start_on, p.month_on{segments}, {columns}, u.days & p.bits AS days
    FROM {held} u
    JOIN ({points_sql(found)}) p ON p.month_on = u.month_on
    {joins}
    WHERE u.days & p.bits <> 0
) seen WHERE {context.where(without=told)}"""


def _days_of(found: list[UsagePoint]) -> tuple[dt.date, dt.date]:
    """The first and the last day of the points."""
    month = min(one.month for one in found)
    lowest = min(one.bits & -one.bits for one in found if one.month == month)
    return month.replace(day=lowest.bit_length()), max(one.close for one in found)


def user_rows(trailing: int = 0) -> Callable[[Context], str]:
    """One row a user and period in which it was active, in the first of its accounts.

    Columns: account_id, start_on, seg…, user_id, active_days, period_days.
    """

    def rows(context: Context) -> str:
        found = points(context, trailing=trailing)
        segs = context.seg_names
        columns = "u.user_id, u.is_shared"
        picked = _picked(context, "user_months", columns, found, {}, user="u.user_id")
        days = _days_case(context, trailing)
        # In several segments of the split a user counts in each, in several of a filter once.
        split, rest = context.split_names, context.any_of_rest
        several = f"""SELECT MIN(account_id) AS account_id, start_on{split}{rest}, user_id,
       CAST(SUM(bit_count(days)) AS BIGINT) AS active_days
FROM (
    SELECT MIN(account_id) AS account_id, start_on, month_on{split}{rest}, user_id,
           bit_or(days) AS days
    FROM ({{}}) picked GROUP BY start_on, month_on{split}, user_id
) once GROUP BY start_on{split}, user_id"""
        if not _is_whole(found):
            every = several.format(picked)
        else:
            # A user of one account is one row already; the few others are counted once.
            every = f"""SELECT account_id, start_on{segs}, user_id,
       CAST(bit_count(days) AS BIGINT) AS active_days
FROM ({picked}) own WHERE NOT is_shared
UNION ALL
{several.format(f"SELECT * FROM ({picked}) own WHERE is_shared")}"""
        return f"SELECT r.*, {days} AS period_days FROM ({every}) r"

    return rows


def _days_case(context: Context, trailing: int) -> str:
    """SQL for the number of days of a row's period that are seen."""
    lengths: dict[int, list[dt.date]] = {}
    for period in context.periods:
        first, last = window(context, period, trailing=trailing)
        lengths.setdefault((last - first).days + 1, []).append(period.start)
    most = max(lengths, key=lambda length: len(lengths[length]))
    cases = "".join(
        f" WHEN start_on IN ({', '.join(f'DATE {chr(39)}{day}{chr(39)}' for day in days)}) "
        f"THEN {length}"
        for length, days in lengths.items()
        if length != most
    )
    return f"CAST({f'CASE{cases} ELSE {most} END' if cases else most} AS BIGINT)"


def calendar_rows(context: Context) -> str:
    """How many days of each period are seen, for every segment in which anybody was active."""
    found = points(context)
    segs = context.seg_names
    days = _days_case(context, 0)
    periods = f"SELECT DISTINCT start_on FROM ({points_sql(found)}) p"
    if not context.dims:
        return f"""SELECT CAST(NULL AS VARCHAR) AS account_id, start_on, {days} AS period_days
FROM ({periods}) c"""
    split = context.split_names
    named = f"{split}{context.any_of_rest}".removeprefix(", ")
    once = f"GROUP BY {split.removeprefix(', ')}" if split else "HAVING COUNT(*) > 0"
    return f"""SELECT CAST(NULL AS VARCHAR) AS account_id, start_on{segs}, {days} AS period_days
FROM ({periods}) c CROSS JOIN (SELECT {named} FROM ({user_rows()(context)}) a {once}) s"""


def account_rows(context: Context) -> str:
    """One row an account and period in which anybody of it was active."""
    found = points(context)
    segs = context.seg_names
    picked = _picked(context, "account_months", "u.first_on", found, {})
    if _is_whole(found):
        return f"SELECT account_id, start_on{segs} FROM ({picked}) a"
    return f"SELECT DISTINCT account_id, start_on{segs} FROM ({picked}) a"


FEATURE = {"feature": "u.feature"}


def feature_rows(context: Context) -> str:
    """One row an active account, feature and period in which it used it."""
    found = points(context)
    segs = context.seg_names
    picked = _picked(context, "feature_months", "u.feature AS used", found, FEATURE)
    once = f"SELECT account_id, start_on{segs}, used FROM ({picked}) f"
    if not _is_whole(found):
        once = f"SELECT DISTINCT account_id, start_on{segs}, used FROM ({picked}) f"
    if not context.config.behaviour.usage.active:
        return once
    # Where only some events are activity, a feature can be used without it.
    active = _picked(context, "account_months", "u.first_on", found, {"feature": "NULL"})
    unfiltered = active.rpartition(" WHERE ")[0]
    return f"""SELECT * FROM ({once}) o WHERE EXISTS (
    SELECT 1 FROM ({unfiltered}) a WHERE a.account_id = o.account_id AND a.start_on = o.start_on)"""


def feature_base_rows(context: Context) -> str:
    """One row an active account and feature, whether the account used it or not."""
    return _feature_base(context, is_by_account=True)


def feature_base_totals(context: Context) -> str:
    """How many accounts were active, for every feature: what `feature_base_rows` sums to."""
    return _feature_base(context, is_by_account=False)


def _feature_base(context: Context, *, is_by_account: bool) -> str:
    found = points(context)
    others = [dim for dim in context.dims if dim != "feature"]
    plain = Context(
        context.config, context.grain, context.periods, context.as_of, tuple(others),
        len([dim for dim in others if dim in context.dims[: context.by_count]]),
        tuple(f for f in context.filters if f.dim != "feature"), context.of_users,
    )
    names = {dim: plain.seg(dim) for dim in others} | {"feature": "f.feature"}
    segs = "".join(f", {_of(names[dim])} AS {context.seg(dim)}" for dim in context.dims)
    months = sorted({point.month for point in found})
    listed = ", ".join(f"DATE '{month}'" for month in months)
    # The features that anybody used while the periods ran are the ones to adopt.
    features = f"SELECT DISTINCT feature FROM feature_months WHERE month_on IN ({listed})"
    join = "CROSS JOIN"
    on = ""
    told = told_dims(plain, "feature_months")
    if told:
        # Those of the segment: it counts as if its events were all that there are.
        named = ", ".join(f"told{place}" for place in range(len(told)))
        made = months_sql(plain, "feature_months", *_days_of(found))
        features = f"SELECT DISTINCT feature, {named} FROM ({made}) m"
        join = "JOIN"
        on = " ON " + " AND ".join(
            f"f.told{place} IS NOT DISTINCT FROM s.{plain.seg(dim)}"
            for place, dim in enumerate(told)
        )
    active = account_rows(plain)
    if not is_by_account:
        active = f"""SELECT start_on{plain.seg_names}, COUNT(account_id) AS accounts
    FROM ({active}) a GROUP BY start_on{plain.seg_names}"""
        return f"""SELECT CAST(NULL AS VARCHAR) AS account_id, s.start_on{segs}, s.accounts
FROM ({active}) s {join} ({features}) f{on}"""
    return f"""SELECT s.account_id, s.start_on{segs}, CAST(1 AS BIGINT) AS accounts
FROM ({active}) s {join} ({features}) f{on}"""


def _of(column: str) -> str:
    return column if "." in column else f"s.{column}"


def signup_sql(context: Context) -> str:
    """One row a customer: when it signed up, and the first day of an activation event, if any.

    Sign-up is the creation of the account; where that is not known, its first subscription. Of what
    events or their users tell, those alone can activate that are asked for.
    """
    last = f"DATE '{context.as_of.last_day}'"
    activated = """SELECT account_id, MIN(activated_on) AS activated_on FROM account_months
    WHERE activated_on IS NOT NULL GROUP BY account_id"""
    if told_filters(context):
        activated = activations_sql(context)
    return f"""SELECT s.account_id, s.signup_on,
       CASE WHEN f.activated_on <= {last} THEN greatest(f.activated_on, s.signup_on) END
           AS activated_on
FROM (
    SELECT account_id, coalesce(MIN(created_on), MIN(starts_on)) AS signup_on FROM (
        SELECT r.root_id AS account_id, a.created_on, CAST(NULL AS DATE) AS starts_on
        FROM accounts a JOIN account_roots r ON r.account_id = a.account_id
        WHERE NOT r.is_excluded
        UNION ALL
        SELECT r.root_id AS account_id, CAST(NULL AS DATE) AS created_on, b.starts_on
        FROM {spans_sql()} b JOIN account_roots r ON r.account_id = b.account_id
        WHERE NOT r.is_excluded
    ) known GROUP BY account_id
) s
LEFT JOIN (
    {activated}
) f ON f.account_id = s.account_id
WHERE s.signup_on <= {last}"""


def signup_rows(context: Context) -> str:
    """One row an account that signed up in the period.

    Columns: days (to its activation, or those it has been seen for), is_activated (1 or 0),
    is_mature (its window has passed), is_in_window (it activated within).
    """
    own = dict.fromkeys(told_filters(context), "NULL")
    segments, joins = context.segments(account="s.account_id", own=own, day="s.signup_on")
    last = f"DATE '{context.as_of.last_day}'"
    days = context.config.behaviour.activation.window_days
    window_end = f"CAST(s.signup_on + INTERVAL {days} DAY AS DATE)"
    return f"""SELECT s.account_id, p.start_on{segments},
       CAST(date_diff('day', s.signup_on, coalesce(s.activated_on, {last})) AS BIGINT) AS days,
       CASE WHEN s.activated_on IS NULL THEN 0 ELSE 1 END AS is_activated,
       CASE WHEN {window_end} <= {last} THEN 1 ELSE 0 END AS is_mature,
       CASE WHEN s.activated_on <= {window_end} THEN 1 ELSE 0 END AS is_in_window
FROM ({signup_sql(context)}) s
{context.join_period("s.signup_on")}
{joins}"""


def signup_medians(context: Context) -> str:
    """The Kaplan–Meier median of `days` for each period and segment; NULL where it is not reached.

    Kaplan & Meier (1958), J. Am. Stat. Assoc. 53:457: who is not there yet is censored.
    """
    by = "".join(f", seg{place}" for place in range(context.by_count))
    key = f"start_on{by}"
    return f"""SELECT CAST(NULL AS VARCHAR) AS account_id, {key},
       MIN(CASE WHEN log_left <= ln(0.5) + 1e-9 THEN days END) AS median_days
FROM (
    SELECT {key}, days, SUM(CASE WHEN reached = 0 THEN 0.0 WHEN reached = at_risk THEN -1000.0
               ELSE ln(1.0 - CAST(reached AS DOUBLE) / at_risk) END) OVER (
               PARTITION BY {key} ORDER BY days
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS log_left
    FROM (
        SELECT {key}, days, reached, SUM(accounts) OVER (
                   PARTITION BY {key} ORDER BY days DESC
                   ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS at_risk
        FROM (
            SELECT {key}, days, SUM(is_activated) AS reached, COUNT(account_id) AS accounts
            FROM ({signup_rows(context)}) r
            WHERE {context.where(without=told_filters(context))}
            GROUP BY {key}, days
        ) steps
    ) risks
) curve GROUP BY {key}"""
