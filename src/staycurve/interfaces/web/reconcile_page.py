"""Where a number differs from another tool's, and by which rule: the page at /reconcile."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from staycurve.config import Config
from staycurve.conventions import PROFILES, SWITCHES
from staycurve.i18n import N_
from staycurve.insights.books.reconciliation import Reconciliation, Step
from staycurve.interfaces.api.describe import formula_text
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.comparison import (
    ComparisonRequest,
    asked,
    choices,
    found_for,
    ours_label,
    rule_about,
    rule_label,
    signed,
    words,
)
from staycurve.interfaces.web.differences import DIFFERENCES
from staycurve.interfaces.web.drawing import Picture
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.switch_effects import SWITCH_EFFECTS
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.their_figures import THEIR_FIGURES
from staycurve.interfaces.web.waterfall import Bar, waterfall
from staycurve.metrics.base import Unit
from staycurve.permissions import Permission


def _gap(ask: Ask) -> Shown:
    what, found = asked(ask), found_for(ask)
    opened = ask.url(rule=None, page=None) + "#differences"
    steps = _steps(found)
    lines = [_line(ask, found, step) for step in steps]
    # A rule that changes nothing has no bar in the chart, and so no number.
    drawn = [line for line in lines if line["has_bar"]]
    for place, line in enumerate(drawn, start=1):
        line["place"] = place
    unit = what.metric.unit
    rows = [
        {
            "rule": step.rule, "ours": step.ours, "theirs": step.theirs,
            "accounts": step.accounts,
            "difference": None if step.difference is None else float(step.difference),
            "rows_at": line["href"],
        }
        for step, line in zip(steps, lines, strict=True)
    ]
    told = found.as_dict()
    return Shown(
        rows,
        {
            "choices": choices(ask),
            "hidden": {k: v for k, v in ask.options.items() if k in ("as_of", "panel")},
            "label": _(what.metric.label),
            "defined_at": ask.defines(what.name),
            "period": ask.label(what.period),
            "is_open": ask.seen.is_open(what.period),
            "against": found.against,
            "ours_label": ours_label(ask),
            "ours": numbers.full(_number(found.ours), unit, ask.currency),
            "theirs": numbers.full(_number(found.theirs), unit, ask.currency),
            "gap": signed(found.gap, unit, ask.currency),
            "opens": ask.opens(what.name, what.period),
            "theirs_opens": ask.opens(what.name, what.period, under=found.against),
            "rows_at": opened,
            "why": found.why or "",
            "lines": lines,
            "picture": _picture(ask, what, found, opened),
            "unit": ask.currency if unit is Unit.MONEY else _("percentage points"),
            "not_imitated": len(found.not_imitated),
        },
        {key: told[key] for key in ("metric", "period", "against", "ours", "theirs", "gap")}
        | ({"why": found.why} if found.why else {}),
    )


def _steps(found: Reconciliation) -> Sequence[Step]:
    """What each rule changes; nothing is known of it while the period's value is not."""
    if found.rows or not found.why:
        return found.rules
    return [dataclasses.replace(step, difference=None, accounts=0) for step in found.rules]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _line(ask: Ask, found: Reconciliation, step: Step) -> dict[str, Any]:
    return {
        "rule": step.rule,
        "label": rule_label(step.rule),
        "about": rule_about(step.rule),
        "accounts": numbers.full(float(step.accounts), Unit.COUNT),
        "difference": signed(step.difference, found.unit, ask.currency),
        "is_none": not step.accounts,
        "has_bar": bool(step.difference),
        "place": "",
        "href": ask.url(rule=step.rule, page=None, panel=None) + "#differences",
    }


