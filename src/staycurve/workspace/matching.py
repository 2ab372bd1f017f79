"""Matching: accounts of several sources that are one, those that may be, and what was decided."""

from __future__ import annotations

import datetime as dt
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staycurve.errors import UnknownNameError, UsageError
from staycurve.sources.configured import configured
from staycurve.sources.match_keys import MatchKey
from staycurve.sources.matching import Candidate, Known, Merged, candidates, merged
from staycurve.tables import account_merges
from staycurve.tables.account_merges import MOST
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.pointer import Snapshot
from staycurve.workspace.measured import MeasuredCompany

if TYPE_CHECKING:
    from staycurve.state.matching import Decision
    from staycurve.workspace.state import State

OPEN, MERGED, APART, WAITING = "open", "merged", "apart", "waiting"
_ORDER = (OPEN, MERGED, APART, WAITING)
LIST = "All pairs: staycurve sources matches"


@dataclass(frozen=True)
class Match:
    """Two accounts of different sources, and what is known and decided of them.

    Attributes
    ----------
    by : tuple of (str, str)
        Key and value that they share; empty for a pair that a person found.
    state : str
        `merged`: the account counts for the other. `apart`: they are two. `open`: nobody decided.
        `waiting`: they were merged, and cannot be while one of them is not there, counts for a
        third, or too many count for the other.
    decided_by : str
        Who did; empty where an id says it.
    """

    account_id: str
    name: str | None
    source: str
    other_id: str
    other_name: str | None
    other_source: str
    by: tuple[tuple[str, str], ...]
    is_sure: bool
    state: str
    decided_at: dt.datetime | None = None
    decided_by: str = ""
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "account_id": self.account_id, "name": self.name, "source": self.source,
            "other_id": self.other_id, "other_name": self.other_name,
            "other_source": self.other_source,
            "by": [{"key": key, "value": value} for key, value in self.by],
            "is_sure": self.is_sure, "state": self.state,
            "decided_at": self.decided_at.isoformat() if self.decided_at else None,
            "decided_by": self.decided_by, "reason": self.reason,
        }


@dataclass(frozen=True)
class _Found:
    """What the accounts say, whatever was decided."""

    known: Mapping[str, Known]
    pairs: tuple[Candidate, ...]
    common: int


_FOUND: weakref.WeakKeyDictionary[MeasuredCompany, tuple[dict[str, Any], _Found]] = (
    weakref.WeakKeyDictionary()
)


