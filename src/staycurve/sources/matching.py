"""Matching: which accounts of different sources may be one, and which certainly are.

Certain is what an id says: the account of one source names the other account, and nobody else of
that source does. A domain or an e-mail address that two accounts share is a reason to look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from staycurve.sources.match_keys import DOMAIN, EMAIL, FIELDS, ID, MatchKey, domain_of, email_of
from staycurve.tables.account_merges import MOST

COMMON = 20
"""A domain or address of more accounts than this is an agency's or a reseller's: it says nothing
of who is whose, and every pair of them would ask to be looked at."""


@dataclass(frozen=True)
class Known:
    """One account as its source has it.

    Attributes
    ----------
    source : str
        The source that it came from; empty for one that a person or program loaded.
    texts : mapping
        Attribute, in lower case → its text.
    emails : tuple of str
        Of its users.
    """

    account_id: str
    source: str
    name: str | None = None
    texts: Mapping[str, str] | None = None
    emails: tuple[str, ...] = ()

    def told(self, fields: Iterable[str]) -> list[str]:
        """What it says in any of these attributes; metadata of a source are its own, too."""
        texts = self.texts
        if not texts:
            return []
        named = [way for field in fields for way in (field, f"metadata {field}")]
        return [texts[one] for one in named if texts.get(one)]

    def domains(self, fields: Iterable[str]) -> set[str]:
        """Domains of the company: as attributes, and of the addresses of its users."""
        written = [part for text in self.told(fields) for part in text.split(",")]
        found = {domain_of(one) for one in (*written, *self.told(FIELDS[EMAIL]), *self.emails)}
        return found - {""}

    def addresses(self, fields: Iterable[str]) -> set[str]:
        """E-mail addresses: its own, and those of its users."""
        return {email_of(one) for one in (*self.told(fields), *self.emails)} - {""}


@dataclass(frozen=True)
class Candidate:
    """Two accounts of different sources that may be one.

    Attributes
    ----------
    account_id : str
        Of the source that looks for others: it would count for the other.
    by : tuple of (str, str)
        Key and value that they share, such as ("domain", "acme.com").
    is_sure : bool
        Whether an id says it, and nothing contradicts.
    """

    account_id: str
    other_id: str
    by: tuple[tuple[str, str], ...]
    is_sure: bool


@dataclass(frozen=True)
class Merged:
    """What follows from matches and decisions.

    Attributes
    ----------
    into : mapping
        Account → the account that it counts for.
    kept_out : frozenset of (str, str)
        Pairs that would have to be merged and cannot: an account counts for one other, not in a
        circle, and at most `MOST` count for one.
    """

    into: Mapping[str, str]
    kept_out: frozenset[tuple[str, str]]


def candidates(
    accounts: Sequence[Known], keys: Mapping[str, Sequence[MatchKey]]
) -> tuple[list[Candidate], int]:
    """Pairs by the keys that sources state, in the order of ids; and how many keys were too common.

    Parameters
    ----------
    keys : mapping
        Source → its keys, in the order of staycurve.toml.
    """
    found: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    common: set[tuple[str, str]] = set()
    ids = {one.account_id: one for one in accounts}
    # By the number that an account has at its source, too: `crm:512` is 512 there.
    by_number: dict[str, list[Known]] = defaultdict(list)
    for one in accounts:
        if one.source and one.account_id.startswith(f"{one.source}:"):
            by_number[one.account_id.removeprefix(f"{one.source}:")].append(one)
    used = {key.kind for own in keys.values() for key in own}
    shared = {
        kind: _index((one, told(one, FIELDS[kind])) for one in accounts)
        for kind, told in ((DOMAIN, Known.domains), (EMAIL, Known.addresses)) if kind in used
    }
    for one in accounts:
        for key in keys.get(one.source, ()):
            if key.kind == ID:
                for value in one.told(key.fields):
                    text = value.strip()
                    near = [ids[text]] if text in ids else by_number.get(text, [])
                    _add(found, one, near, (ID, text))
                continue
            own = one.domains(key.fields) if key.kind == DOMAIN else one.addresses(key.fields)
            for value in own:
                near = shared[key.kind].get(value, [])
                if len(near) > COMMON:
                    common.add((key.kind, value))
                else:
                    _add(found, one, near, (key.kind, value))
    order = list(keys)
    pairs: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for (account, other), by in found.items():
        pairs[_turned(ids[account], ids[other], order, found)] |= by
    return [
        Candidate(account, other, tuple(sorted(by)), is_sure)
        for (account, other), by, is_sure in _sure(pairs, ids)
    ], len(common)


def merged(
    found: Iterable[Candidate], *, decided: Sequence[tuple[str, str]],
    apart: Collection[tuple[str, str]], known: Collection[str],
) -> Merged:
    """Which account counts for which: what was decided, then what is sure.

    Parameters
    ----------
    decided : sequence of (str, str)
        Pairs (account, the one that it counts for) that a person merged, oldest first.
    apart : collection of (str, str)
        Pairs that a person kept apart, either way round.
    known : collection of str
        Accounts that there are; a pair of which one is none waits.
    """
    there = set(known)
    away = {frozenset(pair) for pair in apart}
    into: dict[str, str] = {}
    sizes: dict[str, int] = defaultdict(int)
    out: set[tuple[str, str]] = set()
    sure = [(one.account_id, one.other_id) for one in found if one.is_sure]
    for account, other in (*decided, *sure):
        if account not in there or other not in there or frozenset((account, other)) in away:
            continue
        if into.get(account) == other:
            continue
        top = other
        while top in into:
            top = into[top]
        if account in into or top == account or 1 + sizes[account] + sizes[top] > MOST:
            out.add((account, other))
            continue
        into[account] = top
        sizes[top] += 1 + sizes[account]
    return Merged({account: _top(into, account) for account in into}, frozenset(out))


def _top(into: Mapping[str, str], account: str) -> str:
    while account in into:
        account = into[account]
    return account


def _index(told: Iterable[tuple[Known, set[str]]]) -> dict[str, list[Known]]:
    found: dict[str, list[Known]] = defaultdict(list)
    for one, values in told:
        for value in values:
            found[value].append(one)
    return found


def _add(
    found: dict[tuple[str, str], set[tuple[str, str]]], one: Known, near: Iterable[Known],
    by: tuple[str, str],
) -> None:
    for other in near:
        if other.source != one.source:
            found[one.account_id, other.account_id].add(by)


def _turned(
    one: Known, other: Known, order: Sequence[str], found: Mapping[tuple[str, str], object]
) -> tuple[str, str]:
    """The pair with the account first that would count for the other.

    Where both sources look for each other, that of the section which stands first is.
    """
    if (other.account_id, one.account_id) in found and (
        order.index(other.source) < order.index(one.source)
    ):
        return other.account_id, one.account_id
    return one.account_id, other.account_id


def _sure(
    pairs: Mapping[tuple[str, str], set[tuple[str, str]]], ids: Mapping[str, Known]
) -> Iterable[tuple[tuple[str, str], set[tuple[str, str]], bool]]:
    """Each pair, and whether an id that only it shares says that it is one."""
    named: dict[tuple[str, str], int] = defaultdict(int)
    for (account, other), by in pairs.items():
        if any(kind == ID for kind, _ in by):
            named[account, ids[other].source] += 1
            named[other, ids[account].source] += 1
    for (account, other), by in sorted(pairs.items()):
        is_sure = any(kind == ID for kind, _ in by) and (
            named[account, ids[other].source] == 1 and named[other, ids[account].source] == 1
        )
        yield (account, other), by, is_sure
