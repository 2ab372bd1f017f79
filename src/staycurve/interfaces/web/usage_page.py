"""Who uses the product, how often, and what they do: the page at /usage."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.usage.usage_lifecycle import PARTS
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choosing import chooser, chosen_of, day_of, last_closed
from staycurve.interfaces.web.kept import asked_of
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Card, Reading, change, nothing, reason, shown
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

STEP_PARTS = {
    "took": N_("took step %s of the funnel"),
    "dropped": N_("did not take step %s of the funnel"),
    "pending": N_("took step %s of the funnel, and may still go on"),
}
WHICH = {"": "", "all": N_("anything"), "other": N_("all other paths")}
FIGURE_LABELS = {
    "dau": N_("Active on the last day"), "wau": N_("Active in the last 7 days"),
    "mau": N_("Active in the last 28 days"),
}


def _figures(ask: Ask) -> Shown:
    check(ask)
    found = activity_of(ask).to_json()
    if not found["figures"]:
        return nothing(ask, reason(found), "events")
    has_users = whose_of(ask) == "user"
    cards = []
    for row in found["figures"]:
        name = row["figure"]
        # The metric of that name cannot be cut by all that this reading can, such as the plan.
        href = opens(ask, "figure", figure=name)
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
            ask.opens(name, last), reason(row), defined_at=ask.defines(name),
            **change(row["value"], old, metric.unit, metric.better,
                     _("in %s") % ask.label(before)),
        ))
    return cards


def _people(ask: Ask) -> Listed:
    reading = chosen_of(ask, "reading", _FOUND, "active")
    about, found, anchor = _FOUND[reading](ask)
    is_whole = ask.options.get("whole") == "1"
    rows = [row for row in found.rows if is_whole or row.get("is_counted", True)]
    columns: dict[str, tuple[str, Unit | Kind]] = {
        "active_days": (_("Active days"), Unit.COUNT), "cohort": (_("Began"), Kind.DAY),
        "is_counted": (_("Back"), Kind.FLAG), "done_at": (_("On"), Kind.DAY),
        "day": (_("Day"), Kind.DAY), "feature": (_("Feature"), Kind.TEXT),
        "uses": (_("Uses"), Unit.COUNT), "sessions": (_("Sessions"), Unit.COUNT),
        "events": (_("Events"), Unit.COUNT),
        "seconds": (
            _("Seconds") if reading == "sessions" else _("Seconds since the step before"),
            Unit.COUNT,
        ),
    }
    present = {name for row in rows for name in row}
    whose = _(WHOSE[whose_of(ask)]).lower()
    beside = []
    if reading == "retention" and not is_whole:
        beside.append((_("all who began then"), ask.url(whole="1", page=None)))
    if reading != "uses":
        about = f"{about}, {whose}"
    return Listed(
        about, rows, {k: v for k, v in columns.items() if k in present},
        ask.url(
            "/usage", **{name: ask.options.get(name) for name in ("whose", "per", *FLOW_OPTIONS)}
        ) + anchor,
        [name for name in ("uses", "sessions", "events") if name in present], found.sql,
        found.total if reading == "uses" else {}, beside,
        number="uses" if reading == "uses" else "",
    )


def _active(ask: Ask) -> tuple[str, Any, str]:
    least, most = day_of(ask, "least") or 1, day_of(ask, "most") or DAYS
    about = _("active on %(least)s to %(most)s of the last 28 days") % {
        "least": least, "most": most,
    }
    return about, activity_of(ask).users(least, most), "#days"


def _in_figure(ask: Ask) -> tuple[str, Any, str]:
    figure = chosen_of(ask, "figure", FIGURE_LABELS, "mau")
    return _(FIGURE_LABELS[figure]), activity_of(ask).figure_users(figure), "#figures"


def _in_sessions(ask: Ask) -> tuple[str, Any, str]:
    return _("had a session in the last 28 days"), activity_of(ask).session_users(), "#sessions"


def _uses(ask: Ask) -> tuple[str, Any, str]:
    who = ask.options.get("who", "")
    found = ask.company.usage.uses(who, whose=whose_of(ask), **asked_of(ask))
    about = _("what %(who)s did on %(days)s of the last 28 days, with %(features)s features") % {
        "who": who, "days": found.total["active_days"], "features": found.total["features"],
    }
    return about, found, "#power"


def _of_kind(ask: Ask) -> tuple[str, Any, str]:
    start, kind = ask.options.get("start", ""), ask.options.get("kind", "new")
    about = f"{_(PARTS.get(kind, kind))}, {start}"
    return about, lifecycle_of(ask).users(start, kind), "#lifecycle"


def _retained(ask: Ask) -> tuple[str, Any, str]:
    start, age = ask.options.get("start"), day_of(ask, "age") or 0
    about = _("began on %(start)s, back in period %(age)s") if start else _(
        "all who began, back in period %(age)s")
    if ask.options.get("whole") == "1":
        about = _("began on %(start)s") if start else _(
            "all who began, of whose period %(age)s the end is seen")
    return about % {"start": start, "age": age}, retention_of(ask).users(start, age), "#retention"


def _stepped(ask: Ask) -> tuple[str, Any, str]:
    step, part = day_of(ask, "at") or 1, chosen_of(ask, "part", STEP_PARTS, "took")
    funnel = funnel_of(ask)
    found = funnel.pending(step) if part == "pending" else funnel.users(
        step, dropped=part == "dropped")
    rows = [{**row, **_since(row, step)} for row in found.rows] if part == "took" else found.rows
    return _(STEP_PARTS[part]) % step, replace(found, rows=rows), "#funnel"


def _since(row: dict[str, Any], step: int) -> dict[str, int]:
    """Whole seconds from the step before, as the funnel counts them."""
    if step < 2:
        return {}
    ends = (row[f"step{step}_at"], row[f"step{step - 1}_at"])
    here, before = (int(dt.datetime.fromisoformat(end).timestamp() // 1) for end in ends)
    return {"seconds": here - before}


def _on_path(ask: Ask) -> tuple[str, Any, str]:
    which = chosen_of(ask, "which", WHICH, "")
    path = [part for part in ask.options.get("path", "").split(">") if part]
    found = paths_of(ask)
    members = found.other_users() if which == "other" else found.users(None if which else path)
    steps = [_(WHICH[which])] if which else path or [_("nothing within the time")]
    return " → ".join([ask.options.get("after", ""), *steps]), members, "#paths"


_FOUND = {
    "active": _active, "figure": _in_figure, "sessions": _in_sessions, "uses": _uses,
    "lifecycle": _of_kind,
    "retention": _retained, "funnel": _stepped, "path": _on_path,
}

USAGE = Page(
    address="/usage",
    place=60,
    title=N_("Usage"),
    question=N_("Who uses the product, how often, and do they come back?"),
    panels=(
        chooser(whose_choice, per_choice),
        Panel("figures", N_("Who is active"), N_("How many are active?"), "reading.html",
              _figures),
        OVER_TIME, POWER[0], LIFECYCLE, RETENTION, *POWER[1:], FUNNEL, PATHS,
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
    options=("whose", "per", *FLOW_OPTIONS),
)
USAGE_PEOPLE = rows_page(
    "/usage/people", _people, title=N_("Who is behind it"), group=Group.BEHAVIOUR,
    options=("whose", "per", *FLOW_OPTIONS, "reading", "least", "most", "figure", "who", "start",
             "kind", "whole", "age", "at", "part", "path", "which"),
)
