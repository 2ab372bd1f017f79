"""When contracts renew is the same on every engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.company import build
from tests.engines.beside import FULL, Spark
from tests.insights.test_renewing import AS_OF, ON_LEAP_DAY, SUBSCRIPTIONS


@pytest.mark.skipif(not FULL, reason="Spark takes a minute: `make test-spark` runs it")
def test_renewals_are_the_same_on_spark(spark: Spark, tmp_path: Path) -> None:
    here = build(tmp_path / "p", {"subscriptions": SUBSCRIPTIONS})
    there = spark.of(here)
    expected = here.account.renewals(as_of=AS_OF, days=731).as_dict()
    assert {row["account_id"] for row in expected["rows"]} == {*ON_LEAP_DAY, "asked"}
    found = there.account.renewals(as_of=AS_OF, days=731).as_dict()
    assert found["rows"] == expected["rows"]
    there.close()
    here.close()
