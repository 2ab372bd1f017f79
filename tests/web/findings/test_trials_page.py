"""The page at /trials: conversion, time, use and leaving, with the rows behind them."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from staycurve.workspace import Company
from tests.web.findings.asking import follow_every_kind, opened, panel, same, says_what_is_wrong

PATH = "/trials"


def test_its_numbers_are_those_of_python(findings: TestClient, found: Company) -> None:
    told = found.trials.report().as_dict()
    cohorts = panel(findings, PATH, "cohorts")
    assert same(cohorts["rows"], told["rows"])
    assert cohorts["whole"] == told["whole"]
    assert panel(findings, PATH, "cards")["difference"] == told["card_difference"]
    assert same(panel(findings, PATH, "used")["rows"], told["used"]["rows"])
    assert same(panel(findings, PATH, "left")["rows"], told["left"]["rows"])


def test_months_and_cards_open_to_who_converted(findings: TestClient) -> None:
    for name in ("cohorts", "cards"):
        rows = panel(findings, PATH, name)["rows"]
        assert sum(row["converted"] for row in rows) > 30
        for row in rows:
            total = opened(findings, row["rows_at"])["total"]
            assert total["accounts"] == row["converted"]


def test_a_day_opens_to_who_paid_on_it(findings: TestClient, found: Company) -> None:
    rows = panel(findings, PATH, "times")["rows"]
    assert sum(row["accounts"] for row in rows) == found.trials.report().as_dict()["whole"][0][
        "converted"]
    for row in rows:
        assert opened(findings, row["rows_at"])["total"]["accounts"] == row["accounts"]


def test_who_left_can_be_opened(findings: TestClient) -> None:
    rows = panel(findings, PATH, "left")["rows"]
    assert rows
    for row in rows:
        total = opened(findings, row["rows_at"])["total"]
        assert total["accounts"] == row["left"]["count"]


def test_every_kind_of_link_opens(findings: TestClient) -> None:
    assert follow_every_kind(findings, PATH) >= 10


@pytest.mark.parametrize("path", [
    "/trials/accounts?part=fans", "/trials/accounts?card=gold", "/trials/accounts?part=used",
    "/trials/accounts?part=started&within=3", "/trials/accounts?part=left&within=soon",
])
def test_what_cannot_be_read_is_said(findings: TestClient, path: str) -> None:
    assert says_what_is_wrong(findings, path)
