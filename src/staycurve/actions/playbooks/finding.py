"""What playbooks find as of an instant: who is in each rule, and what an alert would keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.actions.facts.base import Moment, Value
from staycurve.actions.ownership import Owner, owners
from staycurve.actions.playbooks.base import FEW, SHARE, Playbook
from staycurve.actions.rules.conditions import matching
from staycurve.actions.settings import OWNERSHIP, Ownership
from staycurve.errors import NotAnsweredError, UsageError


class TooManyError(UsageError):
    """A rule that holds for so many accounts that it names no exception."""

    code = "too_many_accounts"
    exit_status = 1


@dataclass(frozen=True)
class Found:
    """Who is in the rule of a playbook.

    Attributes
    ----------
    members : tuple of str, optional
        Their ids; None where the rule rests on what is not loaded.
    accounts : int
        How many there are at all.
    why : str
        Why nobody could be looked for.
    refused : str
        Why no alert opens.
    """

    playbook: Playbook
    members: tuple[str, ...] | None
    accounts: int
    why: str = ""
    refused: str = ""

    @property
    def share(self) -> float | None:
        """Members of all accounts, 0 to 1."""
        if self.members is None or not self.accounts:
            return None
        return len(self.members) / self.accounts


@dataclass(frozen=True)
class About:
    """What an alert keeps of its account."""

    name: str
    owner: Owner
    mrr: float
    plan: str


@dataclass(frozen=True)
class Findings:
    """What all playbooks find, and what is known of the accounts that they name.

    Attributes
    ----------
    facts : mapping
        (playbook, account_id) → fact → value: what an alert keeps as its evidence.
    """

    at: dt.datetime
    on: dt.date
    found: tuple[Found, ...]
    about: Mapping[str, About]
    facts: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)


def find(
    moment: Moment, playbooks: Sequence[Playbook], inside: Mapping[str, frozenset[str]],
    *, stated: Ownership | None = None,
) -> Findings:
    """What playbooks find as of the moment.

    Parameters
    ----------
    inside : mapping
        Playbook → accounts that are in its rule since earlier.
    stated : Ownership, optional
        Whose the accounts are; what [ownership] says without it.
    """
    found = tuple(_found(moment, one, inside.get(one.name, frozenset())) for one in playbooks)
    named = {
        account for one in found if not one.refused for account in one.members or ()
    }
    facts = {
        (one.playbook.name, account): kept
        for one in found if one.members and not one.refused
        for account, kept in _evidence(moment, one.playbook, one.members).items()
    }
    return Findings(
        moment.seen.at, moment.seen.last_day, found, about_of(moment, sorted(named), stated), facts
    )


def _found(moment: Moment, playbook: Playbook, inside: frozenset[str]) -> Found:
    every = len(moment.accounts())
    try:
        members = tuple(matching(playbook.rule, moment, inside=inside))
    except NotAnsweredError as error:
        return Found(playbook, None, every, why=error.message)
    found = Found(playbook, members, every)
    if playbook.is_confirmed or len(members) < FEW or len(members) <= SHARE * every:
        return found
    return Found(
        playbook, members, every,
        refused=f"{playbook.file} would alert {len(members):,} of {every:,} accounts "
        f"({len(members) / every:.0%}); over {SHARE:.0%} nothing is an exception.",
    )


def refusal(found: Found) -> TooManyError:
    """The error of a rule that holds for too many."""
    return TooManyError(
        found.refused, hint="Narrow the rule, or confirm it: is_confirmed = true in its file, or "
        f"staycurve playbooks run --confirm {found.playbook.name}",
        playbook=found.playbook.name,
    )


def about_of(
    moment: Moment, accounts: Sequence[str], stated: Ownership | None = None
) -> dict[str, About]:
    """What is known of accounts."""
    names, mrr, plans = (moment.read(name) for name in ("account.name", "mrr", "plan"))
    own = owners(moment, stated or moment.company.config[OWNERSHIP], accounts)
    return {
        one: About(str(names.get(one, "")), own[one], _amount(mrr.get(one)),
                   str(plans.get(one, "")))
        for one in accounts
    }


def _amount(value: Value | None) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def evidence_facts(playbook: Playbook) -> tuple[str, ...]:
    """Facts that an alert of a playbook keeps."""
    templated = (
        name for one in playbook.templates for name in one.fields
        if name not in ("account_id", "name", "owner", "playbook", "opened_on")
    )
    return tuple(dict.fromkeys((*playbook.rule.facts, *playbook.evidence, *templated)))


def _evidence(
    moment: Moment, playbook: Playbook, accounts: Iterable[str]
) -> dict[str, dict[str, Any]]:
    known = {}
    for name in evidence_facts(playbook):
        try:
            known[name] = moment.read(name)
        except NotAnsweredError:
            # The rule holds without it; the evidence says nothing of it.
            known[name] = {}
    return {
        one: {name: plain(values[one]) for name, values in known.items() if one in values}
        for one in accounts
    }


def plain(value: Value) -> Any:
    """A value as JSON keeps it."""
    if isinstance(value, dt.date):
        return value.isoformat()
    return round(value, 6) if isinstance(value, float) else value


def filled(text: str, fields: Mapping[str, Any]) -> str:
    """A template with its fields; one that is not known stands as [name], to be written."""
    class Known(dict[str, Any]):
        def __missing__(self, key: str) -> str:
            return f"[{key}]"

    flat = {key.replace(".", "__"): _shown(value) for key, value in fields.items()}
    dotted = text
    for key in fields:
        if "." in key:
            dotted = dotted.replace("{" + key + "}", "{" + key.replace(".", "__") + "}")
    return dotted.format_map(Known(flat)).strip()


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
