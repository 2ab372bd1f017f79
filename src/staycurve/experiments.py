"""What is tried on customers: the section [[experiments]] of staycurve.toml."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, shown

OUTCOMES = ("retention", "upgrade", "usage", "conversion", "nrr", "nps")
"""What an account's days end with: still pays, pays more than at the start, was active in the last
28 of them, pays at all; what its MRR became; what its people answered."""
MEANS = ("nrr", "nps")
"""Outcomes that are no share of accounts: how many they take depends on how far accounts spread."""

PLAYBOOK, AUDIENCE = "playbook", "audience"
STRATA = ("plan", "mrr_band", "industry", "country", "channel")
"""Within what arms may be drawn, so that they are alike in it."""
LEADS = "leads"


def _day(text: str) -> str:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        raise Wrong(f"takes a day, and {shown(text)} is none.") from None
    return text


def _of(text: str) -> str:
    kind, _, name = text.partition(":")
    if text and (kind not in (PLAYBOOK, AUDIENCE) or not name.strip()):
        raise Wrong(f"takes playbook:NAME or audience:NAME, and {shown(text)} is neither.")
    return text


def _strata(names: tuple[str, ...]) -> tuple[str, ...]:
    for one in names:
        if one not in STRATA:
            raise Wrong(f"takes {', '.join(STRATA)}, and {shown(one)} is none of them.")
    return names


def _share(value: float) -> float:
    if not 0 < value < 1:
        raise Wrong(f"takes a share between 0 and 1, and {value:g} is none.")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise Wrong("takes a number.")
    return value


def _spread(value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise Wrong(f"takes a number from 0, and {value:g} is none.")
    return value


_DAY = N_("a day, such as 2026-01-31")
_SHARE = N_("a share between 0 and 1")
_NUMBER = N_("a number: a share between 0 and 1, for nrr a rate, for nps a score")
_TEXT = N_("a text")


@dataclass(frozen=True)
class Arms:
    """Arms that were drawn elsewhere: an attribute of accounts, or of leads, that tells them.

    Attributes
    ----------
    by : str
        The attribute, such as an offer or a kind of trial.
    treated, control : str
        Its values in the two arms; who has another one takes no part.
    of : str
        `accounts` or `leads`. A lead's days begin on the day on which it came.
    """

    __pydantic_config__ = CLOSED

    by: Annotated[str, Takes(N_("an attribute"), 'by = "offer"')]
    treated: Annotated[str, Takes(_TEXT, 'treated = "two months free"')]
    control: Annotated[str, Takes(_TEXT, 'control = "none"')]
    of: Annotated[
        str, Takes(N_("accounts or leads"), 'of = "leads"', choices=("accounts", LEADS))
    ] = "accounts"


@dataclass(frozen=True)
class Experiment:
    """One of [[experiments]]: who is held out, and what is compared.

    Attributes
    ----------
    base, effect : float
        The outcome in the holdout, and the one hoped for: shares of accounts, for `nrr` rates, for
        `nps` scores.
    holdout : float
        The share of accounts that nothing is done for.
    of : str
        Who takes part: all who pay, or who enters the rule of `playbook:NAME` or `audience:NAME`.
    strata : tuple of str
        Within what arms are drawn; they are kept in app state then.
    spread : float
        For `nrr` and `nps`: the standard deviation between accounts.
    arms : Arms, optional
        Where arms were drawn elsewhere.
    """

    __pydantic_config__ = CLOSED

    name: Annotated[str, Takes(N_("a name"), 'name = "onboarding-call"')]
    starts: Annotated[str, Takes(_DAY, 'starts = "2026-01-31"', check=_day)]
    base: Annotated[float, Takes(_NUMBER, "base = 0.9", check=_finite)]
    effect: Annotated[float, Takes(_NUMBER, "effect = 0.95", check=_finite)]
    outcome: Annotated[
        str, Takes(N_("one outcome"), 'outcome = "retention"', choices=OUTCOMES)
    ] = "retention"
    holdout: Annotated[float, Takes(_SHARE, "holdout = 0.5", check=_share)] = 0.5
    days: Annotated[int, Takes(N_("a whole number from 1"), "days = 90", least=1, most=730)] = 90
    looks: Annotated[int, Takes(N_("a whole number from 1"), "looks = 4", least=1, most=52)] = 4
    of: Annotated[
        str, Takes(N_("playbook:NAME or audience:NAME"), 'of = "playbook:win-back"', check=_of)
    ] = ""
    strata: Annotated[
        tuple[str, ...], Takes(N_("a list of names"), 'strata = ["plan"]', check=_strata)
    ] = ()
    spread: Annotated[float, Takes(N_("a number from 0"), "spread = 0.4", check=_spread)] = 0.0
    arms: Annotated[
        Arms | None,
        Takes(N_("a table"), 'arms = {by = "offer", treated = "B", control = "A"}'),
    ] = None

    @property
    def starts_on(self) -> dt.date:
        """Its first day."""
        return dt.date.fromisoformat(self.starts)

    @property
    def salt(self) -> str:
        """Of the hash that assigns accounts to arms."""
        return f"experiment:{self.name}"

    @property
    def playbook(self) -> str:
        """The playbook whose rule its accounts enter; empty without one."""
        kind, _, name = self.of.partition(":")
        return name.strip() if kind == PLAYBOOK else ""

    @property
    def audience(self) -> str:
        """The audience that its accounts enter; empty without one."""
        kind, _, name = self.of.partition(":")
        return name.strip() if kind == AUDIENCE else ""

    @property
    def is_kept(self) -> bool:
        """Whether who entered when, and into which arm, is kept: no hash can tell it again."""
        return bool(self.of or self.strata) and self.arms is None


def _once(stated: tuple[Experiment, ...]) -> tuple[Experiment, ...]:
    names = [one.name for one in stated]
    playbooks = [one.playbook for one in stated if one.playbook]
    for one in stated:
        label = shown(one.name)
        if not one.name.strip():
            raise Wrong("has an experiment without a name.")
        if names.count(one.name) > 1:
            raise Wrong(f"names {label} twice: its accounts would be in both.")
        if playbooks.count(one.playbook) > 1:
            raise Wrong(f"holds accounts out of the playbook {shown(one.playbook)} twice: one "
                        "experiment would spoil the other.")
        if one.base == one.effect:
            raise Wrong(f"{label} hopes for the base itself: nothing could show it.")
        if one.outcome in MEANS and not one.spread:
            raise Wrong(
                f"{label} compares {one.outcome} and states no spread between accounts.",
                hint=f"staycurve effects plan --outcome {one.outcome} … says what it is here; "
                     "write: spread = 0.4",
            )
        if one.outcome not in MEANS:
            for key in ("base", "effect"):
                try:
                    _share(getattr(one, key))
                except Wrong as wrong:
                    raise Wrong(f"{label}: {key} {wrong.text}") from None
        if one.arms is not None and (one.of or one.strata):
            raise Wrong(f"{label} has arms that were drawn elsewhere: neither of nor strata can be "
                        "stated beside them.")
        if one.arms is not None and one.arms.treated == one.arms.control:
            raise Wrong(f"{label} has the same value in both arms.")
    return stated


_NONE: tuple[Experiment, ...] = ()
EXPERIMENTS = Section(
    "experiments", tuple[Experiment, ...], _NONE,
    N_("What is tried on customers beside a holdout, and what is compared."),
    '[[experiments]]\nname = "onboarding-call"\nstarts = "2026-01-31"\nbase = 0.9\neffect = 0.95',
    make=_once,
)
