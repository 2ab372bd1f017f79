"""Hours: when it is a working day where a person is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from zoneinfo import ZoneInfo

TRAITS = ("timezone", "time_zone", "tz")
"""What a user's or an account's time zone may be called."""


def zone_of(
    traits: Mapping[str, str | None], country: str | None, *, company: str
) -> str:
    """A person's time zone: by trait, else that of the country's first city, else the company's.

    Parameters
    ----------
    traits : mapping
        What is known of the user, then of the account.
    country : str, optional
        Two letters, as ISO 3166; of others nothing is known.
    """
    for name in TRAITS:
        found = traits.get(name)
        if found and _is_zone(found):
            return found
    return (country and _of_country(country.strip().upper())) or company


def next_open(at: dt.datetime, zone: str, *, opens: int, closes: int) -> dt.datetime:
    """The first instant from `at` on, UTC, that lies in a working day's hours in the zone."""
    there = ZoneInfo(zone)
    local = at.astimezone(there)
    for _ in range(8):
        start = local.replace(hour=opens, minute=0, second=0, microsecond=0)
        is_workday = local.weekday() < 5
        if is_workday and local < start:
            return _instant(start, there)
        if is_workday and local.hour < closes:
            return max(at, _instant(local, there)).astimezone(dt.UTC)
        local = (local + dt.timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    raise AssertionError("a week has a working day")


def _instant(local: dt.datetime, there: ZoneInfo) -> dt.datetime:
    return local.replace(tzinfo=there).astimezone(dt.UTC)


@cache
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


@cache
def _of_country(country: str) -> str:
    import pytz

    try:
        return str(pytz.country_timezones[country][0])
    except KeyError:
        return ""
