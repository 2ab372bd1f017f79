"""Referrals: who brought whom, what the referred are worth, and whether they stay longer."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.acquisition.reading import Reading, Row
from staycurve.insights.lifecycle.lifecycle import SMALL
from staycurve.insights.shared.account_facts import picked_sql, shared_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.statistics.proportions import Share, difference, share
from staycurve.metrics.context import Context
from staycurve.metrics.dimensions import FIRSTS_SQL
from staycurve.metrics.relations import RELATIONS
from staycurve.money import MICRO
from staycurve.period import Period
from staycurve.tables.engine import quoted

ASSOCIATION = N_(
    "Referred accounts differ from others in more than the referral; a difference is no effect of "
    "it."
)
NOBODY_REFERRED = N_("no account names another in referred_by")
STATES = {
    "referred": N_("accounts that another customer brought"),
    "ever_paid": N_("those of them that have paid"),
    "paying": N_("those of them that pay now"),
}


@dataclass(frozen=True)
class Referrals(Reading):
    """Who brought whom.

    Attributes
    ----------
    rows : list of dict
        account_id (of the referrer), name, is_known, referred, ever_paid, paying, mrr,
        lifetime_mrr (MRR at the closes of all closed months, summed); the largest first.
    summary : dict
        The same over all referred accounts, with `accounts` in all and `share` of them referred.
    retention : list of dict
        One row an age in months: referred and others, each retained, size, value, low, high;
        difference with low and high, is_small.
    """

    summary: Row = field(default_factory=dict)
    retention: list[Row] = field(default_factory=list)

    def as_dict(self) -> Row:
        return {**super().as_dict(), "summary": self.summary, "retention": self.retention}


def accounts_statement(
    question: Question, months: Sequence[Period], *, referrer: str | None = None
) -> str:
    """SQL of every referred account in the segments that is known as of the instant.

    Columns: account_id, name, referrer, referrer_name, is_known, created_on, first_paid_on, mrr
    (at the last day seen), lifetime (MRR at the closes of `months`, summed), both in micro-units.

    Parameters
    ----------
    question : Question
        Its segments are those of the referred accounts, as they are on the last day seen.
    months : sequence of Period
        The closed months.
    """
    seen, config = question.as_of, question.config
    today = Period("day", seen.last_day, seen.last_day + dt.timedelta(days=1))
    kept = f"AND b.root_id = {quoted(referrer)}" if referrer is not None else ""
    own = Context(config, "day", (today,), seen)
    then = Context(config, "month", tuple(months), seen)
    return f"""WITH periods AS ({_points([today])}),
months AS ({_points(months or [today])}),
{_segments(question)},
referred AS (
    SELECT a.account_id, a.name, a.created_on, coalesce(b.root_id, a.referred_by) AS referrer
    FROM accounts a
    JOIN account_roots r ON r.account_id = a.account_id
    LEFT JOIN account_roots b ON b.account_id = a.referred_by
    {_in_segment(question)}
    WHERE NOT r.is_excluded AND r.root_id = a.account_id AND a.referred_by IS NOT NULL
      AND coalesce(b.root_id, a.referred_by) <> a.account_id
      AND (a.created_at IS NULL OR a.created_at < {question.context.as_of_sql})
      {kept}
),
standing AS (
    SELECT account_id, CAST(SUM(value) AS HUGEINT) AS mrr
    FROM ({RELATIONS["closing"].rows(own)}) c GROUP BY account_id
),
lasting AS (
    SELECT account_id, CAST(SUM(value) AS HUGEINT) AS lifetime
    FROM ({RELATIONS["month_value"].rows(then)}) c
    WHERE account_id IN (SELECT account_id FROM referred) AND {"1 = 1" if months else "1 = 0"}
    GROUP BY account_id
)
SELECT r.account_id, r.name, r.referrer, n.name AS referrer_name,
       n.account_id IS NOT NULL AS is_known, r.created_on, f.first_paid_on,
       CAST(coalesce(s.mrr, 0) AS HUGEINT) AS mrr,
       CAST(coalesce(l.lifetime, 0) AS HUGEINT) AS lifetime
