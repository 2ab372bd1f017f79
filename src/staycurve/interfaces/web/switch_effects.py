"""What every convention would change, before anybody changes it."""

from __future__ import annotations

from typing import Any

from staycurve.i18n import N_
from staycurve.insights.books.switches import HEADLINES, Effect, summary, switches
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.comparison import (
    period_of_ask,
    period_text,
    rule_about,
    signed,
    words,
)
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period


def _show(ask: Ask) -> Shown:
    period = period_of_ask(ask)
    found = switches.ask(
        ask.company, period=period_text(ask), as_of=ask.seen.at.isoformat()
    ).rows
    lines = summary(found)
    _switch, _value, first = lines[0]
    return Shown(
        [effect.as_dict() for effect in found],
        {
            "period": ask.label(period),
            "heads": [(ask.defines(name), _(METRICS[name].label)) for name in HEADLINES],
            "ours": [
                {"text": numbers.full(first[name].ours, METRICS[name].unit, ask.currency),
                 "href": ask.opens(name, period), "why": first[name].why or ""}
                for name in HEADLINES
            ],
            "lines": [
                {
                    "switch": switch,
                    "value": value,
                    "about": rule_about(switch),
                    "words": words(switch, value),
                    "cells": [_cell(by_metric[name], ask, period) for name in HEADLINES],
                }
                for switch, value, by_metric in lines
            ],
        },
        {"period": str(period.start), "grain": period.grain},
    )


def _cell(effect: Effect, ask: Ask, period: Period) -> dict[str, Any]:
    unit = METRICS[effect.metric].unit
    under = f"{effect.switch}={effect.value}"
    return {
        "href": ask.opens(effect.metric, period, under=under),
        "is_same": effect.with_it == effect.ours,
        "text": numbers.full(effect.with_it, unit, ask.currency),
        "difference": signed(effect.difference, unit, ask.currency),
        "why": effect.why or "" if effect.with_it is None else "",
    }


SWITCH_EFFECTS = Panel(
    "switches",
    N_("What every switch would change"),
    N_("What would our own figures be under another convention?"),
    "switches.html",
    _show,
    is_late=True,
)
