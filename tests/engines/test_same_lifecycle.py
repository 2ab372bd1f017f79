"""Stages, lead cohorts and referrals are the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.engines.beside import FULL, Spark
from tests.insights.test_acquisition import TABLES
from tests.insights.test_lifecycle_by_day import build_lives

Asked = Callable[[Company], Any]

END = "2025-01-01"
MIDDAY = "2024-08-09T12:00:00"

# Spark takes half a minute to plan the visits of a few accounts, then they are kept.
LIVES: dict[str, Asked] = {
    "stages": lambda c: c.lifecycle.stages(start="2024-01", end="2024-12", as_of=END),
    "times": lambda c: c.lifecycle.times(as_of=END),
    "moves": lambda c: c.lifecycle.transitions(start="2024-01", end="2024-12", as_of=END),
    "stages of segments at midday": lambda c: c.lifecycle.stages(
        start="2024-01", end="2024-08", by="owner,tenure", as_of=MIDDAY
    ),
    "stuck": lambda c: c.lifecycle.stuck(as_of=END),
    "moved": lambda c: c.lifecycle.movers(period="2024", as_of=END),
    "accounts": lambda c: c.lifecycle.accounts(as_of=MIDDAY),
    "visits": lambda c: c.lifecycle.visits(stage="adoption", where="tenure=0-2 months", as_of=END),
    "by stage and cohort": lambda c: c.show(
        "mrr", "entering_mrr", "churned_mrr", "nrr", by="lifecycle,cohort", start="2024-03",
        end="2024-06", as_of=END,
    ),
    "who is in a stage now": lambda c: c.show(
        "mrr", "nrr", by="lifecycle_now", start="2024-03", end="2024-06", as_of=END
    ),
}
CHANNELS: dict[str, Asked] = {
    "funnel": lambda c: c.acquisition.funnel(
        start="2024-01", end="2024-02", by="channel", horizon=30, as_of="2024-03-01"
    ),
    "referred": lambda c: c.acquisition.referred(as_of="2024-03-01"),
}
MORE_CHANNELS: dict[str, Asked] = {
    "channels": lambda c: c.acquisition.channels(
        start="2024-01", end="2024-02", as_of="2024-03-01"
    ),
    "leads": lambda c: c.acquisition.leads(cohort="2024-01", as_of="2024-02-10T12:00:00"),
    "quality": lambda c: c.acquisition.quality(as_of="2024-03-01"),
    "referrals": lambda c: c.acquisition.referrals(as_of="2024-03-01"),
    "stayed": lambda c: c.acquisition.stayed(1, as_of="2024-03-01"),
    "reach": lambda c: c.acquisition.reach("2024-01", as_of="2024-03-01"),
}


def answer(found: Any) -> Any:
    return found.as_dict() if hasattr(found, "as_dict") else found


@pytest.fixture(scope="module")
def lives(
    spark: Spark, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, Company]]:
    here = build_lives(tmp_path_factory.mktemp("lives") / "project", count=12, seed=5)
    with here, spark.of(here) as there:
        yield here, there


@pytest.fixture(scope="module")
def channels(
    spark: Spark, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, Company]]:
    from tests.company import build

    here = build(tmp_path_factory.mktemp("channels") / "project", TABLES)
    with here, spark.of(here) as there:
        yield here, there


@pytest.mark.parametrize("name", LIVES if FULL else ("stages",))
def test_stages_are_the_same(lives: tuple[Company, Company], name: str) -> None:
    here, there = lives
    assert answer(LIVES[name](there)) == answer(LIVES[name](here))


@pytest.mark.parametrize("name", [*CHANNELS, *(MORE_CHANNELS if FULL else ())])
def test_acquisition_is_the_same(channels: tuple[Company, Company], name: str) -> None:
    here, there = channels
    asked = {**CHANNELS, **MORE_CHANNELS}[name]
    assert answer(asked(there)) == answer(asked(here))
