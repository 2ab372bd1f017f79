"""Segments of users and accounts: SQL that finds them, and shares with their intervals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.insights.usage.usage_question import UseQuestion
from staycurve.metrics.dimensions import FIRSTS_SQL, ITEM_TRAITS, order_sql
from staycurve.tables.engine import FAR


@dataclass(frozen=True)
class Cut:
    """Rows of somebody in their segments.

    Attributes
    ----------
    ctes : tuple of str
        Common table expressions, to follow those that define the rows.
    name : str
        The relation with the columns of the rows and seg0, seg1, … of `segs`.
    segs : str
        `, seg0, …` of the dimensions that split the answer.
    """

    ctes: tuple[str, ...]
    name: str
    segs: str = ""


def cut(
    question: UseQuestion, rows: str, columns: Sequence[str], *, day: str, fallback_day: str = "",
    own: Mapping[str, str] | None = None,
) -> Cut:
    """The rows of the relation `rows` in the asked segments, by their account.

    Parameters
    ----------
    columns : sequence of str
        Columns of `rows` that are kept; together they identify a row. `entity` and `account_id`
        are among the columns of `rows`.
    day : str
        SQL, over `b`, of the day on which dimensions that move with time are read.
    fallback_day : str
        Read where there is nothing on `day`.
    own : mapping, optional
        Dimension → SQL over `b`, for what the rows know themselves.
    """
    context = question.context
    if not context.dims:
        return Cut((), rows)
    ctes = []
    if context.needs_firsts:
        ctes.append(f"firsts AS ({FIRSTS_SQL})")
    ctes += [f"{name} AS ({sql})" for name, sql in context.segment_relations().items()]
    ctes.append(customers_cte(question, rows))
    segments, joins = context.segments(
        account="b.customer", day=day, fallback_day=fallback_day,
        user="b.entity" if question.whose == "user" else "",
        own={**{trait: f'i."{trait}"' for trait in ITEM_TRAITS}, **(own or {})},
    )
    # An account has several items, and may have several plans of which a filter keeps two.
    distinct = "DISTINCT " if context.traits else ""
    if context.traits:
        joins = f"""LEFT JOIN mrr_items i ON i.account_id = b.customer AND i.amount > 0
     AND i.starts_on <= {fallback_day or day} AND coalesce(i.ends_on, {FAR}) > {day}
{joins}"""
    segs = "".join(f", seg{place}" for place in range(len(question.by)))
    shown = "".join(
        f", {question.shown_sql(dim, f'seg{place}')} AS seg{place}"
        for place, dim in enumerate(question.by)
    )
    listed = ", ".join(f"b.{column}" for column in columns)
    ctes.append(f"""cut_rows AS (
    SELECT {distinct}{", ".join(columns)}{shown}
    FROM (
        SELECT {listed}{segments}
        FROM with_customers b
        {joins}
    ) listed
    WHERE {context.where()}
)""")
    return Cut(tuple(ctes), "cut_rows", segs)


def customers_cte(question: UseQuestion, rows: str) -> str:
    """The relation with_customers: `rows` with the customer that each belongs to."""
    if question.whose == "account":
        return f"with_customers AS (SELECT b.*, b.entity AS customer FROM {rows} b)"
    return f"""with_customers AS (
    SELECT b.*, coalesce(r.root_id, b.account_id, u.account_id) AS customer
    FROM {rows} b
    LEFT JOIN users u ON u.user_id = b.entity
    LEFT JOIN account_roots r ON r.account_id = coalesce(b.account_id, u.account_id)
)"""


def listed_sql(question: UseQuestion, rows: str, columns: str, order: str = "") -> str:
    """SELECT of (entity, customer, columns…) from the relation `rows`, ordered at last by entity.

    Parameters
    ----------
    columns : str
        SQL over `b`, with a comma before it; may be empty.
    """
    order = f"{order}, entity" if order else "entity"
    if question.whose == "account":
        return (
            f"SELECT b.entity, b.entity AS customer{columns} FROM {rows} b ORDER BY {order}"
        )
    return f"""SELECT b.entity, coalesce(r.root_id, b.account_id, u.account_id) AS customer{columns}
FROM {rows} b
LEFT JOIN users u ON u.user_id = b.entity
LEFT JOIN account_roots r ON r.account_id = coalesce(b.account_id, u.account_id)
ORDER BY {order}"""


def by_segment(
    question: UseQuestion, answer: Iterable[Sequence[Any]], *, has_events: bool
) -> dict[tuple[Any, ...], dict[dt.date, Sequence[int]]]:
    """Segment → start → numbers, from rows (start_on, seg…, numbers…).

    The whole stands there without any row too, where there are events at all.
    """
    places = len(question.by)
    found: dict[tuple[Any, ...], dict[dt.date, Sequence[int]]] = {}
    for start, *rest in answer:
        found.setdefault(tuple(rest[:places]), {})[start] = rest[places:]
    if not found and not places and has_events:
        found[()] = {}
    return found


def order_of(question: UseQuestion, *keys: str) -> str:
    """SQL to order an answer by its segments, then by `keys`."""
    segs = [order_sql(dim, f"seg{place}") for place, dim in enumerate(question.by)]
    return ", ".join([*segs, *keys])


Interval = tuple[float | None, float | None, float | None]


def shares(counts: Sequence[int], sizes: Sequence[int]) -> list[Interval]:
    """(share, low, high) of each count in its size, with the 95% Wilson interval.

    Empty where a size is 0.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22:209-212.
    """
    known = [place for place, size in enumerate(sizes) if size]
    found: list[Interval] = [(None, None, None)] * len(sizes)
    if not known:
        return found
    from statsmodels.stats.proportion import proportion_confint

    from staycurve.insights.statistics.proportions import LEVEL

    lows, highs = proportion_confint(
        [counts[place] for place in known], [sizes[place] for place in known],
        alpha=1 - LEVEL, method="wilson",
    )
    for place, low, high in zip(known, lows, highs, strict=True):
        count, size = counts[place], sizes[place]
        # At 0 and at the size the bound is exact; rounding leaves it a hair away.
        found[place] = (
            count / size, float(low) if count else 0.0, float(high) if count < size else 1.0
        )
    return found
