"""Segment values: those that occur of a dimension, so that a misspelt one is found out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from staycurve.config import Config
from staycurve.errors import UnknownNameError, UnknownValueError, UsageError
from staycurve.metrics import user_traits
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import (
    COHORT,
    FIRSTS_SQL,
    ITEM_TRAITS,
    MOVING,
    OTHER,
    PROPERTY,
    now_of,
    own_order,
)
from staycurve.metrics.relations import RELATIONS
from staycurve.metrics.usage_relations import FEATURE
from staycurve.tables.account_roots import account_column
from staycurve.tables.accounts import ACCOUNTS
from staycurve.tables.engine import AnyEngine, json_text, name, quoted
from staycurve.tables.usage_days import property_sql

MOST = 2_000
"""Values that a suggestion is looked for among."""


def check_filters(
    filters: Sequence[Filter],
    engine: AnyEngine,
    config: Config,
    *,
    attributes: Sequence[str],
    traits: Sequence[str] = (),
) -> None:
    """Raise for a value that nothing loaded has in its dimension; an empty one is always known.

    What occurs at any time counts: a plan that nobody had yet as of an instant is no error. A
    dimension of which nothing at all is loaded is not judged, and neither is one that is unknown.

    Raises
    ------
    UnknownValueError
        With the nearest value that occurs, and those that do.
    """
    for own in filters:
        asked = [
            value for value in dict.fromkeys(own.values)
            if value and own.is_of_values and value != OTHER
        ]
        if not asked:
            continue
        order = own_order(own.dim)
        if order:
            found, known = set(order), list(order)
        else:
            sql = values_sql(own.dim, engine, config, attributes, traits)
            if not sql:
                continue
            found, known = _occurring(own.dim, asked, engine, sql), []
        missing = [value for value in asked if value not in found]
        if not missing:
            continue
        if not order:
            rows = engine.rows(
                f"SELECT DISTINCT value FROM ({sql}) v WHERE value IS NOT NULL AND value <> '' "
                f"ORDER BY value LIMIT {MOST}"
            )
            known = [row[0] for row in rows]
        if known:
            raise UnknownValueError(own.dim, missing[0], known, also=_named(missing[0], known))


def _occurring(dim: str, asked: Sequence[str], engine: AnyEngine, sql: str) -> set[str]:
    """Those of the asked values that `sql` gives."""
    if dim.startswith(PROPERTY):
        # Events are many: one that has the value is enough, and mostly soon found.
        each = (
            f"SELECT value FROM ({sql}) v WHERE value = {quoted(value)} LIMIT 1" for value in asked
        )
        return {row[0] for one in each for row in engine.rows(one)}
    listed = ", ".join(quoted(value) for value in asked)
    rows = engine.rows(f"SELECT DISTINCT value FROM ({sql}) v WHERE value IN ({listed})")
    return {row[0] for row in rows}


def values_sql(
    dim: str, engine: AnyEngine, config: Config, attributes: Sequence[str],
    traits: Sequence[str] = (),
) -> str:
    """SQL of one column `value`: every value that a dimension has anywhere; empty if unknown."""
    if dim.startswith(PROPERTY):
        key = dim.removeprefix(PROPERTY)
        if not key:
            return ""
        return f"SELECT {property_sql('e.properties', key)} AS value FROM events e"
    if user_traits.among((dim,), traits, attributes):
        return f"SELECT {user_traits.trait_sql(dim, alias='u')} AS value FROM users u"
    parts = []
    moving = MOVING[dim] if dim in MOVING else now_of(dim)
    if moving:
        spans = f"SELECT value FROM ({moving.spans(config)}) spans"
        return f"WITH firsts AS ({FIRSTS_SQL}) {spans}"
    if dim == COHORT:
        return (
            "SELECT strftime(first_paid_on, '%Y-%m') AS value FROM mrr_movements "
            "WHERE first_paid_on IS NOT NULL"
        )
    # Plans of trials and free time are in no item that counts.
    tables = ["mrr_items", "subscriptions"] if dim in ITEM_TRAITS else []
    carried = {
        (relation.table or relation.base, relation.own[dim].rpartition(".")[2].strip('"'))
        for relation in RELATIONS.values()
        if dim in relation.own and dim not in ITEM_TRAITS
    }
    if dim in FEATURE:
        carried = {("feature_months", dim)}
    for table, column in [*((table, dim) for table in tables), *sorted(carried)]:
        parts.append(f"SELECT CAST({name(column)} AS VARCHAR) AS value FROM {table}")
    if dim in attributes or any(dim == column for column, _ in ACCOUNTS.stored):
        parts.append(f"SELECT {account_column(dim, alias='a')} AS value FROM accounts a")
    # Leads carry attributes of their own, and a question about them is cut by those.
    if dim not in ITEM_TRAITS and dim in engine.json_keys("leads", "attributes"):
        parts.append(f"SELECT {json_text('l.attributes', dim)} AS value FROM leads l")
    return " UNION ALL ".join(parts)


def paid_values_sql(dim: str, last_day: dt.date) -> str:
    """SQL of one column `value`: those of a dimension that an account has paid in by a day.

    Parameters
    ----------
    dim : str
        A trait of items, or a column or attribute of accounts.
    """
    seen = f"starts_on <= DATE '{last_day}'"
    payers = f"SELECT account_id FROM mrr_items WHERE amount > 0 AND {seen}"
    # Who pays for an add-on alone is on a plan that costs nothing: it counts among its plans.
    if dim in ITEM_TRAITS:
        rows, value = f"mrr_items i WHERE {seen} AND", f"i.{name(dim)}"
    else:
        rows, value = "accounts i WHERE", account_column(dim, alias="i")
    sql = f"SELECT DISTINCT {value} AS value FROM {rows} i.account_id IN ({payers})"
    return f"SELECT value FROM ({sql}) v WHERE value IS NOT NULL AND value <> '' ORDER BY value"


def _named(value: str, known: Sequence[str]) -> str | None:
    """The known value that `value` is another name of: DE for Germany, Germany for DE or de."""
    from babel import Locale

    names = Locale("en").territories
    asked = {text.casefold() for text in (value, names.get(value.upper(), "")) if text}
    return next(
        (own for own in known
         if asked & {own.casefold(), (names.get(own.upper()) or own).casefold()}),
        None,
    )


def check_property(key: str, engine: AnyEngine) -> None:
    """Raise for a property that no event has, once any event is loaded.

    Raises
    ------
    UnknownNameError
        With the nearest that some event has.
    UsageError
        If it has no name.
    """
    if not key:
        raise UsageError(
            f"'{PROPERTY}{key}' names no property.", hint=f"Write: {PROPERTY}plan"
        )
    has_it = f"{property_sql('e.properties', key)} IS NOT NULL"
    # Mostly one of the first events has it; all of them are looked through for the suggestion.
    if engine.rows(f"SELECT 1 AS one FROM events e WHERE {has_it} LIMIT 1"):
        return
    known = engine.json_keys("events", "properties")
    if key not in known and (known or engine.rows("SELECT 1 AS one FROM events LIMIT 1")):
        raise UnknownNameError("property", key, known)