def _picture(
    ask: Ask, what: ComparisonRequest, found: Reconciliation, opened: str
) -> Picture | None:
    if found.gap is None or not any(step.difference for step in found.rules):
        return None
    bars = [
        Bar(
            step.rule, rule_label(step.rule), float(step.difference),
            f"{rule_label(step.rule)}: {signed(step.difference, found.unit, ask.currency)}",
            ask.url(rule=step.rule, page=None, panel=None) + "#differences",
        )
        for step in found.rules
        if step.difference
    ]
    if found.gap:
        amount = signed(found.gap, found.unit, ask.currency)
        about = _("the gap: %s") % amount
        bars.append(Bar("gap", _("gap"), float(found.gap), about, opened, is_whole=True))
    label = _("From our %(metric)s to that of %(against)s, %(period)s, rule by rule") % {
        "metric": _(what.metric.label), "against": found.against,
        "period": ask.label(what.period),
    }
    return waterfall(ask, "waterfall", bars, unit=found.unit, label=label)


def _definitions(ask: Ask) -> Shown:
    what, config = asked(ask), ask.company.config
    theirs = PROFILES[what.against].conventions()
    rows = [_rule_row(config, switch, what.against) for switch in SWITCHES]
    missing = PROFILES[what.against].not_imitated
    own = formula_text(what.metric, config)
    other = formula_text(what.metric, config.under(theirs))
    return Shown(
        [*rows, *({"rule": rule, "theirs_source": source, "is_imitated": False}
                  for rule, source in missing.items())],
        {
            "against": what.against,
            "ours_label": ours_label(ask),
            "about": _(PROFILES[what.against].about),
            "label": _(what.metric.label),
            "formulas": (own, other) if own != other else None,
            "different": [_rule_view(row) for row in rows if row["differs"]],
            "alike": [_rule_view(row) for row in rows if not row["differs"]],
            "not_imitated": [
                {"rule": _(rule), "source": _(source)} for rule, source in missing.items()
            ],
        },
        {"formula": {"ours": own, "theirs": other}},
    )


def _rule_row(config: Config, switch: str, against: str) -> dict[str, Any]:
    own, other = config.convention(switch), PROFILES[against].conventions()[switch]
    return {
        "rule": switch,
        "ours": own,
        "theirs": other,
        "ours_source": _our_source(config, switch),
        "theirs_source": _their_source(against, switch),
        "differs": own != other,
        "is_imitated": True,
    }


def _our_source(config: Config, switch: str) -> str:
    value, profile = config.convention(switch), PROFILES[config.profile]
    if switch in profile.rules and profile.rules[switch].value == value:
        return profile.rules[switch].source
    if value == profile.conventions()[switch]:
        return _("staycurve's default.")
    return _("Set in staycurve.toml.")


def _their_source(against: str, switch: str) -> str:
    rules = PROFILES[against].rules
    if switch in rules:
        return rules[switch].source
    if against == "staycurve":
        return _("staycurve's default.")
    return _("Its pages do not say; staycurve's default is used.")


def _rule_view(row: dict[str, Any]) -> dict[str, Any]:
    switch = row["rule"]
    return {
        **row,
        "about": rule_about(switch),
        "ours_words": words(switch, row["ours"]),
        "theirs_words": words(switch, row["theirs"]),
        "ours_source": _(row["ours_source"]),
        "theirs_source": _(row["theirs_source"]),
    }


GAP = Panel(
    "gap",
    N_("The gap"),
    N_("How far apart are the two, and which rules explain it?"),
    "gap.html",
    _gap,
)
DEFINITIONS = Panel(
    "definitions",
    N_("Both definitions"),
    N_("How does each tool define it, and where?"),
    "definitions.html",
    _definitions,
)


PANELS: Sequence[Panel] = (GAP, DEFINITIONS, DIFFERENCES, SWITCH_EFFECTS, THEIR_FIGURES)

RECONCILE = Page(
    address="/reconcile",
    place=100,
    title=N_("Reconcile"),
    question=N_("Why does another tool show another number?"),
    panels=tuple(PANELS),
    has_controls=False,
    group=Group.BOOKS,
    options=("against", "rule", "metric", "period"),
    can_be_cut=False,
    takes_forms=True,
    # What is sent is compared, and not kept.
    changes=Permission.READ,
)
