"""Why a metric changed, and which segments differ from the rest: panels of /metrics/{name}."""

from __future__ import annotations

from staycurve.errors import NotAnsweredError, StaycurveError, UsageError
from staycurve.i18n import N_
from staycurve.insights.value.change import change
from staycurve.insights.value.compare import compare
from staycurve.interfaces.web.answered import answered
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import switch_of
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import Reading, Switch, nothing, shown
from staycurve.interfaces.web.segments import dims_of
from staycurve.interfaces.web.texts import _


def _refused(error: StaycurveError, *switches: Switch) -> Shown:
    reading = Reading(switches=switches, why=error.message, hint=error.hint)
    return shown((), reading, {"why": error.message, "hint": error.hint})


def _changed(ask: Ask) -> Shown:
    closed = ask.closed
    if len(closed) < 2:
        why = _("the range needs two closed periods")
        return shown((), Reading(why=why), {"why": why})
    last = closed[-1]
    before = ask.before(last)
    try:
        found = answer_of(
            ask, change, metric=ask.name, start=str(before.start), end=str(last.start),
            grain=ask.grain,
        )
    except (NotAnsweredError, UsageError) as error:
        return _refused(error)
    return answered(ask, change, found)


def _compared(ask: Ask) -> Shown:
    dims = dims_of(ask, ask.name)
    if not dims:
        return nothing(ask, _("this metric does not belong to accounts, so it has no segments"))
    default = next(iter(dims))
    switch = switch_of(ask, "compared", "by", _("By"), dims, default, is_late=True)
    by = ask.options.get("by", default)
    first, last = ask.periods[0], ask.periods[-1]
    try:
        found = answer_of(
            ask, compare, metric=ask.name, by=(by,), start=str(first.start), end=str(last.start),
            grain=ask.grain,
        )
    except (NotAnsweredError, UsageError) as error:
        return _refused(error, switch)
    return answered(ask, compare, found, switch)


CHANGED = Panel(
    "changed", N_("Why it changed"),
    N_("What moved it since the comparison period?"), "reading.html", _changed,
    is_late=True,
)

COMPARED = Panel(
    "compared", N_("Each segment compared with the rest"),
    N_("Which segments differ significantly?"), "reading.html", _compared, is_late=True,
)
