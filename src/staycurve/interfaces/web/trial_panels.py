"""Conversion, time to convert, use and leaving: panels of the page at /trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.drawing import picture, picture_by
from staycurve.interfaces.web.intervals import whiskers
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
    difference,
    month,
    named,
    nothing,
    percent,
    points,
    rate,
    reason,
    shown,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import parse_period

Row = Mapping[str, Any]

CLASSES = {
    "voluntary": N_("Voluntary"), "involuntary": N_("Involuntary"), "paused": N_("Paused"),
    "unknown": N_("Unknown"),
}
COLOURS = {"with": "#0072B2", "without": "#E69F00", "unknown": "#8A9099"}


def trials_of(ask: Ask) -> dict[str, Any]:
    """The report on trials, as the command line prints it."""
    return kept(ask, "trials", lambda: ask.company.trials.report(**asked_of(ask)).to_json())


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


def _nothing(ask: Ask, found: Row) -> Shown:
    return nothing(ask, reason(found))


def _cohorts(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = trials_of(ask)
    if not found["rows"]:
        return _nothing(ask, found)
    series = [charts.Series("rate", _("Conversion"), charts.ACCENT)]
    drawn, ends, rows, lines = [], {}, [], []
    for row in found["rows"]:
        name, own = row["cohort"], row["rate"]
        href = opens(ask, "converted", cohort=name)
        rows.append({**row, "rows_at": href})
        is_whole = row["mature"] == row["trials"]
        if own["value"] is not None:
            ends[name, "rate"] = own["low"], own["high"]
            about = _("%(month)s: %(share)s (%(ends)s) of %(count)s trials that have ended") % {
                "month": month(ask, name), "share": percent(own["value"]),
                "ends": between(own["low"], own["high"]), "count": whole(own["size"]),
            }
            drawn.append(
                charts.Point(name, "rate", own["value"], about, href, is_open=not is_whole)
            )
        lines.append(_line(ask, row, month(ask, name), cohort=name))
    drawing = picture(
        ask, "trials", drawn, whiskers("bars", series, ends), unit=Unit.PERCENT,
        label=_("Conversion by the month in which the trial started, with 95% intervals"),
        series=series, periods=[parse_period(row["cohort"][:7]) for row in rows],
        has_legend=False,
    )
    foot = _line(ask, found["whole"][0], _("All"))
    return shown(rows, Reading(
        picture=drawing if drawn else None, unit=_("share of the trials that have ended"),
        tables=[Table(_("Conversion by month"), _heads(_("Started in")), lines[::-1], foot,
                      is_folded=True)],
        notes=[_(found["about"]), _("Months in which trials still run are drawn fainter; those "
                                    "marked with * are small.")],
    ), {"whole": found["whole"]})


def _heads(first: str) -> list[Head]:
    return [
        Head(first), Head(_("Trials")), Head(_("Ended")), Head(_("Converted")),
        Head(_("Conversion")),
    ]


def _line(
    ask: Ask, row: Row, label: str, *, cohort: str | None = None, card: str | None = None
) -> Line:
    return Line(words(label), [
        count(row["trials"], opens(ask, "started", cohort=cohort, card=card)),
        count(row["mature"], opens(ask, "mature", cohort=cohort, card=card)),
        count(row["converted"], opens(ask, "converted", cohort=cohort, card=card)),
        rate(row["rate"], opens(ask, "converted", cohort=cohort, card=card)),
    ], row["is_small"])


def _cards(ask: Ask) -> Shown:
    found = trials_of(ask)
    if not found["rows"]:
        return _nothing(ask, found)
    rows, lines = [], []
    for card, row in found["cards"].items():
        if not row["trials"]:
            continue
        rows.append({"card": card, **row, "rows_at": opens(ask, "converted", card=card)})
        lines.append(_line(ask, row, _(found["cards_labels"][card]), card=card))
    foot = _line(ask, found["whole"][0], _("All"))
    gap = found["card_difference"]
    said = []
    if gap["difference"] is not None:
        said = [_("With a card %(gap)s points (%(low)s to %(high)s) against without: %(verdict)s.")
                % {
                    "gap": points(gap["difference"]), "low": points(gap["difference_low"]),
                    "high": points(gap["difference_high"]),
                    "verdict": reason(gap) or (
                        _("beyond chance; whoever gives a card may differ in other ways too")
                        if gap["is_named"] else _("within chance")
                    ),
                }]
    return shown(rows, Reading(
        said=said,
        tables=[Table(_("With and without a card"), _heads(_("Trial")), lines, foot)],
    ), {"difference": gap})


def _times(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = trials_of(ask)
    told = {card: own for card, own in found["time_to_convert"].items() if own["accounts"]}
    if not told:
        return nothing(ask, reason(found) or _("nobody has converted yet"))
    labels = {card: _(found["cards_labels"][card]) for card in told}
    series = [charts.Series(card, labels[card], COLOURS[card]) for card in told]
    days = range(max(row["days"] for own in told.values() for row in own["rows"]) + 1)
    at = {(card, row["days"]): row["accounts"] for card, own in told.items()
          for row in own["rows"]}
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
            for card in told
        ])
        for day in days
        if any((card, day) in at for card in told)
    ]
    foot = Line(words(_("All")), [
        count(own["accounts"], opens(ask, "converted", card=card)) for card, own in told.items()
    ])
    heads = [Head(_("Days")), *(Head(labels[card]) for card in told)]
    said = [
        _("%(card)s: half had paid by day %(median)s, a quarter by day %(q25)s, three quarters by "
          "day %(q75)s.") % {
            "card": labels[card], "median": own["median"], "q25": own["q25"], "q75": own["q75"],
        }
        for card, own in told.items()
    ]
    return shown(rows, Reading(
        said=said, picture=drawing, unit=_("accounts, by days since the trial began"),
        tables=[Table(_("Time to convert"), heads, lines, foot, is_folded=True)],
    ))


def _used(ask: Ask) -> Shown:
    found = trials_of(ask)["used"]
    if not found["rows"]:
        return nothing(
            ask, reason(found) or _("nothing was used during a trial"), "events"
        )
    rows, lines = [], []
    for row in found["rows"]:
        feature = row["feature"]
        rows.append({**row, "rows_at": opens(ask, "used", feature=feature)})
        lines.append(Line(words(named(feature), opens(ask, "used", feature=feature)), [
            rate(row["converted"], opens(ask, "converted", feature=feature)),
            rate(row["not_converted"], opens(ask, "not_converted", feature=feature)),
            difference(row, is_named=row["is_named"]),
            words(_("beyond chance") if row["is_named"]
                  else reason(row) or _("within chance")),
        ]))
    heads = [
        Head(_("Feature")), Head(_("Used by converters")), Head(_("Used by the others")),
        Head(_("Difference, points")), Head(_("What can be said"), is_text=True),
    ]
    rest = found["rest"]["features"]
    return shown(rows, Reading(
        tables=[Table(_("Used during the trial"), heads, lines)],
        notes=[_(found["about"])]
        + ([_("%s other features are not shown.") % rest] if rest else []),
    ))


def _left(ask: Ask) -> Shown:
    found = trials_of(ask)
    told = found["left"]
    if not told["rows"]:
        return _nothing(ask, found)
    labels = {"all": N_("All")} | found["cards_labels"]
    rows, lines = [], []
    shown_card = ""
    for row in told["rows"]:
        card, own = row["card"], row["left"]
        href = opens(ask, "left", card=card, within=row["months"])
        rows.append({**row, "rows_at": href})
        curve = row["kaplan_meier"]
        lines.append(Line(
            words(_(labels[card]) if card != shown_card else ""),
            [
                count(row["months"]),
                count(own["size"], opens(ask, "converted", card=card, within=row["months"])),
                rate(own, href if own["count"] else ""),
                rate(curve, is_drawn=False) if curve else Cell(numbers.UNKNOWN),
                *(_class(ask, row, name) for name in CLASSES),
            ],
            row["is_small"],
        ))
        shown_card = card
    heads = [
        Head(_("Trial")), Head(_("Within months")), Head(_("Followed so long")), Head(_("Left")),
        Head(_("By the curve"), _("Kaplan-Meier: everybody, followed long or short")),
        *(Head(_(label)) for label in CLASSES.values()),
    ]
    return shown(rows, Reading(
        tables=[Table(_("Left after the first paid day"), heads, lines)],
        notes=[_(told["about"])],
    ))


def _class(ask: Ask, row: Row, name: str) -> Cell:
    own = row["by_class"].get(name) or {"value": None, "count": 0}
    href = opens(ask, "left", card=row["card"], within=row["months"], end_class=name)
    return Cell(percent(own["value"]), href if own["count"] else "")


def _panel(name: str, title: str, question: str, show: Any) -> Panel:
    return Panel(name, title, question, "reading.html", show)


COHORTS = _panel("cohorts", N_("Conversion by month"), N_("Do newer trials convert better?"),
                 _cohorts)
CARDS = _panel("cards", N_("With and without a card"), N_("What does asking for a card go with?"),
               _cards)
TIMES = _panel("times", N_("Time to convert"), N_("When do those who convert pay?"), _times)
USED = _panel("used", N_("What converters used"), N_("What goes with converting?"), _used)
LEFT = _panel("left", N_("Leaving afterwards"), N_("Do those who convert stay?"), _left)
