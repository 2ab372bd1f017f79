"""Conventions in force: the section [conventions], and the profiles of other tools."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, near, not_a_choice, shown, str_of
from staycurve.switches import SWITCHES, Rule, Switch

__all__ = [
    "CONVENTIONS", "PROFILES", "SWITCHES", "InForce", "Profile", "Rule", "Switch", "definition",
]


@dataclass(frozen=True)
class Profile(Mapping[str, str]):
    """Switch → value as another tool has it; what it does not name stays at the default.

    Attributes
    ----------
    rules : mapping
        Switch → the value with its source.
    not_imitated : mapping
        A rule of that tool for which there is no switch → its source.
    """

    about: str
    rules: Mapping[str, Rule] = field(default_factory=dict)
    not_imitated: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, switch: str) -> str:
        return self.rules[switch].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def conventions(self) -> dict[str, str]:
        """A value for every switch."""
        return {name: self.get(name, switch.default) for name, switch in SWITCHES.items()}


def _profile(tool: str, data: Mapping[str, Any]) -> Profile:
    rules = {
        name: switch.tools[tool] for name, switch in SWITCHES.items() if tool in switch.tools
    }
    return Profile(data["about"], rules, data.get("not_imitated", {}))


PROFILES: dict[str, Profile] = {
    name: _profile(name, data)
    for name, data in tomllib.loads(
        Path(__file__).with_name("profiles.toml").read_text(encoding="utf-8")
    ).items()
}


def definition(switch: str, value: str) -> str:
    """What `value` of `switch` says, such as 'metered items do not count'."""
    return SWITCHES[switch].says(value)


@dataclass(frozen=True)
class InForce:
    """A profile, and a value for every switch."""

    profile: str = "staycurve"
    values: Mapping[str, str] = field(
        default_factory=lambda: PROFILES["staycurve"].conventions()
    )


def _value(name: str, value: object) -> str:
    # 30 may be written without quotes; true and a list are no value of any switch.
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    if not is_plain or not SWITCHES[name].check(str(value)):
        raise not_a_choice(value, tuple(SWITCHES[name].values))
    return str(value)


def _named(profile: object) -> str:
    if str_of(profile) not in PROFILES:
        known = ", ".join(PROFILES)
        raise Wrong(
            f"= {shown(profile)} is an unknown profile.{near(str_of(profile), PROFILES)}",
            f"Known: {known}",
        )
    return str(profile)


def _key(name: str, switch: Switch) -> tuple[str, Any, Any]:
    words = ", ".join(switch.values)
    takes = Takes(words, f'{name} = "{switch.default}"', check=functools.partial(_value, name))
    return name, Annotated[Any, takes], None


def _in_force(stated: Any) -> InForce:
    given = {name: getattr(stated, name) for name in SWITCHES}
    own = {name: value for name, value in given.items() if value is not None}
    return InForce(stated.profile, PROFILES[stated.profile].conventions() | own)


# A switch is a key by being declared; nobody lists them a second time.
_STATED = dataclasses.make_dataclass(
    "Stated",
    [
        ("profile", Annotated[Any, Takes(", ".join(PROFILES), check=_named)], "staycurve"),
        *(_key(name, switch) for name, switch in SWITCHES.items()),
    ],
    frozen=True,
    namespace={"__pydantic_config__": CLOSED},
)

CONVENTIONS = Section(
    "conventions",
    _STATED,
    InForce(),
    N_("Which of several respectable ways to count is taken."),
    '[conventions]\nprofile = "staycurve"',
    make=_in_force,
)
