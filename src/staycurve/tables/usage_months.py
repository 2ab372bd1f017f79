"""user_months, account_months, feature_months: use by calendar month, its days as bits.

Bit 0 of `days` is the first of the month. Trailing windows, sticky days and retention are read
from the bits, so that a year of questions looks at a few rows an account instead of its events.
"""

from __future__ import annotations

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.tables.derived import Derived

_MONTH = "CAST(date_trunc('month', day) AS DATE)"
DAY_BIT = "CAST(1 AS BIGINT) << CAST(day(day) - 1 AS INTEGER)"
"""The bit of a day in its month."""

_BITS = f"""CAST(bit_or({DAY_BIT}) AS BIGINT) AS days,
       CAST(SUM(uses) AS BIGINT) AS uses, MIN(day) AS first_day"""


def _users(config: Config) -> str:
    del config
    return f"""
SELECT account_id, user_id, {_MONTH} AS month_on, {_BITS}
FROM usage_days
WHERE is_active AND user_id IS NOT NULL
GROUP BY account_id, user_id, {_MONTH}
"""


def _accounts(config: Config) -> str:
    del config
    return f"""
SELECT account_id, {_MONTH} AS month_on, {_BITS},
       MIN(CASE WHEN is_activation THEN day END) AS activated_on
FROM usage_days
WHERE is_active AND account_id IS NOT NULL
GROUP BY account_id, {_MONTH}
"""


def _features(config: Config) -> str:
    del config
    return f"""
SELECT account_id, feature, {_MONTH} AS month_on, {_BITS},
       CAST(COUNT(DISTINCT user_id) AS BIGINT) AS users,
       CAST(SUM(errors) AS BIGINT) AS errors, CAST(SUM(seconds) AS BIGINT) AS seconds
FROM usage_days
WHERE account_id IS NOT NULL
GROUP BY account_id, feature, {_MONTH}
"""


FIRST_ON = "MIN(first_day) AS first_on"
IS_SHARED = "MIN(coalesce(account_id, '')) <> MAX(coalesce(account_id, '')) AS is_shared"

OVER_ALL: dict[str, tuple[str, dict[str, str]]] = {
    "user_months": ("user_id", {"first_on": FIRST_ON, "is_shared": IS_SHARED}),
    "account_months": ("account_id", {"first_on": FIRST_ON}),
}
"""Month table → whose rows these are, and the columns that are computed over all its months."""

_COLUMNS = (
    ("month_on", "DATE"),
    ("days", "BIGINT"),
    ("uses", "BIGINT"),
    ("first_day", "DATE"),
)

USER_MONTHS = Derived(
    name="user_months",
    about=N_(
        "The days of a month on which a user was active, as bits; the first day ever on which "
        "that user was; and whether the user was ever active in several accounts."
    ),
    grain=N_("one account, user and month"),
    columns=(
        ("account_id", "VARCHAR"), ("user_id", "VARCHAR"), *_COLUMNS,
        ("first_on", "DATE"), ("is_shared", "BOOLEAN"),
    ),
    reads=("usage_days",),
    statement=_users,
    partition="month_on",
)

ACCOUNT_MONTHS = Derived(
    name="account_months",
    about=N_(
        "The days of a month on which anybody of an account was active, as bits; the first day "
        "ever on which somebody was; and the month's first day with an activation event."
    ),
    grain=N_("one account and month"),
    columns=(
        ("account_id", "VARCHAR"), *_COLUMNS, ("activated_on", "DATE"), ("first_on", "DATE"),
    ),
    reads=("usage_days",),
    statement=_accounts,
    partition="month_on",
)

FEATURE_MONTHS = Derived(
    name="feature_months",
    about=N_("The days of a month on which an account used a feature, as bits, and how much."),
    grain=N_("one account, feature and month"),
    columns=(
        ("account_id", "VARCHAR"), ("feature", "VARCHAR"), *_COLUMNS,
        ("users", "BIGINT"), ("errors", "BIGINT"), ("seconds", "BIGINT"),
    ),
    reads=("usage_days",),
    statement=_features,
    partition="month_on",
)
