"""A registry holds the same things whatever was imported before it is asked."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from staycurve.registry import Registry

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


IMPORTING, GO_ON = threading.Event(), threading.Event()
"""Set by the first module of a registry that is imported, and what it waits for."""


def test_two_threads_that_ask_first_at_once_get_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple(f"asked_at_once_{number}" for number in range(3))
    for number, name in enumerate(names):
        waits = f"import {__name__} as own\nown.IMPORTING.set()\nown.GO_ON.wait(10)\n"
        (tmp_path / f"{name}.py").write_text(f"{'' if number else waits}THING_{number} = 1.5\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    things = Registry("thing", float, names, group="")
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(list, things)
        assert IMPORTING.wait(10)
        second = pool.submit(list, things)
        # It waits for the module as well, or has not come to it yet: both are as good.
        GO_ON.set()
        assert first.result() == second.result() == ["THING_0", "THING_1", "THING_2"]
