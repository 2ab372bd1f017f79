"""Activity over time, days of use, lifecycle and retention: panels of the page at /usage."""

from __future__ import annotations

import datetime as dt
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.usage.activity import (
    ON_ANY,
    ON_DAYS,
    THEIR_USES,
    Activity,
    activity,
)
from staycurve.insights.usage.activity_sql import DAYS
from staycurve.insights.usage.sessions import WHO as WITH_SESSIONS
from staycurve.insights.usage.usage_lifecycle import Kinds, UseLifecycle, lifecycle, opens
from staycurve.insights.usage.usage_lifecycle_sql import ACTIVE, KINDS
from staycurve.insights.usage.usage_retention import (
    BACK,
    BEHIND,
    Age,
    Cell as UseCell,
    UseRetention,
    retention,
)
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.accounts_at import account_at, account_cell
from staycurve.interfaces.web.answered import opened_at, sentences
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choices import Choice
from staycurve.interfaces.web.choosing import choice_of, chosen_of
from staycurve.interfaces.web.cohort_grid import STEPS
from staycurve.interfaces.web.drawing import picture, picture_by
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
    share_of,
    shown,
    told,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import Period, period_of, periods_between

WHOSE = {"user": N_("Users"), "account": N_("Accounts")}
PER = {"month": N_("months"), "week": N_("weeks")}
KIND_LABELS = {
    "new": N_("New"), "returning": N_("Returning"), "resurrecting": N_("Resurrecting"),
    "dormant": N_("Dormant"),
}
COLOURS = {
    "new": "#0072B2", "returning": "#56B4E9", "resurrecting": "#7A5195", "dormant": "#C44E00",
}
TRAILING = {
    "dau": N_("Active on the day"), "wau": N_("Active in the 7 days up to it"),
    "mau": N_("Active in the 28 days up to it"),
}
"""What the three count at day grain; monthly active users are those of a calendar month."""
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
    found = answer_of(ask, activity, whose=whose_of(ask))
    assert isinstance(found, Activity)
    return found


def lifecycle_of(ask: Ask) -> UseLifecycle:
    """New, returning, resurrecting and dormant by period."""
    found = answer_of(ask, lifecycle, per=per_of(ask), whose=whose_of(ask))
    assert isinstance(found, UseLifecycle)
    return found


def retention_of(ask: Ask) -> UseRetention:
    """Who came back so many periods after the first use."""
    found = answer_of(ask, retention, per=per_of(ask), whose=whose_of(ask))
    assert isinstance(found, UseRetention)
    return found


def _day_label(ask: Ask, start: dt.date) -> str:
    return ask.label(period_from(ask, start))


def period_from(ask: Ask, start: dt.date) -> Period:
    """The chosen kind of period that begins on a day."""
    return period_of(start, per_of(ask), ask.fiscal, week_start=ask.week_start)


