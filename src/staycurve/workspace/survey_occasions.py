"""Occasions of surveys with a trigger: what happened lately, and to whom, as the lake knows it."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from staycurve.actions.surveys.triggers import (
    FEATURE,
    RENEWAL,
    TICKET,
    Occasion,
    Trigger,
)
from staycurve.period import day_start, local_day
from staycurve.tables.engine import AnyEngine, quoted, timestamp
from staycurve.workspace.project import Project

_YEAR = 12
_MONTHS = {"year": 12, "quarter": 3, "month": 1}
"""Months of one interval; a contract by the week or day is none that renews."""


def occasions(
    company: Project, trigger: Trigger, *, users: Collection[str] | None = None
) -> dict[str, list[Occasion]]:
    """User → what a survey may ask them about now: within the trigger's days, up to now.

    Parameters
    ----------
    users : collection of str, optional
        Of these alone.
    """
    now = company.clock()
    since = now - trigger.within
    with company.reading() as engine:
        if trigger.after == TICKET:
            found = _solved(engine, since, now)
        elif trigger.after == FEATURE:
            found = _first_used(engine, trigger.feature, since, now)
        else:
            told = (
                _renewed(company, engine, since, now) if trigger.after == RENEWAL
                else _onboarded(company, engine, since, now)
            )
            found = _of_people(engine, trigger.after, told, now)
    made: dict[str, list[Occasion]] = {}
    for one in found:
        if users is None or one.user_id in users:
            made.setdefault(one.user_id, []).append(one)
    return made


def _at(instant: dt.datetime) -> str:
    return timestamp(instant.astimezone(dt.UTC))


def _solved(engine: AnyEngine, since: dt.datetime, now: dt.datetime) -> list[Occasion]:
    """Tickets that are solved, and whose; one that is open again is not solved."""
    rows = engine.rows(f"""SELECT t.user_id, t.ticket_id, t.solved_at
FROM tickets t
WHERE t.user_id IS NOT NULL AND t.solved_at > {_at(since)} AND t.solved_at <= {_at(now)}
  AND NOT coalesce(t.reopened_at > t.solved_at AND t.reopened_at <= {_at(now)}, FALSE)
ORDER BY t.solved_at, t.ticket_id""")
    return [Occasion(TICKET, ticket, user, _utc(at)) for user, ticket, at in rows]


def _first_used(
    engine: AnyEngine, feature: str, since: dt.datetime, now: dt.datetime
) -> list[Occasion]:
    rows = engine.rows(f"""SELECT e.user_id, MIN(e.occurred_at) AS at
FROM events e
WHERE e.event = {quoted(feature)} AND e.user_id IS NOT NULL AND e.occurred_at <= {_at(now)}
GROUP BY e.user_id HAVING MIN(e.occurred_at) > {_at(since)}
ORDER BY e.user_id""")
    return [Occasion(FEATURE, feature, user, _utc(at)) for user, at in rows]


_Told = list[tuple[str, str, dt.datetime]]
"""(account, subject, at)."""


def _onboarded(
    company: Project, engine: AnyEngine, since: dt.datetime, now: dt.datetime
) -> _Told:
    """Accounts that have done every step of the checklist, else reached first value."""
    steps = company.config.behaviour.activation.checklist
    if steps:
        listed = ", ".join(map(quoted, steps))
        rows = engine.rows(f"""SELECT account_id, MAX(first_at) AS at FROM (
    SELECT r.root_id AS account_id, e.event, MIN(e.occurred_at) AS first_at
    FROM events e
    LEFT JOIN users u ON u.user_id = e.user_id
    JOIN account_roots r ON r.account_id = coalesce(e.account_id, u.account_id)
    WHERE e.event IN ({listed}) AND e.occurred_at <= {_at(now)}
    GROUP BY r.root_id, e.event
) firsts
GROUP BY account_id HAVING COUNT(*) = {len(set(steps))} AND MAX(first_at) > {_at(since)}
ORDER BY account_id""")
        return [(account, account, _utc(at)) for account, at in rows]
    if "account_months" not in company.snapshot.tables:
        return []
    zone = company.config.company.zone
    days = engine.rows(
        "SELECT account_id, MIN(activated_on) AS first_on FROM account_months "
        "WHERE activated_on IS NOT NULL GROUP BY account_id "
        f"HAVING MIN(activated_on) > DATE '{local_day(since, zone)}' "
        f"AND MIN(activated_on) <= DATE '{local_day(now, zone)}' ORDER BY account_id"
    )
    return [(account, account, day_start(day, zone)) for account, day in days]


def _renewed(
    company: Project, engine: AnyEngine, since: dt.datetime, now: dt.datetime
) -> _Told:
    """Contracts of a year or more whose term ended in the days, and that go on."""
    zone = company.config.company.zone
    first, last = local_day(since, zone), local_day(now, zone)
    rows = engine.rows("""SELECT r.root_id, s.subscription_id, s.starts_on, s.ends_on, s.renews_on,
       coalesce(s.status, 'active'), s.interval, s.interval_count, s.term_months
