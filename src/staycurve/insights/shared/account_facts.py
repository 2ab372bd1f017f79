"""Facts about accounts on a day that several readings share, as relations to follow WITH."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from staycurve.config import Config
from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.shared.members import Question
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import FIRSTS_SQL, ITEM_TRAITS, PROPERTY
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.tables.engine import FAR, quoted
from staycurve.tables.mrr_movements import rate_join, value_sql

# Each band begins four to five times above the one before: within one, accounts are of a kind.
# Narrower bands compare fewer accounts, wider ones leave differences of size inside.
SIZES = ((0, "1-9"), (10, "10-49"), (50, "50-199"), (200, "200-999"), (1000, "1000+"))

SIZE_LABEL = N_("account size: employees, or MRR where they are not known")


def check_dims(
    by: Sequence[str], filters: Sequence[Filter], attributes: Sequence[str],
    *, relation: str = "closing", also: Sequence[str] = (),
    not_carried: Sequence[str] = (),
) -> None:
    """Raise for a dimension that is not known, or that the reading does not carry.

    Parameters
    ----------
    attributes : sequence of str
        Names of account attributes beside the declared columns.
    relation : str
        The relation of the metrics that can be cut as the reading can.
    also : sequence of str
        What else the reading carries, for the suggestion.
    not_carried : sequence of str
        What is known, and not of accounts.
    """
    known = known_dims(RELATIONS[relation], attributes)
    for dim in (*by, *(f.dim for f in filters)):
        if dim in known:
            continue
        if dim in known_dims(RELATIONS["closing"], attributes):
            raise NotAnsweredError(
                f"This cannot be cut by {dim}: an account has none on that day.",
                hint=f"It can be cut by: {', '.join(known)}",
                dimension=dim,
            )
        if dim.startswith(PROPERTY) or dim in not_carried:
            raise NotAnsweredError(
                f"This cannot be cut by {dim}: it is about accounts, and not about what they do.",
                hint=f"It can be cut by: {', '.join(known)}",
                dimension=dim,
            )
        raise UnknownNameError("dimension", dim, [*known, *also])


def shared_sql(question: Question) -> str:
    """The relations `firsts` and those of moving dimensions, each with a comma after it."""
    return f"firsts AS ({FIRSTS_SQL}),\n{question.context.segment_ctes}"


def picked_sql(question: Question, points: Mapping[dt.date, dt.date]) -> str:
    """The relation `picked`: customers in the asked segments, as (account_id, key_on).

    It needs `shared_sql`. A trait of items, such as the plan, is that of any item then in force.

    Parameters
    ----------
    points : mapping
        Key → the day on which the segments are read. A day after what is asked for would choose
        accounts by what came of them.
    """
    own = {trait: f'i."{trait}"' for trait in ITEM_TRAITS}
    context = question.context
    segments, joins = context.segments(account="b.account_id", own=own, day="d.day")
    if context.traits:
        joins = f"""LEFT JOIN mrr_items i ON i.account_id = b.account_id
             AND i.starts_on <= d.day AND coalesce(i.ends_on, {FAR}) > d.day
        {joins}"""
    rows = ", ".join(f"(DATE '{key}', DATE '{day}')" for key, day in points.items())
    return f"""picked AS (
    SELECT DISTINCT account_id, key_on
    FROM (
        SELECT b.account_id, d.key_on{segments}
        FROM (SELECT DISTINCT root_id AS account_id FROM account_roots WHERE NOT is_excluded) b
        CROSS JOIN (SELECT * FROM (VALUES {rows}) AS v(key_on, day)) d
        {joins}
    ) listed
    WHERE {context.where()}
)"""


def closing_sql(config: Config, day: str, *, days: str = "") -> str:
    """SQL of each customer's MRR at the close of a day: (account_id, mrr), in micro-units.

    Items are valued at the day's rates, as the metric `mrr` values them. What was booked at an
    account's last change lacks what exchange rates have done since.

    Parameters
    ----------
    day : str
        SQL of the day.
    days : str, optional
        A relation with `day`, known as `d`: the rows are of each of its days, and carry it.
    """
    own, of = (", d.day", f"JOIN {days} d ON 1 = 1") if days else ("", "")
    key = ", day" if days else ""
    return f"""SELECT account_id{key}, CAST(SUM(value) AS BIGINT) AS mrr
FROM (
    SELECT i.account_id{own}, {value_sql(config, item="i", rate="x")} AS value
    FROM mrr_items i
    {of}
    {rate_join(item="i", day=day, rate="x")}
    WHERE i.starts_on <= {day} AND coalesce(i.ends_on, {FAR}) > {day}
) valued
GROUP BY account_id{key} HAVING SUM(value) > 0"""


def customers_sql(config: Config, day: str, *, days: str = "") -> str:
    """SQL of the customers that pay at the close of a day: (account_id, mrr, first_paid_on).

    Parameters are those of `closing_sql`. Whoever has MRR then pays, however movements are netted.
    """
    key = ", c.day" if days else ""
    return f"""SELECT c.account_id{key}, c.mrr, f.first_paid_on
FROM (
{closing_sql(config, day, days=days)}
) c
LEFT JOIN (
{FIRSTS_SQL}
) f ON f.account_id = c.account_id"""


def paying_sql(relation: str, day: dt.date, question: Question) -> str:
    """A relation of (account_id, mrr): customers with MRR above 0 at the close of a day."""
    close = f"DATE '{min(day, question.as_of.last_day)}'"
    return f"{relation} AS (\n{closing_sql(question.config, close)}\n)"


def plans_sql(relation: str, day: dt.date) -> str:
    """A relation of (account_id, plan): the plan of each customer's largest item on a day."""
    return f"""{relation} AS (
    SELECT account_id, plan
    FROM (
        SELECT account_id, plan, row_number() OVER (PARTITION BY account_id
                   ORDER BY amount DESC, subscription_id, coalesce(item_id, ''), starts_at) AS place
        FROM mrr_items
        WHERE starts_on <= DATE '{day}' AND coalesce(ends_on, {FAR}) > DATE '{day}'
    ) items
    WHERE place = 1
)"""


def size_sql(employees: str, mrr: str) -> str:
    """SQL for the band of an account's size: employees where known, else MRR in micro-units."""
    from staycurve.metrics.dimensions import MRR_BANDS

    staff = " ".join(
        f"WHEN {employees} >= {low} THEN {quoted(f'{label} employees')}"
        for low, label in reversed(SIZES)
    )
    money = " ".join(
        f"WHEN {mrr} >= {low * 1_000_000} THEN {quoted(f'MRR {label}')}"
        for low, label in reversed(MRR_BANDS)
    )
    return f"CASE {staff} {money} ELSE 'unknown' END"


def tenure_sql(first_paid_on: str, day: str) -> str:
    """SQL for the band of the time from the first paid day to a day, both SQL."""
    from staycurve.metrics.dimensions import TENURE_BANDS

    cases = " ".join(
        f"WHEN CAST({first_paid_on} + INTERVAL {months} MONTH AS DATE) <= {day} "
        f"THEN {quoted(label)}"
        for months, label in reversed(TENURE_BANDS)
    )
    return f"CASE {cases} ELSE 'unknown' END"
