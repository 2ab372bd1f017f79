"""What happened to an account: a panel of the page at /accounts/ID."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.account.timeline import KINDS, MOST, WHAT, Event, Timeline, timeline
from staycurve.insights.answers import Kind
from staycurve.insights.shared.params import CLASS_NAMES
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.accounts_at import START
from staycurve.interfaces.web.answered import text
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import parse_period

FIRST = 30
"""Events that the panel lists at first."""


def _kinds(ask: Ask) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for key, value in ask.pairs if key == "kind"))


def _limit(ask: Ask) -> int:
    said = ask.options.get("limit", str(FIRST))
    if not said.isdecimal() or len(said) > 4 or not 1 <= int(said) <= MOST:
        raise UsageError(f"'{said}' is not a number of events.", hint=f"Write 1 to {MOST}.")
    return int(said)


def _asked(ask: Ask) -> Timeline:
    from urllib.parse import unquote

    return answer_of(
        ask, timeline, account=unquote(ask.address.removeprefix(START)), kind=_kinds(ask),
        start=ask.options.get("from"), end=ask.options.get("to"), limit=_limit(ask),
    )


def _show(ask: Ask) -> Shown:
    found, chosen = _asked(ask), _kinds(ask)
    switches = [
        {
            "name": one.kind, "label": _(KINDS[one.kind]),
            "count": numbers.full(one.events, Unit.COUNT), "is_on": one.kind in chosen,
            "is_empty": not one.events and one.kind not in chosen,
            "href": _at(ask, _toggled(chosen, one.kind)),
        }
        for one in found.kinds
    ]
    months = [
        {"label": ask.label(parse_period(month)), "events": [_line(ask, one) for one in events]}
        for month, events in groupby(found.rows, key=lambda one: f"{one.day:%Y-%m}")
    ]
    more = min(MOST, _limit(ask) + 4 * FIRST)
    return Shown(
        [row.as_dict() for row in found.rows],
        {
            "switches": switches, "all": _at(ask, ()), "is_all": not chosen, "months": months,
            "more": numbers.full(found.more, Unit.COUNT) if found.more else "",
            "older": ask.url(kind=chosen or None, limit=str(more)) + "#timeline",
            "count": sum(one.events for one in found.kinds),
            "from": ask.options.get("from", ""), "to": ask.options.get("to", ""),
            "kinds": chosen,
            "hidden": {k: v for k, v in ask.options.items() if k in ("as_of", "known_at")},
        },
        {"more": found.more, "kinds": {one.kind: one.events for one in found.kinds}},
    )


def _toggled(chosen: Sequence[str], kind: str) -> Sequence[str]:
    if kind in chosen:
        return [one for one in chosen if one != kind]
    return [one for one in KINDS if one in chosen or one == kind]


def _at(ask: Ask, kinds: Sequence[str]) -> str:
    return ask.url(kind=kinds or None, limit=None) + "#timeline"


def _line(ask: Ask, one: Event) -> dict[str, Any]:
    amount = numbers.full(one.amount, Unit.MONEY, one.currency or "") if one.amount else ""
    if one.kind == "movement" and one.amount and one.amount > 0:
        amount = f"+{amount}"
    if one.score is not None:
        score = numbers.full(one.score, Unit.COUNT)
        amount = _("%(score)s of %(best)s") % {"score": score, "best": one.scale_max} \
            if one.scale_max else score
    about = []
    if one.end_class:
        about.append(_(CLASS_NAMES[one.end_class]))
    if one.mrr is not None:
        about.append(_("MRR after: %s") % numbers.full(one.mrr, Unit.MONEY, ask.currency))
    if one.detail:
        about.append(one.detail)
    label = _(WHAT[one.what])
    return {
        "kind": one.kind, "what": one.what, "day": text(one.day, Kind.DAY), "iso": str(one.day),
        "label": _("Stage: %s") % label if one.kind == "stage" else label,
        "kind_label": _(KINDS[one.kind]), "amount": amount,
        "currency": one.currency if amount and one.currency else "", "about": " · ".join(about),
    }


TIMELINE = Panel(
    "timeline", N_("Timeline"), N_("What happened, newest first?"), "timeline.html", _show,
    options=("kind", "limit"),
)
