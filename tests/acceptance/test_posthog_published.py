"""Lifecycle and retention as another tool publishes them, where the file with them is there."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest

from staycurve.period import month_index, month_start
from tests.insights.usage_company import company_of, days

ROOT = Path(__file__).parent.parent.parent
FILE = Path(
    os.environ.get(
        "STAYCURVE_POSTHOG", ROOT.parent / "shared" / "data" / "posthog_gold" / "expected.json"
    )
)
PUBLISHED: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}

pytestmark = pytest.mark.skipif(not PUBLISHED, reason=f"no published answers at {FILE}")


def spec(people: dict[str, list[Any]], day: Any) -> str:
    return "\n".join(
        f"{person}: {' '.join(str(day(one)) for one in listed)}"
        for person, listed in people.items()
    )


def test_lifecycle_of_days(tmp_path: Path) -> None:
    case = PUBLISHED["lifecycle_trend"]
    company = company_of(tmp_path, days(spec(case["events"], str)))
    first, last = case["range"]
    end = dt.date.fromisoformat(last) + dt.timedelta(days=1)
    found = company.usage.lifecycle(per="day", first=first, last=last, as_of=str(end))
    assert found.as_dict()["rows"]
    assert case["expected"]
    for kind, expected in case["expected"].items():
        shown = [row[kind] for row in found.as_dict()["rows"]]
        assert shown == [abs(number) for number in expected], kind


@pytest.mark.parametrize("per", ["day", "month"])
def test_retention(tmp_path: Path, per: str) -> None:
    case = PUBLISHED[f"retention_{per}_interval"]
    if per == "day":
        origin = dt.date.fromisoformat(case["day0"])
        text = spec(case["events"], lambda n: origin + dt.timedelta(days=n))
        ends = origin + dt.timedelta(days=len(case["expected"]))
    else:
        origin = dt.date.fromisoformat(f"{case['month0']}-01")
        june = month_index(dt.date(2020, 6, 1))
        text = spec(case["events_month_offset_from_2020_06"], lambda n: month_start(june + n))
        ends = month_start(month_index(origin) + len(case["expected"]))
    company = company_of(tmp_path, days(text))
    found = company.usage.retention(
        per=per, starts="every", first=str(origin), last=str(ends - dt.timedelta(days=1)),
        as_of=str(ends),
    )
    shown: dict[str, list[int]] = {}
    for row in found.as_dict()["rows"]:
        assert not row["open"]
        shown.setdefault(row["cohort"], []).append(row["returned"])
    assert list(shown.values()) == case["expected"]
