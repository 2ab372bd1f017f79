"""My work at /work: alerts and tasks, those first of which the most can be kept."""

from __future__ import annotations

import datetime as dt
from typing import Any

from staycurve.actions.facts.base import FACTS
from staycurve.actions.playbooks.base import TYPES
from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import Kind
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.answered import text
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.views_page import number_of
from staycurve.metrics.base import Unit

SHOWN = 50
"""Alerts on one page: more than anybody deals with in a day."""

STATUSES = {
    "open": N_("Open"), "waiting": N_("Waiting"), "snoozed": N_("Snoozed"),
    "resolved": N_("Resolved"),
}
_DONE = {
    "resolved": N_("The alert was resolved."), "snoozed": N_("The alert was snoozed."),
    "done": N_("The task is done."),
}


def act(ask: Ask) -> str:
    """Resolve or snooze an alert, or tick a task off, as the form says; where to go then."""
    form, work = ask.form, ask.company.work
    asked, number = form.get("do", ""), number_of(form.get("id", ""))
    version = number_of(form.get("version", ""))
    if asked == "resolve":
        work.resolve(number, reason=form.get("reason", ""), by=form.get("by", ""),
                     note=form.get("note", ""), version=version)
        return ask.url(done="resolved")
    if asked == "snooze":
        work.snooze(number, until=form.get("until", ""), reason=form.get("reason", ""),
                    by=form.get("by", ""), version=version)
        return ask.url(done="snoozed")
    if asked == "done":
        work.complete(number, by=form.get("by", ""), note=form.get("note", ""), version=version)
        return ask.url(done="done")
    raise UsageError("The form asks for nothing.", hint="Send it from the page.")


def _alerts(ask: Ask) -> Shown:
    chosen = {key: ask.options.get(key, "") for key in ("owner", "type", "status")}
    if chosen["status"] not in ("", *STATUSES):
        raise UsageError(f"'{chosen['status']}' is no status.",
                         hint=f"One of: {', '.join(STATUSES)}")
    rows = ask.company.work.alerts(
        owner=chosen["owner"], kind=chosen["type"], status=chosen["status"] or "open", most=SHOWN
    )
    counts = ask.company.work.counts()
    total = sum(counts["status"].values())
    done = ask.options.get("done", "")
    return Shown(rows, {
        "alerts": [_told(ask, one) for one in rows], "chosen": chosen,
        "owners": [(one, n) for one, n in counts["owner"].items()],
        "types": [(one, _(TYPES.get(one, one)), n) for one, n in counts["type"].items()],
        "statuses": [(one, _(label), counts["status"].get(one, 0))
                     for one, label in STATUSES.items() if one != "resolved"],
        "total": total, "fault": ask.fault, "done": _(_DONE[done]) if done in _DONE else "",
    })


def _told(ask: Ask, one: dict[str, Any]) -> dict[str, Any]:
    account = one["account_id"]
    return {
        "id": one["id"], "version": one["version"], "name": one["name"] or account,
        "href": account_at(ask, account), "type": _(TYPES.get(one["type"], one["type"])),
        "playbook": one["playbook"], "playbook_at": ask.at(f"/playbooks/{one['playbook']}"),
        "owner": one["owner"], "status": _(STATUSES[one["status"]]),
        "due": text(dt.date.fromisoformat(one["due_on"]), Kind.DAY),
        "mrr": numbers.full(one["mrr"], Unit.MONEY, ask.currency),
        "rank": numbers.full(one["rank"], Unit.MONEY, ask.currency),
        "chance": numbers.compact(one["chance"], Unit.PERCENT),
        "can_do": numbers.compact(one["can_do"], Unit.PERCENT),
        "reasons": [(reason, reason.replace("_", " ")) for reason in one["reasons"]],
        "evidence": [
            (proof["playbook"], ", ".join(
                _fact(ask, fact, value) for fact, value in proof["facts"].items()
            )) for proof in one["evidence"]
        ],
    }


def _fact(ask: Ask, name: str, value: Any) -> str:
    """A fact with its label, and its value in its unit."""
    found = FACTS[name] if "." not in name and name in FACTS else None
    label = _(found.label) if found else name
    if found and found.unit and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{label}: {numbers.full(value, found.unit, ask.currency)}"
    return f"{label}: {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _tasks(ask: Ask) -> Shown:
    rows = ask.company.work.tasks(owner=ask.options.get("owner", ""), most=SHOWN)
    return Shown(rows, {"tasks": [
        one | {"href": account_at(ask, one["account_id"]),
               "due": text(dt.date.fromisoformat(one["due_on"]), Kind.DAY)} for one in rows
    ]})


MY_WORK = Page(
    address="/work",
    place=12,
    title=N_("My work"),
    question=N_("What is to be done first, and for whom?"),
    panels=(
        Panel("alerts", N_("Alerts"),
              N_("MRR at stake × how likely × how much can be done."), "work.html", _alerts,
              options=("owner", "type", "status", "done")),
        Panel("tasks", N_("Tasks"), N_("What is due, the oldest first?"), "work_tasks.html",
              _tasks),
    ),
    has_controls=False,
    needs=(),
    group=Group.REVENUE,
    can_be_cut=False,
    takes_forms=True,
    act=act,
    is_kept=False,
)
