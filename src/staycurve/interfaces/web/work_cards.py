"""Alerts and tasks as cards that can be acted on, wherever they stand."""

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
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.views_page import number_of
from staycurve.metrics.base import Unit
from staycurve.state.alerts import LEGAL
from staycurve.state.mentions import TITLE

STATUSES = {
    "open": N_("Open"), "waiting": N_("Waiting"), "snoozed": N_("Snoozed"),
    "resolved": N_("Resolved"),
}
TICKETS = {
    "asked": N_("asked for"), "open": N_("open"), "solved": N_("solved"),
}
DONE = {
    "resolved": N_("The alert was resolved."), "snoozed": N_("The alert was snoozed."),
    "done": N_("The task is done."),
}


def act_on_work(ask: Ask) -> str:
    """Resolve or snooze an alert, or tick a task off, as the form says; a key of DONE."""
    form, work = ask.form, ask.company.work
    asked, number = form.get("do", ""), number_of(form.get("id", ""))
    version = number_of(form.get("version", ""))
    if asked == "resolve":
        work.resolve(number, reason=form.get("reason", ""), by=form.get("by", ""),
                     note=form.get("note", ""), version=version)
        return "resolved"
    if asked == "snooze":
        work.snooze(number, until=form.get("until", ""), reason=form.get("reason", ""),
                    by=form.get("by", ""), version=version)
        return "snoozed"
    if asked == "done":
        work.complete(number, by=form.get("by", ""), note=form.get("note", ""), version=version)
        return "done"
    raise UsageError("The form asks for nothing.", hint="Send it from the page.")


def told_task(ask: Ask, one: dict[str, Any]) -> dict[str, Any]:
    """A task as a card shows it."""
    at, title = account_at(ask, one["account_id"]), one["title"]
    if title == TITLE:
        at, title = f"{at}#notes" if at else at, _(title)
    return one | {"href": at, "title": title,
                  "due": text(dt.date.fromisoformat(one["due_on"]), Kind.DAY)}


def told(ask: Ask, one: dict[str, Any]) -> dict[str, Any]:
    """An alert as a card shows it."""
    account = one["account_id"]
    return {
        "id": one["id"], "alert_at": ask.at(f"/alerts/{one['id']}"),
        "is_standing": one["status"] != "resolved",
        "can_snooze": "snoozed" in LEGAL[one["status"]], "version": one["version"],
        "name": one["name"] or account,
        "href": account_at(ask, account), "type": _(TYPES.get(one["type"], one["type"])),
        "playbook": one["playbook"], "playbook_at": ask.at(f"/playbooks/{one['playbook']}"),
        "owner": one["owner"], "status": _(STATUSES[one["status"]]),
        "due": text(dt.date.fromisoformat(one["due_on"]), Kind.DAY),
        "mrr": numbers.full(one["mrr"], Unit.MONEY, ask.currency),
        "rank": numbers.full(one["rank"], Unit.MONEY, ask.currency),
        "chance": numbers.compact(one["chance"], Unit.PERCENT),
        "can_do": numbers.compact(one["can_do"], Unit.PERCENT),
        "reasons": [(reason, reason.replace("_", " ")) for reason in one["reasons"]],
        "tickets": [
            (desk["desk"], desk["reference"] or "", _(TICKETS[desk["state"]]))
            for desk in one["tickets"]
        ],
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
