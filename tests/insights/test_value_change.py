"""Why a number changed: contributions by hand, and that they sum to the change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.insights.statistics.shapley import contributions, shared_out
from staycurve.insights.value.effects import ratio_effects, sum_effects
from staycurve.interfaces.cli.app import app
from staycurve.metrics.catalogue import METRICS
from tests.company import build
from tests.metrics.test_value_metrics import tables

if TYPE_CHECKING:
    from staycurve.workspace import Company

ROWS = {
    "accounts": """
    account_id industry
    acme       EdTech
    bolt       EdTech
    crux       FinTech
    dune       FinTech""",
    "subscriptions": """
    subscription_id account_id plan starts_at  ends_at    amount
    s1              acme       Pro  2024-01-01 2024-03-10 100
    s1              acme       Pro  2024-03-10 -          130
    s2              bolt       Pro  2024-01-01 2024-03-05 40
    s3              crux       Max  2024-01-01 -          60
    s4              dune       Max  2024-03-20 -          10""",
}
"""MRR is 200 of three accounts in February. In March acme adds 30, bolt leaves with 40 and dune
comes with 10: 200 again, of three."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("why") / "p", ROWS) as made:
        yield made


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("many") / "p", tables()) as made:
        yield made


def asked(company: Company, metric: str, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [
        "--project", str(company.folder), "value", "change", metric, "--from", "2024-02", "--to",
        "2024-03", "--as-of", "2024-04-01", *words, "--format", "json",
    ])
    if done.exception:
        raise done.exception
    found: dict[str, Any] = json.loads(done.stdout, parse_float=Decimal, parse_int=Decimal)
    return found


def parts(found: dict[str, Any]) -> dict[str, Decimal]:
    return {row["driver"]: row["contribution"] for row in found["rows"] if row["contribution"]}


def test_mrr_changes_by_its_movements(company: Company) -> None:
    found = asked(company, "mrr")
    assert (found["value_from"], found["value_to"], found["change"]) == (200, 200, 0)
    assert parts(found) == {"new_mrr": 10, "expansion_mrr": 30, "churned_mrr": -40}
    assert parts(asked(company, "arr")) == {
        "new_mrr": 120, "expansion_mrr": 360, "churned_mrr": -480,
    }
    assert parts(asked(company, "customers")) == {"new_customers": 1, "churned_customers": -1}


def test_a_sum_changes_by_its_terms(company: Company) -> None:
    found = asked(company, "net_new_mrr")
    assert found["change"] == 0
    assert parts(found) == {"new_mrr": 10, "expansion_mrr": 30, "churned_mrr": -40}


def test_a_ratio_changes_by_both_of_its_sides(company: Company) -> None:
    # ARPA of EdTech: 140 / 2 before, 130 / 1 after. The MRR alone: (130 − 140) / 2 first, or
    # (130 − 140) / 1 last: −7.5 in the mean. The customers: 140 / 1 − 70, or 130 − 65: 67.5.
    found = asked(company, "arpa", "--where", "industry=EdTech")
    assert (found["value_from"], found["value_to"], found["change"]) == (70, 130, 60)
    assert parts(found) == {"mrr": Decimal("-7.5"), "customers": Decimal("67.5")}


def test_net_retention_changes_by_what_is_added_and_lost(company: Company) -> None:
    # February: 200 / 200. March: acme 130 and crux 60 of 200; 30 were added and 40 lost.
    found = asked(company, "nrr")
    assert found["change"] == Decimal("-0.05")
    assert parts(found) == {"expansion_rate": Decimal("0.15"), "lost_rate": Decimal("-0.2")}
    turned = asked(company, "net_revenue_churn")
    assert parts(turned) == {"expansion_rate": Decimal("-0.15"), "lost_rate": Decimal("0.2")}


def test_segments_of_a_sum_change_by_size_and_rate(company: Company) -> None:
    # EdTech: two accounts of 70, then one of 130: (1 − 2) × 100, and 1.5 × 60. FinTech: one of
    # 60, then two of 35: 1 × 47.5, and 1.5 × −25.
    found = asked(company, "mrr", "--by", "industry")
    assert [
        (one["segment"]["industry"], one["size_effect"], one["rate_effect"], one["contribution"])
        for one in found["segments"]
    ] == [("EdTech", -100, 90, -10), ("FinTech", Decimal("47.5"), Decimal("-37.5"), 10)]


def test_segments_of_a_rate_change_by_size_and_rate(company: Company) -> None:
    # NRR of EdTech: 1, then 130 / 140; of FinTech 1 and 1. Shares of the opening MRR stay 0.7 and
    # 0.3, so all is rate: 0.7 × −10 / 140.
    found = asked(company, "nrr", "--by", "industry")
    assert [
        (one["size_effect"], one["rate_effect"], one["contribution"]) for one in found["segments"]
    ] == [(0, Decimal("-0.05"), Decimal("-0.05")), (0, 0, 0)]


def test_shapley_values_are_means_over_all_orders() -> None:
    before, after = (Fraction(6), Fraction(4), Fraction(3)), (Fraction(9), Fraction(2), Fraction(7))

    def formula(mix: int) -> Fraction:
        a, b, c = (after[i] if mix >> i & 1 else before[i] for i in range(3))
        return a / b * c - a

    expected = [Fraction(0)] * 3
    for order in permutations(range(3)):
        mix = 0
        for place in order:
            expected[place] += (formula(mix | 1 << place) - formula(mix)) / 6
            mix |= 1 << place
    found = contributions(formula, 3)
    assert found == expected
    assert sum(expected) == formula(7) - formula(0)


