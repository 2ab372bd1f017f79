"""Rules: conditions over facts, entered at one value and left at another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.actions.facts.base import FLAG, NUMBER, Moment, Value, Values
from staycurve.actions.rules.documents import Document
from staycurve.errors import StaycurveError

LOW, HIGH = ("at_least", "above"), ("at_most", "below")
KEYS = ("fact", *LOW, *HIGH, "leave_below", "leave_above", "is", "is_not")

Kinds = Callable[[str], str]
"""The kind of a fact; raises for one that is not known."""


@dataclass(frozen=True)
class Condition:
    """One fact compared.

    Attributes
    ----------
    low, high : float, optional
        Bounds at which it comes to hold; `is_above` and `is_below` leave the bound itself out.
    leave_below, leave_above : float, optional
        Bounds at which it ceases to hold, once it does.
    values : tuple
        Values of which the fact is one; with `is_negated` none.
    """

    fact: str
    low: float | None = None
    is_above: bool = False
    high: float | None = None
    is_below: bool = False
    leave_below: float | None = None
    leave_above: float | None = None
    values: tuple[Value, ...] = ()
    is_negated: bool = False

    def holds(self, value: Value | None, *, is_in: bool) -> bool:
        """Whether it holds for a value, for an account that is in already or not.

        An unknown value fulfils nothing, not even a negation: nobody knows what it would be.
        """
        if value is None:
            return False
        if self.values:
            return _is_one(value, self.values) != self.is_negated
        number = _number(value)
        if number is None:
            return False
        if self.low is not None:
            if is_in and self.leave_below is not None:
                if number < self.leave_below:
                    return False
            elif number < self.low or (self.is_above and number == self.low):
                return False
        if self.high is not None:
            if is_in and self.leave_above is not None:
                if number > self.leave_above:
                    return False
            elif number > self.high or (self.is_below and number == self.high):
                return False
        return True

    def words(self) -> str:
        """As people read it."""
        if self.values:
            listed = " or ".join(_shown(one) for one in self.values)
            return f"{self.fact} is {'not ' if self.is_negated else ''}{listed}"
        parts = []
        if self.low is not None:
            parts.append(f"{'above' if self.is_above else 'at least'} {self.low:g}")
        if self.high is not None:
            parts.append(f"{'below' if self.is_below else 'at most'} {self.high:g}")
        told = f"{self.fact} {' and '.join(parts)}"
        ends = [f"below {self.leave_below:g}"] if self.leave_below is not None else []
        ends += [f"above {self.leave_above:g}"] if self.leave_above is not None else []
        return f"{told} (left {' or '.join(ends)})" if ends else told


@dataclass(frozen=True)
class Rule:
    """Conditions that must all hold, and some of which one is enough."""

    every: tuple[Condition, ...]
    any: tuple[Condition, ...] = ()

    @property
    def facts(self) -> tuple[str, ...]:
        """Every fact that it compares."""
        return tuple(dict.fromkeys(one.fact for one in (*self.every, *self.any)))

    def matches(
        self, known: Mapping[str, Values], account: str, *, is_in: bool = False
    ) -> bool:
        """Whether it holds for an account."""
        def one(condition: Condition) -> bool:
            return condition.holds(known[condition.fact].get(account), is_in=is_in)

        return all(one(c) for c in self.every) and (not self.any or any(one(c) for c in self.any))

    def words(self) -> str:
        """As people read it."""
        told = " and ".join(one.words() for one in self.every)
        if not self.any:
            return told
        some = " or ".join(one.words() for one in self.any)
        return f"{told} and ({some})" if told else some


def known_of(moment: Moment, facts: Sequence[str]) -> dict[str, Values]:
    """Fact → its values of every account.

    Raises
    ------
    NotAnsweredError
        If one rests on what is not loaded.
    """
    return {name: moment.read(name) for name in facts}


def matching(
    rule: Rule, moment: Moment, *, inside: Sequence[str] | frozenset[str] = ()
) -> list[str]:
    """Accounts for which the rule holds, by id; those `inside` until they leave it."""
    known = known_of(moment, rule.facts)
    held = frozenset(inside)
    return [
        one for one in moment.accounts() if rule.matches(known, one, is_in=one in held)
    ]


def rule_of(document: Document, kinds: Kinds) -> Rule:
    """The rule of a file: its [[when]] and [[when_any]].

    Raises
    ------
    RuleError
        With the line.
    """
    every = _conditions(document, "when", kinds)
    some = _conditions(document, "when_any", kinds)
    if not every and not some:
        raise document.wrong((), "has no rule.", 'Write: [[when]] fact = "status" is = "paying"')
    return Rule(every, some)


def _conditions(document: Document, key: str, kinds: Kinds) -> tuple[Condition, ...]:
    return tuple(
        _condition(document, table, (key, place), kinds)
        for place, table in enumerate(document.tables(key))
    )


def _condition(
    document: Document, table: Mapping[str, Any], path: tuple[str | int, ...], kinds: Kinds
) -> Condition:
    if "trigger" in table:
        # A churn trigger stands or does not: `trigger = "usage_drop"` says all.
        document.closed(table, ("trigger", "is"), path)
        name = document.text(table, "trigger", path)
        table = {"fact": f"trigger.{name}", "is": table.get("is", True)}
    document.closed(table, KEYS, path)
    fact = document.text(table, "fact", path)
    try:
        kind = kinds(fact)
    except StaycurveError as error:
        key = "trigger" if fact.startswith("trigger.") else "fact"
        raise document.wrong((*path, key), error.message, error.hint) from error
    bounds = [key for key in (*LOW, *HIGH) if key in table]
    tests = [key for key in ("is", "is_not") if key in table]
    if len(tests) + bool(bounds) != 1:
        raise document.wrong(
            path, f"compares {fact} with nothing, or in two ways.",
            "Write one of: at_least, above, at_most, below, is, is_not; a low and a high bound "
            "may stand together.",
        )
    if tests:
        return _valued(document, table, path, fact, tests[0], kind)
    if kind != NUMBER and not fact.startswith("account."):
        raise document.wrong(
            (*path, bounds[0]), f"{fact} is no number.", f"Write: is = …, not {bounds[0]}"
        )
    for pair in (LOW, HIGH):
        if all(key in table for key in pair):
            raise document.wrong((*path, pair[1]), f"has {pair[0]} and {pair[1]}.",
                                 "Keep one of them.")
    read = {
        key: document.number(table, key, path, least=-1e15)
        for key in (*bounds, "leave_below", "leave_above") if key in table
    }
    found = Condition(
        fact,
        low=read.get("at_least", read.get("above")), is_above="above" in read,
        high=read.get("at_most", read.get("below")), is_below="below" in read,
        leave_below=read.get("leave_below"), leave_above=read.get("leave_above"),
    )
    _check_bounds(document, found, path)
    return found


def _check_bounds(document: Document, one: Condition, path: tuple[str | int, ...]) -> None:
    if one.leave_below is not None and (one.low is None or one.leave_below > one.low):
        raise document.wrong(
            (*path, "leave_below"), "leave_below needs a low bound, and may not lie above it.",
            "An account that enters at 10 leaves below 10 or less.",
        )
    if one.leave_above is not None and (one.high is None or one.leave_above < one.high):
        raise document.wrong(
            (*path, "leave_above"), "leave_above needs a high bound, and may not lie below it.",
            "An account that enters at 10 leaves above 10 or more.",
        )
    if one.low is not None and one.high is not None and one.low > one.high:
        raise document.wrong(path, f"no number is {one.words().partition(' ')[2]}.",
                             "Swap the bounds.")


def _valued(
    document: Document, table: Mapping[str, Any], path: tuple[str | int, ...], fact: str,
    key: str, kind: str,
) -> Condition:
    for bound in ("leave_below", "leave_above"):
        if bound in table:
            raise document.wrong((*path, bound), f"{bound} goes with a bound, not with {key}.",
                                 "Leave it out.")
    given = table[key]
    values = given if isinstance(given, list) else [given]
    if not values or not all(isinstance(one, (str, bool, int, float)) for one in values):
        raise document.wrong((*path, key), f"{key} takes a text, a number, true, false, or a list.",
                             f'Write: {key} = "…"')
    if kind == FLAG and not all(isinstance(one, bool) for one in values):
        raise document.wrong((*path, key), f"{fact} is true or false.", f"Write: {key} = true")
    if kind != FLAG and any(isinstance(one, bool) for one in values):
        raise document.wrong((*path, key), f"{fact} is neither true nor false.",
                             f'Write: {key} = "…"')
    return Condition(fact, values=tuple(values), is_negated=key == "is_not")


def _is_one(value: Value, values: Sequence[Value]) -> bool:
    if isinstance(value, bool):
        return any(one is value for one in values)
    number = _number(value)
    return any(
        number == one if isinstance(one, (int, float)) and not isinstance(one, bool)
        else str(value) == str(one)
        for one in values
    )


def _number(value: Value) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    try:
        # An attribute comes as text, whatever it was.
        return float(str(value))
    except ValueError:
        return None


def _shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
