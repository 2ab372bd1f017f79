"""When the weekly digest goes out, and to whom: the section [digest] of staycurve.toml."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from staycurve.i18n import N_
from staycurve.mail_settings import is_address
from staycurve.sections import CLOSED, Section, Takes, Wrong, near, shown
from staycurve.support_hours import DAYS

_EXAMPLE = '[digest]\nweekday = "monday"\nhour = 8\npeople = { Ana = "ana@example.com" }'


@dataclass(frozen=True)
class Digest:
    """[digest].

    Attributes
    ----------
    weekday : str
        The day of the week on which it goes out; empty where it never does.
    hour : int
        The local hour from which it goes out.
    timezone : str
        Whose weekday and hour that are; the company's without it.
    people : mapping
        Owner of accounts → address.
    timezones : mapping
        Owner or address → the time zone that is theirs.
    users : bool
        Whether those who may log in get one, too: of their own accounts where they own any under
        their address, else of all.
    """

    __pydantic_config__ = CLOSED

    weekday: Annotated[
        str, Takes(N_("a day of the week"), 'weekday = "monday"', choices=("", *DAYS))
    ] = ""
    hour: Annotated[int, Takes(N_("an hour from 0 to 23"), "hour = 8", least=0, most=23)] = 8
    timezone: Annotated[
        str, Takes(N_("a time zone"), 'timezone = "Europe/Berlin"')
    ] = ""
    people: Annotated[
        Mapping[str, str],
        Takes(N_("the owners' addresses"), 'people = { Ana = "ana@example.com" }'),
    ] = field(default_factory=dict)
    timezones: Annotated[
        Mapping[str, str],
        Takes(N_("time zones of owners or addresses"), 'timezones = { Ben = "America/New_York" }'),
    ] = field(default_factory=dict)
    users: Annotated[bool, Takes(N_("true or false"), "users = false")] = True

    def zone_of(self, who: str, email: str, company: ZoneInfo) -> ZoneInfo:
        """The time zone of somebody."""
        own = self.timezones.get(who) or self.timezones.get(email) or self.timezone
        return ZoneInfo(own) if own else company


def last_due(own: Digest, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """The last instant, UTC, that a digest was due by: within the seven days up to `now`.

    An hour that a change of clocks skips is the next one; of one that comes twice, the first.
    """
    local = now.astimezone(zone)
    back = (local.weekday() - DAYS.index(own.weekday)) % 7
    for days in (back, back + 7):
        day = local.date() - dt.timedelta(days=days)
        found = dt.datetime.combine(day, dt.time(own.hour), zone).astimezone(dt.UTC)
        if found <= now:
            return found
    raise AssertionError("a weekday comes once in seven days")


def week_of(due: dt.datetime, zone: ZoneInfo) -> str:
    """The week of a digest, as 2026-W48 (ISO 8601): one a person and week is sent."""
    year, week, _day = due.astimezone(zone).isocalendar()
    return f"{year}-W{week:02}"


def _made(own: Digest) -> Digest:
    for key, zone in (("timezone", own.timezone), *(("timezones", one)
                                                    for one in own.timezones.values())):
        if zone and zone not in available_timezones():
            raise Wrong(f"has {shown(zone)}, which is no time zone."
                        f"{near(zone, sorted(available_timezones()))}", _EXAMPLE, key)
    for who, email in own.people.items():
        if not who.strip() or not is_address(email):
            raise Wrong(f"has {shown(email)} for {shown(who)}, which is no address.", _EXAMPLE,
                        "people")
    if (own.people or own.timezones) and not own.weekday:
        raise Wrong("is missing: nobody is sent anything without it.", 'Write: weekday = "monday"',
                    "weekday")
    return own


DIGEST = Section(
    "digest", Digest, Digest(),
    N_("The weekly digest by e-mail: its weekday, hour and time zone, and who gets it."),
    _EXAMPLE, make=_made,
)
