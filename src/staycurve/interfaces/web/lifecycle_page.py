"""Where accounts stand on their way: the page at /lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.acquisition.acquisition_rows import KINDS as REACH
from staycurve.insights.lifecycle.lifecycle import check_stage
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.acquisition_page import loaded_at
from staycurve.interfaces.web.ask import Ask, is_plain, where_text
from staycurve.interfaces.web.choosing import chooser, month_choice, month_of, months
from staycurve.interfaces.web.kept import asked_of, kept
from staycurve.interfaces.web.lifecycle_stages import (
    FIGURES,
    FLOW,
    IN_STAGES,
    NEW,
    STUCK,
    in_stage,
    stuck_of,
)
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    count,
    nothing,
    reason,
    shown,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.lifecycle_rules import LABELS
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period

Row = Mapping[str, Any]


def _times(ask: Ask) -> Shown:
    found = kept(ask, "times", lambda: ask.company.lifecycle.times(**asked_of(ask)).as_dict())
    if not found["rows"]:
        return nothing(ask, reason(found))
    lines = []
    for row in found["rows"]:
        ends = ""
        if row["low"] is not None:
            high = row["high"] if row["high"] is not None else "…"
            ends = _("%(low)s to %(high)s") % {"low": row["low"], "high": high}
        median = Cell(
            numbers.full(row["median_days"], Unit.COUNT), about=reason(row),
            beneath=ends,
        )
        lines.append(Line(
            words(_(row["label"])),
            [median, count(row["visits"], _visits_at(ask, row["stage"])),
             count(row["left"], _visits_at(ask, row["stage"], has_ended=True)),
             count(row["still"], in_stage(ask, row["stage"], months(ask)[-1]))],
            row["is_small"],
        ))
    heads = [
        Head(_("Stage")), Head(_("Median days"), _("Visits that still run count as long as they "
                                                   "have been seen")),
        Head(_("Visits")), Head(_("Ended")), Head(_("Still there")),
    ]
    return shown(found["rows"], Reading(
        tables=[Table(_("Time in each stage"), heads, lines)],
        notes=[_("An account may visit a stage several times. Under each median stands its 95% "
                 "interval.")],
    ))


def _metric_at(ask: Ask, name: str, period: Period) -> str:
    return ask.opens(name, period)


def _visits_at(ask: Ask, stage: str, *, has_ended: bool = False) -> str:
    return ask.url("/lifecycle/visits", stage=stage, ended="1" if has_ended else None)


def _indicators(ask: Ask) -> Shown:
    period = month_of(ask)
    if not all(is_plain(own) for own in ask.filters):
        raise NotAnsweredError(
            "Indicators cannot be cut by a value that holds a comma or a bar.",
            hint="Choose another segment.",
        )
    found = kept(
        ask, "indicators",
        lambda: ask.company.lifecycle.indicators(
            period=str(period.start)[:7], where=where_text(ask.filters),
            as_of=ask.seen.at.isoformat(),
        ).as_dict(),
        period,
    )
    lines, rows = [], []
    stage = ""
    for row in found["rows"]:
        metric = METRICS[row["metric"]]
        name, earlier = row["metric"], period.previous(ask.fiscal)
        opens = loaded_at if name in REACH else _metric_at
        href = opens(ask, name, period)
        rows.append({**row, "rows_at": href if row["value"] is not None else None})
        delta = numbers.delta(row["value"], row["previous"], metric.unit, metric.better)
        moved = f"{delta.arrow} {delta.size}" if delta else ""
        lines.append(Line(
            words(_(row["label"]) if row["stage"] != stage else ""),
            [
                words(_(metric.label), ask.defines(row["metric"]), about=_(row["about"])),
                Cell(
                    numbers.full(row["value"], metric.unit, ask.currency),
                    href if row["value"] is not None else "", reason(row),
                ),
                Cell(
                    numbers.full(row["previous"], metric.unit, ask.currency),
                    opens(ask, name, earlier) if row["previous"] is not None else "",
                ),
                Cell(moved, about=delta.words if delta else ""),
            ],
        ))
        stage = row["stage"]
    heads = [
        Head(_("Stage")), Head(_("Indicator"), is_text=True), Head(ask.label(period)),
        Head(ask.label(period.previous(ask.fiscal))), Head(_("Change")),
    ]
    return shown(rows, Reading(tables=[Table(_("Indicators by stage"), heads, lines)]))


def _rules(ask: Ask) -> Shown:
    told = ask.company.lifecycle.rules()
    rules = [
        Line(words(str(place)), [words(_(row["label"])), words(_(row["words"]))])
        for place, row in enumerate(told["rows"], start=1)
    ]
    limits = [
        Line(words(row["key"]), [
            Cell(str(row["value"])), Cell(str(row["default"])), words(_(row["about"])),
            words(_(row["why"])),
        ])
        for row in told["thresholds"]
    ]
    return shown(told["rows"], Reading(
        tables=[
            Table(
                _("Rules"),
                [Head("#"), Head(_("Stage"), is_text=True), Head(_("When it"), is_text=True)],
                rules, is_folded=True, title=_("The rules, in their order: the first that holds"),
            ),
            Table(
                _("Numbers in the rules"),
                [Head(_("Key")), Head(_("Now")), Head(_("Default")),
                 Head(_("Meaning"), is_text=True), Head(_("Reason"), is_text=True)],
                limits, is_folded=True, title=_("The numbers in them"),
            ),
        ],
    ), {"thresholds": told["thresholds"]})


def _accounts(ask: Ask) -> Listed:
    stage, period = ask.options.get("stage"), month_of(ask)
    check_stage(stage)
    rows = ask.company.lifecycle.accounts(stage, period=str(period.start)[:7], **asked_of(ask))
    about = _(LABELS[stage]) if stage else _("all stages")
    return Listed(
        f"{about}, {ask.label(period)}", rows,
        {
            "label": (_("Stage"), Kind.TEXT), "since": (_("Since"), Kind.DAY),
            "days": (_("Days"), Unit.COUNT), "visit": (_("Visit"), Unit.COUNT),
            "mrr": (_("MRR"), Unit.MONEY), "owner": (_("Owner"), Kind.TEXT),
            "reason": (_("Why"), Kind.TEXT),
        },
        ask.url("/lifecycle", period=ask.options.get("period")) + "#stages", ("mrr",),
    )


def _moves(ask: Ask) -> Listed:
    period = month_of(ask)
    before, after = ask.options.get("before"), ask.options.get("after")
    if before != NEW:
        check_stage(before)
    check_stage(after)
    rows = ask.company.lifecycle.movers(
        period=str(period.start)[:7], before="" if before == NEW else before, after=after,
        **asked_of(ask),
    )
    sides = [
        _("became known") if before == NEW else _("from %s") % _(LABELS[before]) if before else "",
        _("to %s") % _(LABELS[after]) if after else "",
    ]
    about = ", ".join([_("moves"), *filter(None, sides), ask.label(period)])
    return Listed(
        about, rows,
        {
            "day": (_("Day"), Kind.DAY), "from": (_("From"), Kind.TEXT),
            "to": (_("To"), Kind.TEXT), "days": (_("Days before"), Unit.COUNT),
            "owner": (_("Owner"), Kind.TEXT),
        },
        ask.url("/lifecycle", period=ask.options.get("period")) + "#flow",
    )


def _stuck(ask: Ask) -> Listed:
    stage = ask.options.get("stage")
    check_stage(stage)
    rows = [row for row in stuck_of(ask)["rows"] if stage in (None, row["stage"])]
    return Listed(
        _("stuck accounts") + (f", {_(LABELS[stage])}" if stage else ""),
        sorted(rows, key=lambda row: (-row["mrr"], -row["days"], row["account_id"])),
        {
            "label": (_("Stage"), Kind.TEXT), "since": (_("Since"), Kind.DAY),
            "days": (_("Days"), Unit.COUNT), "threshold_days": (_("Long from"), Unit.COUNT),
            "mrr": (_("MRR"), Unit.MONEY), "owner": (_("Owner"), Kind.TEXT),
            "reason": (_("Why it is there"), Kind.TEXT),
        },
        ask.url("/lifecycle") + "#stuck", ("mrr",),
    )


LIFECYCLE = Page(
    address="/lifecycle",
    place=80,
    title=N_("Lifecycle"),
    question=N_("Where do accounts stand on their way, and who is stuck?"),
    panels=(
        chooser(month_choice),
        FIGURES,
        IN_STAGES,
        FLOW,
        Panel("times", N_("Time in each stage"), N_("How long do accounts stay in a stage?"),
              "reading.html", _times, is_late=True),
        STUCK,
        Panel("indicators", N_("Indicators"), N_("How does each stage do?"), "reading.html",
              _indicators, is_late=True),
        Panel("rules", N_("Rules"), N_("When is an account in which stage?"), "reading.html",
              _rules),
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
    options=("period",),
)
LIFECYCLE_ACCOUNTS = rows_page(
    "/lifecycle/accounts", _accounts, title=N_("Accounts by stage"), group=Group.BEHAVIOUR,
    options=("period", "stage"),
)
LIFECYCLE_MOVES = rows_page(
    "/lifecycle/moves", _moves, title=N_("Accounts that moved"), group=Group.BEHAVIOUR,
    options=("period", "before", "after"),
)
LIFECYCLE_STUCK = rows_page(
    "/lifecycle/stuck", _stuck, title=N_("Stuck accounts"), group=Group.BEHAVIOUR,
    options=("period", "stage"),
)
