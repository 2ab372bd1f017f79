"""People: the page at /people, where an admin adds who may log in, and changes what they may."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.access import ALLOWS, CURRENT
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.restated import moment
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.views_page import number_of
from staycurve.login_settings import LOGIN
from staycurve.permissions import ROLES, Permission
from staycurve.state.records import Key, Person

ROLE_LABELS = {
    "viewer": N_("Viewer"), "analyst": N_("Analyst"), "operator": N_("Operator"),
    "admin": N_("Admin"),
}
_STATUS = {"active": N_("Active"), "invited": N_("Invited"), "disabled": N_("Disabled")}
_DONE = {
    "added": N_("The person was added."), "role": N_("The role was changed."),
    "disabled": N_("The person was disabled, and their sessions have ended."),
    "enabled": N_("The person was enabled."), "linked": N_("A new link was made."),
    "revoked": N_("The key was revoked."),
}
_LINKS: OrderedDict[str, tuple[str, str]] = OrderedDict()
"""Links that were made a moment ago, by a random name: each is shown once, to who made it."""
_LOCK = threading.Lock()
_MOST = 50


def act(ask: Ask) -> str:
    """Add or change somebody, as the form says; where to go then."""
    form, people = ask.form, ask.company.state.people
    asked, by = form.get("do", ""), CURRENT.get().name
    if asked == "add":
        made = people.add(form.get("email", ""), form.get("role", ""), by=by)
        return _linked(ask, made, "invitation", "added", by)
    if asked == "revoke":
        ask.company.state.revoke_key(str(number_of(form.get("id", ""))), by=by)
        return "/people?done=revoked"
    named = str(number_of(form.get("id", "")))
    if asked == "role":
        people.set_role(named, form.get("role", ""), by=by)
        return "/people?done=role"
    if asked == "disable":
        people.disable(named, by=by)
        return "/people?done=disabled"
    if asked == "enable":
        people.enable(named, by=by)
        return "/people?done=enabled"
    if asked in ("invitation", "reset"):
        found = next((one for one in people.listed() if str(one.id) == named), None)
        if found is None:
            raise UsageError("There is no such person.", hint="Send it from the page.")
        return _linked(ask, found, asked, "linked", by)
    raise UsageError("The form asks for nothing.", hint="Send it from the page.")


def _linked(ask: Ask, person: Person, kind: str, done: str, by: str) -> str:
    """Make a link, and the address of the page that shows it once: the link is in no address."""
    text = ask.company.state.people.link(person.email, kind, by=by)[1]
    name = secrets.token_urlsafe(12)
    with _LOCK:
        _LINKS[name] = (person.email, f"{ask.company.config[LOGIN].base}/password/{text}")
        while len(_LINKS) > _MOST:
            _LINKS.popitem(last=False)
    return f"/people?done={done}&link={name}"


def _show(ask: Ask) -> Shown:
    people = ask.company.state.people.listed()
    done = ask.options.get("done", "")
    with _LOCK:
        link = _LINKS.pop(ask.options.get("link", ""), None)
    view: dict[str, Any] = {
        "lines": [
            {
                "person": one, "role": _(ROLE_LABELS[one.role]), "status": _(_STATUS[one.status]),
                "last": moment(one.last_login_at.isoformat(), ask) if one.last_login_at else "",
                "roles": _roles(one.role),
                "kind": "invitation" if one.status == "invited" else "reset",
            }
            for one in people
        ],
        "fault": ask.fault, "done": _(_DONE[done]) if done in _DONE else "", "link": link,
        "typed": ask.form.get("email", "") if ask.fault else "",
        "roles": _roles(ask.form.get("role", "viewer")),
    }
    return Shown([one.as_dict() for one in people], view)


def _roles(chosen: str) -> list[tuple[str, str, bool]]:
    return [(role, _(ROLE_LABELS[role]), role == chosen) for role in ROLES]


def _matrix(ask: Ask) -> Shown:
    rows = [
        {"permission": one.value, **{role: one in ALLOWS[role] for role in ROLES}}
        for one in Permission
    ]
    lines = [
        (_(one.about), [one in ALLOWS[role] for role in ROLES]) for one in Permission
    ]
    return Shown(rows, {"heads": [_(ROLE_LABELS[role]) for role in ROLES], "lines": lines})


def _keys(ask: Ask) -> Shown:
    found = [one for one in ask.company.state.known_keys() if one.revoked_at is None]
    return Shown([one.as_dict() for one in found], {"lines": [_key(ask, one) for one in found]})


def _key(ask: Ask, key: Key) -> dict[str, Any]:
    return {
        "key": key, "scope": _(ROLE_LABELS.get(key.scope, key.scope)),
        "made": moment(key.created_at.isoformat(), ask),
        "used": moment(key.last_used_at.isoformat(), ask) if key.last_used_at else "",
    }


PEOPLE = Page(
    address="/people",
    place=10,
    title=N_("People"),
    question=N_("Who may log in here, and what may they do?"),
    panels=(
        Panel("people", N_("People"), N_("Add somebody, change a role, end access"),
              "people.html", _show),
        Panel("roles", N_("Roles"), N_("Which role allows what?"), "roles.html", _matrix),
        Panel("keys", N_("Keys"), N_("Which programs have access?"), "keys.html", _keys,
              is_quiet=True),
    ),
    has_controls=False,
    needs=(),
    group=Group.PEOPLE,
    options=("done", "link"),
    can_be_cut=False,
    takes_forms=True,
    act=act,
    is_kept=False,
    permission=Permission.ADMINISTER,
    changes=Permission.ADMINISTER,
)
