"""Money is an integer, rounded once, half to even."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, strategies as st

from staycurve.money import RATE_SCALE, converted_sql, half_even, half_even_sql
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


@given(
    amount=st.one_of(st.integers(0, 10**9), st.integers(0, 10**18)),
    rate=st.one_of(st.integers(0, 10**13), st.integers(0, 10**17)),
)
def test_a_conversion_rounds_as_fractions_do(engine: Engine, amount: int, rate: int) -> None:
    expected = half_even(Fraction(amount * rate, RATE_SCALE))
    assume(expected < 2**63)
    converted = converted_sql("n", "r")
    given_sql = f"SELECT CAST({amount} AS BIGINT) n, CAST({rate} AS BIGINT) r"
    assert engine.value(f"SELECT {converted} FROM ({given_sql})") == expected


@pytest.mark.parametrize(
    ("amount", "rate", "expected"),
    [
        # One half, three and five: ties go to the even neighbour.
        (1, RATE_SCALE // 2, 0), (3, RATE_SCALE // 2, 2), (5, RATE_SCALE // 2, 2),
        # A tie of which the lower half of the rate makes the last digit, and one more than a tie.
        (500_000, 1_000_000, 0), (1_500_000, 1_000_000, 2), (1, RATE_SCALE // 2 + 1, 1),
        # The most that is computed in 64 bits, and the least beyond it.
        (10**12 - 1, 9 * RATE_SCALE - 1, 8_999_999_999_990), (10**12, 9 * RATE_SCALE, 9 * 10**12),
    ],
)
def test_a_conversion_rounds_ties_to_even(
    engine: Engine, amount: int, rate: int, expected: int
) -> None:
    converted = converted_sql("n", "r")
    given_sql = f"SELECT CAST({amount} AS BIGINT) n, CAST({rate} AS BIGINT) r"
    assert engine.value(f"SELECT {converted} FROM ({given_sql})") == expected


def test_no_rate_is_no_amount(engine: Engine) -> None:
    converted = converted_sql("n", "r")
    assert engine.value(
        f"SELECT {converted} IS NULL FROM (SELECT CAST(5 AS BIGINT) n, CAST(NULL AS BIGINT) r)"
    )


def test_no_spill_is_left(tmp_path: Path) -> None:
    with Engine(tmp_path) as engine:
        engine.execute("CREATE TABLE t AS SELECT range AS n FROM range(1000)")
    assert list(tmp_path.iterdir()) == []
