"""Benchmarks: at the grain that is asked for, in the company's context, and the company's own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from staycurve.config import parse
from staycurve.errors import ConfigError, UsageError
from staycurve.metrics.base import Unit
from staycurve.metrics.benchmark import LEVELS, Benchmark
from staycurve.metrics.benchmarks import Context, Fitting, context_of, drawn, fitting, judged
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Filter
from staycurve.metrics.describe import as_text
from staycurve.metrics.typed_values import value_of
from tests.company import build

CHURN = "customer_churn_rate"
PLAIN = parse("")


def applied(name: str, config: str = "", *, grain: str = "month", **context: object) -> list[
    Fitting
]:
    """The benchmarks of a metric that apply."""
    made = Context(**context)  # type: ignore[arg-type]
    return [one for one in fitting(name, parse(config), grain=grain, context=made)
            if not one.why_not]


def test_a_yearly_churn_is_carried_to_the_month() -> None:
    (one,) = applied(CHURN)
    # 1 − 0.95^(1/12) and 1 − 0.93^(1/12)
    assert one.at_least == pytest.approx(0.004265319, abs=1e-9)
    assert one.at_most == pytest.approx(0.006029308, abs=1e-9)
    assert one.is_translated
    (stated,) = applied(CHURN, grain="year")
    assert (stated.at_least, stated.at_most, stated.is_translated) == (0.05, 0.07, False)
    (quarter,) = applied(CHURN, grain="quarter")
    # 0.95^(1/4) = 0.987258
    assert quarter.at_least == pytest.approx(0.012741455, abs=1e-9)


def test_what_is_kept_compounds_as_well() -> None:
    own = '[benchmarks]\ncustomer_retention_rate = { at_least = "80%", grain = "year" }'
    (one,) = applied("customer_retention_rate", own)
    # 0.8^(1/12)
    assert one.at_least == pytest.approx(0.981576530, abs=1e-9)


@pytest.mark.parametrize("grain", ["day", "week"])
def test_a_length_of_period_that_nothing_carries_to_has_no_benchmark(grain: str) -> None:
    assert applied(CHURN, grain=grain) == []
    every = fitting(CHURN, PLAIN, grain=grain, context=Context())
    (yearly,) = (one for one in every if one.benchmark.grain == "year")
    assert yearly.why_not == (
        "it was stated by year, and cannot be carried to this length of period"
    )
    assert (yearly.at_least, yearly.grain) == (0.05, "year")


def test_net_rates_are_never_carried() -> None:
    own = '[benchmarks]\nnrr = { at_least = "110%", grain = "year" }'
    assert applied("nrr", own) == []
    assert [one.at_least for one in applied("nrr", own, grain="year")] == [1.1]


@pytest.mark.parametrize(
    ("context", "bands"),
    [
        ({}, [(0.0043, 0.006)]),
        ({"age": 2}, [(0.04, 0.24), (0.0043, 0.006)]),
        ({"age": 3}, [(0.0043, 0.006)]),
        ({"age": 10}, [(0.02, 0.04), (0.0043, 0.006)]),
        # Paid for ten years is at least that old; paid for two may be any age from two on.
        ({"at_least": 10}, [(0.02, 0.04), (0.0043, 0.006)]),
        ({"at_least": 2}, [(0.0043, 0.006)]),
        ({"age": 1, "at_least": 4}, [(0.04, 0.24), (0.0043, 0.006)]),
    ],
)
def test_the_age_of_the_company_picks(
    context: dict[str, int], bands: list[tuple[float, float]]
) -> None:
    found = [(round(one.at_least or 0, 4), round(one.at_most or 0, 4))
             for one in applied(CHURN, **context)]
    assert found == bands


def test_an_unknown_age_is_said() -> None:
    reasons = {one.benchmark.younger_than: one.why_not
               for one in fitting(CHURN, PLAIN, grain="month", context=Context())
               if one.benchmark.younger_than}
    assert reasons == {3: "staycurve.toml does not say when the company was founded"}
    old = fitting(CHURN, PLAIN, grain="month", context=Context(at_least=3))
    assert "it speaks of companies younger than 3 years" in [one.why_not for one in old]


def test_the_age_counts_whole_years_since_the_first_payment() -> None:
    day = dt.date(2024, 3, 1)
    for first, years in ((dt.date(2014, 3, 1), 10), (dt.date(2014, 3, 2), 9), (None, 0)):
        assert context_of(PLAIN, on=day, first_paid=first) == Context(None, years)
    founded = parse("[company]\nfounded = 2016")
    assert context_of(founded, on=day, first_paid=None).age == 8


def test_leaders_are_told_and_not_drawn() -> None:
    found = applied("nrr_12m")
    assert [(one.benchmark.level, one.at_least) for one in found] == [
        ("definition", 1), ("leading", 1.58), ("leading", 1.55),
    ]
    one = drawn(found)
    assert one is not None
    assert one.benchmark.level == "definition"


def test_every_benchmark_names_its_source_and_marks_what_was_quoted() -> None:
    every = [(name, one) for name, metric in METRICS.items() for one in metric.benchmarks]
    assert len(every) >= 12
    for name, one in every:
        assert one.source, name
        assert one.level in LEVELS, name
        assert one.at_least is not None or one.at_most is not None, name
        assert "quote" not in one.source or one.is_second_hand, name
    second = {name for name, one in every if one.is_second_hand}
    assert {"nps", "nrr_12m", CHURN, "ltv_cac"} <= second


def test_the_own_replace_ours() -> None:
    own = """[benchmarks]
