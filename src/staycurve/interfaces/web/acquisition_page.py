"""Which channels bring customers, at what cost and of what kind: the page at /acquisition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.acquisition.acquisition_rows import KINDS as REACH
from staycurve.insights.acquisition.lead_funnel import MATURE, STEPS, check_step
from staycurve.insights.acquisition.lead_funnel import PARTS as LEAD_PARTS
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.acquisition_quality import QUALITY, REFERRALS
from staycurve.interfaces.web.ask import Ask, link, where_text
from staycurve.interfaces.web.choosing import chooser, chosen_of, month_choice, month_of
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.kept import asked_of, kept
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
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
    rate,
    reason,
    shown,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Filter
from staycurve.period import Period, parse_period

Row = Mapping[str, Any]

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


def _asked(ask: Ask) -> dict[str, Any]:
    return {
        "where": where_text(ask.filters), "as_of": ask.seen.at.isoformat(), **_range(ask),
    }


def channels_of(ask: Ask) -> dict[str, Any]:
    """What each channel brought in the asked month and in those before it."""
    return kept(
        ask, "channels", lambda: ask.company.acquisition.channels(**_asked(ask)).as_dict(),
        month_of(ask),
    )


def _funnel_of(ask: Ask, *, by: str = "", together: bool = False) -> Any:
    return kept(
        ask, "leads",
        lambda: ask.company.acquisition.funnel(by=by, together=together, **_asked(ask)),
        month_of(ask), by, together,
    )


def _in_channel(row: Row) -> tuple[Filter, ...]:
    return (Filter("channel", (row["channel"],)),) if "channel" in row else ()


def _nothing(ask: Ask, found: Row) -> Shown:
    why = reason(found) or _("nothing is known of any channel in these months")
    return nothing(ask, why, "leads")


def _figures(ask: Ask) -> Shown:
    found = channels_of(ask)
    period = month_of(ask)
    earlier = period.previous(ask.fiscal)
    totals = {row["period"]: row for row in found["totals"]}
    now, before = totals.get(str(period.start)), totals.get(str(earlier.start))
    if now is None or not any(now[name] for name in FIGURES):
        return _nothing(ask, found)
    cards = []
    for name in FIGURES:
        metric = METRICS[name]
        value = now[name]
        cards.append(Card(
            name, _(metric.label), numbers.compact(value, metric.unit), str(value),
            "" if value is None else loaded_at(ask, name, period) if name in REACH
            else ask.opens(name, period),
            _(str(now["why"].get(name) or "")), defined_at=ask.defines(name),
            **change(value, before[name] if before else None, metric.unit, metric.better,
                     _("in %s") % ask.label(earlier)),
        ))
    rows = [{"figure": card.name, "label": card.label, "value": card.full} for card in cards]
    return shown(rows, Reading(cards=cards, when=ask.label(period)))


def _channels(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = channels_of(ask)
    period = month_of(ask)
    now = [row for row in found["rows"] if row["period"] == str(period.start)]
    if not now:
        return _nothing(ask, found)
    channels = sorted({row["channel"] for row in found["rows"]}, key=lambda one: one or "~")
    labels = {one: one or _("no channel") for one in channels}
    series = [
        charts.Series(labels[one], labels[one], WHEEL[place % len(WHEEL)])
        for place, one in enumerate(channels)
    ]
    drawn = []
    for row in found["rows"]:
        own = parse_period(row["period"][:7])
        if row["new_customers"]:
            label = labels[row["channel"]]
            about = f"{label}, {ask.label(own)}: {numbers.full(row['new_customers'], Unit.COUNT)}"
            drawn.append(charts.Point(
                row["period"], label, row["new_customers"], about,
                ask.opens("new_customers", own, *_in_channel(row)), row["open"],
            ))
    periods = [parse_period(one[:7]) for one in dict.fromkeys(r["period"] for r in found["totals"])]
    drawing = picture(
        ask, "channels", drawn, lambda p, f: charts.bars(p, series, f), unit=Unit.COUNT,
        label=_("New customers by channel and month"), series=series, periods=periods,
    )
    heads = [Head(_("Channel")), *_column_heads(found["columns"])]
    lines = [Line(words(labels[row["channel"]]), _cells(ask, row, period)) for row in now]
    whole = next(row for row in found["totals"] if row["period"] == str(period.start))
    foot = Line(words(_("All")), _cells(ask, whole, period))
    return shown(
        [{**row, "value": row["new_customers"]} for row in found["rows"]],
        Reading(
            picture=drawing if drawn else None, unit=_("new customers"),
            tables=[
                Table(_("Channels"), heads, lines, foot, title=ask.label(period)),
                _by_month(ask, found, channels, labels, periods),
            ],
            notes=[*(_(note) for note in found.get("notes") or ()),
                   _("Leads and spend are those of the month; a lead that is won later counts "
                     "in the month in which it is won.")],
        ),
        {"totals": found["totals"]},
    )


def _column_heads(columns: Sequence[Row]) -> list[Head]:
    abouts = {row["name"]: row["about"] for row in columns}
    return [
        Head(_(OWN[name]) if name in OWN else _(METRICS[name].label), _(abouts.get(name, "")))
        for name in COLUMNS
    ]


def _cells(ask: Ask, row: Row, period: Period) -> list[Cell]:
    cells = []
    for name in COLUMNS:
        value, why = row[name], _(str(row["why"].get(name) or ""))
        if name == "leads":
            step = _leads_at(ask, str(period.start), None, row.get("channel"), "channel" in row)
            cells.append(count(value, step if value else ""))
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
    ask: Ask, found: Row, channels: Sequence[str | None], labels: Mapping[str | None, str],
    periods: Sequence[Period],
) -> Table:
    at = {(row["period"], row["channel"]): row for row in found["rows"]}
    totals = {row["period"]: row for row in found["totals"]}
    lines = []
    for period in reversed(periods):
        name = str(period.start)
        lines.append(Line(words(ask.label(period)), [
            *(
                count(at[name, one]["new_customers"],
                      ask.opens("new_customers", period, Filter("channel", (one,))))
                if (name, one) in at else Cell("")
                for one in channels
            ),
            count(totals[name]["new_customers"], ask.opens("new_customers", period)),
        ]))
    heads = [Head(_("Month")), *(Head(labels[one]) for one in channels), Head(_("All"))]
    return Table(
        _("New customers by month"), heads, lines, is_folded=True,
        title=_("New customers by month"),
    )


def _leads_at(
    ask: Ask, cohort: str | None, step: str | None, channel: str | None, is_cut: bool
) -> str:
    return ask.url(
        "/acquisition/leads", period=ask.options.get("period"), cohort=cohort and cohort[:7],
        step=step, via=(channel or "-") if is_cut else None,
    )


def _funnel(ask: Ask) -> Shown:
    found = _funnel_of(ask).as_dict()
    if not found["rows"]:
        return nothing(ask, reason(found), "leads")
    rows = [
        {**row, "rows_at": _leads_at(ask, row["cohort"], row["step"], None, False)}
        for row in found["rows"]
    ]
    by_channel = _funnel_of(ask, by="channel", together=True).as_dict()["rows"]
    whole = _funnel_of(ask, together=True).as_dict()["rows"]
    foot = next(iter(_step_lines(ask, whole, "")), None)
    tables = [
        Table(_("By channel"), _step_heads(_("Channel")),
              _step_lines(ask, by_channel, "channel"), foot,
              title=_("By channel, twelve months together")),
        Table(_("By month"), _step_heads(_("Created in")), _step_lines(ask, rows, "cohort")[::-1],
              is_folded=True, title=_("By the month in which leads were created")),
    ]
    return shown(rows, Reading(
        tables=tables,
        notes=[_("Of the leads that are %s days old or more, the share that came to each step "
                 "within that time, with its 95%% interval; younger leads are in neither part. "
                 "Small groups are marked with *.") % found["horizon_days"]],
    ), {"by_channel": by_channel, "horizon_days": found["horizon_days"]})


def _step_heads(first: str) -> list[Head]:
    return [
        Head(first), Head(_("Leads")), Head(_("Old enough")),
        *(Head(_(label)[:1].upper() + _(label)[1:]) for label in STEPS.values()),
    ]


def _step_lines(ask: Ask, rows: Sequence[Row], key: str) -> list[Line]:
    groups: dict[str | None, dict[str, Row]] = {}
    for row in rows:
        name = row["segment"]["channel"] if key == "channel" else row["cohort"]
        groups.setdefault(name, {})[row["step"]] = row
    lines = []
    for name, steps in groups.items():
        own = next(iter(steps.values()))
        cohort = name if key == "cohort" else None
        is_cut = key == "channel"
        label = month(ask, name) if cohort else (name or _("no channel")) if is_cut else _("All")
        lines.append(Line(
            words(label),
            [
                count(own["leads"], _leads_at(ask, cohort, None, name, is_cut)),
                count(own["mature"], _leads_at(ask, cohort, MATURE, name, is_cut)),
                *(
                    rate(steps[step], _leads_at(ask, cohort, step, name, is_cut), is_drawn=False)
                    if step in steps else Cell("")
                    for step in STEPS
                ),
            ],
            own["is_small"],
        ))
    return lines


def _leads(ask: Ask) -> Listed:
    step, cohort, via = (ask.options.get(name) for name in ("step", "cohort", "via"))
    check_step(step)
    which = {"channel": None if via == "-" else via} if via else {}
    found = _funnel_of(ask, by="channel" if via else "", together=bool(via))
    rows = found.accounts(cohort=cohort, step=step, **which)
    about = [_("leads"), _(LEAD_PARTS[step]) if step else "", via or "",
             ask.label(parse_period(cohort, ask.fiscal)) if cohort else ""]
    return Listed(
        ", ".join(filter(None, about)), rows,
        {
            "created_on": (_("Created"), Kind.DAY), "qualified_on": (_("Qualified"), Kind.DAY),
            "demo_on": (_("Demo"), Kind.DAY), "trial_on": (_("Trial"), Kind.DAY),
            "won_on": (_("Won"), Kind.DAY), "paying_on": (_("First paid"), Kind.DAY),
            "lost_on": (_("Lost"), Kind.DAY),
        },
        ask.url("/acquisition", period=ask.options.get("period")) + "#funnel",
        beside=[(_("leads that are old enough to tell"), ask.url(step=MATURE, page=None))]
        if step in STEPS else (),
    )


def _reach(ask: Ask) -> Listed:
    period, kind = month_of(ask), chosen_of(ask, "kind", REACH, "visits")
    found = ask.company.acquisition.reach(str(period.start)[:7], kind=kind, **asked_of(ask))
    return Listed(
        f"{_(found.about)}, {ask.label(period)}", found.rows,
        {"channel": (_("Channel"), Kind.TEXT), "count": (_(METRICS[kind].label), Unit.COUNT)},
        ask.url("/acquisition", period=ask.options.get("period")) + "#channels", ("count",),
        found.sql, head=("day", _("Day")), number="count",
    )


def _spend(ask: Ask) -> Listed:
    period = month_of(ask)
    found = ask.company.acquisition.spend(str(period.start)[:7], **asked_of(ask))
    return Listed(
        f"{_(found.about)}, {ask.label(period)}", found.rows,
        {
            "channel": (_("Channel"), Kind.TEXT), "kind": (_("Kind"), Kind.TEXT),
            "amount": (_("Amount"), Unit.MONEY),
        },
        ask.url("/acquisition", period=ask.options.get("period")) + "#channels", ("amount",),
        found.sql, head=("period", _("Month")), number="amount",
    )


ACQUISITION = Page(
    address="/acquisition",
    place=30,
    title=N_("Acquisition"),
    question=N_("Which channels bring customers, at what cost, and do those stay?"),
    panels=(
        chooser(month_choice, relation="reach"),
        Panel("figures", N_("Where acquisition stands"), N_("What came in?"), "reading.html",
              _figures),
        Panel("channels", N_("Channels"), N_("What did each channel bring, and cost?"),
              "reading.html", _channels),
        Panel("funnel", N_("From lead to customer"), N_("How far do leads come?"),
              "reading.html", _funnel),
        QUALITY,
        REFERRALS,
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
    options=("period",),
)
ACQUISITION_LEADS = rows_page(
    "/acquisition/leads", _leads, title=N_("Leads"), group=Group.BEHAVIOUR,
    options=("period", "step", "cohort", "via"),
)
ACQUISITION_REACH = rows_page(
    "/acquisition/reach", _reach, title=N_("Reach by day"), group=Group.BEHAVIOUR,
    options=("period", "kind"),
)
ACQUISITION_SPEND = rows_page(
    "/acquisition/spend", _spend, title=N_("Acquisition cost"), group=Group.BEHAVIOUR,
    options=("period",),
)
