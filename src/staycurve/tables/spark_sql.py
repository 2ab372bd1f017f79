"""Spark's words for our statements: DuckDB's dialect, translated by sqlglot, and fixed.

What is fixed here is where sqlglot's translation runs, or fails, otherwise than DuckDB does;
tests/engines/test_translation.py shows each of them. All else is portable as it is written.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import sqlglot
from sqlglot import exp

from staycurve.errors import EngineError

BIG = exp.DataType.build("DECIMAL(38, 0)", dialect="spark")
"""Spark has no 128-bit integer; 38 digits hold any product of two 64-bit ones."""

# It warns of what is fixed here.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Scan:
    """Parquet files that a statement reads.

    Attributes
    ----------
    relation : str
        The name that stands for them in the translation.
    has_places : bool
        Whether each row brings its file as `filename`, and `file_row_number`, its place there.
    """

    relation: str
    paths: tuple[str, ...]
    has_places: bool


@dataclass(frozen=True)
class Translated:
    """A statement for Spark.

    Attributes
    ----------
    needs : frozenset of str
        Every relation that it names, in lower case, those of its own WITH among them.
    steps : tuple of (str, Translated)
        Relations of its WITH that are worth keeping, in order.
    rest : Translated, optional
        The same statement over those relations, where there are any.
    """

    sql: str
    needs: frozenset[str]
    scans: tuple[Scan, ...]
    steps: tuple[tuple[str, Translated], ...] = ()
    rest: Translated | None = None


@lru_cache(maxsize=512)
def translated(sql: str) -> Translated:
    """`sql` in Spark's dialect.

    Raises
    ------
    EngineError
        If it is not a query that Spark could run.
    """
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise EngineError(
            f"A statement cannot be translated for Spark: {str(error).splitlines()[0]}",
            hint='Please report it. Meanwhile: engine = "duckdb"',
        ) from error
    scans: dict[str, Scan] = {}
    for node in list(tree.find_all(exp.ReadParquet)):
        scan = _scan(node)
        scans[scan.relation] = scan
        node.replace(exp.to_identifier(scan.relation, quoted=True))
    _mend(tree)
    whole = _written(tree, scans)
    steps = tuple((name, _written(body, scans)) for name, body in _taken_out(tree))
    return replace(whole, steps=steps, rest=_written(tree, scans)) if steps else whole


def _written(tree: exp.Expr, scans: Mapping[str, Scan]) -> Translated:
    names = {table.name for table in tree.find_all(exp.Table)}
    return Translated(
        tree.sql(dialect="spark", identify=True),
        frozenset(name.lower() for name in names - set(scans)),
        tuple(scan for name, scan in scans.items() if name in names),
    )


def _taken_out(tree: exp.Expr) -> list[tuple[str, exp.Expr]]:
    """Take the relations that are named several times, and cost something, out of a WITH.

    Spark writes a relation of a WITH in full wherever it is named, and what that one names again:
    a ledger of six steps would be planned and computed a dozen times over.
    """
    found: list[tuple[str, exp.Expr]] = []
    for group in list(tree.find_all(exp.With)):
        if group.parent is None or _lies_in_a_with(group.parent):
            continue
        kept: list[exp.CTE] = []
        for cte in list(group.expressions):
            named = [table for table in group.parent.find_all(exp.Table)
                     if table.name == cte.alias and not table.db]
            if len(named) < 2 or not cte.this.find(exp.Join, exp.Group, exp.Window, exp.Distinct):
                kept.append(cte)
                continue
            body = cte.this.copy()
            before = _needed(body, kept)
            if before:
                # What it names goes before the relations of a WITH of its own.
                own = body.args["with_"].expressions if body.args.get("with_") else []
                body.set("with_", exp.With(expressions=[one.copy() for one in (*before, *own)]))
            text = body.sql(dialect="duckdb")
            relation = f"step_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
            found.append((relation, body))
            for table in named:
                alias = exp.to_identifier(table.alias or cte.alias, quoted=True)
                table.replace(
                    exp.Table(
                        this=exp.to_identifier(relation, quoted=True),
                        alias=exp.TableAlias(this=alias),
                    )
                )
        query = group.parent
        group.pop()
        left = _needed(query, kept)
        if left:
            query.set("with_", exp.With(expressions=left))
    return found


def _needed(query: exp.Expr, known: Sequence[exp.CTE]) -> list[exp.CTE]:
    """Those of a WITH's relations that a query names, or that these name."""
    names = {table.name for table in query.find_all(exp.Table)}
    found: list[exp.CTE] = []
    for cte in reversed(known):
        if cte.alias in names:
            found.append(cte)
            names |= {table.name for table in cte.find_all(exp.Table)}
    return found[::-1]


