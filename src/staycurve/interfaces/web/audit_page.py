"""Audit: the page at /audit, which says who did and read what, newest first."""

from __future__ import annotations

from typing import Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.restated import moment
from staycurve.permissions import Permission
from staycurve.state.records import AuditEntry

SHOWN = 100
_LONGEST = 200


def _show(ask: Ask) -> Shown:
    who, what, before = (ask.options.get(name, "") for name in ("who", "what", "before"))
    if before and not (before.isascii() and before.isdigit() and len(before) <= 12):
        raise UsageError(f"'{before[:20]}' is not the number of an entry.", hint="Write a number.")
    found = ask.company.state.audit(
        most=SHOWN + 1, who=who, what=what, before=int(before) if before else None
    )
    shown = found[:SHOWN]
    older = ask.url(before=str(shown[-1].id)) if len(found) > SHOWN else ""
    return Shown(
        [one.as_dict() for one in shown],
        {"lines": [_line(ask, one) for one in shown], "who": who, "what": what, "older": older,
         "is_cut": bool(who or what or before)},
    )


def _line(ask: Ask, one: AuditEntry) -> dict[str, Any]:
    detail = ", ".join(f"{key}: {value}" for key, value in one.detail.items() if value != "")
    return {
        "entry": one, "at": moment(one.at.isoformat(), ask),
        "detail": detail if len(detail) <= _LONGEST else f"{detail[:_LONGEST]}…",
        "who_at": ask.url(who=one.who, before=None), "what_at": ask.url(what=one.what, before=None),
    }


AUDIT = Page(
    address="/audit",
    place=20,
    title=N_("Audit log"),
    question=N_("Who logged in, changed, exported or read personal data, and when?"),
    panels=(
        Panel("audit", N_("Audit log"), N_("Newest first"), "audit.html", _show),
    ),
    has_controls=False,
    needs=(),
    group=Group.PEOPLE,
    options=("who", "what", "before"),
    can_be_cut=False,
    is_kept=False,
    permission=Permission.ADMINISTER,
)
