"""What one account used in a period and in the one before, and which tickets it had solved."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from staycurve.i18n import N_
from staycurve.insights.account import facts_sql
from staycurve.insights.account.asked import Whose, rows_of
from staycurve.insights.shared.reader import Reader
from staycurve.period import Period, day_start
from staycurve.tables.engine import AnyEngine, timestamp

BEGAN = N_("the account began after the period before it did")
NO_USE_KNOWN = N_("usage is not known for the whole period before it")


@dataclass(frozen=True)
class Window:
    """The days of a period that are seen, and as many from the start of the period before.

    Attributes
    ----------
    is_open : bool
        Whether the period goes on.
    """

    start: dt.date
    last: dt.date
    before_start: dt.date
    before_last: dt.date
    is_open: bool


def window_of(period: Period, of: Whose, fiscal_start: int) -> Window:
    """The days to compare: of a period that is not over, as many days as have passed of it."""
    earlier = period.previous(fiscal_start)
    is_open = of.seen.is_open(period)
    last = min(period.end - dt.timedelta(days=1), of.last_day)
    until = earlier.end - dt.timedelta(days=1)
    if is_open:
        until = min(until, earlier.start + (last - period.start))
    return Window(period.start, last, earlier.start, until, is_open)


@dataclass(frozen=True)
class Used:
    """Usage of one feature; `before` is None where it is not known."""

    feature: str
    days: int
    uses: int
    days_before: int | None
    uses_before: int | None
    is_new: bool


@dataclass(frozen=True)
class Usage:
    """Usage of the account: users and days in the period, and in the one before.

    Attributes
    ----------
    users : int, optional
        None where events name nobody.
    tried : frozenset of str
        Every feature that it has ever used.
    why_before : str, optional
        Why nothing is known of the period before.
    """

    users: int | None
    days: int
    users_before: int | None
    days_before: int | None
    features: tuple[Used, ...]
    tried: frozenset[str]
    why_before: str | None


def usage_of(engine: AnyEngine, company: Reader, of: Whose, window: Window) -> Usage:
    """What the account used."""
    tried: dict[str, dt.date] = dict(engine.rows(tried_sql(of)))
    why = _why_before(engine, company, of, window, tried)
    # Events of one feature alone may be no activity: they count as usage of it all the same.
    [(users, days, users_before, days_before)] = engine.rows(totals_sql(of, window))
    features = [
        Used(
            feature, own_days, uses, None if why else own_before,
            None if why else uses_before, tried[feature] >= window.start,
        )
        for feature, own_days, uses, own_before, uses_before in engine.rows(
            features_sql(of, window)
        )
        if uses or own_days or (not why and (uses_before or own_before))
    ]
    features.sort(key=lambda one: (-one.days, -one.uses, one.feature))
    return Usage(
        None if days and not users else users, days,
        None if why or (days_before and not users_before) else users_before,
        None if why else days_before, tuple(features), frozenset(tried), why,
    )


def _why_before(
    engine: AnyEngine, company: Reader, of: Whose, window: Window, tried: dict[str, dt.date]
) -> str | None:
    """Why the period before is not known; None where it is."""
    first = company.kept(
        "first usage", of.seen.at,
        lambda: engine.value("SELECT MIN(first_day) FROM feature_months"),
    )
    if first is None or first > window.before_start:
        return NO_USE_KNOWN
    moves = rows_of(company, engine, of, facts_sql.movements(of))
    [identity] = engine.rows(facts_sql.identity(of))
    known = [identity[2], *(row[6] for row in moves), *tried.values()]
    began = min((day for day in known if day is not None), default=None)
    return BEGAN if began is None or began > window.before_start else None


def tried_sql(of: Whose) -> str:
    """SQL of every feature the account has ever used: (feature, first day)."""
    return f"""SELECT feature, MIN(first_day) AS first_on
FROM feature_months
WHERE account_id = {of.customer} AND first_day <= DATE '{of.last_day}'
GROUP BY feature ORDER BY feature"""


def totals_sql(of: Whose, window: Window) -> str:
    """SQL of one row: (users, active days, users before, active days before)."""
    now, before = _in(window.start, window.last), _in(window.before_start, window.before_last)
    return f"""SELECT CAST(COUNT(DISTINCT CASE WHEN {now} THEN user_id END) AS BIGINT) AS users,
       CAST(COUNT(DISTINCT CASE WHEN {now} THEN day END) AS BIGINT) AS days,
       CAST(COUNT(DISTINCT CASE WHEN {before} THEN user_id END) AS BIGINT) AS users_before,
       CAST(COUNT(DISTINCT CASE WHEN {before} THEN day END) AS BIGINT) AS days_before
FROM usage_days
WHERE account_id = {of.customer} AND is_active
  AND {_in(window.before_start, window.last)}"""


def features_sql(of: Whose, window: Window) -> str:
    """SQL by feature: (feature, days, uses, days before, uses before)."""
    now, before = _in(window.start, window.last), _in(window.before_start, window.before_last)
    return f"""SELECT feature,
       CAST(COUNT(DISTINCT CASE WHEN {now} THEN day END) AS BIGINT) AS days,
       CAST(SUM(CASE WHEN {now} THEN uses ELSE 0 END) AS BIGINT) AS uses,
       CAST(COUNT(DISTINCT CASE WHEN {before} THEN day END) AS BIGINT) AS days_before,
       CAST(SUM(CASE WHEN {before} THEN uses ELSE 0 END) AS BIGINT) AS uses_before
FROM usage_days
WHERE account_id = {of.customer} AND {_in(window.before_start, window.last)}
GROUP BY feature ORDER BY feature"""


def _in(first: dt.date, last: dt.date) -> str:
    return f"day >= DATE '{first}' AND day <= DATE '{last}'"


def tickets_sql(of: Whose, window: Window) -> str:
    """SQL of one row: tickets opened in the period, solved in it for good, and open at its end."""
    zone = of.config.company.zone
    begin = timestamp(day_start(window.start, zone))
    end = timestamp(min(day_start(window.last + dt.timedelta(days=1), zone), of.seen.at))
    is_open = f"coalesce({facts_sql.open_sql(end)}, FALSE)"
    return f"""SELECT
       CAST(coalesce(SUM(CASE WHEN opened_at >= {begin} THEN 1 ELSE 0 END), 0) AS BIGINT) AS opened,
       CAST(coalesce(SUM(CASE WHEN solved_at >= {begin} AND solved_at < {end} AND NOT {is_open}
            THEN 1 ELSE 0 END), 0) AS BIGINT) AS solved,
       CAST(coalesce(SUM(CASE WHEN {is_open} THEN 1 ELSE 0 END), 0) AS BIGINT) AS waiting
FROM tickets
WHERE account_id IN ({of.listed}) AND opened_at < {end}"""
