"""Conversion, time to convert, use and leaving: panels of the page at /trials."""

from __future__ import annotations

from typing import Any

from staycurve.i18n import N_
from staycurve.insights.onboarding.trial_left import Left
from staycurve.insights.onboarding.trial_report import (
    Conversion,
    TrialReport,
    card_gap_said,
    report,
)
from staycurve.insights.shared.params import CLASS_NAMES
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.answered import told as spoken
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.drawing import picture, picture_by
from staycurve.interfaces.web.intervals import whiskers
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    between,
    count,
    gap_of,
    measure,
    month,
    named,
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
from staycurve.period import parse_period

COLOURS = {"with": "#0072B2", "without": "#E69F00", "unknown": "#8A9099"}


def trials_of(ask: Ask) -> TrialReport:
    """The report on trials in the asked segments."""
    return answer_of(ask, report)


def opens(
    ask: Ask, part: str, *, cohort: str | None = None, card: str | None = None,
    feature: str | None = None, within: int | None = None, day: int | None = None,
    end_class: str | None = None,
) -> str:
    """The address of the accounts behind a number."""
    return ask.url(
        "/trials/accounts", part=part, cohort=cohort and cohort[:7],
        card=None if card == "all" else card, feature=feature,
        within=None if within is None else str(within), on_day=None if day is None else str(day),
        end_class=end_class,
    )


def _nothing(ask: Ask, found: TrialReport) -> Shown:
    return nothing(ask, told(found.why))


