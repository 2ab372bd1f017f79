"""A registry holds the same things whatever was imported before it is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASKED = """
import json
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.dimensions import MOVING, moving_dims
from staycurve.sections import SECTIONS
print(json.dumps([list(METRICS), list(MOVING), moving_dims(), list(SECTIONS)]))
"""


def told(before: str) -> str:
    """What the registries hold in a fresh interpreter that runs `before` first."""
    return subprocess.run(
        [sys.executable, "-c", before + ASKED], check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize(
    "before",
    [
        "",
        "import staycurve.metrics.context, staycurve.metrics.cohorts",
        "import staycurve.insights.shared.members",
        "import staycurve.workspace",
        "import staycurve.interfaces.cli",
    ],
)
def test_what_was_imported_before_adds_nothing(before: str) -> None:
    whole = told("import staycurve, staycurve.workspace, staycurve.interfaces.web.pages")
    assert '"lifecycle"' in whole
    assert told(before) == whole
