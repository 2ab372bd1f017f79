"""What the controls of a page offer."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.texts import _
from staycurve.metrics.dimensions import order_of
from staycurve.metrics.filters import where_text
from staycurve.metrics.segment_values import paid_values_sql
from staycurve.period import COMPARISONS, period_of, periods_between
from staycurve.workspace.cache import Cache

FIRST = ("plan", "industry", "country", "channel")
"""Dimensions that are offered before a company's own attributes."""
MOST = 200
"""With more values than this, a list is no longer a way to choose."""
GRAINS = {
    "week": N_("Weeks"), "month": N_("Months"), "quarter": N_("Quarters"), "year": N_("Years"),
}
_LABELS = {
    "plan": N_("Plan"), "industry": N_("Industry"), "country": N_("Country"),
    "channel": N_("Channel"),
}
_SIGNS = {"=": "=", "!=": "≠", "~": "∋", "!~": "∌", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}
_VALUES: Cache[list[str]] = Cache(64)


@dataclass(frozen=True)
class Choice:
    """One control: its name, what people call it, and (value, text, whether it is chosen).

    `place` counts the controls of one name: a form sends what each of them has.
    """

    name: str
    label: str
    options: tuple[tuple[str, str, bool], ...]
    place: int = 1

    @property
    def anchor(self) -> str:
        """Its id, unique on a page."""
        return f"choose-{self.name}" + (f"-{self.place}" if self.place > 1 else "")


def _values(ask: Ask, dim: str) -> list[str]:
    """The values of a dimension that an account ever paid in."""

    def found() -> list[str]:
        with ask.company.seeing(ask.seen) as engine:
            rows = engine.rows(paid_values_sql(dim, ask.seen.last_day))
        values = {str(value) for (value,) in rows}
        return sorted(values, key=lambda value: (order_of(dim, value)[0], value.casefold()))

    key = (ask.company.folder, ask.company.snapshot.seq, ask.seen.at, dim)
    return _VALUES.get(key, found)


def segments(ask: Ask) -> list[Choice]:
    """The dimensions that can be chosen from a list: a list for each chosen value, and one more.

    Values of one dimension are alternatives. The first list alone stands where none is chosen.
    """
    chosen = _chosen(ask)
    choices: list[Choice] = []
    for dim in dict.fromkeys((*FIRST, *ask.company.attributes())):
        values = _values(ask, dim) if dim not in ask.own else []
        if not 2 <= len(values) <= MOST and dim not in chosen:
            continue
        own = chosen.get(dim, ())
        values = [*values, *(one for one in own if one not in values)]
        label = _(_LABELS[dim]) if dim in _LABELS else dim.replace("_", " ").capitalize()
        for place, one in enumerate((*own, None) if own else (None,), start=1):
            others = [value for value in values if value == one or value not in own]
            if one is None and not others:
                continue
            # Taking one of several away does not show all of them.
            nothing = _("All") if place == 1 and len(own) < 2 else "–"
            options = [("", nothing, one is None)] + [(v, v, v == one) for v in others]
            text = label if place == 1 else _("or %(dimension)s") % {"dimension": label}
            choices.append(Choice(dim, text, tuple(options), place))
    return choices


def _chosen(ask: Ask) -> dict[str, tuple[str, ...]]:
    """Dimension → the values of its one filter that lists can show: whole ones, none empty."""
    counts = Counter(one.dim for one in ask.filters)
    return {
        one.dim: tuple(value for value in one.values if value)
        for one in ask.filters
        if one.sign == "=" and counts[one.dim] == 1 and all(one.values)
    }


def unlisted(ask: Ask, choices: list[Choice]) -> str:
    """The filters that no list shows, as `where` writes them: the form carries them along."""
    shown = _chosen(ask).keys() & {choice.name for choice in choices}
    return where_text([one for one in ask.filters if one.dim not in shown])


def chips(ask: Ask) -> list[dict[str, Any]]:
    """The filters in force, each with the address of the page without it."""
    found = []
    for place, own in enumerate(ask.filters):
        values = " | ".join(value or _("(empty)") for value in own.values)
        found.append({"text": f"{own.dim} {_SIGNS[own.sign]} {values}", "href": ask.without(place)})
    return found


def ranges(ask: Ask) -> tuple[Choice, Choice]:
    """The first and the last period, newest first."""
    fiscal = ask.fiscal
    day = ask.company.first_day(["mrr"]) or ask.seen.last_day
    week = ask.week_start
    first = period_of(min(day, ask.seen.last_day), ask.grain, fiscal, week_start=week)
    every = periods_between(
        min(first.start, ask.periods[0].start), ask.seen.last_day, ask.grain, fiscal,
        week_start=week,
    )[::-1]
    made = []
    for name, label, own in (
        ("from", _("From"), ask.periods[0]), ("to", _("To"), ask.periods[-1])
    ):
        options = tuple((str(p.start), ask.label(p), p == own) for p in every)
        made.append(Choice(name, label, options))
    return made[0], made[1]


def comparison(ask: Ask) -> Choice:
    """What each figure is compared with."""
    texts = {"previous": _("The period before"), "year": _("A year ago")}
    options = tuple(
        ("" if value == COMPARISONS[0] else value, texts[value], value == ask.compared_with)
        for value in COMPARISONS
    )
    return Choice("compare", _("Compare with"), options)


def presets(ask: Ask) -> list[dict[str, Any]]:
    """Ranges that are asked for often: whole periods at the grain of the page.

    A quarter holds months and weeks, not quarters and years.
    """
    fiscal, week = ask.fiscal, ask.week_start
    last = period_of(ask.seen.last_day, ask.grain, fiscal, week_start=week)
    closed = last.previous(fiscal) if ask.seen.is_open(last) else last
    year = period_of(ask.seen.last_day, "year", fiscal)
    quarter = period_of(ask.seen.last_day, "quarter", fiscal)
    if ask.seen.is_open(quarter):
        quarter = quarter.previous(fiscal)
    twelve = period_of(ask.seen.last_day, "month", fiscal)
    for _step in range(11 + ask.seen.is_open(twelve)):
        twelve = twelve.previous(fiscal)
    spans = [(_("Last 12 months"), twelve.start, closed.start)]
    if ask.grain != "year":
        spans.append((_("Year to date"), year.start, last.start))
    if ask.grain in ("week", "month"):
        until = period_of(quarter.end - dt.timedelta(days=1), ask.grain, fiscal, week_start=week)
        spans.append((_("Last quarter"), quarter.start, until.start))
    found = []
    for label, start, end in spans:
        first = period_of(start, ask.grain, fiscal, week_start=week)
        is_on = (ask.periods[0].start, ask.periods[-1].start) == (first.start, end)
        href = ask.url(**{"from": str(first.start), "to": str(end)})
        found.append({"label": label, "href": href, "is_on": is_on})
    return found


def grains(ask: Ask) -> list[dict[str, Any]]:
    """The grains, each with the address of the page at it; a range is not carried over."""
    bare = replace(ask, options={k: v for k, v in ask.options.items() if k not in ("from", "to")})
    found = []
    for grain, label in GRAINS.items():
        href = bare.url(grain=None if grain == "month" else grain)
        found.append({"label": _(label), "href": href, "is_on": grain == ask.grain, "name": grain})
    return found
