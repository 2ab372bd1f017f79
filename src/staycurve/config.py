"""staycurve.toml, read: each section by the module that declares it. Unknown keys are errors."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from staycurve.behaviour import ACTIVATION, LIMITS, USAGE, Behaviour
from staycurve.company import COMPANY, Company
from staycurve.conventions import CONVENTIONS
from staycurve.end_reasons import END_REASONS
from staycurve.engine_choice import ENGINE, SPARK
from staycurve.errors import ConfigError, ProjectError
from staycurve.lake_place import LAKE, LAKE_OPTIONS, FromEnvironment, LakePlace, place
from staycurve.lifecycle_rules import LIFECYCLE, LifecycleRules
from staycurve.sections import FILE_NAME, SECTIONS, Section, Wrong, near, shown
from staycurve.state_place import STATE, StatePlace

__all__ = [
    "FILE_NAME", "Company", "Config", "FromEnvironment", "LakePlace", "default_text", "lake_place",
    "parse", "read",
]

T = TypeVar("T")


@dataclass(frozen=True)
class Config:
    """A whole staycurve.toml, checked.

    `config[SECTION]` is what the section's owner made of it, for every section that is declared
    anywhere; those of our own ground floor have names as well.

    Attributes
    ----------
    stated : mapping
        Section → its value, for those that the file has.
    """

    stated: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, section: Section[T]) -> T:
        found: T = self.stated.get(section.name, section.default)
        return found

    def but(self, section: Section[T], value: T) -> Config:
        """The same with another value for one section."""
        return Config({**self.stated, section.name: value})

    def under(self, conventions: Mapping[str, str]) -> Config:
        """The same with other conventions."""
        return self.but(
            CONVENTIONS, dataclasses.replace(self[CONVENTIONS], values=dict(conventions))
        )

    @property
    def company(self) -> Company:
        """Who the numbers are about."""
        return self[COMPANY]

    @property
    def profile(self) -> str:
        """The profile that the conventions begin from."""
        return self[CONVENTIONS].profile

    @property
    def state(self) -> StatePlace:
        """Where app state is kept."""
        return self[STATE]

    @property
    def conventions(self) -> Mapping[str, str]:
        """A value for every switch."""
        return self[CONVENTIONS].values

    def convention(self, name: str) -> str:
        """The value in force for one switch."""
        return self[CONVENTIONS].values[name]

    @property
    def end_reasons(self) -> Mapping[str, str]:
        """Text of `end_reason` → voluntary or involuntary."""
        return self[END_REASONS]

    @property
    def behaviour(self) -> Behaviour:
        """What counts as usage."""
        return Behaviour(self[USAGE], self[ACTIVATION], self[LIMITS])

    @property
    def lifecycle(self) -> LifecycleRules:
        """Which stage an account is in."""
        return self[LIFECYCLE]

    @property
    def engine(self) -> str:
        """What computes."""
        return self[ENGINE]

    @property
    def spark(self) -> Mapping[str, str]:
        """Options of Spark."""
        return self[SPARK]

    @property
    def lake(self) -> LakePlace:
        """Where the tables lie."""
        return place(self[LAKE], self[LAKE_OPTIONS])

    @property
    def usage_hash(self) -> str:
        """Changes with anything that the usage tables depend on."""
        return self.behaviour.usage_hash(
            exclude=self.company.exclude, timezone=self.company.timezone
        )

    @property
    def ledger_hash(self) -> str:
        """Changes with anything that the derived tables depend on."""
        kept: dict[str, dict[str, Any]] = {
            "conventions": dict(self.conventions),
            "reasons": dict(self.end_reasons),
            "company": dataclasses.asdict(self.company),
        }
        # Weeks are read off days when they are asked for, and no number hangs on the age.
        kept["company"].pop("week_start")
        kept["company"].pop("founded")
        # Tickets are in no derived table: what first contact is, is asked of them as they stand.
        kept["conventions"].pop("fcr")
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def parse(text: str) -> Config:
    """The configuration that `text`, a staycurve.toml, states.

    Raises
    ------
    ConfigError
        For the first thing that is wrong; its hint names the others.
    """
    stated: dict[str, Any] = {}
    wrong: list[ConfigError] = []
    for name, given in _tables(text).items():
        if name not in SECTIONS:
            wrong.append(_unknown(name))
            continue
        stated[name], faults = SECTIONS[name].read(given)
        wrong += faults
    config = Config(stated)
    if not wrong:
        wrong += _together(config)
    if wrong:
        raise _first_of(wrong)
    return config


def _tables(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Numbers of thousands of digits and endless brackets have errors of their own.
        raise ConfigError(
            f"{FILE_NAME} is not valid TOML: {error}", hint="Fix that line."
        ) from None


def _unknown(name: str) -> ConfigError:
    known = tuple(SECTIONS)
    return ConfigError(
        f"{FILE_NAME}: unknown key {shown(name)}.{near(name, known)}",
        hint=f"Known here: {', '.join(known)}",
        key=name, place=name,
    )


def _together(config: Config) -> list[ConfigError]:
    """What sections contradict in each other."""
    try:
        _ = config.lake
    except Wrong as wrong:
        name = LAKE_OPTIONS.name
        return [ConfigError(f"{FILE_NAME}: [{name}] {wrong.text}", hint=wrong.hint, key=name)]
    return []


def _first_of(wrong: list[ConfigError]) -> ConfigError:
    first, places = wrong[0], [str(one.fields.get("place")) for one in wrong[1:]]
    if not places:
        return first
    return ConfigError(
        first.message, hint=f"{first.hint} Also wrong: {'; '.join(places)}.", **first.fields
    )


def read(folder: Path) -> Config:
    """The configuration of the project in `folder`."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise ProjectError(
            f"{folder} is not a staycurve project: it has no {FILE_NAME}.",
            hint="Make one: staycurve init   (or name another: staycurve --project DIR …)",
        )
    try:
        return parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8.", hint="Save it as UTF-8.") from None


def lake_place(folder: Path) -> LakePlace:
    """Where the project in `folder` keeps its tables; a directory that is none yet, in `lake`."""
    return read(folder).lake if (folder / FILE_NAME).is_file() else LakePlace()


def default_text(*, name: str, currency: str, timezone: str) -> str:
    """A staycurve.toml for a company that has decided nothing else yet."""
    quoted = json.dumps(name, ensure_ascii=False)
    return f'''engine = "duckdb"

[company]
name = {quoted}
currency = "{currency}"
timezone = "{timezone}"
# founded = 2016
# fiscal_year_start = 4
# week_start = "sunday"
# exclude = ["email~@ourco.com", "name~test"]

[conventions]
# Every key is optional; staycurve doctor prints those in force.
# past_due_grace = "30d"
# discounts = "recurring"

[end_reasons]
# voluntary = ["customer request", "too expensive"]
# involuntary = ["payment failed"]

[usage]
# active = ["task_completed"]      # events that make a user active; any without it

[activation]
# events = ["project_created"]     # the first of them is the activation
# checklist = ["signed_up", "project_created", "teammate_invited"]
'''
