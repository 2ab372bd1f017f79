"""Query → statement: metrics × grain × segments × range × as-of as one SELECT."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from staycurve.config import Config
from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.i18n import N_
from staycurve.metrics import base, user_traits
from staycurve.metrics.base import Formula, Measure, Metric, Operation, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Context, Filter
from staycurve.metrics.dimensions import COHORT, FIRSTS_SQL, PROPERTY, moving_dims, order_sql
from staycurve.metrics.mrr_totals import value_edges
from staycurve.metrics.points import POINTS, listed_sql
from staycurve.metrics.relations import RELATIONS, Relation
from staycurve.period import AsOf, Period
from staycurve.tables.accounts import ACCOUNTS


@dataclass(frozen=True)
class Query:
    """What is asked.

    Attributes
    ----------
    metrics : tuple of str
    grain : str
    periods : tuple of Period
        In order, without gaps.
    by : tuple of str
        Dimensions that split the answer.
    filters : tuple of Filter
        Dimensions that restrict it.
    """

    metrics: tuple[str, ...]
    grain: str
    periods: tuple[Period, ...]
    as_of: AsOf
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A query whose metrics are opened, and the statement that answers it.

    Attributes
    ----------
    sql : str
        Columns: start_on, seg0 … (only those of `by`), each measure, then `v_` + each metric,
        then each of `sizes`.
    sizes : mapping
        Metric → what counts the accounts below its line; for rates in a cut alone.
    """

    query: Query
    context: Context
    metrics: Mapping[str, Metric]
    formulas: Mapping[str, Formula]
    measures: tuple[Measure, ...]
    sql: str
    empty_tables: frozenset[str] = frozenset()
    sizes: Mapping[str, Measure] = field(default_factory=dict)

    @property
    def added(self) -> list[Measure]:
        """Those of `sizes` that no metric measures itself."""
        return [size for size in dict.fromkeys(self.sizes.values()) if size not in self.measures]

    @property
    def unknown(self) -> list[str]:
        """The measures of which nothing at all is loaded."""
        return [
            m.name for m in self.measures if RELATIONS[m.relation].is_unknown(self.empty_tables)
        ]

    def without_rows(self, measure: Measure) -> int | None:
        """What a measure is where it has no rows: nothing happened, or nobody knows."""
        is_unknown = RELATIONS[measure.relation].is_unknown(self.empty_tables)
        return None if is_unknown or measure.is_empty_without_rows else 0


def known_dims(
    relation: Relation, attributes: Iterable[str], traits: Iterable[str] = ()
) -> list[str]:
    """Dimensions that can cut a relation.

    Parameters
    ----------
    attributes, traits : iterable of str
        What is loaded of accounts, and of users, beside the declared columns.
    """
    found = list(relation.own)
    if relation.has_account:
        found += [
            column.name
            for column in ACCOUNTS.columns
            if column.kind == "text" or column.name == "employees"
        ]
        found += [*attributes, COHORT, *moving_dims()]
    if relation.has_users:
        found += user_traits.names(traits)
    return list(dict.fromkeys(found))


def plan(
    query: Query,
    config: Config,
    *,
    attributes: Sequence[str] = (),
    traits: Sequence[str] = (),
    empty_tables: frozenset[str] = frozenset(),
    is_by_account: bool = False,
    is_ordered: bool = True,
) -> Plan:
    """The statement that answers `query`.

    Parameters
    ----------
    attributes, traits : sequence of str
        Names of what is loaded of accounts, and of users, beside the declared columns.
    empty_tables : frozenset of str
        Tables of which nothing is there: measures over them are unknown, not zero.
    is_by_account : bool
        Whether to keep one row an account, with a column account_id first.
    is_ordered : bool
        Whether rows come in order; a statement around this one may do without.

    Raises
    ------
    UnknownNameError
        For a metric or dimension that is not known.
    NotAnsweredError
        For a metric at a grain, or in a cut, in which it is not known.
    """
    metrics = {name: METRICS[name] for name in query.metrics}
    formulas = {n: m.at(query.grain).resolve(config.conventions) for n, m in metrics.items()}
    _check_grains(query, metrics, formulas, config)
    measures = tuple({m.name: m for f in formulas.values() for m in f.measures()}.values())
    names = [f.dim for f in query.filters]
    dims = tuple(dict.fromkeys((*query.by, *names)))
    _check_dims(dims, measures, query, attributes, traits)
    context = Context(
        config, query.grain, query.periods, query.as_of, dims, len(query.by), query.filters,
        user_traits.among(dims, traits, attributes),
    )
    sizes = _sizes(metrics, formulas) if query.by and not is_by_account else {}
    made = Plan(query, context, metrics, formulas, measures, "", empty_tables, sizes)
    statement = _statement(
        context, metrics, formulas, measures, empty_tables, is_by_account, sizes=made.added,
        is_ordered=is_ordered,
    )
    return replace(made, sql=statement)


