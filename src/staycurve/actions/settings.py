"""What staycurve.toml says of work: [playbooks] and [ownership]."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, shown

_NAMES = N_("a list of texts")
_WHO = N_("the name of a person or a team")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_EVERY = re.compile(r"[1-9][0-9]{0,3}[hd]")


def _hours(text: str) -> str:
    if text and not _HOURS.fullmatch(text):
        raise Wrong(f"= {shown(text)} is no span of hours.")
    return text


def _every(text: str) -> str:
    if text and not _EVERY.fullmatch(text):
        raise Wrong(f"= {shown(text)} is not a length of time.")
    return text


@dataclass(frozen=True)
class Working:
    """[playbooks]: which playbooks run, how often, and how much a person gets.

    Attributes
    ----------
    off : tuple of str
        Playbooks that are switched off.
    every : str
        How often a server runs them, such as 1d; empty for by hand alone.
    per_person_a_day : int
        New alerts that a person gets in a day; more wait, the most valuable first out.
    quiet_hours : str
        Local hours in which nothing is sent, such as 20:00-07:00.
    """

    __pydantic_config__ = CLOSED

    off: Annotated[tuple[str, ...], Takes(_NAMES, 'off = ["win-back"]')] = ()
    every: Annotated[
        str, Takes(N_("a length of time"), 'every = "1d"', check=_every)
    ] = ""
    per_person_a_day: Annotated[
        int,
        Takes(N_("a whole number from 1 to 1000"), "per_person_a_day = 20", least=1, most=1000),
    ] = 20
    quiet_hours: Annotated[
        str, Takes(N_("a span of hours"), 'quiet_hours = "20:00-07:00"', check=_hours)
    ] = ""

    @property
    def quiet(self) -> tuple[int, int] | None:
        """Minutes of the local day from when to when nothing is sent."""
        found = _HOURS.fullmatch(self.quiet_hours)
        if not found:
            return None
        first, last = (int(found[k]) * 60 + int(found[k + 1]) for k in (1, 3))
        return first, last

    @property
    def seconds(self) -> int:
        """`every` in seconds; 0 without it."""
        if not self.every:
            return 0
        return int(self.every[:-1]) * (3600 if self.every[-1] == "h" else 86_400)


@dataclass(frozen=True)
class OwnerRule:
    """One of [[ownership.rules]]: whose the accounts are that have no owner of their own."""

    __pydantic_config__ = CLOSED

    where: Annotated[str, Takes(N_("a filter"), 'where = "plan=Enterprise"')]
    owner: Annotated[str, Takes(_WHO, 'owner = "Ana"')]


@dataclass(frozen=True)
class Ownership:
    """[ownership]: who looks after an account whose own owner is not known.

    Attributes
    ----------
    default : str
        Who has what nobody else has.
    people : tuple of str
        Among whom accounts are shared out that no rule names, always alike.
    gone : tuple of str
        Owners that have left: their accounts are given to others.
    rules : tuple of OwnerRule
        The first that fits.
    """

    __pydantic_config__ = CLOSED

    default: Annotated[str, Takes(_WHO, 'default = "Customer success"')] = "Customer success"
    people: Annotated[tuple[str, ...], Takes(_NAMES, 'people = ["Ana", "Ben"]')] = ()
    gone: Annotated[tuple[str, ...], Takes(_NAMES, 'gone = ["Carl"]')] = ()
    rules: Annotated[
        tuple[OwnerRule, ...],
        Takes(N_("a list of tables"), 'rules = [{where = "plan=Enterprise", owner = "Ana"}]'),
    ] = field(default=())


def _owned(stated: Ownership) -> Ownership:
    from staycurve.errors import StaycurveError
    from staycurve.metrics.filters import filters_of

    if not stated.default.strip():
        raise Wrong("takes the name of a person or a team.", key="default")
    if stated.default in stated.gone:
        raise Wrong("names somebody who is gone.", key="default")
    for rule in stated.rules:
        try:
            filters_of(rule.where)
        except StaycurveError as error:
            raise Wrong(f"has a rule that cannot be read: {error.message}", error.hint,
                        "rules") from error
    return stated


PLAYBOOK_SETTINGS = Section(
    "playbooks", Working, Working(), N_("Which playbooks run, how often, and how much a person "
                                        "gets a day."), "[playbooks]",
)
OWNERSHIP = Section(
    "ownership", Ownership, Ownership(), N_("Who looks after an account whose owner is not known."),
    '[ownership]\ndefault = "Customer success"', make=_owned,
)
