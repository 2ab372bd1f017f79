"""`where`: what it says, how values are quoted, and values that nothing has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.errors import StaycurveError, UnknownValueError, UsageError
from staycurve.metrics.context import Filter
from staycurve.metrics.filters import parse_filters, where_text
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.metrics.segment_values import values_sql
from staycurve.workspace import Company
from tests.company import build

TABLES = {
    "accounts": """
        account_id  name  country  industry    region
        a           A     DE       EdTech      north
        b           B     US       Retail,_UK  south
        c           C     US       -           -
    """,
    "subscriptions": """
        account_id subscription_id starts_at  amount plan
        a          s1              2024-01-01 100    Pro,_annual
        b          s2              2024-01-01 50     Pro|monthly
        c          s3              2024-01-01 7      Say_"hi"
    """,
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("filters") / "project", TABLES) as made:
        yield made


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("", ()),
        (" , ", ()),
        ("a=x", (Filter("a", ("x",)),)),
        ("a=x|y , b!=z", (Filter("a", ("x", "y")), Filter("b", ("z",), is_negated=True))),
        ("a=", (Filter("a", (None,)),)),
        ("a=|x,b=", (Filter("a", (None, "x")), Filter("b", (None,)))),
        ('plan="Pro, annual"', (Filter("plan", ("Pro, annual",)),)),
        ('plan = "a|b" | c', (Filter("plan", ("a|b", "c")),)),
        ('plan="say ""hi""",b=1', (Filter("plan", ('say "hi"',)), Filter("b", ("1",)))),
        ('size=5" disk', (Filter("size", ('5" disk',)),)),
        ("a=x=y", (Filter("a", ("x=y",)),)),
        ("a<5,b >= 2.5", (Filter("a", ("5",), test="<"), Filter("b", ("2.5",), test=">="))),
        ("a<=x>y", (Filter("a", ("x>y",), test="<="),)),
        ("a~x|y,b!~z", (Filter("a", ("x", "y"), test="~"),
                        Filter("b", ("z",), is_negated=True, test="~"))),
        ("a!=", (Filter("a", (None,), is_negated=True),)),
        ("a is set, big b is not set", (Filter("a", (None,), is_negated=True),
                                        Filter("big b", (None,)))),
        ('a contains x y|z,b does not contain "q,r"', (
            Filter("a", ("x y", "z"), test="~"),
            Filter("b", ("q,r",), is_negated=True, test="~"))),
    ],
)
def test_where_reads(text: str, filters: tuple[Filter, ...]) -> None:
    assert parse_filters(text) == filters


@pytest.mark.parametrize("text", ["plan", "=x", "!=x", 'plan="open', 'plan="a" b', "a=1,b"])
def test_what_is_no_filter_is_said(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a filter|is not closed") as found:
        parse_filters(text)
    assert 'plan="a, b"' in found.value.hint


@pytest.mark.parametrize("text", ["a<", "a~", "a!<5", "a>5|", "a contains"])
def test_a_comparison_needs_what_it_compares_with(text: str) -> None:
    with pytest.raises(UsageError, match="compares with nothing"):
        parse_filters(text)


@pytest.mark.parametrize(
    "value", ["x", "a,b", "a|b", ' "', '"', "", None, " x ", 'say "hi", all', "[x]", "x=y", "\n"]
)
def test_what_is_written_is_read_as_the_same(value: str | None) -> None:
    filters = (Filter("plan", (value, "other")), Filter("country", (value,), is_negated=True))
    assert parse_filters(where_text(filters)) == filters
    if value:
        tests = (Filter("a", (value,), test="<="), Filter("b", (value,), True, "~"))
        assert parse_filters(where_text(tests)) == tests


@pytest.mark.parametrize(
    ("where", "mrr"),
    [('plan="Pro, annual"', 100.0), ('plan="Pro|monthly"', 50.0), ('plan=Say "hi"', 7.0),
     ('plan="Say ""hi"""|"Pro, annual"', 107.0), ('industry="Retail, UK"', 50.0),
     ("industry=", 7.0), ("country!=US", 100.0), ("country!=", 157.0),
     ("industry~retail", 50.0), ("industry!~RETAIL", 107.0), ("plan contains pro", 150.0),
     ("country>DE", 57.0), ("country>=DE", 157.0), ("country<DE", 0.0)],
)
def test_values_with_signs_restrict(company: Company, where: str, mrr: float) -> None:
    found = company.show("mrr", start="2024-01", end="2024-01", where=where)
    assert [row["value"] for row in found.rows] == [mrr]


@pytest.mark.parametrize(
    ("where", "near", "known"),
    [
        ("country=Germany", "DE", "DE, US"),
        ("country=us", "US", "DE, US"),
        ("country!=Germany", "DE", "DE, US"),
        ("country=DE|France", "", "DE, US"),
        ("plan=Pro annual", "Pro, annual", 'Pro, annual, Pro|monthly, Say "hi"'),
        ("region=nort", "north", "north, south"),
        ("tenure=0-2 month", "0-2 months", "0-2 months, 3-5 months, "),
        ("cohort=2024-02", "2024-01", "2024-01"),
        ("account_id=aa", "a", "a, b, c"),
    ],
)
def test_an_unknown_value_gets_a_suggestion_and_the_known_ones(
    company: Company, where: str, near: str, known: str
) -> None:
    asked = [
        lambda: company.show("mrr", where=where),
        lambda: company.accounts("mrr", period="2024-01", where=where),
        lambda: company.cohort(where=where),
        lambda: company.cohort_accounts(
            value="customers", cohort="2024-01", age=0, where=where, as_of="2024-03-01"
        ),
        lambda: company.cohorts.riskiest_months(where=where),
    ]
    for ask in asked:
        with pytest.raises(UnknownValueError) as found:
            ask()
        assert found.value.hint.startswith(f"Known: {known}")
        assert (f"Did you mean '{near}'?" in found.value.message) == bool(near)


def test_a_country_is_found_by_its_code(tmp_path: Path) -> None:
    tables = TABLES | {"accounts": "account_id country\na Germany\nb France\nc Spain"}
    with build(tmp_path / "p", tables) as company:
        with pytest.raises(UnknownValueError, match="Did you mean 'Germany'"):
            company.show("mrr", where="country=DE")
        assert company.show("mrr", where="country=Germany", end="2024-01").rows[0]["value"] == 100


def test_a_value_that_comes_later_is_known(company: Company) -> None:
    found = company.show("mrr", where='plan="Pro|monthly"', as_of="2023-06-01")
    assert found.rows
    assert all(not row["value"] for row in found.rows)


def test_a_dimension_of_which_nothing_is_loaded_is_not_judged(company: Company) -> None:
    assert company.show("csat", where="touchpoint=onboarding").rows


def test_every_dimension_that_cuts_a_number_has_its_values_found(company: Company) -> None:
    attributes = company.attributes()
    dims = {dim for one in RELATIONS.values() for dim in known_dims(one, attributes)}
    assert {"region", "plan", "feature", "lifecycle", "touchpoint"} <= dims
    with company.reading() as engine:
        for dim in sorted(dims):
            sql = values_sql(dim, engine, company.config, attributes)
            assert sql, dim
            engine.rows(f"SELECT DISTINCT value FROM ({sql}) v")


def test_an_unknown_dimension_is_told_as_such(company: Company) -> None:
    with pytest.raises(StaycurveError, match="Unknown dimension 'contry'"):
        company.show("mrr", where="contry=DE")
