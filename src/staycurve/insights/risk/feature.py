"""Feature: one thing that is known of an account on a day, declared once.

    days_inactive = Feature(
        label=N_("Days since last activity"), window=N_("90 days"),
        why=N_("Usage fades before most churn."), block=USAGE, column="days_inactive",
        worse="higher",
    )

A feature of a day uses only facts known on that day: whatever happened later leaves it as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.insights.account.facts_sql import TRAILING, seen_bits
from staycurve.insights.shared.account_facts import closing_sql
from staycurve.metrics.base import Unit
from staycurve.tables.engine import FAR

if TYPE_CHECKING:
    import numpy as np

Days = Sequence[dt.date]
LONGEST = 90
"""Days that the longest window looks back: a quarter, the rhythm in which most contracts bill."""


@dataclass(frozen=True)
class Block:
    """A relation of features that are computed together.

    Attributes
    ----------
    name : str
        What statements call it.
    statement : callable
        (config, days) → SELECT of (account_id, day, columns…), at most one row for an account
        and day. It may read `days` (day), `base` (account_id, day, mrr, first_paid_on, plan),
        `windows` (day, month_on, last28, prior28, last90), and every table, and uses no fact
        after `day`. A value that is not known is NULL, never 0.
    """

    name: str
    statement: Callable[[Config, Days], str]


@dataclass(frozen=True)
class Feature:
    """One fact about an account on a day.

    Attributes
    ----------
    label, why : str
        What it is, and why it may matter.
    window : str
        The time that it looks back over.
    block : Block
        Where it is computed.
    column : str
        Its column there, a number or NULL where it is not known.
    worse : str
        'higher', 'lower' or 'either': which side goes with churn in practice. It is shown; the
        models learn their own direction.
    unit : Unit
        How values are shown.
    evidence : str
        What it tells of what the account does or says: something wherever it is 'known', only
        where it is 'positive' (that nobody opened a ticket may mean that nobody cares), or 'none'.
        An account without any evidence is unknown: tenure and plan alone make nobody healthy.
    """

    label: str
    why: str
    window: str
    block: Block
    column: str
    worse: Literal["higher", "lower", "either"] = "higher"
    unit: Unit = Unit.COUNT
    evidence: Literal["known", "positive", "none"] = "none"

    def is_told(self, values: np.ndarray) -> np.ndarray:
        """Whether values of it are evidence, as bool of the same shape."""
        import numpy as np

        if self.evidence == "none":
            return np.zeros(len(values), dtype=bool)
        return values > 0 if self.evidence == "positive" else ~np.isnan(values)


NOW = N_("on the day")
LAST_28 = N_("28 days")
LAST_56 = N_("28 days against the 28 before")
LAST_90 = N_("90 days")
LAST_365 = N_("365 days")
EVER = N_("since the first day")


def days_between(start: str, end: str) -> str:
    """SQL of the days from one day to another."""
    return f"CAST(date_diff('day', {start}, {end}) AS BIGINT)"


def known_from(table: str, column: str, least: int, *, is_from: str = "1 = 1") -> str:
    """SQL: whether, on `day`, a table has told of at least so many days."""
    first = f"(SELECT MIN({column}) FROM {table} WHERE {is_from})"
    return f"coalesce({days_between(first, 'b.day')} >= {least}, FALSE)"


def shared_sql(config: Config, days: Days) -> str:
    """The relations `days`, `windows` and `base`, to follow WITH."""
    listed = ", ".join(f"(DATE '{day}')" for day in days)
    bits = ", ".join(
        f"(DATE '{day}', DATE '{month}', {last}, {prior}, {longest})"
        for day in days for month, last, prior, longest in _months(day)
    )
    return f"""days AS (SELECT CAST(day AS DATE) AS day FROM (VALUES {listed}) AS v(day)),
windows AS (
    SELECT CAST(day AS DATE) AS day, CAST(month_on AS DATE) AS month_on,
           CAST(last28 AS BIGINT) AS last28, CAST(prior28 AS BIGINT) AS prior28,
           CAST(last90 AS BIGINT) AS last90
    FROM (VALUES {bits}) AS v(day, month_on, last28, prior28, last90)
),
paying AS (
    SELECT account_id, day AS starts_on, after, first_paid_on,
           coalesce(lead(day) OVER (PARTITION BY account_id ORDER BY day, last_mark), {FAR})
               AS ends_on
    FROM mrr_movements
),
standing AS (
    SELECT p.account_id, d.day, p.first_paid_on
    FROM paying p
    JOIN days d ON p.starts_on <= d.day AND p.ends_on > d.day
    WHERE p.after > 0
),
in_force AS (
    SELECT account_id, day, plan,
           row_number() OVER (PARTITION BY account_id, day ORDER BY amount DESC, subscription_id,
               coalesce(item_id, ''), starts_at) AS place
    FROM (
        SELECT i.account_id, d.day, i.plan, i.amount, i.subscription_id, i.item_id, i.starts_at
        FROM mrr_items i
        JOIN days d ON i.starts_on <= d.day AND coalesce(i.ends_on, {FAR}) > d.day
        WHERE i.amount > 0
    ) items
),
closing AS (
{closing_sql(config, "d.day", days="days")}
),
base AS (
    SELECT s.account_id, s.day, c.mrr, s.first_paid_on, f.plan
    FROM standing s
    JOIN closing c ON c.account_id = s.account_id AND c.day = s.day
    LEFT JOIN in_force f ON f.account_id = s.account_id AND f.day = s.day AND f.place = 1
)"""


def _months(day: dt.date) -> list[tuple[dt.date, int, int, int]]:
    """Months that windows of a day reach into, each with the bits of its days in them."""
    found = []
    month = (day - dt.timedelta(days=LONGEST - 1)).replace(day=1)
    while month <= day:
        def bits(first: int, last: int, month: dt.date = month) -> int:
            return seen_bits(
                month, day - dt.timedelta(days=first), day - dt.timedelta(days=last)
            )

        found.append((
            month, bits(TRAILING - 1, 0), bits(2 * TRAILING - 1, TRAILING), bits(LONGEST - 1, 0)
        ))
        month = (month + dt.timedelta(days=31)).replace(day=1)
    return found
