"""Figures of another tool, read from a file: what single cause explains each difference best.

Three kinds of causes are tried: one switch with another value, the profile of that tool, and one
or two accounts that one side counts and the other does not. Of those that leave the least
unexplained, the simplest is named. Two accounts out of many often match by chance, so a cause says
how many others leave as little.
"""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.books.ledgers import Ledgers
from staycurve.insights.books.reconcile import profile_named
from staycurve.insights.books.switches import Cells, cells, look_at, others
from staycurve.metrics import base
from staycurve.metrics.base import Operation, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import Query
from staycurve.money import MICRO
from staycurve.period import AsOf, Period, parse_period, periods_between

COLUMNS = ("month", "metric", "value")
MOST_DIGITS = 30
"""A number with more before or after its point is a slip, not a figure."""
SHOWN = 5
"""How many wrong lines an error names."""
NOTHING_CHANGES_IT = N_("no switch and no account changes it")
NOTHING_BRINGS_IT_NEARER = N_("no single switch and no account brings it nearer")


@dataclass(frozen=True)
class Figure:
    """One line of the file.

    Attributes
    ----------
    tolerance : Fraction
        Half a unit of the last digit given: what rounding alone may differ by.
    """

    line: int
    month: Period
    metric: str
    value: Fraction
    tolerance: Fraction


@dataclass(frozen=True)
class Cause:
    """What would explain a difference.

    Attributes
    ----------
    kind : str
        'switch', 'profile', 'accounts left out' (of the other tool's figure) or 'accounts
        counted' (by the other tool, and not by us).
    names : tuple of str
        The switch and its value, the profile, or account ids.
    remaining : Fraction
        What it leaves of the difference.
    as_near : int
        How many other choices of the same kind leave as little.
    """

    kind: str
    names: tuple[str, ...]
    remaining: Fraction
    as_near: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The part `cause` of a row."""
        return {"kind": self.kind, "names": list(self.names),
                "remaining": float(self.remaining), "as_near": self.as_near}


@dataclass(frozen=True)
class Explained:
    """A figure beside ours, and the cause that explains the difference best."""

    figure: Figure
    ours: Fraction | None
    cause: Cause | None
    why: str | None = None

    @property
    def gap(self) -> Fraction | None:
        """Theirs less ours."""
        return None if self.ours is None else self.figure.value - self.ours

    @property
    def agrees(self) -> bool:
        """Whether nothing but rounding differs."""
        return self.gap is not None and abs(self.gap) <= self.figure.tolerance

    @property
    def is_explained(self) -> bool:
        """Whether the cause leaves nothing but rounding."""
        return self.cause is not None and abs(self.cause.remaining) <= self.figure.tolerance

    def as_dict(self) -> dict[str, Any]:
        """One row of `--format json`."""
        return {
            "month": str(self.figure.month.start)[:7],
            "metric": self.figure.metric,
            "ours": None if self.ours is None else float(self.ours),
            "theirs": float(self.figure.value),
            "gap": None if self.gap is None else float(self.gap),
            "agrees": self.agrees,
            "explained": self.is_explained,
            "cause": self.cause.as_dict() if self.cause else None,
            **({"why": self.why} if self.why else {}),
        }


def read_figures(path: Path, seen: AsOf) -> list[Figure]:
    """The figures in a CSV file with the columns month, metric and value.

    A value may be written as 0.95 or 95%, and with commas between thousands.

    Raises
    ------
    UsageError
        Naming the file, and each line whose month, metric or value is not known.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return figures_in(file, path.name, seen)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}.", hint="Name a CSV file in UTF-8."
        ) from None


def figures_in(text: Iterable[str], name: str, seen: AsOf) -> list[Figure]:
    """The figures in the lines of a CSV file called `name`; see `read_figures`."""
    reader = csv.DictReader(text)
    try:
        header = {(column or "").strip().lower(): column for column in reader.fieldnames or ()}
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise UsageError(
                f"{name} has no column {', '.join(missing)}.",
                hint="Its first line must be: month,metric,value",
            )
        lines = [
            (reader.line_num, {n: (row[header[n]] or "").strip() for n in COLUMNS})
            for row in reader
        ]
    except csv.Error as error:
        raise UsageError(
            f"{name}:{reader.line_num} is not CSV: {error}.", hint="Write: 2024-06,mrr,1234.50"
        ) from None
    wrong: list[str] = []
    found = [
        figure
        for number, cell in lines
        if (figure := _figure(f"{name}:{number}", number, cell, seen, wrong))
    ]
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise UsageError(
            "; ".join(wrong[:SHOWN]) + more + ".",
            hint="Months are written 2024-06; names of metrics: staycurve metrics",
        )
    if not found:
        raise UsageError(f"{name} holds no figures.", hint="Write lines: 2024-06,mrr,1234.50")
    return found


def _figure(
    place: str, number: int, cell: Mapping[str, str], seen: AsOf, wrong: list[str]
) -> Figure | None:
    month, metric, value = (cell[name] for name in COLUMNS)
    reasons = []
    period = None
    try:
        period = parse_period(month[:7] if len(month) == 10 else month)
    except UsageError:
        reasons.append(f"'{month}' is not a month")
    if period and period.grain != "month":
        reasons.append(f"'{month}' is not a month")
    elif period and period.start > seen.last_day:
        reasons.append(f"month {month} begins after the as-of")
    if metric not in METRICS:
        reasons.append(f"unknown metric '{metric}'")
    number_given = _number(value)
    if number_given is None:
        reasons.append(f"'{value}' is not a number")
    if reasons or period is None or number_given is None:
        wrong.append(f"{place} {', '.join(reasons)}")
        return None
    return Figure(number, period, metric, *number_given)


def _number(text: str) -> tuple[Fraction, Fraction] | None:
    """The number that `text` states, and half a unit of its last digit."""
    is_percent = text.endswith("%")
    try:
        number = Decimal(text.rstrip("% ").replace(",", ""))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        return None
    scale = 100 if is_percent else 1
    digits = int(number.as_tuple().exponent)
    return Fraction(number) / scale, Fraction(10) ** min(digits, 0) / 2 / scale


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
    first = ledgers.engine.value("SELECT MIN(starts_on) FROM subscriptions")
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
        return Explained(figure, value, None, why)
    causes = []
    for (kind, *names), found in tried.items():
        changed = _exact(found[key][0])
        if changed is not None and changed != value:
            causes.append(Cause(kind, tuple(names), figure.value - changed))
    if METRICS[figure.metric].unit is Unit.MONEY:
        causes += _accounts(ledgers, figure, query, figure.value - value)
    if not causes:
        return Explained(figure, value, None, NOTHING_CHANGES_IT)
    # Of causes that leave only what rounding may leave, the first tried is the simplest.
    best = min(
        causes,
        key=lambda c: abs(c.remaining) if abs(c.remaining) > figure.tolerance else 0,
    )
    if abs(best.remaining) >= abs(figure.value - value):
        return Explained(figure, value, None, NOTHING_BRINGS_IT_NEARER)
    alike = [c for c in causes if c.kind == best.kind and abs(c.remaining) == abs(best.remaining)]
    near = best.as_near if best.kind.startswith("accounts") else len(alike) - 1
    return Explained(figure, value, dataclasses.replace(best, as_near=near))


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
