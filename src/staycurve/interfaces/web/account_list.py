"""The accounts behind one number: the page at /accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from staycurve.errors import UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.account.behind import CHURN, SEPARATOR
from staycurve.insights.shared.params import CLASS_NAMES
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.accounts_at import account_at
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
BESIDE = {
    "name": N_("Name"), "plan": N_("Plan"), "owner": N_("Owner"), "lost_on": N_("Date"),
    "movement": N_("Movement"), "plan_before": N_("Plan before"), "end_reason": N_("End reason"),
    "end_class": N_("Churn type"), "tenure_days": N_("Tenure, days"),
    "last_active_on": N_("Last active"), "open_tickets": N_("Open tickets"),
}
"""What stands beside the number, where it is known of any account."""
COUNTED = ("tenure_days", "open_tickets")
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
    units = dict(zip(sizes, _units(name, ask), strict=False)) if is_ratio else {
        "value": number.unit
    }
    labels = dict(zip(sizes, _sides(name, ask) if is_ratio else [number.label], strict=True))
    beside = _columns(found)
    rows = ordered(found.rows, _sort(ask, [*sizes, *BESIDE], found), sizes)
    page, pages = page_of(ask, len(rows), PER_PAGE)
    shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    is_share = not is_ratio and number.unit in (Unit.MONEY, Unit.COUNT)
    lines = [
        {
            "account": row["account_id"] or _("not tied to an account"),
            "href": account_at(ask, row["account_id"]),
            "name": row.get("name") or "",
            "cells": [numbers.full(row[s], units[s], ask.currency) for s in sizes],
            "shares": _shares(row, found.total, sizes),
            "beside": [_beside(key, row[key]) for key in beside if key != "name"],
        }
        for row in shown
    ]
    total = found.total
    return Shown(
        rows,
        {
            "label": number.label,
            "head": _head(ask, "account_id", _("Account")),
            "heads": [_head(ask, size, labels[size], is_size=True) for size in sizes],
            "beside": [
                _head(ask, key, _(BESIDE[key]), is_text=key not in COUNTED)
                for key in beside if key != "name"
            ],
            "lines": lines,
            "count": len(rows),
            "page": page,
            "pages": pages,
            "older": ask.url(page=str(page - 1)) if page > 1 else "",
            "newer": ask.url(page=str(page + 1)) if page < pages else "",
            "is_by_size": "sort" not in ask.options,
            "sums": [numbers.full(total.get(s), units[s], ask.currency) for s in sizes],
            "value": numbers.full(total["value"], number.unit, ask.currency),
            "why": reason(total),
            "is_ratio": is_ratio,
            "is_share": is_share,
            "is_open": ask.seen.is_open(period),
            "period": number.place,
            "defined_at": number.defined_at,
            "under": ask.options.get("under", ""),
            "known_at": ask.options.get("known_at", ""),
            "sql": found.sql,
            "reasons": _reasons(ask, found, units[sizes[0]], labels[sizes[0]]),
        },
        {"metric": found.metric, "period": found.period, "grain": period.grain, "total": total,
         **({"reasons": found.reasons} if found.reasons else {})},
    )


def _columns(found: AccountRows) -> list[str]:
    """What is known of any account and differs between them; the twins have all of it."""
    known = [key for key in BESIDE if found.rows and key in found.rows[0]]
    if "movement" not in known:
        return known
    movements = {row["movement"] for row in found.rows} - {None}
    if len(movements) > 1:
        return known
    # Who churned left the plan that it had; who contracted may be on another one.
    same = {"movement"} | ({"plan"} if movements == {CHURN} else set())
    return [key for key in known if key not in same]


def _reasons(ask: Ask, found: AccountRows, unit: Unit, label: str) -> dict[str, Any] | None:
    """What the accounts gave up, by end reason and churn type."""
    if not found.reasons:
        return None
    whole = sum(one["value"] for one in found.reasons)
    return {
        "label": label,
        "lines": [
            {
                "reason": one["end_reason"] or _("no reason given"),
                "class": _class(one["end_class"]),
                "accounts": numbers.full(one["accounts"], Unit.COUNT),
                "value": numbers.full(one["value"], unit, ask.currency),
                "share": numbers.compact(one["value"] / whole, Unit.PERCENT) if whole else "",
                "width": f"{100 * one['value'] / whole:.1f}" if whole > 0 else "0",
            }
            for one in found.reasons
        ],
        "accounts": numbers.full(sum(one["accounts"] for one in found.reasons), Unit.COUNT),
        "value": numbers.full(whole, unit, ask.currency),
    }


def _class(text: str | None) -> str:
    parts = (text or "").split(SEPARATOR)
    return ", ".join(_(CLASS_NAMES[part]) if part in CLASS_NAMES else part for part in parts)


def _beside(key: str, value: Any) -> str:
    if value is None:
        return numbers.UNKNOWN
    if key in ("lost_on", "last_active_on"):
        return naming.day(dt.date.fromisoformat(value))
    if key == "end_class":
        return _class(value)
    if key in COUNTED:
        return numbers.full(value, Unit.COUNT)
    return str(value)


def _sort(ask: Ask, names: Sequence[str], found: AccountRows) -> str:
    text = ask.options.get("sort", "")
    known = [key for key in names if not found.rows or key in found.rows[0]]
    if text and text.removeprefix("-") not in ("account_id", *known):
        raise UnknownNameError("sort", text, ["account_id", *known])
    return text


def ordered(
    rows: Sequence[dict[str, Any]], sort: str, sizes: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows by a column, the largest first where its name begins with -; without one by size.

    What is empty comes last either way; rows that are alike stand largest first, then by id.
    """
    key = sort.removeprefix("-")
    by_size = sorted(rows, key=lambda row: row["account_id"] or "")
    for size in reversed(sizes):
        by_size.sort(key=partial(_less_of, size))
    if not key:
        return by_size
    known = [row for row in by_size if row[key] is not None]
    empty = [row for row in by_size if row[key] is None]

    def place(row: dict[str, Any]) -> Any:
        return row[key].casefold() if isinstance(row[key], str) else row[key]

    if sort.startswith("-"):
        # Reversed twice: rows that are alike keep their order.
        return [*reversed(sorted(reversed(known), key=place)), *empty]
    return [*sorted(known, key=place), *empty]


def _less_of(size: str, row: dict[str, Any]) -> float:
    # A number and no list of them: of a large company's rows a list each doubles the sort.
    return -abs(float(row[size]))


def _head(
    ask: Ask, key: str, label: str, *, is_size: bool = False, is_text: bool = True
) -> dict[str, Any]:
    """A heading that sorts by its column: numbers from the largest, texts from A."""
    first = f"-{key}" if is_size or not is_text else key
    second = first.removeprefix("-") if first.startswith("-") else f"-{key}"
    chosen = ask.options.get("sort", f"-{key}" if is_size and key != "denominator" else "")
    now = {key: "ascending", f"-{key}": "descending"}.get(chosen, "")
    return {
        "label": label, "sorted": now, "is_text": is_text and not is_size,
        "href": ask.url(sort=second if chosen == first else first, page=None),
    }


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


def _above(ask: Ask) -> list[tuple[str, str]]:
    """The page of the metric whose number was opened."""
    name = ask.options.get("metric", "")
    return [(_(METRICS[name].label), ask.at(f"/metrics/{name}"))] if name in METRICS else []


ROWS = Panel(
    "rows",
    N_("Accounts"),
    N_("Largest first; together they make up the number above."),
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
    above=_above,
    options=("under", "metric", "period", "sort", "cohort_value", "cohort_month", "age"),
    needs_of=_needs,
)
