"""Annotations: the page at /annotations, which lists, adds and deletes them."""

from __future__ import annotations

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web import addresses, periods as naming
from staycurve.interfaces.web.annotated import metric_label
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.views_page import number_of
from staycurve.metrics.catalogue import METRICS
from staycurve.permissions import Permission

_DONE = {"added": N_("The note was added."), "deleted": N_("The note was deleted.")}


def act(ask: Ask) -> str:
    """Add or delete an annotation, as the form says; where to go then."""
    form, state = ask.form, ask.company.state
    asked = form.get("do", "")
    if asked == "add":
        state.annotate(
            form.get("day", ""), form.get("text", ""),
            metric=form.get("metric") or None, author=form.get("author", ""),
        )
        back = form.get("back", "")
        return back if addresses.is_local(back) else "/annotations?done=added"
    if asked == "delete":
        state.delete_annotation(number_of(form.get("id", "")))
        return "/annotations?done=deleted"
    raise UsageError("The form asks for nothing.", hint="Send it from the page.")


def _show(ask: Ask) -> Shown:
    every = ask.beside.annotations[::-1]
    typed = dict(ask.form) if ask.fault and ask.form.get("do") == "add" else {}
    chosen = typed.get("metric", "")
    metrics = sorted((_(metric.label), name) for name, metric in METRICS.items())
    return Shown([one.as_dict() for one in every], {
        "lines": [
            {
                "note": one,
                "day": naming.day(one.day),
                "metric": metric_label(one.metric),
                "metric_at": ask.defines(one.metric) if one.metric else "",
            }
            for one in every
        ],
        "fault": ask.fault,
        "done": _(_DONE[ask.options["done"]]) if ask.options.get("done") in _DONE else "",
        "typed": {
            name: typed.get(name, "") for name in ("day", "text", "author", "back")
        },
        "metrics": [("", _("Every metric"), not chosen)]
        + [(name, label, name == chosen) for label, name in metrics],
    })


ANNOTATIONS = Page(
    address="/annotations",
    place=130,
    title=N_("Annotations"),
    question=N_("What happened when?"),
    panels=(
        Panel("annotations", N_("Annotations"), N_("Add or delete one"), "annotations.html", _show),
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
