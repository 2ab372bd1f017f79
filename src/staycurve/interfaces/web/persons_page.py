"""Persons: the page at /persons, which finds a person's data, exports it and forgets them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from staycurve import personal
from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.access import CURRENT
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.restated import moment
from staycurve.interfaces.web.texts import _
from staycurve.permissions import Permission
from staycurve.workspace.held import UnknownPersonError

LONGEST = 500
"""Letters of an id or an address."""
SEARCH = "all"
"""What asks for a search of everything that is kept."""
_KINDS = {
    "ids": N_("User ID"), "emails": N_("E-mail"), "names": N_("Name"), "accounts": N_("Account"),
}
_PLACES = {
    "tables": N_("Tables, every version"), "state": N_("App state"), "files": N_("Other files"),
}


def act(ask: Ask) -> str:
    """Forget whom the form names, when it names them twice; where to go then."""
    form = ask.form
    named = form.get("person", "").strip()
    if form.get("do", "") != "forget" or not named or len(named) > LONGEST:
        raise UsageError("The form asks for nothing.", hint="Send it from the page.")
    if form.get("confirm", "").strip() != named:
        raise UsageError(
            "What was typed is not who was found, so nobody was forgotten.",
            hint="Type the ID or the address exactly as it stands above: forgetting cannot be "
            "undone.",
        )
    try:
        done = ask.company.personal.forget(named, by=CURRENT.get().name)
    except UnknownPersonError as error:
        raise UsageError(error.message, hint=error.hint) from error
    # The address names the key, never the person.
    return f"/persons?{urlencode({'done': done.key})}"


def _named(ask: Ask) -> str:
    named = (ask.form.get("person") or ask.options.get("person", "")).strip()
    if len(named) > LONGEST:
        raise UsageError(
            f"An ID or an address has {LONGEST} letters at most.", hint="Write it out."
        )
    return named


def _person(ask: Ask) -> Shown:
    named = _named(ask)
    view: dict[str, Any] = {
        "named": named, "longest": LONGEST, "fault": ask.fault, "lines": [], "said": "",
        "export_at": f"/api/v1/persons/export?{urlencode({'person': named})}" if named else "",
        "done": ask.options.get("done", ""), "is_under_way": ask.company.personal.is_forgetting,
    }
    rows: list[dict[str, str]] = []
    if named:
        try:
            found = ask.company.personal.who(named).as_dict()
        except UsageError as error:
            view["said"] = f"{error.message} {error.hint}"
        else:
            personal.note()
            rows = [{"kind": kind, "value": one} for kind, own in found.items() for one in own]
            view["lines"] = [(_(_KINDS[row["kind"]]), row["value"]) for row in rows]
            if not rows:
                view["said"] = _("Nobody is known by this ID or address.")
    return Shown(rows, view)


def _held(ask: Ask) -> Shown:
    named = _named(ask)
    if not named:
        return _unsearched(_("Find a person first."))
    if ask.options.get("search") != SEARCH:
        # It reads every version of every table and every file: minutes, where there are many.
        asked = {"person": named, "search": SEARCH}
        return _unsearched("", f"/persons?{urlencode(asked)}#held")
    try:
        counts = ask.company.personal.held(named).counts()
    except (UsageError, UnknownPersonError) as error:
        return _unsearched(f"{error.message} {error.hint}")
    personal.note()
    rows = [
        {"kind": kind, "place": place, "rows": count}
        for kind, own in counts.items() for place, count in own.items()
    ]
    lines = [(_(_PLACES[row["kind"]]), row["place"], row["rows"]) for row in rows]
    return Shown(rows, {"lines": lines, "said": "", "search_at": ""})


def _unsearched(said: str, search_at: str = "") -> Shown:
    return Shown([], {"lines": [], "said": said, "search_at": search_at})


def _erased(ask: Ask) -> Shown:
    own = ask.company.personal
    found = own.erased()
    rows = [one.as_dict() for one in found]
    return Shown(rows, {
        "lines": [
            row | {"at": moment(row["forgotten_at"], ask)} for row in rows
        ],
        "tombstones": own.forgotten_count(),
    })


PERSONS = Page(
    address="/persons",
    place=15,
    title=N_("Personal data"),
    question=N_("What is held of a person, and who was forgotten?"),
    panels=(
        Panel("person", N_("Find a person"), N_("Export what is held, or forget them"),
              "persons.html", _person),
        Panel("held", N_("What is held"), N_("Where, and in how many rows?"),
              "persons_held.html", _held, is_late=True),
        Panel("erased", N_("Forgotten"), N_("What was erased, and when?"),
              "persons_erased.html", _erased),
    ),
    has_controls=False,
    needs=(),
    group=Group.PEOPLE,
    options=("person", "search", "done"),
    can_be_cut=False,
    takes_forms=True,
    act=act,
    is_kept=False,
    permission=Permission.PERSONAL,
    changes=Permission.PERSONAL,
)
