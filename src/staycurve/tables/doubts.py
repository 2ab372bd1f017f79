"""Doubts: what loaded subscriptions look like when a file means something else than it says.

Nothing is changed by them: numbers are computed as the rows state, and the doubt stands beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from staycurve.config import Config
from staycurve.tables.engine import AnyEngine

_MONTHLY = (
    "amount / 1000000.0 / interval_count * CASE interval WHEN 'day' THEN 365.0 / 12 "
    "WHEN 'week' THEN 52.0 / 12 WHEN 'quarter' THEN 1.0 / 3 WHEN 'year' THEN 1.0 / 12 ELSE 1.0 END"
)
_DAYS = (
    "interval_count * CASE interval WHEN 'day' THEN 1 WHEN 'week' THEN 7 WHEN 'quarter' THEN 92 "
    "WHEN 'year' THEN 366 ELSE 31 END"
)
_NEXT = "PARTITION BY account_id, subscription_id, coalesce(item_id, '') ORDER BY starts_at"


@dataclass(frozen=True)
class Doubt:
    """One thing that rows look like.

    Attributes
    ----------
    check : str
        A stable name.
    text, option : str
        What was seen, with its size, and the option that settles it.
    count : int
        How many rows.
    mrr : float
        What they come to a month, each in its own currency, in major units.
    """

    check: str
    text: str
    option: str
    count: int
    mrr: float

    def as_dict(self) -> dict[str, Any]:
        """The doubt as a finding of `doctor --format json`."""
        return {
            "level": "warning", "check": self.check, "text": self.text, "hint": self.option,
            "count": self.count, "mrr": self.mrr,
        }


def doubts(engine: AnyEngine, config: Config) -> list[Doubt]:
    """What the subscriptions that are loaded look like."""
    grace = config.convention("past_due_grace")
    days = 0 if grace == "forever" else int(grace[:-1])
    asked = (
        (
            "late_from_the_start",
            f"""SELECT COUNT(*), SUM({_MONTHLY}) FROM (
                SELECT *, lag(starts_at) OVER ({_NEXT}) AS before FROM subscriptions)
            WHERE before IS NULL AND status_seen_at IS NULL
              AND status IN ('past_due', 'unpaid', 'paused')
              AND (ends_on IS NULL OR date_diff('day', starts_on, ends_on) > {_DAYS} + {days})""",
            "{count} subscriptions are past due, unpaid or paused from their first day on, for "
            "longer than an interval and the grace ({mrr} a month): the status is probably "
            "today's.",
            '[options] status = "current" and exported_at = "…" in the mapping (--map)',
        ),
        (
            "ends_before_next",
            f"""SELECT COUNT(*), SUM({_MONTHLY}) FROM (
                SELECT *, lead(starts_at) OVER ({_NEXT}) AS after FROM subscriptions)
            WHERE after IS NOT NULL AND ends_at < after
              AND date_diff('second', ends_at, after) IN (1, 86400)""",
            "{count} spans end one day or one second before the next of their item starts ({mrr} "
            "a month leaves and comes back each time): the ends are probably inclusive.",
            '[options] ends = "inclusive" in the mapping (--map)',
        ),
    )
    found = []
    for check, sql, text, option in asked:
        count, monthly = engine.rows(sql)[0]
        if count:
            mrr = round(float(monthly or 0), 2)
            said = text.format(count=count, mrr=f"{mrr:,.2f}")
            found.append(Doubt(check, said, option, int(count), mrr))
    return found + _alike(engine)


def _alike(engine: AnyEngine) -> list[Doubt]:
    """Ids, and names of plans, that differ in case or blanks alone."""
    found = []
    for check, column, words, option in (
        ("ids_alike", "account_id", "account ids", '[options] ids = "casefold"   (or "trim")'),
        ("plans_alike", "plan", "names of plans", "[values.plan] in the mapping (--map)"),
    ):
        plain = f"lower(replace({column}, ' ', ''))"
        rows = engine.rows(
            f"SELECT {plain} AS alike, COUNT(*), SUM({_MONTHLY}), MIN({column}), MAX({column}) "
            f"FROM subscriptions WHERE {column} IS NOT NULL GROUP BY 1 "
            f"HAVING COUNT(DISTINCT {column}) > 1 ORDER BY 1"
        )
        if rows:
            count = sum(int(row[1]) for row in rows)
            # A row that names a plan and no amount has none here.
            mrr = round(sum(float(row[2] or 0) for row in rows), 2)
            text = (
                f"{count} subscriptions have {words} that differ in case or blanks alone, such as "
                f"'{rows[0][3]}' and '{rows[0][4]}' ({mrr:,.2f} a month): they count apart."
            )
            found.append(Doubt(check, text, option, count, mrr))
    return found
