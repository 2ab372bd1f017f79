"""A funnel and paths whose steps stand in the address: panels of the page at /usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.usage.funnels import Funnel, funnel, opens
from staycurve.insights.usage.paths import EVERYBODY, WHO, Paths, paths
from staycurve.insights.usage.paths_sql import SESSION
from staycurve.insights.usage.usage_question import seconds_of
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.answered import opened_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choices import Choice
from staycurve.interfaces.web.choosing import choice_of, chosen_of
from staycurve.interfaces.web.kept import kept
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    count,
    named,
    nothing,
    share_of,
    shown,
    told,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.usage_panels import whose_of
from staycurve.metrics.base import Unit
from staycurve.metrics.filters import where_text

STEPS = ("step1", "step2", "step3", "step4")
WINDOWS = {
    "1h": N_("an hour"), "1d": N_("a day"), "7d": N_("7 days"), "14d": N_("14 days"),
    "30d": N_("30 days"),
}
WITHIN = {
    "": N_("as configured"), "30m": N_("30 minutes"), "24h": N_("a day"), "7d": N_("7 days"),
}
NOTHING_DONE = N_("no events are known")
ORDERS = {
    "any": N_("in this order, with anything between"),
    "strict": N_("in this order, nothing between"),
    "unordered": N_("in any order"),
}
FLOW_OPTIONS = (*STEPS, "window", "order", "after", "end", "within")


def known_steps(ask: Ask) -> list[str]:
    """What can be a step, as readings of use name it."""

    def found() -> list[str]:
        with ask.company.reading() as engine:
            rows = engine.rows(
                "SELECT feature, CAST(SUM(uses) AS BIGINT) AS uses FROM feature_months "
                "WHERE feature IS NOT NULL GROUP BY feature ORDER BY uses DESC, feature"
            )
        # Without a property for it a feature is the event itself.
        usage = ask.company.config.behaviour.usage
        prefix = "feature:" if usage.feature else ""
        # An action may be named like one of its events: then it is the action that is asked for.
        return list(dict.fromkeys([*(f"{prefix}{row[0]}" for row in rows), *usage.actions]))

    return kept(ask, "known steps", found)


def _steps(ask: Ask) -> tuple[str, ...]:
    """The steps that the address names; without any, the checklist, if there is one."""
    chosen = tuple(ask.options[name] for name in STEPS if ask.options.get(name))
    if chosen:
        return chosen
    known = set(known_steps(ask))
    listed = [step for step in ask.company.config.behaviour.activation.checklist if step in known]
    return tuple(listed[: len(STEPS)])


def _anchor(ask: Ask) -> str:
    """What paths begin with: what the address names, or what is done most."""
    return ask.options.get("after") or next(iter(known_steps(ask)), "")


def check(ask: Ask) -> None:
    """Refuse steps and times that the address names and that are not known.

    The panels come later than their page: what is wrong is said by the page itself.

    Raises
    ------
    UnknownNameError
        If a step is not known, with the nearest that is.
    UsageError
        If a time cannot be read.
    """
    known = known_steps(ask)
    by_feature = bool(ask.company.config.behaviour.usage.feature)
    for name in (*STEPS, "after", "end", "event"):
        step = ask.options.get(name, "").partition("[")[0]
        # Beside features, events can be named too; those are looked up with their panel.
        if step and step not in known and (not by_feature or step.startswith("feature:")):
            raise UnknownNameError("event", step, known)
    chosen_of(ask, "order", ORDERS, "any")
    for name in ("window", "within"):
        text = ask.options.get(name)
        if text and text != SESSION:
            seconds_of(text)


def _funnel_of(ask: Ask) -> Funnel:
    found = answer_of(
        ask, funnel, steps=_steps(ask), window=ask.options.get("window", "14d"),
        order=chosen_of(ask, "order", ORDERS, "any"), whose=whose_of(ask),
    )
    assert isinstance(found, Funnel)
    return found


def _paths_of(ask: Ask) -> Paths:
    found = answer_of(
        ask, paths, anchor=_anchor(ask), end=ask.options.get("end") or None,
        within=ask.options.get("within", ""), whose=whose_of(ask),
    )
    assert isinstance(found, Paths)
    return found


def choice(ask: Ask, name: str, label: str, chosen: str, empty: str) -> Choice:
    """A control that offers what can be a step; `empty` is what choosing none is called."""
    known = known_steps(ask)
    options = [("", empty, not chosen)] if empty else []
    options += [(one, named(one), one == chosen) for one in known]
    if chosen and chosen not in known:
        options.append((chosen, chosen, True))
    return Choice(name, label, tuple(options))


def _asked(ask: Ask, panel: str, choices: list[Choice]) -> dict[str, Any]:
    """What the form of a panel needs beside its reading; the panel that it brings is its own."""
    names = {choice.name for choice in choices} | {"panel", "page"}
    return {
        "choices": choices,
        "hidden": {key: value for key, value in ask.options.items() if key not in names}
        | ({"where": where_text(ask.filters)} if ask.filters else {}) | {"panel": panel},
    }


def with_form(ask: Ask, panel: str, made: Shown, choices: Sequence[Choice] = ()) -> Shown:
    """What a panel shows, with a form of its own above it."""
    return Shown(made.rows, {**made.view, "form": _asked(ask, panel, list(choices))}, made.extra)


def _window_choice(ask: Ask) -> Choice:
    window = ask.options.get("window", "14d")
    texts = WINDOWS if window in WINDOWS else {**WINDOWS, window: window}
    return choice_of(ask, "window", _("Within"), texts, "14d")


def _funnel(ask: Ask) -> Shown:
    steps = _steps(ask)
    padded = [*steps, *[""] * (len(STEPS) - len(steps))]
    choices = [
        choice(ask, name, _("Step %s") % place, padded[place - 1], _("none"))
        for place, name in enumerate(STEPS, start=1)
    ] + [_window_choice(ask), choice_of(ask, "order", _("Order"), ORDERS, "any")]
    if not known_steps(ask):
        return with_form(ask, "funnel", nothing(ask, _(NOTHING_DONE), "events"))
    if len(steps) < 2:
        return with_form(
            ask, "funnel", shown((), Reading(why=_("choose two steps or more"))), choices
        )
    found = _funnel_of(ask)
    if not found.rows:
        return with_form(ask, "funnel", nothing(ask, told(found.why), "events"), choices)
    rows, lines = [], []
    for row in found.rows:
        took, lost, waits = (
            opened_at(ask, opens(part), row, found) for part in ("members", "dropped", "pending")
        )
        rows.append({**row.as_dict(), "rows_at": took,
                     "dropped_at": lost if row.dropped is not None else None})
        before, time = row.from_previous, _duration(row.median_seconds)
        lines.append(Line(words(f"{row.step}. {named(row.doing)}"), [
            count(row.count, took), share_of(row.value, row.low, row.high, took, why=row.why),
            share_of(before.value, before.low, before.high, took, is_drawn=False)
            if before else Cell(""),
            count(row.dropped, lost) if row.dropped is not None else Cell(""),
            count(row.pending, waits if row.pending else ""),
            Cell(time, took if time else ""),
        ], row.is_small))
    heads = [
        Head(_("Step")), Head(_("Took it")), Head(_("Of the first")), Head(_("Of the one before")),
        Head(_("Did not")), Head(_("Still in time"), _("Their window has not passed yet")),
        Head(_("Median time")),
    ]
    notes = [_("First steps from %(first)s to %(last)s, %(order)s.") % {
        "first": found.first, "last": found.last, "order": _(ORDERS[found.order]),
    }, *(_(note) for note in found.notes)]
    return with_form(ask, "funnel", shown(
        rows, Reading(tables=[Table(_("Funnel"), heads, lines)], notes=notes),
        {"totals": [row.as_dict() for row in found.totals], "steps": list(found.steps)},
    ), choices)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, text in ((86_400, _("%s days")), (3_600, _("%s hours")), (60, _("%s minutes"))):
        if seconds >= size:
            return text % numbers.full(round(seconds / size, 1), Unit.COUNT)
    return _("%s seconds") % numbers.full(round(seconds), Unit.COUNT)


def _paths(ask: Ask) -> Shown:
    anchor = _anchor(ask)
    if not anchor:
        return with_form(ask, "paths", nothing(ask, _(NOTHING_DONE), "events"))
    within = ask.options.get("within", "")
    texts = WITHIN if within in WITHIN else {**WITHIN, within: within}
    chosen_of(ask, "within", texts, "")
    choices = [
        choice(ask, "after", _("After"), anchor, ""),
        choice(ask, "end", _("To"), ask.options.get("end", ""), _("anything")),
        choice_of(ask, "within", _("Within"), texts, ""),
    ]
    found = _paths_of(ask)
    if not found.rows:
        return with_form(ask, "paths", nothing(ask, told(found.why), "events"), choices)
    rows, lines = [], []
    for row in found.rows:
        href = opened_at(ask, WHO, row, found)
        rows.append({**row.as_dict(), "rows_at": href})
        text = " → ".join(named(part) for part in row.path) or _("nothing within the time")
        lines.append(Line(
            words(_("all other paths") if row.is_other else text),
            [
                count(row.count, href),
                Cell("") if row.people is None else count(row.people, href),
                share_of(row.value, row.low, row.high, href),
            ],
            row.is_small,
        ))
    total = sum(row.count for row in found.rows)
    foot = Line(words(_("All")), [
        count(total, opened_at(ask, EVERYBODY, found)), Cell(""), Cell(""),
    ])
    heads = [
        Head(_("Then")), Head(_("Times")), Head(_("By how many")), Head(_("Share of all times")),
    ]
    note = _("From %(first)s to %(last)s, within %(within)s of each other.") % {
        "first": found.first, "last": found.last, "within": found.within,
    }
    return with_form(ask, "paths", shown(
        rows,
        Reading(tables=[Table(_("Paths"), heads, lines, foot)], notes=[note]),
        {"totals": [row.as_dict() for row in found.totals],
         "links": [row.as_dict() for row in found.links], "anchor": anchor},
    ), choices)


FUNNEL = Panel(
    "funnel", N_("Funnel"), N_("How many get from step to step?"), "flow.html", _funnel,
    is_late=True,
)
PATHS = Panel(
    "paths", N_("Paths"), N_("What do users do next?"), "flow.html", _paths, is_late=True,
)
