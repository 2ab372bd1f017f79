"""Retiring: playbooks whose alerts nobody acts on, or that prove false."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from staycurve.actions.playbooks.handing import SELF
from staycurve.i18n import N_
from staycurve.state.work_models import AlertRow

LEAST = 10
"""Alerts before anything is proposed: of fewer, one more or less moves a share by over ten
points."""
IGNORED, FALSE = 0.8, 0.5
"""Shares from which a playbook is proposed for retirement: four in five alerts on which nobody
acted, or every second that was resolved as false. Lower ones propose more, and sooner."""
WAITED_DAYS = 28
"""An alert counts as ignored once it has stood, or stood, so long with nobody acting on it."""
FALSE_REASONS = ("false_alarm", "no_action_needed")
SAYS = {
    "ignored": N_("nobody acted on %(alerts)s of %(of)s alerts"),
    "false_alarms": N_("%(alerts)s of %(of)s alerts were resolved as false alarms"),
}


def proposals(rows: Iterable[AlertRow], *, on: dt.date) -> list[dict[str, Any]]:
    """Why a playbook should be retired, out of its alerts; empty where nothing speaks for it.

    Parameters
    ----------
    on : date
        Alerts that opened within the last 28 days before it may still be acted on.
    """
    opened = [row for row in rows if row.status != "waiting"]
    ripe = [row for row in opened if row.opened_on <= on - dt.timedelta(days=WAITED_DAYS)]
    judged = [row for row in opened if row.status == "resolved" and row.resolved_by != SELF]
    ignored = sum(row.acted_at is None for row in ripe)
    false = sum(row.reason in FALSE_REASONS for row in judged)
    found = []
    for kind, count, size, bar in (
        ("ignored", ignored, len(ripe), IGNORED), ("false_alarms", false, len(judged), FALSE),
    ):
        if size >= LEAST and count >= bar * size:
            found.append({"kind": kind, "alerts": count, "of": size,
                          "says": SAYS[kind] % {"alerts": count, "of": size}})
    return found
