"""Who converts from a trial, and who stays: the page at /trials."""

from __future__ import annotations

from typing import Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.onboarding.trial_report import PARTS
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choosing import chooser, day_of, last_closed
from staycurve.interfaces.web.kept import asked_of
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Card,
    Reading,
    about_95,
    change,
    named,
    nothing,
    percent,
    reason,
    shown,
    whole,
)
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.trial_panels import (
    CARDS,
    CLASSES,
    COHORTS,
    LEFT,
    TIMES,
    USED,
    opens,
    trials_of,
)
from staycurve.metrics.base import Unit
from staycurve.period import parse_period


def _figures(ask: Ask) -> Shown:
    found = trials_of(ask)
    if not found["whole"]:
        return nothing(ask, reason(found))
    cards = [*_starts(ask), _share("conversion", _("Conversion of all trials"), found["whole"][0],
                                   opens(ask, "converted"))]
    for card in ("with", "without"):
        own = found["cards"][card]
        if own["trials"]:
            label = _(found["cards_labels"][card])
            cards.append(_share(card, label, own, opens(ask, "converted", card=card)))
    days = _median(found)
    if days is not None:
        cards.append(Card(
            "median", _("Median days to pay"), whole(days), str(days), "#times",
        ))
    left = next((row for row in found["left"]["rows"]
                 if row["card"] == "all" and row["months"] == 3), None)
    if left and left["left"]["value"] is not None:
        own = left["left"]
        cards.append(Card(
            "left", _("Left within three months of paying"), percent(own["value"]),
            str(own["value"]), opens(ask, "left", within=3),
            note=about_95(own["low"], own["high"]),
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


def _share(name: str, label: str, row: dict[str, Any], href: str) -> Card:
    own = row["rate"]
    return Card(
        name, label, percent(own["value"]), str(own["value"]), href, reason(own),
        about_95(own["low"], own["high"]),
    )


def _median(found: dict[str, Any]) -> int | None:
    """The median of all who converted, whatever their card, from how many took how long."""
    days = sorted(
        (row["days"], row["accounts"])
        for own in found["time_to_convert"].values()
        for row in own["rows"]
    )
    total = sum(accounts for _day, accounts in days)
    seen = 0
    for day, accounts in days:
        seen += accounts
        if 2 * seen >= total:
            return int(day)
    return None


def _accounts(ask: Ask) -> Listed:
    part, cohort = ask.options.get("part", "started"), ask.options.get("cohort")
    card, feature, without, end_class = (
        ask.options.get(name) for name in ("card", "feature", "without", "end_class"))
    within, day = day_of(ask, "within"), day_of(ask, "on_day")
    found = ask.company.trials.accounts(
        part, cohort=cohort, card=card, feature=feature, without=without, within=within,
        end_class=end_class, **asked_of(ask)
    )
    rows = [row for row in found.rows if day is None or row["days_to_pay"] == day]
    about = [_(PARTS[part])]
    if cohort:
        about.append(_("trial started in %s") % ask.label(parse_period(cohort[:7])))
    if card:
        about.append(_(trials_of(ask)["cards_labels"][card]).lower())
    if feature:
        about.append(_("that used %s") % named(feature))
    if without:
        about.append(_("that did not use %s") % named(without))
    if end_class:
        about.append(_(CLASSES.get(end_class, end_class)))
    if within is not None:
        about.append(_("within %s months") % within)
    if day is not None:
        about.append(_("paid on day %s") % day)
    return Listed(
        ", ".join(about), rows,
        {
            "started_on": (_("Trial from"), Kind.DAY), "ended_on": (_("to"), Kind.DAY),
            "card": (_("Card"), Kind.TEXT), "paid_on": (_("First paid"), Kind.DAY),
            "days_to_pay": (_("Days to pay"), Unit.COUNT), "left_on": (_("Left"), Kind.DAY),
            "end_class": (_("Class of end"), Kind.TEXT),
        },
        ask.url("/trials") + _anchor(ask), sql=found.sql, beside=_beside(ask, part),
    )


def _anchor(ask: Ask) -> str:
    for option, anchor in (("feature", "#used"), ("without", "#used"), ("within", "#left"),
                           ("on_day", "#times"), ("card", "#cards")):
        if option in ask.options:
            return anchor
    return "#cohorts"


def _beside(ask: Ask, part: str) -> list[tuple[str, str]]:
    """The other sides of a comparison, and what a share is of."""
    feature = ask.options.get("feature") or ask.options.get("without")
    if feature and part in ("converted", "not_converted"):
        used, unused = {"feature": feature, "without": None}, {"feature": None, "without": feature}
        texts = ((used, _("%(who)s, that used %(feature)s")),
                 (unused, _("%(who)s, that did not use %(feature)s")))
        return [
            (text % {"who": _(PARTS[one]), "feature": named(feature)},
             ask.url(part=one, **own, page=None))
            for one in ("converted", "not_converted") for own, text in texts
            if one != part or ask.options.get("feature") != own["feature"]
        ]
    others = {"converted": ("mature",), "left": ("converted",), "stayed": ("converted",)}
    return [
        (_(PARTS[one]), ask.url(part=one, page=None, end_class=None))
        for one in others.get(part, ()) if not (one == "mature" and "within" in ask.options)
        and "on_day" not in ask.options
    ]


TRIALS = Page(
    address="/trials",
    place=40,
    title=N_("Trials"),
    question=N_("Who converts from a trial, and do they stay?"),
    panels=(
        chooser(relation="trials"),
        Panel("figures", N_("Where trials stand"), N_("How many convert?"), "reading.html",
              _figures),
        COHORTS, CARDS, TIMES, USED, LEFT,
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
)
TRIAL_ACCOUNTS = rows_page(
    "/trials/accounts", _accounts, title=N_("Accounts by how their trial went"),
    group=Group.BEHAVIOUR, options=(
        "part", "cohort", "card", "feature", "without", "within", "on_day", "end_class",
    ),
)
