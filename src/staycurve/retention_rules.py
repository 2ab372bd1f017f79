"""How long what rows say of people is kept: the section [retention] of staycurve.toml.

Rows stay, and so does every number; what describes a person in them goes.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, shown

_SPAN = re.compile(r"([1-9][0-9]{0,3}) (day|month|year)s?")
_TAKES = N_("a length of time, such as '24 months', '90 days' or '2 years'")


def _span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise Wrong(f"= {shown(text)} is not a length of time.")
    return text


_Span = Annotated[str, Takes(_TAKES, 'events = "24 months"', check=_span)]


@dataclass(frozen=True)
class Retention:
    """[retention]: table → how long what its rows say of people is kept; for ever without it.

    Attributes
    ----------
    events : str
        Personal properties, from `occurred_at` on.
    answers : str
        Comments, from `answered_at` on.
    leads : str
        Personal attributes, from `created_at` on.
    raw : str
        Personal fields of objects as sources sent them, from when they were fetched on.
    rejects : str
        What rejected rows held, from their load on; file, line, column and rule stay.
    mails : str
        Whom digests and tickets by mail went to, and what they and value recaps said, from when
        they were sent or given up. The address of a recap stays: its link to unsubscribe needs it.
    """

    __pydantic_config__ = CLOSED

    events: _Span = ""
    answers: _Span = ""
    leads: _Span = ""
    raw: _Span = ""
    rejects: _Span = ""
    mails: _Span = ""

    def cutoffs(self, now: dt.datetime) -> dict[str, dt.datetime]:
        """Key → the instant before which it applies, UTC without zone; those that are set."""
        return {
            one.name: _before(now, getattr(self, one.name))
            for one in dataclasses.fields(self) if getattr(self, one.name)
        }


def _before(now: dt.datetime, span: str) -> dt.datetime:
    found = _SPAN.fullmatch(span)
    assert found is not None
    count, unit = int(found[1]), found[2]
    at = now.astimezone(dt.UTC).replace(tzinfo=None)
    if unit == "day":
        return at - dt.timedelta(days=count)
    months = at.year * 12 + at.month - 1 - count * (12 if unit == "year" else 1)
    if months < 12:
        return dt.datetime.min
    first = dt.datetime(months // 12, months % 12 + 1, 1, at.hour, at.minute, at.second)
    # The 31st of a shorter month is its last day.
    return min(first + dt.timedelta(days=at.day - 1), _month_after(first) - dt.timedelta(days=1))


def _month_after(first: dt.datetime) -> dt.datetime:
    return (first + dt.timedelta(days=32)).replace(day=1)


RETENTION = Section(
    "retention",
    Retention,
    Retention(),
    N_("How long what rows say of people is kept."),
    '[retention]\nevents = "24 months"',
)
