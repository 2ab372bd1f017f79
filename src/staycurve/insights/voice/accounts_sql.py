"""What accounts pay and when they renew: what stands beside what they say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.insights.shared.renewing import join_sql, renews_sql
from staycurve.period import AsOf
from staycurve.tables.engine import FAR, AnyEngine
from staycurve.tables.mrr_movements import rate_join, value_sql


@dataclass(frozen=True)
class Standing:
    """What a paying account is worth on a day: MRR in micro-units, and its next renewal."""

    mrr: int
    renews_on: dt.date | None


def standing_of(engine: AnyEngine, config: Config, seen: AsOf) -> Mapping[str, Standing]:
    """Account → what it pays at the close of the last day that is seen; only those that pay."""
    day = f"DATE '{seen.last_day}'"
    sql = f"""SELECT account_id, CAST(SUM(mrr) AS BIGINT) AS mrr, MIN(renews_on) AS renews_on
FROM (
    SELECT i.account_id, CAST({value_sql(config, item="i", rate="x")} AS BIGINT) AS mrr,
           {renews_sql("i", "s", day)} AS renews_on
    FROM mrr_items i
    {rate_join(item="i", day=day, rate="x")}
    {join_sql("i", "s")}
    WHERE i.starts_on <= {day} AND coalesce(i.ends_on, {FAR}) > {day}
) items
GROUP BY account_id HAVING SUM(mrr) > 0
ORDER BY account_id"""
    return {account: Standing(mrr, renews) for account, mrr, renews in engine.rows(sql)}


def stretches_sql(seen: AsOf) -> str:
    """The relations up to `stretches`, to follow WITH: how long each account pays without a break.

    Rows of (account_id, starts_on, ends_on); `ends_on` is the first day without MRR, 9999-12-31
    while none is seen.
    """
    return f"""lives AS (
    SELECT account_id, day AS starts_on, coalesce(next_day, {FAR}) AS ends_on
    FROM (
        SELECT account_id, day, after, lead(day) OVER (PARTITION BY account_id
                   ORDER BY day, last_mark) AS next_day
        FROM mrr_movements WHERE day <= DATE '{seen.last_day}'
    ) changes
    WHERE after > 0 AND (next_day IS NULL OR next_day > day)
),
stretches AS (
    -- Stretches that touch are one: a change of MRR ends none.
    SELECT account_id, MIN(starts_on) AS starts_on, MAX(ends_on) AS ends_on
    FROM (
        SELECT account_id, starts_on, ends_on, SUM(is_new) OVER (PARTITION BY account_id
                   ORDER BY starts_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS part
        FROM (
            SELECT account_id, starts_on, ends_on,
                   CASE WHEN lag(ends_on) OVER (PARTITION BY account_id ORDER BY starts_on)
                             = starts_on THEN 0 ELSE 1 END AS is_new
            FROM lives
        ) marked
    ) numbered
    GROUP BY account_id, part
)"""
