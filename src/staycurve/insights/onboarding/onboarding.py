"""Onboarding: how many new accounts reach first value, and how fast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.shared.account_facts import Opened, described, shared_sql
from staycurve.insights.shared.members import Question, Segment, segs_of
from staycurve.insights.statistics import survival
from staycurve.insights.statistics.association import shown
from staycurve.insights.statistics.proportions import Share, share
from staycurve.metrics.cohorts import SMALL
from staycurve.metrics.usage_relations import signup_sql

Row = dict[str, Any]
Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Statement → rows."""

QUARTERS = (0.25, 0.5, 0.75)

CURVE_DAYS = 90
"""Days of the curve that are handed out; who gets there later is counted, not drawn."""

ABOUT = N_(
    "Sign-up is the day on which the account was created; where that is not known, the day of its "
    "first trial or subscription. First value is the first of the events in [activation] events; "
    "the first active event without it. Who is not there yet counts as long as they have been seen "
    "(Kaplan-Meier; Greenwood's 95% interval on the log-log scale)."
)

COLUMNS = described({
    "cohort": (N_("Signed up in"), "period", ""),
    "size": (N_("Accounts"), "count", N_("Accounts that signed up in the month")),
    "activated": (N_("There so far"), "count", N_("Accounts that have reached first value")),
    "rate": (N_("Activation rate"), "percent",
             N_("Of the accounts whose window has passed, the share that got there within it; "
                "Wilson's 95% interval")),
    "median": (N_("Median days"), "days", N_("Time to first value by which half are there")),
    "q25": (N_("A quarter by"), "days", ""),
    "q75": (N_("Three quarters by"), "days", ""),
})

NOBODY = N_("nobody signed up, as far as is known")
WINDOW_OPEN = N_("nobody's window has passed yet")
NOT_SO_MANY = N_("so many are not there, nor expected so far")
EVENTS_MISSING = N_("no events are loaded")

PARTS = {
    "signed_up": N_("accounts that signed up"),
    "activated": N_("accounts that have reached first value"),
    "waiting": N_("accounts that have not reached first value"),
    "mature": N_("accounts whose window has passed"),
    "in_window": N_("accounts that reached first value within the window, which has passed"),
    "late": N_("accounts whose window has passed without it"),
    "unknown": N_("accounts whose sign-up is not known"),
    "before": N_("accounts that were there before they signed up: they count as day 0"),
}


def members_sql(asked: Question) -> str:
    """WITH and the relations up to `members`: one row an account that signed up, in the segment.

    Rows of (account_id, signup_on, cohort_on, seg…, activated_on, days, is_mature, is_in_window).
    Days are those to first value, or those that the account has been seen for without it.
    """
    context = asked.context
    segments, joins = context.segments(account="s.account_id", own={}, day="s.signup_on")
    last = f"DATE '{asked.as_of.last_day}'"
    window = asked.config.behaviour.activation.window_days
    end = f"CAST(s.signup_on + INTERVAL {window} DAY AS DATE)"
    return f"""WITH {shared_sql(asked)}signups AS ({signup_sql(context)}),
members AS (
    SELECT * FROM (
        SELECT s.account_id, s.signup_on,
               CAST(date_trunc('month', s.signup_on) AS DATE) AS cohort_on{segments},
               s.activated_on,
               CAST(date_diff('day', s.signup_on, coalesce(s.activated_on, {last})) AS BIGINT)
               AS days,
               CASE WHEN {end} <= {last} THEN 1 ELSE 0 END AS is_mature,
               CASE WHEN s.activated_on <= {end} THEN 1 ELSE 0 END AS is_in_window
        FROM signups s
        {joins}
    ) listed
    WHERE {context.where()}
)"""


def statement(asked: Question) -> str:
    """SQL of rows (cohort_on, seg…, days, is_activated, is_mature, is_in_window, accounts)."""
    key = (
        f"cohort_on{segs_of(asked)}, days, CASE WHEN activated_on IS NULL THEN 0 ELSE 1 END, "
        "is_mature, is_in_window"
    )
    return f"""{members_sql(asked)}
SELECT {key}, CAST(COUNT(*) AS BIGINT) AS accounts
FROM members
GROUP BY {key}"""


