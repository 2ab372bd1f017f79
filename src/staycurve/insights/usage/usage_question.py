"""Questions about use: whose, of what, in which segments, and as of when.

Somebody is a user or an account. A user without a name is nobody; one of several accounts belongs
to the first of them by its id. Accounts are customers, with all their billing accounts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from staycurve.config import Config
from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError, did_you_mean
from staycurve.i18n import N_
from staycurve.insights.shared.asked import Asked
from staycurve.insights.shared.known_use import NO_EVENTS as NO_EVENTS
from staycurve.metrics import user_traits
from staycurve.metrics.cohorts import SMALL as SMALL
from staycurve.metrics.context import Context, Filter
from staycurve.metrics.dimensions import COHORT, ITEM_TRAITS, OTHER, PROPERTY, moving_dims
from staycurve.metrics.filters import parse_filters
from staycurve.metrics.segment_values import check_property
from staycurve.tables.accounts import ACCOUNTS
from staycurve.tables.engine import AnyEngine, quoted
from staycurve.tables.usage_days import active_sql, counted_sql, feature_sql, property_sql

WHOSE = {"user": N_("users"), "account": N_("accounts")}
"""Who is counted, and the word for several."""

FEATURE = "feature:"
"""Before a feature's name, where `[usage] feature` gives features names of their own."""

