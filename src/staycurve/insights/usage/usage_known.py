"""What is known of what a question about use names: dimensions, events, features, properties."""

from __future__ import annotations

from collections.abc import Sequence

from staycurve import personal
from staycurve.config import Config
from staycurve.errors import NotAnsweredError, UnknownNameError, did_you_mean
from staycurve.i18n import N_
from staycurve.insights.usage.usage_question import NO_EVENTS, Doing, UseQuestion
from staycurve.metrics import user_traits
from staycurve.metrics.dimensions import COHORT, ITEM_TRAITS, PROPERTY, moving_dims
from staycurve.metrics.segment_values import MOST, check_property
from staycurve.tables.accounts import ACCOUNTS
from staycurve.tables.engine import AnyEngine, quoted
from staycurve.tables.usage_days import counted_sql, property_sql


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

    So for one that was done, but never with the properties in its brackets, and for each part of an
    action. Where no event is loaded at all there is none: nobody knows what was done.
    """
    found = []
    names = _Names(engine)
    for one in dict.fromkeys(doings):
        known = _missing(config, one, names)
        if known is None:
            found += _never_so(config, one, engine)
            found += [
                f"{said} It is part of '{_name(one)}'."
                for part in one.parts for said in undone(config, (part,), engine)
            ]
        elif known:
            kind = N_("feature") if one.feature else N_("event")
            near = did_you_mean(_name(one), [
                name for name in (*known, *config.behaviour.usage.actions) if name != _name(one)
            ])
            found.append(f"Nobody has done the {kind} '{_name(one)}' yet.{near}")
    return tuple(found)


def _never_so(config: Config, one: Doing, engine: AnyEngine) -> list[str]:
    """A sentence where nothing that is it has the properties in its brackets."""
    is_so = f"{counted_sql(config)} AND {one.test(config)}"
    if not one.brackets or engine.rows(f"SELECT 1 AS one FROM events e WHERE {is_so} LIMIT 1"):
        return []
    near = ""
    for own in one.brackets:
        key = own.dim.removeprefix(PROPERTY)
        column = property_sql("e.properties", key)
        values = [row[0] for row in engine.rows(
            f"SELECT DISTINCT {column} AS value FROM events e WHERE {column} IS NOT NULL "
            f"ORDER BY value LIMIT {MOST}"
        )]
        if not values:
            near = near or did_you_mean(key, personal.may_see(
                engine.json_keys("events", "properties")
            ))
        for value in own.values if own.is_of_values and not own.is_negated else ():
            if value and values and value not in values:
                near = near or did_you_mean(value, values)
    return [f"Nobody has done '{one.text}' yet.{near}"]


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
