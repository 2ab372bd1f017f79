"""Features, limits, onboarding and trials are the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.engines.beside import FULL, REASONS, Spark, loaded
from tests.insights.test_trial_report import drawn

SETTINGS = f"""
{REASONS}
[activation]
events = ["edit"]
window_days = 10
checklist = ["view", "edit", "share"]

[[limits]]
feature = "edit"
allowance = 2
"""

Asked = Callable[[Company], Any]

ASKED: dict[str, Asked] = {
    "trials": lambda c: c.trials.report(as_of="2024-09-01"),
    "limits": lambda c: c.features.limits(as_of="2024-05-20", least=0),
    "onboarding": lambda c: c.onboarding.time_to_value(as_of="2024-09-01"),
}
# These take Spark half a minute: `make test-spark` runs them.
MORE: dict[str, Asked] = {
    "report": lambda c: c.features.report(period="2024-05", as_of="2024-09-01", months=1, spans=2),
    "28 days": lambda c: c.features.report(period="28d", as_of="2024-06-01T12:00:00", spans=1),
    "checklist": lambda c: c.onboarding.checklist(as_of="2024-09-01"),
    "a segment": lambda c: c.features.report(
        period="2024-05", as_of="2024-09-01", months=1, spans=1, where="plan=Pro,tenure!="
    ),
    "adoption of a segment": lambda c: c.features.adoption(
        months=2, as_of="2024-07-01", where="plan=Pro"
    ),
    "by what is told": lambda c: c.features.report(
        period="2024-05", as_of="2024-09-01", months=1, spans=1,
        where="property:size>=2,role is not set",
    ),
    "first value by what is told": lambda c: c.onboarding.time_to_value(
        as_of="2024-09-01", where="property:size>=2"
    ),
    "activation by what is told": lambda c: c.show(
        "activation_rate", "time_to_first_value", where="property:size>=2,role is not set",
        start="2024-01", end="2024-05", as_of="2024-09-01"
    ),
    "checklist by what is told": lambda c: c.onboarding.checklist(
        as_of="2024-09-01", where="property:size>=2"
    ),
    "adoption": lambda c: c.features.adoption(months=4, as_of="2024-09-01"),
    **{
        f"{part} accounts": lambda c, part=part: c.features.accounts(
            feature="edit", part=part, period="2024-05", as_of="2024-09-01", months=1, spans=1
        )
        for part in ("using", "again", "kept")
    },
    "users": lambda c: c.features.users(feature="edit", period="2024-05", as_of="2024-09-01"),
    "steps": lambda c: c.onboarding.step_accounts(
        step="share", state="stopped", as_of="2024-09-01"
    ),
    "signed up": lambda c: c.onboarding.accounts(part="late", as_of="2024-09-01"),
    "unknown": lambda c: c.onboarding.accounts(part="unknown", as_of="2024-09-01"),
    "left": lambda c: c.trials.accounts(part="left", within=3, as_of="2024-09-01"),
    "used": lambda c: c.trials.accounts(part="used", feature="edit", as_of="2024-09-01"),
    "did without": lambda c: c.trials.accounts(
        part="converted", without="edit", as_of="2024-09-01"
    ),
    "breadth": lambda c: c.features.accounts(
        feature="edit", part="breadth", period="2024-05", as_of="2024-09-01", months=1, spans=1
    ),
    "did not": lambda c: c.onboarding.step_accounts(
        step="share", state="did_not", as_of="2024-09-01"
    ),
}


@pytest.fixture(scope="module")
def both(
    spark: Spark, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, Company]]:
    folder = tmp_path_factory.mktemp("features") / "project"
    tables = drawn(1)
    tables["subscriptions"] = [{**row, "plan": "Pro"} for row in tables["subscriptions"]]
    for place, row in enumerate(tables["events"]):
        row["properties"] = f'{{"size": {place % 4}}}'
    here = loaded(folder, tables, {"timezone": "America/New_York", "end_reasons": SETTINGS})
    with here, spark.of(here) as there:
        here.refresh()
        yield here, there


@pytest.mark.parametrize("name", [*ASKED, *(MORE if FULL else ())])
def test_an_answer_is_the_same(both: tuple[Company, Company], name: str) -> None:
    here, there = both
    ask = {**ASKED, **MORE}[name]
    ours = ask(here).as_dict()
    assert ours["rows"] or name == "unknown"
    assert ask(there).as_dict() == ours
