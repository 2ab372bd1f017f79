"""`value compare` finds causes that were planted in the example company, each by its segment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.demo import Truth
from staycurve.demo.causes import Causes
from staycurve.sources.files import load_files
from staycurve.workspace import Company

PLANTED = (
    ("customer_churn_rate", "industry", Causes().leaky_industry),
    ("customer_churn_rate", "channel", Causes().leaky_channel),
    ("customer_churn_rate", "plan", Causes().leaky_plan),
    ("upgrade_rate", "industry", Causes().growth_industry),
)


@pytest.fixture(scope="module")
def loaded(
    company: tuple[Path, Truth], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """The example company's accounts and subscriptions."""
    now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    place = tmp_path_factory.mktemp("compared") / "p"
    Company.create(place, name="Example", currency="USD", timezone="UTC")
    with Company(place, clock=lambda: now) as made:
        files = [
            found for name in ("accounts", "subscriptions", "fx_rates")
            for found in company[0].glob(f"{name}.*")
        ]
        load_files(made.lake, made.config, files, now=now)
        made.refresh()
        yield made


@pytest.mark.parametrize(("metric", "by", "planted"), PLANTED)
def test_a_planted_cause_is_named(loaded: Company, metric: str, by: str, planted: str) -> None:
    rows = loaded.value.compare(metric=metric, by=by).rows
    named = {row.segment[by] for row in rows
             if row.is_significant and row.difference is not None and row.difference > 0}
    assert planted in named
