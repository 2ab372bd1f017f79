"""Who converts from a trial, and who stays: the page at /trials."""

from __future__ import annotations

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.onboarding.trial_report import Conversion, TrialReport
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choosing import chooser, last_closed
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Card,
    Reading,
    about_95,
    change,
    nothing,
    percent,
    shown,
    told,
    whole,
)
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.trial_panels import (
    CARDS,
    COHORTS,
    LEFT,
    TIMES,
    USED,
    opens,
    trials_of,
)
from staycurve.metrics.base import Unit


def _figures(ask: Ask) -> Shown:
    found = trials_of(ask)
    if not found.whole:
        return nothing(ask, told(found.why))
    cards = [*_starts(ask), _share("conversion", _("Conversion of all trials"), found.whole[0],
                                   opens(ask, "converted"))]
    for card in ("with", "without"):
        own = found.cards[card]
        if own.trials:
            label = _(found.cards_labels[card])
            cards.append(_share(card, label, own, opens(ask, "converted", card=card)))
    days = _median(found)
    if days is not None:
        cards.append(Card(
            "median", _("Median days to pay"), whole(days), str(days), "#times",
        ))
    left = next((row for row in found.left.rows
                 if row.card == "all" and row.months == 3), None)
    if left and left.left.value is not None:
        gone = left.left
        cards.append(Card(
            "left", _("Churned within three months of paying"), percent(gone.value),
            str(gone.value), opens(ask, "left", within=3),
            note=about_95(gone.low, gone.high),
        ))
    rows = [{"figure": card.name, "label": card.label, "value": card.full} for card in cards[:6]]
    return shown(rows, Reading(cards=cards[:6]))


def _starts(ask: Ask) -> list[Card]:
    last = last_closed(ask)
    before = last.previous(ask.fiscal)
    try:
        answer = ask.answer("trial_starts", periods=(before, last), grain="month")
    except NotAnsweredError:
        return []
    values = {row["period"]: row["value"] for row in answer.rows}
    value, old = values.get(str(last.start)), values.get(str(before.start))
    return [Card(
        "starts", _("Trials started in %s") % ask.label(last), numbers.full(value, Unit.COUNT),
        str(value), ask.opens("trial_starts", last), defined_at=ask.defines("trial_starts"),
        **change(value, old, Unit.COUNT, "higher", _("in %s") % ask.label(before)),
    )]


def _share(name: str, label: str, row: Conversion, href: str) -> Card:
    own = row.rate
    return Card(
        name, label, percent(own.value), str(own.value), href, told(own.why),
        about_95(own.low, own.high),
    )


def _median(found: TrialReport) -> int | None:
    """The median of all who converted, whatever their card, from how many took how long."""
    days = sorted(
        (row.days, row.accounts)
        for own in found.time_to_convert.values()
        for row in own.rows
    )
    total = sum(accounts for _day, accounts in days)
    seen = 0
    for day, accounts in days:
        seen += accounts
        if 2 * seen >= total:
            return int(day)
    return None


TRIALS = Page(
    address="/trials",
    place=40,
    title=N_("Trials"),
    question=N_("Who converts from a trial, and do they stay?"),
    panels=(
        chooser(relation="trials"),
        Panel("figures", N_("Trials at a glance"), N_("How many convert?"), "reading.html",
              _figures),
        COHORTS, CARDS, TIMES, USED, LEFT,
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
)
