"""What nobody foresaw ends in one line at the command line, with its entry in a log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from staycurve import faults
from staycurve.interfaces import cli
from staycurve.workspace import Company
from tests.company import create

MAIN = "from staycurve.interfaces.cli import main; main()"


def fails(*_: object, **__: object) -> None:
    raise KeyError("unforeseen")


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", ["staycurve", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


@pytest.mark.usefixtures("told_faults")
def test_one_line_names_the_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create(tmp_path / "project").close()
    monkeypatch.setattr(Company, "loads", fails)
    words = ["--project", str(tmp_path / "project"), "loads", "--format", "json"]
    assert run(words, monkeypatch) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    entry = json.loads((tmp_path / "project" / faults.LOG).read_text())
    assert entry["id"] in lines[0]
    assert str(tmp_path / "project" / faults.LOG) in lines[0]
    assert entry["doing"] == "staycurve --project loads --format"
    assert "KeyError" in entry["traceback"]
    assert (tmp_path / "project" / faults.LOG).stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("told_faults")
def test_without_a_project_the_log_lies_with_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("staycurve.interfaces.cli.opening.folder_of", fails)
    monkeypatch.setattr("staycurve.interfaces.cli.data.folder_of", fails)
    assert run(["--project", str(tmp_path / "none"), "init"], monkeypatch) == 1
    assert str(tmp_path / "staycurve-faults.log") in capsys.readouterr().err
    assert (tmp_path / "staycurve-faults.log").exists()


def test_tests_see_the_fault_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create(tmp_path / "project").close()
    monkeypatch.setattr(Company, "loads", fails)
    monkeypatch.setattr(sys, "argv", ["staycurve", "--project", str(tmp_path / "project"), "loads"])
    with pytest.raises(KeyError, match="unforeseen"):
        cli.main()


def test_values_that_people_gave_are_not_kept() -> None:
    words = ["show", "mrr", "--where", "name=Jane", "--author", "jane", "a@b.org"]
    assert faults.command_of(words) == "staycurve show mrr --where --author"


def test_a_reader_that_has_gone_is_no_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "metrics"], stdout=writer, stderr=subprocess.PIPE, text=True,
        check=False,
    )
    os.close(writer)
    assert done.stderr == ""


def test_an_interruption_is_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "from staycurve.workspace import Company\n"
        "def stop(*_): raise KeyboardInterrupt\n"
        f"Company.loads = stop\n{MAIN}"
    )
    create(tmp_path / "project").close()
    done = subprocess.run(
        [sys.executable, "-c", code, "--project", str(tmp_path / "project"), "loads"],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode in (1, 130)
    assert "Traceback" not in done.stderr