def _cohorts(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = trials_of(ask)
    if not found.rows:
        return _nothing(ask, found)
    series = [charts.Series("rate", _("Conversion"), charts.ACCENT)]
    drawn, ends, rows, lines = [], {}, [], []
    for row in found.rows:
        name, own = str(row.cohort), row.rate
        href = opens(ask, "converted", cohort=name)
        rows.append({**row.as_dict(), "rows_at": href})
        is_whole = row.mature == row.trials
        if own.value is not None and own.low is not None and own.high is not None:
            ends[name, "rate"] = own.low, own.high
            about = _("%(month)s: %(share)s (%(ends)s) of %(count)s trials that have ended") % {
                "month": month(ask, name), "share": percent(own.value),
                "ends": between(own.low, own.high), "count": whole(own.size),
            }
            drawn.append(
                charts.Point(name, "rate", own.value, about, href, is_open=not is_whole)
            )
        lines.append(_line(ask, row, month(ask, name), cohort=name))
    drawing = picture(
        ask, "trials", drawn, whiskers("bars", series, ends), unit=Unit.PERCENT,
        label=_("Conversion by the month in which the trial started, with 95% intervals"),
        series=series, periods=[parse_period(str(row.month)) for row in found.rows],
        has_legend=False,
    )
    foot = _line(ask, found.whole[0], _("All"))
    return shown(rows, Reading(
        picture=drawing if drawn else None, unit=_("share of the trials that have ended"),
        tables=[Table(_("Conversion by month"), _heads(_("Started in")), lines[::-1], foot,
                      is_folded=True)],
        notes=[_(found.about), _("Months in which trials still run are drawn fainter; those "
                                    "marked with * are small.")],
    ), {"whole": [one.as_dict() for one in found.whole]})


def _heads(first: str) -> list[Head]:
    return [
        Head(first), Head(_("Trials")), Head(_("Ended")), Head(_("Converted")),
        Head(_("Conversion")),
    ]


def _line(
    ask: Ask, row: Conversion, label: str, *, cohort: str | None = None, card: str | None = None
) -> Line:
    return Line(words(label), [
        count(row.trials, opens(ask, "started", cohort=cohort, card=card)),
        count(row.mature, opens(ask, "mature", cohort=cohort, card=card)),
        count(row.converted, opens(ask, "converted", cohort=cohort, card=card)),
        measure(row.rate, opens(ask, "converted", cohort=cohort, card=card)),
    ], row.is_small)


def _cards(ask: Ask) -> Shown:
    found = trials_of(ask)
    if not found.rows:
        return _nothing(ask, found)
    rows, lines = [], []
    for card, row in found.cards.items():
        if not row.trials:
            continue
        rows.append({"card": card, **row.as_dict(), "rows_at": opens(ask, "converted", card=card)})
        lines.append(_line(ask, row, _(found.cards_labels[card]), card=card))
    foot = _line(ask, found.whole[0], _("All"))
    gap = found.card_difference
    return shown(rows, Reading(
        said=[spoken(one) for one in card_gap_said(gap)],
        tables=[Table(_("With and without a card"), _heads(_("Trial")), lines, foot)],
    ), {"difference": gap.as_dict()})


def _times(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = trials_of(ask)
    spread = {card: own for card, own in found.time_to_convert.items() if own.accounts}
    if not spread:
        return nothing(ask, told(found.why) or _("nobody has converted yet"))
    labels = {card: _(found.cards_labels[card]) for card in spread}
    series = [charts.Series(card, labels[card], COLOURS[card]) for card in spread]
    days = range(max(row.days for own in spread.values() for row in own.rows) + 1)
    at = {(card, row.days): row.accounts for card, own in spread.items()
          for row in own.rows}
    rows, drawn = [], []
    for (card, day), accounts in sorted(at.items(), key=lambda one: (one[0][1], one[0][0])):
        href = opens(ask, "converted", card=card, day=day)
        rows.append({"card": card, "days": day, "accounts": accounts, "rows_at": href})
        about = _("%(card)s, day %(day)s: %(count)s accounts") % {
            "card": labels[card], "day": day, "count": whole(accounts),
        }
        drawn.append(charts.Point(f"{day:03}", card, float(accounts), about, href))
    used = {point.period for point in drawn}
    wide = {f"{day:03}": [str(day)] for day in days if f"{day:03}" in used}
    narrow = {name: text for place, (name, text) in enumerate(wide.items()) if place % 4 == 0}
    drawing = picture_by(
        ask, "times", drawn, lambda p, f: charts.bars(p, series, f), unit=Unit.COUNT,
        label=_("Accounts that converted, by days from the trial's start to the first payment"),
        wide=wide if len(wide) <= 40 else narrow, narrow=narrow, series=series, legend=series,
    )
    lines = [
        Line(words(str(day)), [
            count(at[card, day], opens(ask, "converted", card=card, day=day))
            if (card, day) in at else Cell("")
            for card in spread
        ])
        for day in days
        if any((card, day) in at for card in spread)
    ]
    foot = Line(words(_("All")), [
        count(own.accounts, opens(ask, "converted", card=card)) for card, own in spread.items()
    ])
    heads = [Head(_("Days")), *(Head(labels[card]) for card in spread)]
    said = [
        _("%(card)s: half had paid by day %(median)s, a quarter by day %(q25)s, three quarters by "
          "day %(q75)s.") % {
            "card": labels[card], "median": own.median, "q25": own.q25, "q75": own.q75,
        }
        for card, own in spread.items()
    ]
    return shown(rows, Reading(
        said=said, picture=drawing, unit=_("accounts, by days since the trial began"),
        tables=[Table(_("Time to convert"), heads, lines, foot, is_folded=True)],
    ))


def _used(ask: Ask) -> Shown:
    found = trials_of(ask).used
    if not found.rows:
        return nothing(
            ask, _("nothing was used during a trial"), "events"
        )
    rows, lines = [], []
    for row in found.rows:
        feature = row.feature
        rows.append({**row.as_dict(), "rows_at": opens(ask, "used", feature=feature)})
        lines.append(Line(words(named(feature), opens(ask, "used", feature=feature)), [
            measure(row.converted, opens(ask, "converted", feature=feature)),
            measure(row.not_converted, opens(ask, "not_converted", feature=feature)),
            gap_of(row.difference, row.difference_low, row.difference_high, why=row.why,
                   is_named=row.is_named),
            words(_("statistically significant") if row.is_named
                  else told(row.why) or _("not statistically significant")),
        ]))
    heads = [
        Head(_("Feature")), Head(_("Used by converters")), Head(_("Used by the others")),
        Head(_("Difference, points")), Head(_("What can be said"), is_text=True),
    ]
    rest = found.rest.features
    return shown(rows, Reading(
        tables=[Table(_("Used during the trial"), heads, lines)],
        notes=[_(found.about)]
        + ([_("%s other features are not shown.") % rest] if rest else []),
    ))


def _left(ask: Ask) -> Shown:
    found = trials_of(ask)
    leaving = found.left
    if not leaving.rows:
        return _nothing(ask, found)
    labels = {"all": N_("All"), **found.cards_labels}
    rows, lines = [], []
    shown_card = ""
    for row in leaving.rows:
        card, own = row.card, row.left
        href = opens(ask, "left", card=card, within=row.months)
        rows.append({**row.as_dict(), "rows_at": href})
        curve = row.kaplan_meier
        lines.append(Line(
            words(_(labels[card]) if card != shown_card else ""),
            [
                count(row.months),
                count(row.followed, opens(ask, "converted", card=card, within=row.months)),
                measure(own, href if own.count else ""),
                share_of(curve.value, curve.low, curve.high, is_drawn=False)
                if curve else Cell(numbers.UNKNOWN),
                *(_class(ask, row, name) for name in CLASS_NAMES),
            ],
            row.is_small,
        ))
        shown_card = card
    heads = [
        Head(_("Trial")), Head(_("Within months")), Head(_("Observed that long")), Head(_("Left")),
        Head(_("Kaplan–Meier"), _("Kaplan–Meier estimate, censored accounts included")),
        *(Head(_(label)) for label in CLASS_NAMES.values()),
    ]
    return shown(rows, Reading(
        tables=[Table(_("Churn after conversion"), heads, lines)],
        notes=[_(leaving.about)],
    ))


def _class(ask: Ask, row: Left, name: str) -> Cell:
    own = row.by_class.get(name)
    if own is None:
        return Cell(percent(None))
    href = opens(ask, "left", card=row.card, within=row.months, end_class=name)
    return Cell(percent(own.value), href if own.count else "")


def _panel(name: str, title: str, question: str, show: Any) -> Panel:
    return Panel(name, title, question, "reading.html", show)


COHORTS = _panel("cohorts", N_("Conversion by month"), N_("Do newer trials convert better?"),
                 _cohorts)
CARDS = _panel("cards", N_("With and without a card"), N_("How do card trials compare?"),
               _cards)
TIMES = _panel("times", N_("Time to convert"), N_("How long does it take to convert?"), _times)
USED = _panel("used", N_("What converters used"), N_("What do converters do in the trial?"), _used)
LEFT = _panel("left", N_("Churn after conversion"), N_("Do converted accounts stay?"), _left)
