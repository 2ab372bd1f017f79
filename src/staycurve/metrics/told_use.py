"""Told use: month tables of use made from events, for what each event or its user tells.

The month tables know no properties, and an account's rows not which of its users did what. A cut
by such a dimension counts as if the events of a segment were all that there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from staycurve.metrics.context import Context, Filter
from staycurve.metrics.dimensions import OTHER, PROPERTY
from staycurve.metrics.user_traits import trait_sql
from staycurve.tables.engine import quoted
from staycurve.tables.usage_days import (
    activation_sql,
    active_sql,
    counted_sql,
    feature_sql,
    property_sql,
)
from staycurve.tables.usage_months import DAY_BIT

FIRST_VALUES = 25
"""Values of a property that are shown one by one: as many as PostHog shows of a breakdown."""

_OF_USERS = "user_months"
_KEYS = {
    _OF_USERS: ("account_id", "user_id"),
    "account_months": ("account_id",),
    "feature_months": ("account_id", "feature"),
}
_MORE = {
    # A user of several accounts is found by counting: what a user's other months say is not read.
    _OF_USERS: "TRUE AS is_shared",
    "account_months": "MIN(day) AS first_on",
    "feature_months": "MIN(day) AS first_day",
}
_TESTS = {
    _OF_USERS: "is_active AND user_id IS NOT NULL",
    "account_months": "is_active AND account_id IS NOT NULL",
    "feature_months": "account_id IS NOT NULL",
}


def told_dims(context: Context, table: str) -> tuple[str, ...]:
    """The asked dimensions that events tell: properties and, of accounts, their users' traits.

    A user has one value of a trait, which is looked up; an account's users have theirs.
    """
    return tuple(
        dim for dim in context.dims
        if dim.startswith(PROPERTY) or (table != _OF_USERS and dim in context.of_users)
    )


def months_sql(context: Context, table: str, first: dt.date, last: dt.date) -> str:
    """SQL of rows as `table` has them, of the events in the asked segments, each in its own.

    Columns `told0`, `told1`, … hold the dimensions of `told_dims`, NULL where one only restricts.

    Parameters
    ----------
    first, last : date
        Local days between which, ends included.
    """
    dims = told_dims(context, table)
    split = context.dims[: context.by_count]
    plain = [one for one in context.filters if not _is_rest(one)]
    acts = _acts(context, dims, plain, first, last)
    shown, joins, tests = [], [], []
    for place, dim in enumerate(dims):
        rest = [one for one in context.filters if one.dim == dim and _is_rest(one)]
        column = f"a.told{place}"
        if dim.startswith(PROPERTY) and (dim in split or rest):
            joins.append(f"LEFT JOIN ({_tops(acts, place)}) v{place} ON v{place}.value = {column}")
            column = (
                f"CASE WHEN {column} IS NULL OR v{place}.value IS NOT NULL THEN {column} "
                f"ELSE {quoted(OTHER)} END"
            )
        tests += [one.sql(column) for one in rest]
        shown.append(f"{column if dim in split else 'CAST(NULL AS VARCHAR)'} AS told{place}")
    keys = ", ".join(_KEYS[table])
    tolds = ", ".join(f"told{place}" for place in range(len(dims)))
    month = "CAST(date_trunc('month', day) AS DATE)"
    where = " AND ".join((_TESTS[table], *tests))
    lines = "\n    ".join(joins)
    return f"""SELECT {keys}, {tolds}, {month} AS month_on,
       CAST(bit_or({DAY_BIT}) AS BIGINT) AS days, {_MORE[table]}
FROM (
    SELECT a.account_id, a.user_id, a.feature, a.day, {", ".join(shown)}
    FROM ({acts}) a
    {lines}
    WHERE {where}
) told GROUP BY {keys}, {tolds}, {month}"""


def told_filters(context: Context) -> tuple[str, ...]:
    """The dimensions that only restrict, and that events or their users tell."""
    split = context.dims[: context.by_count]
    return tuple(
        dim for dim in context.dims
        if dim not in split and (dim.startswith(PROPERTY) or dim in context.of_users)
    )


def activations_sql(context: Context) -> str:
    """SQL of rows (account_id, activated_on): the first activation among the told events."""
    last = context.as_of.last_day
    acts = _acts(context, told_filters(context), context.filters, dt.date.min, last)
    return f"""SELECT account_id, MIN(day) AS activated_on FROM (
    {acts} AND {activation_sql(context.config)}
) told WHERE account_id IS NOT NULL GROUP BY account_id"""


def tell_sql(dim: str) -> str:
    """SQL of what an event `e`, or its user `t`, tells of a dimension, as text."""
    if dim.startswith(PROPERTY):
        return property_sql("e.properties", dim.removeprefix(PROPERTY))
    return trait_sql(dim, alias="t")


def _is_rest(one: Filter) -> bool:
    """Whether a filter asks for the values that are not shown one by one."""
    return one.is_of_values and OTHER in one.values


def _acts(
    context: Context, dims: tuple[str, ...], filters: Sequence[Filter], first: dt.date,
    last: dt.date,
) -> str:
    """SQL of the events that count, as usage_days counts them, with what they tell."""
    config = context.config
    tells = {dim: tell_sql(dim) for dim in dims}
    tests = [one.sql(tells[one.dim]) for one in filters if one.dim in tells]
    own = "".join(f", {tells[dim]} AS told{place}" for place, dim in enumerate(dims))
    where = " AND ".join((
        counted_sql(config), f"e.occurred_at < {context.as_of_sql}",
        f"e.occurred_on >= DATE '{first}'", f"e.occurred_on <= DATE '{last}'",
        "coalesce(r.is_excluded, FALSE) = FALSE", *tests,
    ))
    return f"""SELECT coalesce(r.root_id, e.account_id, t.account_id) AS account_id, e.user_id,
           {feature_sql(config)} AS feature, e.occurred_on AS day,
           {active_sql(config)} AS is_active{own}
    FROM events e
    LEFT JOIN users t ON t.user_id = e.user_id
    LEFT JOIN account_roots r ON r.account_id = coalesce(e.account_id, t.account_id)
    WHERE {where}"""


def _tops(acts: str, place: int) -> str:
    """SQL of the values that most users have, then those with most events, then by their text."""
    return f"""SELECT told{place} AS value FROM ({acts}) ranked
    WHERE told{place} IS NOT NULL AND told{place} <> {quoted(OTHER)}
    GROUP BY told{place}
    ORDER BY COUNT(DISTINCT user_id) DESC, COUNT(day) DESC, told{place} LIMIT {FIRST_VALUES}"""