def _lies_in_a_with(node: exp.Expr) -> bool:
    return node.find_ancestor(exp.With) is not None or any(
        above.args.get("with_") is not None for above in _above(node)
    )


def _above(node: exp.Expr) -> Iterator[exp.Expr]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _scan(node: exp.ReadParquet) -> Scan:
    given, *options = node.expressions
    listed = given.expressions if isinstance(given, exp.Array) else [given]
    if not all(
        isinstance(path, exp.Literal) and path.is_string and not set(path.name) & set("*?[")
        for path in listed
    ):
        raise EngineError(
            "A statement reads files that it does not list.",
            hint="Please report it: only listed files belong to a snapshot.",
        )
    paths = tuple(path.name for path in listed)
    has_places = bool(options)
    return Scan(_relation_of(paths, has_places), paths, has_places)


def _relation_of(paths: Sequence[str], has_places: bool) -> str:
    text = "\0".join([*paths, str(has_places)])
    return f"files_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _mend(tree: exp.Expr) -> None:
    for kind in list(tree.find_all(exp.DataType)):
        if kind.is_type("HUGEINT"):
            kind.replace(BIG.copy())
    # The innermost first: what is put around a node holds copies of what is inside it.
    for division in reversed(list(tree.find_all(exp.IntDiv))):
        if _is_big(division):
            division.replace(_exact_quotient(division.this, division.expression))
    for call in reversed(list(tree.find_all(exp.Anonymous))):
        if call.name.upper() == "JSON_MERGE_PATCH":
            call.replace(_merged_json(*call.expressions))
    for text in reversed(list(tree.find_all(exp.JSONExtractScalar))):
        found = text.this
        for key in _keys(text.expression):
            found = _json_text(found, key)
        if found is not text.this:
            text.replace(found)


def _exact_quotient(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    # Spark's DIV gives 64 bits and drops the rest of a larger quotient in silence. Without its
    # remainder a number is divided exactly, and the cast of the quotient may complain.
    rest = exp.Mod(this=exp.paren(left.copy()), expression=exp.paren(right.copy()))
    whole = exp.paren(exp.Sub(this=exp.paren(left.copy()), expression=rest))
    quotient = exp.Div(this=whole, expression=exp.paren(right.copy()), typed=False)
    return exp.Cast(this=quotient, to=BIG.copy())


def _merged_json(under: exp.Expr, over: exp.Expr) -> exp.Expr:
    # Of flat objects, as attributes are: Spark has no merge patch, and refuses a key that is twice.
    kind = exp.Literal.string("MAP<STRING, STRING>")
    below, above = (exp.func("FROM_JSON", one.copy(), kind.copy()) for one in (under, over))
    key, value = exp.to_identifier("k"), exp.to_identifier("v")
    own = exp.Lambda(
        this=exp.Not(this=exp.func("MAP_CONTAINS_KEY", above.copy(), exp.column("k"))),
        expressions=[key, value],
    )
    left = exp.func("MAP_FILTER", below, own)
    return exp.func("TO_JSON", exp.func("MAP_CONCAT", left, above))


def _json_text(text: exp.Expr, key: str) -> exp.Expr:
    # Spark's JSON paths cannot name a key that holds an apostrophe.
    entries = exp.func("FROM_JSON", text.copy(), exp.Literal.string("MAP<STRING, STRING>"))
    return exp.Bracket(this=entries, expressions=[exp.Literal.string(key)], offset=0)


def _is_big(node: exp.Expr) -> bool:
    """Whether a 128-bit integer is part of a calculation."""
    return any(cast.to == BIG for cast in node.find_all(exp.Cast))


def _keys(path: exp.Expr) -> list[str]:
    """The keys that a JSON path names one inside the other; none if it is anything else.

    A pointer names one key.
    """
    if isinstance(path, exp.Literal) and path.name.startswith("/"):
        return [path.name[1:].replace("~1", "/").replace("~0", "~")]
    if not isinstance(path, exp.JSONPath):
        return []
    found = [one.this for one in path.expressions[1:] if isinstance(one, exp.JSONPathKey)]
    keys = [one for one in found if isinstance(one, str)]
    return keys if len(keys) == len(path.expressions) - 1 else []
