"""lifecycle_spans: which stage each account was in from day to day, every visit kept.

Facts become stretches of days, stretches become steps of +1 and −1, and running sums of the steps
say what holds at each day's close; so a window that runs out changes a stage on the day on which
it does, without any event. A day's stage rests on that day and those before it: a later as-of
never changes it.
"""

from __future__ import annotations

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.lifecycle_rules import FACTS, LifecycleRules
from staycurve.metrics.dimensions import Moving
from staycurve.period import AsOf
from staycurve.tables.engine import quoted

FAR = "DATE '9999-12-31'"

COLUMNS = (
    ("account_id", "VARCHAR"),
    ("stage", "VARCHAR"),
    ("starts_on", "DATE"),
    ("ends_on", "DATE"),
    ("visit", "BIGINT"),
    ("rule", "BIGINT"),
)
"""What `statement` answers. `ends_on` is the first day of the next stage, 9999-12-31 while none is
known; `visit` counts an account's visits of the stage from 1; `rule` is the place of the rule that
held on the first day, from 0."""


def _plus(day: str, days: int) -> str:
    return f"CAST({day} + INTERVAL {days} DAY AS DATE)"


def _seen(column: str, at: str) -> str:
    """SQL for the local day of an instant, empty where it is not seen yet."""
    day = f"{column.removesuffix('_at')}_on"
    return f"CASE WHEN {column} < {at} THEN {day} END" if at else day


def _activated() -> str:
    """SQL of rows (account_id, day): when accounts reached first value.

    Whoever made the product a habit has. An account that became known before the first loaded
    event may have reached it unseen, so any use of it counts.
    """
    return """SELECT account_id, MIN(day) AS day
    FROM (
        SELECT account_id, activated_on AS day FROM used
        UNION ALL
        SELECT account_id, day FROM habits WHERE step = 1
        UNION ALL
        SELECT u.account_id, u.first_day
        FROM used u
        JOIN firsts f ON f.account_id = u.account_id
        CROSS JOIN (SELECT MIN(first_day) AS day FROM used) b
        WHERE f.day < b.day
    ) reached WHERE day IS NOT NULL GROUP BY account_id"""


def _windows(rules: LifecycleRules) -> str:
    """SQL of the days on which the trailing window gains or loses what the rules look at.

    Rows of (account_id, day, held, held_before): active days in the window at the close of a day,
    and of the day before. A month and the one before it lie side by side in 62 bits, so a window
    of four weeks is a mask over them; a month without use still sees windows run out.
    """
    width = rules.trailing_days
    window = (1 << width) - 1
    masks = ", ".join(
        f"({before}, {n}, {window << (before + n - width + 1)}, {window << (before + n - width)})"
        for before in (28, 29, 30, 31)
        for n in range(31)
    )
    sizes = sorted({1, rules.adoption_keep_days, rules.adoption_days})
    crossed = " OR ".join(f"(held >= {size}) <> (held_before >= {size})" for size in sizes)
    month_before = "CAST(day(CAST(month_on - INTERVAL 1 DAY AS DATE)) AS INTEGER)"
    return f"""SELECT account_id, CAST(month_on + n AS DATE) AS day, held, held_before
    FROM (
        SELECT m.account_id, m.month_on, k.n, bit_count(m.bits & k.today) AS held,
               bit_count(m.bits & k.yesterday) AS held_before
        FROM (
            SELECT account_id, month_on, {month_before} AS size_before,
                   day(last_day(month_on)) AS size, before + (here << {month_before}) AS bits
            FROM (
                SELECT account_id, month_on, CAST(SUM(here) AS BIGINT) AS here,
                       CAST(SUM(before) AS BIGINT) AS before
                FROM (
                    SELECT account_id, month_on, days AS here, CAST(0 AS BIGINT) AS before
                    FROM used
                    UNION ALL
                    SELECT account_id, CAST(month_on + INTERVAL 1 MONTH AS DATE), 0, days FROM used
                ) apart GROUP BY account_id, month_on
            ) paired
        ) m
        JOIN (VALUES {masks}) AS k(size_before, n, today, yesterday)
          ON k.size_before = m.size_before AND k.n < m.size
    ) windows WHERE {crossed}"""


