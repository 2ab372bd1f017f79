"""Reconcile: where a number differs between our conventions and another tool's, and by what rule.

Each rule in which the two differ is switched alone, from ours; what an account's value changes by
is that rule's difference. What all rules together do beyond that is `interaction`. So the rows sum
to the gap exactly: they are integers and fractions until they are printed.

A ratio is reconciled in its two parts, and its own gap is shared out too. With a ratio of n/d here
and n'/d' there, the gap is ((n' − n) − n/d × (d' − d)) / d', and each account brings its part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from staycurve.conventions import PROFILES, SWITCHES, definition
from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.base import Param, insight
from staycurve.insights.books.asked import ClosedPeriod, kept, period_named
from staycurve.insights.books.ledgers import Ledgers, first_day, touches_ledger
from staycurve.insights.books.reconciliation import (
    INTERACTION,
    Account,
    Difference,
    NotImitated,
    Reconciliation,
    Step,
)
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics import base
from staycurve.metrics.base import Constant, Formula, Measure, Metric, Operation, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import STILL_OPEN, Plan, Query

Parts = Mapping[Account, tuple[Fraction, Fraction]]
Counts = dict[str, int | None]


@dataclass(frozen=True)
class _Reading:
    """One metric and period under some conventions: its parts, whole and account by account."""

    formula: Formula
    total: Counts
    whole: tuple[Fraction | None, Fraction | None]
    parts: Parts

    @property
    def value(self) -> Fraction | None:
        """The metric's value; None where it is empty."""
        return base.evaluate(self.formula, self.total)

    def of(self, account: Account) -> tuple[Fraction, Fraction]:
        """The account's numerator and denominator."""
        return self.parts.get(account, (Fraction(0), Fraction(0)))


def profile_named(name: str) -> Mapping[str, str]:
    """A value for every switch, as a profile has them."""
    if name not in PROFILES:
        raise UnknownNameError("profile", name, PROFILES)
    return PROFILES[name].conventions()


@insight("reconcile")
def reconcile(
    company: Reader, *,
    against: Annotated[
        str, Param(N_("Another tool's rules."), metavar="PROFILE", examples="stripe")
    ],
    period: ClosedPeriod = None,
    metric: Annotated[str, Param(N_("A name from: staycurve metrics"))] = "mrr",
    as_of: AsOfText = None,
) -> Reconciliation:
    """Where does a number differ from another tool's, by rule and account?"""
    seen = company.as_of(as_of)
    named = period_named(company, period, seen)
    query = Query((metric,), named.grain, (named,), seen)
    return kept(
        company, "reconcile", named, seen, lambda ledgers: reconciled(ledgers, query, against),
        against, metric,
    )


def reconciled(ledgers: Ledgers, query: Query, against: str) -> Reconciliation:
    """How one metric of one period differs under the profile `against`, account by account.

    Parameters
    ----------
    ledgers : Ledgers
        Of the company, under its own conventions.
    query : Query
        One metric and one period, without dimensions.

    Raises
    ------
    UnknownNameError
        For a profile or metric that is not known.
    NotAnsweredError
        For a grain at which the metric is not known under either convention.
    """
    theirs = profile_named(against)
    own = dict(ledgers.config.conventions)
    name, metric = query.metrics[0], METRICS[query.metrics[0]]
    switches = [switch for switch in SWITCHES if own[switch] != theirs[switch]]
    alone = {switch: own | {switch: theirs[switch]} for switch in switches}
    ours, others = _readings(ledgers, query, metric, [own, *alone.values(), theirs])
    changed = dict(zip(switches, others, strict=False))
    rows = tuple(_differences(ours, changed, others[-1], metric.unit))
    is_unknown = query.as_of.is_open(query.periods[0]) and not metric.is_to_date
    shown = (None, None) if is_unknown else (ours.value, others[-1].value)
    why = STILL_OPEN if is_unknown else (
        base.why_empty(ours.formula, ours.total)
        or base.why_empty(others[-1].formula, others[-1].total)
    )
    steps = [
        _step(switch, definition(switch, own[switch]), definition(switch, theirs[switch]), rows,
              metric.unit)
        for switch in switches
    ]
    if any(row.rule == INTERACTION for row in rows):
        steps.append(_step(INTERACTION, "", "", rows, metric.unit))
    return Reconciliation(
        metric=name,
        period=str(query.periods[0].start),
        against=against,
        as_of=query.as_of.at.isoformat(),
        currency=ledgers.config.company.currency,
        unit=metric.unit,
        ours=shown[0],
        theirs=shown[1],
        gap=None if shown[0] is None or shown[1] is None else shown[1] - shown[0],
        why=why,
        rows=() if is_unknown else rows,
        rules=tuple(steps),
        not_imitated=tuple(
            NotImitated(rule, source) for rule, source in PROFILES[against].not_imitated.items()
        ),
        is_ratio=_denominator(ours.formula) is not None,
        profile=ledgers.config.profile,
    )


