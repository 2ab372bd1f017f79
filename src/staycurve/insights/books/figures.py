"""Figures of another tool: what single cause explains each difference best.

Three kinds of causes are tried: one switch with another value, the profile of that tool, and one
or two accounts that one side counts and the other does not. Of those that leave the least
unexplained, the simplest is named. Two accounts out of many often match by chance, so a cause says
how many others leave as little.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.books.asked import alone
from staycurve.insights.books.figures_read import Figure
from staycurve.insights.books.ledgers import Ledgers
from staycurve.insights.books.reconcile import profile_named
from staycurve.insights.books.reconciliation import valued
from staycurve.insights.books.switches import Cells, cells, look_at, others
from staycurve.insights.shared.reader import Reader
from staycurve.metrics import base
from staycurve.metrics.base import Operation, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import Query
from staycurve.money import MICRO
from staycurve.period import AsOf, Period, periods_between
from staycurve.tables import fx_days

NOTHING_CHANGES_IT = N_("no switch and no account changes it")
NOTHING_BRINGS_IT_NEARER = N_("no single switch and no account brings it nearer")


@dataclass(frozen=True)
class Cause(Row):
    """What would explain a difference."""

    kind: Annotated[
        str,
        Key(N_("switch, profile, accounts left out (of the other tool's figure) or accounts "
               "counted (by the other tool, and not by us).")),
    ]
    names: Annotated[
        tuple[str, ...], Key(N_("The switch and its value, the profile, or account ids."))
    ]
    remaining: Annotated[Fraction, Key(N_("What it leaves of the difference."))]
    as_near: Annotated[
        int, Key(N_("How many other choices of the same kind fit equally well."))
    ] = 0

    @property
    def words(self) -> str:
        """What it is, and how many others would do as well."""
        if self.kind == "switch":
            text = f"{self.names[0]} = {self.names[1]}"
        elif self.kind == "profile":
            text = f"profile {self.names[0]}"
        else:
            text = f"{self.kind}: {', '.join(self.names)}"
        if self.as_near == 0:
            return text
        return f"{text} (or {self.as_near} other{'s' if self.as_near > 1 else ''} as near)"


@dataclass(frozen=True)
class Explained(Row):
    """A figure beside ours, and the cause that explains the difference best."""

    month: Annotated[str, col(N_("Month"))]
    metric: Annotated[str, col(N_("Metric"))]
    ours: Annotated[Fraction | None, col(N_("Ours"), Unit.RATIO, shown_as="our_value")]
    theirs: Annotated[Fraction, col(N_("Theirs"), Unit.RATIO, shown_as="their_value")]
    gap: Annotated[
        Fraction | None, col(N_("Gap"), Unit.RATIO, N_("Theirs less ours."), shown_as="apart")
    ]
    agrees: Annotated[bool, Key(N_("Whether nothing but rounding differs."))]
    explained: Annotated[bool, Key(N_("Whether the cause leaves nothing but rounding."))]
    cause: Annotated[Cause | None, col(N_("Most likely cause"), shown_as="best")]
    why: WhyField
    figure: Annotated[Figure, Hidden()]

    @property
    def our_value(self) -> Said:
        """Ours in the metric's unit."""
        return self._valued(self.ours)

    @property
    def their_value(self) -> Said:
        """Theirs in the metric's unit."""
        return self._valued(self.theirs)

    @property
    def apart(self) -> Said:
        """The gap in the metric's unit."""
        return self._valued(self.gap)

    @property
    def best(self) -> Said:
        """The cause and what it leaves; or that both agree, or why nothing explains it."""
        if self.agrees:
            return Said(N_("agrees"))
        if self.cause is None:
            return Said(self.why or "")
        return Said(N_("%(cause)s; %(remaining)s remain"), {
            "cause": (self.cause.words, Kind.TEXT),
            "remaining": (self.cause.remaining, METRICS[self.metric].unit),
        })

    def _valued(self, value: Fraction | None) -> Said:
        return valued(value, METRICS[self.metric].unit)


