"""RavenStack's usage file, where it is there: its counts, errors and seconds reach the report."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.insights.examination.doctor import examine
from staycurve.sources.files import load_files
from staycurve.sources.mapping import read_mapping
from staycurve.workspace import Company
from tests.company import NOW, create

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(os.environ.get("STAYCURVE_RAVENSTACK", ROOT.parent / "shared/data/ravenstack"))
MAPPINGS = ROOT / "docs" / "how-to" / "ravenstack"
USAGE = FOLDER / "ravenstack_feature_usage.csv"
SETTINGS = """
[usage]
count = "usage_count"
errors = "error_count"
seconds = "usage_duration_secs"
"""

pytestmark = pytest.mark.skipif(not USAGE.exists(), reason=f"no {USAGE}")


@pytest.fixture(scope="module")
def ravenstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with create(tmp_path_factory.mktemp("raven") / "p", end_reasons=SETTINGS) as found:
        for name in ("accounts", "subscriptions", "feature_usage"):
            mapping = read_mapping(MAPPINGS / f"{name}.toml")
            file = FOLDER / f"ravenstack_{name}.csv"
            load_files(found.lake, found.config, [file], mapping=mapping, now=NOW)
        found.refresh()
        yield found


def test_a_month_sums_as_the_file_does(ravenstack: Company) -> None:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    with USAGE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["usage_date"].startswith("2024-12"):
                for place, key in enumerate(("usage_count", "error_count", "usage_duration_secs")):
                    sums[row["feature_name"]][place] += int(row[key])
    found = ravenstack.features.report(period="2024-12", spans=0)
    assert {row.feature: [row.uses, row.errors, row.seconds] for row in found.rows} \
        == dict(sums)
    # As docs/how-to/load-ravenstack.md says.
    assert sums["feature_5"] == [349, 13, 120_708]


def test_rows_before_their_subscription_are_told_and_kept(ravenstack: Company) -> None:
    with ravenstack.reading() as engine:
        found = examine(
            ravenstack.config, ravenstack.lake, ravenstack.snapshot, engine, ravenstack.as_of()
        )
        assert [f.text for f in found if f.text.startswith("19142 events name a subscription")]
        assert engine.value("SELECT COUNT(*) FROM events") == 25_000
