"""Stages, moves between them and stuck accounts: panels of the page at /lifecycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choosing import month_of
from staycurve.interfaces.web.cohort_grid import STEPS
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.kept import asked_of, kept
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
    rate,
    reason,
    shown,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.metrics.base import Unit
from staycurve.period import Period, parse_period

Row = Mapping[str, Any]

MONTHS = 12
SHOWN = 20
"""Stuck accounts that the panel itself lists; a page of their own lists all."""
COLOURS = {
    "awareness": "#8A9099", "consideration": "#CC79A7", "purchase": "#E69F00",
    "activation": "#009E73", "adoption": "#56B4E9", "retention": "#0072B2",
    "expansion": "#7A5195", "lapsed": "#C44E00",
}
NEW = "new"
NOBODY = N_("no account is in any stage in these months")


def name_of(ask: Ask, period: Period) -> str:
    """A month as the address of its rows names it."""
    return naming.name(period, ask.fiscal)


def _first(ask: Ask) -> Period:
    found = month_of(ask)
    for _place in range(MONTHS - 1):
        found = found.previous(ask.fiscal)
    return found


def stages_of(ask: Ask) -> dict[str, Any]:
    """Accounts and MRR by stage at the close of the asked month and of those before it."""
    first, last = str(_first(ask).start), str(month_of(ask).start)
    return kept(
        ask, "stages",
        lambda: ask.company.lifecycle.stages(
            start=first[:7], end=last[:7], **asked_of(ask)
        ).as_dict(),
        last,
    )


def moves_of(ask: Ask) -> dict[str, Any]:
    """Moves between stages in the asked month."""
    name = str(month_of(ask).start)[:7]
    return kept(
        ask, "moves",
        lambda: ask.company.lifecycle.transitions(
            start=name, end=name, **asked_of(ask)
        ).as_dict(),
        name,
    )


def stuck_of(ask: Ask) -> dict[str, Any]:
    """Accounts that are in their stage for longer than most who left it, as of now."""
    return kept(ask, "stuck", lambda: ask.company.lifecycle.stuck(**asked_of(ask)).as_dict())


def in_stage(ask: Ask, stage: str | None, period: Period) -> str:
    """The address of the accounts in a stage at the close of a month."""
    return ask.url("/lifecycle/accounts", stage=stage, period=name_of(ask, period))


def movers(ask: Ask, before: str | None = None, after: str | None = None) -> str:
    """The address of the accounts that moved in the asked month."""
    return ask.url(
        "/lifecycle/moves", before=before, after=after, period=name_of(ask, month_of(ask))
    )


def _at(rows: Sequence[Row], period: Period) -> dict[str, Row]:
    return {row["stage"]: row for row in rows if row["period"] == str(period.start)}


def _figures(ask: Ask) -> Shown:
    found = stages_of(ask)
    if not any(row["accounts"] for row in found["rows"]):
        return nothing(ask, reason(found) or _(NOBODY))
    period = month_of(ask)
    earlier = period.previous(ask.fiscal)
    now, before = _at(found["rows"], period), _at(found["rows"], earlier)
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
    for name, label, stage, stages, better in chosen:
        value = sum(now[one]["accounts"] for one in stages if one in now)
        told: dict[str, Any] = {}
        if before:
            old = sum(before[one]["accounts"] for one in stages if one in before)
            told = change(value, old, Unit.COUNT, better, _("in %s") % ask.label(earlier))
        cards.append(
            Card(name, label, whole(value), str(value), in_stage(ask, stage, period), **told)
        )
    moved = sum(row["count"] for row in moves_of(ask)["rows"])
    cards.append(Card(
        "moves", _("Moves into a stage"), whole(moved), str(moved), movers(ask),
        note=_("becoming known is one; an account may move more than once"),
    ))
    stuck = stuck_of(ask)["rows"]
    amount = numbers.compact(sum(row["mrr"] for row in stuck), Unit.MONEY)
    cards.append(Card(
        "stuck", _("Stuck accounts, as of now"), whole(len(stuck)), str(len(stuck)),
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
    if not any(row["accounts"] for row in found["rows"]):
        return nothing(ask, reason(found) or _(NOBODY))
    # Whoever has lapsed outnumbers the others, and would leave them no room in the chart.
    series = [
        charts.Series(stage, _(LABELS[stage]), COLOURS[stage])
        for stage in STAGES
        if stage != "lapsed"
    ]
    drawn, rows = [], []
    for row in found["rows"]:
        period = parse_period(row["period"][:7])
        href = in_stage(ask, row["stage"], period)
        rows.append({**row, "rows_at": href})
        if row["stage"] != "lapsed":
            about = f"{_(row['label'])}, {ask.label(period)}: {whole(row['accounts'])}"
            drawn.append(charts.Point(
                row["period"], row["stage"], float(row["accounts"]), about, href, row["open"]
            ))
    periods = [parse_period(p[:7]) for p in dict.fromkeys(row["period"] for row in rows)]
    drawing = picture(
        ask, "stages", drawn, lambda p, f: charts.bars(p, series, f), unit=Unit.COUNT,
        label=_("Accounts by stage at each month's close, without those that lapsed"),
        series=series, periods=periods,
    )
    period = month_of(ask)
    now = _at(found["rows"], period)
    lines = [
        Line(
            words(_(row["label"])),
            [
                count(row["accounts"], in_stage(ask, stage, period)),
                rate({**row, "value": row["share"]}, in_stage(ask, stage, period)),
                money(ask, row["mrr"], in_stage(ask, stage, period)),
            ],
            row["is_small"],
        )
        for stage, row in now.items()
    ]
    foot = Line(words(_("All")), [
        count(sum(row["accounts"] for row in now.values()), in_stage(ask, None, period)),
        Cell(""),
        money(ask, sum(row["mrr"] for row in now.values()), in_stage(ask, None, period)),
    ])
    heads = [Head(_("Stage")), Head(_("Accounts")), Head(_("Share")), Head(_("MRR"))]
    return shown(
        rows,
        Reading(
            picture=drawing, unit=_("accounts"),
            tables=[
                Table(_("Stages"), heads, lines, foot, title=_when(ask, period)),
                _by_month(ask, periods, found["rows"]),
            ],
            notes=[*(_(note) for note in found.get("notes", ())),
                   _("Every account is in exactly one stage. The chart leaves out who lapsed.")],
        ),
    )


def _by_month(ask: Ask, periods: Sequence[Period], rows: Sequence[Row]) -> Table:
    lines = []
    for period in reversed(periods):
        at = _at(rows, period)
        lines.append(Line(words(ask.label(period)), [
            count(at[stage]["accounts"], in_stage(ask, stage, period)) if stage in at else Cell("")
            for stage in STAGES
        ]))
    heads = [Head(_("Month")), *(Head(_(LABELS[stage])) for stage in STAGES)]
    return Table(_("Accounts by stage and month"), heads, lines, is_folded=True)


def _flow(ask: Ask) -> Shown:
    found = moves_of(ask)
    if not found["rows"]:
        return nothing(ask, reason(found) or _("nobody moved in this month"))
    rows = [
        {**row, "rows_at": movers(ask, row["from"] or NEW, row["to"])} for row in found["rows"]
    ]
    by_place = {(row["from"], row["to"]): row for row in rows}
    lines = []
    for before in (None, *STAGES):
        own = [row for row in rows if row["from"] == before]
        if not own:
            continue
        lines.append(Line(
            words(_(LABELS[before]) if before else _("Became known")),
            [
                *(_move(by_place.get((before, after)), is_same=before == after)
                  for after in STAGES),
                count(sum(row["count"] for row in own), movers(ask, before or NEW)),
            ],
            any(row["is_small"] for row in own),
        ))
    heads = [
        Head(_("From")), *(Head(_(LABELS[stage])) for stage in STAGES), Head(_("All")),
    ]
    foot = Line(words(_("Entered")), [
        *(
            count(sum(row["count"] for row in rows if row["to"] == stage),
                  movers(ask, None, stage))
            for stage in STAGES
        ),
        count(sum(row["count"] for row in rows), movers(ask)),
    ])
    return shown(
        rows,
        Reading(
            tables=[
                Table(_("Moves from stage to stage"), heads, lines, foot, kind="listed matrix"),
                _balance(ask, found["stages"]),
            ],
            notes=[_("Moves in %s, from the stage on the left to the stage above; under each, its "
                     "share of all moves out of that stage. An account that moves twice counts "
                     "twice. Rows with fewer than %s moves are marked with *.")
                   % (ask.label(month_of(ask)), 20)],
        ),
        {"stages": found["stages"]},
    )


def _move(row: Row | None, *, is_same: bool) -> Cell:
    if row is None:
        return Cell("·" if is_same else "")
    step = min(STEPS, max(1, int(row["share"] * STEPS) + 1))
    about = _("95%% interval of the share: %(low)s to %(high)s") % {
        "low": percent(row["low"]), "high": percent(row["high"])
    }
    return Cell(
        whole(row["count"]), row["rows_at"], about, beneath=percent(row["share"]), step=step
    )


def _balance(ask: Ask, rows: Sequence[Row]) -> Table:
    earlier = month_of(ask).previous(ask.fiscal)
    lines = [
        Line(words(_(row["label"])), [
            count(row["opening"], in_stage(ask, row["stage"], earlier)),
            count(row["entered"], movers(ask, None, row["stage"])),
            count(row["left"], movers(ask, row["stage"])),
            count(row["closing"], in_stage(ask, row["stage"], month_of(ask))),
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
    rows = found["rows"]
    limits = [
        Line(words(_(one["label"])), [
            count(one["threshold_days"]), count(one["stuck"], ask.url(
                "/lifecycle/stuck", stage=one["stage"]) if one["stuck"] else ""),
            money(ask, one["mrr"], ask.url(
                "/lifecycle/stuck", stage=one["stage"]) if one["stuck"] else ""),
        ])
        for one in found["thresholds"]
    ]
    most = sorted(rows, key=lambda row: (-row["mrr"], -row["days"], row["account_id"]))
    listed = [
        Line(words(row["account_id"], beneath=row["name"] or ""), [
            words(_(row["label"])), count(row["days"]), count(row["threshold_days"]),
            money(ask, row["mrr"]), words(row["owner"] or numbers.UNKNOWN),
            words(_(row["reason"])),
        ])
        for row in most[:SHOWN]
    ]
    tables = [Table(
        _("Limits by stage"),
        [Head(_("Stage")), Head(_("Days until it is long")), Head(_("Stuck")), Head(_("MRR"))],
        limits,
    )]
    if listed:
        tables.append(Table(
            _("Stuck accounts"),
            [Head(_("Account")), Head(_("Stage"), is_text=True), Head(_("Days in it")),
             Head(_("Long from")), Head(_("MRR")), Head(_("Owner"), is_text=True),
             Head(_("Why it is there"), is_text=True)],
            listed, title=_("Those with the most MRR"),
        ))
    notes = [_(found["rule"])]
    if len(rows) > SHOWN:
        notes.append(_("The %(shown)s with the most MRR of %(all)s.") % {
            "shown": SHOWN, "all": whole(len(rows))})
    why = "" if rows else reason(found) or _("nobody is stuck")
    return shown(rows, Reading(tables=tables, notes=notes, why=why), {
        "thresholds": found["thresholds"]})


FIGURES = Panel(
    "figures", N_("Where accounts stand"), N_("How many are there, and how many moved?"),
    "reading.html", _figures, is_late=True,
)
IN_STAGES = Panel(
    "stages", N_("Stages"), N_("How many accounts are in each stage?"), "reading.html", _stages,
    is_late=True,
)
FLOW = Panel(
    "flow", N_("Flow"), N_("From where to where did accounts move?"), "reading.html", _flow,
    is_late=True,
)
STUCK = Panel(
    "stuck", N_("Stuck accounts"), N_("Who is in a stage for longer than most stay in it?"),
    "reading.html", _stuck, is_late=True,
)
