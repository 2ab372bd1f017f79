"""Figures: our metrics under the profile `chartmogul`, in the shapes of ChartMogul's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.errors import StaycurveError
from staycurve.insights.books.switches import conventions_of
from staycurve.interfaces.chartmogul.books import KINDS, movements, smallest
from staycurve.interfaces.chartmogul.requests import (
    Answer,
    Refused,
    Request,
    blanks,
    check,
    cursor_at,
    cursor_of,
    found,
    odd_instants,
    route,
    whole,
)
from staycurve.metrics.catalogue import METRICS
from staycurve.sources.chartmogul.rows import digits, instant

PROFILE = "chartmogul"
INTERVALS = ("day", "week", "month", "quarter", "year")
_MOVEMENTS = {
    # theirs → ours, and the sign under which it is told
    "mrr-new-business": ("new_mrr", 1), "mrr-expansion": ("expansion_mrr", 1),
    "mrr-contraction": ("contraction_mrr", -1), "mrr-churn": ("churned_mrr", -1),
    "mrr-reactivation": ("reactivation_mrr", 1),
}


@dataclass(frozen=True)
class Figure:
    """One of ChartMogul's metrics.

    Attributes
    ----------
    ours : tuple of str
        The metric that it is; of two, the first is divided by the second.
    kind : str
        money, share or count.
    """

    ours: tuple[str, ...]
    kind: str


FIGURES: Mapping[str, Figure] = {
    "customer-churn-rate": Figure(("customer_churn_rate",), "share"),
    "mrr-churn-rate": Figure(("net_revenue_churn",), "share"),
    "ltv": Figure(("clv_simple",), "money"),
    "customers": Figure(("customers",), "count"),
    "asp": Figure(("new_mrr", "new_customers"), "money"),
    "arpa": Figure(("arpa",), "money"),
    "arr": Figure(("arr",), "money"),
    "mrr": Figure(("mrr",), "money"),
}
_ADDRESSES = {
    "mrr": "mrr", "arr": "arr", "arpa": "arpa", "asp": "asp", "customer-count": "customers",
    "customer-churn-rate": "customer-churn-rate", "mrr-churn-rate": "mrr-churn-rate", "ltv": "ltv",
}


@route("GET", "/metrics/all")
def every(request: Request) -> Answer:
    """All of them, period by period."""
    values, periods = _values(request, tuple(FIGURES))
    entries: list[dict[str, Any]] = []
    for period in periods:
        entry: dict[str, Any] = {"date": period}
        for name in FIGURES:
            value = values[name].get(period)
            before = entries[-1].get(name) if entries else value
            entry |= _told(name, value) | _told(f"{name}-percentage-change", _rise(before, value))
        entries.append(entry)
    summary: dict[str, Any] = {}
    for name in FIGURES:
        now, before = _last_two(entries, name)
        summary |= _told(f"current-{name}", now) | _told(f"previous-{name}", before)
        summary |= _told(f"{name}-percentage-change", _rise(before, now))
    return 200, {"entries": entries, "summary": summary}


@route("GET", "/metrics/{name}")
def one(request: Request) -> Answer:
    """One of them, period by period; MRR with its movements."""
    name = _ADDRESSES.get(request.path["name"])
    if name is None:
        raise Refused(404, "Metric not found.", hint=f"Known: all, {', '.join(_ADDRESSES)}")
    values, periods = _values(request, (name,))
    entries: list[dict[str, Any]] = []
    for period in periods:
        value = values[name].get(period)
        before = entries[-1].get(name) if entries else value
        entry = {"date": period, **_told(name, value),
                 **_told("percentage-change", _rise(before, value))}
        if name == "mrr":
            for theirs in _MOVEMENTS:
                entry |= _told(theirs, values[theirs].get(period))
        entries.append(entry)
    now, before = _last_two(entries, name)
    summary = _told("current", now) | _told("previous", before)
    return 200, {
        "entries": entries, "summary": summary | _told("percentage-change", _rise(before, now))
    }


def _told(name: str, value: Any) -> dict[str, Any]:
    """A field, unless nothing is known: clients read an absent one as such, and 0 as a number."""
    return {} if value is None else {name: value}


def _rise(before: Any, now: Any) -> float | None:
    """By how many percent a value rose; None where that cannot be said."""
    if before is None or now is None:
        return None
    if before == now:
        return 0.0
    return None if not before else round((now - before) / abs(before) * 100, 2)


def _last_two(entries: Sequence[Mapping[str, Any]], name: str) -> tuple[Any, Any]:
    known = [entry.get(name) for entry in entries]
    return (known[-1] if known else None), (known[-2] if len(known) > 1 else None)


def _values(
    request: Request, names: Sequence[str]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Name → last day of a period → value as ChartMogul tells it; and the last days."""
    query, company = request.query, request.company
    check(blanks(query, "start_date", "end_date")
          | odd_instants(query, "start_date", "end_date"), "The request")
    interval = query.get("interval") or "month"
    if interval not in INTERVALS:
        check({"interval": f"is not included in the list: {', '.join(INTERVALS)}"}, "The request")
    if query.get("filters"):
        raise Refused(422, "Filters are not taken here.", errors={"filters": "is not supported"},
                      hint="Take geo and plans, or /api/v1/metrics with where=.")
    request.desk.drain_and_refresh()
    wanted = {name: FIGURES[name] for name in names}
    if tuple(names) == ("mrr",):
        wanted |= {theirs: Figure((ours,), "money") for theirs, (ours, _) in _MOVEMENTS.items()}
    metrics = tuple(dict.fromkeys(own for figure in wanted.values() for own in figure.ours))
    start, end = _day(query["start_date"]), _day(query["end_date"])
    asked = (metrics, interval, start, end, _where(query))

    def compute() -> list[Mapping[str, Any]]:
        made = company.query(
            *metrics, grain=interval, start=start, end=end, where=_where(query)
        )
        conventions = conventions_of(company.config.conventions, PROFILE)
        formulas = [METRICS[name].resolve(conventions) for name in metrics]
        with company.ledgers() as ledgers:
            ledgers.focus_on(made, formulas)
            return list(ledgers.values(made, conventions))

    try:
        rows = company.kept("chartmogul metrics", asked, compute)
        made = company.query(*metrics, grain=interval, start=start, end=end)
    except StaycurveError as error:
        raise Refused(422, error.message, hint=error.hint) from None
    currency = company.config.company.currency
    lasts = {str(one.start): str(one.end - dt.timedelta(days=1)) for one in made.periods}
    told = {(row["metric"], lasts[row["period"]]): row["value"] for row in rows}
    periods = list(lasts.values())
    values = {
        name: {period: _value(figure, told, period, currency) for period in periods}
        for name, figure in wanted.items()
    }
    for theirs, (_, sign) in _MOVEMENTS.items():
        if theirs in values and sign < 0:
            values[theirs] = {
                period: None if value is None else -value
                for period, value in values[theirs].items()
            }
    return values, periods


