"""When support works: the section [support] of staycurve.toml."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, near, shown

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_EXAMPLE = 'hours = "09:00-17:00"'


def _hours(text: str) -> str:
    found = _HOURS.fullmatch(text)
    if text and (not found or _minutes(text)[0] >= _minutes(text)[1] > 0
                 or _minutes(text)[1] > 24 * 60):
        raise Wrong(f"= {shown(text)} is no span of a day.")
    return text


def _minutes(text: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(text)
    if found is None:
        return 0, 24 * 60
    start, start_min, end, end_min = (int(part) for part in found.groups())
    return 60 * start + start_min, 60 * end + end_min


def _day(text: str) -> str:
    if text not in DAYS:
        raise Wrong(f"takes days of the week, not {shown(text)}.{near(text, DAYS)}")
    return text


def _zone(text: str) -> str:
    if text and text not in available_timezones():
        raise Wrong(f"= {shown(text)} is no time zone.")
    return text


def _holiday(text: str) -> str:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        raise Wrong(f"takes days such as 2024-12-25, not {shown(text)}.") from None
    return text


@dataclass(frozen=True)
class Support:
    """[support]: the hours in which tickets are answered; always where none are given.

    Attributes
    ----------
    hours : str
        From when to when, as 09:00-17:00; the whole day where it is empty.
    days : tuple of str
        Days of the week.
    timezone : str
        An IANA name; the company's where it is empty.
    holidays : tuple of str
        Days on which nobody works, as 2024-12-25.
    """

    __pydantic_config__ = CLOSED

    hours: Annotated[str, Takes(N_("a span of a day"), _EXAMPLE, check=_hours)] = ""
    days: Annotated[
        tuple[Annotated[str, Takes(N_("a list of days of the week"), 'days = ["monday"]',
                                   check=_day)], ...],
        Takes(N_("a list of days of the week"), 'days = ["monday", "tuesday"]'),
    ] = DAYS
    timezone: Annotated[
        str, Takes(N_("the IANA name of a time zone"), 'timezone = "Europe/Berlin"', check=_zone)
    ] = ""
    holidays: Annotated[
        tuple[Annotated[str, Takes(N_("a list of days"), 'holidays = ["2024-12-25"]',
                                   check=_holiday)], ...],
        Takes(N_("a list of days"), 'holidays = ["2024-12-25"]'),
    ] = ()

    @property
    def is_always(self) -> bool:
        """Whether every hour counts."""
        return not self.hours and set(self.days) == set(DAYS) and not self.holidays

    @cached_property
    def _off(self) -> frozenset[dt.date]:
        return frozenset(dt.date.fromisoformat(day) for day in self.holidays)

    def worked(self, start: dt.datetime, end: dt.datetime, zone: ZoneInfo) -> dt.timedelta:
        """The support hours between two instants.

        Parameters
        ----------
        start, end : datetime
            With their zone.
        zone : ZoneInfo
            The company's, where the section has none.
        """
        if end <= start:
            return dt.timedelta(0)
        if self.is_always:
            return end - start
        own = ZoneInfo(self.timezone) if self.timezone else zone
        opens, closes = _minutes(self.hours)
        day, last = start.astimezone(own).date(), end.astimezone(own).date()
        found = dt.timedelta(0)
        while day <= last:
            if DAYS[day.weekday()] in self.days and day not in self._off:
                # Each end is an instant: a day on which clocks change has an hour more, or less.
                first, until = (_at(day, minutes, own) for minutes in (opens, closes))
                found += max(dt.timedelta(0), min(end, until) - max(start, first))
            day += dt.timedelta(days=1)
        return found


def _at(day: dt.date, minutes: int, zone: ZoneInfo) -> dt.datetime:
    days, rest = divmod(minutes, 24 * 60)
    local = dt.datetime.combine(day + dt.timedelta(days=days), dt.time(*divmod(rest, 60)), zone)
    return local.astimezone(dt.UTC)


SUPPORT = Section(
    "support",
    Support,
    Support(),
    N_("The hours in which tickets are answered."),
    '[support]\nhours = "09:00-17:00"',
)