def _befores() -> str:
    return """firsts_ever AS (
    SELECT account_id, MIN(activated_on) AS first_on FROM account_months
    WHERE activated_on IS NOT NULL GROUP BY account_id
)"""


def accounts_statement(asked: Question, part: str, cohort: dt.date | None) -> str:
    """SQL of rows (account_id, signup_on, activated_on, days)."""
    if part == "unknown":
        return f"""WITH {shared_sql(asked)}signups AS ({signup_sql(asked.context)})
SELECT r.root_id AS account_id, CAST(NULL AS DATE) AS signup_on, CAST(NULL AS DATE) AS activated_on,
       CAST(NULL AS BIGINT) AS days
FROM account_roots r
LEFT JOIN signups s ON s.account_id = r.root_id
LEFT JOIN accounts a ON a.account_id = r.account_id
LEFT JOIN subscriptions b ON b.account_id = r.account_id
WHERE NOT r.is_excluded AND s.account_id IS NULL
GROUP BY r.root_id
HAVING COUNT(a.created_on) = 0 AND COUNT(b.starts_on) = 0
ORDER BY 1"""
    tests = {
        "signed_up": "1 = 1",
        "activated": "m.activated_on IS NOT NULL",
        "waiting": "m.activated_on IS NULL",
        "mature": "m.is_mature = 1",
        "in_window": "m.is_mature = 1 AND m.is_in_window = 1",
        "late": "m.is_mature = 1 AND m.is_in_window = 0",
        "before": "f.first_on < m.signup_on AND m.activated_on IS NOT NULL",
    }
    own = f" AND m.cohort_on = DATE '{cohort}'" if cohort else ""
    return f"""{members_sql(asked)},
{_befores()}
SELECT m.account_id, m.signup_on, m.activated_on, m.days
FROM members m
LEFT JOIN firsts_ever f ON f.account_id = m.account_id
WHERE {tests[part]}{own}
ORDER BY m.account_id"""


@dataclass(frozen=True)
class Reached:
    """Accounts that signed up together, or all of a segment, and when they got there.

    Attributes
    ----------
    cohort : date, optional
        The first day of the month of sign-up; None for all of them.
    """

    segment: Mapping[str, str | None]
    cohort: dt.date | None
    size: int
    activated: int
    rate: Share
    curve: survival.Curve

    def as_dict(self) -> Row:
        """One row as `--format json` prints it."""
        found: Row = {
            "segment": dict(self.segment),
            "cohort": self.cohort and str(self.cohort),
            "size": self.size,
            "activated": self.activated,
            "rate": _with_why(shown(self.rate), WINDOW_OPEN),
            "is_small": self.size < SMALL,
        }
        for quarter, name in zip(QUARTERS, ("q25", "median", "q75"), strict=True):
            value, low, high = self.curve.quantile(quarter)
            found[name] = _with_why({"value": value, "low": low, "high": high}, NOT_SO_MANY)
        return found


def _with_why(found: Row, why: str) -> Row:
    return found if found["value"] is not None else {**found, "why": why}


