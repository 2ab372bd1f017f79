"""Money is an integer, rounded once, half to even."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, strategies as st

from staycurve.money import half_even, half_even_sql
from staycurve.tables.duckdb_engine import Engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(tmp_path_factory.mktemp("spill"))


@given(n=st.integers(0, 10**30), d=st.integers(1, 10**12))
def test_the_engine_rounds_as_fractions_do(engine: Engine, n: int, d: int) -> None:
    expected = half_even(Fraction(n, d))
    assume(expected < 2**63)
    assert engine.value(f"SELECT {half_even_sql('n', 'd')} FROM (SELECT {n} n, {d} d)") == expected


def test_ties_go_to_even(engine: Engine) -> None:
    for n, expected in ((1, 0), (3, 2), (5, 2), (7, 4)):
        rounded = half_even_sql("n", "d")
        assert engine.value(f"SELECT {rounded} FROM (SELECT {n} n, 2 d)") == expected


def test_no_spill_is_left(tmp_path: Path) -> None:
    with Engine(tmp_path) as engine:
        engine.execute("CREATE TABLE t AS SELECT range AS n FROM range(1000)")
    assert list(tmp_path.iterdir()) == []