def _value(
    figure: Figure, told: Mapping[tuple[str, str], Any], period: str, currency: str
) -> Any:
    parts: list[Any] = [told.get((name, period)) for name in figure.ours]
    if any(part is None for part in parts) or (len(parts) > 1 and not parts[1]):
        return None
    value = parts[0] if len(parts) == 1 else parts[0] / parts[1]
    if figure.kind == "money":
        return round(value * 10 ** digits(currency))
    return round(value * 100, 2) if figure.kind == "share" else int(value)


def _where(query: Mapping[str, str]) -> str:
    """The filters of the query as ours."""
    parts = []
    for theirs, ours in (("geo", "country"), ("plans", "plan")):
        given = [one.strip() for one in query.get(theirs, "").split(",") if one.strip()]
        if given:
            parts.append(f"{ours}=" + "|".join('"' + one.replace('"', "") + '"' for one in given))
    return ",".join(parts)


def _day(text: str) -> str:
    at = instant(text)
    assert at is not None, "a blank date is refused"
    return str(at.date())


@route("GET", "/activities")
def activities(request: Request) -> Answer:
    """Movements of MRR of every customer, a page at a time."""
    return _activities(request, None)


@route("GET", "/customers/{uuid}/activities")
def customer_activities(request: Request) -> Answer:
    """Movements of MRR of one customer, a page at a time."""
    with request.desk.reading() as imports:
        customer = found(imports, "customer", request.path["uuid"], "Customer")
    return _activities(request, [customer.body["_account_id"]])


def _activities(request: Request, accounts: Sequence[str] | None) -> Answer:
    query, company = request.query, request.company
    check(odd_instants(query, "start_date", "end_date"), "The request")
    kind = query.get("type")
    if kind is not None and kind not in KINDS.values():
        check({"type": f"is not included in the list: {', '.join(KINDS.values())}"}, "The request")
    most = max(1, min(whole(query.get("per_page")) or 200, 200))
    request.desk.drain_and_refresh()
    last = company.as_of().last_day
    until = min(last, dt.date.fromisoformat(_day(query["end_date"]))) if query.get(
        "end_date") else last
    since = dt.date.fromisoformat(_day(query["start_date"])) if query.get("start_date") else None
    with company.reading() as engine:
        lines = movements(
            engine, until=until, since=since, accounts=accounts, kind=kind,
            after=cursor_at(query.get("cursor")), most=most + 1,
        )
    has_more = len(lines) > most
    lines = lines[:most]
    named = _customers(request, [line["account_id"] for line in lines])
    currency = company.config.company.currency
    entries = []
    for line in lines:
        customer = named.get(line["account_id"])
        after = smallest(line["after"], currency)
        entries.append({
            "id": line["place"], "uuid": f"{line['account_id']}/{line['last_mark']}",
            "type": KINDS[line["movement"]], "date": f"{line['day']}T00:00:00+00:00",
            "activity-mrr": after, "activity-arr": after * 12,
            "activity-mrr-movement": after - smallest(line["before"], currency),
            "currency": currency, "description": KINDS[line["movement"]],
            "customer-name": (customer.body.get("company") or customer.body.get("name") or "")
            if customer else "",
            "customer-uuid": customer.uuid if customer else "",
            "customer-external-id": customer.external_id if customer else line["account_id"],
            "billing-connector-uuid": customer.source if customer else "",
        })
    cursor = cursor_of(lines[-1]["place"]) if lines else None
    return 200, {"entries": entries, "has_more": has_more, "per_page": most, "cursor": cursor}


def _customers(request: Request, accounts: Sequence[str]) -> dict[str, Any]:
    """Account → the customer that was sent under that id, where one was."""
    wanted = set(accounts)
    if not wanted:
        return {}
    with request.desk.reading() as imports:
        every = imports.page("data_source", most=1000)
        found_all: dict[str, Any] = {}
        for source in every:
            suffix = str(source.body.get("_suffix") or "")
            for account in wanted:
                if account.endswith(suffix):
                    external = account[: len(account) - len(suffix)]
                    one = imports.named("customer", source.uuid, external)
                    if one is not None:
                        found_all[account] = one
    return found_all
