"""Fact: one value an account as of an instant, which rules of playbooks and audiences compare.

A fact is declared once, by the module that reads it, or by another package (group
`staycurve.facts`). A family is a fact with a name in it: `metric.nrr`, `feature.reports`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.period import AsOf
from staycurve.registry import Registry
from staycurve.tables.engine import AnyEngine, timestamp

T = TypeVar("T")
Value = float | int | str | bool | dt.date
Values = Mapping[str, Value]
"""account_id → value; an account that is not in it has none."""

NUMBER, TEXT, FLAG = "number", "text", "flag"
NO_TABLE = N_("no %(table)s are loaded")


@dataclass(frozen=True, eq=False)
class Fact:
    """One value an account.

    Attributes
    ----------
    label : str
        As people read it.
    about : str
        What it is, with its unit.
    kind : str
        number, text or flag.
    read : callable
        Moment → Values.
    needs : tuple of str
        Tables that must all have rows: without them it is unknown for every account.
    unit : Unit, optional
        Of a number.
    is_default_zero : bool
        Whether an account without a row has 0: counted, and there was none.
    """

    label: str
    about: str
    kind: str
    read: Callable[[Moment], Values]
    needs: tuple[str, ...] = ("accounts",)
    unit: Unit | None = Unit.COUNT
    is_default_zero: bool = False


@dataclass(frozen=True, eq=False)
class Family:
    """Facts with a name in them: `metric.NAME`.

    Attributes
    ----------
    prefix : str
        What stands before the dot.
    check : callable
        (Reader, name) raises for a name that nothing has; gives number, text or flag.
    read : callable
        (Moment, name) → Values.
    """

    prefix: str
    label: str
    about: str
    check: Callable[[Reader, str], str]
    read: Callable[[Moment, str], Values]
    needs: tuple[str, ...] = ()
    is_default_zero: bool = False


@dataclass(eq=False)
class Together:
    """What several moments share: the last days of all of them, and what was found for all at once.
    """

    days: tuple[dt.date, ...] = ()
    made: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Moment:
    """A company as of an instant, of which facts are read; each statement runs once.

    Attributes
    ----------
    outside : mapping
        Name → Values of what app state knows: milestones that are overdue, audiences.
    usage : str
        The relation that is read for usage: usage_days, or what `kept_usage` keeps of it.
    together : Together
        What moments that are looked at one after the other share.
    """

    company: Reader
    seen: AsOf
    engine: AnyEngine
    outside: Mapping[str, Callable[[], Values]] = field(default_factory=dict)
    usage: str = "usage_days"
    together: Together = field(default_factory=Together)
    _made: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def day(self) -> str:
        """The last local day of which anything is seen, as SQL."""
        return f"DATE '{self.seen.last_day}'"

    @property
    def at(self) -> str:
        """The instant after which nothing is seen, as SQL."""
        return timestamp(self.seen.at)

    def before(self, days: int) -> str:
        """The day so many days before the last one, as SQL."""
        return f"DATE '{self.seen.last_day - dt.timedelta(days=days)}'"

    def since(self, day: dt.date) -> int:
        """Days from `day` to the last one."""
        return (self.seen.last_day - day).days

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` finds, found once."""
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found

    @property
    def days(self) -> tuple[dt.date, ...]:
        """The last days of all moments that are looked at together; empty for one alone."""
        return self.together.days

    def jointly(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` finds for all moments that are looked at together, found once."""
        made = self.together.made
        if key not in made:
            made[key] = make()
        found: T = made[key]
        return found

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement, read once."""
        return self.once(sql, lambda: list(self.engine.rows(sql)))

    def pairs(self, sql: str) -> dict[str, Any]:
        """account_id → value of a statement of two columns; without those that are empty."""
        return {one: value for one, value in self.rows(sql) if value is not None}

    def rests_on(self, rows: str, what: str, *, hint: str) -> None:
        """Refuse to answer where there are no such rows at all, at any time.

        Parameters
        ----------
        rows : str
            SQL to follow FROM.
        what : str
            What is missing: 'no NPS answers are loaded'.

        Raises
        ------
        NotAnsweredError
            Of a company without them, nobody would ever be in the rule, and nothing would say why.
        """
        sql = f"SELECT 1 FROM {rows} LIMIT 1"
        if not self.jointly(sql, lambda: list(self.engine.rows(sql))):
            raise NotAnsweredError(what, hint=hint)

    def accounts(self) -> tuple[str, ...]:
        """Every customer that is counted and had come by then."""
        sql = f"""SELECT DISTINCT r.root_id FROM account_roots r
LEFT JOIN accounts a ON a.account_id = r.root_id
WHERE NOT r.is_excluded AND coalesce(a.created_on, {self.day}) <= {self.day}
ORDER BY r.root_id"""
        return tuple(one for (one,) in self.rows(sql))

    def read(self, name: str) -> Values:
        """A fact of every account.

        Raises
        ------
        NotAnsweredError
            If a table that it needs has no rows.
        """
        return self.once(("fact", name), lambda: self._read(name))

    def _read(self, name: str) -> Values:
        if name in self.outside:
            return self.outside[name]()
        found, own = find(name)
        for table in found.needs:
            if not self.company.lake.rows(self.company.snapshot, table):
                raise NotAnsweredError(
                    f"no {table} are loaded, and {name} rests on them",
                    hint=f"Load {table}, or leave the rule out.",
                )
        values = found.read(self) if isinstance(found, Fact) else found.read(self, own)
        if not found.is_default_zero:
            return values
        return {account: values.get(account, 0) for account in self.accounts()}


USAGE = """SELECT account_id, feature, day, is_active, CAST(SUM(uses) AS BIGINT) AS uses
FROM usage_days WHERE account_id IS NOT NULL
GROUP BY account_id, feature, day, is_active"""
"""Usage without who it was: enough for every fact of accounts."""


@contextmanager
def kept_usage(engine: AnyEngine, facts: Iterable[str]) -> Iterator[str]:
    """The relation to read for usage while many moments are looked at: usage is read once."""
    if not any("events" in find(name)[0].needs for name in facts):
        yield "usage_days"
        return
    engine.keep("usage_kept", USAGE)
    try:
        yield "usage_kept"
    finally:
        engine.drop("usage_kept")


FACTS: Registry[Fact] = Registry(
    "fact",
    Fact,
    tuple(
        f"staycurve.actions.facts.{name}"
        for name in ("billing", "standing", "usage", "voice", "kept", "risk")
    ),
    group="staycurve.facts",
    hint="All facts: staycurve playbooks facts",
)
"""Facts by name; other packages add theirs."""

FAMILIES: Registry[Family] = Registry(
    "family of facts",
    Family,
    ("staycurve.actions.facts.named", "staycurve.actions.facts.risk"),
    group="staycurve.facts",
    named=lambda family: family.prefix,
)
"""Families by prefix."""


def find(name: str) -> tuple[Fact | Family, str]:
    """The fact of a name, or its family and the name within it.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    prefix, dot, own = name.partition(".")
    if dot and own and prefix in FAMILIES:
        return FAMILIES[prefix], own
    if name in FACTS:
        return FACTS[name], ""
    known = [one for one, _fact in FACTS.items()]
    families = [f"{one}.NAME" for one, _family in FAMILIES.items()]
    raise UnknownNameError("fact", name, [*known, *families],
                           hint="All facts: staycurve playbooks facts")


def kind_of(company: Reader, name: str) -> str:
    """number, text or flag.

    Raises
    ------
    UnknownNameError
        If there is no such fact, metric, feature or attribute.
    """
    found, own = find(name)
    return found.kind if isinstance(found, Fact) else found.check(company, own)
