"""What a derived table declares that it reads is what its statement reads."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from staycurve.config import parse
from staycurve.tables.account_roots import inputs
from staycurve.tables.views import DERIVED, USAGE

RULED = parse('[company]\nexclude = ["email~@ourco.com"]\n[usage]\nsession = "s"\n')


@pytest.mark.parametrize("table", [*DERIVED.values(), *USAGE.values()], ids=lambda t: t.name)
def test_reads_are_those_of_the_statement(table: object) -> None:
    tree = sqlglot.parse_one(table.statement(RULED), read="duckdb")  # type: ignore[attr-defined]
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    named = {one.name for one in tree.find_all(exp.Table)} - own
    assert named
    assert named == set(table.reads)  # type: ignore[attr-defined]


def test_the_roots_name_what_they_read_under_each_configuration() -> None:
    assert inputs(RULED) == ("accounts", "users", "account_merges")
    assert inputs(parse("")) == ("accounts", "account_merges")