class Matching:
    """The matching of one company's accounts.

    Parameters
    ----------
    state : callable
        Gives the state that keeps decisions; asked only where they are needed.
    """

    def __init__(self, company: MeasuredCompany, state: Callable[[], State]) -> None:
        self._company = company
        self._state = state

    def listed(self) -> list[Match]:
        """Every pair: those that nobody decided about first, then by ids."""
        found, decided = self._found(), {_pair(one): one for one in self._decisions()}
        effect = _effect(found, list(decided.values()))
        pairs = {(one.account_id, one.other_id): one for one in found.pairs}
        turned = {pair[::-1] for pair in decided} & set(pairs)
        rows = [
            self._match(found, pairs.get(pair) or pairs.get(pair[::-1]), pair,
                        decided.get(pair), effect)
            for pair in sorted((set(pairs) - turned) | set(decided))
        ]
        return sorted(rows, key=lambda one: _ORDER.index(one.state))

    def common(self) -> int:
        """How many domains and addresses are of too many accounts to say anything."""
        return self._found().common

    def merge(
        self, account: str, other: str, *, author: str = "", reason: str = ""
    ) -> None:
        """Let an account count for another, everywhere and back to the beginning.

        Raises
        ------
        UnknownNameError
            If one of them is no account.
        UsageError
            If it counts for a third already, or would in a circle, or too many would.
        """
        found, decisions = self._found(), self._decisions()
        for one in (account, other):
            if one not in found.known:
                raise UnknownNameError("account", one, found.known, hint=LIST)
        others = [one for one in decisions if {*_pair(one)} != {account, other}]
        before = _effect(found, others).into
        if account == other or before.get(other) == account:
            raise UsageError(
                f"{account} and {other} are one account already.", hint=LIST
            )
        if before.get(account, other) not in (other, before.get(other)):
            raise UsageError(
                f"{account} counts for {before[account]} already.",
                hint=f"First: staycurve sources matches undo {account} {before[account]}",
            )
        top = before.get(other, other)
        if sum(into in (account, top) for into in before.values()) + 1 > MOST:
            raise UsageError(
                f"{MOST} accounts count for {top} already, the most that can.",
                hint=f"For parts of one customer, load accounts with parent_id = {top}.",
            )
        self._decide(account, other, "merge", author=author, reason=reason)

    def apart(self, account: str, other: str, *, author: str = "", reason: str = "") -> None:
        """Keep two accounts apart, whatever they share; they are not asked about again."""
        self._check(account, other)
        self._decide(account, other, "apart", author=author, reason=reason)

    def undo(self, account: str, other: str, *, author: str = "") -> None:
        """Take a decision about two accounts back: every number is what it was before.

        A pair that an id has merged is kept apart from now on.
        """
        from staycurve.state import matching

        pair = self._check(account, other)
        before = {frozenset(_pair(one)): one for one in self._decisions()}.get(
            frozenset((account, other)))
        if before is None and not pair.is_sure:
            raise UsageError(
                f"Nothing was decided about {account} and {other}.", hint=LIST
            )
        with self._state().database.writing() as session:
            matching.undo(session, account, other, who=author, now=self._company.clock())
            if pair.is_sure and (before is None or before.decision == "merge"):
                matching.decide(
                    session, account, other, matching.APART, reason="", who=author,
                    now=self._company.clock(),
                )
        self._bring_in()

    def is_due(self) -> bool:
        """Whether accounts, or what they are matched by, changed since the last look."""
        snapshot = self._company.snapshot
        meta = snapshot.meta.get("matched")
        is_used = self._keys() or meta or self._company.lake.rows(snapshot, account_merges.NAME)
        return bool(is_used) and meta != self._rests_on(snapshot)

    def apply(self, *, is_asked: bool = False) -> bool:
        """Bring the lake's merges up to date with accounts and decisions; whether any changed."""
        if not (is_asked or self.is_due()):
            return False
        company = self._company
        wanted = sorted(_effect(self._found(), self._decisions()).into.items())
        with company.lake.writing() as writing, Engine(company.lake.folder / ".tmp") as engine:
            scan = writing.scan(account_merges.NAME, account_merges.COLUMNS)
            now = engine.rows(f"SELECT account_id, into_id FROM ({scan}) m ORDER BY account_id")
            is_other = [tuple(row) for row in now] != wanted
            if is_other:
                engine.put("wanted", account_merges.COLUMNS, wanted)
                writing.write(
                    engine, account_merges.NAME, account_merges.COLUMNS,
                    "SELECT account_id, into_id FROM wanted", order="account_id",
                )
            writing.commit(
                meta={"matched": self._rests_on(writing.now_seen)}, now=company.clock()
            )
        return is_other

    def _check(self, account: str, other: str) -> Match:
        listed = self.listed()
        for one in listed:
            if {one.account_id, one.other_id} == {account, other}:
                return one
        near = [f"{one.account_id} {one.other_id}" for one in listed]
        raise UnknownNameError("pair of accounts", f"{account} {other}", near, hint=LIST)

    def _decide(
        self, account: str, other: str, decision: str, *, author: str, reason: str
    ) -> None:
        from staycurve.state import matching

        with self._state().database.writing() as session:
            matching.decide(
                session, account, other, decision, reason=reason, who=author,
                now=self._company.clock(),
            )
        self._bring_in()

    def _bring_in(self) -> None:
        self.apply(is_asked=True)
        self._company.refresh()

    def _decisions(self) -> tuple[Decision, ...]:
        state = self._state()
        if not state.database.is_there:
            return ()
        from staycurve.state import matching

        with state.database.reading() as session:
            return matching.listed(session)

    def _keys(self) -> dict[str, Sequence[MatchKey]]:
        return {
            name: one.match for name, one in configured(self._company.config).items() if one.match
        }

    def _rests_on(self, snapshot: Snapshot) -> dict[str, Any]:
        return {
            "accounts": snapshot.tables.get("accounts"), "users": snapshot.tables.get("users"),
            "keys": [[name, [[key.kind, *key.fields] for key in keys]]
                     for name, keys in self._keys().items()],
        }

    def _found(self) -> _Found:
        keys = self._keys()
        rests_on = self._rests_on(self._company.snapshot)
        # It rests on two tables, which most changes leave as they are.
        before = _FOUND.get(self._company)
        if before is not None and before[0] == rests_on:
            return before[1]
        found = self._look(keys)
        _FOUND[self._company] = (rests_on, found)
        return found

    def _look(self, keys: Mapping[str, Sequence[MatchKey]]) -> _Found:
        known = self._accounts()
        pairs, common = candidates(known, keys) if keys else ([], 0)
        return _Found({one.account_id: one for one in known}, tuple(pairs), common)

    def _accounts(self) -> list[Known]:
        import orjson

        company = self._company
        snapshot, lake = company.snapshot, company.lake
        accounts, users = (
            lake.scan(snapshot, name, CONFORMED[name].stored) for name in ("accounts", "users")
        )
        senders = self._senders()
        emails: dict[str, list[str]] = {}
        with Engine(lake.folder / ".tmp") as engine:
            for account, email in engine.rows(
                f"SELECT DISTINCT account_id, email FROM ({users}) u WHERE email IS NOT NULL "
                "AND account_id IS NOT NULL ORDER BY account_id, email"
            ):
                emails.setdefault(account, []).append(email)
            rows = engine.rows(
                f"SELECT account_id, name, attributes, _load FROM ({accounts}) a "
                "ORDER BY account_id"
            )
        found = []
        for account, name, attributes, load in rows:
            told = orjson.loads(attributes) if attributes else {}
            texts = {str(key).lower(): str(value) for key, value in told.items()}
            found.append(Known(
                account, self._source(account, senders.get(load)), name, texts,
                tuple(emails.get(account, ())),
            ))
        return found

    def _senders(self) -> dict[int, str]:
        """Load → the source whose it was."""
        return {
            record.load: str(record.details["source"]["name"])
            for record in self._company.loads() if record.details.get("source")
        }

    def _source(self, account: str, sender: str | None) -> str:
        """Whose account it is: a source that names companies by your own ids tells of yours."""
        own = configured(self._company.config)
        named = account.partition(":")[0]
        if named in own and named != account:
            return named
        if sender and sender in own and hasattr(own[sender].settings, "account_id"):
            return ""
        return sender or ""

    def _match(
        self, found: _Found, pair: Candidate | None, ids: tuple[str, str],
        decision: Decision | None, effect: Merged,
    ) -> Match:
        one, other = (found.known.get(id) for id in ids)
        into = effect.into.get(ids[0])
        is_one = into is not None and into in (ids[1], effect.into.get(ids[1]))
        is_sure = pair is not None and pair.is_sure
        if decision is None:
            state = MERGED if is_one and is_sure else OPEN
        elif decision.decision == "apart":
            state = APART
        else:
            state = MERGED if is_one else WAITING
        return Match(
            ids[0], one.name if one else None, one.source if one else "",
            ids[1], other.name if other else None, other.source if other else "",
            pair.by if pair else (), is_sure, state,
            decision.decided_at if decision else None,
            decision.decided_by if decision else "", decision.reason if decision else "",
        )


def _pair(decision: Decision) -> tuple[str, str]:
    return decision.account_id, decision.other_id


def _effect(found: _Found, decisions: Sequence[Decision]) -> Merged:
    return merged(
        found.pairs,
        decided=[_pair(one) for one in decisions if one.decision == "merge"],
        apart=[_pair(one) for one in decisions if one.decision == "apart"],
        known=found.known,
    )
