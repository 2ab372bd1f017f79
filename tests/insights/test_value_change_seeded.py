"""Contributions to a change sum to it exactly on companies that nobody has looked at."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from staycurve.interfaces.api.describe import dimensions
from staycurve.metrics.catalogue import METRICS
from tests.company import build
from tests.oracle.companies import Seeded, company


def exactly(parts: list[float]) -> Decimal:
    return sum((Decimal(repr(one)) for one in parts), Decimal(0))


@pytest.mark.parametrize("seed", [4301, 4302])
def test_contributions_sum_to_the_change_of_every_formula(seed: int, tmp_path: Path) -> None:
    explained = split = 0
    with build(tmp_path / "p", company(Seeded(seed), 16, 6)) as ours:
        asked = ours.query("mrr")
        closed = [one for one in asked.periods if not asked.as_of.is_open(one)]
        first, last = (str(closed[place].start)[:7] for place in (-7, -2))
        for name, metric in METRICS.items():
            if "month" not in metric.grains:
                continue
            is_cut = "industry" in dimensions(metric, ours.config, ours.attributes())
            found = ours.value.change(
                metric=name, start=first, end=last, by="industry" if is_cut else ""
            ).as_dict()
            if found["change"] is None:
                assert found["why"], name
                continue
            change = Decimal(repr(found["change"]))
            parts = [row["contribution"] for row in found["rows"]]
            assert parts, name
            if None not in parts:
                assert exactly(parts) == change, name
                explained += 1
            if found["segments"]:
                sides = [one[side] for one in found["segments"]
                         for side in ("size_effect", "rate_effect")]
                assert exactly(sides) == change, name
                split += 1
    assert explained >= 10
    assert split >= 10
