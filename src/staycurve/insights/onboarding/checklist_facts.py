"""Statements of the onboarding checklist: every step done, in order and not, and who stayed."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.features.feature_use import listed
from staycurve.insights.onboarding.signup_facts import members_sql
from staycurve.insights.shared.account_facts import size_sql
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.members import spells_sql
from staycurve.insights.shared.told_use import UseOf
from staycurve.tables.engine import quoted
from staycurve.tables.standing import spans_sql

LATER_MONTHS = 3
"""Months from sign-up to the day on which it is asked who stayed: a quarter, past most trials."""

ACTIVE_DAYS = 28

CONFOUNDERS = {
    "size": N_("account size: employees"),
    "channel": N_("channel that brought it"),
    "plan": N_("plan of its first subscription or trial"),
    "time": N_("when: the half-year of sign-up"),
    "before": N_("whether it did the step before within the window"),
}


def _acts(asked: UseOf) -> str:
    """The relation `acts`: (account_id, event, occurred_at, occurred_on) of every step done."""
    steps = asked.config.behaviour.activation.checklist
    return f"""acts AS (
    SELECT r.root_id AS account_id, e.event, e.occurred_at, e.occurred_on
    FROM events e
    LEFT JOIN users u ON u.user_id = e.user_id
    JOIN account_roots r ON r.account_id = coalesce(e.account_id, u.account_id)
    WHERE e.event IN ({listed(steps)}) AND e.occurred_at < {asked.context.as_of_sql}
)"""


def progress_sql(asked: UseOf) -> str:
    """WITH and the relations up to `progress`: one row an account that signed up.

    Rows of (members' columns, in0 … the instant of each step in order, any0 … that of its first
    time, on0 … its local day). A chain takes the earliest time that follows the step before.
    """
    steps = asked.config.behaviour.activation.checklist
    parts = [members_sql(asked, asked.told_sql()), _acts(asked)]
    for place, step in enumerate(steps):
        before = f"JOIN chain{place - 1} c ON c.account_id = a.account_id" if place else ""
        after = "AND a.occurred_at >= c.at" if place else ""
        parts.append(
            f"chain{place} AS (SELECT a.account_id, MIN(a.occurred_at) AS at FROM acts a {before} "
            f"WHERE a.event = {quoted(step)} {after} GROUP BY a.account_id)"
        )
    firsts = "".join(
        f", MIN(CASE WHEN event = {quoted(step)} THEN occurred_at END) AS any{place}, "
        f"MIN(CASE WHEN event = {quoted(step)} THEN occurred_on END) AS on{place}"
        for place, step in enumerate(steps)
    )
    parts.append(f"done AS (SELECT account_id{firsts} FROM acts GROUP BY account_id)")
    columns = "".join(
        f", chain{place}.at AS in{place}, d.any{place}, d.on{place}" for place in range(len(steps))
    )
    joins = "\n    ".join(
        f"LEFT JOIN chain{place} ON chain{place}.account_id = m.account_id"
        for place in range(len(steps))
    )
    parts.append(f"""progress AS (
    SELECT m.*{columns}
    FROM members m
    LEFT JOIN done d ON d.account_id = m.account_id
    {joins}
)""")
    return ",\n".join(parts)


def _in_window(asked: UseOf, place: int) -> str:
    days = asked.config.behaviour.activation.window_days
    return f"on{place} <= CAST(signup_on + INTERVAL {days} DAY AS DATE)"


def reach_statement(asked: UseOf) -> str:
    """SQL of rows (seg…, accounts, and for each step: in order, in any order, in the window)."""
    segs = segs_of(asked)
    steps = asked.config.behaviour.activation.checklist
    sums = "".join(
        f", CAST(COUNT({column}) AS BIGINT) AS {column}_n"
        for place in range(len(steps))
        for column in (f"in{place}", f"any{place}")
    ) + "".join(
        f", CAST(SUM(CASE WHEN {test} THEN 1 ELSE 0 END) AS BIGINT) AS win{place}"
        for place, test in enumerate(_in_window(asked, place) for place in range(len(steps)))
    )
    grouped = f"GROUP BY {segs.removeprefix(', ')}" if segs else ""
    return f"""{progress_sql(asked)}
SELECT {segs.removeprefix(", ") + ", " if segs else ""}CAST(COUNT(*) AS BIGINT) AS accounts{sums}
FROM progress WHERE is_mature = 1 {grouped}"""


def _minutes(start: str, end: str) -> str:
    """SQL of whole minutes between two instants, from calendar parts that engines agree on."""
    days = f"date_diff('day', CAST({start} AS DATE), CAST({end} AS DATE))"
    return (
        f"CAST({days} * 1440 + (hour({end}) - hour({start})) * 60 + minute({end}) "
        f"- minute({start}) AS BIGINT)"
    )


def gaps_statement(asked: UseOf) -> str:
    """SQL of rows (seg…, step, minutes from the step before, accounts); steps from the second."""
    segs = segs_of(asked)
    steps = asked.config.behaviour.activation.checklist
    parts = [
        f"SELECT CAST({place} AS BIGINT) AS step{segs}, "
        f"{_minutes(f'in{place - 1}', f'in{place}')} AS minutes "
        f"FROM progress WHERE is_mature = 1 AND in{place} IS NOT NULL"
        for place in range(1, len(steps))
    ]
    return f"""{progress_sql(asked)}
SELECT {segs.removeprefix(", ") + ", " if segs else ""}step, minutes,
       CAST(COUNT(*) AS BIGINT) AS accounts