nps = 45
customer_churn_rate = { at_most = "8%", grain = "year", source = "our board", year = 2026 }
"""
    (nps,) = applied("nps", own)
    assert (nps.at_least, nps.at_most, nps.is_own) == (45, None, True)
    (churn,) = applied(CHURN, own)
    # 1 − 0.92^(1/12)
    assert churn.at_most == pytest.approx(0.006924383, abs=1e-9)
    assert (churn.benchmark.source, churn.benchmark.year) == ("our board", 2026)
    assert [one.at_least for one in applied("quick_ratio", own)] == [4]
    text = as_text("nps", METRICS["nps"], parse(own))
    assert "own: at least 45 (your own)" in text
    assert "ChurnWard" not in text


def test_one_value_bounds_from_the_better_side() -> None:
    (one,) = applied(CHURN, '[benchmarks]\ncustomer_churn_rate = "2%"')
    # A rate without a length of period is one by month.
    assert (one.at_least, one.at_most, one.grain) == (None, 0.02, "month")
    (share,) = applied("share_from_history", '[benchmarks]\nshare_from_history = 0.9')
    assert (share.at_least, share.at_most) == (0.9, 0.9)
    (mrr,) = applied("mrr", '[benchmarks]\nmrr = "1.5M"', grain="quarter")
    assert mrr.at_least == 1_500_000


def test_a_benchmark_of_a_segment_speaks_of_it_alone() -> None:
    own = """[benchmarks]
