"""Answers are the same on every engine: values, cohorts, and the accounts behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.errors import NotAnsweredError
from staycurve.insights.examination.doctor import examine
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import plan
from staycurve.tables.engines import open_engine
from staycurve.workspace import Company
from tests.company import build
from tests.engines.beside import (
    FULL,
    Spark,
    differing,
    loaded,
    random_settings,
    random_tables,
)

GRAINS = ("day", "week", "month", "quarter", "year")


COMPANIES = (11, 12, 13) if FULL else (12, 13)
"""Seeds of companies that differ in time zone and switches."""


@pytest.fixture(scope="module", params=COMPANIES)
def both(
    request: pytest.FixtureRequest, spark: Spark, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, Company]]:
    folder = tmp_path_factory.mktemp("answers") / "project"
    seed = request.param
    here = loaded(folder, random_tables(seed, 14), random_settings(seed))
    with here, spark.of(here) as there:
        here.refresh()
        yield here, there


def answerable(company: Company, grain: str, by: list[str]) -> list[str]:
    """The metrics that have an answer at a grain and in a cut."""
    found = []
    for name, metric in METRICS.items():
        if grain not in metric.grains:
            continue
        try:
            query = company.query(name, grain=grain, by=by, start="2024-02", end="2024-02")
            plan(query, company.config, attributes=company.attributes())
        except NotAnsweredError:
            continue
        found.append(name)
    return found


CUTS = ("", "currency", "cohort", "mrr_band", "industry", "channel")
CASES = [
    ("month", "", None),
    ("month", "plan,Is it? it's", "2024-04-11T13:37:00"),
    ("quarter", "tenure", None),
]
PAIRS = [(grain, by) for grain in GRAINS for by in CUTS]


@pytest.mark.skipif(not FULL, reason="takes minutes; see: make test-spark")
@pytest.mark.parametrize(
    ("both", "grain", "by"),
    # Each pair of grain and cut on one of the companies.
    [(COMPANIES[place % len(COMPANIES)], grain, by) for place, (grain, by) in enumerate(PAIRS)],
    indirect=["both"],
)
def test_every_grain_and_cut(both: tuple[Company, Company], grain: str, by: str) -> None:
    compare(both, answerable(both[0], grain, [by] if by else []), grain, by, None)


@pytest.mark.parametrize(("grain", "by", "as_of"), CASES)
def test_every_metric(
    both: tuple[Company, Company], grain: str, by: str, as_of: str | None
) -> None:
    here = both[0]
    names = answerable(here, grain, by.split(",") if by else [])
    if not FULL:
        # Over the companies and the cases every metric has its turn.
        names = names[CASES.index((grain, by, as_of)) + len(here.config.company.timezone) % 2 :: 5]
    compare(both, names, grain, by, as_of)


def compare(
    both: tuple[Company, Company], names: list[str], grain: str, by: str, as_of: str | None
) -> None:
    """Ask both engines for the same metrics."""
    here, there = both
    ends = ("2024-03", "2024-04") if grain in ("day", "week") else (None, None)
    asked = {"grain": grain, "by": by, "as_of": as_of, "start": ends[0], "end": ends[1]}
    ours, theirs = here.show(*names, **asked), there.show(*names, **asked)
    assert ours.rows
    assert not differing(ours.rows, theirs.rows)
    assert ours.notes == theirs.notes


@pytest.mark.parametrize("value", ["customers", "net_mrr", "gross_mrr"])
def test_cohorts(both: tuple[Company, Company], value: str) -> None:
    for by in ("", "plan", "industry") if FULL else ("industry",):
        ours, theirs = (one.cohort(value=value, by=by)["rows"] for one in both)
        assert ours
        assert not differing(ours, theirs)


def test_the_accounts_behind_a_number(both: tuple[Company, Company]) -> None:
    some = ("mrr", "nrr", "customer_churn_rate", "crc", "nps", "demo_requests", "csat")
    for name in list(METRICS) if FULL else some:
        grain = "month" if "month" in METRICS[name].grains else METRICS[name].grains[0]
        ours, theirs = (
            one.accounts(name, period="2024-03", grain=grain, as_of="2024-06-01") for one in both
        )
        assert ours.as_dict() == theirs.as_dict(), name


def test_doctor(both: tuple[Company, Company]) -> None:
    found = []
    for one in both:
        with one.reading() as engine:
            found.append(examine(one.config, one.lake, one.snapshot, engine, one.as_of()))
    ours, theirs = found
    assert [finding.as_dict() for finding in ours] == [finding.as_dict() for finding in theirs]


@pytest.mark.skipif(not FULL, reason="takes minutes; see: make test-spark")
def test_conventions_are_compared_the_same(both: tuple[Company, Company]) -> None:
    ours, theirs = (one.reconcile(against="stripe", period="2024-03") for one in both)
    assert ours.as_dict() == theirs.as_dict()


def examples() -> list[str]:
    """Every metric; in the short run every other of those that read different relations."""
    if FULL:
        return list(METRICS)
    found = {tuple(sorted({m.relation for m in METRICS[n].measures()})): n for n in METRICS}
    return list(found.values())[::2]


@pytest.mark.parametrize("name", examples())
def test_worked_example(name: str, spark: Spark, tmp_path: Path) -> None:
    example = METRICS[name].example
    here = build(tmp_path / "project", example.rows, conventions=example.conventions)
    with here, spark.of(here) as there:
        assert example.answer
        for period, expected in example.answer.items():
            (row,) = there.show(
                name, grain=example.grain, start=period, end=period, as_of=example.as_of or None
            ).rows
            if expected is None:
                assert row["value"] is None
                assert row["why"]
            else:
                assert row["value"] == pytest.approx(expected, abs=1e-6)


def test_account_rows_come_piece_by_piece(both: tuple[Company, Company]) -> None:
    here, there = both
    sql = "SELECT account_id, starts_on, amount FROM mrr_items ORDER BY account_id, starts_on, 3"
    with here.reading() as ours, there.reading() as theirs:
        pieces = list(theirs.batches(sql, size=7))
        assert max(map(len, pieces)) == 7
        assert [row for piece in pieces for row in piece] == ours.rows(sql)


def test_an_answer_as_arrow(both: tuple[Company, Company]) -> None:
    sql = (
        "SELECT account_id, amount, starts_on, starts_at FROM mrr_items "
        "ORDER BY account_id, subscription_id, item_id, starts_at"
    )
    here, there = both
    with here.reading() as ours, there.reading() as theirs:
        assert ours.arrow(sql).to_pylist() == theirs.arrow(sql).to_pylist()


def test_a_relation_follows_what_it_names(spark: Spark, tmp_path: Path) -> None:
    here = loaded(tmp_path / "project", {}, {})
    with open_engine(spark.of(here).config, tmp_path / ".tmp") as engine:
        engine.keep("numbers", "SELECT 1 AS n, 'it''s' AS text, NULL AS nothing")
        engine.view("doubled", "SELECT n * 2 AS n FROM numbers")
        assert engine.rows("SELECT * FROM doubled") == [(2,)]
        engine.keep("numbers", "SELECT n + 4 AS n FROM numbers UNION ALL SELECT 1")
        assert engine.rows("SELECT n FROM doubled ORDER BY n") == [(2,), (10,)]
        engine.put("numbers", (("n", "BIGINT"), ("day", "DATE")), [(7, None)])
        assert engine.rows("SELECT n, day FROM numbers") == [(7, None)]
        assert engine.value("SELECT n FROM doubled") == 14
        engine.drop("numbers")
        spilled = engine.spill
    assert not spilled.exists()
