"""The controls of pages that are not cut by grain and range: a panel that holds a form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from staycurve.errors import UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web import choices, periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choices import Choice
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import Option, Switch
from staycurve.interfaces.web.texts import _
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.period import Period, parse_period, period_of, periods_between

Maker = Callable[[Ask], Choice]


def chooser(*makers: Maker, relation: str = "closing") -> Panel:
    """A panel of controls: what the makers offer, then the segments.

    Parameters
    ----------
    relation : str
        The relation of the metrics that can be cut as the page can.
    """

    def show(ask: Ask) -> Shown:
        own = [make(ask) for make in makers]
        known = known_dims(RELATIONS[relation], ask.company.attributes())
        segments = [choice for choice in choices.segments(ask) if choice.name in known]
        offered = [*own, *segments]
        names = {choice.name for choice in offered} | {"panel", "page"}
        hidden = {key: value for key, value in ask.options.items() if key not in names}
        unlisted = choices.unlisted(ask, segments)
        rows = [
            {"choice": choice.name, "chosen": value}
            for choice in offered
            for value, _text, is_on in choice.options
            if is_on and (value or choice.place == 1)
        ]
        return Shown(rows, {
            "choices": offered,
            "hidden": hidden | ({"where": unlisted} if unlisted else {}),
        })

    return Panel("choose", N_("Choose"), N_("What is shown?"), "choose.html", show)


def choice_of(
    ask: Ask, name: str, label: str, texts: Mapping[str, str], default: str
) -> Choice:
    """A control with a fixed list of values; the default leaves the address as it is."""
    chosen = chosen_of(ask, name, texts, default)
    options = tuple(
        ("" if key == default else key, _(text), key == chosen) for key, text in texts.items()
    )
    return Choice(name, label, options)


def chosen_of(ask: Ask, name: str, texts: Collection[str], default: str) -> str:
    """The value of an option that has a fixed list of them.

    Raises
    ------
    UnknownNameError
        If it is none of them.
    """
    chosen = ask.options.get(name, default)
    if chosen not in texts:
        raise UnknownNameError(name, chosen, [text for text in texts if text])
    return chosen


def switch_of(
    ask: Ask, panel: str, name: str, label: str, texts: Mapping[str, str], default: str,
    counts: Mapping[str, str] | None = None, *, is_late: bool = False,
) -> Switch:
    """The same as links, for a choice that concerns one panel alone.

    Parameters
    ----------
    is_late : bool
        Whether the panel comes after the page: its links ask for it at once, as without a script
        nothing else would.
    """
    chosen = chosen_of(ask, name, texts, default)
    return Switch(label, [
        Option(
            f"{name}-{key}", _(text),
            ask.url(**{
                name: None if key == default else key, "page": None,
                "panel": panel if is_late else None,
            }) + f"#{panel}",
            key == chosen, (counts or {}).get(key, ""),
        )
        for key, text in texts.items()
    ])


def month_of(ask: Ask) -> Period:
    """The month that the address names, or the last one that has closed.

    Raises
    ------
    UsageError
        If it is not a month, or begins after the last day with data.
    """
    text = ask.options.get("period")
    if not text:
        return last_closed(ask)
    named = parse_period(text, ask.fiscal)
    if named.grain != "month":
        raise UsageError(f"'{text}' is not a month.", hint="Write a month: 2024-05")
    if named.start > ask.seen.last_day:
        raise UsageError(
            f"{ask.label(named)} begins after {ask.seen.last_day}, the last day with data.",
            hint="Choose an earlier month.",
        )
    return named


def last_closed(ask: Ask) -> Period:
    """The last month that has closed."""
    found = period_of(ask.seen.last_day, "month", ask.fiscal)
    return found.previous(ask.fiscal) if ask.seen.is_open(found) else found


def day_of(ask: Ask, name: str) -> int | None:
    """A number of days that the address names, or None.

    Raises
    ------
    UsageError
        If it is not a number from 0.
    """
    text = ask.options.get(name)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 6:
        raise UsageError(f"'{text}' is not a number of days.", hint="Write a number from 0.")
    return int(text)


def months(ask: Ask) -> Sequence[Period]:
    """Every month with data, oldest first."""
    day = ask.company.first_day(["mrr"]) or ask.seen.last_day
    return periods_between(min(day, ask.seen.last_day), ask.seen.last_day, "month", ask.fiscal)


def month_choice(ask: Ask) -> Choice:
    """A control with every month, newest first."""
    chosen, default = month_of(ask), last_closed(ask)
    found: list[Any] = [
        (
            "" if one == default else naming.name(one, ask.fiscal),
            ask.label(one) + (f" ({_('to date')})" if ask.seen.is_open(one) else ""),
            one == chosen,
        )
        for one in reversed(months(ask))
    ]
    if not any(is_on for _value, _text, is_on in found):
        found.append((naming.name(chosen, ask.fiscal), ask.label(chosen), True))
    return Choice("period", _("Month"), tuple(found))
