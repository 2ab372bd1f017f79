"""usage_days: what each user of each customer did with each feature on each local day."""

from __future__ import annotations

import re

from staycurve import personal
from staycurve.config import Config
from staycurve.errors import NotPermittedError
from staycurve.i18n import N_
from staycurve.tables.base import MOST_WHOLE
from staycurve.tables.derived import Derived
from staycurve.tables.engine import json_text, quoted

_PLAIN = re.compile(r'[^"*\\]+')


def property_sql(column: str, key: str) -> str:
    """SQL for one property of an event as text; NULL where it has none.

    A dot leads into what is nested, where no property has the name as a whole.

    Raises
    ------
    NotPermittedError
        If it is called like personal data, and the present request may not see that.
    """
    if not personal.is_shown() and any(map(personal.is_named_so, (key, *key.split(".")))):
        raise NotPermittedError(
            f"Your role does not allow to see the property '{key}'.",
            hint="It may hold personal data, which the role operator or admin may see.",
        )
    found = _property_sql(column, key)
    if personal.is_shown():
        return found
    # What is nested may hold a person under any name inside.
    is_nested = f"{found} LIKE '{{%' OR {found} LIKE '[%'"
    return f"CASE WHEN {is_nested} THEN {quoted(personal.HIDDEN)} ELSE {found} END"


def _property_sql(column: str, key: str) -> str:
    own = json_text(column, key)
    parts = key.split(".")
    if len(parts) < 2 or not all(_PLAIN.fullmatch(part) for part in parts):
        return own
    # Senders flatten what is nested, or do not: address.city is the city of an address in both.
    path = "$" + "".join(f'."{part}"' for part in parts)
    return f"coalesce({own}, json_extract_string({column}, {quoted(path)}))"


def feature_sql(config: Config, *, event: str = "e") -> str:
    """SQL for the feature that an event `e` belongs to."""
    key = config.behaviour.usage.feature
    if not key:
        return f"{event}.event"
    return f"coalesce({_property_sql(f'{event}.properties', key)}, {event}.event)"


def active_sql(config: Config, *, event: str = "e") -> str:
    """SQL that is true for an event that makes its user active; an activation always does."""
    active = config.behaviour.usage.active
    if not active:
        return "TRUE"
    listed = ", ".join(quoted(one) for one in (*active, *config.behaviour.activation.events))
    return f"{event}.event IN ({listed})"


def activation_sql(config: Config, *, event: str = "e") -> str:
    """SQL that is true for an event with which an account can reach first value."""
    listed = ", ".join(quoted(one) for one in config.behaviour.activation.events)
    return f"{event}.event IN ({listed})" if listed else active_sql(config, event=event)


def counted_sql(config: Config, *, event: str = "e") -> str:
    """SQL that is true for an event that counts at all."""
    listed = ", ".join(quoted(one) for one in config.behaviour.usage.ignored)
    return f"{event}.event NOT IN ({listed})" if listed else "1 = 1"


def number_sql(key: str, *, default: str) -> str:
    """SQL for a property of an event `e` as a whole number; a text that is none is the default.

    So is what lies beyond MOST_WHOLE either way: it would drown every other event in the sum.
    """
    if not key:
        return default
    number = f"TRY_CAST({property_sql('e.properties', key)} AS DOUBLE)"
    return (
        f"coalesce(CASE WHEN abs({number}) <= {MOST_WHOLE} "
        f"THEN CAST(round({number}) AS BIGINT) END, {default})"
    )


def _statement(config: Config) -> str:
    usage = config.behaviour.usage
    grouped = "1, 2, 3, 4, 5, 6"
    # The events are summed before they meet other tables: there are many of them.
    return f"""
WITH summed AS (
    SELECT e.account_id AS own_id, e.user_id, {feature_sql(config)} AS feature,
           e.occurred_on AS day, {active_sql(config)} AS is_active,
           {activation_sql(config)} AS is_activation,
           CAST(SUM({number_sql(usage.count, default="1")}) AS BIGINT) AS uses,
           CAST(SUM({number_sql(usage.errors, default="NULL")}) AS BIGINT) AS errors,
           CAST(SUM({number_sql(usage.seconds, default="NULL")}) AS BIGINT) AS seconds
    FROM events e
    WHERE {counted_sql(config)}
    GROUP BY {grouped}
),
loose AS (
    SELECT s.user_id, u.account_id
    FROM (SELECT DISTINCT user_id FROM summed WHERE own_id IS NULL) s
    JOIN users u ON u.user_id = s.user_id
)
SELECT coalesce(r.root_id, s.own_id, l.account_id) AS account_id, s.user_id, s.feature, s.day,
       s.is_active, s.is_activation, s.uses, s.errors, s.seconds,
       CAST(date_trunc('month', s.day) AS DATE) AS month_on
FROM summed s
LEFT JOIN loose l ON s.own_id IS NULL AND l.user_id = s.user_id
LEFT JOIN account_roots r ON r.account_id = coalesce(s.own_id, l.account_id)
WHERE coalesce(r.is_excluded, FALSE) = FALSE
"""


USAGE_DAYS = Derived(
    name="usage_days",
    about=N_(
        "What each user did with each feature on each local day. An event without an account "
        "belongs to its user's; one without a user counts for its account alone."
    ),
    grain=N_("one account, user, feature and day (and billing account of one customer)"),
    columns=(
        ("account_id", "VARCHAR"),
        ("user_id", "VARCHAR"),
        ("feature", "VARCHAR"),
        ("day", "DATE"),
        ("is_active", "BOOLEAN"),
        ("is_activation", "BOOLEAN"),
        ("uses", "BIGINT"),
        ("errors", "BIGINT"),
        ("seconds", "BIGINT"),
        # A file a day would be a thousand of a few kilobytes after three years.
        ("month_on", "DATE"),
    ),
    reads=("events", "users", "account_roots"),
    statement=_statement,
    partition="month_on",
)
