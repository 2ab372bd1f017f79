"""What counts as use: the sections [usage], [activation] and [[limits]] of staycurve.toml."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, LARGEST, Section, Takes, Wrong, shown

_ACTION = re.compile(r"(?!feature:)[^\[\],\s](?:[^\[\],]*[^\[\],\s])?")
_SPAN = re.compile(r"[0-9]{1,5}[hd]")


def _name(text: str) -> str:
    if not text:
        raise Wrong("takes a list of texts, and an empty one names nothing.")
    return text


def _feature(text: str) -> str:
    if not text:
        raise Wrong("takes the name of a feature, and an empty one names none.")
    return text


def _property(text: str) -> str:
    if '"' in text:
        raise Wrong(f"takes the name of a property, not {shown(text)}.")
    return text


def _span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise Wrong(f"= {shown(text)} is not a length of time.")
    return text


_EVENTS = N_("a list of texts")
_PROPERTY = N_("the name of a property")
_Names = tuple[Annotated[str, Takes(_EVENTS, check=_name)], ...]


@dataclass(frozen=True)
class Usage:
    """[usage]: which events are activity, and what their properties say.

    Attributes
    ----------
    active : tuple of str
        Events that make a user active; any event where it is empty. Activation events always do.
    ignored : tuple of str
        Events that count nowhere.
    feature : str
        The property that names the feature; the event's own name where it is empty or absent.
    count, errors, seconds : str
        Properties with how many uses, errors and seconds an event stands for. An event without
        `count` is one use; without `errors` and `seconds` these are unknown.
    session : str
        The property that names the session.
    actions : mapping
        Name → events, with properties where they matter, that count under it in questions about
        usage. No table depends on them.
    future_tolerance : str
        How far the clock of a sender may run ahead, such as '24h'; what lies further is rejected.
    """

    __pydantic_config__ = CLOSED

    active: Annotated[_Names, Takes(_EVENTS, 'active = ["report_viewed"]')] = ()
    ignored: Annotated[_Names, Takes(_EVENTS, 'ignored = ["heartbeat"]')] = ()
    feature: Annotated[str, Takes(_PROPERTY, 'feature = "feature_name"', check=_property)] = ""
    count: Annotated[str, Takes(_PROPERTY, 'count = "count_name"', check=_property)] = ""
    errors: Annotated[str, Takes(_PROPERTY, 'errors = "errors_name"', check=_property)] = ""
    seconds: Annotated[str, Takes(_PROPERTY, 'seconds = "seconds_name"', check=_property)] = ""
    session: Annotated[str, Takes(_PROPERTY, 'session = "session_name"', check=_property)] = ""
    future_tolerance: Annotated[
        str, Takes(N_("a length of time"), 'future_tolerance = "24h"', check=_span)
    ] = "24h"
    actions: Annotated[
        Mapping[str, _Names],
        Takes(N_("names, each with a list of events"),
              'actions = {engaged = ["report_viewed", "plan_chosen[plan=Pro]"]}'),
    ] = field(default_factory=dict)

    @property
    def tolerance_hours(self) -> int:
        """`future_tolerance` in hours."""
        number, unit = self.future_tolerance[:-1], self.future_tolerance[-1]
        return int(number) * (24 if unit == "d" else 1)


@dataclass(frozen=True)
class Activation:
    """[activation]: when an account has reached first value.

    Attributes
    ----------
    events : tuple of str
        The first of any of them is the activation; the first active event where it is empty.
    window_days : int
        Days from sign-up within which an account should get there.
    checklist : tuple of str
        Onboarding steps in order, each an event's name.
    """

    __pydantic_config__ = CLOSED

    events: Annotated[_Names, Takes(_EVENTS, 'events = ["project_created"]')] = ()
    window_days: Annotated[
        int,
        Takes(N_("a whole number of days, from 1 to 3660"), "window_days = 14", least=1, most=3660),
    ] = 14
    checklist: Annotated[
        _Names, Takes(_EVENTS, 'checklist = ["signed_up", "project_created"]')
    ] = ()


@dataclass(frozen=True)
class Limit:
    """One of [[limits]]: how many uses of a feature a plan allows in a month.

    `plan` is empty for every plan.
    """

    __pydantic_config__ = CLOSED

    feature: Annotated[
        str, Takes(N_("the name of a feature"), 'feature = "api_called"', check=_feature)
    ]
    allowance: Annotated[
        int, Takes(N_("a whole number from 1"), "allowance = 1000", least=1, most=LARGEST)
    ]
    plan: Annotated[str, Takes(N_("the name of a plan"), 'plan = "Pro"')] = ""


@dataclass(frozen=True)
class Behaviour:
    """All sections about what customers do."""

    usage: Usage = field(default_factory=Usage)
    activation: Activation = field(default_factory=Activation)
    limits: tuple[Limit, ...] = ()

    def usage_hash(self, *, exclude: Sequence[str], timezone: str) -> str:
        """Changes with anything that the usage tables depend on."""
        activation = list(self.activation.events)
        usage = dataclasses.asdict(self.usage)
        del usage["actions"]
        kept = [usage, activation, list(exclude), timezone]
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def _steps(stated: Activation) -> Activation:
    twice = [step for step in stated.checklist if stated.checklist.count(step) > 1]
    if twice:
        raise Wrong(
            f"names the step {shown(twice[0])} twice.", "Each step once, in their order.",
            "checklist",
        )
    return stated


def _named(stated: Usage) -> Usage:
    for name, events in stated.actions.items():
        if not _ACTION.fullmatch(name):
            raise Wrong(
                f"has an action {shown(name)}, and no question can name it so.",
                "A name holds no [ ] and no , and does not begin with 'feature:'.", "actions",
            )
        if not events:
            raise Wrong(
                f"names no event of the action {shown(name)}.",
                f'Write: [usage.actions] "{name}" = ["report_viewed"]', "actions",
            )
    return stated


USAGE = Section(
    "usage", Usage, Usage(), N_("Which events are activity, and what their properties say."),
    "[usage]", make=_named,
)
ACTIVATION = Section(
    "activation", Activation, Activation(), N_("When an account has reached first value."),
    "[activation]", make=_steps,
)
_NO_LIMITS: tuple[Limit, ...] = ()
LIMITS = Section(
    "limits", tuple[Limit, ...], _NO_LIMITS,
    N_("How many uses of a feature a plan allows in a month."),
    '[[limits]]\nfeature = "api_called"\nplan = "Pro"\nallowance = 1000',
)
