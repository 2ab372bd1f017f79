"""The accounts behind one number: the page at /accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.cohort_grid import VALUE_LABELS
from staycurve.interfaces.web.lacking import bases_of
from staycurve.interfaces.web.page import Page, Panel, Shown
from staycurve.interfaces.web.reading import reason
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Operation, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.result import AccountRows
from staycurve.period import Period, align, parse_period
from staycurve.tables.engine import quoted

PER_PAGE = 100
WORDS = 60
"""Letters of a column's heading beyond which it says numerator or denominator instead."""


def _period(ask: Ask) -> Period:
    text = ask.options.get("period")
    if not text:
        return (ask.closed or ask.periods)[-1]
    named = parse_period(text, ask.fiscal)
    if "grain" in ask.options:
        named = align(
            text, ask.grain, is_last=False, fiscal_start=ask.fiscal, week_start=ask.week_start
        )
    if named.start > ask.seen.last_day:
        raise UsageError(
            f"{ask.label(named)} begins after {ask.seen.last_day}, the last day with data.",
            hint="Choose an earlier period.",
        )
    return named


def names_of(ask: Ask, accounts: Sequence[str]) -> dict[str, str]:
    """What people call these accounts."""
    if not accounts:
        return {}
    listed = ", ".join(quoted(account) for account in accounts)
    with ask.company.reading() as engine:
        return dict(
            engine.rows(
                "SELECT account_id, name FROM accounts "
                f"WHERE name IS NOT NULL AND account_id IN ({listed})"
            )
        )


def _units(metric: str, ask: Ask) -> tuple[Unit, Unit]:
    """The units of numerator and denominator of a ratio, or twice the metric's own."""
    unit = METRICS[metric].unit
    formula = METRICS[metric].resolve(ask.company.config.conventions)
    if not (isinstance(formula, Operation) and formula.sign == "÷"):
        return unit, unit
    above, below = (
        Unit.MONEY if any(m.is_money for m in side.measures()) else Unit.COUNT
        for side in (formula.left, formula.right)
    )
    return above, below


@dataclass(frozen=True)
class _Number:
    """The number whose rows are listed: a metric's, or a cell's of the cohort grid."""

    label: str
    place: str
    unit: Unit
    found: AccountRows
    period: Period
    defined_at: str = ""


def _cell(ask: Ask) -> _Number:
    text = ask.options.get("cohort_month", "")
    age = ask.options.get("age", "")
    value = ask.options.get("cohort_value", "customers")
    if not age.isdecimal() or len(age) > 4:
        raise UsageError(f"'{age}' is not an age.", hint="Write months since, from 0.")
    found = ask.company.cohort_accounts(
        value=value, cohort=text, age=int(age), where=ask.filters,
        as_of=ask.seen.at.isoformat(),
    )
    period = parse_period(text)
    place = _("cohort %(cohort)s, month %(age)s") % {"cohort": ask.label(period), "age": age}
    unit = Unit.COUNT if value == "customers" else Unit.MONEY
    return _Number(_(VALUE_LABELS[value]), place, unit, found, period)


def _number(ask: Ask) -> _Number:
    if "cohort_month" in ask.options:
        return _cell(ask)
    name, period = ask.options.get("metric", "mrr"), _period(ask)
    metric = METRICS[name]
    return _Number(
        _(metric.label), ask.label(period), metric.unit, ask.rows(name, period), period,
        ask.defines(name),
    )


def _show(ask: Ask) -> Shown:
    name = ask.options.get("metric", "mrr")
    number = _number(ask)
    found, period = number.found, number.period
    is_ratio = "numerator" in found.total
    sizes = ("numerator", "denominator") if is_ratio else ("value",)
    rows = sorted(
        found.rows, key=lambda row: ([-abs(row[s]) for s in sizes], row["account_id"] or "")
    )
    units = dict(zip(sizes, _units(name, ask), strict=False)) if is_ratio else {
        "value": number.unit
    }
    page, pages = page_of(ask, len(rows), PER_PAGE)
    shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    names = names_of(ask, [row["account_id"] for row in shown if row["account_id"]])
    lines = [
        {
            "account": row["account_id"] or _("not tied to an account"),
            "name": names.get(row["account_id"], ""),
            "cells": [numbers.full(row[s], units[s], ask.currency) for s in sizes],
            "shares": _shares(row, found.total, sizes),
        }
        for row in shown
    ]
    total = found.total
    return Shown(
        rows,
        {
            "label": number.label,
            "heads": _sides(name, ask) if is_ratio else [number.label],
            "lines": lines,
            "count": len(rows),
            "page": page,
            "pages": pages,
            "older": ask.url(page=str(page - 1)) if page > 1 else "",
            "newer": ask.url(page=str(page + 1)) if page < pages else "",
            "sums": [numbers.full(total.get(s), units[s], ask.currency) for s in sizes],
            "value": numbers.full(total["value"], number.unit, ask.currency),
            "why": reason(total),
            "is_ratio": is_ratio,
            "is_share": not is_ratio and number.unit in (Unit.MONEY, Unit.COUNT),
            "is_open": ask.seen.is_open(period),
            "period": number.place,
            "defined_at": number.defined_at,
            "under": ask.options.get("under", ""),
            "known_at": ask.options.get("known_at", ""),
            "sql": found.sql,
        },
        {"metric": found.metric, "period": found.period, "grain": period.grain, "total": total},
    )


def _sides(metric: str, ask: Ask) -> list[str]:
    """What stands above and below the line, in words where they fit a column."""
    formula = METRICS[metric].resolve(ask.company.config.conventions)
    assert isinstance(formula, Operation)
    sides = ((formula.left, _("Numerator")), (formula.right, _("Denominator")))
    found = []
    for side, name in sides:
        text = side.text()
        found.append(f"{text[:1].upper()}{text[1:]}" if len(text) <= WORDS else name)
    return found


def _shares(row: dict[str, Any], total: dict[str, Any], sizes: Sequence[str]) -> str:
    whole = total.get("value")
    if len(sizes) > 1 or not whole:
        return ""
    return numbers.full(row["value"] / whole, Unit.PERCENT)


def page_of(ask: Ask, count: int, per_page: int) -> tuple[int, int]:
    """Which page of `count` rows is asked for, from 1, and how many there are."""
    pages = max(1, -(-count // per_page))
    text = ask.options.get("page", "1")
    if not text.isdecimal() or len(text) > 9:
        raise UsageError(f"'{text}' is not a page.", hint="Write a number from 1.")
    return min(max(1, int(text)), pages), pages


def _heading(ask: Ask) -> str:
    if "cohort_month" in ask.options:
        return _("A cell of the cohort grid: the accounts behind it")
    name = ask.options.get("metric", "mrr")
    return _("%(metric)s, %(period)s: the accounts behind it") % {
        "metric": _(METRICS[name].label), "period": ask.label(_period(ask)),
    }


def _needs(ask: Ask) -> tuple[str, ...]:
    name = ask.options.get("metric", "")
    return bases_of(name) if name in METRICS else ("subscriptions",)


ROWS = Panel(
    "rows",
    N_("Accounts"),
    N_("Largest first; together they are the number above them."),
    "accounts.html",
    _show,
)

ACCOUNT_LIST = Page(
    address="/accounts",
    place=150,
    title=N_("Accounts"),
    question=N_("Which accounts make up this number?"),
    panels=(ROWS,),
    has_controls=False,
    is_listed=False,
    heading=_heading,
    needs_of=_needs,
    options=("under", "metric", "period", "cohort_value", "cohort_month", "age"),
)
