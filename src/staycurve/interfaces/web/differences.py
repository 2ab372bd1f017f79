"""The accounts behind each rule: what every one of them adds to the gap."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.books.reconciliation import Difference, Reconciliation
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.account_list import names_of, page_of
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.comparison import asked, found_for, rule_label, signed
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

PER_PAGE = 100


def _chosen(ask: Ask, found: Reconciliation) -> Sequence[Difference]:
    rule = ask.options.get("rule")
    if rule is None:
        return found.rows
    rules = [step.rule for step in found.rules]
    if rule not in rules:
        raise UnknownNameError("rule", rule, rules)
    return [row for row in found.rows if row.rule == rule]


def sum_of(rows: Sequence[Difference]) -> Fraction | None:
    """What rows sum to, exactly; None where one of them is not known."""
    known = [row.difference for row in rows if row.difference is not None]
    return sum(known, Fraction(0)) if len(known) == len(rows) else None


def _show(ask: Ask) -> Shown:
    what, found = asked(ask), found_for(ask)
    rows = _chosen(ask, found)
    page, pages = page_of(ask, len(rows), PER_PAGE)
    shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    names = names_of(ask, [row.account_id for row in shown if row.account_id])
    total = sum_of(rows)
    rule = ask.options.get("rule")
    return Shown(
        [row.as_dict() for row in rows],
        {
            "rules": _rules(ask, found),
            "is_ratio": found.is_ratio,
            "lines": [_line(row, names, found, ask) for row in shown],
            "count": numbers.full(float(len(rows)), Unit.COUNT),
            "sum": signed(total, found.unit, ask.currency),
            "gap": signed(found.gap, found.unit, ask.currency),
            "is_all": rule is None,
            "rule": rule_label(rule) if rule else "",
            "against": found.against,
            "period": ask.label(what.period),
            "page": page,
            "pages": pages,
            "older": ask.url(page=str(page - 1), panel=None) + "#differences" if page > 1 else "",
            "newer": ask.url(page=str(page + 1), panel=None) + "#differences"
            if page < pages else "",
            "why": found.why or "",
        },
        {"rule": rule, "total": None if total is None else float(total)},
    )


def _rules(ask: Ask, found: Reconciliation) -> list[dict[str, Any]]:
    rule = ask.options.get("rule")
    every = [("", _("Every rule"), len(found.rows))] + [
        (step.rule, rule_label(step.rule), step.accounts) for step in found.rules if step.accounts
    ]
    return [
        {
            "name": name or "every",
            "label": label,
            "count": count,
            "href": ask.url(rule=name or None, page=None, panel=None) + "#differences",
            "is_on": name == (rule or ""),
        }
        for name, label, count in every
    ]


def _line(
    row: Difference, names: dict[str, str], found: Reconciliation, ask: Ask
) -> dict[str, Any]:
    parts = []
    if found.is_ratio:
        parts = [numbers.full(float(part or 0), Unit.RATIO)
                 for part in (row.numerator, row.denominator)]
    return {
        "account": row.account_id or _("not tied to an account"),
        "account_href": account_at(ask, row.account_id),
        "name": names.get(row.account_id or "", ""),
        "rule": rule_label(row.rule),
        "parts": parts,
        "difference": signed(row.difference, found.unit, ask.currency),
    }


DIFFERENCES = Panel(
    "differences",
    N_("By account"),
    N_("Which accounts count differently in the other tool?"),
    "differences.html",
    _show,
)