nrr = [{ value = "98%" }, { value = "105%", where = "plan=Pro", grain = "month" }]
"""
    pro = (Filter("plan", ("Pro",)),)
    assert [one.at_least for one in applied("nrr", own)] == [0.98]
    assert [(one.at_least, one.is_wider) for one in applied("nrr", own, filters=pro)] == [
        (1.05, False), (0.98, True),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nsp = 4", "[benchmarks] nsp names no metric. Did you mean 'nps'?"),
        ("nps = { valu = 3 }",
         "[benchmarks] nps has the unknown key 'valu'. Did you mean 'value'?"),
        ("nps = {}", "[benchmarks] nps takes a value, or at_least, at_most or both."),
        ("nps = []", "[benchmarks] nps is an empty list."),
        ("nps = true", "[benchmarks] nps takes a value or a table, not true."),
        ("nps = { at_least = 3, at_most = 1 }", "[benchmarks] nps has at_least above at_most."),
        ('nps = "41%"', "'41%' is a percentage, and nps is counted in score."),
        ("customer_churn_rate = 5", "'5' of customer_churn_rate could be 5% or 500%."),
        ("nps = { value = 3, year = 20 }", "[benchmarks] nps year takes a year, not 20."),
        ('nps = { value = 3, grain = "mont" }', "grain = 'mont' is not a length of period."),
        ('nps = { value = 3, where = "plan" }', "'plan' is not a filter."),
        ("nps = { value = 3, source = 4 }", "[benchmarks] nps source takes a text, not 4."),
    ],
)
def test_what_cannot_be_followed_is_said(line: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(f"[benchmarks]\n{line}")
    assert message in error.value.message
    assert error.value.hint


BAND = Fitting(Benchmark("s"), "month", 0.02, 0.04)


@pytest.mark.parametrize(
    ("value", "interval", "better", "answer"),
    [
        (0.03, (0.0, 0.01), "lower", ("within", "neutral")),
        (0.02, None, "lower", ("within", "neutral")),
        (0.05, (0.041, 0.06), "lower", ("above", "bad")),
        (0.05, (0.039, 0.06), "lower", ("above", "neutral")),
        (0.05, None, "lower", ("above", "neutral")),
        (0.01, (0.0, 0.019), "lower", ("below", "good")),
        (0.01, (0.0, 0.019), "higher", ("below", "bad")),
        (0.05, (0.041, 0.06), "neutral", ("above", "neutral")),
    ],
)
def test_a_tone_only_where_chance_does_not_explain_it(
    value: float, interval: tuple[float, float] | None, better: str, answer: tuple[str, str]
) -> None:
    assert judged(value, BAND, better=better, interval=interval) == answer


@pytest.mark.parametrize(
    ("text", "name", "unit", "value"),
    [
        ("95%", "nrr", Unit.PERCENT, 0.95), ("0.95", "nrr", Unit.PERCENT, 0.95),
        ("1.05", "nrr", Unit.PERCENT, 1.05), (" .5 ", "grr", Unit.PERCENT, 0.5),
        ("0", CHURN, Unit.PERCENT, 0), ("120K", "mrr", Unit.MONEY, 120_000),
        ("1.5m", "mrr", Unit.MONEY, 1_500_000), ("1,200,000", "mrr", Unit.MONEY, 1_200_000),
        ("USD 120K", "mrr", Unit.MONEY, 120_000), ("−5", "net_new_mrr", Unit.MONEY, -5),
        ("-40", "nps", Unit.SCORE, -40), ("3", "ltv_cac", Unit.RATIO, 3),
    ],
)
def test_values_as_people_write_them(text: str, name: str, unit: Unit, value: float) -> None:
    assert value_of(text, name, unit, currency="USD") == value


@pytest.mark.parametrize(
    ("text", "name", "unit"),
    [
        ("95", "nrr", Unit.PERCENT), ("1", CHURN, Unit.PERCENT), ("1.5", CHURN, Unit.PERCENT),
        ("2K", "nrr", Unit.PERCENT), ("95%", "mrr", Unit.MONEY), ("EUR 5", "mrr", Unit.MONEY),
        ("", "mrr", Unit.MONEY), ("K", "mrr", Unit.MONEY), ("1,20", "mrr", Unit.MONEY),
        ("nan", "mrr", Unit.MONEY), ("1e6", "mrr", Unit.MONEY), ("101", "nps", Unit.SCORE),
        ("٣", "nps", Unit.SCORE),
    ],
)
def test_values_that_could_mean_two_things_or_none_are_refused(
    text: str, name: str, unit: Unit
) -> None:
    with pytest.raises(UsageError) as error:
        value_of(text, name, unit, currency="USD")
    assert error.value.hint


def test_a_company_reads_its_age_off_its_payments(tmp_path: Path) -> None:
    subscriptions = """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2013-01-05 -          100
    s2              bolt       2024-01-05 2024-03-05 100"""
    with build(tmp_path / "p", {"subscriptions": subscriptions}) as company:
        context = company.benchmark_context(company.as_of("2024-04-01"))
        assert context == Context(None, 11)
        found = company.benchmarks(CHURN, as_of="2024-04-01")
        assert [one.benchmark.older_than for one in found if not one.why_not] == [10, None]
        early = company.benchmarks(CHURN, as_of="2014-04-01")
        assert [one.benchmark.older_than for one in early if not one.why_not] == [None]
