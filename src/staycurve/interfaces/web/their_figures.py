"""Another tool's own figures, pasted or sent as a file, and what explains each difference best."""

from __future__ import annotations

import io
from typing import Any

from staycurve.conventions import PROFILES
from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.books.figures import Cause, Explained, Figures, figures_found
from staycurve.insights.books.figures_read import figures_in
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.comparison import asked, signed, words
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.metrics.catalogue import METRICS

FIGURES = 240
"""Figures of another tool that one request may lay beside ours: ten years of two metrics."""
FIELDS = ("file", "figures", "text")
"""Where a form may hold the figures: a file that was chosen, pasted text, or the body itself."""
_KINDS = {
    "switch": N_("a convention"),
    "profile": N_("the whole profile"),
    "accounts left out": N_("accounts that it leaves out"),
    "accounts counted": N_("accounts that it counts"),
}


def _text(ask: Ask) -> str:
    return next((ask.form[name] for name in FIELDS if ask.form.get(name, "").strip()), "")


def _show(ask: Ask) -> Shown:
    against = asked(ask).against
    view: dict[str, Any] = {
        "against": against,
        "sent_to": ask.url(rule=None, page=None, panel=None) + "#theirs",
        "text": _text(ask),
        "most": FIGURES,
        "example": "month,metric,value\n2024-06,mrr,1234.50\n2024-06,nrr,101.2%",
        "fault": ask.fault,
        "found": None,
    }
    if not ask.form or ask.fault:
        return Shown((), view)
    if not _text(ask):
        raise UsageError(
            "Nothing was sent.", hint="Paste the figures or choose a file, then compare."
        )
    found = _found(ask, against)
    view |= {
        "found": [_line(ask, one) for one in found.rows],
        "count": len(found.rows),
        "agree": found.agreeing,
        "explained": found.explained,
        "rest": len(found.rows) - found.agreeing - found.explained,
    }
    return Shown([one.as_dict() for one in found.rows], view)


def _found(ask: Ask, against: str) -> Figures:
    given = figures_in(io.StringIO(_text(ask), newline=""), "figures.csv", ask.seen)
    if len(given) > FIGURES:
        raise UsageError(
            f"These are {len(given)} figures; at most {FIGURES} are compared at once.",
            hint="Send some of them, or run: staycurve reconcile --figures FILE",
        )
    return figures_found(ask.company, given, ask.seen, against, name="figures.csv")


def _line(ask: Ask, one: Explained) -> dict[str, Any]:
    unit, month = METRICS[one.figure.metric].unit, one.figure.month
    ours = None if one.ours is None else float(one.ours)
    cause = one.cause
    return {
        "month": ask.label(month),
        "metric": _(METRICS[one.figure.metric].label),
        "defined_at": ask.defines(one.figure.metric),
        "ours": numbers.full(ours, unit, ask.currency),
        "opens": ask.opens(one.figure.metric, month),
        "theirs": numbers.full(float(one.figure.value), unit, ask.currency),
        "gap": signed(one.gap, unit, ask.currency),
        "agrees": one.agrees,
        "is_explained": one.explained,
        "cause": _cause(ask, one, cause) if cause else None,
        "remaining": signed(cause.remaining, unit, ask.currency) if cause else "",
        "why": one.why or "",
    }


def _cause(ask: Ask, one: Explained, cause: Cause) -> dict[str, Any]:
    told = {"kind": _(_KINDS[cause.kind]), "code": "", "words": "", "href": "",
            "as_near": cause.as_near}
    if cause.kind == "switch":
        switch, value = cause.names
        return told | {"code": f'{switch} = "{value}"', "words": words(switch, value)}
    if cause.kind == "profile":
        href = ask.url(
            against=cause.names[0], metric=one.figure.metric,
            period=naming.name(one.figure.month, ask.fiscal), rule=None, page=None, panel=None,
        )
        about = _(PROFILES[cause.names[0]].about)
        return told | {"code": cause.names[0], "words": about, "href": href}
    return told | {"words": ", ".join(cause.names)}


THEIR_FIGURES = Panel(
    "theirs",
    N_("Their own figures"),
    N_("Which rule or which account explains each figure that the other tool printed?"),
    "theirs.html",
    _show,
)
