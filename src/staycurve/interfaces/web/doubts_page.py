"""Doubts: what is loaded looks like another thing than it says; on the overview, and at /doubts."""

from __future__ import annotations

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.tables.doubts import Doubt

_DONE = {
    "dismissed": N_("Dismissed. It is shown again if it concerns more rows."),
    "restored": N_("It is shown again."),
}


def act(ask: Ask) -> str:
    """Dismiss a doubt or show it again, as the form says; where to go then."""
    asked, named = ask.form.get("do", ""), ask.form.get("doubt", "")
    known = {doubt.check: doubt for doubt in ask.company.doubts()}
    if asked == "restore":
        ask.company.state.restore(named)
        return "/doubts?done=restored"
    if asked != "dismiss" or named not in known:
        raise UsageError("The form asks for nothing that is there.", hint="See: /doubts")
    ask.company.state.dismiss(named, known[named].count)
    return "/doubts?done=dismissed"


def _is_dismissed(ask: Ask, doubt: Doubt) -> bool:
    rows = {one.doubt: one.rows for one in ask.beside.dismissals}
    return doubt.count <= rows.get(doubt.check, -1)


def _shown(ask: Ask, *, is_every: bool) -> Shown:
    lines = [(doubt, _is_dismissed(ask, doubt)) for doubt in ask.company.doubts()]
    lines = [(doubt, is_out) for doubt, is_out in lines if is_every or not is_out]
    done = ask.options.get("done", "") if is_every else ""
    return Shown(
        [doubt.as_dict() | {"is_dismissed": is_out} for doubt, is_out in lines],
        {"lines": lines, "done": _(_DONE[done]) if done in _DONE else "", "fault": ask.fault},
    )


def _standing(ask: Ask) -> Shown:
    return _shown(ask, is_every=False)


def _every(ask: Ask) -> Shown:
    return _shown(ask, is_every=True)


DOUBTED = Panel(
    "doubts", N_("Doubts"), N_("What may have been loaded differently than intended?"),
    "doubts.html", _standing, is_quiet=True,
)

DOUBTS = Page(
    address="/doubts",
    place=125,
    title=N_("Doubts"),
    question=N_("What may have been loaded differently than intended?"),
    panels=(
        Panel(
            "doubts", N_("Doubts"),
            N_("Numbers are computed as the files state; each doubt names what would settle it."),
            "doubts.html", _every,
        ),
    ),
    has_controls=False,
    group=Group.BOOKS,
    options=("done",),
    can_be_cut=False,
    takes_forms=True,
    act=act,
)
