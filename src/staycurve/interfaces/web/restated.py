"""The figures of a closed month that are others now, and the accounts behind each difference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.books.closing import MOVED, closed_months
from staycurve.insights.books.loads import Load, loads
from staycurve.insights.books.restatements import AdjustmentRow, adjustments
from staycurve.insights.books.restating import (
    RestatedAccount,
    RestatedFigure,
    Restatement,
    closed_month,
    restatement,
)
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.account_list import names_of, page_of
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.comparison import signed
from staycurve.interfaces.web.page import Empty, Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.money import MICRO
from staycurve.period import Period, period_of
from staycurve.tables import views
from staycurve.tables.books import ClosedMonth

PER_PAGE = 100
ROWS_SHOWN = 3
"""Changed rows that a line names; the answer of /api/v1/books has more."""
NO_LOAD = "none"
"""As an address names what no load changed."""


def moment(text: str, ask: Ask) -> str:
    """An instant in the company's time zone, such as 3 Jan 2025, 09:12."""
    at = dt.datetime.fromisoformat(text).astimezone(ask.company.config.company.zone)
    return f"{naming.day(at.date())}, {at:%H:%M}"


def chosen(ask: Ask) -> ClosedMonth | None:
    """The closed month that the address names; without one, the last; None if none is closed."""
    months = closed_months(ask.company)
    text = ask.options.get("month", "")
    if text:
        return closed_month(ask.company, text)
    return months[-1] if months else None


def causes_of(ask: Ask) -> dict[int, dict[str, Any]]:
    """Load → what people call it, its reason if it is an adjustment, and where it is listed."""
    signed_by = {row.load: row for row in adjustments.ask(ask.company).rows}
    return {
        row.load: {
            "label": _label(row, signed_by.get(row.load)),
            "short": _("load %s") % row.load,
            "about": signed_by[row.load].reason if row.load in signed_by else "",
            "href": ask.url(loads_to=str(row.load), panel=None) + "#loads",
        }
        for row in loads.ask(ask.company).rows
    }


def _label(row: Load, adjustment: AdjustmentRow | None) -> str:
    if adjustment:
        return _("adjustment %(load)s by %(author)s") % {
            "load": row.load, "author": adjustment.author,
        }
    if row.undoes is not None:
        return _("load %(load)s, which took back load %(other)s") % {
            "load": row.load, "other": row.undoes,
        }
    return _("load %(load)s, %(file)s") % {"load": row.load, "file": row.file}


def _restated(ask: Ask) -> Shown:
    empty = _missing(ask)
    if empty:
        return Shown((), {"empty": empty.value})
    month = chosen(ask)
    if month is None:
        command = f"staycurve close {next_month(ask)}"
        return Shown((), {"empty": "", "month": "", "command": command})
    now = restatement(ask.company, month)
    figures = now.figures if now else ()
    conventions = list(now.conventions) if now else []
    causes = causes_of(ask)
    period = period_of(month.month, "month")
    text = f"{month.month:%Y-%m}"
    return Shown(
        [_flat(figure, causes) for figure in figures],
        {
            "empty": "",
            "month": ask.label(period),
            "months": _months(ask, month),
            "hidden": {k: v for k, v in ask.options.items() if k in ("as_of", "panel")},
            "closed_at": moment(month.closed_at, ask),
            "as_of": moment(month.as_of, ask),
            "lines": [_line(ask, text, period, month, figure, causes) for figure in figures],
            "conventions": conventions,
            "accounts": len(now.accounts) if now else 0,
            "command": f"staycurve close {next_month(ask)}",
        },
        {
            "month": text, "closed_at": month.closed_at, "as_of": month.as_of, "seq": month.seq,
            "conventions": conventions,
            "figures": [figure.as_dict() for figure in figures],
        },
    )


def _missing(ask: Ask) -> Empty | None:
    snapshot = ask.company.snapshot
    if not views.has_spans(ask.company.lake, snapshot):
        return Empty.NOTHING_CONNECTED
    return Empty.STILL_COMPUTING if ask.company.is_due() else None


def next_month(ask: Ask) -> str:
    """The month that can be closed next, as the command names it."""
    months = closed_months(ask.company)
    if months:
        return f"{months[-1].end:%Y-%m}"
    last = period_of(ask.seen.last_day, "month")
    return f"{(last.previous() if ask.seen.is_open(last) else last).start:%Y-%m}"


def _months(ask: Ask, month: ClosedMonth) -> list[tuple[str, str, bool]]:
    found = []
    for closed in reversed(closed_months(ask.company)):
        label = ask.label(period_of(closed.month, "month"))
        found.append((f"{closed.month:%Y-%m}", label, closed.month == month.month))
    return found


