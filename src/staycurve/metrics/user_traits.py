"""User traits: what is known of the users behind a number, as dimensions.

`role` and `is_champion` go by these names, and so does what else was loaded of users where no
dimension of accounts has the name; every one goes by `user:NAME`. They are today's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from staycurve import personal
from staycurve.errors import NotPermittedError
from staycurve.metrics.dimensions import COHORT, ITEM_TRAITS, USER, moving_dims
from staycurve.tables.accounts import ACCOUNTS
from staycurve.tables.base import PROVENANCE
from staycurve.tables.engine import json_text, name
from staycurve.tables.users import USERS

PLAIN = ("role", "is_champion")
"""Columns of users that need no prefix."""

_KEYS = {"user_id", "account_id", "attributes", *(column for column, _ in PROVENANCE)}
COLUMNS = tuple(column for column, _ in USERS.stored if column not in _KEYS)


def names(attributes: Iterable[str]) -> list[str]:
    """Every dimension of users: what goes without the prefix first.

    Parameters
    ----------
    attributes : iterable of str
        What is loaded of users beside the declared columns.
    """
    attributes = list(attributes)
    columns = personal.may_see(COLUMNS)
    return [*PLAIN, *attributes, *(f"{USER}{one}" for one in (*columns, *attributes))]


def among(
    dims: Sequence[str], attributes: Collection[str], of_accounts: Collection[str]
) -> tuple[str, ...]:
    """Those of `dims` that are traits of users.

    Parameters
    ----------
    attributes : collection of str
        What is loaded of users beside the declared columns.
    of_accounts : collection of str
        What is loaded of accounts beside the declared columns: of a name that both have, the
        account's is meant.
    """
    taken = {*of_accounts, *(column for column, _ in ACCOUNTS.stored), *ITEM_TRAITS, COHORT,
             *moving_dims()}
    plain = {one for one in (*PLAIN, *attributes) if one not in taken}
    every = {*plain, *(f"{USER}{one}" for one in (*COLUMNS, *attributes))}
    return tuple(dim for dim in dims if dim in every)


def trait_sql(dim: str, *, alias: str) -> str:
    """SQL for a trait of a row `alias` of users, as text; NULL where it is not known.

    Raises
    ------
    NotPermittedError
        If it is called like personal data, and the present request may not see that.
    """
    column = dim.removeprefix(USER)
    if not personal.is_shown() and personal.is_named_so(column):
        raise NotPermittedError(
            f"Your role does not allow to see '{column}' of users.",
            hint="It may hold personal data, which the role operator or admin may see.",
        )
    if column in COLUMNS:
        return f"CAST({alias}.{name(column)} AS VARCHAR)"
    return json_text(f"{alias}.attributes", column)