@dataclass(frozen=True, kw_only=True)
class Figures(Answer):
    """Figures of another tool beside ours, each with what explains the difference best."""

    as_of: AsOfField
    currency: CurrencyField
    rows: Annotated[tuple[Explained, ...], Table(N_("Figures"))]
    name: Annotated[str, Hidden()]

    @property
    def agreeing(self) -> int:
        """How many figures agree with ours."""
        return sum(one.agrees for one in self.rows)

    @property
    def explained(self) -> int:
        """How many do not, and are explained to the last digit."""
        return sum(one.explained and not one.agrees for one in self.rows)

    def lines(self) -> list[dict[str, object]]:
        """Each figure on one line, with its cause in words."""
        return [
            one.as_dict() | {
                "cause": one.cause.words if one.cause else "",
                "remaining": float(one.cause.remaining) if one.cause else None,
            }
            for one in self.rows
        ]

    def title(self) -> Said:
        return Said(N_("%(name)s compared with ours, %(currency)s"), {
            "name": (self.name, Kind.TEXT), "currency": (self.currency, Kind.TEXT),
        })

    def said(self) -> tuple[Said, ...]:
        rest = len(self.rows) - self.agreeing - self.explained
        return (Said(
            N_("%(count)s figures: %(agree)s agree, %(explained)s are explained to the last "
               "digit, %(rest)s are not."),
            {"count": (len(self.rows), Unit.COUNT), "agree": (self.agreeing, Unit.COUNT),
             "explained": (self.explained, Unit.COUNT), "rest": (rest, Unit.COUNT)},
        ),)


def figures_found(
    company: Reader, figures: Sequence[Figure], seen: AsOf, against: str | None, *, name: str
) -> Figures:
    """Each figure beside ours, with the cause that explains the difference best; see `explain`.

    Parameters
    ----------
    name : str
        What the file with the figures is called.
    """
    found = alone(company, lambda ledgers: explain(ledgers, figures, seen, against))
    return Figures(
        as_of=seen.at.isoformat(), currency=company.config.company.currency, rows=tuple(found),
        name=name,
    )


def explain(
    ledgers: Ledgers, figures: Sequence[Figure], seen: AsOf, against: str | None = None
) -> list[Explained]:
    """Each figure beside ours, with the cause that explains the difference best.

    Parameters
    ----------
    against : str, optional
        The profile of the tool that the figures come from.

    Raises
    ------
    UsageError
        For a month before anything is known.
    """
    profile = None if against is None else profile_named(against)
    names = tuple(dict.fromkeys(figure.metric for figure in figures))
    months = periods_between(
        min(figure.month.start for figure in figures),
        max(figure.month.start for figure in figures),
        "month",
    )
    query = Query(names, "month", tuple(months), seen)
    own = dict(ledgers.config.conventions)
    _check_months(ledgers, figures)
    beside = (months[0].previous(), *months, months[-1].next())
    look_at(ledgers, dataclasses.replace(query, periods=beside))
    ours = cells(ledgers, query, own)
    tried: dict[tuple[str, ...], Cells] = {}
    if any(not _agrees(figure, ours) for figure in figures):
        if against is not None and profile is not None:
            tried["profile", against] = cells(ledgers, query, profile)
        for switch, value in others(own):
            tried["switch", switch, value] = cells(ledgers, query, own | {switch: value})
    return [_explained(ledgers, figure, query, ours, tried) for figure in figures]


def _check_months(ledgers: Ledgers, figures: Sequence[Figure]) -> None:
    ledgers.widen()
    first = ledgers.engine.value(fx_days.EARLIEST_SQL)
    if first is None:
        raise UsageError("No subscriptions are loaded.", hint="staycurve load subscriptions.csv")
    early = sorted({str(f.month.start)[:7] for f in figures if f.month.end <= first})
    if early:
        raise UsageError(
            f"Nothing is known of {', '.join(early)}: the first subscription starts on {first}.",
            hint="Leave those months out of the file, or load the earlier subscriptions.",
        )


def _exact(value: float | None) -> Fraction | None:
    return None if value is None else Fraction(str(value))


def _agrees(figure: Figure, ours: Cells) -> bool:
    value = _exact(ours[figure.metric, str(figure.month.start)][0])
    return value is not None and abs(figure.value - value) <= figure.tolerance


