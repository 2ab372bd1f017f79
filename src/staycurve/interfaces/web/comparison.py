"""What the page /reconcile compares: a profile, a metric and a period, as its address says."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from staycurve.conventions import PROFILES, SWITCHES
from staycurve.errors import UnknownNameError
from staycurve.insights.books.asked import period_named
from staycurve.insights.books.reconcile import reconcile
from staycurve.insights.books.reconciliation import INTERACTION, Reconciliation
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Metric, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period, period_of, periods_between

OFFERED = {"month": 36, "quarter": 12, "year": 10}
"""Periods that can be chosen from the list; an address may name any other."""


@dataclass(frozen=True)
class ComparisonRequest:
    """A profile, a metric and a period."""

    against: str
    name: str
    period: Period

    @property
    def metric(self) -> Metric:
        """The metric whose values are compared."""
        return METRICS[self.name]


def asked(ask: Ask) -> ComparisonRequest:
    """What the address asks to compare; what it leaves out is chosen.

    Raises
    ------
    UnknownNameError, UsageError
        If there is no such profile or metric, or the period lies ahead.
    """
    own = ask.company.config.profile
    first = next(name for name in PROFILES if name != own)
    against = ask.options.get("against", first)
    if against not in PROFILES:
        raise UnknownNameError("profile", against, PROFILES)
    name = ask.options.get("metric", "mrr")
    _known = METRICS[name]
    return ComparisonRequest(against, name, period_of_ask(ask))


def period_of_ask(ask: Ask) -> Period:
    """The period that the address names; without one, the last month that has closed."""
    text = ask.options.get("period", "")
    if text:
        return period_named(ask.company, text, ask.seen)
    period = period_named(ask.company, "", ask.seen)
    day = ask.company.first_day(["mrr"])
    if day is not None and period.end <= day:
        # Nothing has closed yet.
        return period_of(ask.seen.last_day, "month")
    return period


def period_text(ask: Ask) -> str:
    """The period that is compared, as addresses name it."""
    return ask.options.get("period") or naming.name(period_of_ask(ask), ask.fiscal)


def found_for(ask: Ask) -> Reconciliation:
    """The comparison that the address asks for."""
    what = asked(ask)
    return reconcile.ask(
        ask.company, against=what.against, metric=what.name, period=period_text(ask),
        as_of=ask.seen.at.isoformat(),
    )


def ours_label(ask: Ask) -> str:
    """How the page calls the company's own conventions."""
    config = ask.company.config
    theirs = PROFILES[config.profile].conventions()
    changed = sum(config.convention(switch) != theirs[switch] for switch in SWITCHES)
    if not changed:
        return config.profile
    return _("%(profile)s with %(count)s changed") % {"profile": config.profile, "count": changed}


def signed(value: Fraction | float | None, unit: Unit, currency: str) -> str:
    """A difference as tables print it: with its sign, in points for rates."""
    if value is None:
        return numbers.UNKNOWN
    size = abs(float(value)) * (100 if unit is Unit.PERCENT else 1)
    plain = Unit.RATIO if unit is Unit.PERCENT else unit
    text = numbers.full(size, plain, currency).removeprefix("+")
    if size and not any(digit in text for digit in "123456789"):
        # Rounding would make it a zero: its first two digits are printed, wherever they stand.
        text = f"{float(f'{size:.1e}'):.12f}".rstrip("0")
    if unit is Unit.PERCENT:
        text = _("%s points") % text
    return text if not value else ("+" if value > 0 else "−") + text


def rule_label(rule: str) -> str:
    """What people call a rule."""
    return _("together") if rule == INTERACTION else rule.replace("_", " ")


def rule_about(rule: str) -> str:
    """What a rule decides."""
    if rule == INTERACTION:
        return _("What the rules do together, and none of them does alone.")
    return _(SWITCHES[rule].about)


def words(switch: str, value: str) -> str:
    """What a value of a switch means, as a sentence."""
    text = SWITCHES[switch].says(value, say=_)
    return f"{text[:1].upper()}{text[1:]}."


def choices(ask: Ask) -> list[dict[str, Any]]:
    """What can be chosen: name, label, and (group, options) with (value, text, is chosen)."""
    what = asked(ask)
    stages: dict[str, list[tuple[str, str, bool]]] = {}
    for name, metric in METRICS.items():
        option = (name, _(metric.label), name == what.name)
        stages.setdefault(metric.stage.capitalize(), []).append(option)
    profiles = [
        (name, name, name == what.against)
        for name in PROFILES
        if name != ask.company.config.profile or name == what.against
    ]
    return [
        {"name": "against", "label": _("Other tool"), "groups": [("", profiles)]},
        {"name": "metric", "label": _("Metric"), "groups": list(stages.items())},
        {"name": "period", "label": _("Period"), "groups": _periods(ask, what.period)},
    ]


def _periods(ask: Ask, chosen: Period) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    labels = {"month": _("Months"), "quarter": _("Quarters"), "year": _("Years")}
    day = ask.company.first_day(["mrr"]) or ask.seen.last_day
    groups = []
    for grain, most in OFFERED.items():
        first = min(day, ask.seen.last_day)
        found = periods_between(first, ask.seen.last_day, grain, ask.fiscal)[-most:][::-1]
        if chosen.grain == grain and chosen not in found:
            found.append(chosen)
        groups.append((labels[grain], [_option(ask, p, chosen) for p in found]))
    if chosen.grain not in OFFERED:
        groups.append((_("Days"), [_option(ask, chosen, chosen)]))
    return groups


def _option(ask: Ask, period: Period, chosen: Period) -> tuple[str, str, bool]:
    return naming.name(period, ask.fiscal), ask.label(period), period == chosen
