"""Published worked examples, through the command line, where the file with them is there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from staycurve.interfaces.cli.app import app
from tests.company import write_csv

ROOT = Path(__file__).parent.parent.parent
FILE = Path(
    os.environ.get("STAYCURVE_CASES", ROOT.parent / "shared" / "cases" / "worked_examples.json")
)
CASES: list[dict[str, Any]] = json.loads(FILE.read_text()) if FILE.exists() else []


def run(*words: str) -> str:
    done = CliRunner().invoke(app, [*words], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not CASES, reason=f"no worked examples at {FILE}")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_worked_example(case: dict[str, Any], tmp_path: Path) -> None:
    project = str(tmp_path / "project")
    place = ["--currency", case["currency"], "--timezone", case["timezone"]]
    run("--project", project, "init", *place)
    switches = "".join(f'{key} = "{value}"\n' for key, value in case["conventions"].items())
    (tmp_path / "project" / "staycurve.toml").write_text(
        f'[company]\ncurrency = "{case["currency"]}"\ntimezone = "{case["timezone"]}"\n'
        f"[conventions]\n{switches}"
    )
    files = [
        str(write_csv(tmp_path / f"{table}.csv", rows)) for table, rows in case["tables"].items()
    ]
    run("--project", project, "load", *files)
    for expected in case["expect"]:
        answer = json.loads(
            run(
                "--project", project, "show", expected["metric"], "--grain", expected["grain"],
                "--from", expected["period"], "--to", expected["period"],
                "--as-of", case["as_of"], "--format", "json",
            )
        )
        (row,) = answer["rows"]
        if expected["value"] is None:
            assert row["value"] is None
            assert row["why"]
        else:
            difference = abs(row["value"] - float(expected["value"]))
            assert difference <= float(expected["tolerance"]), expected
