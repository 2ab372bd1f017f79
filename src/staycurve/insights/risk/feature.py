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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.insights.account.facts_sql import TRAILING, seen_bits
from staycurve.insights.risk.reads import Reads
from staycurve.insights.shared.account_facts import customers_sql
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
        `windows` (day, month_on, last28, prior28, last90), `began` (when tables begin to tell,
        see `known_from`) and every table, and uses no fact after `day`. A value that is not known
        is NULL, never 0.
    reads : tuple of Reads
        The facts that it hangs on, beside those of who pays. A change in a table that it names
        and that is not among them makes a refresh compute every day anew.
    of_all : bool
        Whether an account's values hang on other accounts too, apart from `began`. Without it a
        refresh may give the statement the rows of the changed accounts alone.
    """

    name: str
    statement: Callable[[Config, Days], str]
    reads: tuple[Reads, ...] = ()
    of_all: bool = False


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


BEGAN: Mapping[str, str] = {
    "account_months": "first_day", "tickets": "opened_on",
    "payments": "coalesce(failed_on, paid_on)",
}
"""Table → the day of a row of it; the first of all is when it begins to tell."""


def known_from(table: str, least: int) -> str:
    """SQL: whether, on `day`, a table of BEGAN has told of at least so many days."""
    first = f"(SELECT {table} FROM began)"
    return f"coalesce({days_between(first, 'b.day')} >= {least}, FALSE)"


def began_sql(known: Mapping[str, dt.date | None] | None = None) -> str:
    """SQL of one row: when each table of BEGAN began to tell, or what is known of that."""
    listed = ", ".join(
        f"(SELECT MIN({day}) FROM {table}) AS {table}" if known is None
        else f"CAST({_day(known[table])} AS DATE) AS {table}"
        for table, day in BEGAN.items()
    )
    return f"SELECT {listed}"


def _day(day: dt.date | None) -> str:
    return "NULL" if day is None else f"DATE '{day}'"


def shared_sql(
    config: Config, days: Days, *, began: Mapping[str, dt.date | None] | None = None,
    accounts: str = "",
) -> str:
    """The relations `days`, `windows`, `began` and `base`, to follow WITH.

    Parameters
    ----------
    began : mapping, optional
        Table of BEGAN → its first day, where the tables are not there whole.
    accounts : str
        A relation with `account_id`: `base` has these accounts alone.
    """
    chosen = f"WHERE c.account_id IN (SELECT account_id FROM {accounts})" if accounts else ""
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
began AS ({began_sql(began)}),
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
customers AS (
{customers_sql(config, "d.day", days="days")}
),
base AS (
    SELECT c.account_id, c.day, c.mrr, c.first_paid_on, f.plan
    FROM customers c
    LEFT JOIN in_force f ON f.account_id = c.account_id AND f.day = c.day AND f.place = 1
    {chosen}
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
