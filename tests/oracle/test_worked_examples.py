"""The oracle against worked examples kept outside the project, where they are at hand."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import Oracle

CASES = os.environ.get("STAYCURVE_CASES")


def cases() -> list[Any]:
    return json.loads(Path(CASES).read_text(encoding="utf-8")) if CASES else []


@pytest.mark.skipif(not CASES, reason="STAYCURVE_CASES does not name a file of worked examples")
def test_worked_examples_come_out() -> None:
    wrong, figures = [], 0
    for case in cases():
        oracle = Oracle(
            case["tables"],
            currency=case["currency"],
            timezone=case["timezone"],
            as_of=case["as_of"],
            conventions=case["conventions"],
        )
        for expect in case["expect"]:
            figures += 1
            got = oracle.value(expect["metric"], expect["grain"], expect["period"])
            if expect["value"] is None or got is None:
                is_right = got is None and expect["value"] is None
            else:
                is_right = abs(got - Fraction(expect["value"])) <= Fraction(expect["tolerance"])
            if not is_right:
                shown = None if got is None else float(got)
                wrong.append((case["id"], expect, shown))
    assert figures > 0
    assert not wrong
