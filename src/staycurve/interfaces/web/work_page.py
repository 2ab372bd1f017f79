"""My work at /work: alerts and tasks, those first of which the most can be kept."""

from __future__ import annotations

from staycurve.actions.playbooks.base import TYPES
from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.work_cards import DONE, STATUSES, act_on_work, told, told_task

SHOWN = 50
"""Alerts on one page: more than anybody deals with in a day."""

KEYS = (
    ("j", N_("Next")), ("k", N_("Previous")), ("Enter", N_("Open the account")),
    ("r", N_("Resolve")), ("s", N_("Snooze")), ("d", N_("Tick a task off")),
    ("?", N_("List the keys")),
)
"""What the keyboard does here, beside what every page takes; without it, Tab does."""


def act(ask: Ask) -> str:
    """Do what the form says; where to go then."""
    return ask.url(done=act_on_work(ask))


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
        "alerts": [told(ask, one) for one in rows], "chosen": chosen,
        "owners": [(one, n) for one, n in counts["owner"].items()],
        "types": [(one, _(TYPES.get(one, one)), n) for one, n in counts["type"].items()],
        "statuses": [(one, _(label), counts["status"].get(one, 0))
                     for one, label in STATUSES.items() if one != "resolved"],
        "total": total, "fault": ask.fault, "done": _(DONE[done]) if done in DONE else "",
        "at": ask.address, "has_all": False, "shortcuts": [(key, _(what)) for key, what in KEYS],
    })


def _tasks(ask: Ask) -> Shown:
    rows = ask.company.work.tasks(owner=ask.options.get("owner", ""), most=SHOWN)
    return Shown(rows, {"tasks": [told_task(ask, one) for one in rows], "at": ask.address})


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