@dataclass(frozen=True)
class Onboarding:
    """Time to first value and activation rate, as a whole and by month of sign-up.

    Attributes
    ----------
    whole, cohorts : tuple of Reached
        One a segment; one a segment and month of sign-up.
    p_value : float, optional
        Of the same curve in all segments (log-rank); None without segments.
    unknown, before : int
        Accounts whose sign-up is not known; those that were there before they signed up.
    """

    as_of: str
    events: tuple[str, ...]
    window_days: int
    whole: tuple[Reached, ...]
    cohorts: tuple[Reached, ...]
    p_value: float | None
    unknown: int
    before: int
    notes: tuple[str, ...] = ()
    why: str | None = None
    sql: str = field(default="", repr=False)
    _accounts: Callable[[str, str | None], Opened] | None = field(default=None, repr=False)

    @property
    def rows(self) -> list[Row]:
        """One row a segment and month of sign-up."""
        return [one.as_dict() for one in self.cohorts]

    def accounts(self, part: str = "signed_up", cohort: str | None = None) -> Opened:
        """The accounts behind one number; `part` is a key of PARTS, `cohort` such as 2024-05."""
        assert self._accounts is not None
        return self._accounts(part, cohort)

    def to_json(self) -> Row:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "about": ABOUT,
            "events": list(self.events),
            "window_days": self.window_days,
            "columns": [column.as_dict() for column in COLUMNS],
            "unknown_signup": self.unknown,
            "activated_before_signup": self.before,
            "whole": [
                {**one.as_dict(), "curve": [
                    point.as_dict() for point in one.curve.points if point.time <= CURVE_DAYS
                ]}
                for one in self.whole
            ],
            "p_value": self.p_value,
            "rows": self.rows,
            **({"notes": list(self.notes)} if self.notes else {}),
            **({"why": self.why} if self.why else {}),
        }


def onboarding(asked: Question, ask: Ask) -> Onboarding:
    """How fast accounts reach first value, by month of sign-up and segment."""
    sql = statement(asked)
    places = len(asked.by)
    groups: dict[tuple[Segment, dt.date | None], list[tuple[Any, ...]]] = {}
    for cohort, *rest in ask(sql):
        values = tuple(rest[:places])
        for key in ((values, None), (values, cohort)):
            groups.setdefault(key, []).append(tuple(rest[places:]))
    keys = sorted(groups, key=lambda key: (asked.order(key[0]), key[1] or dt.date.min))
    found = {key: _reached(asked, key, groups[key]) for key in keys}
    whole = tuple(found[key] for key in keys if key[1] is None)
    activation = asked.config.behaviour.activation
    has_events = bool(ask("SELECT event_id FROM events LIMIT 1"))
    return Onboarding(
        as_of=asked.as_of.at.isoformat(),
        events=activation.events,
        window_days=activation.window_days,
        whole=whole,
        cohorts=tuple(found[key] for key in keys if key[1] is not None),
        p_value=survival.differ_by_chance([_counts(groups[key]) for key in keys if not key[1]]),
        unknown=len(ask(accounts_statement(asked, "unknown", None))),
        before=len(ask(accounts_statement(replace(asked, by=()), "before", None))),
        notes=() if has_events else (EVENTS_MISSING,),
        why=None if whole else NOBODY,
        sql=sql,
    )


def _counts(rows: Iterable[tuple[Any, ...]]) -> dict[int, tuple[int, int]]:
    return survival.counted((days, bool(there), size) for days, there, *_, size in rows)


def _reached(
    asked: Question, key: tuple[Segment, dt.date | None], rows: Sequence[tuple[Any, ...]]
) -> Reached:
    mature = sum(size for _, _, is_mature, _, size in rows if is_mature)
    inside = sum(size for _, _, is_mature, is_in, size in rows if is_mature and is_in)
    return Reached(
        asked.segment(key[0]), key[1], sum(row[-1] for row in rows),
        sum(row[-1] for row in rows if row[1]), share(inside, mature),
        survival.kaplan_meier(_counts(rows)),
    )


def opened(asked: Question, part: str, cohort: dt.date | None, ask: Ask) -> Opened:
    """The accounts behind one number; `part` is a key of PARTS."""
    if part not in PARTS:
        raise UnknownNameError("part", part, PARTS)
    sql = accounts_statement(asked, part, cohort)
    rows = [
        {"account_id": account, "signup_on": _text(signup), "activated_on": _text(there),
         "days": days}
        for account, signup, there, days in ask(sql)
    ]
    return Opened(PARTS[part], asked.as_of.at.isoformat(), rows, {"accounts": len(rows)}, sql)


def _text(day: dt.date | None) -> str | None:
    return None if day is None else str(day)
