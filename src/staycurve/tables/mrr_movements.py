"""mrr_movements: what changed an account's MRR, on which day, and what kind of change it was.

Standing items are revalued at the day's exchange rate first, then the day's changes are booked;
so a change of rates is never expansion. What rates did by themselves is left to the difference
between the period's ends (FX impact).
"""

from __future__ import annotations

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.money import converted_sql
from staycurve.tables.derived import Derived
from staycurve.tables.engine import quoted

_DAY_START = "TIMESTAMP '1970-01-01 00:00:00'"


def value_sql(config: Config, *, item: str, rate: str) -> str:
    """SQL for an item's MRR in the company's currency, in micro-units.

    `item` is the alias of mrr_items, `rate` that of fx_days joined to it (see `rate_join`).
    """
    converted = converted_sql(f"{item}.amount", f"{rate}.rate")
    own = quoted(config.company.currency)
    return f"CASE WHEN {item}.currency = {own} THEN {item}.amount ELSE {converted} END"


def rate_join(*, item: str, day: str, rate: str) -> str:
    """SQL that joins the rate of an item's currency on a day; a rate holds until the next."""
    # The bounds come from their own relation, so that the join on the day is one of equality.
    return (
        f"LEFT JOIN fx_bounds {rate}b ON {rate}b.currency = {item}.currency "
        f"LEFT JOIN fx_days {rate} ON {rate}.currency = {item}.currency AND {rate}.day = "
        f"least(greatest({day}, {rate}b.first_day), {rate}b.last_day)"
    )


def marks_sql(config: Config) -> str:
    """SQL for mrr_items with the marks at which each begins and ends.

    A mark is a local day and, where netting looks inside the day, an instant; comparing
    (day, instant) pairs orders them.
    """
    if config.convention("netting") in ("day", "month"):
        starts = ends = _DAY_START
        kept = "WHERE ends_on IS NULL OR ends_on > starts_on"
    else:
        starts, ends = "starts_at", f"coalesce(ends_at, {_DAY_START})"
        kept = ""
    return (
        f"SELECT *, {starts} AS start_mark, "
        f"CASE WHEN ends_on IS NULL THEN NULL ELSE {ends} END AS end_mark "
        f"FROM mrr_items {kept}"
    )


def groups_sql(config: Config) -> str:
    """SQL for the groups of changes that net, with what the own-currency items in them change.

    Rows of (account_id, first_day, first_mark, day, last_mark, own_change, item_change).
    """
    own = f"CASE WHEN currency = {quoted(config.company.currency)} THEN amount ELSE 0 END"
    keys, steps = "day", ""
    source = "edges"
    netting = config.convention("netting")
    if netting == "event":
        keys = "day, mark"
    elif netting == "month":
        keys = "CAST(date_trunc('month', day) AS DATE)"
    elif netting == "60min":
        keys, source = "day, session", "sessions"
        steps = """,
gaps AS (
    SELECT *, CASE WHEN mark <= lag(mark) OVER (PARTITION BY account_id, day ORDER BY mark)
                        + INTERVAL 60 MINUTE THEN 0 ELSE 1 END AS begins
    FROM (
        SELECT account_id, day, mark, SUM(own_change) AS own_change,
               SUM(item_change) AS item_change
        FROM edges GROUP BY account_id, day, mark
    ) moments
),
sessions AS (
    SELECT *, SUM(begins) OVER (PARTITION BY account_id, day ORDER BY mark
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS session
    FROM gaps
)"""
    return f"""edges AS (
    SELECT account_id, starts_on AS day, start_mark AS mark, {own} AS own_change,
           1 AS item_change
    FROM marked
    UNION ALL
    SELECT account_id, ends_on AS day, end_mark AS mark, -{own} AS own_change,
           -1 AS item_change
    FROM marked WHERE ends_on IS NOT NULL
){steps},
groups AS (
    SELECT account_id, MIN(day) AS first_day, MIN(mark) AS first_mark, MAX(day) AS day,
           MAX(mark) AS last_mark, SUM(own_change) AS own_change, SUM(item_change) AS item_change
    FROM {source} GROUP BY account_id, {keys}
)"""