FROM subscriptions s JOIN account_roots r ON r.account_id = s.account_id
WHERE NOT r.is_excluded AND coalesce(s.status, 'active') <> 'trialing'
ORDER BY r.root_id, s.subscription_id, s.starts_on, coalesce(s.item_id, '')""")
    spans: dict[tuple[str, str], list[Sequence[Any]]] = {}
    for account, name, *span in rows:
        spans.setdefault((account, name), []).append(span)
    found: _Told = []
    for (account, name), own in spans.items():
        day = _last_renewal(own, last)
        if day is not None and first < day <= last:
            found.append((account, f"{name} {day}"[:500], day_start(day, zone)))
    return found


def _last_renewal(spans: Sequence[Sequence[Any]], today: dt.date) -> dt.date | None:
    """The last day on which a subscription in force began another term; None without one."""
    begun = min(span[0] for span in spans)
    days = []
    for starts, ends, renews, status, interval, count, term in spans:
        months = term or _MONTHS.get(interval or "month", 0) * (count or 1)
        is_in_force = starts <= today and (ends is None or ends > today)
        if not is_in_force or months < _YEAR or status not in ("active", "past_due"):
            continue
        # A date that the source states is surer than the day on which the first term began.
        anchor = renews or begun
        behind = (today.year - anchor.year) * 12 + today.month - anchor.month
        terms = behind // months
        day = _months_on(anchor, terms * months)
        if day > today:
            day = _months_on(anchor, (terms - 1) * months)
        if day > begun:
            days.append(day)
    return max(days, default=None)


def _months_on(day: dt.date, months: int) -> dt.date:
    """The same day so many months on, or the last of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _of_people(
    engine: AnyEngine, kind: str, told: _Told, now: dt.datetime
) -> list[Occasion]:
    """What happened to accounts, of their champions, or of all their users where none is known."""
    if not told:
        return []
    listed = ", ".join(quoted(account) for account in sorted({one[0] for one in told}))
    people: dict[str, list[tuple[str, bool]]] = {}
    for account, user, is_champion in engine.rows(f"""SELECT r.root_id, u.user_id,
       coalesce(u.is_champion, FALSE)
FROM users u JOIN account_roots r ON r.account_id = u.account_id
WHERE r.root_id IN ({listed}) AND (u.left_at IS NULL OR u.left_at > {_at(now)})
ORDER BY r.root_id, u.user_id"""):
        people.setdefault(account, []).append((user, bool(is_champion)))
    return [
        Occasion(kind, subject, user, at)
        for account, subject, at in told for user in _asked(people, account)
    ]


def _asked(people: Mapping[str, Sequence[tuple[str, bool]]], account: str) -> list[str]:
    own = people.get(account, ())
    return [user for user, is_champion in own if is_champion] or [user for user, _ in own]


def _utc(at: dt.datetime) -> dt.datetime:
    return at.replace(tzinfo=dt.UTC)
