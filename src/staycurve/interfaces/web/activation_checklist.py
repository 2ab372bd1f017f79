"""The checklist of first steps: panels of the page at /activation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from staycurve.i18n import N_
from staycurve.insights.onboarding.checklist import Step, checklist
from staycurve.insights.statistics.association import Association
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    compared,
    count,
    measure,
    named,
    nothing,
    shown,
    told,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

OUTCOMES: Mapping[str, tuple[str, Callable[[Step], Association | None]]] = {
    "paying": (N_("Paying after three months"), lambda step: step.paying),
    "active": (N_("Active after three months"), lambda step: step.active),
}


def _opens(ask: Ask, step: str, state: str) -> str:
    return ask.url("/activation/steps", step=step, state=state)


def _steps(ask: Ask) -> Shown:
    found = answer_of(ask, checklist)
    if not found.rows:
        return nothing(ask, told(found.why), "events")
    rows, lines = [], []
    for row in found.rows:
        step = row.step
        rows.append({
            **{key: value for key, value in row.as_dict().items() if key not in OUTCOMES},
            "rows_at": _opens(ask, step, "reached"), "stopped_at": _opens(ask, step, "stopped"),
        })
        lines.append(Line(words(named(step)), [
            measure(row.in_order, _opens(ask, step, "reached")),
            count(row.in_order.count, _opens(ask, step, "reached")),
            Cell(
                numbers.full(row.stopped, Unit.COUNT),
                _opens(ask, step, "stopped") if row.stopped else "",
                beneath=_("largest drop-off") if row.is_largest_loss else "",
            ),
            measure(row.any_order, _opens(ask, step, "any_order"), is_drawn=False),
            measure(row.in_window, _opens(ask, step, "in_window"), is_drawn=False),
            Cell(numbers.full(row.median_hours, Unit.RATIO)),
        ]))
    heads = [
        Head(_("Step")), Head(_("Reached in order")), Head(_("Accounts")),
        Head(_("Stopped before this step"), _("Did all steps before in order, and not this one")),
        Head(_("In any order")), Head(_("Within %s days") % found.window_days),
        Head(_("Hours after the step before"), _("The median of those who reached it in order")),
    ]
    worst = next((row for row in found.rows if row.is_largest_loss), None)
    said = [_("Most accounts stop before %(step)s: %(count)s.") % {
        "step": named(worst.step), "count": numbers.full(worst.stopped, Unit.COUNT),
    }] if worst else []
    return shown(rows, Reading(
        said=said, tables=[Table(_("Checklist"), heads, lines)], notes=[_(found.about)],
    ))


def _later(ask: Ask) -> Shown:
    found = answer_of(ask, checklist)
    if not found.rows:
        return nothing(ask, told(found.why), "events")
    later = found.later
    flat, tables = [], []
    for outcome, (label, of) in OUTCOMES.items():
        lines = []
        for row in found.rows:
            own = of(row)
            if own is None:
                continue
            step = row.step
            did, others = (_opens(ask, step, f"{side}_{outcome}") for side in ("did", "did_not"))
            flat.append({
                "step": step, "outcome": outcome, **own.as_dict(), "rows_at": did,
                "others_at": others,
            })
            lines.append(Line(words(named(step)), [
                measure(own.users, did), measure(own.others, others), *compared(own),
            ]))
        heads = [
            Head(_("Step")), Head(_("Did it within the window")), Head(_("Did not")),
            Head(_("Difference, points")), Head(_("Among comparable accounts")),
            Head(_("What can be said"), is_text=True),
        ]
        tables.append(Table(_(label), heads, lines, title=_(label)))
    return shown(
        flat, Reading(tables=tables, notes=[_(later.about), _(later.method)]),
        {"method": later.method, "months": later.months},
    )


CHECKLIST = Panel(
    "checklist", N_("Checklist"), N_("Where do new accounts stop?"), "reading.html", _steps,
    is_late=True,
)
LATER = Panel(
    "later", N_("Steps and retention"), N_("Do accounts that did a step stay and pay?"),
    "reading.html", _later, is_late=True,
)