def in_force_before(item: str, group: str) -> str:
    """SQL: the item was in force up to the group's first mark."""
    return (
        f"({item}.starts_on < {group}.first_day OR ({item}.starts_on = {group}.first_day "
        f"AND {item}.start_mark < {group}.first_mark)) AND ({item}.ends_on IS NULL "
        f"OR {item}.ends_on > {group}.first_day OR ({item}.ends_on = {group}.first_day "
        f"AND {item}.end_mark >= {group}.first_mark))"
    )


def in_force_after(item: str, group: str) -> str:
    """SQL: the item is in force from the group's last mark on."""
    return (
        f"({item}.starts_on < {group}.day OR ({item}.starts_on = {group}.day "
        f"AND {item}.start_mark <= {group}.last_mark)) AND ({item}.ends_on IS NULL "
        f"OR {item}.ends_on > {group}.day OR ({item}.ends_on = {group}.day "
        f"AND {item}.end_mark > {group}.last_mark))"
    )


def _window_days(config: Config) -> str:
    window = config.convention("reactivation_window")
    return "" if window == "forever" else window[:-1]


def _statement(config: Config) -> str:
    keeps_free = config.convention("free_plan") == "active"
    free_before = "AND NOT (was_paying AND items_before > 0)" if keeps_free else ""
    free_after = "AND NOT items_after > 0" if keeps_free else ""
    returns_free = (
        "WHEN was_paying AND before = 0 AND items_before = 0 AND after = 0 AND items_after > 0 "
        "THEN 'reactivation'"
        if keeps_free
        else ""
    )
    # Within a month the class is that of the last day on which items ended.
    last_ends = (
        """SELECT n.account_id, n.day, MAX(i.ends_on) AS ends_on
    FROM named n
    JOIN marked i ON i.account_id = n.account_id AND i.ends_on >= n.first_day
         AND i.ends_on <= n.day
    WHERE n.movement = 'churned' GROUP BY n.account_id, n.day"""
        if config.convention("netting") == "month"
        else "SELECT DISTINCT account_id, day, day AS ends_on FROM named WHERE movement = 'churned'"
    )
    days = _window_days(config)
    is_back_late = (
        f"OR day > CAST(left_on + INTERVAL {int(days)} DAY AS DATE)" if days else ""
    )
    value = value_sql(config, item="i", rate="x")
    return f"""
WITH marked AS ({marks_sql(config)}),
{groups_sql(config)},
running AS (
    SELECT *, SUM(own_change) OVER so_far AS own_after, SUM(item_change) OVER so_far AS items_after
    FROM groups
    WINDOW so_far AS (PARTITION BY account_id ORDER BY day, last_mark
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
abroad AS (
    SELECT g.account_id, g.day, g.last_mark,
           SUM(CASE WHEN {in_force_before("i", "g")} THEN {value} ELSE 0 END) AS before,
           SUM(CASE WHEN {in_force_after("i", "g")} THEN {value} ELSE 0 END) AS after
    FROM groups g
    JOIN marked i ON i.account_id = g.account_id AND i.starts_on <= g.day
         AND (i.ends_on IS NULL OR i.ends_on >= g.first_day)
    {rate_join(item="i", day="g.day", rate="x")}
    WHERE i.currency <> {quoted(config.company.currency)}
    GROUP BY g.account_id, g.day, g.last_mark
),
ranked AS (
    SELECT g.account_id, g.day, g.last_mark, g.first_day, g.first_mark,
           CAST(g.own_after - g.own_change + coalesce(f.before, 0) AS BIGINT) AS before,
           CAST(g.own_after + coalesce(f.after, 0) AS BIGINT) AS after,
           CAST(g.items_after - g.item_change AS BIGINT) AS items_before,
           CAST(g.items_after AS BIGINT) AS items_after
    FROM running g
    LEFT JOIN abroad f ON f.account_id = g.account_id AND f.day = g.day
         AND f.last_mark = g.last_mark
),
remembered AS (
    SELECT *,
           coalesce(MAX(CASE WHEN after > 0 THEN 1 ELSE 0 END) OVER earlier, 0) = 1 AS was_paying,
           MAX(CASE WHEN before > 0 AND after = 0 THEN day END) OVER earlier AS left_on
    FROM ranked
    WINDOW earlier AS (PARTITION BY account_id ORDER BY day, last_mark
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
firsts AS (
    SELECT account_id, MIN(starts_on) AS first_paid_on
    FROM mrr_items
    WHERE amount > 0 AND (ends_on IS NULL OR ends_on > starts_on)
    GROUP BY account_id
),
named AS (
    SELECT r.*, f.first_paid_on,
           CASE WHEN before = 0 AND after > 0 {free_before} THEN
                     CASE WHEN NOT was_paying {is_back_late} THEN 'new' ELSE 'reactivation' END
                WHEN after = 0 AND (before > 0 {"OR (was_paying AND items_before > 0)"
                    if keeps_free else ""}) {free_after} THEN 'churned'
                {returns_free}
                WHEN after > before THEN 'expansion'
                WHEN after < before THEN 'contraction'
                ELSE 'none' END AS movement
    FROM remembered r
    LEFT JOIN firsts f ON f.account_id = r.account_id
),
last_ends AS ({last_ends}),
classes AS (
    SELECT e.account_id, e.day,
           MAX(CASE WHEN i.end_class = 'involuntary' THEN {value} END) AS involuntary,
           MAX(CASE WHEN i.end_class = 'voluntary' THEN {value} END) AS voluntary,
           MAX(CASE WHEN i.end_class = 'paused' THEN {value} END) AS paused,
           MAX(CASE WHEN i.end_class = 'unknown' THEN {value} END) AS unknown
    FROM last_ends e
    JOIN marked i ON i.account_id = e.account_id AND i.ends_on = e.ends_on
    {rate_join(item="i", day="e.day", rate="x")}
    GROUP BY e.account_id, e.day
)
SELECT n.account_id, first_day, first_mark, n.day, last_mark, before, after,
       items_before, items_after, movement,
       CASE WHEN movement = 'none' THEN 0 ELSE abs(after - before) END AS amount,
       CASE WHEN movement = 'churned' THEN
           CASE WHEN involuntary IS NOT NULL AND involuntary >= greatest(coalesce(voluntary, 0),
                     coalesce(paused, 0), coalesce(unknown, 0)) THEN 'involuntary'
                WHEN voluntary IS NOT NULL AND voluntary >= greatest(coalesce(paused, 0),
                     coalesce(unknown, 0)) THEN 'voluntary'
                WHEN paused IS NOT NULL AND paused >= coalesce(unknown, 0) THEN 'paused'
                ELSE 'unknown' END
       END AS end_class,
       first_paid_on
FROM named n
LEFT JOIN classes c ON n.movement = 'churned' AND c.account_id = n.account_id AND c.day = n.day
"""


MRR_MOVEMENTS = Derived(
    name="mrr_movements",
    about=N_("Every change of an account's MRR, netted, valued and named."),
    grain=N_("one account and one group of changes that net"),
    columns=(
        ("account_id", "VARCHAR"),
        ("first_day", "DATE"),
        ("first_mark", "TIMESTAMP"),
        ("day", "DATE"),
        ("last_mark", "TIMESTAMP"),
        ("before", "BIGINT"),
        ("after", "BIGINT"),
        ("items_before", "BIGINT"),
        ("items_after", "BIGINT"),
        ("movement", "VARCHAR"),
        ("amount", "BIGINT"),
        ("end_class", "VARCHAR"),
        ("first_paid_on", "DATE"),
    ),
    reads=("mrr_items", "fx_days", "fx_bounds"),
    statement=_statement,
)
