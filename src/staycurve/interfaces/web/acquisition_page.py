"""Which channels bring customers, at what cost and of what kind: the page at /acquisition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from staycurve.i18n import N_
from staycurve.insights.acquisition.acquisition_report import (
    Brought,
    ChannelReport,
    ChannelRow,
    ColumnAbout,
    channels,
)
from staycurve.insights.acquisition.acquisition_rows import KINDS as REACH
from staycurve.insights.acquisition.lead_funnel import LeadFunnel, LeadStep, funnel
from staycurve.insights.acquisition.leads import MATURE, STEPS
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.acquisition_quality import QUALITY, REFERRALS
from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import chooser, month_choice, month_of
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Card,
    Cell,
    Head,
    Line,
    Reading,
    Table,
    change,
    count,
    month,
    nothing,
    share_of,
    shown,
    told,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Filter
from staycurve.period import Period, parse_period

MONTHS = 12
FIGURES = ("visits", "lead_rate", "trial_starts", "new_customers", "cac", "new_mrr")
OWN = {
    "leads": N_("Leads"), "qualified": N_("Qualified"), "won": N_("Won"), "lost": N_("Lost"),
    "spend": N_("Spend"),
}
COLUMNS = (
    "visits", "leads", "lead_rate", "demo_requests", "trial_starts", "trial_conversion_rate",
    "new_customers", "new_mrr", "spend", "cac",
)
WHEEL = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#C44E00", "#7A5195", "#8A9099")


def _range(ask: Ask) -> dict[str, str]:
    first = last = month_of(ask)
    for _place in range(MONTHS - 1):
        first = first.previous(ask.fiscal)
    return {"start": str(first.start)[:7], "end": str(last.start)[:7]}


def channels_of(ask: Ask) -> ChannelReport:
    """What each channel brought in the asked month and in those before it."""
    return answer_of(ask, channels, **_range(ask))


def _funnel_of(ask: Ask, *, by: str = "", is_together: bool = False) -> LeadFunnel:
    return answer_of(ask, funnel, by=by, is_together=is_together, **_range(ask))


def _in_channel(row: Brought) -> tuple[Filter, ...]:
    return (Filter("channel", (row.channel,)),) if isinstance(row, ChannelRow) else ()


def _nothing(ask: Ask, found: ChannelReport) -> Shown:
    why = told(found.why) or _("no data on any channel in these months")
    return nothing(ask, why, "leads")


def _figures(ask: Ask) -> Shown:
    found = channels_of(ask)
    period = month_of(ask)
    earlier = period.previous(ask.fiscal)
    totals = {row.period: row for row in found.totals}
    now, before = totals.get(period.start), totals.get(earlier.start)
    if now is None or not any(now.of(name) for name in FIGURES):
        return _nothing(ask, found)
    cards = []
    for name in FIGURES:
        metric = METRICS[name]
        value = now.of(name)
        cards.append(Card(
            name, _(metric.label), numbers.compact(value, metric.unit), str(value),
            "" if value is None else loaded_at(ask, name, period) if name in REACH
            else ask.opens(name, period),
            _(str(now.why.get(name) or "")), defined_at=ask.defines(name),
            **change(value, before.of(name) if before else None, metric.unit, metric.better,
                     _("in %s") % ask.label(earlier)),
        ))
    rows = [{"figure": card.name, "label": card.label, "value": card.full} for card in cards]
    return shown(rows, Reading(cards=cards, when=ask.label(period)))


def _channels(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = channels_of(ask)
    period = month_of(ask)
    now = [row for row in found.rows if row.period == period.start]
    if not now:
        return _nothing(ask, found)
    named = sorted({row.channel for row in found.rows}, key=lambda one: one or "~")
    labels = {one: one or _("no channel") for one in named}
    series = [
        charts.Series(labels[one], labels[one], WHEEL[place % len(WHEEL)])
        for place, one in enumerate(named)
    ]
    drawn = []
    for row in found.rows:
        own = parse_period(str(row.period)[:7])
        if row.new_customers:
            label = labels[row.channel]
            about = f"{label}, {ask.label(own)}: {numbers.full(row.new_customers, Unit.COUNT)}"
            drawn.append(charts.Point(
                str(row.period), label, row.new_customers, about,
                ask.opens("new_customers", own, *_in_channel(row)), row.open,
            ))
    closes = dict.fromkeys(str(row.period) for row in found.totals)
    periods = [parse_period(one[:7]) for one in closes]
    drawing = picture(
        ask, "channels", drawn, lambda p, f: charts.bars(p, series, f), unit=Unit.COUNT,
        label=_("New customers by channel and month"), series=series, periods=periods,
    )
    heads = [Head(_("Channel")), *_column_heads(found.columns)]
    lines = [Line(words(labels[row.channel]), _cells(ask, row, period)) for row in now]
    whole = next(row for row in found.totals if row.period == period.start)
    foot = Line(words(_("All")), _cells(ask, whole, period))
    return shown(
        [{**row.as_dict(), "value": row.new_customers} for row in found.rows],
        Reading(
            picture=drawing if drawn else None, unit=_("new customers"),
            tables=[
                Table(_("Channels"), heads, lines, foot, title=ask.label(period)),
                _by_month(ask, found, named, labels, periods),
            ],
            notes=[*(_(note) for note in found.notes),
                   _("Leads and spend are those of the month; a lead that is won later counts "
                     "in the month in which it is won.")],
        ),
        {"totals": [row.as_dict() for row in found.totals]},
    )


def _column_heads(columns: Sequence[ColumnAbout]) -> list[Head]:
    abouts = {row.name: row.about for row in columns}
    return [
        Head(_(OWN[name]) if name in OWN else _(METRICS[name].label), _(abouts.get(name, "")))
        for name in COLUMNS
    ]


def _cells(ask: Ask, row: Brought, period: Period) -> list[Cell]:
    cells = []
    for name in COLUMNS:
        value, why = row.of(name), told(row.why.get(name))
        if name == "leads":
            href = _leads_at(ask, period.start, None, _in_channel(row))
            cells.append(count(value, href if value else ""))
        elif name in ("spend", "visits"):
            unit = Unit.MONEY if name == "spend" else Unit.COUNT
            href = loaded_at(ask, name, period, _in_channel(row))
            cells.append(Cell(
                numbers.full(value, unit, ask.currency), href if value is not None else "", why
            ))
        else:
            text = numbers.full(value, METRICS[name].unit, ask.currency)
            cells.append(Cell(
                text, ask.opens(name, period, *_in_channel(row)) if value is not None else "", why
            ))
    return cells


def loaded_at(ask: Ask, name: str, period: Period, channel: Sequence[Filter] = ()) -> str:
    """The address of the loaded rows behind reach or spend, which belong to no account."""
    options = {
        "kind": name if name in REACH else None, "period": naming.name(period, ask.fiscal),
        "as_of": ask.options.get("as_of"),
    }
    page = "reach" if name in REACH else "spend"
    return link(f"/acquisition/{page}", options, (*ask.filters, *channel))


def _by_month(
    ask: Ask, found: ChannelReport, named: Sequence[str | None],
    labels: Mapping[str | None, str], periods: Sequence[Period],
) -> Table:
    at = {(row.period, row.channel): row for row in found.rows}
    totals = {row.period: row for row in found.totals}
    lines = []
    for period in reversed(periods):
        name = period.start
        lines.append(Line(words(ask.label(period)), [
            *(
                count(at[name, one].new_customers,
                      ask.opens("new_customers", period, Filter("channel", (one,))))
                if (name, one) in at else Cell("")
                for one in named
            ),
            count(totals[name].new_customers, ask.opens("new_customers", period)),
        ]))
    heads = [Head(_("Month")), *(Head(labels[one]) for one in named), Head(_("All"))]
    return Table(
        _("New customers by month"), heads, lines, is_folded=True,
        title=_("New customers by month"),
    )


def _leads_at(
    ask: Ask, cohort: dt.date | None, step: str | None, channel: Sequence[Filter] = ()
) -> str:
    span = {"cohort": str(cohort)[:7]} if cohort else {
        "from": _range(ask)["start"], "to": _range(ask)["end"]
    }
    options = {**span, "step": step, "as_of": ask.options.get("as_of")}
    return link("/acquisition/leads", options, (*ask.filters, *channel))


def _funnel(ask: Ask) -> Shown:
    found = _funnel_of(ask)
    if not found.rows:
        return nothing(ask, told(found.why), "leads")
    by_channel = _funnel_of(ask, by="channel", is_together=True).rows
    whole = _funnel_of(ask, is_together=True).rows
    foot = next(iter(_step_lines(ask, whole, "")), None)
    tables = [
        Table(_("By channel"), _step_heads(_("Channel")),
              _step_lines(ask, by_channel, "channel"), foot,
              title=_("By channel, twelve months together")),
        Table(_("By month"), _step_heads(_("Created in")),
              _step_lines(ask, found.rows, "cohort")[::-1], is_folded=True,
              title=_("By the month in which leads were created")),
    ]
    rows = [
        {**row.as_dict(), "rows_at": _leads_at(ask, row.cohort, row.step)} for row in found.rows
    ]
    return shown(rows, Reading(
        tables=tables,
        notes=[_("Of the leads that are %s days old or more, the share that came to each step "
                 "within that time, with its 95%% interval; younger leads are in neither part. "
                 "Small samples are marked with *.") % found.horizon_days],
    ), {
        "by_channel": [row.as_dict() for row in by_channel], "horizon_days": found.horizon_days,
    })


def _step_heads(first: str) -> list[Head]:
    return [
        Head(first), Head(_("Leads")), Head(_("Old enough")),
        *(Head(_(label)[:1].upper() + _(label)[1:]) for label in STEPS.values()),
    ]


def _step_lines(ask: Ask, rows: Sequence[LeadStep], key: str) -> list[Line]:
    groups: dict[str | dt.date | None, dict[str, LeadStep]] = {}
    for row in rows:
        name = row.segment["channel"] if key == "channel" else row.cohort
        groups.setdefault(name, {})[row.step] = row
    return [_steps_of(ask, steps, key) for steps in groups.values()]


def _steps_of(ask: Ask, steps: Mapping[str, LeadStep], key: str) -> Line:
    own = next(iter(steps.values()))
    channel = own.segment.get("channel")
    within = (Filter("channel", (channel,)),) if key == "channel" else ()
    label = month(ask, own.cohort) if own.cohort else _("All")
    if key == "channel":
        label = channel or _("no channel")
    shares = [
        share_of(one.value, one.low, one.high, _leads_at(ask, one.cohort, step, within),
                 why=one.why, is_drawn=False)
        if (one := steps.get(step)) else Cell("")
        for step in STEPS
    ]
    return Line(
        words(label),
        [
            count(own.leads, _leads_at(ask, own.cohort, None, within)),
            count(own.mature, _leads_at(ask, own.cohort, MATURE, within)),
            *shares,
        ],
        own.is_small,
    )


ACQUISITION = Page(
    address="/acquisition",
    place=30,
    title=N_("Acquisition"),
    question=N_("Which channels bring in customers, at what cost, and do they stay?"),
    panels=(
        chooser(month_choice, relation="reach"),
        Panel("figures", N_("Acquisition at a glance"), N_("What came in?"), "reading.html",
              _figures),
        Panel("channels", N_("Channels"), N_("What did each channel bring in, at what cost?"),
              "reading.html", _channels),
        Panel("funnel", N_("From lead to customer"), N_("How far do leads get?"),
              "reading.html", _funnel),
        QUALITY,
        REFERRALS,
    ),
    has_controls=False,
    needs=("leads", "reach", "spend", "subscriptions"),
    group=Group.BEHAVIOUR,
    options=("period",),
)
