"""What is mended where sqlglot's Spark is not what DuckDB does; no Spark is needed."""

from __future__ import annotations

import pytest

from staycurve.errors import EngineError
from staycurve.tables.spark_sql import translated


def test_a_wide_quotient_is_not_cut_to_64_bits() -> None:
    found = translated("SELECT CAST(a AS HUGEINT) * b // c AS q FROM t").sql
    assert " DIV " not in found
    assert "HUGEINT" not in found
    assert "DECIMAL(38, 0)" in found


def test_a_quotient_of_64_bits_is_sparks_own() -> None:
    assert translated("SELECT a // b FROM t").sql == "SELECT `a` DIV `b` FROM `t`"


def test_a_json_key_may_hold_any_sign() -> None:
    found = translated("""SELECT json_extract_string(x, '$."it''s a ?"') FROM t""").sql
    assert found == "SELECT FROM_JSON(`x`, 'MAP<STRING, STRING>')['it\\'s a ?'] FROM `t`"


def test_a_json_pointer_and_a_path_name_keys() -> None:
    inside = "FROM_JSON(`x`, 'MAP<STRING, STRING>')"
    found = translated("""SELECT json_extract_string(x, '/a"b~1c~0*') FROM t""").sql
    assert found == f"SELECT {inside}['a\"b/c~*'] FROM `t`"
    found = translated("""SELECT json_extract_string(x, '$."a"."b"') FROM t""").sql
    assert found == f"SELECT FROM_JSON({inside}['a'], 'MAP<STRING, STRING>')['b'] FROM `t`"


def test_listed_files_become_a_relation() -> None:
    found = translated("SELECT * FROM read_parquet(['/a b/x''y.parquet', '/c'])")
    (scan,) = found.scans
    assert scan.paths == ("/a b/x'y.parquet", "/c")
    assert not scan.has_places
    assert scan.relation in found.sql
    assert not found.needs


def test_a_pattern_of_files_is_refused() -> None:
    with pytest.raises(EngineError, match="does not list"):
        translated("SELECT * FROM read_parquet('lake/*.parquet')")


def test_nulls_stand_where_duckdb_puts_them() -> None:
    found = translated("SELECT a, lag(b) OVER (PARTITION BY c ORDER BY d) FROM t ORDER BY a").sql
    assert found.count("NULLS LAST") == 2


def test_what_is_named_twice_is_computed_once() -> None:
    found = translated("""
        WITH plain AS (SELECT a, b FROM t), sums AS (SELECT a, SUM(b) AS b FROM plain GROUP BY a),
             once AS (SELECT a FROM other GROUP BY a)
        SELECT * FROM sums s JOIN sums ON sums.a = s.b JOIN once o ON o.a = s.a
    """)
    ((relation, step),) = found.steps
    assert step.needs == {"plain", "t"}
    assert found.rest is not None
    assert found.rest.needs == {relation, "once", "other"}
    assert f"`{relation}` AS `s`" in found.rest.sql
    assert f"`{relation}` AS `sums`" in found.rest.sql


def test_a_with_inside_a_step_keeps_its_relations() -> None:
    found = translated("""
        WITH t AS (SELECT * FROM t WHERE a = 1),
             sums AS (WITH own AS (SELECT a FROM t) SELECT a, COUNT(*) AS n FROM own GROUP BY a)
        SELECT * FROM sums s JOIN sums ON sums.a = s.n
    """)
    ((_, step),) = found.steps
    assert step.needs == {"own", "t"}
    assert step.sql.index("`t` AS (") < step.sql.index("`own` AS (") < step.sql.index("GROUP BY")


def test_relations_are_named_once_and_in_lower_case() -> None:
    found = translated("WITH x AS (SELECT * FROM Spans) SELECT * FROM x JOIN spans s ON 1 = 1")
    assert found.needs == {"x", "spans"}
