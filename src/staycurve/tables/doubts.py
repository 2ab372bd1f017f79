"""Doubts: what loaded rows look like when a file means something else than it says.

Nothing is changed by them: numbers are computed as the rows state, and the doubt stands beside.
What only the file itself shows is found when it is loaded; see `staycurve.sources.doubting`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from staycurve.config import Config
from staycurve.tables.engine import AnyEngine
from staycurve.tables.standing import with_standing

MONTHLY = (
    "CAST(amount AS DOUBLE) / 1000000.0 / interval_count * CASE interval "
    "WHEN 'day' THEN 365.0 / 12 WHEN 'week' THEN 52.0 / 12 WHEN 'quarter' THEN 1.0 / 3 "
    "WHEN 'year' THEN 1.0 / 12 ELSE 1.0 END"
)
"""SQL for what one row of subscriptions bills a month, roughly, in major units."""
LEAST_SHARE = 0.05
"""Of the spans that another follows: with fewer, days without a subscription are what they say."""
LEAST_ROWS = 5
"""Fewer prices do not tell what they are prices of."""
NAMED = 5
"""Plans that are named; of more, how many they are."""
_DAYS = (
    "interval_count * CASE interval WHEN 'day' THEN 1 WHEN 'week' THEN 7 WHEN 'quarter' THEN 92 "
    "WHEN 'year' THEN 366 ELSE 31 END"
)
_ITEM = "PARTITION BY account_id, subscription_id, coalesce(item_id, '') ORDER BY starts_at"
_PRICED = "amount > 0 AND quantity > 0 AND plan IS NOT NULL"
_PRICE = "CAST(amount AS DOUBLE) / CAST(quantity AS DOUBLE)"


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

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Doubt:
        """The doubt that `as_dict` wrote."""
        return cls(told["check"], told["text"], told["hint"], told["count"], told["mrr"])


def of_rows(check: str, text: str, option: str, count: Any, monthly: Any) -> Iterator[Doubt]:
    """The doubt about so many rows, if there are any; `text` has {count} and {mrr}."""
    if count:
        mrr = round(float(monthly or 0), 2)
        said = text.format(count=int(count), mrr=f"{mrr:,.2f}")
        yield Doubt(check, said, option, int(count), mrr)


def doubts(engine: AnyEngine, config: Config, today: dt.date) -> list[Doubt]:
    """What the rows that are loaded look like. A span without an end has lasted until `today`."""
    return [
        *_late(engine, config, today), *_inclusive(engine), *_inclusive_lines(engine),
        *_minor(engine), *_yearly(engine), *_unpriced(engine),
        *_alike(engine, "ids_alike", "account_id", "account ids",
                '[options] ids = "casefold"   (or "trim")'),
        *_alike(engine, "plans_alike", "plan", "names of plans", "[values.plan] in the mapping "
                                                                 "(--map)"),
    ]


def _late(engine: AnyEngine, config: Config, today: dt.date) -> Iterator[Doubt]:
    grace = config.convention("past_due_grace")
    days = 0 if grace == "forever" else int(grace[:-1])
    found = engine.rows(f"""
        SELECT COUNT(*), SUM({MONTHLY}) FROM (
            SELECT *, lag(starts_at) OVER ({_ITEM}) AS before FROM subscriptions) s
        WHERE before IS NULL AND status_seen_at IS NULL
          AND status IN ('past_due', 'unpaid', 'paused')
          AND starts_on + CAST({_DAYS} + {days} AS INTEGER)
              < coalesce(ends_on, DATE '{today}' + 1)""")
    yield from of_rows(
        "late_from_the_start",
        "Subscriptions that are past due, unpaid or paused from their first day on, for longer "
        "than an interval and the grace: {count} ({mrr} a month). Their status is probably "
        "today's.",
        '[options] status = "current" and exported_at = "…" in the mapping (--map)', *found[0],
    )


def _inclusive(engine: AnyEngine) -> Iterator[Doubt]:
    gap = "(ends_at + INTERVAL 1 DAY = after OR ends_at + INTERVAL 1 SECOND = after)"
    followed, count, monthly = engine.rows(f"""
        SELECT COUNT(*), SUM(CASE WHEN {gap} THEN 1 ELSE 0 END),
               SUM(CASE WHEN {gap} THEN {MONTHLY} ELSE 0 END)
        FROM (SELECT *, lead(starts_at) OVER ({_ITEM}) AS after FROM subscriptions) s
        WHERE after IS NOT NULL AND ends_at IS NOT NULL""")[0]
    yield from of_rows(
        "ends_before_next",
        "Spans that end one day or one second before the next of their item starts: {count}; "
        "{mrr} a month leaves and comes back each time. The ends are probably inclusive.",
        '[options] ends = "inclusive" in the mapping (--map)',
        count if count and count >= LEAST_SHARE * followed else 0, monthly,
    )


def _inclusive_lines(engine: AnyEngine) -> Iterator[Doubt]:
    """A last day as an end makes a month of 30 days one of 29, and February's 27: no month."""
    gap = "(period_end + INTERVAL 1 DAY = after OR period_end + INTERVAL 1 SECOND = after)"
    followed, count, billed = engine.rows(f"""
        SELECT COUNT(*), SUM(CASE WHEN {gap} THEN 1 ELSE 0 END),
               SUM(CASE WHEN {gap} THEN CAST(amount AS DOUBLE) / 1000000.0 ELSE 0 END)
        FROM (SELECT period_end, amount, lead(period_start) OVER (
                     PARTITION BY account_id, subscription_id, coalesce(item_id, ''), kind
                     ORDER BY period_start, period_end, line_id) AS after
              FROM invoice_lines WHERE amount > 0 AND NOT coalesce(is_proration, FALSE)) l
        WHERE after IS NOT NULL""")[0]
    yield from of_rows(
        "periods_end_before_next",
        "Invoice lines whose period ends one day or one second before the next of their item "
        "starts: {count} ({mrr} billed in all). The ends are probably inclusive, and a period that "
        "is a day short counts as so many days, not as a month.",
        '[options] ends = "inclusive" in the mapping (--map)',
        count if count and count >= LEAST_SHARE * followed else 0, billed,
    )


