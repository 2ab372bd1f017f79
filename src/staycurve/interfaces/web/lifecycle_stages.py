"""Stages, moves between them and stuck accounts: panels of the page at /lifecycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.lifecycle.lifecycle import NEW
from staycurve.insights.lifecycle.stages import StageAtClose, Stages, stages
from staycurve.insights.lifecycle.stuck import Stuck, stuck
from staycurve.insights.lifecycle.transitions import Move, StageFlow, Transitions, transitions
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.accounts_at import account_cell
from staycurve.interfaces.web.answered import sentences
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import month_of
from staycurve.interfaces.web.cohort_grid import STEPS
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Card,
    Cell,
    Head,
    Line,
    Reading,
    Table,
    change,
    count,
    money,
    nothing,
    percent,
    share_of,
    shown,
    told,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.metrics.base import Unit
from staycurve.period import Period, parse_period

MONTHS = 12
SHOWN = 20
"""Stuck accounts that the panel itself lists; a page of their own lists all."""
COLOURS = {
    "awareness": "#8A9099", "consideration": "#CC79A7", "purchase": "#E69F00",
    "activation": "#009E73", "adoption": "#56B4E9", "retention": "#0072B2",
    "expansion": "#7A5195", "lapsed": "#C44E00",
}
NOBODY = N_("no account is in any stage in these months")


def name_of(ask: Ask, period: Period) -> str:
    """A month as the address of its rows names it."""
    return naming.name(period, ask.fiscal)


def _first(ask: Ask) -> Period:
    found = month_of(ask)
    for _place in range(MONTHS - 1):
        found = found.previous(ask.fiscal)
    return found


def stages_of(ask: Ask) -> Stages:
    """Accounts and MRR by stage at the close of the asked month and of those before it."""
    first, last = str(_first(ask).start), str(month_of(ask).start)
    return answer_of(ask, stages, start=first[:7], end=last[:7])


def moves_of(ask: Ask) -> Transitions:
    """Moves between stages in the asked month."""
    name = str(month_of(ask).start)[:7]
    return answer_of(ask, transitions, start=name, end=name)


def stuck_of(ask: Ask) -> Stuck:
    """Accounts that are in their stage for longer than most who left it, as of now."""
    return answer_of(ask, stuck)


def in_stage(ask: Ask, stage: str | None, period: Period) -> str:
    """The address of the accounts in a stage at the close of a month."""
    return ask.url("/lifecycle/accounts", stage=stage, period=name_of(ask, period))


def movers(ask: Ask, before: str | None = None, after: str | None = None) -> str:
    """The address of the accounts that moved in the asked month."""
    return ask.url(
        "/lifecycle/moves", before=before, after=after, period=name_of(ask, month_of(ask))
    )


def _at(rows: Sequence[StageAtClose], period: Period) -> dict[str, StageAtClose]:
    return {row.stage: row for row in rows if row.period == period.start}


def _figures(ask: Ask) -> Shown:
    found = stages_of(ask)
    if not any(row.accounts for row in found.rows):
        return nothing(ask, told(found.why) or _(NOBODY))
    period = month_of(ask)
    earlier = period.previous(ask.fiscal)
    now, before = _at(found.rows, period), _at(found.rows, earlier)
    chosen: list[tuple[str, str, str | None, Sequence[str], str]] = [
        ("known", _("Accounts that are known"), None, STAGES, "higher"),
        *(
            (stage, _("Stage: %s") % _(LABELS[stage]).lower(), stage, (stage,), better)
            for stage, better in (
                ("activation", "neutral"), ("expansion", "higher"), ("lapsed", "neutral")
            )
        ),
    ]
    cards = []
    for name, label, stage, counted, better in chosen:
        value = sum(now[one].accounts for one in counted if one in now)
        moved_by: dict[str, Any] = {}
        if before:
            old = sum(before[one].accounts for one in counted if one in before)
            moved_by = change(value, old, Unit.COUNT, better, _("in %s") % ask.label(earlier))
        cards.append(
            Card(name, label, whole(value), str(value), in_stage(ask, stage, period), **moved_by)
        )
    moved = sum(row.count for row in moves_of(ask).rows)
    cards.append(Card(
        "moves", _("Moves into a stage"), whole(moved), str(moved), movers(ask),
        note=_("becoming known is one; an account may move more than once"),
    ))
    late = stuck_of(ask).rows
    amount = numbers.compact(sum(row.mrr for row in late), Unit.MONEY)
    cards.append(Card(
        "stuck", _("Stuck accounts, as of now"), whole(len(late)), str(len(late)),
        ask.url("/lifecycle/stuck"),
        note=_("%(amount)s %(currency)s of MRR") % {"amount": amount, "currency": ask.currency},
    ))
    rows = [{"figure": card.name, "label": card.label, "value": card.full} for card in cards]
    return shown(rows, Reading(cards=cards, when=_when(ask, period)))


def _when(ask: Ask, period: Period) -> str:
    if ask.seen.is_open(period):
        return _("%s, to date") % ask.label(period)
    return _("At the close of %s") % ask.label(period)


def _stages(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = stages_of(ask)
    if not any(row.accounts for row in found.rows):
        return nothing(ask, told(found.why) or _(NOBODY))
    # Whoever has lapsed outnumbers the others, and would leave them no room in the chart.
    series = [
        charts.Series(stage, _(LABELS[stage]), COLOURS[stage])
        for stage in STAGES
        if stage != "lapsed"
    ]
    drawn, rows = [], []
    for row in found.rows:
        period = parse_period(str(row.period)[:7])
        href = in_stage(ask, row.stage, period)
        rows.append({**row.as_dict(), "rows_at": href})
        if row.stage != "lapsed":
            about = f"{_(row.label)}, {ask.label(period)}: {whole(row.accounts)}"
            drawn.append(charts.Point(
                str(row.period), row.stage, float(row.accounts), about, href, row.open
            ))
    periods = [parse_period(p[:7]) for p in dict.fromkeys(str(row.period) for row in found.rows)]
    drawing = picture(
        ask, "stages", drawn, lambda p, f: charts.bars(p, series, f), unit=Unit.COUNT,
        label=_("Accounts by stage at each month's close, without those that lapsed"),
        series=series, periods=periods,
    )
    period = month_of(ask)
    now = _at(found.rows, period)
    lines = [
        Line(
            words(_(row.label)),
            [
                count(row.accounts, in_stage(ask, stage, period)),
                share_of(row.share, row.low, row.high, in_stage(ask, stage, period)),
                money(ask, row.mrr, in_stage(ask, stage, period)),
            ],
            row.is_small,
        )
        for stage, row in now.items()
    ]
    foot = Line(words(_("All")), [
        count(sum(row.accounts for row in now.values()), in_stage(ask, None, period)),
        Cell(""),
        money(ask, sum(row.mrr for row in now.values()), in_stage(ask, None, period)),
    ])
    heads = [Head(_("Stage")), Head(_("Accounts")), Head(_("Share")), Head(_("MRR"))]
    return shown(
        rows,
        Reading(
            picture=drawing, unit=_("accounts"),
            tables=[
                Table(_("Stages"), heads, lines, foot, title=_when(ask, period)),
                _by_month(ask, periods, found.rows),
            ],
            notes=[*(_(note) for note in found.notes),
                   _("Every account is in exactly one stage. The chart leaves out who lapsed.")],
        ),
    )


def _by_month(ask: Ask, periods: Sequence[Period], rows: Sequence[StageAtClose]) -> Table:
    lines = []
    for period in reversed(periods):
        at = _at(rows, period)
        lines.append(Line(words(ask.label(period)), [
            count(at[stage].accounts, in_stage(ask, stage, period)) if stage in at else Cell("")
            for stage in STAGES
        ]))
    heads = [Head(_("Month")), *(Head(_(LABELS[stage])) for stage in STAGES)]
    return Table(_("Accounts by stage and month"), heads, lines, is_folded=True)


def _flow(ask: Ask) -> Shown:
    found = moves_of(ask)
    if not found.rows:
        return nothing(ask, told(found.why) or _("nobody moved in this month"))
    rows = found.rows
    by_place = {(row.before, row.after): row for row in rows}
    lines = []
    for before in (None, *STAGES):
        own = [row for row in rows if row.before == before]
        if not own:
            continue
        lines.append(Line(
            words(_(LABELS[before]) if before else _("Became known")),
            [
                *(_move(ask, by_place.get((before, after)), is_same=before == after)
                  for after in STAGES),
                count(sum(row.count for row in own), movers(ask, before or NEW)),
            ],
            any(row.is_small for row in own),
        ))
    heads = [
        Head(_("From")), *(Head(_(LABELS[stage])) for stage in STAGES), Head(_("All")),
    ]
    foot = Line(words(_("Entered")), [
        *(
            count(sum(row.count for row in rows if row.after == stage),
                  movers(ask, None, stage))
            for stage in STAGES
        ),
        count(sum(row.count for row in rows), movers(ask)),
    ])
    return shown(
        [{**row.as_dict(), "rows_at": movers(ask, row.came_from, row.after)} for row in rows],
        Reading(
            tables=[
                Table(_("Moves from stage to stage"), heads, lines, foot, kind="listed matrix"),
                _balance(ask, found.stages),
            ],
            notes=[_("Moves in %s, from the stage on the left to the stage above; under each, its "
                     "share of all moves out of that stage. An account that moves twice counts "
                     "twice. Rows with fewer than %s moves are marked with *.")
                   % (ask.label(month_of(ask)), 20)],
        ),
        {"stages": [one.as_dict() for one in found.stages]},
    )


def _move(ask: Ask, row: Move | None, *, is_same: bool) -> Cell:
    if row is None:
        return Cell("·" if is_same else "")
    step = min(STEPS, max(1, int((row.share or 0) * STEPS) + 1))
    about = _("95%% interval of the share: %(low)s to %(high)s") % {
        "low": percent(row.low), "high": percent(row.high)
    }
    return Cell(
        whole(row.count), movers(ask, row.came_from, row.after), about,
        beneath=percent(row.share), step=step,
    )


def _balance(ask: Ask, rows: Sequence[StageFlow]) -> Table:
    earlier = month_of(ask).previous(ask.fiscal)
    lines = [
        Line(words(_(row.label)), [
            count(row.opening, in_stage(ask, row.stage, earlier)),
            count(row.entered, movers(ask, None, row.stage)),
            count(row.left, movers(ask, row.stage)),
            count(row.closing, in_stage(ask, row.stage, month_of(ask))),
        ])
        for row in rows
    ]
    heads = [
        Head(_("Stage")), Head(_("At the opening")), Head(_("Entered")), Head(_("Left")),
        Head(_("At the close")),
    ]
    return Table(
        _("Opening, moves and close"), heads, lines, is_folded=True,
        title=_("Opening + entered − left = close"),
    )


def _stuck(ask: Ask) -> Shown:
    found = stuck_of(ask)
    rows = found.rows
    limits = [
        Line(words(_(one.label)), [
            count(one.threshold_days), count(one.stuck, ask.url(
                "/lifecycle/stuck", stage=one.stage) if one.stuck else ""),
            money(ask, one.mrr, ask.url(
                "/lifecycle/stuck", stage=one.stage) if one.stuck else ""),
        ])
        for one in found.thresholds
    ]
    listed = [
        Line(account_cell(ask, row.account_id, row.name), [
            words(_(row.label)), count(row.days), count(row.threshold_days),
            money(ask, row.mrr), words(row.owner or numbers.UNKNOWN),
            words(_(row.reason)),
        ])
        for row in rows[:SHOWN]
    ]
    tables = [Table(
        _("Limits by stage"),
        [Head(_("Stage")), Head(_("Stuck after (days)")), Head(_("Stuck")), Head(_("MRR"))],
        limits,
    )]
    if listed:
        tables.append(Table(
            _("Stuck accounts"),
            [Head(_("Account")), Head(_("Stage"), is_text=True), Head(_("Days in it")),
             Head(_("Stuck after (days)")), Head(_("MRR")), Head(_("Owner"), is_text=True),
             Head(_("Why it is there"), is_text=True)],
            listed, title=_("Those with the most MRR"),
        ))
    notes = sentences(found)
    if len(rows) > SHOWN:
        notes.append(_("The %(shown)s with the most MRR of %(all)s.") % {
            "shown": SHOWN, "all": whole(len(rows))})
    why = "" if rows else told(found.why) or _("nobody is stuck")
    return shown([row.as_dict() for row in rows], Reading(tables=tables, notes=notes, why=why), {
        "thresholds": [one.as_dict() for one in found.thresholds]})


FIGURES = Panel(
    "figures", N_("Accounts at a glance"), N_("How many accounts are there, and how many moved?"),
    "reading.html", _figures, is_late=True,
)
IN_STAGES = Panel(
    "stages", N_("Stages"), N_("How many accounts are in each stage?"), "reading.html", _stages,
    is_late=True,
)
FLOW = Panel(
    "flow", N_("Flow"), N_("Between which stages did accounts move?"), "reading.html", _flow,
    is_late=True,
)
STUCK = Panel(
    "stuck", N_("Stuck accounts"), N_("Who has been in a stage for longer than most?"),
    "reading.html", _stuck, is_late=True,
)
