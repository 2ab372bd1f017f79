"""The waterfall: each bar begins where the one before it ended, on either side of zero."""

from __future__ import annotations

import re

import pytest

from staycurve.interfaces.web.ask import read
from staycurve.interfaces.web.waterfall import Bar, waterfall
from staycurve.metrics.base import Unit
from staycurve.workspace import Company


def bars(*values: float) -> list[Bar]:
    found = [Bar(f"r{i}", f"r{i}", v, f"r{i}: {v}", f"/x?r={i}") for i, v in enumerate(values)]
    total = sum(values)
    return [*found, Bar("gap", "gap", total, f"gap: {total}", "/gap", is_whole=True)]


def edges(drawn: str) -> dict[str, tuple[float, float]]:
    """Top and bottom of each bar in pixels from the top, its parts taken together."""
    found: dict[str, tuple[float, float]] = {}
    for label, top, height in re.findall(
        r'<path aria-label="([^":]+): [^"]*"[^>]*d="M[-\d.e]+,([-\d.e]+)h[-\d.e]+v([-\d.e]+)', drawn
    ):
        low, high = float(top), float(top) + float(height)
        old = found.get(label, (low, high))
        found[label] = (min(old[0], low), max(old[1], high))
    return found


@pytest.mark.parametrize(
    "values", [(30.0, 20.0, -10.0), (-30.0, 50.0, 5.0), (40.0, -70.0, 10.0), (-5.0, -6.0)]
)
def test_each_bar_begins_where_the_one_before_it_ended(
    company: Company, values: tuple[float, ...]
) -> None:
    ask = read(company, "/reconcile", [])
    made = waterfall(ask, "w", bars(*values), unit=Unit.MONEY, label="w")
    found = edges(str(made.wide))
    assert set(found) == {*(f"r{i}" for i in range(len(values))), "gap"}
    # Pixels per unit, from the bar of the gap, which begins at zero.
    total = sum(values)
    scale = (found["gap"][1] - found["gap"][0]) / abs(total)
    zero = found["gap"][1] if total > 0 else found["gap"][0]
    ended = 0.0
    for place, value in enumerate(values):
        low, high = sorted((ended, ended + value))
        assert found[f"r{place}"] == pytest.approx((zero - high * scale, zero - low * scale))
        ended += value


def test_what_stands_under_a_bar_is_not_in_the_drawing(company: Company) -> None:
    ask = read(company, "/reconcile", [])
    made = waterfall(ask, "w", bars(30.0, 20.0), unit=Unit.MONEY, label="w")
    for drawn in (str(made.wide), str(made.narrow)):
        assert len(re.findall(r"<path aria-label", drawn)) == 3
        assert 'aria-label=""' not in drawn
        assert "http" not in drawn.replace("http://www.w3.org", "")
    assert [label for _, label in made.legend] == ["raises it", "the gap"]


def test_a_phone_has_numbers_under_the_bars(company: Company) -> None:
    ask = read(company, "/reconcile", [])
    made = waterfall(ask, "w", bars(30.0, 20.0), unit=Unit.MONEY, label="w")
    shown = re.findall(r'role-axis-label.*?</g>', str(made.narrow), re.S)[0]
    assert re.findall(r">([^<>\s]+)</text>", shown) == ["1", "2", "gap"]