def _sizes(
    metrics: Mapping[str, Metric], formulas: Mapping[str, Formula]
) -> dict[str, Measure]:
    """Metric → what counts the accounts below the line of a rate, where something does."""
    found = {}
    for name, formula in formulas.items():
        if not (isinstance(formula, Operation) and formula.sign == "÷"):
            continue
        lower = formula.right
        if metrics[name].unit is Unit.PERCENT and isinstance(lower, Measure):
            size = lower.counted_by if lower.is_money else lower
            if size is not None:
                found[name] = size
    return found


def _check_grains(
    query: Query,
    metrics: Mapping[str, Metric],
    formulas: Mapping[str, Formula],
    config: Config,
) -> None:
    nets_months = config.convention("netting") == "month" and query.grain in ("day", "week")
    for name, metric in metrics.items():
        grains = list(metric.grains)
        if nets_months and any(m.relation == "movements" for m in formulas[name].measures()):
            grains = [grain for grain in grains if grain not in ("day", "week")]
        if query.grain not in grains:
            raise NotAnsweredError(
                f"{name} is not known by {query.grain}.",
                hint=f"Ask for it with --grain {' or '.join(grains)}",
                metric=name,
                grain=query.grain,
            )


def _check_dims(
    dims: Sequence[str], measures: Sequence[Measure], query: Query, attributes: Sequence[str],
    traits: Sequence[str],
) -> None:
    every = {
        dim for relation in RELATIONS.values() for dim in known_dims(relation, attributes, traits)
    }
    for dim in dims:
        if dim not in every and not dim.startswith(PROPERTY):
            raise UnknownNameError(
                "dimension", dim, every, hint=f"Known: {', '.join(sorted(every))}"
            )
        for measure in measures:
            relation = RELATIONS[measure.relation]
            known = known_dims(relation, attributes, traits)
            is_told = dim.startswith(PROPERTY)
            carries = relation.has_users and is_told
            if relation.is_restricted_by_use and dim not in query.by:
                carries = is_told or dim in user_traits.names(traits)
            if dim not in known and not carries:
                raise NotAnsweredError(
                    f"{', '.join(query.metrics)} cannot be cut by {dim}: "
                    f"{measure.label} does not carry it.",
                    hint=f"{measure.label} can be cut by: {', '.join(known)}",
                    dimension=dim,
                )


