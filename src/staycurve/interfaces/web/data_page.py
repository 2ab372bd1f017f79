"""Data: where it comes from, how fresh and complete it is, and what more would unlock."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.answers import Kind
from staycurve.interfaces import wording
from staycurve.interfaces.web import lacking, numbers, periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.matching_page import ADDRESS as MATCHING_AT
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Cell, Head, Line, Reading, Table, shown, words
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

_DIFFERENCES = {
    "listed_not_kept": N_("listed there, not here"),
    "kept_not_listed": N_("here, not listed there"),
    "announced_not_kept": N_("announced by an event, not here"),
    "named_not_kept": N_("named by another object, not here"),
    "not_conformed": N_("here, without rows"),
}
ADDRESS = "/data"


def _count(value: int | None) -> Cell:
    return Cell(numbers.full(value, Unit.COUNT))


def _instant(ask: Ask, text: str | None) -> str:
    """An instant of a source's, in the company's time zone."""
    if not text:
        return ""
    at = dt.datetime.fromisoformat(text).astimezone(ask.company.config.company.zone)
    return f"{naming.day(at.date())}, {at:%H:%M}"


def _sources(ask: Ask) -> Shown:
    found = ask.company.sources.listed()
    rows = [one.as_dict() for one in found]
    waiting, _bytes = ask.company.events.waiting()
    notes = []
    if waiting:
        notes.append(_("Requests with events that wait to be loaded: %s") % f"{waiting:,}")
    if not found:
        why = _("no source is configured; files are loaded one by one")
        return shown((), Reading(why=why, notes=notes), {"why": why})
    heads = [
        Head(_("Source"), is_text=True), Head(_("Stream"), is_text=True),
        Head(_("Feeds"), is_text=True), Head(_("Last run"), is_text=True),
        Head(_("Lag"), _("How long ago it was last read to its end without an error."),
             is_text=True),
        Head(_("Last rows"), is_text=True), Head(_("Accepted")), Head(_("Rejected")),
        Head(_("What went wrong"), is_text=True),
    ]
    lines = [
        Line(words(one.source), [
            words(one.stream), words(", ".join(one.tables)),
            words(_instant(ask, one.last_run_at) or _("never")),
            words(wording.text(one.lag_seconds, Kind.LENGTH, _)),
            words(_instant(ask, one.last_loaded_at)),
            _count(one.accepted), Cell(numbers.full(one.rejected, Unit.COUNT), (
                ask.at("/rejects", can_be_cut=False) if one.rejected else "")),
            words(one.last_error or ""),
        ])
        for one in found
    ]
    return shown(rows, Reading(tables=[Table(_("Sources"), heads, lines)], notes=notes))


def _certificate(ask: Ask) -> Shown:
    rows = ask.company.sources.certificate()
    if not rows:
        return Shown()
    open_ = [row for row in rows if not row["is_complete"]]
    said = [
        _("Everything that the sources listed is here.") if not open_
        else _("%(count)s of %(all)s kinds of object differ from what their source listed.")
        % {"count": len(open_), "all": len(rows)}
    ]
    heads = [
        Head(_("Source"), is_text=True), Head(_("Object"), is_text=True),
        Head(_("Listed"), is_text=True), Head(_("At the source")), Head(_("Here")),
        Head(_("With rows")), Head(_("Announced"), _("By events that say what was created.")),
        Head(_("What differs"), is_text=True),
    ]
    lines = [
        Line(words(row["source"]), [
            words(row["object"]), words(_instant(ask, row["listed_at"]) or _("never in full")),
            _count(row["at_source"]), _count(row["in_lake"]), _count(row["conformed"]),
            _count(row["announced"]), words(_differs(row)),
        ])
        for row in rows
    ]
    return shown(rows, Reading(said=said, tables=[Table(_("Certificate"), heads, lines)]))


def _differs(row: dict[str, Any]) -> str:
    parts = []
    for name, text in _DIFFERENCES.items():
        if row["counts"].get(name):
            ids = ", ".join(row[name][:3])
            parts.append(f"{_(text)}: {row['counts'][name]:,} ({ids})")
    return "; ".join(parts)


def _matching(ask: Ask) -> Shown:
    """How many accounts may be one; nothing where no source is matched."""
    counted = Counter(one.state for one in ask.company.matching.listed())
    if not counted:
        return Shown()
    at = ask.at(MATCHING_AT, can_be_cut=False)
    names = {"open": _("To be decided"), "merged": _("Merged"), "apart": _("Kept apart"),
             "waiting": _("Cannot be merged now")}
    rows = [{"state": state, "pairs": counted[state]} for state in names if counted[state]]
    heads = [Head(_("State"), is_text=True), Head(_("Pairs of accounts"))]
    lines = [
        Line(words(names[state]), [Cell(numbers.full(counted[state], Unit.COUNT), at)])
        for state in names if counted[state]
    ]
    return shown(rows, Reading(tables=[Table(_("Matching review"), heads, lines)]))


def _rejected(ask: Ask) -> Shown:
    found = ask.company.rejects()
    counted = Counter((one["table"], one["rule"], one["state"]) for one in found)
    rows = [
        {"table": table, "rule": rule, "state": state, "rows": count}
        for (table, rule, state), count in counted.most_common()
    ]
    if not rows:
        return Shown()
    heads = [
        Head(_("Table"), is_text=True), Head(_("Rows")), Head(_("Rule"), is_text=True),
        Head(_("State"), is_text=True),
    ]
    lines = [
        Line(words(row["table"]), [
            Cell(numbers.full(row["rows"], Unit.COUNT), ask.at("/rejects", can_be_cut=False)),
            words(row["rule"] or ""), words(row["state"] or ""),
        ])
        for row in rows
    ]
    return shown(rows, Reading(tables=[Table(_("Rejected rows"), heads, lines)]))


def _unlocks(ask: Ask) -> Shown:
    from staycurve.interfaces.web.pages import every_page

    listed = lacking.checklist(ask.company, (), every_page())["lines"]
    rows = [
        {"table": one.table, "is_loaded": bool(one.rows),
         "unlocks": [address for address, _title in one.pages]}
        for one in listed
    ]
    heads = [Head(_("Table"), is_text=True), Head(_("Rows")), Head(_("Unlocks"), is_text=True)]
    lines = [
        Line(words(one.table, about=one.about), [
            Cell(one.rows or _("not loaded")),
            words("; ".join(filter(None, [", ".join(t for _a, t in one.pages), one.metrics]))),
        ])
        for one in listed
    ]
    return shown(rows, Reading(tables=[Table(_("What is loaded"), heads, lines)]))


def _fresh(ask: Ask) -> Shown:
    """Each source in one line, for the overview; nothing where none is configured."""
    streams = ask.company.sources.listed()
    # Every overview has this: what was certified is read, not counted anew.
    certified = ask.company.sources.certified()
    rows, lines = [], []
    for name in dict.fromkeys(one.source for one in streams):
        own = [one for one in streams if one.source == name]
        runs = [one.last_run_at for one in own]
        last = None if None in runs else min(run for run in runs if run)
        wrong = sum(one.last_error is not None for one in own)
        is_complete = certified.get(name)
        rows.append({
            "source": name, "last_run_at": last, "streams_with_errors": wrong,
            "is_complete": is_complete,
        })
        lines.append(Line(words(name, ask.at(ADDRESS, can_be_cut=False)), [
            words(_instant(ask, last) or _("not read in full yet")),
            words("" if is_complete is None else _("complete") if is_complete
                  else _("some kinds of object differ")),
            words(_("%s streams failed") % wrong if wrong else ""),
        ]))
    heads = [
        Head(_("Source"), is_text=True), Head(_("Read until"), is_text=True),
        Head(_("Completeness"), is_text=True), Head(_("Errors"), is_text=True),
    ]
    return shown(rows, Reading(tables=[Table(_("Sources"), heads, lines)]))


FRESH = Panel(
    "fresh", N_("Sources"), N_("How fresh and complete is what they bring?"), "reading.html",
    _fresh, is_quiet=True, needs_data=False,
)
DATA = Page(
    address=ADDRESS,
    place=5,
    title=N_("Data"),
    question=N_("Where does the data come from, how fresh and complete is it, what is missing?"),
    panels=(
        Panel("sources", N_("Sources"), N_("When was each last read, and what did it bring?"),
              "reading.html", _sources),
        Panel("certificate", N_("Completeness"),
              N_("Is everything here that the source has?"), "reading.html", _certificate,
              is_quiet=True),
        Panel("matching", N_("Matching review"),
              N_("Which accounts of different sources are one customer?"), "reading.html",
              _matching, is_quiet=True),
        Panel("rejected", N_("Rejected rows"), N_("What was not loaded, and why?"),
              "reading.html", _rejected, is_quiet=True),
        Panel("unlocks", N_("What is loaded"), N_("What would more data unlock?"),
              "reading.html", _unlocks),
    ),
    has_controls=False,
    needs=(),
    group=Group.DATA,
    can_be_cut=False,
    is_kept=False,
)
