"""How new accounts reach first value: the page at /activation."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.onboarding.onboarding import Days, time_to_value
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.activation_checklist import CHECKLIST, LATER
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import chooser, last_closed
from staycurve.interfaces.web.drawing import picture, picture_by
from staycurve.interfaces.web.intervals import band, whiskers
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Card,
    Cell,
    Head,
    Line,
    Reading,
    Table,
    about_95,
    between,
    count,
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

MOST_DAYS = 60
"""Days of the curve that are drawn; the table has them all."""


def _opens(
    ask: Ask, part: str, cohort: str | None = None, **days: int
) -> str:
    """The address of accounts; `days` are on_day, from_day or by_day."""
    return ask.url(
        "/activation/accounts", part=part, cohort=cohort and cohort[:7],
        **{name: str(day) for name, day in days.items()},
    )


def _figures(ask: Ask) -> Shown:
    found = answer_of(ask, time_to_value)
    if not found.whole:
        return nothing(ask, told(found.why), "events")
    all_of = found.whole[0]
    shares, median = all_of.rate, all_of.median
    waiting = all_of.size - all_of.activated
    late = shares.size - shares.count
    ends = ""
    if median.low is not None:
        ends = _("95%% interval: %(low)s to %(high)s days") % {
            "low": median.low, "high": median.high if median.high is not None else "…",
        }
    cards = [
        Card("signed_up", _("Accounts that signed up"), whole(all_of.size),
             str(all_of.size), _opens(ask, "signed_up")),
        Card("activated", _("Reached first value"), whole(all_of.activated),
             str(all_of.activated), _opens(ask, "activated"),
             note=_("first value: %s") % ", ".join(named(e) for e in found.events)
             if found.events else _("first value: first activity")),
        Card("activation_rate", _("Activation rate within %s days") % found.window_days,
             percent(shares.value), str(shares.value), _opens(ask, "in_window"),
             told(shares.why), about_95(shares.low, shares.high),
             defined_at=ask.defines("activation_rate")),
        Card("median", _("Median days to first value"),
             numbers.full(median.value, Unit.COUNT), str(median.value), "#curve",
             told(median.why), ends,
             defined_at=ask.defines("time_to_first_value")),
        Card("waiting", _("Not activated yet"), whole(waiting), str(waiting),
             _opens(ask, "waiting")),
        Card("late", _("Window passed without it"), whole(late), str(late), _opens(ask, "late")),
    ]
    rows = [{"figure": card.name, "label": card.label, "value": card.full} for card in cards]
    return shown(rows, Reading(cards=cards), {
        "window_days": found.window_days, "events": found.events})


def _curve(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = answer_of(ask, time_to_value)
    if not found.whole:
        return nothing(ask, told(found.why), "events")
    curve = found.whole[0].curve
    rows = [
        {**point.as_dict(), "rows_at": _opens(ask, "activated", on_day=point.time)}
        for point in curve
    ]
    last = min(MOST_DAYS, max((point.time for point in curve), default=0))
    last = max(last, found.window_days)
    series = [charts.Series("curve", _("Share that has reached first value"), charts.ACCENT)]
    drawn, ends, at = [], {}, None
    by_day = {point.time: point for point in curve}
    for day in range(last + 1):
        at = by_day.get(day, at)
        if at is None:
            continue
        name = str(day)
        if at.low is not None:
            ends[name, "curve"] = at.low, at.high
        about = _("By day %(day)s: %(share)s (%(ends)s)") % {
            "day": day, "share": percent(at.share), "ends": between(at.low, at.high),
        }
        drawn.append(charts.Point(
            name, "curve", at.share, about, _opens(ask, "activated", by_day=day)))
    drawing = picture_by(
        ask, "curve", drawn, band(series, ends), unit=Unit.PERCENT,
        label=_("Share of accounts that have reached first value, by days since sign-up"),
        series=series, wide={str(d): [str(d)] for d in range(0, last + 1, 2)},
        narrow={str(d): [str(d)] for d in range(0, last + 1, 7)},
    )
    lines = [
        Line(words(whole(row.time)), [
            count(row.at_risk, _opens(ask, "signed_up", from_day=row.time)),
            count(row.events, _opens(ask, "activated", on_day=row.time)),
            share_of(row.share, row.low, row.high, _opens(ask, "activated", by_day=row.time)),
        ])
        for row in curve
    ]
    heads = [
        Head(_("Days since sign-up")), Head(_("Not activated yet, and seen so long")),
        Head(_("Activated on this day")), Head(_("Share activated by then")),
    ]
    notes = [_(found.about)]
    if found.unknown_signup:
        notes.append(_("Accounts whose sign-up is not known, and which are left out: %s.")
                     % whole(found.unknown_signup))
    if found.activated_before_signup:
        notes.append(_("Accounts that were there before they signed up, and count as day 0: %s.")
                     % whole(found.activated_before_signup))
    return shown(rows, Reading(
        picture=drawing if drawn else None, unit=_("share of accounts, by days since sign-up"),
        tables=[Table(_("Time to first value"), heads, lines, is_folded=True)], notes=notes,
    ))


def _months(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = answer_of(ask, time_to_value)
    if not found.rows:
        return nothing(ask, told(found.why), "events")
    series = [charts.Series("rate", _("Activation rate"), charts.ACCENT)]
    drawn, ends, rows, lines = [], {}, [], []
    for row in found.rows:
        name, share = str(row.cohort), row.rate
        href = _opens(ask, "in_window", name)
        rows.append({**row.as_dict(), "rows_at": href})
        if share.value is not None and share.low is not None and share.high is not None:
            ends[name, "rate"] = share.low, share.high
            about = f"{month(ask, name)}: {percent(share.value)} " \
                    f"({between(share.low, share.high)})"
            drawn.append(charts.Point(
                name, "rate", share.value, about, href, name > str(last_closed(ask).start)
            ))
        lines.append(Line(words(month(ask, name)), [
            count(row.size, _opens(ask, "signed_up", name)),
            count(row.activated, _opens(ask, "activated", name)),
            count(share.size, _opens(ask, "mature", name)),
            measure(share, href),
            *(_days(days) for days in (row.q25, row.median, row.q75)),
        ], row.is_small))
    drawing = picture(
        ask, "signups", drawn, whiskers("bars", series, ends), unit=Unit.PERCENT,
        label=_("Activation rate by month of sign-up, with 95% intervals"), series=series,
        periods=[parse_period(str(row.month)) for row in found.rows], has_legend=False,
    )
    heads = [
        Head(_("Signed up in")), Head(_("Accounts")), Head(_("Activated so far")),
        Head(_("Window has passed")), Head(_("Activation rate")),
        Head(_("Days: 25th percentile")), Head(_("Half")), Head(_("75th percentile")),
    ]
    return shown(rows, Reading(
        picture=drawing if drawn else None, unit=_("share of those whose window has passed"),
        tables=[Table(_("By month of sign-up"), heads, lines[::-1], is_folded=True)],
        notes=[_("The rate is of the accounts whose %s days have passed; the others are in "
                 "neither part. Months marked with * are small.") % found.window_days],
    ))


def _days(found: Days) -> Cell:
    value, low, high = found.value, found.low, found.high
    if value is None:
        return Cell(numbers.UNKNOWN, about=told(found.why))
    beneath = ""
    if low is not None:
        beneath = _("%(low)s to %(high)s") % {"low": low, "high": high if high is not None else "…"}
    return Cell(numbers.full(value, Unit.COUNT), beneath=beneath)


ACTIVATION = Page(
    address="/activation",
    place=50,
    title=N_("Activation"),
    question=N_("How fast do new accounts reach first value, and where do they stop?"),
    panels=(
        chooser(relation="signups"),
        Panel("figures", N_("Onboarding at a glance"), N_("How many reach first value?"),
              "reading.html", _figures),
        Panel("curve", N_("Time to first value"), N_("How long does it take?"), "reading.html",
              _curve),
        Panel("months", N_("By month of sign-up"), N_("Do more of the newer accounts activate?"),
              "reading.html", _months),
        CHECKLIST,
        LATER,
    ),
    has_controls=False,
    needs=("accounts", "events"),
    group=Group.BEHAVIOUR,
)