def _flat(figure: RestatedFigure, causes: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """A changed figure as one line of CSV."""
    because = [
        ", ".join(causes[load]["label"] for load in reason.loads) or "staycurve.toml"
        for reason in figure.reasons
    ]
    return {
        "month": figure.month, "metric": figure.metric, "closed": figure.closed,
        "now": figure.now, "difference": figure.difference,
        "because": "; ".join(because),
    }


def _line(
    ask: Ask, text: str, period: Period, month: ClosedMonth, figure: RestatedFigure,
    causes: Mapping[int, Mapping[str, Any]],
) -> dict[str, Any]:
    name = figure.metric
    unit = METRICS[name].unit
    is_kept = name in MOVED
    return {
        "metric": name,
        "label": _(METRICS[name].label),
        "defined_at": ask.defines(name),
        "closed": numbers.full(figure.closed, unit, ask.currency),
        "now": numbers.full(figure.now, unit, ask.currency),
        "opens": ask.opens(name, period, as_of=month.as_of),
        "closed_opens": ask.opens(name, period, as_of=month.as_of, known_at=month.closed_at),
        "difference": signed(figure.difference, unit, ask.currency),
        "rows_at": _changed_at(ask, text, name) if is_kept else "",
        "reasons": [
            {
                "causes": [causes[load] for load in reason.loads],
                "difference": signed(reason.difference, unit, ask.currency)
                if is_kept else "",
                "accounts": reason.accounts,
                "href": _changed_at(ask, text, name, _load_text(reason.loads))
                if is_kept else "",
            }
            for reason in figure.reasons
        ],
    }


def _changed_at(ask: Ask, month: str, metric: str, load: str | None = None) -> str:
    return ask.url(month=month, metric=metric, load=load, page=None, panel=None) + "#changed"


def _load_text(loads: Sequence[int]) -> str:
    return ",".join(str(load) for load in loads) or NO_LOAD


def _changed(ask: Ask) -> Shown:
    month = None if _missing(ask) else chosen(ask)
    now = restatement(ask.company, month) if month else None
    counts = _counts(now) if now else {}
    if month is None or now is None or not counts:
        return Shown((), {"metrics": []})
    text = f"{month.month:%Y-%m}"
    metric = ask.options.get("metric") or next(iter(counts))
    if metric not in counts:
        raise UnknownNameError("changed figure", metric, counts)
    load = ask.options.get("load")
    accounts = sorted(
        (
            account for account in now.accounts
            if metric in account.changes
            and load in (None, _load_text(account.loads))
        ),
        key=lambda a: (-abs(a.changes[metric].difference), a.account_id),
    )
    page, pages = page_of(ask, len(accounts), PER_PAGE)
    shown = accounts[(page - 1) * PER_PAGE : page * PER_PAGE]
    names = names_of(ask, [account.account_id for account in shown])
    causes = causes_of(ask)
    sums = {key: _sum(accounts, metric, key) for key in ("closed", "now", "difference")}
    return Shown(
        [_account_row(text, metric, account) for account in accounts],
        {
            "metrics": [
                {"name": name, "label": _(METRICS[name].label), "count": count,
                 "href": _changed_at(ask, text, name), "is_on": name == metric}
                for name, count in counts.items()
            ],
            "label": _(METRICS[metric].label),
            "month": ask.label(period_of(month.month, "month")),
            "is_all": load is None,
            "whole_at": _changed_at(ask, text, metric),
            "lines": [_account_line(ask, account, metric, names, causes) for account in shown],
            "count": numbers.full(float(len(accounts)), Unit.COUNT),
            "closed": numbers.full(sums["closed"], Unit.MONEY, ask.currency),
            "now": numbers.full(sums["now"], Unit.MONEY, ask.currency),
            "sum": signed(sums["difference"], Unit.MONEY, ask.currency),
            "conventions": list(now.conventions),
            "page": page,
            "pages": pages,
            "older": ask.url(page=str(page - 1), panel=None) + "#changed" if page > 1 else "",
            "newer": ask.url(page=str(page + 1), panel=None) + "#changed" if page < pages else "",
        },
        {"month": text, "metric": metric, "load": load, "total": sums["difference"]},
    )


def _counts(now: Restatement) -> dict[str, int]:
    """Metric → how many accounts changed in it, in the order of the movements."""
    found = {
        metric: sum(metric in account.changes for account in now.accounts)
        for metric in MOVED
    }
    return {metric: count for metric, count in found.items() if count}


def _sum(accounts: Sequence[RestatedAccount], metric: str, key: str) -> float:
    # Back to the integers that they are in the lake, so that the sum is exact.
    parts = [round(float(getattr(account.changes[metric], key)) * MICRO) for account in accounts]
    return sum(parts) / MICRO


def _account_row(month: str, metric: str, account: RestatedAccount) -> dict[str, Any]:
    return {
        "month": month, "account_id": account.account_id, "metric": metric,
        **account.changes[metric].as_dict(), "loads": _load_text(account.loads),
    }


def _account_line(
    ask: Ask, account: RestatedAccount, metric: str, names: Mapping[str, str],
    causes: Mapping[int, Mapping[str, Any]],
) -> dict[str, Any]:
    change = account.changes[metric]
    return {
        "account": account.account_id,
        "account_href": account_at(ask, account.account_id),
        "name": names.get(account.account_id, ""),
        "closed": numbers.full(change.closed, Unit.MONEY, ask.currency),
        "now": numbers.full(change.now, Unit.MONEY, ask.currency),
        "difference": signed(change.difference, Unit.MONEY, ask.currency),
        "causes": [
            {
                **causes[cause.load],
                "rows": f"{cause.table} {'; '.join(cause.rows[:ROWS_SHOWN])}",
                "more": max(0, cause.count - ROWS_SHOWN),
            }
            for cause in account.causes
        ],
    }


RESTATED = Panel(
    "restated",
    N_("A closed month"),
    N_("Which of its figures changed since it was closed, and what changed them?"),
    "restated.html",
    _restated,
)
CHANGED = Panel(
    "changed",
    N_("By account"),
    N_("Which accounts make the difference?"),
    "changed.html",
    _changed,
)
