"""The page at /lifecycle: stages, moves and stuck accounts, and the rows behind them."""

from __future__ import annotations

from collections import Counter

import pytest
from fastapi.testclient import TestClient

from staycurve.workspace import Company
from tests.web.findings.asking import follow_every_kind, opened, panel, same, says_what_is_wrong

PATH = "/lifecycle?period=2024-07"


def test_its_numbers_are_those_of_python(findings: TestClient, found: Company) -> None:
    moves = found.lifecycle.transitions(start="2024-07", end="2024-07").as_dict()
    told = panel(findings, PATH, "flow")
    assert same(told["rows"], moves["rows"])
    assert told["stages"] == moves["stages"]
    assert panel(findings, PATH, "times")["rows"] == found.lifecycle.times().as_dict()["rows"]
    assert panel(findings, PATH, "stuck")["rows"] == found.lifecycle.stuck().as_dict()["rows"]
    indicators = found.lifecycle.indicators(period="2024-07").as_dict()["rows"]
    assert same(panel(findings, PATH, "indicators")["rows"], indicators)


def test_a_stage_opens_to_its_accounts(findings: TestClient) -> None:
    rows = [row for row in panel(findings, PATH, "stages")["rows"]
            if row["period"] == "2024-07-01"]
    assert sum(row["accounts"] for row in rows) > 40
    for row in rows:
        total = opened(findings, row["rows_at"])["total"]
        assert total["accounts"] == row["accounts"]
        assert total["mrr"] == pytest.approx(row["mrr"])


def test_a_move_opens_to_who_moved(findings: TestClient) -> None:
    rows = panel(findings, PATH, "flow")["rows"]
    assert rows
    for row in rows:
        assert opened(findings, row["rows_at"])["total"]["rows"] == row["count"]


def test_all_moves_open_from_the_figure(findings: TestClient) -> None:
    figures = {row["figure"]: row["value"] for row in panel(findings, PATH, "figures")["rows"]}
    moves = opened(findings, "/lifecycle/moves?period=2024-07")["total"]["rows"]
    assert figures["moves"] == str(moves)
    stuck = opened(findings, "/lifecycle/stuck")
    assert figures["stuck"] == str(stuck["total"]["rows"])
    by_stage = Counter(row["stage"] for row in stuck["rows"])
    for one in panel(findings, PATH, "stuck")["thresholds"]:
        assert one["stuck"] == by_stage[one["stage"]]


def test_every_kind_of_link_opens(findings: TestClient) -> None:
    assert follow_every_kind(findings, PATH) >= 10


@pytest.mark.parametrize("path", [
    "/lifecycle?period=2024-Q1", "/lifecycle/accounts?stage=limbo",
    "/lifecycle/moves?period=2024-07&before=limbo",
    "/lifecycle/moves?period=2024-07&after=limbo", "/lifecycle/stuck?stage=x",
])
def test_what_cannot_be_read_is_said(findings: TestClient, path: str) -> None:
    assert says_what_is_wrong(findings, path)