def _active() -> str:
    """SQL of the steps of an active day in the trailing window."""
    return """SELECT account_id, day, 'active' AS fact,
           CASE WHEN held > 0 THEN 1 ELSE -1 END AS step
    FROM windows WHERE (held > 0) <> (held_before > 0)"""


def _adopted(rules: LifecycleRules) -> str:
    """SQL of the steps of a habit, which is formed by more active days than keep it."""
    forms, keeps = rules.adoption_days, rules.adoption_keep_days
    return f"""SELECT account_id, day, 'adopted' AS fact, 2 * is_formed - 1 AS step
    FROM (
        SELECT account_id, day, is_formed,
               lag(is_formed) OVER (PARTITION BY account_id ORDER BY day) AS was_formed
        FROM (
            SELECT account_id, day, CASE WHEN held >= {forms} THEN 1 ELSE 0 END AS is_formed
            FROM windows
            WHERE (held >= {forms} AND held_before < {forms})
               OR (held < {keeps} AND held_before >= {keeps})
        ) turns
    ) turned WHERE is_formed <> coalesce(was_formed, 0)"""


def _stretch(fact: str, source: str, *, starts: str = "starts_on", ends: str = "ends_on") -> str:
    """SQL of the steps of a fact that holds from `starts` up to `ends`."""
    return f"""SELECT account_id, {starts} AS day, '{fact}' AS fact, 1 AS step
    FROM {source} WHERE {starts} < {ends}
    UNION ALL
    SELECT account_id, {ends}, '{fact}', -1
    FROM {source} WHERE {starts} < {ends} AND {ends} < {FAR}"""


