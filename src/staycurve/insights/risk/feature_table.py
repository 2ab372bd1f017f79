"""Every feature, and the statement that computes them for accounts and days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from staycurve.config import Config
from staycurve.insights.risk.account_blocks import CONTRACT, PAYMENTS
from staycurve.insights.risk.feature import Block, Days, Feature, shared_sql
from staycurve.registry import Registry

FEATURES: Registry[Feature] = Registry(
    "feature",
    Feature,
    ("staycurve.insights.risk.features",),
    group="staycurve.risk_features",
)
"""Name → feature of an account on a day; other packages add theirs."""


def features() -> dict[str, Feature]:
    """Every feature by its name, in the order of definition."""
    return dict(FEATURES.items())


def blocks(named: Mapping[str, Feature] | None = None) -> dict[str, Block]:
    """Every block that some features, or all, are computed in, by its name.

    Raises
    ------
    ValueError
        If two blocks have one name.
    """
    found: dict[str, Block] = {"contract": CONTRACT, "paid": PAYMENTS}
    for one in (features() if named is None else named).values():
        known = found.setdefault(one.block.name, one.block)
        if known is not one.block:
            raise ValueError(f"two blocks are called {one.block.name}")
    return found


def features_sql(
    config: Config, days: Days, *, named: Mapping[str, Feature] | None = None,
    began: Mapping[str, dt.date | None] | None = None, accounts: str = "",
) -> str:
    """SQL of the features of every paying account on each of some days.

    Rows of (account_id, day, plan, mrr, is_requested, days_unpaid, features…), one for each
    customer with MRR above 0 at the close of the day; `mrr` in micro-units, features DOUBLE or
    NULL where they are not known. An account that belongs to another is counted with it: usage,
    people, tickets, answers and payments of children are the parent's, as their MRR is.

    Parameters
    ----------
    days : sequence of date
        The last local day that each row may know of.
    named : mapping, optional
        Name → feature; all of them without it.
    began, accounts : optional
        See `shared_sql`.
    """
    chosen = features() if named is None else named
    used = blocks(chosen)
    listed = ",\n".join(
        f"block_{name} AS ({block.statement(config, days).strip()})"
        for name, block in used.items()
    )
    columns = "".join(
        f',\n       CAST(block_{one.block.name}."{one.column}" AS DOUBLE) AS "{name}"'
        for name, one in chosen.items()
    )
    joins = "\n".join(
        f"LEFT JOIN block_{name} ON block_{name}.account_id = b.account_id "
        f"AND block_{name}.day = b.day"
        for name in used
    )
    return f"""WITH {shared_sql(config, days, began=began, accounts=accounts)},
{listed}
SELECT b.account_id, b.day, b.plan, CAST(b.mrr AS BIGINT) AS mrr,
       CAST(coalesce(block_contract.is_requested, 0) AS BIGINT) AS is_requested,
       CAST(block_paid.days_unpaid AS BIGINT) AS days_unpaid{columns}
FROM base b
{joins}
ORDER BY b.day, b.account_id"""


def leavers_sql(days: Days, horizon: int) -> str:
    """SQL of who churns within the horizon: (account_id, day, left_on), the first day of it.

    A label of day D looks at (D, D + horizon].
    """
    listed = ", ".join(
        f"(DATE '{day}', DATE '{day + dt.timedelta(days=horizon)}')" for day in days
    )
    return f"""SELECT m.account_id, d.day, MIN(m.day) AS left_on
FROM mrr_movements m
JOIN (
    SELECT CAST(day AS DATE) AS day, CAST(until AS DATE) AS until
    FROM (VALUES {listed}) AS v(day, until)
) d ON m.day > d.day AND m.day <= d.until
WHERE m.movement = 'churned'
GROUP BY m.account_id, d.day
ORDER BY d.day, m.account_id"""


