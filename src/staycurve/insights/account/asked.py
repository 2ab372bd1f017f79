"""Which account is asked for: the id, the customer that it is billed with, and near ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.config import Config
from staycurve.errors import NoAccountError
from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.insights.shared.reader import Reader
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine, quoted, timestamp

NEAR = 5
"""How many ids an error about an unknown one names."""
RECENT = 64
"""Accounts, or statements about them, whose rows are remembered."""
LETTERS = 60
"""Letters of an unknown id that the error repeats."""

AccountId = Annotated[
    str, Param(N_("Its account_id."), metavar="ACCOUNT", is_argument=True)
]

EXCLUDED = N_("This account is excluded in [company] of staycurve.toml: no metric counts it.")


@dataclass(frozen=True)
class Whose:
    """One account, as of an instant.

    Attributes
    ----------
    account_id : str
    customer_id : str
        The account that it is billed with: itself, unless it is part of another.
    parts : tuple of str
        Every account of that customer.
    is_excluded : bool
        Whether no metric counts it.
    merged_id : str
        The account that was asked for, where it was merged with this one.
    """

    config: Config
    seen: AsOf
    account_id: str
    customer_id: str
    parts: tuple[str, ...]
    is_excluded: bool
    merged_id: str = ""

    @property
    def customer(self) -> str:
        """Its customer_id as SQL."""
        return quoted(self.customer_id)

    @property
    def listed(self) -> str:
        """Every account of the customer as SQL, with commas."""
        return ", ".join(quoted(one) for one in self.parts)

    @property
    def last_day(self) -> dt.date:
        """The last local day of which anything is seen."""
        return self.seen.last_day

    @property
    def at(self) -> str:
        """The instant after which nothing is seen, as SQL."""
        return timestamp(self.seen.at)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of whom the answer is about."""
        found = []
        if self.merged_id:
            found.append(f"{self.merged_id} was merged with {self.account_id}, and counts for it.")
        if self.customer_id != self.account_id:
            found.append(
                f"{self.account_id} is billed with {self.customer_id}: MRR, usage and stages are "
                f"those of {self.customer_id}, the whole customer."
            )
        elif len(self.parts) > 1:
            found.append(
                "Its other billing accounts count here too: "
                f"{', '.join(one for one in self.parts if one != self.account_id)}."
            )
        if self.is_excluded:
            found.append(EXCLUDED)
        return tuple(found)


def whose(engine: AnyEngine, company: Reader, account: str, seen: AsOf) -> Whose:
    """The account of this id.

    Raises
    ------
    NoAccountError
        If no account has it; the hint names near ids.
    """
    def look() -> tuple[str, str, tuple[str, ...], bool]:
        into = engine.value(
            f"SELECT into_id FROM account_merges WHERE account_id = {quoted(account)}"
        )
        counted = str(into or account)
        own = f"SELECT root_id FROM account_roots WHERE account_id = {quoted(counted)}"
        rows = engine.rows(
            f"SELECT account_id, root_id, is_excluded FROM account_roots WHERE root_id IN ({own}) "
            "AND account_id NOT IN (SELECT account_id FROM account_merges) ORDER BY account_id"
        )
        if not rows:
            raise unknown(engine, account)
        excluded = next(bool(out) for one, _root, out in rows if one == counted)
        return counted, rows[0][1], tuple(one for one, _root, _out in rows), excluded

    # Several panels of one page ask for the same account.
    counted, root, parts, is_excluded = company.kept("whose", account, look, most=RECENT)
    merged = account if counted != account else ""
    return Whose(company.config, seen, counted, root, parts, is_excluded, merged)


def rows_of(company: Reader, engine: AnyEngine, of: Whose, sql: str) -> Sequence[Any]:
    """The rows of a statement about one account, read once for all that need them."""
    found: Sequence[Any] = company.kept(
        "account rows", (of.seen.at, sql), lambda: engine.rows(sql), most=RECENT
    )
    return found


def unknown(engine: AnyEngine, account: str) -> NoAccountError:
    """The error of an id that no account has."""
    near = near_ids(engine, account)
    named = ", ".join(f"{one} ({name})" if name else one for one, name in near)
    hint = f"Near: {named}" if named else "Look for it: staycurve search NAME"
    text = account if len(account) <= LETTERS else f"{account[:LETTERS]}…"
    return NoAccountError("account", text, [one for one, _name in near[:1]], hint=hint)


def near_ids(engine: AnyEngine, account: str) -> Sequence[tuple[str, str | None]]:
    """(id, name) of the accounts whose id or name is nearest, nearest first."""
    text = quoted(account[:LETTERS].lower())
    distance = f"least(levenshtein(lower(account_id), {text}), " \
               f"levenshtein(lower(coalesce(name, account_id)), {text}))"
    found: Sequence[tuple[str, str | None]] = engine.rows(
        f"SELECT account_id, name FROM (SELECT account_id, name, {distance} AS distance "
        f"FROM accounts) measured WHERE distance <= {max(2, min(len(account), LETTERS) // 2)} "
        f"ORDER BY distance, account_id LIMIT {NEAR}"
    )
    return found
