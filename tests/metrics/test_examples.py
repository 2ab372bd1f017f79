"""Every metric's worked example, loaded as a user would load it."""

from __future__ import annotations

from pathlib import Path

import pytest

from staycurve.metrics.catalogue import METRICS
from tests.company import build


@pytest.mark.parametrize("name", list(METRICS))
def test_worked_example(name: str, tmp_path: Path) -> None:
    example = METRICS[name].example
    assert example.answer
    company = build(tmp_path / "project", example.rows, conventions=example.conventions)
    with company:
        for period, expected in example.answer.items():
            result = company.show(
                name, grain=example.grain, start=period, end=period, as_of=example.as_of or None
            )
            (row,) = result.rows
            if expected is None:
                assert row["value"] is None
                assert row["why"]
            else:
                assert row["value"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_states_what_it_means(name: str) -> None:
    metric = METRICS[name]
    assert metric.about.endswith((".", ")"))
    assert metric.formula.text()
    assert metric.better in ("higher", "lower", "neutral")
    assert metric.example.answer
