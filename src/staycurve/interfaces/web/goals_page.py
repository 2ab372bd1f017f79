"""Goals: the page at /goals, which sets, follows, drops and reviews them."""

from __future__ import annotations

from typing import Any

from staycurve.errors import ConfigError, NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web import aimed
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.views_page import number_of
from staycurve.metrics.catalogue import METRICS
from staycurve.state.records import Goal
from staycurve.workspace.dealing import by_name

_DONE = {
    "added": N_("The goal was set."), "dropped": N_("The goal was dropped."),
    "reviewed": N_("The goal was reviewed, and stands in the history."),
}
_FIELDS = ("metric", "target", "until", "owner", "source", "drop")


def act(ask: Ask) -> str:
    """Set, drop or review a goal, as the form says; where to go then."""
    form, goals = ask.form, ask.company.goals
    asked = form.get("do", "")
    if asked == "add":
        drop = form.get("drop", "")
        try:
            goals.add(
                form.get("metric", ""), form.get("target", ""), until=form.get("until", ""),
                owner=form.get("owner", ""), source=form.get("source", ""),
                drop=number_of(drop) if drop else None, by=form.get("owner", ""),
            )
        except NotAnsweredError as error:
            # People get the form back with what they wrote.
            raise UsageError(error.message, hint=error.hint) from error
        return "/goals?done=added"
    if asked == "drop":
        goals.drop(number_of(form.get("id", "")))
        return "/goals?done=dropped"
    if asked == "review":
        goals.review(
            number_of(form.get("id", "")), outcome=form.get("outcome", ""),
            note=form.get("note", ""),
        )
        return "/goals?done=reviewed"
    raise UsageError("The form asks for nothing.", hint="Send it from the page.")


def _active(ask: Ask) -> Shown:
    found = [one for one in aimed.paces(ask) if one.goal.is_active]
    known = by_name(ask.company)
    goals = [
        {"told": aimed.told(ask, one), "metric_at": _metric_at(ask, one.goal),
         "playbooks": [
             (_(known[name].title) if name in known else name,
              ask.at(f"/playbooks/{name}") if name in known else "") for name in one.playbooks
         ]} for one in found
    ]
    try:
        ask.company.goals.check()
        wrong = ""
    except ConfigError as error:
        wrong = error.message
    typed = dict(ask.form) if ask.fault and ask.form.get("do") == "add" else {}
    chosen = typed.get("metric", "")
    metrics = sorted(
        (_(metric.label), name) for name, metric in METRICS.items() if "month" in metric.grains
    )
    done = ask.options.get("done", "")
    view: dict[str, Any] = {
        "goals": goals,
        "fault": ask.fault,
        "wrong": wrong,
        "done": _(_DONE[done]) if done in _DONE else "",
        "typed": {name: typed.get(name, "") for name in _FIELDS},
        "metrics": [(name, label, name == chosen) for label, name in metrics],
    }
    return Shown([one.as_dict() for one in found], view)


def _history(ask: Ask) -> Shown:
    found = [one for one in aimed.paces(ask) if not one.goal.is_active]
    return Shown(
        [one.as_dict() for one in found], {"goals": [aimed.told(ask, one) for one in found]}
    )


def _metric_at(ask: Ask, goal: Goal) -> str:
    return ask.defines(goal.metric) if goal.metric in METRICS else ""


GOALS = Page(
    address="/goals",
    place=15,
    title=N_("Goals"),
    question=N_("What are we to reach by when, and are we on the way?"),
    panels=(
        Panel("active", N_("Active goals"), N_("Two at most: what matters now."), "goals.html",
              _active),
        Panel("history", N_("History"), N_("What became of earlier ones?"), "goals_past.html",
              _history, is_quiet=True),
    ),
    has_controls=False,
    needs=(),
    group=Group.REVENUE,
    options=("done",),
    can_be_cut=False,
    takes_forms=True,
    act=act,
)
