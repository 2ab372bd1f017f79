"""Figures of another tool: what explains each difference best."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from staycurve.errors import UsageError
from staycurve.insights.books.figures import Explained, explain
from staycurve.insights.books.figures_read import read_figures
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build

ROWS = """subscription_id account_id starts_at ends_at amount kind
    s1 acme 2024-01-01 -          100   base
    s2 bolt 2024-01-01 -          60.5  base
    s3 crux 2024-01-01 -          31.25 base
    s4 dune 2024-01-01 -          40    metered
    s5 echo 2024-01-01 2024-03-10 17.99 base
    s6 fern 2024-01-01 -          31.25 base"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("figures") / "p"
    with build(folder, {"subscriptions": ROWS}) as found:
        yield found


def explained(
    company: Company, folder: Path, *lines: str, against: str | None = None
) -> list[Explained]:
    path = folder / "theirs.csv"
    path.write_text("\n".join(("month,metric,value", *lines)) + "\n", encoding="utf-8")
    seen = company.as_of("2024-06-01")
    read = read_figures(path, seen)
    with company.ledgers() as ledgers:
        return explain(ledgers, read, seen, against)


def cause(found: Explained) -> tuple[Any, ...] | None:
    return (found.cause.kind, *found.cause.names) if found.cause else None


def test_what_agrees_needs_no_cause(made: Company, tmp_path: Path) -> None:
    (found,) = explained(made, tmp_path, "2024-03,mrr,263.00")
    assert found.agrees
    assert found.cause is None


def test_rounding_is_no_difference(made: Company, tmp_path: Path) -> None:
    # 17.99 of 280.99 left: 93.5977%.
    shown, short, wrong = explained(
        made, tmp_path, "2024-03,nrr,93.6%", "2024-03,nrr,0.936", "2024-03,nrr,0.9370"
    )
    assert shown.agrees
    assert short.agrees
    assert not wrong.agrees


def test_a_switch_is_found(made: Company, tmp_path: Path) -> None:
    (found,) = explained(made, tmp_path, "2024-04,mrr,223.00")
    assert found.gap == -40
    assert cause(found) == ("switch", "usage", "exclude")
    assert found.explained


def test_a_switch_explains_a_rate(made: Company, tmp_path: Path) -> None:
    # Without the metered 40: 223 of 240.99.
    (found,) = explained(made, tmp_path, "2024-03,nrr,0.92535")
    assert cause(found) == ("switch", "usage", "exclude")
    assert found.explained


def test_an_account_that_they_leave_out_is_found(made: Company, tmp_path: Path) -> None:
    (found,) = explained(made, tmp_path, "2024-04,mrr,202.50")
    assert cause(found) == ("accounts left out", "bolt")
    assert found.cause is not None
    assert (found.cause.remaining, found.cause.as_near) == (0, 0)


def test_a_pair_is_found_and_others_as_near_are_counted(made: Company, tmp_path: Path) -> None:
    # 60.5 + 31.25: bolt with crux, or with fern.
    (found,) = explained(made, tmp_path, "2024-04,mrr,171.25")
    assert found.cause is not None
    assert found.cause.kind == "accounts left out"
    assert "bolt" in found.cause.names
    assert found.cause.as_near == 1


def test_an_account_that_they_still_count_is_found(made: Company, tmp_path: Path) -> None:
    (found,) = explained(made, tmp_path, "2024-03,mrr,280.99")
    assert cause(found) == ("accounts counted", "echo")
    assert found.explained


def test_what_remains_is_said(made: Company, tmp_path: Path) -> None:
    (found,) = explained(made, tmp_path, "2024-04,mrr,202.00")
    assert cause(found) == ("accounts left out", "bolt")
    assert not found.explained
    assert found.cause is not None
    assert found.cause.remaining == Fraction(-1, 2)


def test_the_profile_is_tried_first(made: Company, tmp_path: Path) -> None:
    (found,) = explained(made, tmp_path, "2024-04,mrr,223.00", against="stripe")
    assert cause(found) == ("profile", "stripe")


def test_unknown_names_are_listed_with_their_lines(made: Company, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        explained(
            made, tmp_path, "2024-03,mmr,1", "2024-13,mrr,1", "2031-01,mrr,1", "2024-03,mrr,x"
        )
    for said in (
        "theirs.csv:2 unknown metric 'mmr'", "theirs.csv:3 '2024-13' is not a month",
        "theirs.csv:4 month 2031-01 begins after the as-of", "theirs.csv:5 'x' is not a number",
    ):
        assert said in caught.value.message


def test_months_before_the_company_are_named(made: Company, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"2022-05"):
        explained(made, tmp_path, "2022-05,mrr,1")


def test_a_file_without_the_columns_says_which(made: Company, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text("month,mrr\n2024-03,1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no column metric, value"):
        read_figures(path, made.as_of("2024-06-01"))


def test_the_command_prints_each_figure_with_its_cause(made: Company, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(
        "month,metric,value\n2024-03,mrr,263\n2024-04,mrr,223\n", encoding="utf-8"
    )
    found = CliRunner().invoke(
        app,
        ["--project", str(made.folder), "reconcile", "--figures", str(path),
         "--as-of", "2024-06-01"],
    )
    assert found.exit_code == 0
    assert "agrees" in found.stdout
    assert "usage = exclude" in found.stdout
    assert "2 figures: 1 agree, 1 are explained to the last digit, 0 are not." in found.stdout
