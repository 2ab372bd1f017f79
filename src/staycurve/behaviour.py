"""What counts as use: the sections [usage], [activation] and [[limits]] of staycurve.toml."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import ConfigError, UnknownNameError

_FILE = "staycurve.toml"


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
    future_tolerance : str
        How far the clock of a sender may run ahead, such as '24h'; what lies further is set aside.
    """

    active: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    feature: str = ""
    count: str = ""
    errors: str = ""
    seconds: str = ""
    session: str = ""
    future_tolerance: str = "24h"

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

    events: tuple[str, ...] = ()
    window_days: int = 14
    checklist: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """One of [[limits]]: how many uses of a feature a plan allows in a month.

    `plan` is empty for every plan.
    """

    feature: str
    allowance: int
    plan: str = ""


@dataclass(frozen=True)
class Behaviour:
    """All sections about what customers do."""

    usage: Usage = field(default_factory=Usage)
    activation: Activation = field(default_factory=Activation)
    limits: tuple[Limit, ...] = ()

    def usage_hash(self, *, exclude: Sequence[str], timezone: str) -> str:
        """Changes with anything that the usage tables depend on."""
        activation = list(self.activation.events)
        kept = [dataclasses.asdict(self.usage), activation, list(exclude), timezone]
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def _known(section: str, given: Mapping[str, Any], kind: type) -> None:
    names = tuple(f.name for f in dataclasses.fields(kind))
    for key in given:
        if key not in names:
            error = UnknownNameError("key", key, names)
            near = f" Did you mean '{error.suggestion}'?" if error.suggestion else ""
            raise ConfigError(
                f"{_FILE}: unknown key [{section}] '{key}'.{near}",
                hint=f"Known here: {', '.join(names)}",
                key=key,
            )


def _texts(section: str, key: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        raise ConfigError(
            f"{_FILE}: [{section}] {key} takes a list of texts.",
            hint=f'Write: {key} = ["project_created", "report_viewed"]',
            key=key,
        )
    return tuple(given)


def _usage(given: Mapping[str, Any]) -> Usage:
    _known("usage", given, Usage)
    values: dict[str, Any] = dict(given)
    for key in ("active", "ignored"):
        if key in values:
            values[key] = _texts("usage", key, values[key])
    for key in ("feature", "count", "errors", "seconds", "session", "future_tolerance"):
        if not isinstance(values.get(key, ""), str) or '"' in values.get(key, ""):
            raise ConfigError(
                f"{_FILE}: [usage] {key} takes the name of a property.",
                hint=f'Write: {key} = "{key}_name"', key=key,
            )
    tolerance = values.get("future_tolerance", "24h")
    if not (tolerance[:-1].isdigit() and tolerance[-1:] in ("h", "d")):
        raise ConfigError(
            f"{_FILE}: [usage] future_tolerance = '{tolerance}' is not a length of time.",
            hint='Write: future_tolerance = "24h"', key="future_tolerance",
        )
    return Usage(**values)


def _activation(given: Mapping[str, Any]) -> Activation:
    _known("activation", given, Activation)
    values: dict[str, Any] = dict(given)
    for key in ("events", "checklist"):
        if key in values:
            values[key] = _texts("activation", key, values[key])
    days = values.get("window_days", 14)
    if not isinstance(days, int) or isinstance(days, bool) or days < 1:
        raise ConfigError(
            f"{_FILE}: [activation] window_days takes a whole number of days, from 1.",
            hint="Write: window_days = 14", key="window_days",
        )
    steps = values.get("checklist", ())
    if len(set(steps)) != len(steps):
        raise ConfigError(
            f"{_FILE}: [activation] checklist names a step twice.",
            hint="Each step once, in their order.", key="checklist",
        )
    return Activation(**values)


def _limits(given: object) -> tuple[Limit, ...]:
    example = '[[limits]]\nfeature = "api_called"\nplan = "Pro"\nallowance = 1000'
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ConfigError(f"{_FILE}: limits is a list of tables.", hint=f"Write: {example}")
    found = []
    for one in given:
        _known("[limits]", one, Limit)
        allowance = one.get("allowance")
        if not one.get("feature") or not isinstance(allowance, int) or allowance < 1:
            raise ConfigError(
                f"{_FILE}: each of [[limits]] needs a feature and an allowance from 1.",
                hint=f"Write: {example}",
            )
        found.append(Limit(str(one["feature"]), allowance, str(one.get("plan", ""))))
    return tuple(found)


SECTIONS = ("usage", "activation", "limits")
"""What `parse` reads."""


def parse(raw: Mapping[str, Any]) -> Behaviour:
    """The sections of a staycurve.toml that has been read into `raw`.

    Raises
    ------
    ConfigError
        For a key that is not known, or a value that it does not take.
    """
    for section in ("usage", "activation"):
        if not isinstance(raw.get(section, {}), dict):
            raise ConfigError(f"{_FILE}: {section} is a table.", hint=f"Write: [{section}]")
    return Behaviour(
        _usage(raw.get("usage", {})),
        _activation(raw.get("activation", {})),
        _limits(raw.get("limits", [])),
    )
