"""What was planted about features, onboarding and trials is found in the example company."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.demo import PROJECT_TOML, Truth
from staycurve.demo.causes import CAUSES
from staycurve.sources.files import load_files
from staycurve.workspace import Company
from tests.company import NOW

TABLES = ("accounts", "users", "subscriptions", "payments", "events", "fx_rates")


@pytest.fixture(scope="module")
def example(
    company: tuple[Path, Truth], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("example") / "p"
    Company.create(folder, name="Example", currency="USD", timezone="UTC")
    (folder / "staycurve.toml").write_text(PROJECT_TOML, encoding="utf-8")
    with Company(folder, clock=lambda: NOW) as found:
        paths = [company[0] / f"{table}.parquet" for table in TABLES]
        load_files(found.lake, found.config, paths, now=NOW)
        found.refresh()
        yield found


def test_a_feature_of_large_accounts_is_shown_as_confounded(example: Company) -> None:
    feature = CAUSES.confounded_feature
    found = example.features.report(features=[feature, "automation_run"], spans=12)
    kept = {row.feature: row.retention for row in found.rows}[feature]
    assert kept.verdict == "confounded"
    assert kept.p_value < 0.01
    assert "size" in kept.differing
    within = kept.among_comparable
    assert within.difference_low < 0 < within.difference_high
    assert abs(within.difference) < kept.difference / 2


def test_steps_are_steps_and_limits_have_somebody(example: Company) -> None:
    found = example.features.report(spans=0)
    steps = {row.feature for row in found.rows if row.rank == "step"}
    assert steps == {"signed_up", "project_created", "teammate_invited", "data_imported"}
    limited = example.features.limits().summary[0]
    assert limited.feature == "automation_run"
    assert limited.above > 0
    assert limited.near > 0


def test_the_industry_that_grows_is_found_first(example: Company) -> None:
    drivers = example.growth.drivers()
    named = [row.driver for row in drivers.rows if row.is_significant]
    # Planted: Software accounts on Team and Business add seats 26% of months, others 10.5%.
    assert named[0] == "industry: Software"
    assert drivers.rows[0].low > 1.2
    # Starter is none of the two plans, and nothing else was planted.
    assert set(named) <= {"industry: Software", "plan: Starter", "plan: Team", "plan: Business",
                          "recent_upgrade"}


def test_cards_convert_and_leave(example: Company) -> None:
    found = example.trials.report()
    assert found.card_difference.is_named
    assert found.card_difference.difference is not None
    # Planted: 56% with a card, 26% without, a little more or less with an early project.
    assert 0.2 < found.card_difference.difference < 0.4
    assert found.left.p_value is not None
    assert found.left.p_value < 0.05
    shown = example.show("trial_conversion_rate")
    theirs = {row["period"]: row["value"] for row in shown.rows}
    assert all(row.rate.value == theirs[str(row.cohort)] for row in found.rows)


def test_first_value_is_a_project(example: Company) -> None:
    found = example.onboarding.time_to_value()
    # 72% are planted to make one early, 15% of the others late.
    share = found.whole[0].rate.value
    assert share is not None
    assert 0.7 < share < 0.8
    rows = example.onboarding.checklist().rows
    assert [row.step for row in rows if row.is_largest_loss] == ["data_imported"]