def _minor(engine: AnyEngine) -> Iterator[Doubt]:
    """Amounts that are a hundred times another of their plan, or of what their account paid."""
    # Joined by equality: a plan may have as many prices as accounts.
    of_plan = f"""SELECT DISTINCT plan, interval, interval_count, currency,
            round(100 * {_PRICE}) AS hundredfold
        FROM subscriptions WHERE {_PRICED}"""
    found = engine.rows(f"""
        SELECT COUNT(*), SUM({MONTHLY}) FROM subscriptions s
        WHERE {_PRICED} AND EXISTS (
            SELECT 1 FROM ({of_plan}) p
            WHERE p.plan = s.plan AND p.interval = s.interval AND p.currency = s.currency
              AND p.interval_count = s.interval_count AND p.hundredfold = round({_PRICE}))""")
    yield from of_rows(
        "hundredfold_of_plan",
        "Subscriptions at a hundred times another price of their plan: {count} ({mrr} a month). "
        "Their amounts are probably in minor units.",
        '[options] amounts = "minor" in the mapping (--map)', *found[0],
    )
    paid = """SELECT account_id, currency, MAX(CAST(amount AS DOUBLE)) AS most FROM payments
        WHERE amount > 0 GROUP BY account_id, currency"""
    bills = """SELECT account_id, currency, SUM(CAST(amount AS DOUBLE)) AS billed
        FROM invoice_lines WHERE amount > 0 GROUP BY account_id, invoice_id, currency"""
    found = engine.rows(f"""
        SELECT COUNT(*), SUM(b.billed) / 1000000.0 FROM ({bills}) b
        JOIN ({paid}) p ON p.account_id = b.account_id AND p.currency = b.currency
        WHERE b.billed = 100 * p.most""")
    yield from of_rows(
        "hundredfold_bills",
        "Invoices at a hundred times the highest payment of their account: {count} ({mrr} in all). "
        "Amounts of one of the two files are probably in minor units.",
        '[options] amounts = "minor" in the mapping (--map)', *found[0],
    )
    found = engine.rows(f"""
        SELECT COUNT(*), SUM({MONTHLY}) FROM subscriptions s
        JOIN ({paid}) p ON p.account_id = s.account_id AND p.currency = s.currency
        WHERE s.amount > 0 AND CAST(s.amount AS DOUBLE) = 100 * p.most""")
    yield from of_rows(
        "hundredfold_of_payments",
        "Subscriptions at a hundred times the highest payment of their account: {count} ({mrr} a "
        "month). Amounts of one of the two files are probably in minor units.",
        '[options] amounts = "minor" in the mapping (--map)', *found[0],
    )


