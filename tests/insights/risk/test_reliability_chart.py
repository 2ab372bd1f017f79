"""The reliability curve on the track record: a mark a tenth, with its number and its interval."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.metrics.base import Unit
from staycurve.metrics.charts import Frame, svg
from staycurve.metrics.reliability_chart import Bin, reliability
from staycurve.workspace import Company

AS_OF = "2024-07-01"


def test_it_stands_over_its_table_and_every_mark_opens_its_rows(leaving: Company) -> None:
    client = TestClient(create_app(leaving))
    text = client.get(f"/track-record?panel=backtest&as_of={AS_OF}", headers={
        "hx-request": "true", "hx-target": "backtest", "accept": "text/html",
    }).text
    tenths = leaving.risk.backtest(as_of=AS_OF).reliability
    assert len(tenths) == 10
    for width in ("wide", "narrow"):
        drawn = re.search(rf'<div class="chart {width}">(<svg.*?</svg>)', text, re.DOTALL)
        assert drawn is not None
        marks = re.findall(r'aria-label="(Tenth [^"]+)"', drawn[1])
        assert len(marks) == 10
        for row, mark in zip(tenths, marks, strict=True):
            assert mark.startswith(f"Tenth {row.tenth}: {row.probability:.1%} expected")
            assert f"of {row.rows} churned" in mark
            assert f"tenth={row.tenth}" in drawn[1]
    assert "95% confidence intervals" in text
    assert text.index("<svg role") < text.index("<table")


@pytest.fixture
def drawn() -> str:
    bins = [Bin(0.1, 0.2, 0.1, 0.3, 1234, "first", "/risk/judged?tenth=1"),
            Bin(0.5, 0.4, 0.2, 0.7, 99, "second")]
    return svg(reliability(bins, Frame(400, 200, Unit.PERCENT, {})), label="Curve", name="curve")


def test_marks_stand_where_their_numbers_say(drawn: str) -> None:
    # Axes end 15% beyond the largest: 0.575 and 0.805.
    places = re.findall(r'transform="translate\(([\d.]+),([\d.]+)\)"[^>]*><title>(\w+)', drawn)
    found = {label: (float(x), float(y)) for x, y, label in places}
    assert found["first"] == pytest.approx((400 * 0.1 / 0.575, 200 * (1 - 0.2 / 0.805)), abs=0.6)
    assert found["second"] == pytest.approx((400 * 0.5 / 0.575, 200 * (1 - 0.4 / 0.805)), abs=0.6)


def test_the_number_of_rows_stands_beside_each(drawn: str) -> None:
    assert ">1,234<" in drawn
    assert ">99<" in drawn
    assert drawn.count("<a ") == 1
    assert 'href="/risk/judged?tenth=1"' in drawn
    assert "stroke-dasharray" in drawn