_DOING = re.compile(r'([^\[\]]+?)(?:\[((?:"(?:[^"]|"")*"|[^\[\]"])*)\])?')
_LENGTH = re.compile(r"(\d+)(s|m|h|d)")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Doing:
    """Something that users do: any activity, one event, one feature, or an action of several.

    Attributes
    ----------
    text : str
        As it was asked for.
    event, feature : str
        One of them is set; neither where any active event counts, or an action.
    parts : tuple of Doing
        The events of an action: each of them is it.
    filters : tuple of Filter
        What the event's properties must be.
    """

    text: str = ""
    event: str = ""
    feature: str = ""
    filters: tuple[Filter, ...] = ()
    parts: tuple[Doing, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether every active event counts."""
        return not (self.event or self.feature or self.parts)

    @property
    def label(self) -> str:
        """As tables show it."""
        return self.text or N_("any activity")

    def test(self, config: Config, alias: str = "e") -> str:
        """SQL that is true for a row `alias` of events that is such a doing."""
        if self.is_any:
            return active_sql(config, event=alias)
        tests = []
        if self.parts:
            either = " OR ".join(part.test(config, alias) for part in self.parts)
            tests.append(f"({either})")
        elif self.event:
            tests.append(f"{alias}.event = {quoted(self.event)}")
        else:
            tests.append(f"{feature_sql(config, event=alias)} = {quoted(self.feature)}")
        for one in self.filters:
            # A property that is absent is in no list, so it passes a filter that excludes.
            tests.append(
                f"coalesce({one.sql(property_sql(f'{alias}.properties', one.dim))}, FALSE)"
            )
        return f"({' AND '.join(tests)})"

    def day_test(self, config: Config) -> str | None:
        """SQL for a row `d` of usage_days, or None where that table cannot tell."""
        if self.is_any:
            return "d.is_active"
        if self.filters:
            return None
        if self.parts:
            tests = [part.day_test(config) for part in self.parts]
            known = [test for test in tests if test is not None]
            return f"({' OR '.join(known)})" if len(known) == len(tests) else None
        if self.feature:
            return f"d.feature = {quoted(self.feature)}"
        return None if config.behaviour.usage.feature else f"d.feature = {quoted(self.event)}"


ANY = Doing()
"""Any activity."""


def doing(text: str | None, config: Config) -> Doing:
    """What `text` names: '' any activity, 'report_viewed', 'plan_chosen[plan=Pro|Team]'.

    With 'feature:' before it, the name is that of a feature. A name of `[usage.actions]` is each of
    its events; what stands in brackets behind it must be true of them as well.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    text = (text or "").strip()
    if not text:
        return ANY
    found = _event(text)
    events = config.behaviour.usage.actions.get(found.event, ())
    return replace(found, event="", parts=tuple(map(_event, events))) if events else found


def _event(text: str) -> Doing:
    """An event or a feature by its text."""
    found = _DOING.fullmatch(text)
    if not found:
        raise UsageError(
            f"'{text}' is not an event.",
            hint="Write: report_viewed, feature:Reports or plan_chosen[plan=Pro|Team]",
        )
    named = found[1].strip()
    filters = parse_filters(found[2] or "")
    if named.startswith(FEATURE):
        return Doing(text, "", named.removeprefix(FEATURE).strip(), filters)
    return Doing(text, named, "", filters)


def seconds_of(text: str) -> int:
    """The seconds in a length of time such as 30m, 24h or 14d.

    Raises
    ------
    UsageError
        If it is none, or nothing long.
    """
    found = _LENGTH.fullmatch(text.strip())
    if not found or int(found[1]) < 1:
        raise UsageError(
            f"'{text}' is not a length of time.", hint="Write a number and s, m, h or d: 14d"
        )
    return int(found[1]) * SECONDS[found[2]]


@dataclass(frozen=True)
class UseQuestion(Asked):
    """Whose use is read, in which segments of accounts, and as of when.

    Attributes
    ----------
    whose : str
        user or account.
    of_users : tuple of str
        Those of the dimensions that are traits of users.
    tops : tuple of (str, tuple of str)
        Dimension → the values that are shown one by one, where there are more; the rest is OTHER.
    """

    whose: str = "user"
    of_users: tuple[str, ...] = ()
    tops: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def context(self) -> Context:
        """The same as relations see it."""
        return Context(
            self.config, "day", (), self.as_of, self.dims, len(self.by), self.filters,
            self.of_users,
        )

    @property
    def told(self) -> tuple[str, ...]:
        """The dimensions that each event tells: its properties and, of accounts, its user's traits.

        A user has one value of a trait, an account's users have theirs.
        """
        of_users = self.of_users if self.whose == "account" else ()
        return tuple(dim for dim in self.dims if dim.startswith(PROPERTY) or dim in of_users)

    @property
    def told_by(self) -> tuple[str, ...]:
        """Those of them that split the answer."""
        return tuple(dim for dim in self.told if dim in self.by)

    @property
    def many_valued(self) -> tuple[str, ...]:
        """Dimensions of which nobody knows how many values they have: the first ones are shown."""
        return tuple(dim for dim in self.dims if dim.startswith(PROPERTY) or dim in self.of_users)

    @property
    def is_additive(self) -> bool:
        """Whether segments sum to the whole: not where an account has several plans at once."""
        return not any(dim in ITEM_TRAITS for dim in self.by)

    @property
    def is_additive_by_act(self) -> bool:
        """The same where each event's segment is its own, so that somebody may be in several."""
        return self.is_additive and not self.told_by

    @property
    def who(self) -> str:
        """The column of the usage tables that names whose use is read."""
        return f"{self.whose}_id"

    @property
    def seen_sql(self) -> str:
        """The as-of as an SQL timestamp."""
        return self.context.as_of_sql

    def undivided(self) -> UseQuestion:
        """The same, not split."""
        return replace(self, by=())

    def narrowed(self, segment: Sequence[str | None]) -> UseQuestion:
        """The same in one segment of `by`, not split."""
        own = tuple(self.within(d, v) for d, v in zip(self.by, segment, strict=True))
        return replace(self, by=(), filters=(*self.filters, *own))

    def within(self, dim: str, value: str | None) -> Filter:
        """The filter that keeps one segment of a dimension: a value, or all that are OTHER."""
        tops = dict(self.tops).get(dim)
        if value == OTHER and tops is not None:
            return Filter(dim, (*tops, None), is_negated=True)
        return Filter(dim, (value,))

    def shown_sql(self, dim: str, column: str) -> str:
        """SQL of the segment of a value: itself, or OTHER where it is not shown by itself."""
        tops = dict(self.tops).get(dim)
        if tops is None:
            return column
        listed = ", ".join(quoted(value) for value in tops)
        return (
            f"CASE WHEN {column} IS NULL OR {column} IN ({listed}) THEN {column} "
            f"ELSE {quoted(OTHER)} END"
        )

    def by_account(self) -> UseQuestion:
        """The same without what each event tells, once its events are those that are asked for."""
        return replace(
            self, filters=tuple(one for one in self.filters if one.dim not in self.told)
        )


def check(
    question: UseQuestion, doings: Sequence[Doing], engine: AnyEngine,
    attributes: Sequence[str], traits: Sequence[str] = (),
) -> None:
    """Raise where a dimension, an event or a feature is not known.

    Parameters
    ----------
    attributes, traits : sequence of str
        Names of what is loaded of accounts, and of users, beside the declared columns.

    Raises
    ------
    UnknownNameError
        With the nearest name that is known.
    NotAnsweredError
        If no events are loaded.
    """
    columns = [c.name for c in ACCOUNTS.columns if c.kind == "text" or c.name == "employees"]
    known = [*columns, *attributes, *ITEM_TRAITS, COHORT, *moving_dims()]
    known += [one for one in user_traits.names(traits) if one not in known]
    for dim in question.dims:
        if dim.startswith(PROPERTY):
            check_property(dim.removeprefix(PROPERTY), engine)
        elif dim not in known:
            raise UnknownNameError("dimension", dim, known)
    _check_doings(question.config, doings, engine)


def _check_doings(config: Config, doings: Sequence[Doing], engine: AnyEngine) -> None:
    names = _Names(engine)
    for one in doings:
        known = _missing(config, one, names)
        if known is not None:
            if not known:
                raise NotAnsweredError(
                    f"{one.text} is not known: {NO_EVENTS}.",
                    hint="Load what users do in the product: staycurve load events.csv",
                )
            if not one.feature:
                known = [*known, *config.behaviour.usage.actions]
            raise UnknownNameError("feature" if one.feature else "event", _name(one), known)


def undone(config: Config, doings: Sequence[Doing], engine: AnyEngine) -> tuple[str, ...]:
    """A sentence for each thing that nobody has done yet, with the nearest that somebody has.

    Where no event is loaded at all there is none: nobody knows what was done.
    """
    found = []
    names = _Names(engine)
    for one in dict.fromkeys(doings):
        known = _missing(config, one, names)
        if known:
            kind = N_("feature") if one.feature else N_("event")
            near = did_you_mean(_name(one), [
                name for name in (*known, *config.behaviour.usage.actions) if name != _name(one)
            ])
            found.append(f"Nobody has done the {kind} '{_name(one)}' yet.{near}")
    return tuple(found)


def _name(one: Doing) -> str:
    return one.feature or one.event or one.text.partition("[")[0]


class _Names:
    """Names that statements list; each statement is asked once, of however many doings."""

    def __init__(self, engine: AnyEngine) -> None:
        self._engine = engine
        self._found: dict[str, list[str]] = {}

    def of(self, sql: str) -> list[str]:
        """The first column of the answer."""
        if sql not in self._found:
            self._found[sql] = [row[0] for row in self._engine.rows(sql)]
        return self._found[sql]


def _missing(config: Config, one: Doing, names: _Names) -> list[str] | None:
    """Names that were ever done, if `one` was not; None if it was, or if any activity counts."""
    if one.is_any:
        return None
    if one.parts:
        missing = [_missing(config, part, names) for part in one.parts]
        known = sorted({name for listed in missing for name in listed or ()})
        return None if None in missing else known
    is_feature = bool(one.feature) or not config.behaviour.usage.feature
    if not is_feature:
        sql = f"SELECT DISTINCT e.event FROM events e WHERE {counted_sql(config)} ORDER BY 1"
        known = names.of(sql)
        return None if _name(one) in known else known
    known = names.of("SELECT DISTINCT feature FROM feature_months WHERE feature IS NOT NULL")
    if _name(one) in known:
        return None
    # The table of months leaves out what nobody of an account did.
    days = "SELECT DISTINCT d.feature FROM usage_days d WHERE d.feature IS NOT NULL"
    if names.of(f"{days} AND d.feature = {quoted(_name(one))}"):
        return None
    return sorted(known) or sorted(names.of(days))
