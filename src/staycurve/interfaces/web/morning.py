"""What a customer-success team reads in the morning: the ten metrics, the week, whom to call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from staycurve.i18n import N_
from staycurve.insights.overview.calls import Calls, calls
from staycurve.insights.overview.changes import WEEK, Changes, changes
from staycurve.insights.overview.ten import Standing, Ten, ten
from staycurve.insights.shapes import tables_of
from staycurve.insights.value.tree import tree
from staycurve.interfaces.web import aimed, numbers
from staycurve.interfaces.web.answered import sentences, table_of, tables
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.benchmarked import lines
from staycurve.interfaces.web.figures import compared_to
from staycurve.interfaces.web.metric_tree import view_of
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Card,
    Cell,
    Head,
    Line,
    Reading,
    Table,
    nothing,
    shown,
    told,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period, period_of

FIRST = 10
"""Accounts that the page lists; the insight's own page has all."""
QUOTED = 5


def _last(ask: Ask) -> Period:
    return (ask.closed or ask.periods)[-1]


def _ten(ask: Ask) -> Shown:
    last = _last(ask)
    found = answer_of(
        ask, ten, period=last.name(ask.fiscal), grain=ask.grain, compare=ask.compared_with,
    )
    before = compared_to(ask, last)
    heads = [
        Head(_("Metric"), is_text=True), Head(ask.label(last)), Head(_("Change")),
        Head(_("A year"), _("Its trend, with the lowest and highest value.")),
        Head(_("Benchmark"), is_text=True), Head(_("Why"), is_text=True),
    ]
    rows_of = [_line(ask, one, last, before) for one in found.rows]
    rows_of.append(_words_line(ask, found, before))
    reading = Reading(
        said=sentences(found), tables=[
            Table(_("Ten customer-success metrics"), heads, rows_of), *_quotes(ask, found),
        ], sql=found.sql,
    )
    extra = found.as_dict()
    rows = extra.pop("rows")
    return shown(rows, reading, extra)


def _line(ask: Ask, one: Standing, last: Period, before: Period | None) -> Line:
    metric, unit = METRICS[one.metric], Unit(one.unit)
    value = numbers.compact(one.value, unit)
    opens = ask.opens(one.metric, last) if one.value is not None else ""
    change = numbers.delta(one.value, one.before, unit, metric.better, is_significant=None)
    moved = Cell(numbers.UNKNOWN)
    if change is not None and before is not None:
        then = numbers.compact(one.before, unit, like=one.value)
        moved = Cell(
            f"{change.arrow} {change.size}", about=change.words,
            beneath=_("from %(value)s in %(period)s")
            % {"value": then, "period": ask.label(before)},
        )
    ends = ""
    if one.low is not None and one.high is not None:
        ends = _("%(low)s to %(high)s") % {
            "low": numbers.compact(one.low, unit, like=one.high),
            "high": numbers.compact(one.high, unit),
        }
    name = _(metric.label)
    why = Cell("", is_text=True)
    if change is not None:
        why = Cell(_("Why"), ask.defines(one.metric) + "#changed",
                   _("What moved %s") % name, is_text=True)
    return Line(
        Cell(name, ask.defines(one.metric), beneath=_("part of churn") if one.part_of else ""),
        [
            Cell(value, opens, numbers.full(one.value, unit, ask.currency)
                 if one.value is not None else told(one.why)),
            moved, Cell(ends, spark=numbers.sparkline(list(one.history))),
            _benchmark(ask, one), why,
        ],
    )


def _benchmark(ask: Ask, one: Standing) -> Cell:
    found = lines(ask, one.metric, value=one.value)
    if not found:
        return Cell("", is_text=True)
    first = found[0]
    return Cell(
        first.band, ask.defines(one.metric) + "#values", f"{first.level}: {first.source}",
        beneath=first.standing, is_text=True,
    )


def _words_line(ask: Ask, found: Ten, before: Period | None) -> Line:
    """The tenth: what customers wrote."""
    count = numbers.full(found.comments, Unit.COUNT)
    then = ""
    if before is not None:
        then = _("from %(value)s in %(period)s") % {
            "value": numbers.full(found.comments_before, Unit.COUNT), "period": ask.label(before),
        }
    if found.feedback_why:
        count, then = numbers.UNKNOWN, ""
    return Line(
        Cell(_("Qualitative feedback"), ask.at("/overview/ten") + "#answer"),
        [
            Cell(count, about=told(found.feedback_why) or _("Answers with a comment")),
            Cell("", beneath=then), Cell(""), Cell("", is_text=True), Cell("", is_text=True),
        ],
    )


