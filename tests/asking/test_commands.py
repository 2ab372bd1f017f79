"""Commands made from insights: options from parameters, and answers in three formats."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from typer.testing import CliRunner

from staycurve.errors import StaycurveError, UsageError
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Hidden,
    Key,
    Kind,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Insight, Param, insight
from staycurve.insights.catalogue import INSIGHTS
from staycurve.interfaces import wording
from staycurve.interfaces.cli import answering, asking
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.output import Format
from staycurve.metrics.base import Unit


@dataclass(frozen=True)
class Half(Row):
    share: Annotated[float, col("Share", Unit.PERCENT)]
    size: Annotated[int, col("Size", Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class Line(Row):
    segment: Segment
    period: Annotated[str, col("Month", Kind.TEXT)]
    open: Annotated[bool, Key("Not over.")] = False
    size: Annotated[int, col("Size", Unit.COUNT)] = 1200
    is_small: Annotated[bool, Key("Few.")] = False
    share: Annotated[float | None, col("Share", Unit.PERCENT, ends=("low", "high"))] = None
    low: Annotated[float | None, Key()] = None
    high: Annotated[float | None, Key()] = None
    gap: Annotated[float | None, col("Gap", Kind.POINTS)] = None
    chance: Annotated[float | None, col("p", Kind.CHANCE)] = None
    mrr: Annotated[float | None, col("MRR", Unit.MONEY)] = None
    seen_on: Annotated[dt.date | None, col("Seen", Kind.DAY)] = None
    state: Annotated[str, col("State", Kind.NAME, named_by={"left": "Gone"})] = "left"
    is_named: Annotated[bool, col("Named", Kind.FLAG)] = False
    split: Annotated[
        Mapping[str, int], col("Split", Unit.COUNT, spread=(("a", "Of A"), ("b", "Of B")))
    ]
    folded: Annotated[
        Mapping[str, int], col("Folded", Unit.COUNT, spread=(("c", "Of C"),), is_folded=True)
    ]
    half: Annotated[Half | None, col("Half")] = None
    why: WhyField = None


@dataclass(frozen=True)
class Cell(Row):
    who: Annotated[str, col("Who")]
    age: Annotated[int, col("Age", Unit.COUNT)]
    share: Annotated[float, col("Share", Unit.PERCENT)]


@dataclass(frozen=True, kw_only=True)
class Made(Answer):
    as_of: AsOfField
    known: Annotated[int, col("Known", Unit.COUNT)]
    rate: Annotated[float | None, col("Rate", Unit.PERCENT)]
    why: WhyField = None
    grid: Annotated[tuple[Cell, ...], Table("By age", across=("age", "share"))]
    rows: Annotated[tuple[Line, ...], Table("Lines")]
    asked: Annotated[Mapping[str, Any], Hidden()]

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {"as_of": self.as_of}
        return Said("Made up, as of %(as_of)s", values)

    def said(self) -> tuple[Said, ...]:
        return (Said("%(share)s stay.", {"share": (0.123, Unit.PERCENT)}),)


@insight("made up", has_history=False)
def made_up(
    company: Any, *,
    steps: Annotated[Sequence[str], Param("What is done.", metavar="STEP…", is_argument=True)],
    count: Annotated[int, Param("How many.", least=1, most=9)],
    end_class: Annotated[str | None, Param("Of a type.", choices=("left", "paused"))] = None,
    start: Annotated[str | None, Param("The first.", name="from", metavar="P")] = None,
    ages: Annotated[Sequence[int], Param("Ages.", name="age")] = (1, 12),
    names: Annotated[Sequence[str], Param("Names.")] = (),
    least_share: Annotated[float, Param("A share.")] = 0.5,
    is_at_risk: Annotated[bool, Param("All.")] = False,
    has_free: Annotated[bool, Param("Free plans too.")] = True,
) -> Made:
    """What is made up?

    Nothing is.
    """
    if end_class and is_at_risk:
        raise UsageError("end_class goes without is_at_risk.", hint="Leave out is_at_risk.")
    asked = {
        "steps": steps, "count": count, "end_class": end_class, "start": start, "ages": ages,
        "names": names, "least_share": least_share, "is_at_risk": is_at_risk,
        "has_free": has_free,
    }
    return Made(
        as_of="2024-03-01", known=1234, rate=None, why="nobody was asked", asked=asked,
        notes=("A note.",),
        grid=(Cell("x", 1, 0.5), Cell("x", 2, 0.25), Cell("y", 2, 0.125)),
        rows=(
            Line(segment={"plan": "[red]Pro"}, period="2024-01", is_small=True, share=0.1234,
                 low=0.1, high=0.2, gap=0.012, chance=0.01234, mrr=1234.5,
                 seen_on=dt.date(2024, 1, 31), is_named=True, split={"a": 3, "b": 4},
                 folded={"c": 5}, half=Half(0.5, 7)),
            Line(segment={"plan": None}, period="2024-02", open=True, state="still_here",
                 split={"a": 0}, folded={"c": 6}, why="too few"),
        ),
    )


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Made]:
    """The program asks this insight of a company that nothing reads."""
    answers: list[Made] = []

    def kept(answer: Made, output: Format) -> None:
        answers.append(answer)
        shown(answer, output)

    shown = answering.print_answer
    known = dict(INSIGHTS.items()) | {"made up": made_up}
    monkeypatch.setattr(INSIGHTS, "_own", known)
    monkeypatch.setattr(INSIGHTS, "_found", known)
    opened = "staycurve.interfaces.cli.opening.fresh_company_of"
    monkeypatch.setattr(opened, lambda _: nullcontext())
    monkeypatch.setattr(answering, "print_answer", kept)
    return answers


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["made", "up", *words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def cells(text: str, first: str) -> list[str]:
    """The line of a table that begins so, cell by cell."""
    line = next(line for line in text.splitlines() if line.strip().startswith(first))
    return [part.strip() for part in line.strip().split("  ") if part.strip()]


def test_a_table_prints_each_value_by_its_unit(given: list[Made]) -> None:
    text = run("one", "--count", "2")
    assert text.splitlines()[:3] == [
        "Made up, as of 2024-03-01", "Known  1,234", "Rate  – (nobody was asked)",
    ]
    assert cells(text, "plan") == [
        "plan", "Month", "Size", "Share", "95% interval", "Gap", "p", "MRR", "Seen", "State",
        "Named", "Of A", "Of B", "Half",
    ]
    assert cells(text, "[red]Pro") == [
        "[red]Pro", "2024-01", "1,200 (small)", "12.3%", "10.0% to 20.0%", "+1.2 pp", "0.0123",
        "1,234.50", "2024-01-31", "Gone", "yes", "3", "4", "50.0% (7)",
    ]
    assert cells(text, "(none)") == [
        "(none)", "2024-02*", "1,200", "–", "–", "–", "–", "–", "still here", "0", "–", "too few",
    ]
    assert text.splitlines()[-3:] == ["12.3% stay.", "–  nobody was asked", "–  A note."]


def test_a_matrix_has_a_line_for_each_and_a_column_for_each(given: list[Made]) -> None:
    text = run("one", "--count", "2")
    assert cells(text, "Who") == ["Who", "1", "2"]
    assert cells(text, "x") == ["x", "50.0%", "25.0%"]
    assert cells(text, "y") == ["y", "12.5%"]


def test_json_is_the_answer_and_csv_its_rows(given: list[Made]) -> None:
    printed = json.loads(run("one", "--count", "2", "--format", "json"))
    assert printed == given[0].as_dict()
    lines = list(csv.DictReader(io.StringIO(run("one", "--count", "2", "--format", "csv"))))
    assert len(lines) == 2
    assert lines[0]["half_share"] == "0.5"
    assert lines[1]["half_share"] == ""
    assert "half" not in lines[0]
    assert [line["plan"] for line in lines] == ["[red]Pro", ""]
    assert [line["a"] for line in lines] == ["3", "0"]


def test_options_are_the_parameters(given: list[Made]) -> None:
    run("one", "two,three", "--count", "9", "--end-class", "paused", "--from", "2024-01",
        "--age", "3", "--age", "4", "--names", "a, b", "--names", "c", "--least-share", "0.25",
        "--no-has-free")
    assert given[0].asked == {
        "steps": ("one", "two,three"), "count": 9, "end_class": "paused", "start": "2024-01",
        "ages": (3, 4), "names": ("a", "b", "c"), "least_share": 0.25, "is_at_risk": False,
        "has_free": False,
    }


def test_what_is_not_given_stays_as_declared(given: list[Made]) -> None:
    run("one", "--count", "1")
    assert given[0].asked["ages"] == (1, 12)
    assert given[0].asked["names"] == ()
    assert given[0].asked["has_free"] is True


@pytest.mark.parametrize(("words", "message", "hint"), [
    (("--count", "2", "--end-class", "lefft"), "Unknown end class 'lefft'.", "left"),
    (("--count", "10"), "'10' is no value of '--count'.", "It is at most 9."),
    (("--count", "2", "--end-class", "left", "--is-at-risk"),
     "--end-class goes without --is-at-risk.", "Leave out --is-at-risk."),
])
def test_errors_name_options(
    given: list[Made], words: tuple[str, ...], message: str, hint: str
) -> None:
    with pytest.raises(StaycurveError) as error:
        run("one", *words)
    assert message in error.value.message
    assert hint in error.value.message + error.value.hint


def test_what_is_missing_or_unknown_is_told(given: list[Made]) -> None:
    assert "Missing option '--count'" in run("one")
    assert "Missing argument" in run("--count", "2")
    assert "No such option" in run("one", "--count", "2", "--at-risk")
    assert given == []


@pytest.mark.parametrize("name", list(INSIGHTS))
def test_every_insight_has_a_command_with_help_for_each_option(name: str) -> None:
    found: Insight[Any, Any] = INSIGHTS[name]
    done = CliRunner().invoke(app, [*name.split(), "--help"])
    assert done.exit_code == 0, done.output
    words = " ".join(done.output.split())
    # One that is written by hand, as it takes more than the insight does, may say it otherwise.
    assert found.question.rstrip("?.") in words or name == "reconcile"
    for one in found.arguments:
        assert asking.option_of(one) in words
        assert one.param.about, f"{name} does not say what {one.outward} means"


def test_an_unknown_question_is_told_with_its_neighbour() -> None:
    done = CliRunner().invoke(app, ["cohorts", "riskyest"])
    assert done.exit_code == 2
    assert "Did you mean 'riskiest'?" in done.output


def test_insights_are_listed_and_shown_whole() -> None:
    listed = json.loads(CliRunner().invoke(app, ["insights", "--format", "json"]).stdout)
    assert {row["name"] for row in listed["rows"]} == set(INSIGHTS)
    shown = CliRunner().invoke(app, ["insights", "cohorts", "leavers"]).stdout
    for needed in ("--is-at-risk", "/api/v1/cohorts/leavers", "company.cohorts.leavers(month=…)",
                   "rows[].mrr", "Before it left, or now."):
        assert needed in shown


def test_commands_written_by_hand_start_without_the_catalogue(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from staycurve.interfaces.cli.app import app\n"
        f"CliRunner().invoke(app, ['--project', {str(tmp_path)!r}, 'show', 'mrr'])\n"
        "print('staycurve.insights.catalogue' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_sentence_within_a_sentence_is_translated() -> None:
    def loud(text: str) -> str:
        return text.upper() if "%" not in text else text

    inner = Said("in all")
    said = Said("%(a)s, %(n)s", {"a": inner, "n": (1200, Unit.COUNT)})
    assert wording.told(said, loud) == "IN ALL, 1,200"
    assert wording.told(Said("")) == ""
