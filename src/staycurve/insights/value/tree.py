"""The metric tree: from MRR, net revenue retention and lifetime value down to their parts.

The tree is made from the metrics' formulas as they are declared. Each part stands with its value in
two periods and with what it added to the change of what it is a part of: a Shapley value, so that
the contributions below a part sum to its change exactly. Metrics that no formula joins with the
tree stand beside it, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    Opens,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.shapley import shared_out, units_of
from staycurve.insights.value.change import (
    as_float,
    difference_unit,
    periods_of,
    places_of,
    told_change,
)
from staycurve.insights.value.explaining import Asking
from staycurve.insights.value.links import KINDS, LINKS, ROOTS, SUCCESS, Link
from staycurve.insights.value.measured import planned
from staycurve.insights.value.moving import Moved, Readings, moved, read
from staycurve.insights.value.parts import Opening, Part
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.filters import filters_of
from staycurve.metrics.query import Query
from staycurve.period import GRAINS, Period, parse_period, period_of

NO_TWO = N_("two periods have to be over; there are fewer")
OF_IT = N_("%(metric)s = %(formula)s")

BEHIND = Opens("value accounts", {
    "metric": "of", "part": "part", "start": "period_from", "end": "period_to", "grain": "grain",
})

TreeMetric = Annotated[
    str, Param(N_("A metric, such as clv_margin; without it MRR, NRR and lifetime value."),
               metavar="METRIC", is_argument=True)
]


@dataclass(frozen=True, kw_only=True)
class Node(Row):
    """One part of the tree; those that it is made of follow it, one deeper."""

    path: Annotated[str, Key(N_("Its place: the names from the top down to it."))]
    parent: Annotated[
        str | None, Key(N_("The path of what it is a part of; empty at the top."))
    ]
    depth: Annotated[int, Key(N_("How many parts it lies below the top."))]
    name: Annotated[str, Key(N_("A metric's, or a sum's, or the operation itself."))]
    metric: Annotated[str | None, Key(N_("The metric that it is; empty where it is none."))]
    of: Annotated[str, Hidden()]
    sign: Annotated[
        str, Key(N_("How it enters what it is a part of: + − × ÷; empty for the first, or where "
                    "it does in several ways."))
    ]
    label: Annotated[str, col(N_("Part"), shown_as="indented")]
    value_from: Annotated[
        float | None, col(N_("Before"), Unit.RATIO, unit_from="unit", opens=BEHIND)
    ]
    value_to: Annotated[
        float | None, col(N_("After"), Unit.RATIO, unit_from="unit", opens=BEHIND)
    ]
    change: Annotated[float | None, col(N_("Change"), Unit.RATIO, unit_from="changes_in")]
    contribution: Annotated[
        float | None,
        col(N_("Contribution"), Unit.RATIO, unit_from="counts_in",
            about=N_("To the change of what it is a part of, whose parts sum to its change.")),
    ]
    is_repeated: Annotated[
        bool, Key(N_("Whether it stands further up too, where its parts are."))
    ]
    unit: Annotated[str, Key(N_("Of the part."))]
    changes_in: Annotated[str, Hidden()]
    counts_in: Annotated[str, Hidden()]
    why: WhyField = None

    @property
    def part(self) -> str:
        """Which part of the metric `of` it drills down to; empty for the metric itself."""
        return "" if self.metric else self.name

    @property
    def indented(self) -> Said:
        """Its label as far to the right as it lies deep."""
        mark = f"{'· ' * self.depth}{self.sign}{' ' if self.sign else ''}"
        return Said(f"{mark}%(label)s", {"label": Said(self.label)})


@dataclass(frozen=True, kw_only=True)
class Linked(Row):
    """A metric that is not in the tree, and how it is linked with it."""

    metric: Annotated[str, Key(N_("Its name; `value tree` opens it."))]
    label: Annotated[str, col(N_("Metric"))]
    value_from: Annotated[
        float | None, col(N_("Before"), Unit.RATIO, unit_from="unit", opens=BEHIND)
    ]
    value_to: Annotated[
        float | None, col(N_("After"), Unit.RATIO, unit_from="unit", opens=BEHIND)
    ]
    change: Annotated[float | None, col(N_("Change"), Unit.RATIO, unit_from="changes_in")]
    linked_to: Annotated[str, Key(N_("What of the tree it is linked with."))]
    link: Annotated[
        str, col(N_("Linked"), Kind.NAME, named_by=KINDS,
                 about=N_("By a formula, by a part that both have, or by no formula."))
    ]
    how: Annotated[str, col(N_("How"), shown_as="told")]
    unit: Annotated[str, Hidden()]
    changes_in: Annotated[str, Hidden()]
    why: WhyField = None

    @property
    def of(self) -> str:
        """The metric that it drills down to."""
        return self.metric

    @property
    def told(self) -> Said:
        """How it is linked, translated where it is shown."""
        return Said(self.how)


@dataclass(frozen=True, kw_only=True)
class Tree(Answer):
    """Metrics, their parts, and what moved."""

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str | None, Key(N_("The metric that was asked for."))]
    period_from: Annotated[
        str | None, Key(N_("The earlier period, by its first day."), name="from")
    ]
    period_to: Annotated[str | None, Key(N_("The later period, by its first day."), name="to")]
    grain: Annotated[str, Key(N_("How long the periods are."))]
    why: WhyField = None
    rows: Annotated[tuple[Node, ...], Table(N_("The metrics and their parts"))]
    linked: Annotated[tuple[Linked, ...], Table(N_("Beside the tree"))]
    names: Annotated[tuple[str, str], Hidden()]

    def title(self) -> Said:
        return Said(N_("Metric tree, %(from)s to %(to)s, %(currency)s"), {
            "from": self.names[0], "to": self.names[1], "currency": self.currency,
        })

    def said(self) -> tuple[Said, ...]:
        return tuple(
            told_change(top.row.name, top.row.change, self.names, top.row.why, [
                (one.row.label, one.row.contribution) for one in top.branches
            ])
            for top in branches(self)
        )


@dataclass(frozen=True)
class Branch:
    """A part with those that it is made of."""

    row: Node
    branches: tuple[Branch, ...]

    def cut(self, depth: int) -> Branch:
        """The same down to so many parts below it."""
        below = tuple(one.cut(depth - 1) for one in self.branches) if depth else ()
        return replace(self, branches=below)


def branches(tree: Tree, *, depth: int | None = None) -> tuple[Branch, ...]:
    """The tops of a tree with their parts nested.

    Parameters
    ----------
    depth : int, optional
        How many parts below the tops come along; all without it.
    """
    below: dict[str | None, list[Node]] = {}
    for row in tree.rows:
        below.setdefault(row.parent, []).append(row)

    def of(parent: str | None) -> tuple[Branch, ...]:
        return tuple(Branch(row, of(row.path)) for row in below.get(parent, ()))

    tops = of(None)
    return tops if depth is None else tuple(one.cut(depth) for one in tops)


@insight("value tree", needs="")
def tree(
    company: Reader, *,
    metric: TreeMetric = "", start: From = None, end: To = None,
    grain: Annotated[str | None, Param(N_("The length of the periods; as they are written "
                                          "without it."), choices=GRAINS)] = None,
    where: Where = "", as_of: AsOfText = None,
) -> Tree:
    """What are MRR, net revenue retention and lifetime value made of, and which part moved?

    Each part with its value in two periods, its change, and what it added to the change of what it
    is a part of. Without periods: the last two that have closed.
    """
    if metric:
        # A wrong name is told before anything is read.
        METRICS[metric]
    seen = company.as_of(as_of)
    found = _periods(company, start, end, grain, as_of)
    length = found[1].grain if found else grain or "month"
    answer = Tree(
        as_of=seen.at.isoformat(), currency=company.config.company.currency,
        metric=metric or None, period_from=None, period_to=None, grain=length,
        rows=(), linked=(), names=("", ""), why=NO_TWO,
    )
    if found is None:
        return answer
    first, last = found
    fiscal = company.config.company.fiscal_year_start
    answer = replace(
        answer, period_from=str(first.start), period_to=str(last.start), why=None,
        names=(first.name(fiscal), last.name(fiscal)),
    )
    asked = Asking(company, seen, first, last, (), filters_of(where), metric)
    return _answered(asked, answer)


def _periods(
    company: Reader, start: str | None, end: str | None, grain: str | None, as_of: str | None
) -> tuple[Period, Period] | None:
    """The two periods; without names the last two that have closed, None where there are none."""
    own = company.config.company
    if start and end:
        return periods_of(company, start, end, grain)
    if start:
        raise UsageError(
            "'from' is given without 'to'.", hint="Give both, or --to alone.", parameter="to"
        )
    seen = company.as_of(as_of)
    if end:
        length = grain or parse_period(end, own.fiscal_year_start).grain
        last = periods_of(company, end, end, length)[1]
    else:
        last = period_of(
            seen.last_day, grain or "month", own.fiscal_year_start, week_start=own.week_start
        )
        if seen.is_open(last):
            last = last.previous(own.fiscal_year_start)
        begun = company.first_day(list(METRICS))
        if begun is None or begun >= last.start:
            return None
    return last.previous(own.fiscal_year_start), last


def _answered(asked: Asking, answer: Tree) -> Tree:
    opening = Opening(asked.first.grain, asked.company.config.conventions)
    tops = {name: opening.of(name) for name in ([asked.metric] if asked.metric else ROOTS)}
    within = {one.name for top in tops.values() for one in top.every()}
    links = _links(asked.metric, within)
    beside = {name: opening.of(name) for name in links}
    refused: dict[str, str] = {}
    for name, part in {**tops, **beside}.items():
        try:
            _check(asked, part)
        except NotAnsweredError as error:
            if name == asked.metric:
                raise
            # One that cannot be cut this way, or is not known by weeks, leaves the others.
            refused[name] = error.message
    # Of what stands beside the tree the value alone is read.
    bare = [replace(one, parts=(), bridge=None) for name, one in beside.items()
            if name not in refused]
    wanted = [*(one for name, one in tops.items() if name not in refused), *bare]
    known = read(asked, wanted) if wanted else Readings({}, frozenset(), "")
    expanded: set[str] = set()
    rows = [
        row
        for name, part in tops.items()
        for row in (
            [_refused(part, refused[name])] if name in refused
            else _rows(moved(asked, part, known), None, expanded)
        )
    ]
    return replace(
        answer, rows=tuple(rows), sql=known.sql,
        linked=tuple(
            _linked(asked, name, replace(part, parts=(), bridge=None), links[name], known,
                    refused.get(name))
            for name, part in beside.items()
        ),
    )


def _check(asked: Asking, part: Part) -> None:
    """Raise where a metric is not known at the grain, or in the cut."""
    names = dict.fromkeys(name for one in part.every() for name in one.reads)
    planned(asked.company, Query(
        tuple(names), asked.last.grain, (asked.last,), asked.as_of, (), asked.filters
    ))


def _links(metric: str, within: set[str]) -> dict[str, Link]:
    """What stands beside the tree: of all metrics, or of one what is computed from it."""
    if not metric:
        return {name: LINKS[name] for name in SUCCESS if name not in within}
    own = METRICS[metric]
    return {
        name: Link(metric, "computed", f"{one.label} = {one.formula.text()}")
        for name, one in METRICS.items() if name != metric and _uses(one.formula, own)
    }


def _uses(formula: object, own: object) -> bool:
    """Whether a formula names a metric itself."""
    if formula is own:
        return True
    sides = (getattr(formula, "left", None), getattr(formula, "right", None))
    options = getattr(formula, "options", {})
    return any(one is not None and _uses(one, own) for one in (*sides, *options.values()))


def _rows(
    found: Moved, parent: Node | None, expanded: set[str], digits: int | None = None
) -> Iterator[Node]:
    """A part and all below it; one that has been opened before is not opened again."""
    part = found.part
    is_repeated = bool(part.parts) and part.name in expanded
    row = _node(found, parent, digits, is_repeated=is_repeated)
    yield row
    if is_repeated:
        return
    if part.parts:
        expanded.add(part.name)
    shares = _digits(found)
    for one, share in zip(found.parts, shares, strict=True):
        yield from _rows(one, row, expanded, share)


def _digits(found: Moved) -> Sequence[int | None]:
    """What each part brought, in the last place that is printed of the whole; they sum to it."""
    brought = [one.brought for one in found.parts]
    known = [one for one in brought if one is not None]
    if found.change is None or len(known) < len(brought) or not brought:
        return [None] * len(brought)
    places = places_of(found.part.unit)
    before, after = (units_of(one or found.change * 0, places) for one in found.ends)
    return shared_out(known, after - before, places)


def _node(
    found: Moved, parent: Node | None, digits: int | None, *, is_repeated: bool
) -> Node:
    part = found.part
    unit = part.unit if parent is None else Unit(parent.unit)
    path = part.name if parent is None else f"{parent.path}/{part.name.replace('/', '_')}"
    return Node(
        path=path, parent=parent.path if parent else None,
        depth=parent.depth + 1 if parent else 0,
        name=part.name, metric=part.metric or None,
        of=part.metric or (parent.of if parent else part.name),
        sign=part.sign, label=part.label, **_values(found),
        contribution=as_float(digits, places_of(unit)),
        is_repeated=is_repeated, unit=part.unit.value,
        changes_in=difference_unit(part.unit).value, counts_in=difference_unit(unit).value,
        why=found.why,
    )


def _values(found: Moved) -> dict[str, float | None]:
    places = places_of(found.part.unit)
    before, after = (None if one is None else units_of(one, places) for one in found.ends)
    gap = None if before is None or after is None else after - before
    return {
        "value_from": as_float(before, places), "value_to": as_float(after, places),
        "change": as_float(gap, places),
    }


def _refused(part: Part, why: str) -> Node:
    return _node(Moved(part, (None, None), why=why), None, None, is_repeated=False)


def _linked(
    asked: Asking, name: str, part: Part, link: Link, known: Readings, refused: str | None
) -> Linked:
    found = Moved(part, (None, None), why=refused) if refused else moved(asked, part, known)
    return Linked(
        metric=name, label=part.label, **_values(found), linked_to=link.to, link=link.kind,
        how=link.how, unit=part.unit.value, changes_in=difference_unit(part.unit).value,
        why=found.why,
    )
