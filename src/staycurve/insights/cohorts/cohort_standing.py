"""What each account of a cohort paid at the opening, at its peak and at the close: SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.cohorts.cohort_members import (
    FAR,
    Question,
    members_sql,
    segs_of,
    spells_sql,
    whole_months,
)
from staycurve.money import MICRO
from staycurve.period import month_index, month_start
from staycurve.tables.engine import quoted
from staycurve.tables.mrr_movements import rate_join, value_sql

GROUPS = {
    "left": N_("does not pay at the close"),
    "shrank": N_("pays less at the close than at the opening"),
    "stayed": N_("pays the same"),
    "grew": N_("pays more"),
}


def _close(question: Question) -> dt.date:
    return question.last_month.end - dt.timedelta(days=1)


def _figures(question: Question, over: str) -> str:
    """The relations up to `figures`: one row an account that stood at the opening.

    Rows of (account_id, first_paid_on, opening, peak, closing, plan, is_paying, last_on); `last_on`
    is the day on which it ceased to pay, or the first day after the close.
    """
    close = f"DATE '{_close(question)}'"
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
    return f"""WITH {_figures(question, over)}
SELECT cohort_on{segs}, fate, plan, CAST(COUNT(*) AS BIGINT) AS accounts, {sums}
FROM fared
GROUP BY cohort_on{segs}, fate, plan
ORDER BY {order}cohort_on, fate, plan NULLS FIRST"""


@dataclass(frozen=True)
class Fared:
    """One account behind a cohort's churn; money in micro-units.

    Attributes
    ----------
    last_on : date, optional
        The first day on which it no longer paid; None where it pays at the close.
    tenure : int
        Whole months from its first paid day to `last_on`, or to the close.
    """

    account_id: str
    cohort: dt.date
    first_paid_on: dt.date
    group: str
    plan: str | None
    opening: int
    peak: int
    closing: int
    last_on: dt.date | None
    tenure: int

    def as_dict(self) -> dict[str, Any]:
        """One row as `--format json` prints it; money in major units."""
        return {
            "account_id": self.account_id,
            "cohort": str(self.cohort),
            "first_paid_on": str(self.first_paid_on),
            "group": self.group,
            "plan": self.plan,
            "opening_mrr": self.opening / MICRO,
            "peak_mrr": self.peak / MICRO,
            "closing_mrr": self.closing / MICRO,
            "left_on": self.last_on and str(self.last_on),
            "tenure_months": self.tenure,
        }


def check_group(group: str | None) -> None:
    """Raise for a group that is not known."""
    if group is not None and group not in GROUPS:
        raise UnknownNameError("group", group, GROUPS)


def accounts_statement(
    question: Question, over: str, *, cohort: dt.date | None, group: str | None
) -> str:
    """SQL of the rows of Fared, those who lost the most MRR first.

    Parameters
    ----------
    question : Question
        Without `by`: an account is listed once.
    cohort : date, optional
        The first day of an activation month; all cohorts without it.
    """
    kept = ["1 = 1"]
    if cohort is not None:
        kept.append(f"cohort_on = DATE '{cohort}'")
    if group is not None:
        kept.append(f"fate = {quoted(group)}")
    return f"""WITH {_figures(question, over)}
SELECT account_id, cohort_on, first_paid_on, fate, plan, CAST(opening AS HUGEINT) AS opening,
       CAST(peak AS HUGEINT) AS peak, CAST(closing AS HUGEINT) AS closing,
       CASE WHEN is_paying = 0 THEN last_on END AS left_on, CAST(tenure AS BIGINT) AS tenure
FROM fared
WHERE {" AND ".join(kept)}
ORDER BY closing - opening, account_id"""


def accounts(answer: Iterable[Sequence[Any]]) -> list[Fared]:
    """The accounts that `accounts_statement` finds."""
    return [Fared(*row) for row in answer]
