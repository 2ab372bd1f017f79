"""Tops: which values of a property or trait are shown one by one; the rest is one segment.

Nobody knows beforehand how many values a property has. Those that most users or accounts have in
the days that are asked for stand by themselves, then those with the most events, then the first by
their text; all others stand together, and so does a value that is written as they are. Who has
none of the dimension stands apart as before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage.usage_acts import acts_sql, own_sql
from staycurve.insights.usage.usage_asking import seeing
from staycurve.insights.usage.usage_question import Doing, UseQuestion
from staycurve.insights.usage.usage_segments import cut
from staycurve.metrics.dimensions import OTHER
from staycurve.tables.engine import quoted

FIRST_VALUES = 25
"""As many as PostHog shows of a breakdown without more being asked for."""

Values = Annotated[
    int | None,
    Param(
        N_("How many values of a property or trait are shown one by one, without it 25; the "
           "others stand together."),
        least=1, most=1000,
    ),
]


def with_tops(
    company: Reader, use: UseQuestion, doings: Sequence[Doing], first: dt.date, last: dt.date,
    values: int | None,
) -> UseQuestion:
    """The question with the values that are shown one by one, where a dimension has more.

    Parameters
    ----------
    doings : sequence of Doing
        What is looked at; any of them.
    first, last : date
        Local days, both included, in which it lies.
    values : int, optional
        How many are shown one by one.
    """
    rest = [one for one in use.filters if one.dim in use.many_valued and one.values == (OTHER,)]
    split = [dim for dim in use.many_valued if dim in use.by or dim in {one.dim for one in rest}]
    if not split:
        return use
    most = values or FIRST_VALUES
    whole = replace(use, filters=tuple(one for one in use.filters if one not in rest))
    found = []
    with seeing(company, use, doings) as engine:
        for dim in split:
            asked = replace(whole, by=(dim,))
            rows = engine.rows(_statement(asked, doings, first, last, most))
            if len(rows) > most:
                found.append((dim, tuple(row[0] for row in rows[:most])))
    known = replace(use, tops=tuple(found))
    filters = tuple(
        known.within(one.dim, OTHER) if one in rest and not one.is_negated else one
        for one in use.filters
    )
    return replace(known, filters=filters)


def _statement(
    asked: UseQuestion, doings: Sequence[Doing], first: dt.date, last: dt.date, most: int
) -> str:
    """SQL of rows (value, people, days) of the dimension of `by`, those that most have first."""
    either = " OR ".join(dict.fromkeys(one.test(asked.config) for one in doings))
    acts = acts_sql(
        asked, columns="e.occurred_on AS day", is_told=True,
        where=(
            f"({either}) AND e.occurred_on >= DATE '{first}' AND e.occurred_on <= DATE '{last}'"
        ),
    )
    cutting = cut(
        asked.by_account(), "acts", ("entity", "account_id", "day"), day="b.day",
        own=own_sql(asked),
    )
    ctes = ",\n".join((f"acts AS ({acts})", *cutting.ctes))
    return f"""WITH {ctes}
SELECT seg0 AS value, CAST(COUNT(DISTINCT entity) AS BIGINT) AS people,
       CAST(COUNT(*) AS BIGINT) AS days
FROM {cutting.name} WHERE seg0 IS NOT NULL AND seg0 <> {quoted(OTHER)}
GROUP BY seg0
ORDER BY people DESC, days DESC, seg0
LIMIT {most + 1}"""