def _explained(
    ledgers: Ledgers,
    figure: Figure,
    query: Query,
    ours: Cells,
    tried: Mapping[tuple[str, ...], Cells],
) -> Explained:
    key = (figure.metric, str(figure.month.start))
    own, why = ours[key]
    value = _exact(own)
    if value is None or _agrees(figure, ours):
        return _line(figure, value, None, why)
    causes = []
    for (kind, *names), found in tried.items():
        changed = _exact(found[key][0])
        if changed is not None and changed != value:
            causes.append(Cause(kind, tuple(names), figure.value - changed))
    if METRICS[figure.metric].unit is Unit.MONEY:
        causes += _accounts(ledgers, figure, query, figure.value - value)
    if not causes:
        return _line(figure, value, None, NOTHING_CHANGES_IT)
    # Of causes that leave only what rounding may leave, the first tried is the simplest.
    best = min(
        causes,
        key=lambda c: abs(c.remaining) if abs(c.remaining) > figure.tolerance else 0,
    )
    if abs(best.remaining) >= abs(figure.value - value):
        return _line(figure, value, None, NOTHING_BRINGS_IT_NEARER)
    alike = [c for c in causes if c.kind == best.kind and abs(c.remaining) == abs(best.remaining)]
    near = best.as_near if best.kind.startswith("accounts") else len(alike) - 1
    return _line(figure, value, dataclasses.replace(best, as_near=near))


def _line(
    figure: Figure, ours: Fraction | None, cause: Cause | None, why: str | None = None
) -> Explained:
    gap = None if ours is None else figure.value - ours
    return Explained(
        month=str(figure.month.start)[:7],
        metric=figure.metric,
        ours=ours,
        theirs=figure.value,
        gap=gap,
        agrees=gap is not None and abs(gap) <= figure.tolerance,
        explained=cause is not None and abs(cause.remaining) <= figure.tolerance,
        cause=cause,
        why=why,
        figure=figure,
    )


def _accounts(
    ledgers: Ledgers, figure: Figure, query: Query, gap: Fraction
) -> Iterator[Cause]:
    """One account, and a pair of them, whose MRR comes nearest to the gap."""
    present = _by_account(ledgers, figure.metric, figure.month, query)
    if gap < 0:
        kind, found = "accounts left out", present
    else:
        # Who is counted there and not here most often left here just before, or comes next.
        kind, found = "accounts counted", {}
        for month in (figure.month.next(), figure.month.previous()):
            found |= _by_account(ledgers, figure.metric, month, query)
        found = {account: value for account, value in found.items() if account not in present}
    wanted = round(abs(gap) * MICRO)
    sign = 1 if gap > 0 else -1
    usable = sorted((value, account) for account, value in found.items() if value > 0)
    for chosen, as_near in (_nearest(usable, wanted), _nearest_pair(usable, wanted)):
        if chosen:
            rest = Fraction(sign * (wanted - sum(value for value, _ in chosen)), MICRO)
            yield Cause(kind, tuple(account for _, account in chosen), rest, as_near)


def _by_account(
    ledgers: Ledgers, metric: str, month: Period, query: Query
) -> dict[str, int]:
    """Micro-units of a sum, account by account; nothing for what is no sum."""
    if month.start > query.as_of.last_day:
        return {}
    made = ledgers.plan(
        Query((metric,), "month", (month,), query.as_of), ledgers.config, is_by_account=True
    )
    formula = made.formulas[metric]
    if isinstance(formula, Operation) and formula.sign == "÷":
        return {}
    found = {}
    for line in ledgers.run(made):
        own = dict(zip((m.name for m in made.measures), line[2:], strict=False))
        value = round(base.share(formula, own, own) * MICRO)
        if line[0] is not None and value:
            found[line[0]] = value
    return found


_Valued = tuple[int, str]


def _nearest(usable: Sequence[_Valued], wanted: int) -> tuple[tuple[_Valued, ...], int]:
    if not usable:
        return (), 0
    best = min(usable, key=lambda found: (abs(found[0] - wanted), found[1]))
    distance = abs(best[0] - wanted)
    return (best,), sum(abs(value - wanted) == distance for value, _ in usable) - 1


def _nearest_pair(
    usable: Sequence[_Valued], wanted: int
) -> tuple[tuple[_Valued, ...], int]:
    """Two accounts whose values sum nearest to `wanted`: one pass from both ends."""
    low, high = 0, len(usable) - 1
    best: tuple[_Valued, ...] = ()
    distance = -1
    while low < high:
        total = usable[low][0] + usable[high][0]
        if distance < 0 or abs(total - wanted) < distance:
            best, distance = (usable[low], usable[high]), abs(total - wanted)
        if total < wanted:
            low += 1
        else:
            high -= 1
    if not best:
        return (), 0
    many = Counter(value for value, _ in usable)
    goal = best[0][0] + best[1][0]
    pairs = sum(
        count * many[goal - value] if value * 2 < goal else count * (count - 1) // 2
        for value, count in many.items()
        if value * 2 <= goal
    )
    return best, pairs - 1