def _statement(
    context: Context,
    metrics: Mapping[str, Metric],
    formulas: Mapping[str, Formula],
    measures: Sequence[Measure],
    empty_tables: frozenset[str],
    is_by_account: bool,
    *,
    sizes: Sequence[Measure] = (),
    is_ordered: bool,
) -> str:
    asked, measures = measures, (*measures, *sizes)
    used = list(dict.fromkeys(measure.relation for measure in measures))
    shared = {need for name in used for need in RELATIONS[name].needs}
    ctes = [
        f"{name} AS ({listed_sql(points(context))})"
        for name, points in POINTS.items() if name == "periods" or name in shared
    ]
    ctes += [f"{name} AS ({sql})" for name, sql in context.segment_relations().items()]
    keys = [*(["account_id"] if is_by_account else []), "start_on",
            *(f"seg{place}" for place in range(context.by_count))]
    key = ", ".join(keys)
    has_edges = False
    for name in used:
        relation = RELATIONS[name]
        totals = relation.totals if not is_by_account and relation.has_totals(context) else None
        where = context.where(without=relation.told(context))
        if totals and relation.totals_filter:
            where = "1 = 1"
        summing = [m for m in measures if m.relation == name]
        aggregates = {
            m: _aggregate(m, is_total=totals is not None, is_by_account=is_by_account)
            for m in summing
        }
        grouped = f" GROUP BY {key}"
        # What only restricts would split an account's row further.
        if is_by_account and relation.is_summed and len(context.dims) == context.by_count:
            of_rows = {m: m.row_sql for m in summing if m.row_sql}
            if len(of_rows) == len(summing):
                aggregates, grouped = of_rows, ""
        sums = ", ".join(
            f"CAST({sql} AS {_sum_type(m)}) AS {m.name}" for m, sql in aggregates.items()
        )
        rows = (totals or relation.rows)(context)
        if "JOIN value_edges" in rows and not has_edges:
            # Several totals read them; they are computed once.
            ctes.append(f"value_edges AS ({value_edges(context)})")
            has_edges = True
        ctes.append(f"{name}_rows AS ({rows})")
        summed = f"SELECT {key}, {sums} FROM {name}_rows WHERE {where}{grouped}"
        if totals and not relation.totals_filter:
            # A segment that ended before the range has sums of zero here, and no rows otherwise.
            tests = " OR ".join(f"{m.name} <> 0" for m in summing)
            summed = f"SELECT * FROM ({summed}) s WHERE {tests}"
        ctes.append(f"{name}_sums AS ({summed})")
    every = " UNION ".join(f"SELECT {key} FROM {name}_sums" for name in used)
    # Of one relation nothing has to be brought together: its sums are the grid.
    grid = f"{used[0]}_sums" if is_by_account and len(used) == 1 else "grid"
    if is_by_account:
        ctes += [f"grid AS ({every})"] if grid == "grid" else []
    elif context.by_count:
        segs = ", ".join(keys[1:])
        ctes.append(
            f"grid AS (SELECT p.start_on, {', '.join(f's.{k}' for k in keys[1:])} FROM periods p "
            f"CROSS JOIN (SELECT DISTINCT {segs} FROM ({every}) found) s)"
        )
    else:
        ctes.append("grid AS (SELECT start_on FROM periods)")
    columns = []
    for measure in measures:
        is_unknown = RELATIONS[measure.relation].is_unknown(empty_tables)
        column = f"{measure.relation}_sums.{measure.name}"
        if is_unknown:
            column = "NULL"
        elif not measure.is_empty_without_rows:
            column = f"coalesce({column}, 0)"
        columns.append(f"CAST({column} AS {_sum_type(measure)}) AS {measure.name}")
    joins = "".join(
        f"\nLEFT JOIN {name}_sums ON "
        + " AND ".join(f"{name}_sums.{k} IS NOT DISTINCT FROM grid.{k}" for k in keys)
        for name in used if grid == "grid"
    )
    # Dear for what it is: of many questions that could need it, few do.
    if any(re.search(r"\bfirsts\b", sql) for sql in ctes):
        ctes.insert(0, f"firsts AS ({FIRSTS_SQL})")
    grid_keys = ", ".join(f"{grid}.{k}" for k in keys)
    ctes.append(f"measured AS (SELECT {grid_keys}, {', '.join(columns)}\nFROM {grid}{joins})")
    values = ", ".join(
        f"CAST({base.sql(formula)} AS DOUBLE) AS v_{name}" for name, formula in formulas.items()
    )
    listed = ", ".join(f"m.{m.name}" for m in asked)
    values += "".join(f", m.{m.name}" for m in sizes)
    own = {f"seg{place}": dim for place, dim in enumerate(context.dims)}
    order = ", ".join(
        order_sql(own[k], f"m.{k}") if k in own else f"m.{k} NULLS FIRST" for k in keys
    )
    ordered = f"\nORDER BY {order}" if is_ordered else ""
    return (
        "WITH " + ",\n".join(ctes) + f"\nSELECT {', '.join(f'm.{k}' for k in keys)}, {listed}, "
        f"{values}\nFROM measured m{ordered}"
    )


def _aggregate(measure: Measure, *, is_total: bool, is_by_account: bool) -> str:
    if is_by_account:
        return measure.account_sql
    return (is_total and measure.total_sql) or measure.sql


STILL_OPEN = N_("the period is still open")


def _sum_type(measure: Measure) -> str:
    """Money of many accounts may not fit what one account's fits."""
    return "HUGEINT" if measure.is_money else "BIGINT"