def _over_time(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    last = ask.seen.last_day
    days = periods_between(last - dt.timedelta(days=DAYS - 1), last, "day")
    answer = ask.answer(*LINES, periods=days, grain="day")
    if not any(row["value"] for row in answer.rows):
        return nothing(ask, _("nobody was active in the last 28 days"), "events")
    at = {(row["metric"], row["period"]): row for row in answer.rows}
    series = [charts.Series(name, _(TRAILING[name]), LINES[name]) for name in LINES]
    drawn, rows = [], []
    for row in answer.rows:
        day = period_of(dt.date.fromisoformat(row["period"]), "day")
        href = ask.opens(row["metric"], day)
        rows.append({**row, "rows_at": href})
        about = f"{_(TRAILING[row['metric']])}, {ask.label(day)}: {whole(row['value'])}"
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
    heads = [Head(_("Day")), *(Head(_(TRAILING[name])) for name in LINES)]
    return shown(rows, Reading(
        picture=drawing, unit=_("users"),
        tables=[Table(_("Active users by day"), heads, lines, is_folded=True)],
        notes=[_("Users active on the day, on the 7 days and on the 28 days up to it. These three "
                 "count users, whatever is chosen above.")],
    ))


def _by_days(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = activity_of(ask)
    if not any(row.count for row in found.rows):
        return nothing(ask, told(found.why), "events")
    series = [charts.Series("days", _(WHOSE[whose_of(ask)]), charts.ACCENT)]
    rows, drawn, lines = [], [], []
    for row in found.rows:
        day = str(row.active_days)
        href = opened_at(ask, ON_DAYS, row, found)
        rows.append({**row.as_dict(), "rows_at": href})
        share = percent(row.value)
        about = _("%(days)s days: %(count)s (%(share)s)") % {
            "days": day, "count": whole(row.count), "share": share,
        }
        drawn.append(charts.Point(day.zfill(2), "days", float(row.count), about, href))
        lines.append(Line(words(day), [
            count(row.count, href), Cell(share, href),
        ]))
    total = sum(row.count for row in found.rows)
    foot = Line(words(_("All")), [
        count(total, opened_at(ask, ON_ANY, found)), Cell("")])
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

    found = lifecycle_of(ask)
    if not any(row.active for row in found.rows):
        return nothing(ask, told(found.why) or _("nobody was active"), "events")
    series = [
        charts.Series(name, _(KIND_LABELS[name]), COLOURS[name], is_hatched=name == "dormant")
        for name in ("returning", "new", "resurrecting", "dormant")
    ]
    rows, drawn, lines = [], [], []
    for row in found.rows:
        start = row.period
        cells = []
        for name in KIND_LABELS:
            value = _of_kind(row, name)
            href = opened_at(ask, opens(name), row, found)
            cells.append(count(value, href, why=told(row.why)))
            if value is not None:
                about = f"{_(KIND_LABELS[name])}, {_day_label(ask, start)}: {whole(value)}"
                drawn.append(charts.Point(
                    str(start), name, float(-value if name == "dormant" else value), about, href,
                    row.open,
                ))
        rows.append(row.as_dict())
        ratio = "" if row.quick_ratio is None else f"{row.quick_ratio:.2f}"
        lines.append(Line(
            words(_day_label(ask, start), about=_("to date") if row.open else ""),
            [*cells, count(row.active, opened_at(ask, opens(ACTIVE), row, found)),
             Cell(ratio)],
        ))
    drawing = picture(
        ask, "use-lifecycle", drawn, lambda p, f: charts.bars(p, series, f, reference=0),
        unit=Unit.COUNT, label=_("Active and dormant, by period"),
        series=series, periods=[period_from(ask, row.period) for row in found.rows],
    )
    heads = [
        Head(_("Period")), *(
            Head(_(label), _(KINDS[name])) for name, label in KIND_LABELS.items()),
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


def _of_kind(row: Kinds, kind: str) -> int | None:
    return {
        "new": row.new, "returning": row.returning, "resurrecting": row.resurrecting,
        "dormant": row.dormant,
    }[kind]


def _retention(ask: Ask) -> Shown:
    found = retention_of(ask)
    if not found.rows:
        return nothing(ask, told(found.why) or _("nobody was active"), "events")
    rows = [
        {**row.as_dict(), "rows_at": opened_at(ask, BACK, row, found)} for row in found.rows
    ]
    ages = sorted({row.age for row in found.rows})
    by_place = {(row.cohort, row.age): row for row in found.rows}
    lines = []
    for cohort in dict.fromkeys(row.cohort for row in found.rows):
        # Every cohort has its own period, of age 0.
        first = by_place[cohort, 0]
        lines.append(Line(
            words(_day_label(ask, cohort)),
            [count(first.size, opened_at(ask, BEHIND, first, found)),
             *(_grid_cell(ask, found, by_place.get((cohort, age))) for age in ages)],
            first.is_small,
        ))
    totals = {row.age: row for row in found.totals}
    foot = Line(words(_("All")), [
        count(totals[0].size, opened_at(ask, BEHIND, totals[0], found)) if 0 in totals
        else Cell(""),
        *(_grid_cell(ask, found, totals.get(age)) for age in ages),
    ])
    heads = [Head(_("Began")), Head(_("Size")), *(Head(str(age)) for age in ages)]
    overall = [
        Line(words(str(row.age)), [
            share_of(row.value, row.low, row.high, opened_at(ask, BACK, row, found)),
            count(row.size, opened_at(ask, BEHIND, row, found)),
        ])
        for row in totals.values()
    ]
    return shown(rows, Reading(
        said=sentences(found),
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
               *(_(note) for note in found.notes)],
    ), {"totals": [row.as_dict() for row in found.totals]})


def _grid_cell(ask: Ask, found: UseRetention, row: UseCell | Age | None) -> Cell:
    if row is None or row.value is None:
        return Cell("")
    step = min(STEPS, max(1, int(row.value * STEPS) + 1))
    text = f"{round(row.value * 100)}%"
    return Cell(text, opened_at(ask, BACK, row, found), between(row.low, row.high), step=step)


def _power(ask: Ask) -> Shown:
    found = activity_of(ask)
    if not found.power:
        return nothing(ask, told(found.why) or _("nobody was active"), "events")
    has_users = whose_of(ask) == "user"
    rows, lines = [], []
    for row in found.power:
        href = opened_at(ask, THEIR_USES, row, found)
        rows.append({**row.as_dict(), "rows_at": href})
        lines.append(Line(
            Cell(
                row.who or "", href, beneath=row.account_id or "", is_text=True,
                beneath_href=account_at(ask, row.account_id),
            ) if has_users else account_cell(ask, row.who or ""),
            [
                count(row.active_days, href), count(row.uses, href), count(row.features, href),
                Cell(naming.day(row.last_on)),
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
        return nothing(ask, told(found.why_no_sessions or found.why), "events")
    (row,) = found.sessions
    href = opened_at(ask, WITH_SESSIONS, row, found)
    seconds = _("%s s")
    cells = [
        count(row.sessions, href), count(row.people, href), count(row.events, href),
        Cell(numbers.full(row.mean_events, Unit.RATIO)),
        Cell(seconds % numbers.full(round(row.median_seconds), Unit.COUNT)),
    ]
    heads = [
        Head(_("Of them")), Head(_("Sessions")),
        Head(_("Users") if whose_of(ask) == "user" else _("Accounts")), Head(_("Events")),
        Head(_("Events a session")), Head(_("Median length")),
    ]
    line = Line(words(_("Last 28 days")), cells)
    return shown(
        [{**row.as_dict(), "rows_at": href}],
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
    _panel("days", N_("Active days"), N_("On how many of 28 days are users active?"), _by_days),
    _panel("power", N_("Power users"), N_("Who uses it most?"), _power),
    _panel("sessions", N_("Sessions"), N_("How often, and how long?"), _sessions),
)
LIFECYCLE = _panel("lifecycle", N_("Usage lifecycle"),
                   N_("Who is new, who comes back, and who went dormant?"), _lifecycle)
RETENTION = _panel("retention", N_("User retention"),
                   N_("Do users come back?"), _retention, is_late=True)