def _step(
    rule: str, ours: str, theirs: str, rows: Sequence[Difference], unit: Unit
) -> Step:
    own = [row for row in rows if row.rule == rule]
    known = [row.difference for row in own if row.difference is not None]
    total = sum(known, Fraction(0)) if len(known) == len(own) else None
    return Step(rule, ours, theirs, total, len(own), unit)


def _readings(
    ledgers: Ledgers, query: Query, metric: Metric, chosen: Sequence[Mapping[str, str]]
) -> tuple[_Reading, list[_Reading]]:
    """The metric under each of `chosen`, of which the first are the company's own conventions."""
    formulas = [metric.resolve(conventions) for conventions in chosen]
    own = ledgers.config
    ledgers.widen()
    whole = ledgers.plan(query, own)
    total = _counts(whole, ledgers.run(whole)[0][1:])
    since, until = first_day(query, formulas), query.periods[-1].end
    # Where the formula adds up and stays the same, accounts that no rule touches differ by nothing.
    is_short = (
        _is_linear(formulas[0])
        and all(f == formulas[0] for f in formulas)
        and not any(m.is_empty_without_rows for m in formulas[0].measures())
    )
    ledgers.focus(since, until, switches=_told(ledgers, query, chosen) if is_short else None)
    answers: list[_Answer] = []
    asked: dict[str, _Answer] = {}
    for conventions, formula in zip(chosen, formulas, strict=True):
        made = ledgers.plan(query, ledgers.under(conventions), is_by_account=True)
        is_ledger_own = not any(
            touches_ledger(s) and conventions[s] != own.convention(s) for s in SWITCHES
        )
        if is_ledger_own and made.sql in asked:
            answers.append(asked[made.sql])
            continue
        answer = _Answer(made, formula, {line[0]: line[2:] for line in ledgers.run(made)})
        if is_ledger_own:
            asked[made.sql] = answer
        answers.append(answer)
    if not is_short:
        found = [_reading(answer, answer.lines, None) for answer in answers]
        return found[0], found[1:]
    # An account with the same counts everywhere differs by nothing: its part is not asked for.
    moved = {
        account
        for answer in answers[1:]
        for account, _ in answer.lines.items() ^ answers[0].lines.items()
    }
    found = [
        _reading(
            answer,
            {a: line for a, line in answer.lines.items() if a in moved},
            _moved(total, answers[0], answer),
        )
        for answer in answers
    ]
    return found[0], found[1:]


def _told(
    ledgers: Ledgers, query: Query, chosen: Sequence[Mapping[str, str]]
) -> list[str]:
    """The switches that the statement of any reading can tell apart, or that change it."""
    own = ledgers.config

    def tells(conventions: Mapping[str, str], switch: str) -> bool:
        config = ledgers.under(conventions)
        made = ledgers.plan(query, config, is_by_account=True)
        if any(switch == name for name, _value in ledgers.changed(config, made.sql)):
            return True
        back = ledgers.under(dict(conventions) | {switch: own.convention(switch)})
        return ledgers.plan(query, back, is_by_account=True).sql != made.sql

    return [
        switch for switch in SWITCHES
        if any(c[switch] != own.convention(switch) and tells(c, switch) for c in chosen)
    ]


@dataclass(frozen=True)
class _Answer:
    """What the statement of one reading answers: account → the values of its measures."""

    made: Plan
    formula: Formula
    lines: Mapping[Account, tuple[Any, ...]]


def _counts(made: Plan, line: Sequence[Any]) -> Counts:
    return dict(zip((m.name for m in made.measures), line, strict=False))


