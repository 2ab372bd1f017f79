"""The cohort grid: accounts by the month in which they first paid, month by month."""

from __future__ import annotations

from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import reason
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.cohorts import HOWS, SMALL, VALUES
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import ITEM_TRAITS, MOVING
from staycurve.period import month_index, month_start, parse_period

VALUE_LABELS = {
    "customers": N_("Customers"), "net_mrr": N_("Net MRR"), "gross_mrr": N_("Gross MRR"),
}
HOW_LABELS = {"count": N_("Count"), "share": N_("Share"), "change": N_("Change")}
STEPS = 10
ALTERED = 0.1
"""A month's change of ten percent either way is the darkest step of a change."""


def step(value: float, how: str, most: float) -> int:
    """Which of the ten fixed steps a cell has, 1 to 10.

    Shares step by tenths, so that the same shade means the same share in every grid; counts by
    tenths of the grid's largest; changes from −10% to +10%.
    """
    if how == "share":
        part = value
    elif how == "change":
        part = (value + ALTERED) / (2 * ALTERED)
    else:
        part = value / most if most else 0.0
    return min(STEPS, max(1, int(part * STEPS) + 1))


def _show(ask: Ask) -> Shown:
    value = ask.options.get("cohort_value", "customers")
    how = ask.options.get("cohort_as", "share")
    found = ask.company.cohort(
        value=value, how=how, where=ask.filters, as_of=ask.seen.at.isoformat()
    )
    first, last = ask.periods[0].start, ask.periods[-1].end
    rows = [r for r in found["rows"] if str(first) <= r["cohort"] < str(last)]
    unit = Unit.PERCENT if how != "count" else (
        Unit.COUNT if value == "customers" else Unit.MONEY
    )
    most = max((r["value"] for r in rows if r["value"] is not None), default=0.0)
    is_cut = _is_cut_at_start(ask)
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        month = parse_period(row["cohort"][:7])
        line = lines.setdefault(row["cohort"], {
            "label": ask.label(month),
            "size": numbers.full(row["size"], Unit.COUNT),
            "size_href": "" if is_cut else ask.opens("new_customers", month, _filter(row)),
            "is_small": row["is_small"],
            "cells": [],
        })
        line["cells"].append(_cell(ask, row, value, how, unit, most))
    width = max((len(line["cells"]) for line in lines.values()), default=0)
    for line in lines.values():
        line["blanks"] = width - len(line["cells"])
    switches = [
        (_("Count what"), "cohort_value", value, VALUE_LABELS, VALUES, "customers"),
        (_("Show as"), "cohort_as", how, HOW_LABELS, HOWS, "share"),
    ]
    return Shown(
        rows,
        {
            "lines": list(lines.values()),
            "ages": range(width),
            "small": SMALL,
            "is_cut": is_cut,
            "switches": [
                {
                    "label": label,
                    "options": [
                        {
                            "label": _(labels[key]),
                            "title": _(abouts[key]),
                            "href": ask.url(**{name: None if key == default else key}),
                            "is_on": key == chosen,
                        }
                        for key in labels
                    ],
                }
                for label, name, chosen, labels, abouts, default in switches
            ],
            "about": _(VALUES[value]),
            "how_about": _(HOWS[how]),
        },
        {"value": value, "as": how},
    )


def _is_cut_at_start(ask: Ask) -> bool:
    """Whether a filter names something that an account may change while it is followed."""
    return any(own.dim in ITEM_TRAITS or own.dim in MOVING for own in ask.filters)


def _filter(row: dict[str, Any]) -> Filter:
    return Filter("cohort", (row["cohort"][:7],))


def _cell(
    ask: Ask, row: dict[str, Any], value: str, how: str, unit: Unit, most: float
) -> dict[str, Any]:
    number = row["value"]
    if number is None:
        # A month that has not closed stays blank; it is not a zero.
        return {"text": "", "step": 0, "href": "", "why": reason(row)}
    return {
        "text": _short(number, unit),
        "step": step(number, how, most),
        "href": _opens(ask, row, value),
        "why": "",
    }


def _short(number: float, unit: Unit) -> str:
    if unit is Unit.PERCENT:
        text = numbers.full(round(number * 100), Unit.COUNT)
        return f"{text}%"
    return numbers.compact(number, unit)


def _opens(ask: Ask, row: dict[str, Any], value: str) -> str:
    """The rows that a cell counts; of a share or change, those of its number.

    The running minimum of gross MRR is no metric, and a cohort that is cut by what accounts began
    with follows them wherever they go: such cells open to a list of their own.
    """
    if value == "gross_mrr" or _is_cut_at_start(ask):
        options = {
            "cohort_value": value,
            "cohort_month": row["cohort"][:7],
            "age": str(row["age"]),
            "as_of": ask.options.get("as_of"),
        }
        return link("/accounts", options, ask.filters)
    month = month_start(month_index(parse_period(row["cohort"][:7]).start) + row["age"])
    period = parse_period(f"{month:%Y-%m}")
    if row["age"] == 0:
        metric = "new_customers" if value == "customers" else "new_mrr"
    else:
        metric = "customers" if value == "customers" else "mrr"
    return ask.opens(metric, period, _filter(row))


COHORTS = Panel(
    "cohorts",
    N_("Cohorts"),
    N_("Do the accounts we win stay, and do newer ones stay longer?"),
    "cohorts.html",
    _show,
    options=("cohort_value", "cohort_as"),
)
