"""How often something is done, by period: a panel of the page at /usage."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.usage.trends import ALL_BEHIND, BEHIND, Point, Trend, trends
from staycurve.interfaces.web.answered import opened_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import choice_of, chosen_of
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Head,
    Line,
    Reading,
    Table,
    count,
    named,
    nothing,
    shown,
    told,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.usage_flows import NOTHING_DONE, choice, known_steps, with_form
from staycurve.interfaces.web.usage_panels import per_of, period_from
from staycurve.metrics.base import Unit

MEASURED = {"count": N_("Times"), "users": N_("Users"), "accounts": N_("Accounts")}
TREND_OPTIONS = ("event", "measure")


def _trend_of(ask: Ask) -> Trend:
    found = answer_of(
        ask, trends, event=ask.options.get("event", ""), per=per_of(ask),
        measure=chosen_of(ask, "measure", MEASURED, "count"),
    )
    assert isinstance(found, Trend)
    return found


def _label(ask: Ask, row: Point) -> str:
    return ask.label(period_from(ask, row.period))


def _trends(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    chosen = ask.options.get("event", "")
    choices = [
        choice(ask, "event", _("What is done"), chosen, _("any activity")),
        choice_of(ask, "measure", _("Count"), MEASURED, "count"),
    ]
    if not known_steps(ask):
        return with_form(ask, "trends", nothing(ask, _(NOTHING_DONE), "events"))
    found = _trend_of(ask)
    if not any(row.times for row in found.rows):
        why = told(found.why) or _("it was not done in these periods")
        return with_form(ask, "trends", nothing(ask, why, "events"), choices)
    label = _(MEASURED[found.measure])
    series = [charts.Series("value", label, charts.ACCENT)]
    rows, drawn, lines = [], [], []
    for row in found.rows:
        href = opened_at(ask, BEHIND, row, found)
        rows.append({**row.as_dict(), "rows_at": href})
        value = row.value or 0.0
        about = f"{label}, {_label(ask, row)}: {whole(value)}"
        drawn.append(charts.Point(str(row.period), "value", float(value), about, href, row.open))
        lines.append(Line(
            words(_label(ask, row), about=_("to date") if row.open else ""),
            [count(row.value, href), count(row.times, href)],
        ))
    drawing = picture(
        ask, "use-trends", drawn, lambda p, f: charts.bars(p, series, f), unit=Unit.COUNT,
        label=_("%s by period") % label, series=series,
        periods=[period_from(ask, row.period) for row in found.rows],
    )
    heads = [
        Head(_("Period")), Head(label), Head(_("Times"), _("How often, whoever did it")),
    ]
    (total,) = found.totals
    everybody = opened_at(ask, ALL_BEHIND, total, found)
    foot = Line(words(_("All")), [count(total.value, everybody), count(total.times, everybody)])
    note = _("%s: who did it in several periods counts once in all of them together.")
    return with_form(ask, "trends", shown(rows, Reading(
        picture=drawing, unit=label.lower(),
        tables=[Table(_("By period"), heads, lines[::-1], foot, is_folded=True)],
        notes=[note % named(found.doing), *(_(one) for one in found.notes)],
    ), {"totals": [row.as_dict() for row in found.totals]}), choices)


TRENDS = Panel(
    "trends", N_("Trends"), N_("How often is something done, and by how many?"), "flow.html",
    _trends, is_late=True,
)
