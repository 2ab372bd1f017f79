"""Charts as SVG in a page, and as a notebook shows them."""

from __future__ import annotations

import re

import pytest

from staycurve.metrics import charts
from staycurve.metrics.base import Unit
from staycurve.metrics.charts import Frame, Point, Series
from staycurve.workspace import Company

FRAME = Frame(300, 120, Unit.MONEY, {"2024-01-01": ["Jan", "2024"], "2024-02-01": "Feb"})
ONE = [Series("mrr", "MRR", charts.ACCENT)]


def heights(drawn: str, colour: str) -> list[tuple[float, float]]:
    """Top and bottom of each bar of a colour, in pixels from the top."""
    found = []
    pattern = rf'd="M[-0-9.]+,([-0-9.]+)h[-0-9.]+v([-0-9.]+)h[^"]*"[^>]*fill="{re.escape(colour)}"'
    for top, height in re.findall(pattern, drawn):
        found.append((float(top), float(top) + float(height)))
    return found


def test_gains_stand_above_losses() -> None:
    points = [
        Point("2024-01-01", "new_mrr", 100.0),
        Point("2024-01-01", "expansion_mrr", 50.0),
        Point("2024-01-01", "churned_mrr", -30.0),
        Point("2024-01-01", "net_new_mrr", 120.0),
    ]
    drawn = charts.svg(charts.movements(points, charts.MOVEMENTS, FRAME), label="x", name="m")
    (new,) = heights(drawn, "#0072B2")
    (expansion,) = heights(drawn, "#56B4E9")
    (churn,) = heights(drawn, "#C44E00")
    assert expansion[1] == pytest.approx(new[0])
    assert churn[0] == pytest.approx(new[1])
    assert (new[1] - new[0]) / (churn[1] - churn[0]) == pytest.approx(100 / 30)
    assert 'aria-roledescription="tick"' in drawn


def test_churn_is_hatched_in_the_colour_of_its_own() -> None:
    churn = next(s for s in charts.MOVEMENTS if s.name == "churned_mrr")
    assert churn.is_hatched
    points = [Point("2024-01-01", "churned_mrr", -30.0)]
    made = charts.movements(points, charts.MOVEMENTS, FRAME)
    drawn = charts.svg(made, label="x", name="m", hatched=[churn])
    assert 'fill="url(#hatch-m-0)"' in drawn
    assert '<pattern id="hatch-m-0"' in drawn
    assert churn.colour in drawn


def test_only_words_are_read_out() -> None:
    first = Point("2024-01-01", "mrr", 5.0, "five", "/accounts?a=1")
    second = Point("2024-02-01", "other", 7.0, "seven", "/accounts?b=1")
    other = [*ONE, Series("other", "Other", "#E69F00")]
    for points, series in (([first], ONE), ([first, second], other)):
        drawn = charts.svg(charts.line(points, series, FRAME), label="x", name="m")
        spoken = set(re.findall(r'aria-label="([^"]*)"', drawn))
        # Axes are named by the renderer.
        marks = {label for label in spoken if "axis" not in label} - {"x"}
        assert marks == {point.about for point in points}


def test_a_mark_without_an_address_is_no_link() -> None:
    points = [
        Point("2024-01-01", "mrr", 5.0, "five"),
        Point("2024-02-01", "mrr", 7.0, "seven", "/accounts?metric=mrr"),
    ]
    for draw in (charts.bars, charts.line):
        drawn = charts.svg(draw(points, ONE, FRAME), label="x", name="m")
        assert re.findall(r'<a [^>]*href="([^"]*)"', drawn) == ["/accounts?metric=mrr"]
        assert drawn.count("</a>") == 1
        assert 'aria-label="five"' in drawn


def test_svg_may_stand_under_a_strict_policy() -> None:
    point = Point("2024-01-01", "mrr", 5.0, 'a "b" <c> & \'d\'', "/accounts?metric=mrr&period=x")
    drawn = charts.svg(charts.bars([point], ONE, FRAME), label='say "MRR"', name="m")
    assert drawn.startswith('<svg role="group" aria-label="say &quot;MRR&quot;"')
    assert "style" not in drawn
    assert "<script" not in drawn
    assert not re.search(r'(xlink:)?href="(?!/accounts)', drawn)
    assert '<a tabindex="-1" href="/accounts?metric=mrr&amp;period=x">' in drawn
    text = "a &quot;b&quot; &lt;c&gt; &amp; 'd'"
    assert f'aria-label="{text}"' in drawn
    assert f"<title>{text}</title>" in drawn


@pytest.mark.parametrize(
    "href",
    ["javascript:alert(1)", "//evil.example/x", "/\\evil.example", "https://evil.example/x", "x"],
)
def test_a_mark_never_leads_elsewhere(href: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        Point("2024-01-01", "mrr", 5.0, "a", href)


def test_a_line_breaks_where_nothing_is_known() -> None:
    days = [f"2024-01-0{n}" for n in range(1, 6)]
    values = [1.0, 2.0, None, 3.0, 4.0]
    points = [Point(d, "mrr", v) for d, v in zip(days, values, strict=True)]
    frame = Frame(300, 120, Unit.COUNT, dict.fromkeys(days, "x"))
    drawn = charts.svg(charts.line(points, ONE, frame), label="x", name="m")
    path = re.search(r'mark-line.*?d="([^"]*)"', drawn, re.S)
    assert path is not None
    assert path[1].count("M") == 2


def test_open_periods_are_fainter() -> None:
    points = [Point("2024-01-01", "mrr", 5.0), Point("2024-02-01", "mrr", 5.0, is_open=True)]
    drawn = charts.svg(charts.bars(points, ONE, FRAME), label="x", name="m")
    found = re.findall(rf'fill="{charts.ACCENT}" opacity="([^"]*)"', drawn)
    assert found == ["1", "0.45"]


def test_layers_go_from_dark_to_light() -> None:
    series = charts.layer_series(["2022", "2023", "2024"])
    lights = [sum(int(s.colour[i : i + 2], 16) for i in (1, 3, 5)) for s in series]
    assert lights == sorted(lights)
    assert len(set(lights)) == 3


@pytest.mark.parametrize("metric", ["mrr", "new_mrr", "nrr"])
def test_a_result_draws_itself(company: Company, metric: str) -> None:
    chart = company.show(metric, by="industry").chart()
    drawn = charts.svg(chart, label=metric, name="r")
    assert "Health, Care" in drawn
    assert "EdTech" in drawn
    assert "as of 2024-04-21" in drawn
