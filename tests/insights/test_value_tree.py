"""The metric tree: parts by hand, exact sums on random companies, and what stands beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.insights.value.explaining import Asking
from staycurve.insights.value.links import SUCCESS
from staycurve.insights.value.moving import Moved, moved, read
from staycurve.insights.value.parts import Opening
from staycurve.insights.value.tree import branches
from staycurve.interfaces.cli.app import app
from staycurve.metrics.catalogue import METRICS
from staycurve.period import parse_period
from tests.company import build
from tests.insights.test_value_change import ROWS
from tests.metrics.test_value_metrics import tables
from tests.oracle import companies

if TYPE_CHECKING:
    from staycurve.workspace import Company

SPEND = {"spend": """
    month      purpose   kind    amount
    2024-02-01 delivery  hosting 50
    2024-03-01 delivery  hosting 100
    2024-03-01 retention staff   60"""}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """MRR is 200 of three accounts in February; in March 200 of three again: +30, −40, +10."""
    with build(tmp_path_factory.mktemp("tree") / "p", ROWS | SPEND) as made:
        yield made


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("many") / "p", tables()) as made:
        yield made


def asked(company: Company, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [
        "--project", str(company.folder), "value", "tree", *words, "--as-of", "2024-04-01",
        "--format", "json",
    ])
    if done.exception:
        raise done.exception
    found: dict[str, Any] = json.loads(done.stdout, parse_float=Decimal, parse_int=Decimal)
    return found


def below(found: dict[str, Any], parent: str) -> dict[str, dict[str, Any]]:
    rows = {row["name"]: row for row in found["rows"] if row["parent"] == parent}
    assert rows, parent
    return rows


def test_mrr_is_its_movements_and_churn_its_types(company: Company) -> None:
    found = asked(company)
    assert (found["from"], found["to"]) == ("2024-02-01", "2024-03-01")
    own = below(found, "mrr")
    # In February nothing moved: the parts of a stock are what moved in each period.
    assert {name: (row["value_from"], row["value_to"], row["contribution"], row["sign"])
            for name, row in own.items()} == {
        "new_mrr": (0, 10, 10, "+"), "reactivation_mrr": (0, 0, 0, "+"),
        "expansion_mrr": (0, 30, 30, "+"), "contraction_mrr": (0, 0, 0, "−"),
        "churned_mrr": (0, 40, -40, "−"), "fx_impact": (0, 0, 0, "+"),
    }
    types = below(found, "mrr/churned_mrr")
    assert {name: row["contribution"] for name, row in types.items()} == {
        "voluntary_churned_mrr": 0, "involuntary_churned_mrr": 0, "paused_churned_mrr": 0,
        "unknown_churned_mrr": 40,
    }


def test_net_retention_is_what_was_added_less_what_was_lost(company: Company) -> None:
    # February: 200 of 200. March: 190 of 200; 30 were added and 40 lost.
    own = below(asked(company), "nrr")
    assert {name: (row["value_to"], row["contribution"]) for name, row in own.items()} == {
        "expansion_rate": (Decimal("0.15"), Decimal("0.15")),
        "gross_revenue_churn": (Decimal("0.2"), Decimal("-0.2")),
    }


def test_lifetime_value_is_arpa_margin_and_lifetime(company: Company) -> None:
    # ARPA 200 / 3 in both months. Margin: 150 / 200, then 100 / 200. The lifetimes themselves are
    # those of the curve: tests/metrics/test_value_metrics.py.
    found = asked(company, "clv_margin")
    own = below(found, "clv_margin")
    assert list(own) == ["arpa", "gross_margin", "mean_months"]
    assert own["arpa"]["contribution"] == 0
    assert (own["gross_margin"]["value_from"], own["gross_margin"]["value_to"]) == (
        Decimal("0.75"), Decimal("0.5"),
    )
    before, after = own["mean_months"]["value_from"], own["mean_months"]["value_to"]
    arpa = Fraction(200, 3)
    change = arpa * (Fraction(after) / 2 - Fraction(before) * 3 / 4)
    assert float(found["rows"][0]["change"]) == pytest.approx(float(change), abs=1e-6)
    # Two factors: each alone, first and last, in the mean.
    margin = arpa * Fraction(-1, 4) * (Fraction(before) + Fraction(after)) / 2
    assert float(own["gross_margin"]["contribution"]) == pytest.approx(float(margin), abs=1e-6)
    # Margin: (MRR − cost) ÷ MRR, in which MRR stands twice: its parts are MRR and cost.
    assert {name: (row["sign"], row["contribution"])
            for name, row in below(found, "clv_margin/gross_margin").items()} == {
        "mrr": ("", 0), "delivery_cost": ("", Decimal("-0.25")),
    }


def test_printed_contributions_sum_to_the_printed_change(company: Company) -> None:
    found = asked(company)
    summed = 0
    for row in found["rows"]:
        parts = [one["contribution"] for one in found["rows"] if one["parent"] == row["path"]]
        if parts and None not in parts:
            assert sum(parts) == row["change"], row["path"]
            summed += 1
    assert summed > 8


@pytest.mark.parametrize("metric", list(METRICS))
def test_every_metric_has_a_tree_of_its_own(many: Company, metric: str) -> None:
    if "month" not in METRICS[metric].grains:
        with pytest.raises(NotAnsweredError, match="is not known by month"):
            many.value.tree(metric=metric, as_of="2024-11-01")
        return
    (top, *_) = many.value.tree(metric=metric, as_of="2024-11-01").rows
    (shown,) = many.show(metric, start="2024-10", end="2024-10", as_of="2024-11-01").rows
    assert top.name == metric
    assert (top.value_to is None) == (shown["value"] is None)
    if top.value_to is not None:
        assert top.value_to == pytest.approx(shown["value"], abs=1e-6)


def test_a_part_is_opened_once(company: Company) -> None:
    rows = asked(company)["rows"]
    repeated = [row["path"] for row in rows if row["is_repeated"]]
    assert repeated == ["clv_margin/arpa/mrr", "clv_margin/gross_margin/mrr"]
    assert not [row for row in rows if row["parent"] in repeated]
    paths = [row["path"] for row in rows]
    assert len(paths) == len(set(paths))


def test_every_success_metric_is_in_the_tree_or_beside_it_with_the_reason(
    company: Company,
) -> None:
    found = asked(company)
    inside = {row["name"] for row in found["rows"]}
    beside = {row["metric"]: row for row in found["linked"]}
    assert set(SUCCESS) <= inside | set(beside)
    assert {"mrr", "clv_margin", "voluntary_churned_mrr"} <= inside
    assert all(row["how"] and row["link"] for row in beside.values())
    assert beside["arr"]["link"] == "computed"
    assert beside["arr"]["value_to"] == 2400
    assert beside["customer_churn_rate"]["value_to"] == pytest.approx(Decimal(1) / 3)
    assert beside["crc"]["value_to"] == 20
    assert "no data is loaded" in beside["nps"]["why"]


def test_of_one_metric_stands_beside_it_what_is_computed_from_it(company: Company) -> None:
    beside = {row["metric"] for row in asked(company, "mrr")["linked"]}
    assert {"arr", "arpa"} <= beside
    assert "nps" not in beside


def test_a_metric_that_cannot_be_cut_leaves_the_others(company: Company) -> None:
    found = asked(company, "--where", "industry=EdTech")
    tops = {row["name"]: row for row in found["rows"] if row["depth"] == 0}
    # Of EdTech 140 in February and 130 in March; delivery cost belongs to no industry.
    assert (tops["mrr"]["value_from"], tops["mrr"]["value_to"]) == (140, 130)
    assert "cannot be cut by industry" in tops["clv_margin"]["why"]
    with pytest.raises(NotAnsweredError, match="cannot be cut"):
        asked(company, "clv_margin", "--where", "industry=EdTech")


def test_periods_are_the_last_two_that_closed_or_as_they_are_named(company: Company) -> None:
    named = asked(company, "mrr", "--from", "2024-01", "--to", "2024-03")
    assert (named["from"], named["to"]) == ("2024-01-01", "2024-03-01")
    # From January 200 to March 200, over two months of movements.
    assert below(named, "mrr")["churned_mrr"]["contribution"] == -40
    late = company.value.tree(metric="mrr", as_of="2024-03-15")
    assert (late.period_from, late.period_to) == ("2024-01-01", "2024-02-01")
    young = company.value.tree(as_of="2024-01-20")
    assert (young.rows, young.why) == ((), "two periods have to be over; there are fewer")
    still = company.value.tree(
        metric="mrr", start="2024-02", end="2024-03", as_of="2024-03-15"
    )
    assert (still.rows[0].value_to, still.rows[0].why) == (None, "the period is still open")
    with pytest.raises(UsageError, match="without 'to'"):
        company.value.tree(start="2024-02")
    with pytest.raises(UnknownNameError, match="Did you mean 'nrr'"):
        company.value.tree(metric="nnr")


def test_branches_nest_the_rows_as_deep_as_is_asked(company: Company) -> None:
    found = company.value.tree(as_of="2024-04-01")
    whole, cut = branches(found), branches(found, depth=1)
    assert [one.row.name for one in cut] == ["mrr", "nrr", "clv_margin"]
    assert [one.row.name for one in cut[1].branches] == ["expansion_rate", "gross_revenue_churn"]
    assert not any(two.branches for one in cut for two in one.branches)
    assert whole[1].branches[1].branches


def _exact(found: Moved, company: Company, checked: list[str]) -> None:
    """Whatever is made of parts is what they bring together, to the last digit."""
    brought = [one.brought for one in found.parts if one.brought is not None]
    if found.change is not None and brought and len(brought) == len(found.parts):
        assert sum(brought, Fraction(0)) == found.change, found.part.name
        checked.append(found.part.name)
    for one in found.parts:
        _exact(one, company, checked)


def _changes_sum(company: Company) -> None:
    """What `value change` prints sums to the printed change, for every metric with a formula."""
    summed = 0
    for name, metric in METRICS.items():
        if "month" not in metric.grains:
            continue
        found = company.value.change(
            metric=name, start="2024-03", end="2024-05", as_of="2024-11-01"
        )
        parts = [row.contribution for row in found.rows]
        if found.change is not None and None not in parts:
            assert sum(Decimal(repr(one)) for one in parts) == Decimal(repr(found.change)), name
            summed += 1
    assert summed > 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_parts_sum_exactly_in_random_companies(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    pick = companies.Seeded(seed)
    made = companies.company(pick, 14)
    companies.add_people(pick, made, 40)
    if seed == 1:
        made = tables()
    conventions = [
        {}, {"revenue_rates": "movements", "churn_denominator": "rolling_30d"},
        {"churn_denominator": "start_plus_new", "netting": "event"},
    ][seed - 1]
    checked: list[str] = []
    with build(tmp_path_factory.mktemp("any") / "p", made, conventions=conventions) as company:
        seen = company.as_of("2024-11-01")
        for grain, first, last in (
            ("month", "2024-04", "2024-05"), ("month", "2024-03", "2024-08"),
            ("quarter", "2024-Q1", "2024-Q3"),
        ):
            opening = Opening(grain, company.config.conventions)
            parts = {
                name: opening.of(name) for name, one in METRICS.items() if grain in one.grains
            }
            own = Asking(company, seen, parse_period(first), parse_period(last), (), (), "")
            known = read(own, parts.values())
            shown = {
                row["metric"]: row["value"] for row in company.show(
                    *parts, grain=grain, start=last, end=last, as_of="2024-11-01"
                ).rows
            }
            for name, part in parts.items():
                found = moved(own, part, known)
                _exact(found, company, checked)
                value = found.ends[1]
                assert (value is None) == (shown[name] is None), name
                if value is not None:
                    assert float(value) == pytest.approx(shown[name], abs=1e-9), name
        if seed == 2:
            _changes_sum(company)
    assert len(checked) > 40
    assert {"mrr", "arpa", "customers"} <= set(checked)
