"""lifecycle_spans: which stage each account was in from day to day, every visit kept.

Facts become stretches of days, stretches become steps of +1 and −1, and running sums of the steps
say what holds at each day's close; so a window that runs out changes a stage on the day on which
it does, without any event. A day's stage rests on that day and those before it: a later as-of
never changes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.insights.lifecycle import lifecycle_facts
from staycurve.insights.lifecycle.lifecycle_facts import BY_DAY
from staycurve.lifecycle_rules import FACTS, STAGES, LifecycleRules
from staycurve.metrics.dimensions import Moving
from staycurve.period import AsOf
from staycurve.tables.engine import FAR, AnyEngine, quoted, timestamp

SPANS = "lifecycle_spans"
"""The relation of every visit, which the workspace keeps when a statement first names it."""

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

# The names below are this module's own: some engines lift relations out of the statement that
# nests them, so none may be called as one of a metric's statement is.
APART = ("used", "signs", "stretches", "first_known", "windows", "habits", "steps")
"""Relations that several others read: computed once by an engine that would do so for each."""


def statement(config: Config, seen: AsOf | None = None) -> str:
    """SQL of every visit of every account; see COLUMNS.

    Parameters
    ----------
    seen : AsOf, optional
        Facts after its instant are not seen, and visits that begin after its last day are left
        out. Without it all days are there, also those that a window brings after the last fact.
    """
    return _with(relations(config, seen), _answer(seen))


def keep(engine: AnyEngine, config: Config, seen: AsOf | None = None) -> None:
    """Let SPANS be the answer of `statement`, also of an engine that plans long ones slowly."""
    if config.engine == "duckdb":
        engine.keep(SPANS, statement(config, seen))
        return
    waiting: dict[str, str] = {}
    for name, sql in relations(config, seen).items():
        if name in APART:
            engine.keep(name, _with(waiting, sql))
        else:
            waiting[name] = sql
    engine.keep(SPANS, _with(waiting, _answer(seen)))
    for name in APART:
        engine.drop(name)


def _with(parts: Mapping[str, str], answer: str) -> str:
    """`answer` with those of the relations before it that it rests on."""
    listed: list[str] = []
    text = answer
    for name, sql in reversed(list(parts.items())):
        if re.search(rf"\b{name}\b", text):
            listed.insert(0, f"{name} AS (\n{sql}\n)")
            text += f"\n{sql}"
    if not listed:
        return answer
    return "WITH " + ",\n".join(listed) + f"\n{answer}"


def _answer(seen: AsOf | None) -> str:
    last = f"WHERE starts_on <= DATE '{seen.last_day}'" if seen else ""
    return f"""SELECT CAST(account_id AS VARCHAR) AS account_id, CAST(stage AS VARCHAR) AS stage,
       CAST(starts_on AS DATE) AS starts_on, CAST(ends_on AS DATE) AS ends_on,
       CAST(row_number() OVER (PARTITION BY account_id, stage ORDER BY starts_on) AS BIGINT)
           AS visit,
       CAST(rule AS BIGINT) AS rule
FROM spans
{last}"""


def relations(config: Config, seen: AsOf | None = None) -> dict[str, str]:
    """Name → SQL of each step from the tables to the visits, in order."""
    rules = config.lifecycle
    at = timestamp(seen.at) if seen and not seen.is_whole else ""
    return {
        **lifecycle_facts.known(at),
        **lifecycle_facts.paid(config),
        **lifecycle_facts.shown(rules),
        **lifecycle_facts.used(rules),
        **lifecycle_facts.lasting(rules),
        **_days(rules),
    }


def _days(rules: LifecycleRules) -> dict[str, str]:
    """Relations from stretches to visits: steps, what holds at each close, the rule, the stage."""
    running = (
        "OVER (PARTITION BY account_id ORDER BY day "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    )
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
    return {
        "steps": f"""
SELECT l.account_id, CASE WHEN k.sign = 1 THEN l.starts_on ELSE l.ends_on END AS day,
       l.fact, k.sign * l.weight AS step
FROM lasting l
CROSS JOIN (VALUES (1), (-1)) AS k(sign)
WHERE l.starts_on < l.ends_on AND (k.sign = 1 OR l.ends_on < {FAR})
UNION ALL
{lifecycle_facts.ACTIVE_STEPS}
UNION ALL
SELECT account_id, day, fact, step FROM habits
UNION ALL
SELECT account_id, day, 'known', 0 FROM first_known""",
        "days": f"""
SELECT account_id, day,
       {sums}
FROM steps WHERE account_id IN (SELECT account_id FROM first_known)
GROUP BY account_id, day""",
        "held": f"""
SELECT account_id, day,
       {holds}
FROM days""",
        "ruled": f"""SELECT account_id, day, CASE {" ".join(cases)} END AS rule FROM held""",
        "staged": f"""SELECT account_id, day, rule, CASE rule {stages} END AS stage FROM ruled""",
        "turned": f"""
SELECT account_id, day, rule, stage, lag(stage) {BY_DAY} AS previous FROM staged""",
        "spans": f"""
SELECT account_id, stage, rule, day AS starts_on,
       coalesce(lead(day) {BY_DAY}, {FAR}) AS ends_on
FROM turned WHERE previous IS NULL OR previous <> stage""",
    }


def _stages_of_days(_config: Config) -> str:
    """SQL of rows (account_id, value, starts_on, ends_on) for `--by lifecycle`.

    On the day on which an account churns it has no value, so that its churned MRR stands in the
    stage that it left and not in the one that it came to.
    """
    return f"""SELECT s.account_id, s.stage AS value,
       CASE WHEN c.day IS NULL THEN s.starts_on
            ELSE CAST(s.starts_on + INTERVAL 1 DAY AS DATE) END AS starts_on, s.ends_on
FROM {SPANS} s
LEFT JOIN (SELECT DISTINCT account_id, day FROM mrr_movements WHERE movement = 'churned') c
  ON c.account_id = s.account_id AND c.day = s.starts_on"""


def _stages_at_close(_config: Config) -> str:
    """SQL of rows (account_id, value, starts_on, ends_on): the stage at each day's close."""
    return f"SELECT account_id, stage AS value, starts_on, ends_on FROM {SPANS}"


LIFECYCLE = Moving(
    "lifecycle",
    N_(
        "The lifecycle stage that the account was in at the close of the day. What it churned "
        "stands in the stage that it left."
    ),
    _stages_of_days,
    at_close=_stages_at_close,
    values=STAGES,
)
"""`--by lifecycle`: an account that changes its stage enters and leaves with its MRR."""