FROM referred r
LEFT JOIN accounts n ON n.account_id = r.referrer
LEFT JOIN standing s ON s.account_id = r.account_id
LEFT JOIN lasting l ON l.account_id = r.account_id
LEFT JOIN firsts f ON f.account_id = r.account_id AND f.first_paid_on <= DATE '{seen.last_day}'
ORDER BY lifetime DESC, r.account_id"""


def _segments(question: Question) -> str:
    """The relation `firsts`, and where segments are asked for `picked`: who is in them."""
    if not question.filters:
        return f"firsts AS ({FIRSTS_SQL})"
    last = question.as_of.last_day
    return f"{shared_sql(question)}{picked_sql(question, {last: last})}"


def _in_segment(question: Question) -> str:
    return "JOIN picked k ON k.account_id = r.root_id" if question.filters else ""


def _points(periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, close_on)."""
    rows = ", ".join(
        f"(DATE '{p.start}', DATE '{p.end - dt.timedelta(days=1)}')" for p in periods
    )
    return f"SELECT * FROM (VALUES {rows}) AS v(start_on, close_on)"


def account_shown(row: Sequence[Any]) -> Row:
    """One referred account."""
    account, name, referrer, _, _, created, paid, mrr, lifetime = row
    return {
        "account_id": account, "name": name, "referred_by": referrer,
        "created_on": created and str(created), "first_paid_on": paid and str(paid),
        "mrr": mrr / MICRO, "lifetime_mrr": lifetime / MICRO,
    }


def is_in(row: Row, state: str) -> bool:
    """Whether a referred account, as `account_shown` gives it, is in one of STATES.

    Raises
    ------
    UnknownNameError
        If the state is none of them.
    """
    if state not in STATES:
        raise UnknownNameError("state", state, STATES)
    if state == "ever_paid":
        return row["first_paid_on"] is not None
    return state == "referred" or row["mrr"] > 0


def rows_of(answer: Iterable[Sequence[Any]]) -> list[Row]:
    """One row a referrer."""
    found: dict[str, Row] = {}
    for _, _, referrer, name, is_known, _, paid, mrr, lifetime in answer:
        row = found.setdefault(referrer, {
            "account_id": referrer, "name": name, "is_known": is_known, "referred": 0,
            "ever_paid": 0, "paying": 0, "mrr": 0, "lifetime_mrr": 0,
        })
        row["referred"] += 1
        row["ever_paid"] += paid is not None
        row["paying"] += mrr > 0
        row["mrr"] += mrr
        row["lifetime_mrr"] += lifetime
    for row in found.values():
        row["mrr"], row["lifetime_mrr"] = row["mrr"] / MICRO, row["lifetime_mrr"] / MICRO
    return sorted(found.values(), key=lambda row: (-row["lifetime_mrr"], row["account_id"]))


def summary_of(rows: Sequence[Row], accounts: int) -> Row:
    """All referrers together."""
    referred = sum(row["referred"] for row in rows)
    part = share(referred, accounts)
    return {
        "accounts": accounts, "referrers": len(rows), "referred": referred, "share": part.value,
        "low": part.low, "high": part.high,
        "ever_paid": sum(row["ever_paid"] for row in rows),
        "paying": sum(row["paying"] for row in rows),
        "mrr": math.fsum(row["mrr"] for row in rows),
        "lifetime_mrr": math.fsum(row["lifetime_mrr"] for row in rows),
    }


def count_statement(question: Question) -> str:
    """SQL of how many customers of the segments are known as of the instant."""
    return f"""WITH {_segments(question)}
SELECT COUNT(*) FROM accounts a
JOIN account_roots r ON r.account_id = a.account_id
{_in_segment(question)}
WHERE NOT r.is_excluded AND r.root_id = a.account_id
  AND (a.created_at IS NULL OR a.created_at < {question.context.as_of_sql})"""


def retention_rows(counts: Mapping[tuple[bool, int], tuple[int, int]]) -> list[Row]:
    """Retention of the referred beside that of the others, at each age.

    Parameters
    ----------
    counts : mapping
        (is referred, age in months) → (still paying, accounts of closed cohorts).
    """
    rows = []
    for age in sorted({age for _, age in counts}):
        own = share(*counts.get((True, age), (0, 0)))
        others = share(*counts.get((False, age), (0, 0)))
        gap, low, high = difference(own, others) or (None, None, None)
        rows.append({
            "age": age, "referred": _shown(own), "others": _shown(others), "difference": gap,
            "difference_low": low, "difference_high": high,
            "is_small": min(own.size, others.size) < SMALL,
        })
    return rows


def _shown(kept: Share) -> Row:
    return {
        "size": kept.size, "retained": kept.count, "value": kept.value, "low": kept.low,
        "high": kept.high,
    }