def _quotes(ask: Ask, found: Ten) -> Sequence[Table]:
    if not found.feedback:
        return ()
    of = next(one for one in tables_of(Ten) if one.field.attribute == "feedback")
    few = replace(found, feedback=found.feedback[:QUOTED])
    return (replace(table_of(ask, of, few), is_folded=True),)


def _called(ask: Ask) -> Shown:
    found = answer_of(ask, calls)
    of = {one.field.attribute: one for one in tables_of(Calls)}
    tables = []
    if found.rows:
        few = replace(found, rows=found.rows[:FIRST])
        every = Line(
            Cell(_("All %s") % numbers.full(len(found.rows), Unit.COUNT), ask.at(calls.page)), []
        )
        tables = [
            replace(table_of(ask, of["rows"], few), title="",
                    foot=every if len(found.rows) > FIRST else None),
            replace(table_of(ask, of["signals"], found), is_folded=True),
        ]
    notes = list(map(_, found.notes))
    reading = Reading(
        said=sentences(found), tables=tables, notes=notes, why=told(found.why), sql=found.sql,
    )
    return shown([one.as_dict() for one in found.rows], reading, {"why": found.why})


def _changed(ask: Ask) -> Shown:
    found = answer_of(ask, changes)
    of = next(one for one in tables_of(Changes) if one.field.attribute == "kinds")
    week = period_of(ask.seen.last_day - dt.timedelta(days=WEEK - 1), "day")
    said = [
        _("From %(first)s to %(last)s, beside the seven days before.") % {
            "first": ask.label(week), "last": ask.label(period_of(ask.seen.last_day, "day")),
        },
        *sentences(found),
    ]
    tables = [replace(table_of(ask, of, found), title="")] if found.kinds else []
    reading = Reading(said=said, tables=tables, why=told(found.why), sql=found.sql)
    return shown([one.as_dict() for one in found.kinds], reading, {"why": found.why})


def _moves(ask: Ask) -> Shown:
    last = _last(ask)
    before = compared_to(ask, last)
    if before is None:
        found_none = nothing(ask, _("there is no period yet to compare with"))
        return replace(found_none, template="reading.html")
    found = answer_of(
        ask, tree, start=str(before.start), end=str(last.start), grain=ask.grain,
    )
    reading = Reading(said=sentences(found), tables=tables(ask, found, "linked", is_folded=True))
    extra = found.as_dict()
    rows = extra.pop("rows")
    made = shown(rows, reading, extra)
    return Shown(made.rows, {**made.view, "tree": view_of(ask, found, depth=1)}, made.extra)


MOVES = Panel(
    "moves", N_("How they move each other"),
    N_("Which parts moved MRR, retention and lifetime value?"), "tree.html", _moves, is_late=True,
)
def _aims(ask: Ask) -> Shown:
    found = [pace for pace in aimed.paces(ask) if pace.goal.is_active]
    cards = []
    for one in (aimed.told(ask, pace) for pace in found):
        goal = one.pace.goal
        note = _("%(target)s by %(until)s, %(owner)s") % {
            "target": one.target, "until": one.until, "owner": goal.owner,
        }
        if one.needed:
            note = _("%(note)s; %(needed)s a month needed from here") % {
                "note": note, "needed": one.needed,
            }
        cards.append(Card(
            goal.metric, f"{one.label}: {one.status}", one.value,
            href=ask.defines(goal.metric) if goal.metric in METRICS else "",
            why=told(one.pace.why), note=note, defined_at=ask.at("/goals", can_be_cut=False),
        ))
    return shown([pace.as_dict() for pace in found], Reading(cards=cards))


AIMS = Panel(
    "goals", N_("Goals"), N_("Are we on the way to what we set out to reach?"), "reading.html",
    _aims, is_quiet=True,
)
TEN_METRICS = Panel(
    "ten", N_("Ten customer-success metrics"), N_("Where does each stand, and how is it moving?"),
    "reading.html", _ten,
    # A year of lifetime values takes seconds where there are hundreds of thousands of accounts.
    is_late=True,
)
CALLS = Panel(
    "calls", N_("Whom to call"), N_("Which paying accounts have a signal today?"),
    "reading.html", _called,
)
CHANGES = Panel(
    "changes", N_("This week"), N_("What changed in the last seven days?"), "reading.html",
    _changed,
)
