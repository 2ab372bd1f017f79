"""Finding: who is meant by an id, an address or an account, and by what else they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from staycurve.errors import UsageError
from staycurve.tables.engine import AnyEngine, quoted

_ROUNDS = 20
"""Chains of links that are followed; ids end long before."""


@dataclass(frozen=True)
class Person:
    """Who was found.

    Attributes
    ----------
    ids : tuple of str
        Their users' ids, and every anonymous and former id that leads to one; sorted.
    emails, names : tuple of str
        As they are written.
    accounts : tuple of str
        The accounts of their users. Accounts' ids are no personal data.
    """

    ids: tuple[str, ...]
    emails: tuple[str, ...]
    names: tuple[str, ...]
    accounts: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether any id of theirs is known."""
        return bool(self.ids)

    def as_dict(self) -> dict[str, list[str]]:
        """As JSON."""
        return {
            "ids": list(self.ids), "emails": list(self.emails), "names": list(self.names),
            "accounts": list(self.accounts),
        }


def find(engine: AnyEngine, named: str) -> Person:
    """The person that `named` is: a user's id, an address, another id, or an account of one person.

    An address that no user has is a person of its own, who may stand in texts and attributes.

    Raises
    ------
    UsageError
        If it is an account of several people.
    """
    text = named.strip()
    ids = {str(row[0]) for row in engine.rows(
        f"SELECT user_id FROM users WHERE user_id = {quoted(text)} "
        f"OR lower(email) = {quoted(text.lower())}"
    )}
    if not ids and _is_id(engine, text):
        ids = {text}
    if not ids:
        ids = _of_account(engine, text)
    ids = _linked(engine, ids)
    if not ids:
        return Person((), (text,) if "@" in text else (), ())
    rows = engine.rows(
        "SELECT email, name, account_id, json_extract_string(attributes, '$.first_name'), "
        "json_extract_string(attributes, '$.last_name') FROM users "
        f"WHERE user_id IN {_listed(ids)}"
    )
    emails = {str(row[0]) for row in rows if row[0]} | {one for one in ids if "@" in one}
    for trait, value in engine.rows(
        "SELECT trait, json_extract_string(value, '$') FROM traits "
        f"WHERE subject <> 'account' AND subject_id IN {_listed(ids)} "
        "AND lower(trait) IN ('email', 'name', 'full_name', 'fullname')"
    ):
        if value and str(trait).lower() == "email":
            emails.add(str(value))
        elif value:
            rows.append((None, value, None, None, None))
    if "@" in text and text.lower() not in {one.lower() for one in emails}:
        emails.add(text)
    names = {str(row[1]) for row in rows if row[1]}
    names |= {f"{row[3]} {row[4]}" for row in rows if row[3] and row[4]}
    return Person(
        tuple(sorted(ids)), _once(emails),
        tuple(sorted(names)), tuple(sorted({str(row[2]) for row in rows if row[2]})),
    )


def _once(emails: set[str]) -> tuple[str, ...]:
    """Addresses, each in one of its spellings."""
    return tuple(sorted({one.lower(): one for one in sorted(emails, reverse=True)}.values()))


def _is_id(engine: AnyEngine, text: str) -> bool:
    own = quoted(text)
    return bool(engine.value(f"""
        SELECT EXISTS (SELECT 1 FROM identities WHERE alias = {own} OR user_id = {own})
            OR EXISTS (SELECT 1 FROM traits WHERE subject <> 'account' AND subject_id = {own})
            OR EXISTS (SELECT 1 FROM events WHERE user_id = {own} OR anonymous_id = {own})
            OR EXISTS (SELECT 1 FROM answers WHERE user_id = {own})
            OR EXISTS (SELECT 1 FROM tickets WHERE user_id = {own})
            OR EXISTS (SELECT 1 FROM invitations WHERE user_id = {own})
    """))


def _of_account(engine: AnyEngine, text: str) -> set[str]:
    found = [str(row[0]) for row in engine.rows(
        f"SELECT user_id FROM users WHERE account_id = {quoted(text)} ORDER BY user_id"
    )]
    people = {frozenset(_linked(engine, {one})) for one in found}
    if len(people) > 1:
        raise UsageError(
            f"'{text}' is an account of {len(people)} people.",
            hint=f"Name one of them, such as: {', '.join(found[:3])}",
        )
    return set(found)


def _linked(engine: AnyEngine, ids: set[str]) -> set[str]:
    """The ids with all that lead to one of them, and that they lead to."""
    for _ in range(_ROUNDS):
        if not ids:
            break
        listed = _listed(ids)
        more = {str(one) for row in engine.rows(
            f"SELECT alias, user_id FROM identities WHERE alias IN {listed} "
            f"OR user_id IN {listed}"
        ) for one in row}
        mails = engine.rows(
            "SELECT user_id FROM users WHERE lower(email) IN "
            f"(SELECT lower(email) FROM users WHERE user_id IN {listed} AND email IS NOT NULL)"
        )
        more |= {str(row[0]) for row in mails}
        if more <= ids:
            break
        ids = ids | more
    return ids


def _listed(texts: set[str] | Sequence[str]) -> str:
    return f"({', '.join(map(quoted, sorted(texts))) or 'NULL'})"
