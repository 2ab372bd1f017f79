"""Activity over time, days of use, lifecycle and retention: panels of the page at /usage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.usage.activity import Activity
from staycurve.insights.usage.usage_lifecycle import UseLifecycle
from staycurve.insights.usage.usage_retention import UseRetention
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choices import Choice
from staycurve.interfaces.web.choosing import choice_of, chosen_of
from staycurve.interfaces.web.cohort_grid import STEPS
from staycurve.interfaces.web.drawing import picture, picture_by
from staycurve.interfaces.web.kept import asked_of, kept
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    between,
    count,
    nothing,
    percent,
    rate,
    reason,
    shown,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period, period_of, periods_between

Row = Mapping[str, Any]

DAYS = 28
WHOSE = {"user": N_("Users"), "account": N_("Accounts")}
PER = {"month": N_("months"), "week": N_("weeks")}
KIND_LABELS = {
    "new": N_("New"), "returning": N_("Returning"), "resurrecting": N_("Resurrecting"),
    "dormant": N_("Dormant"),
}
COLOURS = {
    "new": "#0072B2", "returning": "#56B4E9", "resurrecting": "#7A5195", "dormant": "#C44E00",
}
LINES = {"dau": "#E69F00", "wau": "#56B4E9", "mau": "#3B5BDB"}


def whose_choice(ask: Ask) -> Choice:
    """Whether users or accounts are counted."""
    return choice_of(ask, "whose", _("Count"), WHOSE, "user")


def per_choice(ask: Ask) -> Choice:
    """The periods of lifecycle and retention."""
    return choice_of(ask, "per", _("By"), PER, "month")


def whose_of(ask: Ask) -> str:
    """user or account."""
    return chosen_of(ask, "whose", WHOSE, "user")


def per_of(ask: Ask) -> str:
    """month or week."""
    return chosen_of(ask, "per", PER, "month")


def activity_of(ask: Ask) -> Activity:
    """Who was active on the last 28 days."""
    whose = whose_of(ask)
    return kept(
        ask, "activity", lambda: ask.company.usage.activity(whose=whose, **asked_of(ask)), whose
    )


def lifecycle_of(ask: Ask) -> UseLifecycle:
    """New, returning, resurrecting and dormant by period."""
    whose, per = whose_of(ask), per_of(ask)
    return kept(
        ask, "use", lambda: ask.company.usage.lifecycle(per=per, whose=whose, **asked_of(ask)),
        whose, per,
    )


def retention_of(ask: Ask) -> UseRetention:
    """Who came back so many periods after the first use."""
    whose, per = whose_of(ask), per_of(ask)
    return kept(
        ask, "use-retention",
        lambda: ask.company.usage.retention(per=per, whose=whose, **asked_of(ask)), whose, per,
    )


def opens(ask: Ask, reading: str, **which: str | None) -> str:
    """The address of who is behind a number."""
    own = {name: ask.options.get(name) for name in ("whose", "per")}
    return ask.url("/usage/people", reading=reading, **(own | which))


def _day_label(ask: Ask, start: str) -> str:
    return ask.label(_period(ask, start))


def _period(ask: Ask, start: str) -> Period:
    return period_of(dt.date.fromisoformat(start), per_of(ask), ask.fiscal)


def _over_time(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    last = ask.seen.last_day
    days = periods_between(last - dt.timedelta(days=DAYS - 1), last, "day")
    answer = ask.answer(*LINES, periods=days, grain="day")
    if not any(row["value"] for row in answer.rows):
        return nothing(ask, _("nobody was active in the last 28 days"), "events")
    at = {(row["metric"], row["period"]): row for row in answer.rows}
    series = [charts.Series(name, _(METRICS[name].label), LINES[name]) for name in LINES]
    drawn, rows = [], []
    for row in answer.rows:
        day = period_of(dt.date.fromisoformat(row["period"]), "day")
        href = ask.opens(row["metric"], day)
        rows.append({**row, "rows_at": href})
        about = f"{_(METRICS[row['metric']].label)}, {ask.label(day)}: {whole(row['value'])}"
        drawn.append(charts.Point(row["period"], row["metric"], row["value"], about, href))
    labels = [naming.axis(days, room) for room in (14, 5)]
    drawing = picture_by(
        ask, "active", drawn, lambda p, f: charts.line(p, series, f), unit=Unit.COUNT,
        label=_("Active users on each of the last 28 days"), series=series, legend=series,
        wide=labels[0], narrow=labels[1],
    )
    lines = [
        Line(words(ask.label(day)), [
            count(at[name, str(day.start)]["value"], ask.opens(name, day)) for name in LINES
        ])
        for day in reversed(days)
    ]
    heads = [Head(_("Day")), *(Head(_(METRICS[name].label)) for name in LINES)]
    return shown(rows, Reading(
        picture=drawing, unit=_("users"),
        tables=[Table(_("Active users by day"), heads, lines, is_folded=True)],
        notes=[_("Users active on the day, on the 7 days and on the 28 days up to it. These three "
                 "count users, whatever is chosen above.")],
    ))


def _by_days(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = activity_of(ask).to_json()
    if not any(row["count"] for row in found["rows"]):
        return nothing(ask, reason(found), "events")
    series = [charts.Series("days", _(WHOSE[whose_of(ask)]), charts.ACCENT)]
    rows, drawn, lines = [], [], []
    for row in found["rows"]:
        day = str(row["active_days"])
        href = opens(ask, "active", least=day, most=day)
        rows.append({**row, "rows_at": href})
        share = percent(row["value"])
        about = _("%(days)s days: %(count)s (%(share)s)") % {
            "days": day, "count": whole(row["count"]), "share": share,
        }
        drawn.append(charts.Point(day.zfill(2), "days", float(row["count"]), about, href))
        lines.append(Line(words(day), [
            count(row["count"], href), Cell(share, href),
        ]))
    total = sum(row["count"] for row in rows)
    foot = Line(words(_("All")), [
        count(total, opens(ask, "active", least="1", most=str(DAYS))), Cell("")])
    drawing = picture_by(
        ask, "days", drawn, lambda p, f: charts.bars(p, series, f), unit=Unit.COUNT,
        label=_("How many were active on how many of the last 28 days"), series=series,
        wide={str(d).zfill(2): [str(d)] for d in range(1, DAYS + 1)},
        narrow={str(d).zfill(2): [str(d)] for d in range(1, DAYS + 1, 3)},
    )
    heads = [Head(_("Active days of 28")), Head(_(WHOSE[whose_of(ask)])), Head(_("Share"))]
    return shown(rows, Reading(
        picture=drawing,
        unit=_("%s, by active days of the last 28") % _(WHOSE[whose_of(ask)]).lower(),
        tables=[Table(_("Active days"), heads, lines, foot, is_folded=True)],
    ))


def _lifecycle(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = lifecycle_of(ask).to_json()
    if not any(row["active"] for row in found["rows"]):
        return nothing(ask, reason(found) or _("nobody was active"), "events")
    series = [
        charts.Series(name, _(KIND_LABELS[name]), COLOURS[name], is_hatched=name == "dormant")
        for name in ("returning", "new", "resurrecting", "dormant")
    ]
    rows, drawn, lines = [], [], []
    for row in found["rows"]:
        start = row["period"]
        cells = []
        for name in KIND_LABELS:
            value = row[name]
            href = opens(ask, "lifecycle", start=start, kind=name)
            cells.append(count(value, href, why=reason(row)))
            if value is not None:
                about = f"{_(KIND_LABELS[name])}, {_day_label(ask, start)}: {whole(value)}"
                drawn.append(charts.Point(
                    start, name, float(-value if name == "dormant" else value), about, href,
                    row["open"],
                ))
        rows.append(dict(row))
        ratio = "" if row["quick_ratio"] is None else f"{row['quick_ratio']:.2f}"
        lines.append(Line(
            words(_day_label(ask, start), about=_("to date") if row["open"] else ""),
            [*cells, count(row["active"], opens(ask, "lifecycle", start=start, kind="active")),
             Cell(ratio)],
        ))
    drawing = picture(
        ask, "use-lifecycle", drawn, lambda p, f: charts.bars(p, series, f, reference=0),
        unit=Unit.COUNT, label=_("Who is active, and who no longer is, by period"),
        series=series, periods=[_period(ask, row["period"]) for row in rows],
    )
    heads = [
        Head(_("Period")), *(
            Head(_(label), _(found["kinds"][name])) for name, label in KIND_LABELS.items()),
        Head(_("Active"), _("New + returning + resurrecting")),
        Head(_("Quick ratio"), _("(New + resurrecting) / dormant")),
    ]
    return shown(rows, Reading(
        picture=drawing, unit=_(WHOSE[whose_of(ask)]).lower(),
        tables=[Table(_("Usage lifecycle"), heads, lines[::-1], is_folded=True)],
        notes=[_("New: active for the first time. Returning: active in the period before too. "
                 "Resurrecting: active again after a pause. Dormant, drawn downwards: active in "
                 "the period before and no longer.")],
    ))


def _retention(ask: Ask) -> Shown:
    found = retention_of(ask).to_json()
    if not found["rows"]:
        return nothing(ask, reason(found) or _("nobody was active"), "events")
    rows = [
        {**row, "rows_at": opens(ask, "retention", start=row["cohort"], age=str(row["age"]))}
        for row in found["rows"]
    ]
    ages = sorted({row["age"] for row in rows})
    by_place = {(row["cohort"], row["age"]): row for row in rows}
    lines = []
    for cohort in dict.fromkeys(row["cohort"] for row in rows):
        own = [by_place[cohort, age] for age in ages if (cohort, age) in by_place]
        size_at = opens(ask, "retention", start=cohort, age="0")
        lines.append(Line(
            words(_day_label(ask, cohort)),
            [count(own[0]["size"], size_at),
             *(_grid_cell(by_place.get((cohort, age))) for age in ages)],
            own[0]["is_small"],
        ))
    totals = {
        row["age"]: {**row, "rows_at": opens(ask, "retention", age=str(row["age"]))}
        for row in found["totals"]
    }
    foot = Line(words(_("All")), [
        count(totals[0]["size"], totals[0]["rows_at"]) if 0 in totals else Cell(""),
        *(_grid_cell(totals.get(age)) for age in ages),
    ])
    heads = [Head(_("Began")), Head(_("Size")), *(Head(str(age)) for age in ages)]
    overall = [
        Line(words(str(age)), [
            rate(totals[age], totals[age]["rows_at"]),
            count(totals[age]["size"], opens(ask, "retention", age=str(age), whole="1")),
        ])
        for age in ages if age in totals
    ]
    return shown(rows, Reading(
        tables=[
            Table(_("Who came back"), heads, lines, foot, kind="grid"),
            Table(
                _("All cohorts together"),
                [Head(_("Period")), Head(_("Came back")), Head(_("Of"))], overall,
                is_folded=True, title=_("All cohorts together, with 95% intervals"),
            ),
        ],
        notes=[_("One row for those who were active for the first time in a period; a column for "
                 "each period since: the share that was active in it. Cells that have not begun, "
                 "or whose period is still open, stay blank. Small cohorts are marked with *."),
               *(_(note) for note in found["notes"])],
    ), {"totals": found["totals"]})


def _grid_cell(row: Row | None) -> Cell:
    if row is None or row.get("value") is None:
        return Cell("")
    step = min(STEPS, max(1, int(row["value"] * STEPS) + 1))
    about = between(row["low"], row["high"])
    text = f"{round(row['value'] * 100)}%"
    return Cell(text, str(row.get("rows_at") or ""), about, step=step)


def _power(ask: Ask) -> Shown:
    found = activity_of(ask).to_json()
    if not found["power"]:
        return nothing(ask, reason(found) or _("nobody was active"), "events")
    has_users = whose_of(ask) == "user"
    rows, lines = [], []
    for row in found["power"]:
        who = str(row["user_id" if has_users else "account_id"])
        href = opens(ask, "uses", who=who)
        rows.append({**row, "rows_at": href})
        lines.append(Line(
            words(who, href, beneath=(row["account_id"] or "") if has_users else ""),
            [
                count(row["active_days"], href), count(row["uses"], href),
                count(row["features"], href),
                Cell(naming.day(dt.date.fromisoformat(row["last_on"][:10]))),
            ],
        ))
    heads = [
        Head(_("User") if has_users else _("Account")), Head(_("Active days of 28")),
        Head(_("Uses")), Head(_("Features")), Head(_("Last on")),
    ]
    return shown(rows, Reading(tables=[Table(_("Power users"), heads, lines)]))


def _sessions(ask: Ask) -> Shown:
    found = activity_of(ask)
    if not found.sessions:
        return nothing(ask, _(found.why_no_sessions or found.why or ""), "events")
    (row,), href = found.sessions, opens(ask, "sessions")
    seconds = _("%s s")
    cells = [
        count(row["sessions"], href), count(row["people"], href), count(row["events"], href),
        Cell(numbers.full(row["mean_events"], Unit.RATIO)),
        Cell(seconds % numbers.full(round(row["median_seconds"]), Unit.COUNT)),
    ]
    heads = [
        Head(""), Head(_("Sessions")),
        Head(_("Users") if whose_of(ask) == "user" else _("Accounts")), Head(_("Events")),
        Head(_("Events a session")), Head(_("Length, half are longer")),
    ]
    line = Line(words(_("Last 28 days")), cells)
    return shown(
        [{**row, "rows_at": href}],
        Reading(
            tables=[Table(_("Sessions"), heads, [line])],
            notes=[_("A session is what one user did under one name of a session, on the day on "
                     "which it began; its length runs from its first event to its last.")],
        ),
    )


def _panel(name: str, title: str, question: str, show: Any, *, is_late: bool = False) -> Panel:
    return Panel(name, title, question, "reading.html", show, is_late)


OVER_TIME = _panel("active", N_("Day by day"), N_("How many users are active?"), _over_time)
POWER = (
    _panel("days", N_("Days of use"), N_("On how many of 28 days are they active?"), _by_days),
    _panel("power", N_("Power users"), N_("Who uses it most?"), _power),
    _panel("sessions", N_("Sessions"), N_("How often, and how long?"), _sessions),
)
LIFECYCLE = _panel("lifecycle", N_("Usage lifecycle"),
                   N_("Who is new, who comes back, and who fell silent?"), _lifecycle)
RETENTION = _panel("retention", N_("Retention of use"),
                   N_("Do those who begin come back?"), _retention, is_late=True)