FROM ({" UNION ALL ".join(parts)}) gaps
GROUP BY {segs.removeprefix(", ") + ", " if segs else ""}step, minutes"""


def later_statement(asked: UseOf) -> str:
    """SQL of rows (step, did, size, channel, plan, time, before, accounts, paying, active).

    `did` is 1 for accounts that did the step within the window. Accounts whose day lies after
    what is seen whole are left out.
    """
    steps = asked.config.behaviour.activation.checklist
    levels = ", ".join(name for name in CONFOUNDERS if name != "before")
    tests = [_in_window(asked, place) for place in range(len(steps))]
    parts = []
    for place, test in enumerate(tests):
        before = f"CASE WHEN {tests[place - 1]} THEN 'yes' ELSE 'no' END" if place else "'none'"
        parts.append(
            f"SELECT CAST({place} AS BIGINT) AS step, CASE WHEN {test} THEN 1 ELSE 0 END AS did, "
            f"{levels}, {before} AS before, is_paying, is_active FROM later"
        )
    key = f"step, did, {levels}, before"
    every = "\nUNION ALL\n".join(parts)
    return f"""{_later_sql(asked)}
SELECT {key}, CAST(COUNT(*) AS BIGINT) AS accounts, CAST(SUM(is_paying) AS BIGINT) AS paying,
       CAST(SUM(is_active) AS BIGINT) AS active
FROM ({every}) every
GROUP BY {key}"""


def _later_sql(asked: UseOf) -> str:
    # Of the 28 days up to the day, those in its own month and those in the month before.
    own = "m.days & ((CAST(1 AS BIGINT) << CAST(day(d.later_on) AS INTEGER)) - 1)"
    first = "CAST(date_trunc('month', d.from_on) AS DATE)"
    last = "CAST(date_trunc('month', d.later_on) AS DATE)"
    masked = f"CASE WHEN m.month_on = {last} THEN {own} ELSE m.days END"
    test = (
        f"CASE WHEN m.month_on = {first} THEN ({masked}) >> CAST(day(d.from_on) - 1 AS INTEGER) "
        f"ELSE {masked} END <> 0"
    )
    return f"""{progress_sql(asked)},
{spells_sql(asked)},
due AS (
    SELECT *, CAST(later_on - INTERVAL {ACTIVE_DAYS - 1} DAY AS DATE) AS from_on
    FROM (
        SELECT *, CAST(signup_on + INTERVAL {LATER_MONTHS} MONTH AS DATE) AS later_on FROM progress
    ) p
    WHERE is_mature = 1 AND later_on <= DATE '{asked.last_whole_day}'
),
were_active AS (
    SELECT DISTINCT d.account_id
    FROM due d
    JOIN account_months m ON m.account_id = d.account_id
         AND (m.month_on = {first} OR m.month_on = {last})
    WHERE {test}
),
first_plans AS (
    SELECT account_id, plan
    FROM (
        SELECT r.root_id AS account_id, s.plan, row_number() OVER (PARTITION BY r.root_id
                   ORDER BY s.starts_at, s.subscription_id, coalesce(s.item_id, '')) AS place
        FROM {spans_sql()} s
        JOIN account_roots r ON r.account_id = s.account_id
    ) ranked
    WHERE place = 1
),
later AS (
    SELECT d.*, {size_sql("e.employees", "CAST(NULL AS BIGINT)")} AS size,
           coalesce(e.channel, 'unknown') AS channel, coalesce(p.plan, 'none') AS plan,
           CASE WHEN month(d.signup_on) <= 6 THEN CAST(year(d.signup_on) AS VARCHAR) || '-H1'
                ELSE CAST(year(d.signup_on) AS VARCHAR) || '-H2' END AS time,
           CASE WHEN s.mrr > 0 THEN 1 ELSE 0 END AS is_paying,
           CASE WHEN w.account_id IS NOT NULL THEN 1 ELSE 0 END AS is_active
    FROM due d
    LEFT JOIN accounts e ON e.account_id = d.account_id
    LEFT JOIN first_plans p ON p.account_id = d.account_id
    LEFT JOIN spells s ON s.account_id = d.account_id AND s.starts_on <= d.later_on
         AND s.ends_on > d.later_on
    LEFT JOIN were_active w ON w.account_id = d.account_id
)"""


LATER_TESTS = {"": "1 = 1", "_paying": "is_paying = 1", "_active": "is_active = 1"}
"""What `did` and `did_not` end in → who of them is listed."""


def accounts_statement(asked: UseOf, place: int, state: str) -> str:
    """SQL of rows (account_id, signup_on, steps in order, instants…)."""
    steps = asked.config.behaviour.activation.checklist
    did = _in_window(asked, place)
    later = {
        f"{side}{outcome}": f"{test} AND {own}"
        for side, test in (("did", did), ("did_not", f"CASE WHEN {did} THEN 0 ELSE 1 END = 1"))
        for outcome, own in LATER_TESTS.items()
    }
    before = " AND ".join(f"in{i} IS NOT NULL" for i in range(place)) or "1 = 1"
    tests = {
        "members": "1 = 1",
        "reached": f"in{place} IS NOT NULL",
        "any_order": f"any{place} IS NOT NULL",
        "in_window": did,
        "stopped": f"{before} AND in{place} IS NULL",
    }
    orderly = " + ".join(
        f"CASE WHEN in{i} IS NULL THEN 0 ELSE 1 END" for i in range(len(steps))
    )
    instants = "".join(f", any{i}" for i in range(len(steps)))
    relations, rows = progress_sql(asked), "progress"
    if state in later:
        relations, rows = _later_sql(asked), "later"
    return f"""{relations}
SELECT account_id, signup_on, CAST({orderly} AS BIGINT) AS in_order{instants}
FROM {rows} WHERE is_mature = 1 AND {(tests | later)[state]}
ORDER BY account_id"""
