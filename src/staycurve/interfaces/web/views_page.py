"""Saved views: the page at /views, which lists, renames and deletes them."""

from __future__ import annotations

from typing import Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web import addresses
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.restated import moment
from staycurve.interfaces.web.texts import _
from staycurve.permissions import Permission
from staycurve.state.records import SavedView

_DONE = {"renamed": N_("The view was renamed."), "deleted": N_("The view was deleted.")}


def act(ask: Ask) -> str:
    """Save, rename or delete a view, as the form says; where to go then."""
    form, state = ask.form, ask.company.state
    asked = form.get("do", "")
    if asked == "save":
        path, query = addresses.kept(ask.company, form.get("address", ""))
        return state.save_view(form.get("name", ""), path, query).url
    if asked == "rename":
        state.rename_view(number_of(form.get("id", "")), form.get("name", ""))
        return "/views?done=renamed"
    if asked == "delete":
        state.delete_view(number_of(form.get("id", "")))
        return "/views?done=deleted"
    raise UsageError("The form asks for nothing.", hint="Send it from the page.")


def number_of(text: str) -> int:
    """The number of a row, as a form names it."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise UsageError("The form names nothing that is kept.", hint="Send it from the page.")
    return int(text)


def _show(ask: Ask) -> Shown:
    every = ask.beside.views
    return Shown([view.as_dict() for view in every], {
        "lines": [_line(ask, view) for view in every],
        "fault": ask.fault,
        # A view whose name was not taken is not lost: it stands there to be sent again.
        "unsaved": _unsaved(ask),
        "done": _(_DONE[ask.options["done"]]) if ask.options.get("done") in _DONE else "",
    })


def _unsaved(ask: Ask) -> dict[str, str] | None:
    if not ask.fault or ask.form.get("do") != "save":
        return None
    return {name: ask.form.get(name, "") for name in ("name", "address")}


def _line(ask: Ask, view: SavedView) -> dict[str, Any]:
    is_wrong = bool(ask.fault) and ask.form.get("id") == str(view.id)
    return {
        "view": view,
        "title": _title(ask, view),
        "at": moment(view.created_at.isoformat(), ask),
        "typed": ask.form.get("name", "") if is_wrong else view.name,
        "is_open": is_wrong and ask.form.get("do") == "rename",
    }


def _title(ask: Ask, view: SavedView) -> str:
    try:
        return _(addresses.page_at(ask.company, view.page).title)
    except UsageError:
        # A page of another package, or of an account, that is there no longer.
        return view.page


VIEWS = Page(
    address="/views",
    place=120,
    title=N_("Saved views"),
    question=N_("Which pages did you save, with which filters and range?"),
    panels=(
        Panel("views", N_("Saved views"), N_("Open, rename or delete one"), "views.html", _show),
    ),
    has_controls=False,
    needs=(),
    group=Group.BOOKS,
    options=("done",),
    can_be_cut=False,
    takes_forms=True,
    changes=Permission.SAVE,
    act=act,
)
