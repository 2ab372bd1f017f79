"""staycurve.toml: one company, its conventions and its engine. Unknown keys are errors."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from staycurve import behaviour, lifecycle_rules, state_place
from staycurve.behaviour import Behaviour
from staycurve.conventions import PROFILES, SWITCHES
from staycurve.errors import ConfigError, ProjectError, UnknownNameError
from staycurve.lifecycle_rules import LifecycleRules
from staycurve.state_place import StatePlace, parse_state

FILE_NAME = "staycurve.toml"


VOLUNTARY = (
    "customer request", "too expensive", "missing features", "switched to competitor",
    "not using it", "no longer needed", "low quality", "customer service", "too complex",
    "voluntary",
)
INVOLUNTARY = (
    "payment failed", "payment_failed", "payment failure", "card declined", "card expired",
    "non-payment", "nonpayment", "dunning", "fraud", "involuntary",
)


@dataclass(frozen=True)
class Company:
    """[company]: who the numbers are about."""

    name: str = "Company"
    currency: str = "USD"
    timezone: str = "UTC"
    fiscal_year_start: int = 1
    exclude: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class FromEnvironment:
    """A value that stands in an environment variable, so that no secret stands in the file."""

    variable: str


@dataclass(frozen=True)
class LakePlace:
    """Where the tables lie.

    Attributes
    ----------
    where : str
        A path, seen from the project's directory, or a URL such as `s3://bucket/prefix`.
    options : mapping
        What an object store needs, under deltalake's names.
    """

    where: str = "lake"
    options: Mapping[str, str | FromEnvironment] = field(default_factory=dict)

    @property
    def is_url(self) -> bool:
        """Whether it is an object store."""
        return "://" in self.where


@dataclass(frozen=True)
class Config:
    """A whole staycurve.toml, checked."""

    company: Company = field(default_factory=Company)
    conventions: Mapping[str, str] = field(default_factory=dict)
    end_reasons: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    engine: str = "duckdb"
    profile: str = "staycurve"
    spark: Mapping[str, str] = field(default_factory=dict)
    lake: LakePlace = field(default_factory=LakePlace)
    behaviour: Behaviour = field(default_factory=Behaviour)
    lifecycle: LifecycleRules = field(default_factory=LifecycleRules)
    state: StatePlace = field(default_factory=StatePlace)

    def convention(self, name: str) -> str:
        """The value in force for one switch."""
        return self.conventions[name]

    @property
    def usage_hash(self) -> str:
        """Changes with anything that the usage tables depend on."""
        return self.behaviour.usage_hash(
            exclude=self.company.exclude, timezone=self.company.timezone
        )

    @property
    def ledger_hash(self) -> str:
        """Changes with anything that the derived tables depend on."""
        kept = {
            "conventions": dict(self.conventions),
            "reasons": dict(self.end_reasons),
            "company": dataclasses.asdict(self.company),
        }
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def _only(section: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            where = f"[{section}] " if section else ""
            error = UnknownNameError("key", key, known)
            near = f" Did you mean '{error.suggestion}'?" if error.suggestion else ""
            raise ConfigError(
                f"{FILE_NAME}: unknown key {where}'{key}'.{near}",
                hint=f"Known here: {', '.join(known)}",
                key=key,
            )


def _conventions(given: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    _only("conventions", given, ("profile", *SWITCHES))
    profile = str(given.get("profile", "staycurve"))
    if profile not in PROFILES:
        error = UnknownNameError("profile", profile, PROFILES)
        raise ConfigError(f"{FILE_NAME}: {error.message}", hint=error.hint)
    chosen = PROFILES[profile].conventions()
    for name, value in given.items():
        if name == "profile":
            continue
        if not SWITCHES[name].check(str(value)):
            raise ConfigError(
                f"{FILE_NAME}: [conventions] {name} = '{value}' is not a value it takes.",
                hint=f"It takes: {', '.join(SWITCHES[name].values)}",
                key=name,
            )
        chosen[name] = str(value)
    return profile, chosen


def _company(given: Mapping[str, Any]) -> Company:
    names = tuple(f.name for f in dataclasses.fields(Company))
    _only("company", given, names)
    values = dict(given)
    if "exclude" in values:
        rules = values["exclude"]
        if not isinstance(rules, list) or not all("~" in str(rule) for rule in rules):
            raise ConfigError(
                f"{FILE_NAME}: [company] exclude takes a list of 'column~text'.",
                hint='Write: exclude = ["email~@ourco.com", "name~test"]',
            )
        values["exclude"] = tuple(rules)
    company = Company(**values)
    if not (isinstance(company.fiscal_year_start, int) and 1 <= company.fiscal_year_start <= 12):
        raise ConfigError(
            f"{FILE_NAME}: [company] fiscal_year_start is a month from 1 to 12.",
            hint="Write: fiscal_year_start = 4",
        )
    check_currency(company.currency)
    try:
        _ = company.zone
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"{FILE_NAME}: [company] timezone '{company.timezone}' is not known.",
            hint="Write an IANA name such as UTC or America/New_York.",
        ) from None
    return company


def check_currency(code: str) -> str:
    """`code` if ISO 4217 knows it."""
    from babel.numbers import list_currencies

    if code not in list_currencies():
        raise ConfigError(
            f"Unknown currency '{code}'.", hint="Write an ISO 4217 code such as USD or EUR."
        )
    return code


def _end_reasons(given: Mapping[str, Any]) -> dict[str, str]:
    _only("end_reasons", given, ("voluntary", "involuntary"))
    lists: dict[str, Any] = {"voluntary": VOLUNTARY, "involuntary": INVOLUNTARY} | dict(given)
    classes: dict[str, str] = {}
    for name, reasons in lists.items():
        if not isinstance(reasons, list | tuple):
            raise ConfigError(
                f"{FILE_NAME}: [end_reasons] {name} takes a list of texts.",
                hint=f'Write: {name} = ["…", "…"]',
            )
        for reason in reasons:
            classes[str(reason).strip().lower()] = name
    return classes


_ENGINE = re.compile(r"duckdb|spark|spark://[^\s/,:]+:\d+(,[^\s/,:]+:\d+)*|sc://[^\s/:;]+(:\d+)?(/.*)?")


def _engine(text: str) -> str:
    if not _ENGINE.fullmatch(text):
        error = UnknownNameError("engine", text, ("duckdb", "spark"))
        near = f" Did you mean '{error.suggestion}'?" if error.suggestion else ""
        raise ConfigError(
            f"{FILE_NAME}: engine '{text}' is not available.{near}",
            hint='Write: engine = "duckdb"   (or "spark", "spark://host:7077", "sc://host:15002")',
            key="engine",
        )
    return text


def _spark(given: object) -> dict[str, str]:
    """Options for Spark; `spark.executor.memory` may be written with or without quotes."""
    found: dict[str, str] = {}

    def walk(path: str, value: object) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(f"{path}.{key}" if path else key, inner)
            return
        if isinstance(value, bool):
            value = str(value).lower()
        if not isinstance(value, str | int | float) or not path.startswith("spark."):
            raise ConfigError(
                f"{FILE_NAME}: [spark] '{path}' is not an option of Spark.",
                hint='Write: "spark.executor.memory" = "4g"',
                key=path,
            )
        found[path] = str(value)

    walk("", given)
    return found


STORES = ("s3", "gs", "abfss")
_STORE_URL = re.compile(rf"({'|'.join(STORES)})://[\w.@-]+(/[\w.=~-]+)*/?", re.ASCII)


def _lake(where: object, given: object) -> LakePlace:
    """The keys `lake` and `lake_options`."""
    if not isinstance(where, str) or not where or any(sign in where for sign in "[]%*?"):
        raise ConfigError(
            f"{FILE_NAME}: lake takes a path or a URL without [ ] % * ?",
            hint='Write: lake = "s3://bucket/prefix"',
            key="lake",
        )
    if "://" in where and not _STORE_URL.fullmatch(where):
        raise ConfigError(
            f"{FILE_NAME}: lake = '{where}' is not an object store that can be used.",
            hint='Write "s3://bucket/prefix", "gs://bucket/prefix" or '
            '"abfss://container@account.dfs.core.windows.net/prefix"; letters, digits and . _ - = '
            "~ in a prefix.",
            key="lake",
        )
    place = LakePlace(where.rstrip("/") if "://" in where else where)
    if not isinstance(given, Mapping) or (given and not place.is_url):
        raise ConfigError(
            f"{FILE_NAME}: [lake_options] is for a lake on an object store.",
            hint='Write, above the first table: lake = "s3://bucket/prefix"',
            key="lake_options",
        )
    options = {key: _lake_option(key, value) for key, value in given.items()}
    return dataclasses.replace(place, options=options)


def _lake_option(key: str, value: object) -> str | FromEnvironment:
    if isinstance(value, Mapping) and list(value) == ["env"] and isinstance(value["env"], str):
        return FromEnvironment(value["env"])
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ConfigError(
        f"{FILE_NAME}: [lake_options] {key} takes a text, or the variable that holds it.",
        hint=f'Write: {key} = {{ env = "{key}" }}',
        key=key,
    )


def parse(text: str) -> Config:
    """The configuration that `text`, a staycurve.toml, states."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{FILE_NAME} is not valid TOML: {error}", hint="Mend that line."
        ) from None
    known = ("engine", "company", "conventions", "end_reasons", "sources", "spark", "lake")
    sections = ("lake_options", *behaviour.SECTIONS, lifecycle_rules.SECTION, state_place.SECTION)
    _only("", raw, (*known, *sections))
    profile, conventions = _conventions(raw.get("conventions", {}))
    return Config(
        company=_company(raw.get("company", {})),
        conventions=conventions,
        end_reasons=_end_reasons(raw.get("end_reasons", {})),
        sources=raw.get("sources", {}),
        engine=_engine(str(raw.get("engine", "duckdb"))),
        profile=profile,
        spark=_spark(raw.get("spark", {})),
        lake=_lake(raw.get("lake", "lake"), raw.get("lake_options", {})),
        behaviour=behaviour.parse(raw),
        lifecycle=lifecycle_rules.parse(raw.get(lifecycle_rules.SECTION, {})),
        state=parse_state(raw.get(state_place.SECTION, {})),
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
# fiscal_year_start = 4
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
