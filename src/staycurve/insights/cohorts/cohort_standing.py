"""What each account of a cohort paid at the opening, at its peak and at the close: SQL."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.members import (
    Question,
    members_sql,
    spells_sql,
    whole_months,
)
from staycurve.period import month_index, month_start
from staycurve.tables.engine import FAR
from staycurve.tables.mrr_movements import rate_join, value_sql

OVERS = {
    "activation": N_("since each account's first paid day"),
    "12m": N_("over the twelve months before the close"),
}
GROUPS = {
    "left": N_("does not pay at the close"),
    "shrank": N_("pays less at the close than at the opening"),
    "stayed": N_("pays the same"),
    "grew": N_("pays more"),
}
GROUP_NAMES = {
    "left": N_("Left"), "shrank": N_("Pays less"), "stayed": N_("Pays the same"),
    "grew": N_("Pays more"),
}

Over = Annotated[
    str, Param(N_("Since activation, or over twelve months (12m)."), choices=tuple(OVERS))
]
PerCohort = Annotated[
    str,
    Param(N_("How activation months are grouped into cohorts."),
          choices=("month", "quarter", "year", "all")),
]


def close_of(question: Question) -> dt.date:
    return question.last_month.end - dt.timedelta(days=1)


def fared_sql(question: Question, over: str) -> str:
    """The relations up to `fared`: one row an account that stood at the opening, and segment.

    Rows of (account_id, first_paid_on, opening, peak, closing, plan, is_paying, last_on); `last_on`
    is the day on which it churned, or the first day after the close.
    """
    close = f"DATE '{close_of(question)}'"
    opened, standing = "f.first_paid_on", ""
    if over == "12m":
        year_ago = month_start(month_index(question.last_month.end) - 12) - dt.timedelta(days=1)
        opened = f"DATE '{year_ago}'"
        standing = f"""
    JOIN spells s ON s.account_id = f.account_id AND s.is_paying = 1
         AND s.starts_on <= {opened} AND s.ends_on > {opened}"""
    # Where months net, an account that comes and goes within one has no paying spell at all: it
    # opens on its first paid day, and its one change says when it left.
    at_open = f"i.starts_on <= o.open_on AND coalesce(i.ends_on, {FAR}) > o.open_on"
    at_close = f"i.starts_on <= {close} AND coalesce(i.ends_on, {FAR}) > {close}"
    return f"""{members_sql(question)},
{spells_sql(question)},
openers AS (
    SELECT f.account_id, f.first_paid_on, {opened} AS open_on
    FROM firsts f{standing}
    WHERE f.first_paid_on <= {opened} AND f.first_paid_on <= {close}
),
valued AS (
    SELECT o.account_id, i.plan, {value_sql(question.config, item="i", rate="x")} AS value,
           CASE WHEN {at_open} THEN 1 ELSE 0 END AS is_open,
           CASE WHEN {at_close} THEN 1 ELSE 0 END AS is_close
    FROM openers o
    JOIN mrr_items i ON i.account_id = o.account_id AND i.starts_on <= {close}
         AND coalesce(i.ends_on, {FAR}) > o.open_on
    {rate_join(item="i", day="o.open_on", rate="x")}
),
sums AS (
    SELECT account_id, SUM(is_open * value) AS opening, SUM(is_close * value) AS closing
    FROM valued GROUP BY account_id
),
plans AS (
    SELECT account_id, plan
    FROM (
        SELECT account_id, plan, row_number() OVER (PARTITION BY account_id
                   ORDER BY SUM(value) DESC, plan NULLS LAST) AS place
        FROM valued WHERE is_open = 1 GROUP BY account_id, plan
    ) ranked WHERE place = 1
),
paths AS (
    SELECT o.account_id, MAX(s.mrr) AS peak,
           MAX(CASE WHEN s.ends_on > {close} THEN s.is_paying ELSE 0 END) AS is_paying,
           coalesce(MAX(CASE WHEN s.is_paying = 1 THEN s.ends_on END), MIN(s.starts_on)) AS last_on
    FROM openers o
    JOIN spells s ON s.account_id = o.account_id AND s.starts_on <= {close}
    GROUP BY o.account_id
),
figures AS (
    SELECT o.account_id, o.first_paid_on, coalesce(v.opening, 0) AS opening,
           greatest(p.peak, coalesce(v.opening, 0)) AS peak,
           CASE WHEN p.is_paying = 1 THEN coalesce(v.closing, 0) ELSE 0 END AS closing, n.plan,
           p.is_paying,
           CASE WHEN p.is_paying = 1 THEN CAST({close} + INTERVAL 1 DAY AS DATE)
                ELSE p.last_on END AS last_on
    FROM openers o
    LEFT JOIN sums v ON v.account_id = o.account_id
    LEFT JOIN plans n ON n.account_id = o.account_id
    JOIN paths p ON p.account_id = o.account_id
),
fared AS (
    SELECT m.cohort_on{segs_of(question, "m.")}, g.*,
           CASE WHEN g.is_paying = 0 THEN 'left' WHEN g.closing < g.opening THEN 'shrank'
                WHEN g.closing > g.opening THEN 'grew' ELSE 'stayed' END AS fate,
           {whole_months("g.first_paid_on", "g.last_on")} AS tenure
    FROM members m
    JOIN figures g ON g.account_id = m.account_id
)"""


def statement(question: Question, over: str) -> str:
    """SQL of rows (cohort_on, seg…, fate, plan, accounts, opening, peak, closing, tenure).

    Money in micro-units; tenure is a sum of whole months.
    """
    segs = segs_of(question)
    order = "".join(f"seg{place} NULLS FIRST, " for place in range(len(question.by)))
    sums = ", ".join(
        f"CAST(SUM({column}) AS HUGEINT) AS {column}"
        for column in ("opening", "peak", "closing", "tenure")
    )
    return f"""WITH {fared_sql(question, over)}
SELECT cohort_on{segs}, fate, plan, CAST(COUNT(*) AS BIGINT) AS accounts, {sums}
FROM fared
GROUP BY cohort_on{segs}, fate, plan
ORDER BY {order}cohort_on, fate, plan NULLS FIRST"""
