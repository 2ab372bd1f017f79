"""Who is behind a number of use, as `members` names it, for the commands and the HTTP interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staycurve.errors import NotAnsweredError, UsageError

if TYPE_CHECKING:
    from staycurve.insights.usage.activity import Activity
    from staycurve.insights.usage.funnels import Funnel
    from staycurve.insights.usage.paths import Paths
    from staycurve.insights.usage.usage_lifecycle import UseLifecycle
    from staycurve.insights.usage.usage_retention import UseRetention
    from staycurve.insights.usage.usage_segments import Members

ALL = "all"
OTHERS = "others"


def of_cell(found: UseRetention, named: str) -> Members:
    """Who is behind a cell, '2024-01:3', or behind all cohorts that have closed it, 'all:3'."""
    cohort, _, age = named.partition(":")
    return found.users(
        None if cohort == ALL else cohort, _number(age, "2024-01:3 or all:3")
    )


def of_kind(found: UseLifecycle, named: str) -> Members:
    """Who is behind a count of a period, '2024-01:dormant'."""
    period, _, kind = named.partition(":")
    return found.users(period, kind)


def of_step(found: Funnel, named: str) -> Members:
    """Who took a step, '2', dropped out before it, '2:dropped', or may still go on, '1:pending'."""
    place, _, part = named.partition(":")
    step = _number(place, "2, 2:dropped or 1:pending")
    if part == "pending":
        return found.pending(step)
    if part not in ("", "dropped"):
        raise UsageError(
            f"'{part}' is no part of a step.", hint="Write: 2, 2:dropped or 1:pending"
        )
    return found.users(step, dropped=part == "dropped")


def of_path(found: Paths, named: str) -> Members:
    """Whose path it was: '1' is the first that is listed, 'all' every path, 'others' the rest."""
    if named == ALL:
        return found.users(None)
    if named == OTHERS:
        return found.other_users()
    place = _number(named, "1, all or others")
    if not 1 <= place <= len(found.rows):
        raise NotAnsweredError(
            f"The answer has no path {place}.",
            hint=f"It lists {len(found.rows)} from 1; or all, or others.",
        )
    row = found.rows[place - 1]
    if row["is_other"]:
        return found.other_users(**row["segment"])
    return found.users(row["path"], **row["segment"])


def of_days(found: Activity, named: str) -> Members:
    """Who was active on so many of the days, '3' or '21-28', or is in a figure, 'wau'."""
    if named.isalpha():
        return found.figure_users(named)
    least, _, most = named.partition("-")
    words = "3, 21-28, dau, wau or mau"
    return found.users(_number(least, words), _number(most or least, words))


def _number(text: str, words: str) -> int:
    # isdigit would let '²' pass, which is no number to int().
    if not text.isdecimal():
        raise UsageError(f"'{text}' is not a whole number.", hint=f"Write: {words}")
    return int(text)