def _yearly(engine: AnyEngine) -> Iterator[Doubt]:
    """Years that cost no more than months do: amounts of a month beside yearly intervals."""
    of_one = f"AVG(CASE WHEN interval = '{{}}' THEN {_PRICE} END)"
    counted = "SUM(CASE WHEN interval = '{}' THEN 1 ELSE 0 END)"
    rows = engine.rows(f"""
        SELECT currency, {counted.format("month")}, {counted.format("year")},
               {of_one.format("month")} / 1000000.0, {of_one.format("year")} / 1000000.0,
               SUM(CASE WHEN interval = 'year' THEN {MONTHLY} ELSE 0 END)
        FROM subscriptions
        WHERE amount > 0 AND quantity > 0 AND interval_count = 1
        GROUP BY currency ORDER BY currency""")
    found = [
        row for row in rows if min(row[1], row[2]) >= LEAST_ROWS and float(row[4]) <= float(row[3])
    ]
    if found:
        _, _, _, month, year, _ = found[0]
        yield from of_rows(
            "years_at_month_prices",
            f"Yearly subscriptions that cost {year:,.2f} on average, and monthly ones "
            f"{month:,.2f}: {{count}} ({{mrr}} a month). Yearly amounts may be those of a month.",
            '[columns] without interval in the mapping (--map), where amounts are a month\'s',
            sum(int(row[2]) for row in found), sum(float(row[5]) for row in found),
        )


def _unpriced(engine: AnyEngine) -> Iterator[Doubt]:
    """Rows that name a plan and no amount, where no price of the plan is known."""
    if not engine.value("SELECT COUNT(*) FROM subscriptions WHERE amount IS NULL"):
        return
    rows = engine.rows(f"""
        WITH {with_standing()}
        SELECT s.plan, COUNT(*) FROM subscriptions s
        WHERE s.amount IS NULL AND NOT EXISTS (
            SELECT 1 FROM priced p WHERE p.subscription_id = s.subscription_id
              AND coalesce(p.item_id, '') = coalesce(s.item_id, '')
              AND p.starts_at = s.starts_at)
        GROUP BY s.plan ORDER BY COUNT(*) DESC, s.plan""")
    if not rows:
        return
    listed = ", ".join(f"{plan} ({count})" for plan, count in rows[:NAMED])
    more = f" and {len(rows) - NAMED} other plans" if len(rows) > NAMED else ""
    count = sum(int(count) for _, count in rows)
    yield Doubt(
        "plan_without_price",
        f"Subscriptions that name a plan and no amount, and no price of the plan is known when "
        f"they start: {count}; {listed}{more}. They count 0, and what they come to is unknown.",
        "Load plans.csv with plan, valid_from and unit_amount, or amounts with the rows.",
        count, 0.0,
    )


def _alike(
    engine: AnyEngine, check: str, column: str, words: str, option: str
) -> Iterator[Doubt]:
    """Ids, and names of plans, that differ in case or blanks alone."""
    plain = f"lower(replace({column}, ' ', ''))"
    source = "accounts" if column == "account_id" else "subscriptions"
    groups = (
        f"SELECT {plain} AS alike, MIN({column}) AS one, MAX({column}) AS other FROM {source} "
        f"WHERE {column} IS NOT NULL GROUP BY 1 HAVING COUNT(DISTINCT {column}) > 1"
    )
    pairs = engine.rows(f"SELECT one, other FROM ({groups}) g ORDER BY alike LIMIT 1")
    if not pairs:
        return
    count, monthly = engine.rows(
        f"SELECT COUNT(*), SUM({MONTHLY}) FROM subscriptions "
        f"WHERE {plain} IN (SELECT alike FROM ({groups}) g)"
    )[0]
    mrr = round(float(monthly or 0), 2)
    yield Doubt(
        check,
        f"{words.capitalize()} that differ in case or blanks alone, such as '{pairs[0][0]}' and "
        f"'{pairs[0][1]}': they count apart, with {count} subscriptions ({mrr:,.2f} a month).",
        option, int(count), mrr,
    )
