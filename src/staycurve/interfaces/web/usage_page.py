"""Who uses the product, how often, and what they do: the page at /usage."""

from __future__ import annotations

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.usage.activity import IN_FIGURE
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.answered import opened_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choosing import chooser, last_closed
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Card, Reading, change, nothing, reason, shown, told
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.usage_flows import (
    FLOW_OPTIONS,
    FUNNEL,
    PATHS,
    check,
)
from staycurve.interfaces.web.usage_panels import (
    LIFECYCLE,
    OVER_TIME,
    POWER,
    RETENTION,
    activity_of,
    per_choice,
    whose_choice,
    whose_of,
)
from staycurve.interfaces.web.usage_trends import TREND_OPTIONS, TRENDS
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS

FIGURE_LABELS = {
    "dau": N_("Active on the last day"), "wau": N_("Active in the last 7 days"),
    "mau": N_("Active in the last 28 days"),
}


def _figures(ask: Ask) -> Shown:
    check(ask)
    found = activity_of(ask)
    if not found.figures:
        return nothing(ask, told(found.why), "events")
    has_users = whose_of(ask) == "user"
    cards = []
    for row in found.figures:
        name = row.figure
        # The metric of that name cannot be cut by all that this reading can, such as the plan.
        href = opened_at(ask, IN_FIGURE, row, found)
        before = {
            "dau": _("the day before"), "wau": _("in the 7 days before"),
            "mau": _("in the 28 days before"),
        }[name]
        cards.append(Card(
            name, _(FIGURE_LABELS[name]), numbers.compact(row.value, Unit.COUNT),
            str(row.value), href, defined_at=ask.defines(name) if has_users else "",
            **change(row.value, row.before, Unit.COUNT, "higher", before),
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


USAGE = Page(
    address="/usage",
    place=60,
    title=N_("Usage"),
    question=N_("Who uses the product, how often, and do they come back?"),
    panels=(
        chooser(whose_choice, per_choice),
        Panel("figures", N_("Who is active"), N_("How many are active?"), "reading.html",
              _figures),
        OVER_TIME, TRENDS, POWER[0], LIFECYCLE, RETENTION, *POWER[1:], FUNNEL, PATHS,
    ),
    has_controls=False,
    needs=("events",),
    group=Group.BEHAVIOUR,
    options=("whose", "per", *TREND_OPTIONS, *FLOW_OPTIONS),
)
