"""What is tried on customers: the section [[experiments]] of staycurve.toml."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, shown

OUTCOMES = ("retention", "upgrade")
"""What an account did or did not do within its days: still pays, pays more than at the start."""


def _day(text: str) -> str:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        raise Wrong(f"takes a day, and {shown(text)} is none.") from None
    return text


def _outcome(text: str) -> str:
    if text not in OUTCOMES:
        raise Wrong(f"takes {' or '.join(OUTCOMES)}, and {shown(text)} is neither.")
    return text


def _share(value: float) -> float:
    if not 0 < value < 1:
        raise Wrong(f"takes a share between 0 and 1, and {value:g} is none.")
    return value


_DAY = N_("a day, such as 2026-01-31")
_SHARE = N_("a share between 0 and 1")


@dataclass(frozen=True)
class Experiment:
    """One of [[experiments]]: who is held out, and what is compared.

    Attributes
    ----------
    base, effect : float
        The share of accounts with the outcome in the holdout, and the one hoped for.
    holdout : float
        The share of accounts that nothing is done for.
    """

    __pydantic_config__ = CLOSED

    name: Annotated[str, Takes(N_("a name"), 'name = "onboarding-call"')]
    starts: Annotated[str, Takes(_DAY, 'starts = "2026-01-31"', check=_day)]
    base: Annotated[float, Takes(_SHARE, "base = 0.9", check=_share)]
    effect: Annotated[float, Takes(_SHARE, "effect = 0.95", check=_share)]
    outcome: Annotated[
        str, Takes(N_("retention or upgrade"), 'outcome = "retention"', check=_outcome)
    ] = "retention"
    holdout: Annotated[float, Takes(_SHARE, "holdout = 0.5", check=_share)] = 0.5
    days: Annotated[int, Takes(N_("a whole number from 1"), "days = 90", least=1, most=730)] = 90
    looks: Annotated[int, Takes(N_("a whole number from 1"), "looks = 4", least=1, most=52)] = 4

    @property
    def starts_on(self) -> dt.date:
        """Its first day."""
        return dt.date.fromisoformat(self.starts)

    @property
    def salt(self) -> str:
        """Of the hash that assigns accounts to arms."""
        return f"experiment:{self.name}"


def _once(stated: tuple[Experiment, ...]) -> tuple[Experiment, ...]:
    names = [one.name for one in stated]
    for one in stated:
        if not one.name.strip():
            raise Wrong("has an experiment without a name.")
        if names.count(one.name) > 1:
            raise Wrong(f"names {shown(one.name)} twice: its accounts would be in both.")
        if one.base == one.effect:
            raise Wrong(f"{shown(one.name)} hopes for the base itself: nothing could show it.")
    return stated


_NONE: tuple[Experiment, ...] = ()
EXPERIMENTS = Section(
    "experiments", tuple[Experiment, ...], _NONE,
    N_("What is tried on customers beside a holdout, and what is compared."),
    '[[experiments]]\nname = "onboarding-call"\nstarts = "2026-01-31"\nbase = 0.9\neffect = 0.95',
    make=_once,
)
