"""Who uses the product, how often, and what they do: the page at /usage."""

from __future__ import annotations

from typing import Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.usage.usage_lifecycle import KINDS
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choosing import chooser, chosen_of, day_of, last_closed
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Card, Reading, change, nothing, shown
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.usage_flows import (
    FLOW_OPTIONS,
    FUNNEL,
    PATHS,
    check,
    funnel_of,
    paths_of,
)
from staycurve.interfaces.web.usage_panels import (
    DAYS,
    LIFECYCLE,
    OVER_TIME,
    POWER,
    RETENTION,
    WHOSE,
    activity_of,
    lifecycle_of,
    opens,
    per_choice,
    retention_of,
    whose_choice,
    whose_of,
)
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import period_of

FIGURE_LABELS = {
    "dau": N_("Active on the last day"), "wau": N_("Active in the last 7 days"),
    "mau": N_("Active in the last 28 days"),
}


def _figures(ask: Ask) -> Shown:
    check(ask)
    found = activity_of(ask).to_json()
    if not found["figures"]:
        return nothing(ask, _(str(found.get("why") or "")), "events")
    has_users = whose_of(ask) == "user"
    day = period_of(ask.seen.last_day, "day", ask.fiscal)
    cards = []
    for row in found["figures"]:
        name = row["figure"]
        href = ask.opens(name, day) if has_users else opens(
            ask, "active", least="1", most=str(DAYS)) if name == "mau" else ""
        before = {
            "dau": _("the day before"), "wau": _("in the 7 days before"),
            "mau": _("in the 28 days before"),
        }[name]
        cards.append(Card(
            name, _(FIGURE_LABELS[name]), numbers.compact(row["value"], Unit.COUNT),
            str(row["value"]), href, defined_at=ask.defines(name) if has_users else "",
            **change(row["value"], row["before"], Unit.COUNT, "higher", before),
        ))
    cards += _monthly(ask)
    rows = [{"figure": card.name, "label": card.label, "value": card.full} for card in cards]
    when = _("Users") if has_users else _("Accounts")
    return shown(rows, Reading(cards=cards, when=when), {"whose": whose_of(ask)})


def _monthly(ask: Ask) -> list[Card]:
    last = last_closed(ask)
    before = last.previous(ask.fiscal)
    cards = []
    for name in ("stickiness", "active_accounts", "mau"):
        metric = METRICS[name]
        try:
            answer = ask.answer(name, periods=(before, last), grain="month")
        except NotAnsweredError:
            continue
        values = {row["period"]: row for row in answer.rows}
        row, old = values[str(last.start)], values[str(before.start)]["value"]
        cards.append(Card(
            f"month_{name}", f"{_(metric.label)}, {ask.label(last)}",
            numbers.compact(row["value"], metric.unit), str(row["value"]),
            ask.opens(name, last), _(str(row.get("why") or "")), defined_at=ask.defines(name),
            **change(row["value"], old, metric.unit, metric.better,
                     _("in %s") % ask.label(before)),
        ))
    return cards


def _people(ask: Ask) -> Listed:
    reading = chosen_of(ask, "reading", _FOUND, "active")
    about, found, anchor = _FOUND[reading](ask)
    rows = [row for row in found.rows if row.get("is_counted", True)]
    columns: dict[str, tuple[str, Unit | Kind]] = {
        "active_days": (_("Active days"), Unit.COUNT), "done_at": (_("On"), Kind.DAY),
    }
    present = {name for row in rows for name in row}
    whose = _(WHOSE[whose_of(ask)]).lower()
    return Listed(
        f"{about}, {whose}", rows, {k: v for k, v in columns.items() if k in present},
        ask.url("/usage", whose=ask.options.get("whose"), per=ask.options.get("per")) + anchor,
        sql=found.sql,
    )


def _active(ask: Ask) -> tuple[str, Any, str]:
    least, most = day_of(ask, "least") or 1, day_of(ask, "most") or DAYS
    about = _("active on %(least)s to %(most)s of the last 28 days") % {
        "least": least, "most": most,
    }
    return about, activity_of(ask).users(least, most), "#days"


def _of_kind(ask: Ask) -> tuple[str, Any, str]:
    start, kind = ask.options.get("start", ""), ask.options.get("kind", "new")
    about = f"{_(KINDS.get(kind, kind))}, {start}"
    return about, lifecycle_of(ask).users(start, kind), "#lifecycle"


def _retained(ask: Ask) -> tuple[str, Any, str]:
    start, age = ask.options.get("start", ""), day_of(ask, "age") or 0
    about = _("began on %(start)s, back in period %(age)s") % {"start": start, "age": age}
    return about, retention_of(ask).users(start, age), "#retention"


def _stepped(ask: Ask) -> tuple[str, Any, str]:
    step, is_dropped = day_of(ask, "at") or 1, ask.options.get("dropped") == "1"
    about = _("did not take step %s of the funnel") if is_dropped else _(
        "took step %s of the funnel")
    found = funnel_of(ask)
    return about % step, found.users(step, dropped=is_dropped), "#funnel"


def _on_path(ask: Ask) -> tuple[str, Any, str]:
    path = [part for part in ask.options.get("path", "").split(">") if part]
    found = paths_of(ask)
    return " → ".join([ask.options.get("after", ""), *path]), found.users(path), "#paths"


_FOUND = {
    "active": _active, "lifecycle": _of_kind, "retention": _retained, "funnel": _stepped,
    "path": _on_path,
}

USAGE = Page(
    address="/usage",
    title=N_("Usage"),
    question=N_("Who uses the product, how often, and do they come back?"),
    panels=(
        chooser(whose_choice, per_choice),
        Panel("figures", N_("Who is active"), N_("How many are active?"), "reading.html",
              _figures),
        OVER_TIME, POWER[0], LIFECYCLE, RETENTION, POWER[1], FUNNEL, PATHS,
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
    options=("whose", "per", *FLOW_OPTIONS),
)
USAGE_PEOPLE = rows_page(
    "/usage/people", _people, title=N_("Who is behind it"), group=Group.BEHAVIOUR,
    options=("whose", "per", *FLOW_OPTIONS, "reading", "least", "most", "start", "kind", "at",
             "dropped", "path"),
)
