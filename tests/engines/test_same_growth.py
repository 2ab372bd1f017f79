"""Growth is the same on every engine: its statements, and all that the page asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from staycurve.insights.growth.gains import offers_of
from staycurve.insights.growth.upgrades import expansions_sql, gained_sql
from staycurve.insights.growth.upsell import limits_found
from staycurve.workspace import Company
from tests.engines.beside import FULL, Spark, loaded
from tests.insights.growth.growing import AS_OF, SETTINGS, tables

Asked = Callable[[Company], Any]

DAYS = (dt.date(2024, 2, 29), dt.date(2024, 5, 31))

# These take Spark some two minutes: `make test-spark` runs them.
MORE: dict[str, Asked] = {
    "worklist": lambda c: c.growth.worklist(as_of=AS_OF, with_at_risk=True),
    "backtest": lambda c: c.growth.backtest(as_of=AS_OF),
    "signals": lambda c: c.growth.signals(as_of=AS_OF),
    "expansion": lambda c: c.growth.expansion(as_of=AS_OF, form="boosting"),
    "next": lambda c: c.growth.next(as_of=AS_OF, segment="country"),
    "drivers": lambda c: c.growth.drivers(as_of=AS_OF),
}


@pytest.fixture(scope="module")
def both(
    spark: Spark, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, Company]]:
    folder = tmp_path_factory.mktemp("growth") / "project"
    here = loaded(folder, tables(), {"end_reasons": SETTINGS})
    with here, spark.of(here) as there:
        here.refresh()
        yield here, there


def _found(company: Company) -> dict[str, Any]:
    """What the questions of growth rest on: outcomes, money, holdings, the ladder and limits."""
    with company.seeing(company.as_of(AS_OF)) as engine:
        offers = offers_of(engine, company.config, DAYS[1])
        return {
            "labels": list(engine.rows(expansions_sql(DAYS, 90))),
            "gained": list(engine.rows(gained_sql(DAYS, 90))),
            "held": offers.held, "ladder": offers.ladder.following,
            "limits": limits_found(engine, company.config, DAYS[1], offers),
        }


ASKED: dict[str, Asked] = {"statements": _found}


@pytest.mark.parametrize("name", [*ASKED, *(MORE if FULL else ())])
def test_an_answer_is_the_same(both: tuple[Company, Company], name: str) -> None:
    ours, theirs = (
        found if isinstance(found := (ASKED | MORE)[name](one), dict) else found.as_dict()
        for one in both
    )
    parts = ("labels", "gained", "held", "ladder", "limits") if name in ASKED else ("rows",)
    assert all(ours[part] for part in parts)
    assert theirs == ours
