"""Ownership: every account has exactly one person or team that looks after it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from staycurve.actions.facts.base import Moment, Values
from staycurve.actions.settings import Ownership
from staycurve.metrics.context import Filter
from staycurve.metrics.filters import filters_of
from staycurve.tables.person.terms import is_key

OWN, RULE, SHARED, DEFAULT = "own", "rule", "shared", "default"


@dataclass(frozen=True)
class Owner:
    """Whose an account is, and why: own, rule, shared or default."""

    name: str
    why: str


def is_gone(stated: Ownership, name: str) -> bool:
    """Whether an owner has left, or was forgotten: then a key stands where the name was."""
    return name in stated.gone or is_key(name)


def without(stated: Ownership, names: Iterable[str]) -> Ownership:
    """The same where these have left, too: those whom the server lets in no more."""
    return replace(stated, gone=tuple(dict.fromkeys((*stated.gone, *names))))


def owners(moment: Moment, stated: Ownership, accounts: Iterable[str]) -> dict[str, Owner]:
    """account_id → its owner.

    Its own owner goes first, unless they are gone; then the first rule that fits; then the
    people among whom the rest is shared out; then the default.
    """
    own = moment.read("account.owner")
    rules = [(filters_of(rule.where), rule.owner) for rule in stated.rules]
    known = {
        one.dim: moment.read(_fact_of(one.dim)) for filters, _owner in rules for one in filters
    }
    people = [one for one in stated.people if not is_gone(stated, one)]
    found: dict[str, Owner] = {}
    for account in accounts:
        name = str(own.get(account, "")).strip()
        if name and not is_gone(stated, name):
            found[account] = Owner(name, OWN)
            continue
        for filters, owner in rules:
            if not is_gone(stated, owner) and all(_fits(known, one, account) for one in filters):
                found[account] = Owner(owner, RULE)
                break
        else:
            found[account] = (
                Owner(_shared(account, people), SHARED) if people
                else Owner(stated.default, DEFAULT)
            )
    return found


def _fact_of(dim: str) -> str:
    return dim if dim in ("plan", "stage", "status") else f"account.{dim}"


def _fits(known: dict[str, Values], one: Filter, account: str) -> bool:
    value = known[one.dim].get(account)
    if value is None:
        return False
    return (str(value) in one.values) != one.is_negated


def _shared(account: str, people: list[str]) -> str:
    # Rendezvous: when somebody joins or leaves, only their share of the accounts moves.
    def weight(person: str) -> bytes:
        return hashlib.sha256(f"{person}\0{account}".encode()).digest()

    return max(sorted(people), key=weight)