def _moved(total: Counts, before: _Answer, after: _Answer) -> Counts:
    """The total of all accounts, of which some went from `before` to `after`."""
    moved: Counts = {}
    for place, (name, value) in enumerate(total.items()):
        gained = sum(line[place] or 0 for line in after.lines.values())
        lost = sum(line[place] or 0 for line in before.lines.values())
        moved[name] = None if value is None else value + gained - lost
    return moved


def _reading(
    answer: _Answer, lines: Mapping[Account, tuple[Any, ...]], total: Counts | None
) -> _Reading:
    made, formula = answer.made, answer.formula
    counts = {account: _counts(made, line) for account, line in lines.items()}
    if total is None:
        total = {}
        for measure in made.measures:
            known = [c[measure.name] for c in counts.values()]
            present = [value for value in known if value is not None]
            total[measure.name] = sum(present) if present else made.without_rows(measure)
    upper, lower = _numerator(formula), _denominator(formula)
    parts = {
        account: (
            base.share(upper, own, total),
            base.share(lower, own, total) if lower else Fraction(0),
        )
        for account, own in counts.items()
    }
    whole = (base.evaluate(upper, total), base.evaluate(lower, total) if lower else None)
    return _Reading(formula, total, whole, parts)


def _numerator(formula: Formula) -> Formula:
    if isinstance(formula, Operation) and formula.sign == "÷":
        return formula.left
    return formula


def _denominator(formula: Formula) -> Formula | None:
    if isinstance(formula, Operation) and formula.sign == "÷":
        return formula.right
    return None


def _is_linear(formula: Formula) -> bool:
    """Whether an account's part depends on its own rows alone, but for one division at the top."""

    def adds_up(part: Formula) -> bool:
        if isinstance(part, Operation):
            if part.sign == "×":
                return adds_up(part.left) and isinstance(part.right, Constant)
            return part.sign in "+−" and adds_up(part.left) and adds_up(part.right)
        return isinstance(part, Measure)

    lower = _denominator(formula)
    return adds_up(_numerator(formula)) and (lower is None or adds_up(lower))


def _differences(
    ours: _Reading, changed: Mapping[str, _Reading], theirs: _Reading, unit: Unit
) -> Iterator[Difference]:
    accounts = {a for reading in (ours, theirs, *changed.values()) for a in reading.parts}
    ordered = sorted(accounts, key=lambda account: (account is None, account or ""))
    alone = {rule: _change(ours, reading, ordered) for rule, reading in changed.items()}
    together = _change(ours, theirs, ordered)
    rest = {
        account: _less(together[account], [change[account] for change in alone.values()])
        for account in ordered
    }
    for rule, change in (*alone.items(), (INTERACTION, rest)):
        kept = [(a, parts) for a, parts in change.items() if any(parts)]
        kept.sort(key=lambda found: -abs(found[1][0] or found[1][1]))
        for account, (difference, upper, lower) in kept:
            is_ratio = _denominator(ours.formula) is not None
            numerator, denominator = (upper, lower) if is_ratio else (None, None)
            yield Difference(account, rule, difference, numerator, denominator, unit)


_Change = tuple[Fraction | None, Fraction, Fraction]


def _change(
    ours: _Reading, other: _Reading, accounts: Sequence[Account]
) -> dict[Account, _Change]:
    """What each account changes: the value, its numerator and its denominator."""
    is_ratio = _denominator(ours.formula) is not None
    ratio, below = ours.value, other.whole[1]
    found: dict[Account, _Change] = {}
    for account in accounts:
        before, after = ours.of(account), other.of(account)
        upper, lower = after[0] - before[0], after[1] - before[1]
        if not is_ratio:
            value = None if ratio is None else upper
        elif ratio is None or not below or other.value is None:
            value = None
        else:
            value = (upper - ratio * lower) / below
        found[account] = (value, upper, lower)
    return found


def _less(whole: _Change, parts: Sequence[_Change]) -> _Change:
    """What is left of a change; a rule that alone leaves the value empty takes nothing of it."""
    known = sum((part[0] for part in parts if part[0] is not None), Fraction(0))
    return (
        None if whole[0] is None else whole[0] - known,
        whole[1] - sum(part[1] for part in parts),
        whole[2] - sum(part[2] for part in parts),
    )