def statement(config: Config, seen: AsOf | None = None) -> str:
    """SQL of every visit of every account; see COLUMNS.

    Parameters
    ----------
    seen : AsOf, optional
        Facts after its instant are not seen, and visits that begin after its last day are left
        out. Without it all days are there, also those that a window brings after the last fact.
    """
    rules = config.lifecycle
    at = f"TIMESTAMP '{seen.at:%Y-%m-%d %H:%M:%S.%f}'" if seen and not seen.is_whole else ""
    last = f"WHERE starts_on <= DATE '{seen.last_day}'" if seen else ""
    keeps_free = config.convention("free_plan") == "active"
    is_free = " OR (items_after > 0 AND first_paid_on <= day)" if keeps_free else ""
    running = (
        "OVER (PARTITION BY account_id ORDER BY day "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    )
    by_day = "OVER (PARTITION BY account_id ORDER BY day)"
    sums = ",\n           ".join(
        f"CAST(SUM(CASE WHEN fact = '{fact}' THEN step ELSE 0 END) AS BIGINT) AS {fact}"
        for fact in FACTS
    )
    holds = ",\n           ".join(
        f"CASE WHEN SUM({fact}) {running} > 0 THEN 1 ELSE 0 END AS {fact}" for fact in FACTS
    )
    cases = []
    for place, rule in enumerate(rules.rules):
        tests = [f"{fact} = {int(is_held)}" for fact, is_held in rule.tests]
        cases.append(f"WHEN {' AND '.join(tests)} THEN {place}" if tests else f"ELSE {place}")
    stages = " ".join(
        f"WHEN {place} THEN {quoted(rule.stage)}" for place, rule in enumerate(rules.rules)
    )
    steps = "\n    UNION ALL\n    ".join((
        "SELECT account_id, day, 'known' AS fact, 0 AS step FROM firsts",
        _stretch("paying", "stretches"),
        _stretch("tenured", "stretches", starts=_plus("starts_on", rules.tenure_days)),
        _stretch("paid_before", "first_paid"),
        """SELECT account_id, day, 'expanded', amount FROM growth
    UNION ALL
    SELECT account_id, ends_on, 'expanded', -amount FROM growth""",
        _stretch("activated", f"(SELECT account_id, day AS starts_on, {FAR} AS ends_on "
                 "FROM activated) a"),
        _active(),
        "SELECT account_id, day, fact, step FROM habits",
        _stretch("untracked", "unseen"),
        _stretch("trialing", "tried"),
        _stretch("interested", "(SELECT * FROM shown WHERE fact = 'interested') i"),
        _stretch("recent", "(SELECT * FROM shown WHERE fact = 'recent') r"),
    ))
    return f"""
WITH own AS (
    SELECT account_id, root_id FROM account_roots WHERE NOT is_excluded
),
led AS (
    SELECT r.root_id AS account_id, l.created_on, {_seen("qualified_at", at)} AS qualified_on,
           {_seen("demo_at", at)} AS demo_on, {_seen("trial_at", at)} AS trial_on,
           {_seen("won_at", at)} AS won_on, {_seen("lost_at", at)} AS lost_on
    FROM leads l
    JOIN own r ON r.account_id = l.account_id
    {f"WHERE l.created_at < {at}" if at else ""}
),
signs AS (
    SELECT account_id, 'interested' AS fact, qualified_on AS day FROM led
    UNION ALL SELECT account_id, 'interested', demo_on FROM led
    UNION ALL SELECT account_id, 'interested', trial_on FROM led
    UNION ALL SELECT account_id, 'interested', won_on FROM led
    UNION ALL SELECT account_id, 'recent', created_on FROM led
    UNION ALL
    SELECT r.root_id, 'recent', a.created_on
    FROM accounts a
    JOIN own r ON r.account_id = a.account_id
    {f"WHERE a.created_at < {at}" if at else ""}
),
trials_seen AS (
    SELECT account_id, started_on, ended_on FROM trials
    {f"WHERE started_at < {at}" if at else ""}
),
used AS (
    SELECT account_id, month_on, days, first_day, activated_on FROM account_months
    WHERE account_id IS NOT NULL
),
changes AS (
    SELECT account_id, day, movement, amount,
           CASE WHEN after > 0{is_free} THEN 1 ELSE 0 END AS is_paying,
           lead(day) OVER (PARTITION BY account_id ORDER BY day, last_mark) AS next_day
    FROM mrr_movements
),
flips AS (
    -- Of several changes on one day the last is what the day closes with.
    SELECT account_id, day, is_paying, lag(is_paying) {by_day} AS was_paying
    FROM changes WHERE next_day IS NULL OR next_day > day
),
turns AS (
    SELECT account_id, day AS starts_on, is_paying, coalesce(lead(day) {by_day}, {FAR}) AS ends_on
    FROM flips WHERE is_paying <> coalesce(was_paying, 0)
),
stretches AS (
    SELECT account_id, starts_on, ends_on FROM turns WHERE is_paying = 1
),
first_paid AS (
    SELECT account_id, MIN(starts_on) AS starts_on, {FAR} AS ends_on
    FROM stretches GROUP BY account_id
),
growth AS (
    -- A contraction weighs against the expansions beside it; both are forgotten together.
    SELECT c.account_id, c.day,
           least({_plus("c.day", rules.expansion_days)}, s.ends_on) AS ends_on,
           CAST(SUM(CASE WHEN c.movement = 'expansion' THEN c.amount ELSE -c.amount END)
               AS BIGINT) AS amount
    FROM changes c
    JOIN stretches s ON s.account_id = c.account_id AND s.starts_on <= c.day AND s.ends_on > c.day
    WHERE c.movement IN ('expansion', 'contraction')
    GROUP BY c.account_id, c.day, s.ends_on
),
firsts AS (
    SELECT account_id, MIN(day) AS day
    FROM (
        SELECT account_id, day FROM signs
        UNION ALL SELECT account_id, lost_on FROM led
        UNION ALL SELECT account_id, started_on FROM trials_seen
        UNION ALL SELECT account_id, day FROM changes
        UNION ALL SELECT account_id, first_day FROM used
    ) facts
    WHERE day IS NOT NULL AND account_id IS NOT NULL
    GROUP BY account_id
),
unseen AS (
    SELECT f.account_id, f.day AS starts_on,
           coalesce({_plus("b.day", rules.trailing_days - 1)}, {FAR}) AS ends_on
    FROM firsts f
    CROSS JOIN (SELECT MIN(first_day) AS day FROM used) b
),
shown AS (
    -- Paying, or being given up, ends what was shown before.
    SELECT s.account_id, s.fact, s.day AS starts_on,
           least({_plus("s.day", rules.interest_days)}, coalesce(MIN(c.day), {FAR})) AS ends_on
    FROM (SELECT DISTINCT account_id, fact, day FROM signs WHERE day IS NOT NULL) s
    LEFT JOIN (
        SELECT account_id, starts_on AS day FROM stretches
        UNION ALL SELECT account_id, lost_on FROM led WHERE lost_on IS NOT NULL
    ) c ON c.account_id = s.account_id AND c.day >= s.day
    GROUP BY s.account_id, s.fact, s.day
),
tried AS (
    SELECT t.account_id, t.started_on AS starts_on,
           least(
               CASE WHEN t.ended_on IS NULL THEN {FAR} ELSE greatest(t.ended_on,
                   least({_plus("t.ended_on", rules.trial_days)}, coalesce(MIN(l.lost_on), {FAR}))
               ) END,
               coalesce(MIN(s.starts_on), {FAR})
           ) AS ends_on
    FROM trials_seen t
    LEFT JOIN stretches s ON s.account_id = t.account_id AND s.starts_on >= t.started_on
    LEFT JOIN led l ON l.account_id = t.account_id AND l.lost_on >= t.started_on
    GROUP BY t.account_id, t.started_on, t.ended_on
),
windows AS (
    {_windows(rules)}
),
habits AS (
    {_adopted(rules)}
),
activated AS (
    {_activated()}
),
steps AS (
    {steps}
),
days AS (
    SELECT account_id, day,
           {sums}
    FROM steps WHERE account_id IN (SELECT account_id FROM firsts)
    GROUP BY account_id, day
),
held AS (
    SELECT account_id, day,
           {holds}
    FROM days
),
ruled AS (
    SELECT account_id, day, CASE {" ".join(cases)} END AS rule FROM held
),
staged AS (
    SELECT account_id, day, rule, CASE rule {stages} END AS stage FROM ruled
),
turned AS (
    SELECT account_id, day, rule, stage, lag(stage) {by_day} AS previous FROM staged
),
spans AS (
    SELECT account_id, stage, rule, day AS starts_on, coalesce(lead(day) {by_day}, {FAR}) AS ends_on
    FROM turned WHERE previous IS NULL OR previous <> stage
)
SELECT CAST(account_id AS VARCHAR) AS account_id, CAST(stage AS VARCHAR) AS stage,
       CAST(starts_on AS DATE) AS starts_on, CAST(ends_on AS DATE) AS ends_on,
       CAST(row_number() OVER (PARTITION BY account_id, stage ORDER BY starts_on) AS BIGINT)
           AS visit,
       CAST(rule AS BIGINT) AS rule
FROM spans
{last}
"""


def _stages_of_days(config: Config) -> str:
    """SQL of rows (account_id, value, starts_on, ends_on) for `--by lifecycle`.

    On the day on which an account churns it has no value, so that its churned MRR stands in the
    stage that it left and not in the one that it came to.
    """
    return f"""SELECT s.account_id, s.stage AS value,
       CASE WHEN c.day IS NULL THEN s.starts_on
            ELSE CAST(s.starts_on + INTERVAL 1 DAY AS DATE) END AS starts_on, s.ends_on
FROM ({statement(config)}) s
LEFT JOIN (SELECT DISTINCT account_id, day FROM mrr_movements WHERE movement = 'churned') c
  ON c.account_id = s.account_id AND c.day = s.starts_on"""


LIFECYCLE = Moving(
    "lifecycle",
    N_(
        "The lifecycle stage that the account was in at the close of the day. What it churned "
        "stands in the stage that it left."
    ),
    _stages_of_days,
)
"""`--by lifecycle`: an account that changes its stage enters and leaves with its MRR."""
