"""Customer lifetime value by three methods, worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from staycurve.errors import UsageError
from staycurve.insights.statistics.sbg import fit
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build
from tests.metrics.test_value_metrics import tables

AS_OF = "2024-04-01"
FEW = {
    "subscriptions": """
    subscription_id account_id plan starts_at  ends_at    amount
    s1              acme       Pro  2024-01-01 -          300
    s2              bolt       Pro  2024-01-01 2024-02-01 100
    s3              crux       Max  2024-02-01 2024-03-15 100
    s4              dune       Max  2024-03-01 -          200
    s5              elms       Max  2024-01-01 2024-03-20 50""",
    "spend": """
    month      purpose     kind    amount
    2024-03-01 delivery    hosting 125""",
}
"""March: crux and elms of the three that paid at its opening left; MRR is 500 of two accounts, the
gross margin 375 / 500. Lifetimes: bolt left in month 1, crux in month 2, which is not over on 31
March: it is seen for one. elms left in month 3 and is seen for two, as is acme; dune for none. At
risk are four in month 1, of whom one leaves, and two in month 2: the mean of two months is
1 + 3/4."""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("few") / "p", FEW) as made:
        yield made


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("many") / "p", tables()) as made:
        yield made


def test_three_methods_by_hand(few: Company) -> None:
    done = CliRunner().invoke(
        app, ["--project", str(few.folder), "value", "ltv", "--as-of", AS_OF, "--format", "json"]
    )
    rows = json.loads(done.stdout)["rows"]
    assert [row["method"] for row in rows] == ["simple", "margin", "projected"]
    assert all({"segment", "method", "value", "why"} <= set(row) for row in rows)
    simple, margin, projected = rows
    assert simple["value"] == pytest.approx(250 / (2 / 3))
    assert margin["value"] == pytest.approx(250 * 0.75 * 1.75)
    assert (margin["months"], margin["horizon"]) == (1.75, 2)
    assert projected["value"] is None
    assert projected["why"].startswith("a projection needs 10 accounts that left")


def test_the_margin_method_is_the_metric(few: Company, many: Company) -> None:
    for company, as_of, month in ((few, AS_OF, "2024-03"), (many, "2024-10-15", "2024-09")):
        (shown,) = company.show("clv_margin", start=month, end=month, as_of=as_of).rows
        found = company.value.ltv(as_of=as_of)
        assert str(found.period) == f"{month}-01"
        assert found.rows[1].value == pytest.approx(shown["value"], rel=1e-9)


def test_a_horizon_is_stated_and_kept(few: Company) -> None:
    (_, margin, _) = few.value.ltv(horizon=1, as_of=AS_OF).rows
    assert (margin.value, margin.horizon) == (pytest.approx(250 * 0.75), 1)
    (_, margin, _) = few.value.ltv(horizon=3, as_of=AS_OF).rows
    assert (margin.value, margin.why) == (
        None, "nobody was followed for 3 months, only for 2",
    )


def test_a_projection_is_the_model_of_the_survivors(many: Company) -> None:
    curve = many.value.lifetime(as_of="2024-11-01").rows
    model = fit([m.at_risk for m in curve], [m.left for m in curve])
    assert model is not None
    _, _, plain = many.value.ltv(as_of="2024-11-01").rows
    assert plain.horizon == 60
    assert plain.months == pytest.approx(sum(model.survival(59)))
    assert plain.value == pytest.approx(plain.arpa * plain.gross_margin * plain.months)
    monthly = 1.2 ** (1 / 12)
    _, _, endless = many.value.ltv(discount=0.2, as_of="2024-11-01").rows
    assert (endless.horizon, endless.discount) == (None, 0.2)
    assert endless.months == pytest.approx(
        sum(share / monthly**month for month, share in enumerate(model.survival(3000)))
    )
    _, _, both = many.value.ltv(discount=0.2, horizon=24, as_of="2024-11-01").rows
    assert both.months == pytest.approx(
        sum(share / monthly**month for month, share in enumerate(model.survival(23)))
    )


def test_segments_take_the_companys_margin_where_cost_knows_no_segments(few: Company) -> None:
    found = few.value.ltv(by="plan", as_of=AS_OF)
    assert [(row.segment["plan"], row.method) for row in found.rows] == [
        (plan, method) for plan in ("Max", "Pro") for method in ("simple", "margin", "projected")
    ]
    assert any("gross margin is the company's" in note for note in found.notes)
    # Pro: acme is seen for two months, bolt left after one of them.
    pro = found.rows[4]
    assert pro.value == pytest.approx(300 * 0.75 * 1.5)


def test_segments_whose_cost_is_known_have_their_own_margin(many: Company) -> None:
    found = many.value.ltv(by="channel", as_of="2024-11-01")
    assert found.notes == ()
    shown = many.show("gross_margin", by="channel", start="2024-10", end="2024-10",
                      as_of="2024-11-01").rows
    assert [row.gross_margin for row in found.rows[1::3]] == [row["value"] for row in shown]


def test_an_empty_value_says_why(few: Company) -> None:
    february = few.value.ltv(as_of="2024-03-01").rows
    assert [row.value for row in february[1:]] == [None, None]
    assert "delivery cost" in (february[1].why or "")
    young = few.value.ltv(as_of="2024-01-20")
    assert young.rows == ()
    assert young.why


def test_what_can_be_infinite_is_refused(few: Company) -> None:
    with pytest.raises(UsageError, match="infinite"):
        few.value.ltv(discount=0)
