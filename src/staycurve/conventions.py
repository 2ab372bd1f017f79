"""Conventions: what each switch decides, and the profiles of other tools with their sources."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any


def _is_fraction(text: str) -> bool:
    try:
        return Fraction(text) > 0
    except (ValueError, ZeroDivisionError):
        return False


def _is_days(text: str) -> bool:
    return text == "forever" or (text.endswith("d") and text[:-1].isdigit())


def _is_months(text: str) -> bool:
    return text.endswith("m") and text[:-1].isdigit()


@dataclass(frozen=True)
class Switch:
    """One convention: its values, its default, and what it decides.

    `values` are the named choices; `accepts` admits further ones by their form.
    """

    default: str
    values: tuple[str, ...]
    about: str
    accepts: Any = None

    def check(self, value: str) -> bool:
        """Whether `value` is one that this switch takes."""
        return value in self.values or bool(self.accepts and self.accepts(value))


SWITCHES: dict[str, Switch] = {
    "weeks_per_month": Switch(
        "52/12", ("52/12", "4", "4.33"), "Weeks counted in a month.", _is_fraction
    ),
    "days_per_month": Switch(
        "365/12", ("365/12", "30"), "Days counted in a month.", _is_fraction
    ),
    "discounts": Switch(
        "recurring", ("recurring", "all", "none"), "Which discounts lower MRR."
    ),
    "usage": Switch("include", ("include", "exclude"), "Whether metered items count."),
    "free_plan": Switch(
        "churn", ("churn", "active"), "Whether a payer who moves to a free plan has churned."
    ),
    "past_due_grace": Switch(
        "30d", ("30d", "0d", "forever"), "How long a past-due item counts.", _is_days
    ),
    "paused": Switch("churn", ("churn", "keep"), "Whether a paused item counts."),
    "churn_booked": Switch(
        "period_end", ("period_end", "request"), "When a cancellation is booked."
    ),
    "fx": Switch("daily", ("daily", "fixed"), "Which exchange rate values an item."),
    "netting": Switch(
        "day", ("day", "60min", "event", "month"), "Which changes of an account net out."
    ),
    "reactivation_window": Switch(
        "forever",
        ("forever", "90d"),
        "How many days after it stopped paying an account that returns is not new.",
        _is_days,
    ),
    "churn_denominator": Switch(
        "start",
        ("start", "start_plus_new", "rolling_30d"),
        "What customer churn is divided by.",
    ),
    "revenue_rates": Switch(
        "accounts",
        ("accounts", "movements"),
        "Whether NRR and GRR look at accounts or at summed movements.",
    ),
    "cac_lag": Switch(
        "0m", ("0m",), "How many months acquisition cost runs ahead of new accounts.", _is_months
    ),
}


@dataclass(frozen=True)
class Rule:
    """What another tool's page says: a switch's value, and where it says so."""

    value: str
    source: str


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


def _profile(data: Mapping[str, Any]) -> Profile:
    rules = {name: Rule(*given) for name, given in data.get("values", {}).items()}
    for name, rule in rules.items():
        if not SWITCHES[name].check(rule.value):
            raise ValueError(f"profiles.toml: {name} does not take '{rule.value}'")
    return Profile(data["about"], rules, data.get("not_imitated", {}))


PROFILES: dict[str, Profile] = {
    name: _profile(data)
    for name, data in tomllib.loads(
        Path(__file__).with_name("profiles.toml").read_text(encoding="utf-8")
    ).items()
}
