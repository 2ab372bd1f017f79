"""Matching review: accounts of several sources that may be one, at /data/matching."""

from __future__ import annotations

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.permissions import Permission
from staycurve.workspace.matching import APART, MERGED, OPEN, WAITING, Match

ADDRESS = "/data/matching"
MOST = 200
"""Pairs that a page shows; the command line lists all."""
_DONE = {
    "merge": N_("The accounts were merged; every number counts them as one."),
    "apart": N_("The accounts are kept apart."),
    "undo": N_("The decision was taken back."),
}
_STATES = {
    OPEN: N_("Not decided"), MERGED: N_("Merged"), APART: N_("Kept apart"),
    WAITING: N_("Cannot be merged now"),
}
_KEYS = {"id": N_("Same ID"), "domain": N_("Same domain"), "email": N_("Same e-mail address")}


def act(ask: Ask) -> str:
    """Merge, keep apart or take back, as the form says; where to go then."""
    form, matching = ask.form, ask.company.matching
    asked, pair = form.get("do", ""), (form.get("account", ""), form.get("other", ""))
    reason = form.get("reason", "")
    if asked == "merge":
        matching.merge(*pair, reason=reason)
    elif asked == "apart":
        matching.apart(*pair, reason=reason)
    elif asked == "undo":
        matching.undo(*pair)
    else:
        raise UsageError("The form asks for nothing.", hint="Send it from the page.")
    return f"{ADDRESS}?done={asked}"


def _line(ask: Ask, one: Match) -> dict[str, object]:
    return {
        "match": one,
        "state": _(_STATES[one.state]),
        "sides": [
            {"id": id, "name": name or id, "source": source or _("loaded"),
             "href": account_at(ask, id)}
            for id, name, source in (
                (one.account_id, one.name, one.source),
                (one.other_id, one.other_name, one.other_source),
            )
        ],
        "by": [f"{_(_KEYS[key])}: {value}" for key, value in one.by],
    }


def _shown(ask: Ask, *states: str) -> Shown:
    found = [one for one in ask.company.matching.listed() if one.state in states]
    done = ask.options.get("done", "") if OPEN in states else ""
    return Shown([one.as_dict() for one in found], {
        "lines": [_line(ask, one) for one in found[:MOST]],
        "more": max(len(found) - MOST, 0),
        "is_open": OPEN in states,
        "done": _(_DONE[done]) if done in _DONE else "",
        "fault": ask.fault if OPEN in states else None,
        "common": ask.company.matching.common() if OPEN in states else 0,
    })


def _open(ask: Ask) -> Shown:
    return _shown(ask, OPEN, WAITING)


def _decided(ask: Ask) -> Shown:
    return _shown(ask, MERGED, APART)


MATCHING = Page(
    address=ADDRESS,
    place=6,
    permission=Permission.PERSONAL,
    title=N_("Matching review"),
    question=N_("Which accounts of different sources are one customer?"),
    panels=(
        Panel("open", N_("To be decided"), N_("Which accounts share something, and may be one?"),
              "matching.html", _open),
        Panel("decided", N_("Decided"), N_("Which were merged, and which kept apart?"),
              "matching.html", _decided, is_quiet=True),
    ),
    has_controls=False,
    needs=(),
    group=Group.DATA,
    options=("done",),
    can_be_cut=False,
    takes_forms=True,
    act=act,
    is_kept=False,
)
