"""Gates: whether a survey may ask a person now, later, or not, and why.

Two gates in time: the survey's own cadence, and a quiet period after any survey. What is planned
counts for the quiet period as what was asked: a survey that is to ask next Tuesday keeps its place,
whatever a more frequent one would like to ask on Monday.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from staycurve.actions.surveys.definition import ONCE, Definition
from staycurve.i18n import N_

REASONS = {
    "left": N_("has left the account"),
    "bounced": N_("mails to this address come back"),
    "suppressed": N_("asked not to be written to, or is suppressed"),
    "no_email": N_("no e-mail address is loaded"),
    "not_in_sample": N_("is not in the sample"),
    "not_paid": N_("the account has not paid yet"),
    "too_soon": N_("the first payment was too recent"),
    "cadence": N_("was asked by this survey too recently"),
    "asked_once": N_("was asked by this survey, which asks once"),
    "invited": N_("is invited already, and the link still takes an answer"),
    "no_occasion": N_("nothing that it asks about happened in the last days"),
    "too_late": N_("may be asked only when what it asks about is too long ago"),
    "quiet": N_("was asked by a survey in the quiet period, or is about to be"),
}


@dataclass(frozen=True)
class Person:
    """Whom a survey may ask.

    Attributes
    ----------
    first_paid_on : date, optional
        The day of the account's first payment.
    zone : str
        Their time zone.
    """

    user_id: str
    account_id: str = ""
    email: str = ""
    name: str = ""
    zone: str = "UTC"
    first_paid_on: dt.date | None = None
    has_left: bool = False
    has_bounced: bool = False
    is_suppressed: bool = False


@dataclass(frozen=True)
class Ask:
    """One time that a person was asked, or is to be."""

    survey: str
    at: dt.datetime


@dataclass(frozen=True)
class Decision:
    """Whether a person may be asked.

    Attributes
    ----------
    why : str
        A key of REASONS; empty where the person may be asked at `at`.
    at : datetime, optional
        From when on they may be asked; None where that is not known, or never.
    """

    why: str = ""
    at: dt.datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the person may be asked now."""
        return not self.why


def decide(
    survey: Definition, person: Person, asks: Sequence[Ask], *, now: dt.datetime, quiet_days: int,
    is_mailed: bool,
) -> Decision:
    """Whether a survey may ask a person now.

    Parameters
    ----------
    asks : sequence of Ask
        Every time that a survey asked the person, or is to.
    quiet_days : int
        That of [surveys]; a survey's own goes before it.
    is_mailed : bool
        Whether an address is needed.
    """
    never = _never(survey, person, is_mailed=is_mailed)
    if never:
        return Decision(never)
    if survey.first_after_days:
        if person.first_paid_on is None:
            return Decision("not_paid")
        first = dt.datetime.combine(
            person.first_paid_on + dt.timedelta(days=survey.first_after_days), dt.time(),
            tzinfo=dt.UTC,
        )
        if now < first:
            return Decision("too_soon", first)
    own = [one.at for one in asks if one.survey == survey.name]
    if own and survey.cadence_days == ONCE:
        return Decision("asked_once")
    if own and now < max(own) + dt.timedelta(days=survey.cadence_days):
        return Decision("cadence", max(own) + dt.timedelta(days=survey.cadence_days))
    quiet = quiet_days if survey.rules.quiet_days is None else survey.rules.quiet_days
    free = earliest(asks, now, dt.timedelta(days=quiet))
    return Decision() if free <= now else Decision("quiet", free)


def earliest(asks: Iterable[Ask], now: dt.datetime, quiet: dt.timedelta) -> dt.datetime:
    """The first instant from now on that no ask is nearer to than the quiet period."""
    found = now
    for at in sorted(one.at for one in asks):
        if abs(found - at) < quiet:
            found = at + quiet
    return found


def rarest_first(surveys: Iterable[Definition]) -> list[Definition]:
    """Surveys in the order in which they may ask: the rarer one goes first."""
    return sorted(
        surveys, key=lambda one: (one.cadence_days != ONCE, -one.cadence_days, one.name)
    )


def is_sampled(survey: Definition, user_id: str) -> bool:
    """Whether a person is in a survey's sample: always the same answer, and a larger share has all
    of a smaller one."""
    if survey.rules.sample >= 1:
        return True
    digest = hashlib.sha256(f"{survey.name}\0{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < survey.rules.sample * 2**64


def _never(survey: Definition, person: Person, *, is_mailed: bool) -> str:
    if person.has_left:
        return "left"
    if person.is_suppressed:
        return "suppressed"
    if is_mailed and person.has_bounced:
        return "bounced"
    if is_mailed and not person.email:
        return "no_email"
    return "" if is_sampled(survey, person.user_id) else "not_in_sample"
