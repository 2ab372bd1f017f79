"""Triggers: after what a survey asks, and which occasions are still worth asking about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.sections import CLOSED, Takes, Wrong
from staycurve.state.cleaning import line

TICKET, ONBOARDING, RENEWAL, FEATURE = (
    "ticket_solved", "onboarding_done", "renewal", "feature_first_used"
)
AFTER = {
    TICKET: N_("a ticket was solved: who opened it"),
    ONBOARDING: N_("onboarding is done: the account's champions, else all its users"),
    RENEWAL: N_("a contract of a year or more was renewed: champions, else all users"),
    FEATURE: N_("a feature was used for the first time: who used it"),
}

_LONGEST = 300


def _event(text: str) -> str:
    try:
        return line(text, what="The event", most=_LONGEST, is_required=False)
    except UsageError as error:
        raise Wrong(f"is too long: {error.message}", "Write the event's name.") from None


@dataclass(frozen=True)
class Trigger:
    """[trigger]: after what the server asks, without being told.

    Attributes
    ----------
    after : str
        A key of AFTER.
    feature : str
        The event that is the feature's use; of `feature_first_used` alone.
    within_days : int
        Days after which it is too late to ask, and nobody is asked any more.
    """

    __pydantic_config__ = CLOSED

    after: Annotated[str, Takes(N_("an occasion"), 'after = "ticket_solved"',
                                choices=tuple(AFTER))]
    feature: Annotated[
        str, Takes(N_("an event"), 'feature = "report_exported"', check=_event)
    ] = ""
    within_days: Annotated[
        int, Takes(N_("days from 1 to 90"), "within_days = 7", least=1, most=90)
    ] = 7

    @property
    def within(self) -> dt.timedelta:
        """For how long after an occasion it may be asked about."""
        return dt.timedelta(days=self.within_days)


def check(trigger: Trigger) -> None:
    """Raise for a trigger that lacks what it needs, or has what it does not read."""
    if trigger.after == FEATURE and not trigger.feature:
        raise Wrong(
            "has no feature.", 'Write: [trigger] feature = "report_exported"', "trigger"
        )
    if trigger.after != FEATURE and trigger.feature:
        raise Wrong(
            f"names a feature, which {trigger.after} does not read.", "Leave it out.", "trigger"
        )


@dataclass(frozen=True)
class Occasion:
    """Something that happened to a person, about which a survey may ask them once.

    Attributes
    ----------
    subject : str
        What it happened to: a ticket, an account, a contract's day, a feature.
    at : datetime
        When, UTC.
    """

    kind: str
    subject: str
    user_id: str
    at: dt.datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """By which it is known again: (user_id, kind, subject)."""
        return self.user_id, self.kind, self.subject


def newest(
    occasions: Iterable[Occasion], done: Collection[tuple[str, str, str]]
) -> Occasion | None:
    """The occasion to ask about: the newest that was not asked about; None without one."""
    left = [one for one in occasions if one.key not in done]
    return max(left, key=lambda one: (one.at, one.subject), default=None)
