"""What renews in the next days: the page at /renewals."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.account.renewals import (
    MOST,
    STATES,
    WINDOWS,
    Due,
    Renewals,
    renewals,
)
from staycurve.insights.shapes import tables_of
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.answered import sentences, table_of
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import chosen_of, switch_of
from staycurve.interfaces.web.page import Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Card,
    Head,
    Line,
    Reading,
    Table,
    count,
    money,
    nothing,
    shown,
    told,
    words,
)
from staycurve.interfaces.web.texts import _, plural
from staycurve.metrics.base import Unit
from staycurve.period import parse_period

_ALL = "all"


def _days(ask: Ask) -> int:
    text = ask.options.get("days", str(WINDOWS[-1]))
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= MOST:
        raise UsageError(f"'{text}' is not a number of days.", hint=f"Write 1 to {MOST}.")
    return int(text)


def _found(ask: Ask, *, is_whole: bool = False) -> Renewals:
    """What renews: in the asked days and state, or in all windows and states."""
    state = chosen_of(ask, "state", {_ALL: "", **STATES}, _ALL)
    return answer_of(
        ask, renewals, days=max(_days(ask), WINDOWS[-1]) if is_whole else _days(ask),
        owner=ask.options.get("owner"), state=None if is_whole or state == _ALL else state,
    )


def _figures(ask: Ask) -> Shown:
    found = _found(ask, is_whole=True)
    if found.why:
        return nothing(ask, told(found.why))
    return shown(
        [one.as_dict() for one in found.due],
        Reading(cards=[_card(ask, one) for one in found.due if one.days in WINDOWS],
                notes=sentences(found)),
        {"known_mrr": found.known_mrr, "mrr": found.mrr},
    )


def _card(ask: Ask, due: Due) -> Card:
    note = plural("%(n)s account", "%(n)s accounts", due.accounts) % {"n": due.accounts}
    if due.requested_mrr:
        note += "; " + _("%(mrr)s with a cancellation requested") % {
            "mrr": numbers.full(due.requested_mrr, Unit.MONEY, ask.currency)}
    return Card(
        f"within_{due.days}", _("Within %(days)s days, MRR") % {"days": due.days},
        f"{numbers.compact(due.mrr, Unit.MONEY)} {ask.currency}",
        numbers.full(due.mrr, Unit.MONEY, ask.currency),
        f"{ask.url(days=str(due.days), state=None)}#calendar", note=note,
    )


def _owners(ask: Ask) -> Shown:
    found = _found(ask)
    if found.why:
        return nothing(ask, told(found.why))
    heads = [
        Head(_("Owner"), is_text=True), Head(_("Accounts")), Head(_("MRR")),
        Head(_("Cancellation requested")),
    ]
    lines = []
    for one in found.owners:
        href = f"{ask.url(owner=one.owner)}#calendar" if one.owner else ""
        lines.append(Line(words(one.owner or _("(no owner)"), href), [
            count(one.accounts), money(ask, one.mrr), money(ask, one.requested_mrr),
        ]))
    foot = Line(words(_("All")), [
        count(len({row.account_id for row in found.rows})),
        money(ask, sum(one.mrr for one in found.owners)),
        money(ask, sum(one.requested_mrr for one in found.owners)),
    ])
    notes = []
    if ask.options.get("owner"):
        notes.append(_("Only accounts of %s.") % ask.options["owner"])
    return shown(
        [one.as_dict() for one in found.owners],
        Reading(tables=[Table(_("By owner"), heads, lines, foot)], notes=notes),
    )


def _calendar(ask: Ask) -> Shown:
    found = _found(ask)
    days = {str(window): _("%s days") % window for window in WINDOWS}
    days.setdefault(str(_days(ask)), _("%s days") % _days(ask))
    switches = [
        switch_of(ask, "calendar", "days", _("Days ahead"), days, str(WINDOWS[-1])),
        switch_of(ask, "calendar", "state", _("State"), {_ALL: N_("All"), **STATES}, _ALL),
    ]
    if found.why:
        return shown((), Reading(switches=switches, why=told(found.why)), {"why": found.why})
    of = next(one for one in tables_of(Renewals) if one.field.attribute == "rows")
    tables = [
        replace(
            table_of(ask, of, replace(found, rows=tuple(rows))),
            title=ask.label(parse_period(month)),
        )
        for month, rows in groupby(found.rows, key=lambda row: f"{row.renews_on:%Y-%m}")
    ]
    return shown(
        [row.as_dict() for row in found.rows],
        Reading(switches=switches, tables=tables, sql=found.sql), {"days": found.days},
    )


RENEWALS = Page(
    address="/renewals",
    place=40,
    title=N_("Renewals"),
    question=N_("What renews next, who owns it, and how is each account doing?"),
    panels=(
        Panel("figures", N_("Due"), N_("How much MRR renews, and how much of it is at risk?"),
              "reading.html", _figures),
        Panel("owners", N_("By owner"), N_("Who owns these accounts?"), "reading.html", _owners),
        Panel("calendar", N_("Calendar"), N_("Which account renews when?"), "reading.html",
              _calendar),
    ),
    has_controls=False,
    options=("days", "owner", "state"),
)