def test_a_mix_without_a_value_has_no_contributions() -> None:
    assert contributions(lambda mix: None if mix == 1 else Fraction(mix), 2) is None
    with pytest.raises(ValueError, match="13"):
        contributions(lambda mix: Fraction(mix), 13)


def test_printed_digits_sum_to_the_printed_whole() -> None:
    third = Fraction(1, 3)
    assert shared_out([third, third, third], 100, 2) == [34, 33, 33]
    assert shared_out([-third, -third, Fraction(2, 3)], 0, 2) == [-33, -33, 66]
    assert shared_out([third], 34, 2) == [34]
    assert shared_out([], 0, 2) == []


def test_a_segment_that_begins_has_the_rate_of_when_it_is_there() -> None:
    one, two = Fraction(1), Fraction(2)
    # Rates 1/2 alone, then 1/2 and a new one of 1, as large: the new one is all size.
    effects = ratio_effects(
        [(one, one), (Fraction(0), two)], [(two, two), (Fraction(0), two)],
        ((one, Fraction(3)), (two, Fraction(4))),
    )
    assert sum(effect.whole for effect in effects) == Fraction(3, 4) - Fraction(1, 2)
    assert [effect.rate for effect in effects] == [0, 0]
    (begun,) = sum_effects([(Fraction(0), two)], [(Fraction(0), one)])
    assert (begun.size, begun.rate) == (2, 0)


def test_contributions_of_every_metric_sum_to_its_change(many: Company) -> None:
    explained = 0
    for name, metric in METRICS.items():
        if "month" not in metric.grains:
            continue
        by = "channel" if name not in ("visits", "lead_rate") else ""
        found = many.value.change(
            metric=name, start="2024-05", end="2024-09", by=by, as_of="2024-11-01"
        ).as_dict()
        if found["change"] is None:
            assert found["why"], name
            assert found["rows"] == []
            continue
        known = [row["contribution"] for row in found["rows"]]
        assert len(known) > 0
        if None in known:
            assert all(row["why"] for row in found["rows"]), name
        else:
            assert sum(Decimal(repr(one)) for one in known) == Decimal(repr(found["change"])), name
            explained += 1
        assert bool(found["segments"]) != bool(found.get("segments_why")), name
        if found["segments"]:
            for parts in (("contribution",), ("size_effect", "rate_effect")):
                assert sum(
                    Decimal(repr(one[part])) for one in found["segments"] for part in parts
                ) == Decimal(repr(found["change"])), name
        (shown, *_) = many.show(
            name, start="2024-05", end="2024-05", as_of="2024-11-01"
        ).rows
        assert found["value_from"] == pytest.approx(shown["value"], abs=1e-6), metric
    assert explained > 25


def test_overlapping_segments_say_what_they_count_too_much(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rows = """
    subscription_id account_id plan starts_at  ends_at amount
    s1              acme       Pro  2024-01-01 -       10
    s2              bolt       Pro  2024-01-01 -       10
    s3              bolt       Max  2024-03-01 -       10"""
    folder = tmp_path_factory.mktemp("both") / "p"
    with build(folder, {"subscriptions": rows}) as company:
        found = asked(company, "customers", "--by", "plan")
    assert found["change"] == 0
    assert [(one["segment"]["plan"], one["contribution"]) for one in found["segments"]] == [
        ("Max", 1), ("Pro", 0), ("(counted in several)", -1),
    ]


def test_an_open_or_unknown_period_says_why(company: Company) -> None:
    found = company.value.change(
        metric="mrr", start="2024-02", end="2024-04", as_of="2024-04-10"
    )
    assert (found.change, found.value_to, found.why) == (None, None, "the period is still open")
    empty = company.value.change(metric="nps", start="2024-02", end="2024-03", as_of="2024-04-01")
    assert empty.change is None
    assert "no data is loaded" in (empty.why or "")


def test_the_sentence_names_the_largest_drivers(company: Company) -> None:
    done = CliRunner().invoke(app, [
        "--project", str(company.folder), "value", "change", "nrr", "--from", "2024-02", "--to",
        "2024-03", "--as-of", "2024-04-01",
    ])
    assert "Net revenue retention fell by -5.0 pp from 2024-02 to 2024-03" in done.stdout
    assert "MRR churned or given up ÷ opening MRR -20.0 pp" in " ".join(done.stdout.split())


def test_what_is_unknown_is_refused(company: Company) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'nrr'"):
        company.value.change(metric="nnr", start="2024-02", end="2024-03")
    with pytest.raises(UnknownNameError, match="Did you mean 'plan'"):
        company.value.change(metric="nrr", start="2024-02", end="2024-03", by="plam")
    with pytest.raises(NotAnsweredError, match="empty"):
        company.value.change(metric="nrr", start="2024-03", end="2024-02")
    with pytest.raises(UsageError, match="is a quarter"):
        company.value.change(metric="nrr", start="2024-Q1", end="2024-04")
    with pytest.raises(UsageError, match="'to' is missing"):
        company.value.change(metric="nrr", start="2024-Q1")
