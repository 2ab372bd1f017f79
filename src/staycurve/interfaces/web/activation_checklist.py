"""The checklist of first steps: panels of the page at /activation, and the accounts behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.onboarding.checklist import STATES
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.kept import asked_of, kept
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
from staycurve.interfaces.web.page import Group, Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    count,
    difference,
    named,
    nothing,
    rate,
    reason,
    shown,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

Row = Mapping[str, Any]

LATER_STATES = tuple(
    f"{side}{one}" for side in ("did", "did_not") for one in ("", "_paying", "_active")
)
BESIDE = {
    "did": ("did_not",), "did_not": ("did",),
    **{
        f"{side}_{one}": (side, other, f"{other}_{one}")
        for side, other in (("did", "did_not"), ("did_not", "did")) for one in ("paying", "active")
    },
    **dict.fromkeys(("reached", "any_order", "in_window"), ("members",)),
}
"""What a state is a share of, and what it is compared with."""
OUTCOMES = {"paying": N_("Pays three months on"), "active": N_("Active three months on")}


def checklist_of(ask: Ask) -> dict[str, Any]:
    """How far accounts get along the checklist, as the command line prints it."""
    return kept(
        ask, "checklist", lambda: ask.company.onboarding.checklist(**asked_of(ask)).to_json()
    )


def _opens(ask: Ask, step: str, state: str) -> str:
    return ask.url("/activation/steps", step=step, state=state)


def _steps(ask: Ask) -> Shown:
    found = checklist_of(ask)
    if not found["rows"]:
        why = reason(found)
        return nothing(ask, why, "events")
    rows, lines = [], []
    for row in found["rows"]:
        step = row["step"]
        rows.append({
            **{key: value for key, value in row.items() if key not in OUTCOMES},
            "rows_at": _opens(ask, step, "reached"), "stopped_at": _opens(ask, step, "stopped"),
        })
        lines.append(Line(words(named(step)), [
            rate(row["in_order"], _opens(ask, step, "reached")),
            count(row["in_order"]["count"], _opens(ask, step, "reached")),
            Cell(
                numbers.full(row["stopped"], Unit.COUNT),
                _opens(ask, step, "stopped") if row["stopped"] else "",
                beneath=_("the largest loss") if row["is_largest_loss"] else "",
            ),
            rate(row["any_order"], _opens(ask, step, "any_order"), is_drawn=False),
            rate(row["in_window"], _opens(ask, step, "in_window"), is_drawn=False),
            Cell(numbers.full(row["median_hours"], Unit.RATIO)),
        ]))
    heads = [
        Head(_("Step")), Head(_("Reached in order")), Head(_("Accounts")),
        Head(_("Stopped before it"), _("Did all steps before in order, and not this one")),
        Head(_("In any order")), Head(_("Within %s days") % found["window_days"]),
        Head(_("Hours after the step before"), _("The median of those who got there in order")),
    ]
    worst = next((row for row in found["rows"] if row["is_largest_loss"]), None)
    said = [_("Most accounts stop before %(step)s: %(count)s.") % {
        "step": named(worst["step"]), "count": numbers.full(worst["stopped"], Unit.COUNT),
    }] if worst else []
    return shown(rows, Reading(
        said=said, tables=[Table(_("Checklist"), heads, lines)], notes=[_(found["about"])],
    ))


def _later(ask: Ask) -> Shown:
    found = checklist_of(ask)
    if not found["rows"]:
        return nothing(ask, reason(found), "events")
    told = found["later"]
    flat, tables = [], []
    for outcome, label in OUTCOMES.items():
        lines = []
        for row in found["rows"]:
            own = row.get(outcome)
            if own is None:
                continue
            step = row["step"]
            did, others = (_opens(ask, step, f"{side}_{outcome}") for side in ("did", "did_not"))
            flat.append({
                "step": step, "outcome": outcome, **own, "rows_at": did, "others_at": others,
            })
            among = own.get("among_comparable")
            lines.append(Line(words(named(step)), [
                rate(own["users"], did), rate(own["others"], others),
                difference(own, is_named=own["verdict"] == "holds"),
                difference(among) if among else Cell(""),
                words(_(own["verdict_label"]), about=reason(own)),
            ]))
        heads = [
            Head(_("Step")), Head(_("Did it within the window")), Head(_("Did not")),
            Head(_("Difference, points")), Head(_("Among comparable accounts")),
            Head(_("What can be said"), is_text=True),
        ]
        tables.append(Table(_(label), heads, lines, title=_(label)))
    return shown(
        flat, Reading(tables=tables, notes=[_(told["about"]), _(told["method"])]),
        {"method": told["method"], "months": told["months"]},
    )


def _accounts(ask: Ask) -> Listed:
    step, state = ask.options.get("step", ""), ask.options.get("state", "reached")
    found = ask.company.onboarding.step_accounts(step, state=state, **asked_of(ask))
    steps = list(found.rows[0]["steps"]) if found.rows else []
    rows = [{**row, **{f"step_{one}": row["steps"][one] for one in steps}} for row in found.rows]
    return Listed(
        f"{named(step)}, {_(STATES[state])}",
        [{key: value for key, value in row.items() if key != "steps"} for row in rows],
        {
            "signup_on": (_("Signed up"), Kind.DAY),
            "steps_in_order": (_("Steps in order"), Unit.COUNT),
            **{f"step_{one}": (named(one), Kind.DAY) for one in steps},
        },
        ask.url("/activation") + ("#later" if state in LATER_STATES else "#checklist"),
        sql=found.sql,
        beside=[
            (f"{named(step)}, {_(STATES[one])}", ask.url(state=one, page=None))
            for one in BESIDE.get(state, ())
        ],
    )


CHECKLIST = Panel(
    "checklist", N_("Checklist"), N_("Where do new accounts stop?"), "reading.html", _steps,
    is_late=True,
)
LATER = Panel(
    "later", N_("What goes with staying"), N_("Do those who did a step stay and pay?"),
    "reading.html", _later, is_late=True,
)
ACTIVATION_STEPS = rows_page(
    "/activation/steps", _accounts, title=N_("Accounts by step of the checklist"),
    group=Group.BEHAVIOUR, options=("step", "state"),
)
